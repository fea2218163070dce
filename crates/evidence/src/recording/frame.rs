//! Frames: `SYNC`, length, checksum, one record as JSON. Numbers are big-endian.
//!
//! Two of the octets of `SYNC` never stand beside each other in JSON, so behind a damaged place the next frame is
//! found by looking for it, and believed only when its checksum holds.

use zeroize::Zeroize as _;

use super::checksum;
use super::record::Record;

/// What a segment begins with.
pub const MAGIC: &[u8; 8] = b"ADITFLT1";

const SYNC: [u8; 4] = [0xad, 0x17, 0xf1, 0x1e];
/// Sync, length, checksum.
const HEAD: usize = 12;
/// Longest record in octets; no IKE message and no configuration comes near.
const LONGEST: usize = 4 << 20;
/// Octets of a record of one line: names of fields, times, and the head of its frame.
const AROUND: usize = 512;
/// Octets of frames with wrong checksums that are looked at in one segment. Honest damage is one place or two.
const MOST_TRIED: usize = 32 << 20;

/// Where octets couldn't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Damage {
    /// Offset in the segment.
    pub offset: u64,
    /// How many octets were passed over.
    pub octets: u64,
    /// Nothing that can be read follows: the segment was being written when its writer was killed.
    pub tail: bool,
}

/// What a segment holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    /// The records, each with its offset.
    pub records: Vec<(u64, Record)>,
    /// What couldn't be read.
    pub damage: Vec<Damage>,
    /// Whole records of a kind that isn't known here: another version wrote them.
    pub unknown: u64,
}

/// Whether a file begins as a segment does.
#[must_use]
pub fn starts_as_segment(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Appends a record as a frame. Says whether it did: a record of more than four megabytes isn't written.
/// Of keys nothing stays but in `out`, if that has room for them ([`room_of`]).
pub fn emit(record: &Record, out: &mut Vec<u8>) -> bool {
    let mut text = Vec::with_capacity(room_of(record));
    let fits = serde_json::to_writer(&mut text, record).is_ok() && framed(&text, out);
    if matches!(record, Record::Keys { .. }) {
        text.zeroize();
    }
    fits
}

/// Octets that the frame of a record takes at most, for records with keys; a guess for others. Memory that is asked for
/// before needn't be moved, which leaves what was there behind.
#[must_use]
pub fn room_of(record: &Record) -> usize {
    match record {
        // Every character escaped with another, and what stands around it.
        Record::Keys { line, .. } => 2 * line.expose().len() + AROUND,
        _ => AROUND,
    }
}

fn framed(text: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(length) = u32::try_from(text.len())
        .ok()
        .filter(|_| text.len() <= LONGEST)
    else {
        return false;
    };
    out.extend_from_slice(&SYNC);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&checksum::of(text).to_be_bytes());
    out.extend_from_slice(text);
    true
}

/// Reads a segment, whatever has become of it.
#[must_use]
pub fn read(segment: &[u8]) -> Read {
    let mut out = Read::default();
    let mut at = if starts_as_segment(segment) {
        MAGIC.len()
    } else {
        0
    };
    let mut tried = 0;
    while at < segment.len() {
        if let Some(text) = frame(segment, at, &mut tried) {
            match serde_json::from_slice(text) {
                Ok(record) => out.records.push((at as u64, record)),
                Err(_) => out.unknown += 1,
            }
            at += HEAD + text.len();
            continue;
        }
        let next = next_frame(segment, at + 1, &mut tried);
        out.damage.push(Damage {
            offset: at as u64,
            octets: (next.unwrap_or(segment.len()) - at) as u64,
            tail: next.is_none(),
        });
        at = next.unwrap_or(segment.len());
    }
    out
}

/// Octets of what a segment begins with: its mark, how the run began, and what was configured then.
#[must_use]
pub fn head_length(segment: &[u8]) -> usize {
    if !starts_as_segment(segment) {
        return 0;
    }
    let (mut at, mut tried) = (MAGIC.len(), 0);
    while let Some(text) = frame(segment, at, &mut tried) {
        match serde_json::from_slice(text) {
            Ok(Record::Began { .. } | Record::Configured { .. }) => at += HEAD + text.len(),
            _ => break,
        }
    }
    at
}

/// Longest that [`head_length`] is of a segment as it is written: two records.
pub const LONGEST_HEAD: usize = MAGIC.len() + 2 * (HEAD + LONGEST);

/// Where the first whole frame of a part of a segment begins; its end if there is none.
#[must_use]
pub fn first_frame(part: &[u8]) -> usize {
    next_frame(part, 0, &mut 0).unwrap_or(part.len())
}

/// The record in the frame at `at`, if there is a whole one.
fn frame<'a>(segment: &'a [u8], at: usize, tried: &mut usize) -> Option<&'a [u8]> {
    let rest = segment.get(at..)?;
    let (sync, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    if *sync != SYNC || length > LONGEST || *tried > MOST_TRIED {
        return None;
    }
    let text = rest.get(..length)?;
    if checksum::of(text) == u32::from_be_bytes(*sum) {
        return Some(text);
    }
    *tried += length;
    None
}

