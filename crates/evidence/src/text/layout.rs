//! How the lines of a text lie: newest first, or broken at a width.

use adit_model::now::Wall;

use super::{LONGEST, Lines, clean, decoded, head, prefix};

/// So many lines are looked at.
const SAMPLE: usize = 400;

/// A line with its number.
pub(crate) type Numbered = (u64, Vec<u8>);

/// How the lines lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The newest line comes first, as web interfaces show logs.
    pub(crate) newest_first: bool,
    /// Long lines were broken at this width.
    pub(crate) width: Option<usize>,
}

impl Layout {
    /// Looks at the first lines of a text.
    pub(crate) fn of(text: &[u8], now: Wall) -> Self {
        let (mut earlier, mut later) = (0, 0);
        let mut last = None;
        let mut headed = 0;
        let mut broken: Vec<usize> = Vec::new();
        let mut before: Option<usize> = None;
        for raw in text.split(|b| *b == b'\n').take(SAMPLE) {
            let raw = head(raw);
            let length = raw.trim_ascii_end().len();
            let text = decoded(raw);
            let text = clean(&text);
            let line = prefix(&text, now);
            if let Some(at) = line.at {
                match last {
                    Some(last) if at < last => earlier += 1,
                    Some(last) if at > last => later += 1,
                    _ => {}
                }
                last = Some(at);
            }
            let has_head = line.at.is_some() || begins(&text);
            headed += usize::from(has_head);
            if !has_head && line.program.is_none() && continues(&text) {
                broken.extend(before);
            }
            before = (has_head && BREAKABLE.contains(&length)).then_some(length);
        }
        let width = broken.iter().copied().max().unwrap_or(0);
        // Lines that were broken at one width end close to it; other lines without a time follow lines of any length.
        let close = broken
            .iter()
            .filter(|l| **l + slack(width) >= width)
            .count();
        let is_broken = broken.len() >= 2 && close == broken.len() && close * 6 >= headed;
        Self {
            newest_first: earlier >= 2 && earlier > 2 * later,
            width: is_broken.then_some(width),
        }
    }

    /// Whether the lines lie as they were written.
    pub(crate) fn is_plain(self) -> bool {
        self == Self::default()
    }

    /// The lines as they were written, in the order of time; each with the number of its first line. Also how many
    /// lines there are, and how many weren't read whole.
    pub(crate) fn restore(
        self,
        text: &[u8],
        before: u64,
        now: Wall,
    ) -> (Vec<Numbered>, (u64, u64)) {
        let mut all: Vec<Numbered> = Vec::new();
        // The length of the piece before, as it lies in the text: a line put together is long whatever ended it.
        let mut before_it = 0;
        let mut take = |number: u64, raw: &[u8]| {
            let rest = raw.trim_ascii_end();
            let length = core::mem::replace(&mut before_it, rest.len());
            let continued = self
                .width
                .zip(all.last_mut())
                .filter(|_| is_rest(raw, now))
                .filter(|(width, _)| length + slack(*width) >= *width)
                .filter(|(_, (_, held))| held.len() + 1 + rest.len() <= LONGEST);
            match continued {
                Some((width, (_, held))) => {
                    // A break in the middle of a word leaves a full line.
                    if length < width {
                        held.push(b' ');
                    }
                    held.extend_from_slice(rest);
                }
                None => all.push((number, raw.to_vec())),
            }
        };
        let mut lines = Lines::after(before);
        lines.feed(text, &mut take);
        let counts = lines.finish(&mut take);
        if self.newest_first {
            all.reverse();
        }
        (all, counts)
    }
}

/// A word that didn't fit any more leaves so much room at most.
const SLACK: usize = 16;

/// Widths at which terminals and mail programs break lines.
const BREAKABLE: core::ops::RangeInclusive<usize> = 60..=320;

/// Up to this width programs break between words; a wide terminal does so anywhere, and its lines are full.
const WORDS: usize = 132;

/// How much shorter than the width a broken line can be.
fn slack(width: usize) -> usize {
    if width > WORDS { 0 } else { SLACK }
}

fn is_rest(raw: &[u8], now: Wall) -> bool {
    let text = decoded(raw);
    let text = clean(&text);
    prefix(&text, now).at.is_none() && continues(&text)
}

/// Whether a line without a time begins as lines of daemons do.
fn begins(text: &str) -> bool {
    text.starts_with("packet from ")
        || text.starts_with("| ")
        || (text.starts_with('"') && text.contains("\" #"))
        || (text.starts_with(|c: char| c.is_ascii_digit()) && !continues(text))
}

