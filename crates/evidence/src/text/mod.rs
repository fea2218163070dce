//! Text as people paste it: lines, the damage done to them, and what stands before the message.

mod clean;
mod layout;
mod lines;
mod prefix;
mod redact;
pub(crate) mod secret_words;
mod split;
mod time;
mod wrapping;

pub(crate) use clean::clean;
pub(crate) use layout::{Layout, continues};
pub(crate) use lines::{LONGEST, Lines, decoded, head};
pub(crate) use prefix::{Line, prefix};
pub(crate) use redact::{redact, redact_with};
pub(crate) use split::{split_at, split_at_pair, split_at_rare};
pub(crate) use time::{leading, moment};
pub(crate) use wrapping::{Unpacked, unpack};