fn next_frame(segment: &[u8], from: usize, tried: &mut usize) -> Option<usize> {
    let rest = segment.get(from..)?;
    memchr::memmem::find_iter(rest, &SYNC)
        .map(|found| from + found)
        .find(|at| frame(segment, *at, tried).is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::key_line::KeyLine;
    use super::*;
    use adit_model::Now;

    fn records() -> Vec<Record> {
        (0..5)
            .map(|n| Record::Lost {
                at: Now::default(),
                records: n,
                why: "a test".to_owned(),
            })
            .collect()
    }

    fn segment(records: &[Record]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        records.iter().for_each(|r| assert!(emit(r, &mut out)));
        out
    }

    fn numbers(read: &Read) -> Vec<u64> {
        let number = |r: &Record| match r {
            Record::Lost { records, .. } => *records,
            other => panic!("{other:?}"),
        };
        read.records.iter().map(|(_, r)| number(r)).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let segment = segment(&records());
        let read = read(&segment);
        assert_eq!(numbers(&read), [0, 1, 2, 3, 4]);
        assert!(read.damage.is_empty());
    }

    #[test]
    fn a_head_ends_before_what_happened_and_a_part_begins_with_a_whole_frame() {
        let began = Record::Began {
            at: Now::default(),
            run: 1,
            version: String::new(),
        };
        let configured = Record::Configured {
            at: Now::default(),
            connections: Vec::new(),
        };
        let head = segment(&[began.clone(), configured.clone()]);
        let whole = segment(&[vec![began, configured], records()].concat());
        assert_eq!(head_length(&whole), head.len());
        assert!(head.len() <= LONGEST_HEAD);
        assert_eq!(head_length(&head), head.len());
        assert_eq!(head_length(b"something else"), 0);
        let torn = &whole[head.len() + 5..];
        let rest = &torn[first_frame(torn)..];
        assert_eq!(numbers(&read(rest)), [1, 2, 3, 4]);
        assert_eq!(first_frame(&torn[..3]), 3);
    }

    /// Keys are written without any buffer that would have to grow, and so be left behind.
    #[test]
    fn keys_find_the_room_that_was_asked_for() {
        let line = "0011223344556677,8899aabbccddeeff,\"\\\"\\\"".repeat(20);
        let record = Record::Keys {
            at: Now::default(),
            line: KeyLine::new(line.into()),
        };
        let mut out = Vec::with_capacity(room_of(&record));
        let (before, room) = (out.as_ptr(), out.capacity());
        assert!(emit(&record, &mut out));
        assert_eq!((out.as_ptr(), out.capacity()), (before, room));
        assert_eq!(read(&out).records, [(0, record.clone())]);
        assert!(!format!("{record:?}").contains("0011"), "{record:?}");
    }

    /// Whoever is killed while writing leaves any part of the last frame.
    #[test]
    fn a_torn_tail_costs_the_last_record_alone() {
        let whole = segment(&records());
        let last = read(&whole).records.last().unwrap().0 as usize;
        for end in last + 1..whole.len() {
            let read = read(&whole[..end]);
            assert_eq!(numbers(&read), [0, 1, 2, 3], "cut at {end}");
            let damage = Damage {
                offset: last as u64,
                octets: (end - last) as u64,
                tail: true,
            };
            assert_eq!(read.damage, [damage]);
        }
    }

    #[test]
    fn any_damaged_octet_costs_the_record_that_it_is_in() {
        let whole = segment(&records());
        let offsets: Vec<usize> = read(&whole)
            .records
            .iter()
            .map(|(at, _)| *at as usize)
            .collect();
        for at in MAGIC.len()..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            let read = read(&damaged);
            let hit = offsets.iter().rposition(|offset| *offset <= at).unwrap();
            let kept: Vec<u64> = (0..5).filter(|n| *n != hit as u64).collect();
            assert_eq!(numbers(&read), kept, "octet {at}");
            assert_eq!(read.damage.len(), 1);
            assert_eq!(read.damage[0].tail, hit == 4);
        }
    }

    #[test]
    fn a_hole_of_zeros_and_a_lost_beginning_are_passed_over() {
        let whole = segment(&records());
        let mut holed = whole.clone();
        let third = read(&whole).records[2].0 as usize;
        holed.splice(third..third, [0; 1000]);
        assert_eq!(numbers(&read(&holed)), [0, 1, 2, 3, 4]);
        let second = read(&whole).records[1].0 as usize;
        assert_eq!(numbers(&read(&whole[second + 3..])), [2, 3, 4]);
    }

    #[test]
    fn what_another_version_wrote_is_counted() {
        let mut segment = segment(&records());
        let text = br#"{"record":"dream","of":"sheep"}"#;
        segment.extend_from_slice(&SYNC);
        segment.extend_from_slice(&(text.len() as u32).to_be_bytes());
        segment.extend_from_slice(&checksum::of(text).to_be_bytes());
        segment.extend_from_slice(text);
        let read = read(&segment);
        assert_eq!((read.records.len(), read.unknown), (5, 1));
        assert!(read.damage.is_empty());
    }

    /// A file made to keep its reader busy: every octet might begin a frame of many octets.
    #[test]
    fn a_hostile_segment_is_read_in_bounded_time() {
        let head: Vec<u8> = [&SYNC[..], &(1u32 << 20).to_be_bytes(), &[0; 4]].concat();
        let segment: Vec<u8> = head.iter().copied().cycle().take(8 << 20).collect();
        let read = read(&segment);
        assert!(read.records.is_empty());
        assert_eq!(read.damage.len(), 1);
    }
}
