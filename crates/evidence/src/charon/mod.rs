//! strongSwan's charon, from 4.x to 6.x, as a log file, in syslog, in the journal, or as `swanctl` prints it.
//!
//! `line` takes off what charon puts before a message (thread, group, IKE SA), `message` makes a statement of the
//! message, `value` and `proposal` read what stands in it, and `story` follows the IKE SAs.

mod config;
mod line;
mod message;
mod proposal;
mod sa;
mod story;
mod value;

pub(crate) use story::Charon;

/// Whether a line has charon's head: a thread and a group. No other program writes one.
pub(crate) fn wrote(body: &str) -> bool {
    line::message(body).group.is_some()
}
