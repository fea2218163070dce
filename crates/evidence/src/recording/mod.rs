//! The flight recorder's files: what a gateway of ours did in its last hours, written as it happened.
//!
//! A recording is a folder of segments. Each segment begins with [`MAGIC`] and goes on with frames (`frame`): a length, a
//! checksum and one [`Record`]. A gateway that is killed leaves a frame half written at most; a disk that forgets leaves
//! holes. Reading skips what is damaged, says how much that was, and goes on behind it.
//!
//! Each segment repeats how its run began and what was configured, so it can be read without those before it, which the
//! ring may have taken away.
//!
//! [`Recording`] puts segments together into [`Run`]s. From there it becomes what everything else already reads: the
//! ladder of a capture ([`Recording::ladder`]), the case of a tunnel ([`Recording::case`]), a capture file
//! ([`Recording::pcapng`]).

mod case;
mod checksum;
mod frame;
mod key_line;
mod ladder;
mod pcapng;
mod record;
mod run;

pub use case::Past;
pub use frame::{
    Damage, LONGEST_HEAD, MAGIC, Read, emit, first_frame, head_length, read, room_of,
    starts_as_segment,
};
pub use key_line::KeyLine;
pub use pcapng::Contents;
pub use record::{ChildSample, Record};
pub use run::{Entry, Recording, Run, SegmentRead};

/// How a segment's file is named: in the order of writing, also after a restart.
#[must_use]
pub fn segment_name(number: u64) -> String {
    format!("flight-{number:08}.rec")
}

/// The number of a segment by its file's name.
#[must_use]
pub fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("flight-")?.strip_suffix(".rec")?;
    digits.parse().ok().filter(|n| segment_name(*n) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_known_by_their_names() {
        assert_eq!(segment_number(&segment_name(7)), Some(7));
        assert_eq!(
            segment_number(&segment_name(123_456_789)),
            Some(123_456_789)
        );
        for name in [
            "flight-7.rec",
            "flight-00000007.rec~",
            "flight-.rec",
            "lock",
        ] {
            assert_eq!(segment_number(name), None, "{name}");
        }
    }
}
