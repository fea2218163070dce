//! Text as people paste it: lines, the damage done to them, and what stands before the message.

mod clean;
mod lines;
mod prefix;
mod redact;
mod time;

pub(crate) use clean::clean;
pub(crate) use lines::Lines;
pub(crate) use prefix::{Line, prefix};
pub(crate) use redact::{redact, redact_with};
