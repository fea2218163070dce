//! Messages that a person's text, or the program that it was pasted from, tears: it begins at the end of one line and goes on
//! in the next.

use super::is_prose;
use crate::text::{Line, continues};

/// So much of either line is looked at, and so many lines are.
const MOST: usize = 240;
const LINES: usize = 400;
/// So many of a log's, and a shorter one isn't broken.
const WRITTEN: usize = 2_000;
const SHORTEST: usize = 24;

/// Remembers the line before.
#[derive(Debug, Default)]
pub(crate) struct Torn {
    last: String,
    /// The line before is a log's.
    written: bool,
    seen: usize,
    logged: usize,
}

/// Two lines, and what they make together.
#[derive(Debug)]
pub(crate) struct Joined {
    /// The end of the first and the beginning of the second.
    pub(crate) text: String,
    /// Where the second begins in it.
    at: usize,
    /// A log wrote it: it may have been broken within a word.
    written: bool,
}

impl Joined {
    /// The first part.
    pub(crate) fn first(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default().trim_end()
    }

    /// Both parts as one word, where what broke them looks at no words.
    pub(crate) fn within_a_word(&self) -> Option<Self> {
        self.written.then(|| Self {
            text: [self.first(), self.second()].concat(),
            at: self.first().len(),
            written: false,
        })
    }

    /// The second part.
    pub(crate) fn second(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

impl Torn {
    /// The next line, joined to the one before where that is a person's and ended within a sentence, or is a log's and the
    /// next one has no beginning of its own.
    pub(crate) fn line(&mut self, line: &Line<'_>) -> Option<Joined> {
        if self.seen >= LINES {
            return None;
        }
        let headed = line.at.is_some() || line.program.is_some();
        let text = line.body.trim();
        let begins =
            text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '\'' | '`' | '"' | '['));
        let goes_on = !self.written || (continues(text) && !text.starts_with('['));
        let joined = (!headed && begins && goes_on && !self.last.is_empty()).then(|| {
            let mut joined = core::mem::take(&mut self.last);
            joined.push(' ');
            let at = joined.len();
            joined.push_str(head(text));
            let written = self.written;
            Joined {
                text: joined,
                at,
                written,
            }
        });
        if headed {
            self.log(line);
            return joined;
        }
        self.last.clear();
        self.written = false;
        if is_prose(text, joined.is_some()) && !text.ends_with(['.', '!', '?', ':', ';']) {
            self.seen += 1;
            self.remember(text);
        }
        joined
    }

    /// The next line, which a log wrote.
    pub(crate) fn log(&mut self, line: &Line<'_>) {
        self.last.clear();
        self.written = true;
        let text = line.body.trim();
        if self.logged < WRITTEN && text.len() >= SHORTEST {
            self.logged += 1;
            self.remember(text);
        }
    }

    fn remember(&mut self, text: &str) {
        let from = text.char_indices().rev().nth(MOST).map_or(0, |(at, _)| at);
        self.last.push_str(text.get(from..).unwrap_or_default());
    }
}

fn head(text: &str) -> &str {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn refused(text: &str) -> usize {
        let reading = read(
            "mail",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_305_600_000),
        );
        reading
            .facts
            .iter()
            .filter(|f| {
                matches!(
                    f.what,
                    Known::Happened { .. }
                        | Known::Sign {
                            sign: Sign::PskNotFound,
                            ..
                        }
                )
            })
            .count()
    }

    #[test]
    fn a_line_of_a_log_that_was_broken_is_heard_whole() {
        let signs = |text: &str| {
            let wall = Wall(1_795_305_600_000);
            read("mail", Side::Local, text.as_bytes(), wall).facts.len()
        };
        let broken = "Nov 2 10:00:00 gw charon: 12[CFG] constraint check failed: identity 'C=CH,\nO=x, CN=gw' required\n";
        assert_eq!(signs(broken), 1);
        let broken =
            "12[CFG] constraint check failed: identity 'C=CH, O=example,\nCN=gw' required\n";
        assert_eq!(signs(broken), 1);
        let broken = "Nov 2 10:00:00 gw charon: 12[CFG] constraint check failed: identity 'CN=depot' requ\nired\n";
        assert_eq!(signs(broken), 1);
        // What begins anew is another line.
        let apart =
            "12[CFG] constraint check failed: identity 'C=CH, O=example,\n13[CFG] x' required\n";
        assert_eq!(signs(apart), 0);
    }

    #[test]
    fn a_message_over_two_lines_is_heard_as_often_as_in_one() {
        for (first, second) in [
            (
                "When I try to connect from the client then I get received",
                "AUTHENTICATION_FAILED notify error in the log and it is gone.",
            ),
            (
                "The log of the server tells me in every attempt that there is no shared key",
                "found for 'a' - 'b' and that is all that I get from it.",
            ),
        ] {
            let whole = refused(&format!("{first} {second}\n"));
            assert!(whole > 0, "{first}");
            assert_eq!(refused(&format!("{first}\n{second}\n")), whole, "{first}");
        }
        let beside = "In the log of the server there is no shared key found for 'a' - 'b' and then";
        let alone = refused(&format!("{beside}.\n"));
        let with = refused(&format!(
            "{beside}\nthat is all that I get from it when we try.\n"
        ));
        assert_eq!(with, alone);
    }
}
