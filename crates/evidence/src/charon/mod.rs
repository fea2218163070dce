//! strongSwan's charon, from 4.x to 6.x, as a log file, in syslog, in the journal, or as `swanctl` prints it.
//!
//! `line` takes off what charon puts before a message (thread, group, IKE SA), `message` makes a statement of the
//! message, `value` and `proposal` read what stands in it, and `story` follows the IKE SAs.

mod asides;
mod candidates;
mod cited;
mod config;
mod leased;
mod line;
mod message;
mod proposal;
mod sa;
mod secrets;
mod story;
mod value;

pub(crate) use story::Charon;

/// What became of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    /// It is charon's, understood or not.
    pub(crate) taken: bool,
    /// It has charon's head: a thread and a group. No other program writes one.
    pub(crate) wrote: bool,
}

/// Whether a sentence cites a message of charon's that names an error.
pub(crate) fn cites(sentence: &str) -> bool {
    cited::cited(sentence).is_some()
}

/// Hands on the lines in a line whose line breaks were lost. A time belongs to the message after it.
pub(crate) fn apart<'a>(
    text: &'a str,
    is_time: impl Fn(&str) -> bool,
    mut each: impl FnMut(&'a str),
) {
    const FAR: usize = 96;
    let mut from = 0;
    let mut heads = line::heads(text);
    let first = heads.next();
    if first.is_none() {
        for begin in line::sentences(text) {
            text.get(from..begin).into_iter().for_each(&mut each);
            from = begin;
        }
    }
    let mut before = first.unwrap_or_default();
    for head in heads {
        // What stands before the last head is its own time.
        let near = head.saturating_sub(FAR).max(from + 1).max(before + 1);
        before = head;
        let time = (near..head).find(|at| {
            let begins = at.checked_sub(1).and_then(|b| text.as_bytes().get(b)) == Some(&b' ');
            begins
                && text.get(*at..head).is_some_and(|until| {
                    // `(valid from … to Nov 21 10:00:00 2027) 09[IKE]`: a time within a message closes what it opened.
                    let own = until.find(')') < until.find('(').or(Some(usize::MAX))
                        && until.contains(')');
                    !own && may_begin_a_time(until) && is_time(until)
                })
        });
        let cut = time.unwrap_or(head);
        text.get(from..cut).into_iter().for_each(&mut each);
        from = cut;
    }
    text.get(from..).into_iter().for_each(each);
}

/// Whether a time may begin with the first word: a number, a month or a day. What reads times passes over a word before them.
fn may_begin_a_time(text: &str) -> bool {
    match text.as_bytes() {
        [b'0'..=b'9' | b'<' | b'[', ..] => true,
        [a, b, c, d, ..] => {
            a.is_ascii_uppercase()
                && b.is_ascii_lowercase()
                && c.is_ascii_lowercase()
                && !d.is_ascii_alphabetic()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use adit_model::now::Wall;

    #[test]
    fn lines_without_their_breaks_come_apart_before_their_times() {
        let text = "Oct  1 10:00:01 gw charon: 05[IKE] mode requested by responder is unacceptable \
                    Oct  1 10:00:02 gw charon: 05[CFG] invalid (valid from Jan 01 10:00:00 2019 to Jan 01 10:00:00 2021) \
                    Oct  1 10:00:03 gw charon: 05[IKE] failed";
        let mut lines = Vec::new();
        let is_time = |t: &str| crate::text::leading(t, Wall(1_795_305_600_000)).is_some();
        super::apart(text, is_time, |line| lines.push(line));
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines.iter().all(|l| l.starts_with("Oct  1")));
        assert!(lines.iter().any(|l| l.trim_end().ends_with("unacceptable")));
        assert!(lines.iter().any(|l| l.trim_end().ends_with("2021)")));
    }
}
