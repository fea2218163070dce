//! Which lines of a text, of which there may be any number, can hold a sentence of the tables.

use adit_model::sign::Sign;

use super::INDEX;
use crate::text::{LONGEST, head};

/// A line that may hold a sentence of the tables.
#[derive(Debug)]
pub(crate) struct Telling<'t> {
    /// The lines before it.
    pub(crate) before: u64,
    /// The line; of one that is longer than what is read of a line, what is around the words.
    pub(crate) raw: &'t [u8],
    /// The sentences of which it holds words.
    sentences: Vec<usize>,
}

impl Telling<'_> {
    /// What it may say.
    pub(super) fn signs(&self) -> impl Iterator<Item = Sign> {
        let phrases = self
            .sentences
            .iter()
            .filter_map(|at| INDEX.phrases.get(*at));
        phrases.map(|(phrase, _)| phrase.sign)
    }

    /// Leaves out the sentences that don't fit `searched` and aren't `wanted` for another reason.
    pub(super) fn retain(&mut self, searched: &str, wanted: impl Fn(Sign) -> bool) {
        self.sentences.retain(|at| {
            INDEX.phrases.get(*at).is_some_and(|(phrase, shape)| {
                wanted(phrase.sign) || shape.find(searched).is_some()
            })
        });
    }

    /// Whether what is searched is also what is heard: nothing in the line has to be undone.
    pub(super) fn plain(&self) -> bool {
        self.raw
            .iter()
            .all(|b| (0x20..0x7f).contains(b) && !matches!(b, b'\\' | b'&'))
    }
}

/// So much of a text is searched at a time: it stays in the processor's caches for all that is done to it.
const PIECE: usize = 1 << 16;

/// Tells the lines of `text` that may hold a sentence, each also in the form in which it was searched. Returns how many
/// lines there are in all.
pub(crate) fn telling<'t>(mut text: &'t [u8], mut each: impl FnMut(Telling<'t>, &[u8])) -> u64 {
    let mut lines = 0;
    let mut room = Vec::new();
    while !text.is_empty() {
        let near = text.get(..PIECE).unwrap_or(text);
        let cut = match memchr::memrchr(b'\n', near) {
            _ if near.len() == text.len() => text.len(),
            Some(at) => at + 1,
            None => memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1),
        };
        let (piece, later) = text.split_at(cut);
        text = later;
        let squeezed = squeezed(piece, &mut room);
        in_piece(piece, squeezed, |line, searched| {
            let before = lines + line.before;
            each(Telling { before, ..line }, searched);
        });
        lines += memchr::memchr_iter(b'\n', piece).count() as u64;
    }
    lines
}

/// Tells the lines of a piece that hold words in `squeezed`, which has the same lines.
fn in_piece<'t>(
    mut piece: &'t [u8],
    mut squeezed: &[u8],
    mut each: impl FnMut(Telling<'t>, &[u8]),
) {
    let finder = &INDEX.finder;
    let mut before = 0;
    while let Some(start) = finder.find(squeezed) {
        let passed = squeezed.get(..start).unwrap_or_default();
        let begin = memchr::memrchr(b'\n', passed).map_or(0, |at| at + 1);
        let count = memchr::memchr_iter(b'\n', passed).count();
        piece = after_breaks(piece, count, begin);
        before += count as u64;
        let (searched, later) = line_of(squeezed.get(begin..).unwrap_or_default());
        let (raw, rest) = line_of(piece);
        // Of a line that is longer than what is read of one, what is around the words.
        let from = if raw.len() > LONGEST {
            let start = finder.find(raw).unwrap_or_default();
            start.saturating_sub(LONGEST / 2)
        } else {
            0
        };
        let line = Telling {
            before,
            raw: head(raw.get(from..).unwrap_or_default()),
            sentences: finder.sentences(searched),
        };
        each(line, searched);
        (piece, squeezed) = (rest, later);
        before += 1;
    }
}

/// The first line and what follows it.
fn line_of(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let (line, rest) = text.split_at(end);
    (line, rest.get(1..).unwrap_or_default())
}

/// What follows so many line breaks, of which the last isn't before `least`.
fn after_breaks(text: &[u8], count: usize, least: usize) -> &[u8] {
    let Some(last) = count.checked_sub(1) else {
        return text;
    };
    let near = least.saturating_sub(1);
    let passed = memchr::memchr_iter(b'\n', text.get(..near).unwrap_or_default()).count();
    let rest = text.get(near..).unwrap_or_default();
    let at = memchr::memchr_iter(b'\n', rest).nth(last.saturating_sub(passed));
    at.and_then(|at| rest.get(at + 1..)).unwrap_or_default()
}

/// The lines with one blank where they have several, in `room` if need be: so they will be heard.
fn squeezed<'t>(text: &'t [u8], room: &'t mut Vec<u8>) -> &'t [u8] {
    let tabs = memchr::memchr(b'\t', text).is_some();
    if !tabs && memchr::memmem::find(text, b"  ").is_none() {
        return text;
    }
    room.clear();
    if tabs {
        let mut last = 0;
        for byte in text {
            let byte = if *byte == b'\t' { b' ' } else { *byte };
            if (last, byte) != (b' ', b' ') {
                room.push(byte);
            }
            last = byte;
        }
        return room;
    }
    let mut at = 0;
    for blanks in memchr::memmem::find_iter(text, b"  ") {
        if blanks < at {
            continue;
        }
        let (words, rest) = text.split_at(blanks + 1);
        room.extend_from_slice(words.get(at..).unwrap_or_default());
        at = blanks + 1 + rest.iter().take_while(|b| **b == b' ').count();
    }
    room.extend_from_slice(text.get(at..).unwrap_or_default());
    room
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(text: &str) -> Vec<(u64, String)> {
        let mut told = Vec::new();
        telling(text.as_bytes(), |line, _| {
            let raw = String::from_utf8(line.raw.to_vec()).unwrap();
            told.push((line.before, raw));
        });
        told
    }

    const WORDS: &str = "no shared key found for 'a' - 'b'";

    #[test]
    fn a_line_of_any_size_is_heard_around_the_words_and_once() {
        let far = "x".repeat(1 << 20);
        let text = format!("one\n{far} {WORDS} {far} {WORDS}\n{WORDS}\n");
        let heard: Vec<(u64, usize)> = told(&text)
            .into_iter()
            .map(|(before, raw)| {
                assert!(raw.contains(WORDS));
                (before, raw.len())
            })
            .collect();
        assert_eq!(heard, [(1, LONGEST), (2, WORDS.len())]);
    }

    #[test]
    fn blanks_and_their_number_don_t_matter_and_lines_stay_as_they_are() {
        let table = WORDS.replace(' ', "    ");
        let tabs = WORDS.replace(' ', " \t");
        let other = "09[IKE]   nothing\n".repeat(9000);
        let text = format!("{other}a  b\n{table}\n\n{other}\t\n{tabs}\n{other}{WORDS}");
        assert_eq!(
            told(&text),
            [(9001, table), (18_004, tabs), (27_005, WORDS.to_owned())]
        );
    }

    #[test]
    fn runs_of_blanks_become_one() {
        let mut room = Vec::new();
        for (text, want) in [
            ("a b", "a b"),
            ("a  b   c    d     ", "a b c d "),
            ("  a \n  b", " a \n b"),
            ("a\tb \t c", "a b c"),
        ] {
            assert_eq!(squeezed(text.as_bytes(), &mut room), want.as_bytes());
        }
    }
}
