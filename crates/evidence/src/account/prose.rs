//! Which lines people wrote, and where their sentences end.

use crate::text::Line;

/// Words that tools hardly print and people can't do without.
const SMALL: &[&str] = &[
    "the",
    "is",
    "are",
    "but",
    "when",
    "after",
    "we",
    "i",
    "my",
    "our",
    "only",
    "a",
    "an",
    "it",
    "they",
    "there",
    "this",
    "that",
    "have",
    "has",
    "can",
    "can't",
    "cannot",
    "doesn't",
    "isn't",
    "every",
    "then",
    "where",
    "of",
    "with",
    "from",
    "its",
    "their",
    "so",
    "no",
    "not",
    "any",
    "us",
    "me",
    "and",
    "as",
    "for",
    "does",
    "were",
    "would",
    "some",
    "because",
    "please",
    "should",
    "shouldn't",
    "don't",
    "didn't",
    "couldn't",
    "wasn't",
    "which",
    "what",
    "you",
    "your",
    "been",
    "if",
    "just",
    "also",
    "than",
    "how",
    "why",
    "while",
    "like",
    "here",
    "now",
    "still",
    "i'm",
    "i've",
    "he",
    "she",
];

/// Whether a person wrote the line. The rest of a sentence may be shorter than its beginning.
pub(crate) fn is_prose(line: &str, goes_on: bool) -> bool {
    let line = line
        .trim()
        .trim_start_matches(['-', '*', '•', '>', ' ', '`']);
    let first = line.split(' ').next().unwrap_or_default();
    // `ping: the message is too long` is a tool's.
    let begins = first.starts_with(char::is_alphabetic) && !first.ends_with(':');
    let odd = line
        .chars()
        .filter(|c| {
            matches!(
                c,
                '{' | '}' | '[' | ']' | '=' | '|' | '<' | '"' | '#' | '$' | '/' | '\\' | '_'
            )
        })
        .count();
    // Who quotes much says much.
    let most = (line.split_whitespace().count() / 2).clamp(4, 8);
    if !begins || odd > most {
        return false;
    }
    // Several sentences in a line are nobody's but a person's.
    let sentences = line
        .match_indices(". ")
        .filter(|(at, _)| {
            line.get(at + 2..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase()))
        })
        .count();
    let share = if sentences > 1 { 12 } else { 7 };
    let (mut words, mut small) = (0, 0);
    for word in line.split_whitespace().take(60) {
        let word = word.trim_matches(|c: char| !c.is_alphabetic() && c != '\'');
        if word.is_empty() {
            continue;
        }
        words += 1;
        small += usize::from(SMALL.iter().any(|s| s.eq_ignore_ascii_case(word)));
    }
    if goes_on {
        words >= 1 && small >= 1
    } else {
        words >= 4 && small * share >= words
    }
}

/// The parts of a line up to the end of each sentence, and whether it ends there: `10.1.0.5`, `net.ipv4` and `e.g.` hold stops
/// that end nothing.
pub(crate) fn parts(line: &str) -> Vec<(&str, bool)> {
    let mut out = Vec::new();
    let mut from = 0;
    for (at, c) in line.char_indices() {
        let end = at + c.len_utf8();
        let rest = line.get(end..).unwrap_or_default();
        let before = line.get(..at).unwrap_or_default();
        let open = || {
            let word = before.rsplit([' ', '(']).next().unwrap_or_default();
            [
                "e.g", "i.e", "etc", "vs", "resp", "approx", "incl", "no", "ca",
            ]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
        };
        let ends = match c {
            // A message that is quoted may end so, and the sentence goes on.
            '!' => !rest.starts_with(['`', '"', '”']) || rest.len() <= 2,
            '?' => true,
            '.' => {
                rest.is_empty()
                    || rest.starts_with(|c: char| c.is_whitespace() || matches!(c, ')' | '"' | '*'))
                        && !open()
            }
            _ => false,
        };
        if ends {
            out.push((line.get(from..end).unwrap_or_default(), true));
            from = end;
        }
    }
    out.push((line.get(from..).unwrap_or_default(), false));
    out.retain(|(part, _)| !part.trim().is_empty());
    out
}

/// What a person's line quotes: a message in backticks, quotation marks or brackets, or behind a colon. A program's words
/// are the program's, whoever repeats them.
pub(crate) fn quoted<'t>(line: &Line<'t>) -> Vec<&'t str> {
    const MARKS: [(char, char); 5] = [('`', '`'), ('"', '"'), ('“', '”'), ('«', '»'), ('[', ']')];
    if line.at.is_some() || line.program.is_some() || !is_prose(line.body, false) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (open, close) in MARKS {
        let mut rest = line.body;
        while let Some((_, after)) = rest.split_once(open) {
            let Some((inside, tail)) = after.split_once(close) else {
                break;
            };
            out.push(inside);
            rest = tail;
        }
    }
    if let Some((_, tail)) = line.body.split_once(": ") {
        out.push(tail);
    }
    out.retain_mut(|text| {
        *text = text.trim().trim_matches(['`', '"', '\'', '*', '.']);
        text.split_ascii_whitespace().nth(2).is_some()
    });
    out.truncate(4);
    out
}
