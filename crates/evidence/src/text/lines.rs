//! Lines out of pieces.

use std::borrow::Cow;

/// More of a line isn't read: no message that we know is longer, and a file may be a single line of any size.
pub(crate) const LONGEST: usize = 16 * 1024;

/// What is read of a line.
pub(crate) fn head(line: &[u8]) -> &[u8] {
    line.get(..LONGEST).unwrap_or(line)
}

/// What is read of a line, as text. Most lines are, and then nothing is copied.
pub(crate) fn decoded(line: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(line),
    }
}

/// Cuts pieces into lines. Holds the line that isn't whole yet, and no more of it than is read.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    carry: Vec<u8>,
    /// The carried line is longer than what is kept of it.
    over: bool,
    count: u64,
    cut: u64,
}

impl Lines {
    /// Lines of a text of which `before` lines have passed.
    pub(crate) fn after(before: u64) -> Self {
        Self {
            count: before,
            ..Self::default()
        }
    }

    /// Hands each whole line to `each`, with its number from 1 and without its line break.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(u64, &[u8])) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.carry.is_empty() && line.len() <= LONGEST {
                self.count += 1;
                each(self.count, line);
            } else {
                self.keep(line);
                self.flush(&mut each);
            }
        }
        if !bytes.is_empty() {
            self.keep(bytes);
        }
    }

    /// The last line, when no line break ends it. Returns how many lines there were and how many weren't read whole.
    pub(crate) fn finish(mut self, mut each: impl FnMut(u64, &[u8])) -> (u64, u64) {
        if !self.carry.is_empty() {
            self.flush(&mut each);
        }
        (self.count, self.cut)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.carry.len());
        self.over |= bytes.len() > room;
        self.carry
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn flush(&mut self, each: &mut impl FnMut(u64, &[u8])) {
        self.count += 1;
        self.cut += u64::from(self.over);
        each(self.count, &self.carry);
        self.carry.clear();
        self.over = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, (u64, u64)) {
        let mut out = Vec::new();
        let mut lines = Lines::default();
        for piece in pieces {
            lines.feed(piece, |n, l| {
                out.push(l.to_vec());
                assert_eq!(n, out.len() as u64);
            });
        }
        let end = lines.finish(|_, l| out.push(l.to_vec()));
        (out, end)
    }

    #[test]
    fn pieces_of_any_size_make_the_same_lines() {
        let text = b"one\r\n\ntwo\nthree";
        let (whole, end) = all(&[text]);
        assert_eq!(end, (4, 0));
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(all(&bytes).0, whole);
    }

    #[test]
    fn a_line_of_any_size_costs_no_memory() {
        let big = vec![b'x'; 1 << 20];
        let (lines, (count, cut)) = all(&[&big, &big, b"\nend\n"]);
        assert_eq!((count, cut), (2, 1));
        assert_eq!(lines[0].len(), LONGEST);
        assert_eq!(lines[1], b"end");
    }
}
