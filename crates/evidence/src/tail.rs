//! The end of a text of any size.
//!
//! What a verdict is about stands at a log's end: the latest attempt, and what led to it. So the end is read line by
//! line, and what lies before it is only searched for sentences that tell something by themselves. Memory stays the
//! same however long the log is.

/// So much of the end is read line by line, and up to twice as much.
const KEPT: usize = 4 << 20;

/// Holds the end of a stream and passes on what lies before it.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// What is passed on next, once it is too old.
    next: Vec<u8>,
    /// What came after it.
    held: Vec<u8>,
}

impl Tail {
    /// The next piece. What is too old goes to `before`, in whole lines unless a line is longer than what is held.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut before: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let room = (2 * KEPT).saturating_sub(self.next.len() + self.held.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.held.extend_from_slice(now);
            bytes = later;
            if self.next.len() + self.held.len() < 2 * KEPT {
                continue;
            }
            if self.next.is_empty() {
                self.cut();
            }
            before(&self.next);
            self.cut();
        }
    }

    /// Makes the beginning of what is held the next to be passed on.
    fn cut(&mut self) {
        let old = self.held.get(..KEPT).unwrap_or_default();
        let cut = memchr::memrchr(b'\n', old).map_or(KEPT, |at| at + 1);
        core::mem::swap(&mut self.next, &mut self.held);
        self.held.clear();
        self.held
            .extend_from_slice(self.next.get(cut..).unwrap_or_default());
        self.next.truncate(cut);
    }

    /// The end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.next.append(&mut self.held);
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_all_end() {
        let mut tail = Tail::default();
        tail.feed(b"one\ntwo", |_| panic!("nothing is old"));
        assert_eq!(tail.finish(), b"one\ntwo");
    }

    #[test]
    fn nothing_is_lost_and_lines_stay_whole() {
        let line = [b"x".repeat(99), b"\n".to_vec()].concat();
        let text = line.repeat(3 * KEPT / 100 * 2);
        let mut tail = Tail::default();
        let mut before = Vec::new();
        for piece in text.chunks(70_001) {
            tail.feed(piece, |old| {
                assert!(old.ends_with(b"\n"));
                before.extend_from_slice(old);
            });
        }
        let end = tail.finish();
        assert!(end.len() >= KEPT && end.len() <= 2 * KEPT);
        assert_eq!(before.len() + end.len(), text.len());
    }

    #[test]
    fn a_line_longer_than_the_end_passes_in_pieces() {
        let mut tail = Tail::default();
        let mut before = 0;
        tail.feed(&vec![b'x'; 5 * KEPT], |old| before += old.len());
        assert_eq!(before + tail.finish().len(), 5 * KEPT);
    }
}
