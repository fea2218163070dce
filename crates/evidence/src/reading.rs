//! From bytes to facts: the frame that every reader of text hangs in.

use core::fmt;

use adit_model::fact::{Fact, Side, Source};
use adit_model::now::Wall;

use crate::charon::Charon;
use crate::phrase::Phrases;
use crate::text::{Lines, clean, prefix, redact};

/// A product whose words are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Product {
    /// The IKE daemon of strongSwan, of VyOS and of several vendors.
    Charon,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Product::Charon => "strongSwan (charon) log",
        })
    }
}

/// What was recognised in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Whose words they are.
    pub product: Product,
    /// How many lines are this product's, understood or not.
    pub lines: u64,
}

/// What a file tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Whose evidence it is.
    pub side: Side,
    /// The facts, in the order of the lines.
    pub facts: Vec<Fact>,
    /// Whose words were found. Empty when nothing in the file is known.
    pub recognised: Vec<Recognised>,
    /// What a person should know about the reading: lines that were cut, values that weren't understood.
    pub notes: Vec<String>,
    /// Lines in all.
    pub lines: u64,
    /// First and last time for which the log is complete enough that silence counts: it shows the daemon's packets, or
    /// its start. `None` when it doesn't, or when it has no times.
    pub window: Option<(Wall, Wall)>,
}

/// Reads bytes that are already in memory. `now` completes times without a year; times without a zone are taken as UTC.
#[must_use]
pub fn read(name: &str, side: Side, bytes: &[u8], now: Wall) -> Reading {
    let mut reader = Reader::new(name, side, now);
    reader.feed(bytes);
    reader.finish()
}

/// Reads a text piece by piece. Only the line that isn't whole yet is kept.
#[derive(Debug)]
pub struct Reader {
    name: String,
    side: Side,
    now: Wall,
    lines: Lines,
    readers: Readers,
}

/// The readers that every line is shown to.
#[derive(Debug, Default)]
struct Readers {
    charon: Charon,
    phrases: Phrases,
}

/// Where a statement stands and how it is quoted.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) source: Source,
    pub(crate) at: Option<Wall>,
    pub(crate) side: Side,
}

impl Reader {
    /// A reader of the evidence called `name`, which `side` wrote.
    #[must_use]
    pub fn new(name: &str, side: Side, now: Wall) -> Self {
        Self {
            name: name.to_owned(),
            side,
            now,
            lines: Lines::default(),
            readers: Readers::default(),
        }
    }

    /// The next piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Self {
            name,
            side,
            now,
            lines,
            readers,
        } = self;
        lines.feed(bytes, |number, raw| {
            line(name, *side, *now, readers, number, raw);
        });
    }

    /// What all of it tells.
    #[must_use]
    pub fn finish(self) -> Reading {
        let Self {
            name,
            side,
            now,
            lines,
            mut readers,
        } = self;
        let (count, cut) = lines.finish(|number, raw| {
            line(&name, side, now, &mut readers, number, raw);
        });
        let mut reading = Reading {
            side,
            facts: Vec::new(),
            recognised: Vec::new(),
            notes: Vec::new(),
            lines: count,
            window: None,
        };
        if cut > 0 {
            reading
                .notes
                .push(format!("{cut} very long lines were read in part"));
        }
        readers.charon.finish(&mut reading);
        reading.facts.extend(readers.phrases.finish());
        // Readers tell what they heard one after the other; the lines' order is the order of things.
        reading.facts.sort_by_key(|f| f.source.line);
        reading
    }
}

fn line(name: &str, side: Side, now: Wall, readers: &mut Readers, number: u64, raw: &[u8]) {
    let text = String::from_utf8_lossy(raw);
    let text = clean(&text);
    let line = prefix(&text, now);
    let place = || Place {
        source: Source {
            name: name.to_owned(),
            line: Some(number),
            text: redact(text.trim()),
        },
        at: line.at,
        side,
    };
    readers.charon.line(&line, place);
    readers.phrases.line(&line, place);
}