/// Whether a line without a time can be the rest of the one before: it has no beginning of its own.
pub(crate) fn continues(text: &str) -> bool {
    const BEGINNINGS: [char; 12] = [' ', '\t', '#', '$', '-', '=', '*', '`', '"', '|', '{', '<'];
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let thread = digits.len() < text.len() && digits.starts_with(['[', ' ']) && {
        // `09[IKE]`, `002 "conn"`, `003 ERROR: "conn"`: as the daemons begin; `[ HASH ]` has no digits.
        const WORDS: [&str; 5] = ["[", " \"", " #", " ERROR: ", " FATAL ERROR: "];
        WORDS.iter().any(|word| digits.starts_with(word))
    };
    // An entry of `ip xfrm` begins without a blank, and what belongs to it with some.
    let entry = text.starts_with("src ") && text.contains(" dst ");
    let left_out = text
        .trim_matches(['[', ']', '(', ')', '.', '…', ' '])
        .is_empty();
    !text.is_empty()
        && !entry
        && !left_out
        && !text.starts_with(BEGINNINGS)
        && !text.starts_with("packet from ")
        && !thread
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Wall = Wall(1_795_241_400_000);

    fn restored(text: &str) -> Vec<(u64, String)> {
        let (lines, _) = Layout::of(text.as_bytes(), NOW).restore(text.as_bytes(), 0, NOW);
        lines
            .into_iter()
            .map(|(n, l)| (n, String::from_utf8(l).unwrap()))
            .collect()
    }

    #[test]
    fn the_newest_line_comes_last_again() {
        let text = "06:08:05 c\n06:08:04 b2\n06:08:04 b1\n06:08:01 a\n";
        assert!(Layout::of(text.as_bytes(), NOW).newest_first);
        let lines = restored(text);
        assert_eq!(lines.first().unwrap(), &(4, "06:08:01 a".to_owned()));
        assert_eq!(lines.get(1).unwrap().1, "06:08:04 b1");
        let mixed = format!(
            "{}\n09[IKE] a\n{}\nb\n{}\nc\n",
            "06:08:01 x".repeat(7),
            "06:08:02 y".repeat(8),
            "06:08:03 z".repeat(12)
        );
        for plain in ["06:08:01 a\n06:08:05 b\n06:08:02 c\n", "x\ny\n", "", &mixed] {
            assert!(Layout::of(plain.as_bytes(), NOW).is_plain(), "{plain}");
        }
    }

    #[test]
    fn broken_lines_are_whole_again() {
        let text = "\
2026-11-21T06:08:05+00:00 info []: 05[KNL] unable to add SAD entry with SPI cf22
1b54
2026-11-21T06:08:05+00:00 info []: 05[KNL] received netlink error: No such file
or directory (2)
";
        let lines = restored(text);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].1.ends_with("SPI cf221b54"));
        assert!(lines[1].1.ends_with("No such file or directory (2)"));
        assert_eq!(lines[1].0, 3);
    }

    #[test]
    fn wide_terminals_break_full_lines_only() {
        let head = "Nov 21 06:08:05 gw pluto[77]: \"office\" #3: no local proposal matches remote proposals ";
        let full = format!("{head}{}", "1:ESP:ENCR=AES_CBC_256;".repeat(6));
        let (first, rest) = full.split_at(189);
        let text = format!("{first}\n{rest}\n{first}\n{rest}\n");
        let lines = restored(&text);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].1, full);
        // What somebody left out is the rest of no line.
        let cut = format!("{}\n[...]\n{text}", first.get(..100).unwrap());
        assert_eq!(restored(&cut).len(), 4);
        // Long lines of several lengths, each with something below.
        let text = format!("{first}\n{rest}\n{full}\n{rest}\n");
        assert!(Layout::of(text.as_bytes(), NOW).is_plain());
    }

    #[test]
    fn a_line_of_whack_is_no_rest_of_another() {
        let text = "\
010 \"office\" #1: STATE_MAIN_I1: retransmission; will wait 0.5 seconds for response
003 ERROR: \"office\" #1: sendto on eth0 to 198.51.100.20:500 failed in the event. Errno 22
010 \"office\" #1: STATE_MAIN_I1: retransmission; will wait 1.5 seconds for response
003 ERROR: \"office\" #1: sendto on eth0 to 198.51.100.20:500 failed in the event. Errno 22
";
        assert!(Layout::of(text.as_bytes(), NOW).is_plain());
    }

    const BROKEN: &str = "\
2026-11-21T06:08:05+00:00 info []: 05[KNL] unable to add SAD entry with SPI cf22
1b54
2026-11-21T06:08:05+00:00 info []: 05[KNL] received netlink error: No such file
or directory (2)
";

    #[test]
    fn an_entry_of_the_kernels_list_is_no_rest_of_the_one_before() {
        let row =
            "        enc cbc(des3_ede) 0x6a0414dd357c9df601edcdfb461c73fa428ed41e1e40c6fcaa\n";
        let text =
            format!("{BROKEN}src 192.0.2.4 dst 192.0.2.5\n{row}src 192.0.2.5 dst 192.0.2.4\n{row}");
        let lines = restored(&text);
        let entries = lines.iter().filter(|(_, l)| l.starts_with("src "));
        assert_eq!(entries.count(), 2, "{lines:?}");
    }

    #[test]
    fn what_follows_the_end_of_a_broken_line_is_no_part_of_it() {
        let lines = restored(&format!("{BROKEN}a line of another kind\nand another\n"));
        let bodies: Vec<&str> = lines.iter().skip(2).map(|(_, l)| l.as_str()).collect();
        assert_eq!(bodies, ["a line of another kind", "and another"]);
    }

    #[test]
    fn no_line_put_together_is_longer_than_what_is_read_of_one() {
        let full = format!("{}\n", "x".repeat(80));
        let lines = restored(&format!("{BROKEN}{}", full.repeat(1000)));
        assert!(lines.iter().all(|(_, l)| l.len() <= LONGEST));
        assert!(lines.len() > 5);
    }
}
