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
    if heads.next().is_none() {
        for begin in line::sentences(text) {
            text.get(from..begin).into_iter().for_each(&mut each);
            from = begin;
        }
    }
    for head in heads {
        let near = head.saturating_sub(FAR).max(from + 1);
        let time = (near..head).find(|at| {
            let begins = at.checked_sub(1).and_then(|b| text.as_bytes().get(b)) == Some(&b' ');
            begins && text.get(*at..head).is_some_and(&is_time)
        });
        let cut = time.unwrap_or(head);
        text.get(from..cut).into_iter().for_each(&mut each);
        from = cut;
    }
    text.get(from..).into_iter().for_each(each);
}
