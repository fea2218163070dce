//! Messages that a person's text tears: it begins at the end of one line and goes on in the next.

use super::is_prose;
use crate::text::Line;

/// So much of either line is looked at, and so many lines are.
const MOST: usize = 240;
const LINES: usize = 400;

/// Remembers the line before.
#[derive(Debug, Default)]
pub(crate) struct Torn {
    last: String,
    seen: usize,
}

/// Two lines, and what they make together.
#[derive(Debug)]
pub(crate) struct Joined {
    /// The end of the first and the beginning of the second.
    pub(crate) text: String,
    /// Where the second begins in it.
    at: usize,
}

impl Joined {
    /// The first part.
    pub(crate) fn first(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default().trim_end()
    }

    /// The second part.
    pub(crate) fn second(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

impl Torn {
    /// The next line, joined to the one before where that is a person's and ended within a sentence.
    pub(crate) fn line(&mut self, line: &Line<'_>) -> Option<Joined> {
        if self.seen >= LINES {
            return None;
        }
        let headed = line.at.is_some() || line.program.is_some();
        let text = line.body.trim();
        let begins =
            text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '\'' | '`' | '"' | '['));
        let joined = (!headed && begins && !self.last.is_empty()).then(|| {
            let mut joined = core::mem::take(&mut self.last);
            joined.push(' ');
            let at = joined.len();
            joined.push_str(head(text));
            Joined { text: joined, at }
        });
        self.last.clear();
        if !headed && is_prose(text, joined.is_some()) && !text.ends_with(['.', '!', '?', ':', ';'])
        {
            self.seen += 1;
            let from = text.char_indices().rev().nth(MOST).map_or(0, |(at, _)| at);
            self.last.push_str(text.get(from..).unwrap_or_default());
        }
        joined
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
