//! Segments put together: the runs of a gateway, one after the other.

use adit_model::Now;
use adit_model::connection::Connection;
use adit_model::event::Event;
use serde::Serialize;

use super::frame::{self, Damage};
use super::record::Record;

/// A record with where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The segment, by its place in [`Recording::segments`].
    pub segment: usize,
    /// Where in it.
    pub offset: u64,
    /// The record.
    pub record: Record,
}

/// What one gateway did from its start to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// When it started; `None` when the recording doesn't tell.
    pub began: Option<Now>,
    /// Version of the gateway.
    pub version: String,
    /// Whether it ended in order. One that didn't was killed, or is still running.
    pub ended: bool,
    /// Everything else, in the order of writing.
    pub entries: Vec<Entry>,
    number: u64,
}

/// What was read of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentRead {
    /// What its file is called.
    pub name: String,
    /// Records in it.
    pub records: u64,
    /// Places that couldn't be read.
    pub damage: Vec<Damage>,
    /// Records that another version wrote.
    pub unknown: u64,
}

/// A whole recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// The segments, in the order in which they were given.
    pub segments: Vec<SegmentRead>,
    /// The runs, oldest first.
    pub runs: Vec<Run>,
}

impl Recording {
    /// Takes in the next segment: they are given in the order of their numbers.
    pub fn add(&mut self, name: &str, segment: &[u8]) {
        let read = frame::read(segment);
        let index = self.segments.len();
        self.segments.push(SegmentRead {
            name: name.to_owned(),
            records: read.records.len() as u64,
            damage: read.damage,
            unknown: read.unknown,
        });
        for (offset, record) in read.records {
            self.take(Entry {
                segment: index,
                offset,
                record,
            });
        }
    }

    fn take(&mut self, entry: Entry) {
        if let Record::Began { at, run, version } = &entry.record {
            if self.runs.last().is_none_or(|last| last.number != *run) {
                self.runs.push(Run {
                    began: Some(*at),
                    version: version.clone(),
                    number: *run,
                    ..Run::default()
                });
            }
            return;
        }
        if self.runs.is_empty() {
            // Its beginning is damaged.
            self.runs.push(Run::default());
        }
        let Some(run) = self.runs.last_mut() else {
            return;
        };
        match &entry.record {
            Record::Ended { .. } => run.ended = true,
            // Each segment repeats it.
            Record::Configured { connections, .. } if run.configured() == Some(connections) => {}
            _ => run.entries.push(entry),
        }
    }

    /// Every record but beginnings and ends, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.runs.iter().flat_map(|run| &run.entries)
    }

    /// Places that couldn't be read, in all.
    #[must_use]
    pub fn damaged(&self) -> usize {
        self.segments.iter().map(|s| s.damage.len()).sum()
    }

    /// Records that there was no room for, in all.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let lost = self.entries().map(|entry| match &entry.record {
            Record::Lost { records, .. } => *records,
            _ => 0,
        });
        lost.sum()
    }

    /// What was configured last.
    #[must_use]
    pub fn configured(&self) -> Option<&Vec<Connection>> {
        self.runs.iter().rev().find_map(Run::configured)
    }
}

impl Run {
    /// What was configured last in this run.
    #[must_use]
    pub fn configured(&self) -> Option<&Vec<Connection>> {
        self.entries.iter().rev().find_map(|e| match &e.record {
            Record::Configured { connections, .. } => Some(connections),
            _ => None,
        })
    }

    /// The events, each with its number.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = (u64, &Event)> {
        self.entries.iter().filter_map(|e| match &e.record {
            Record::Event { number, event } => Some((*number, &**event)),
            _ => None,
        })
    }
}
