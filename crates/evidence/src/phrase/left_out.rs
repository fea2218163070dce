//! Messages whose values were left out: *the log says "no shared key found"*.
//!
//! A person who tells of a message keeps its words and drops names and numbers, so no sentence of the tables with a hole in
//! it fits. Here the words alone are held against a person's sentence that tells what a log shows, and against what stands
//! in quotation marks. Little words don't count: they go with the values (*for*, *from*, *to*).

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use super::TABLES;
use crate::account::{holds, is_prose, plain};
use crate::plainly::{GUESS, SHOWS};
use crate::reading::Place;
use crate::text::Line;

/// So many lines are looked at, so many messages are kept, and so long is a line that is looked at.
const LINES: usize = 400;
const MOST: usize = 16;
const LONGEST: usize = 600;

/// Fewer words, or shorter ones, may be anybody's.
const WORDS: usize = 3;
const OCTETS: usize = 15;
/// Of a message that was cut as well, so many words have to be there.
const CUT: usize = 5;

const LITTLE: [&str; 16] = [
    "for", "from", "to", "by", "of", "with", "on", "as", "between", "at", "in", "and", "the", "a",
    "an", "n",
];

/// What the words alone say as well as the whole message. The words of others are everyday English (*fatal error: could
/// not*), or mean something else by their values.
const MEANT: [Sign; 10] = [
    Sign::PskNotFound,
    Sign::PskDiffers,
    Sign::PrivateKeyMissing,
    Sign::IssuerUnknown,
    Sign::SignatureRefused,
    Sign::PeerIdentityUnexpected,
    Sign::NoConnectionForPeer,
    Sign::TrafficRefused,
    Sign::EspProposalRefused,
    Sign::IkeProposalsRefused,
];

/// What is told of another time, or denied.
const PAST: &str = "fixed|solved|resolved|earlier|previously|used to|last week|yesterday|before that|dont get|didnt get|do not get|did not get|dont have|any more|anymore|instead of|disappeared|went away";

/// Whose log it is.
const OTHERS: &str = "other side|the other|other end|remote side|remote gateway|remote end|the peers|peers log|peer log|their log|their side|their end|far side|far end";

/// The words of a sentence without its values, and what they mean.
type Bare = (Vec<String>, Sign);

/// The words of each sentence that has values, and what they mean; by the first two of them.
static BARE: LazyLock<HashMap<[String; 2], Vec<Bare>>> = LazyLock::new(|| {
    let mut all: BTreeMap<Vec<String>, Option<Sign>> = BTreeMap::new();
    let shapes = TABLES.iter().flat_map(|t| t.iter());
    let shapes = shapes.filter(|p| p.by.is_empty() && MEANT.contains(&p.sign));
    for phrase in shapes.filter(|p| p.shape.contains('{')) {
        let words = words(&without_holes(phrase.shape));
        if words.len() < WORDS || words.iter().map(String::len).sum::<usize>() < OCTETS {
            continue;
        }
        // Words that two sentences share for two things mean neither.
        all.entry(words)
            .and_modify(|sign| *sign = sign.filter(|s| *s == phrase.sign))
            .or_insert(Some(phrase.sign));
    }
    let mut out: HashMap<[String; 2], Vec<Bare>> = HashMap::new();
    for (words, sign) in all {
        if let (Some(sign), [a, b, ..]) = (sign, words.as_slice()) {
            let first = [a.clone(), b.clone()];
            out.entry(first).or_default().push((words, sign));
        }
    }
    out
});

/// Hears such messages.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    seen: usize,
    facts: Vec<Fact>,
}

impl LeftOut {
    /// The next line, of which no reader makes anything; whether it tells of a message.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) -> bool {
        if self.seen >= LINES || self.facts.len() >= MOST || line.body.len() > LONGEST {
            return false;
        }
        let body = line.body.trim_start();
        // `charon: "…" is all I get` is a person's.
        let opens = body.starts_with(['"', '\'', '`', '“', '„', '«', '‘']);
        if line.at.is_some() || line.program.is_some() && !opens {
            return false;
        }
        // Notes in a configuration, and text of a program.
        if body.starts_with(['#', ';', '!', '/', '$']) || body.ends_with(['{', ';', ')']) {
            return false;
        }
        // A search for a message isn't the message.
        if ["grep ", "journalctl", "awk ", "| "]
            .iter()
            .any(|c| body.contains(c))
        {
            return false;
        }
        let prose = is_prose(body, false);
        let quotes = quotes(body);
        if !prose && quotes.is_empty() {
            return false;
        }
        self.seen += 1;
        let Some((sign, of_other)) = said(body, prose, &quotes) else {
            return false;
        };
        let known = |f: &Fact| matches!(f.what, Known::Sign { sign: s, .. } if s == sign);
        if !self.facts.iter().any(known) {
            let place = place();
            self.facts.push(Fact {
                source: place.source,
                at: place.at,
                side: if of_other {
                    place.side.other()
                } else {
                    place.side
                },
                subject: None,
                role: None,
                what: Known::Sign {
                    sign,
                    values: BTreeMap::new(),
                },
            });
        }
        true
    }

    /// What was heard.
    pub(crate) fn finish(self) -> Vec<Fact> {
        self.facts
    }
}

/// What a line tells, and whether it is of the other side's log.
fn said(body: &str, prose: bool, quotes: &[&str]) -> Option<(Sign, bool)> {
    let sentences: Vec<&str> = if prose {
        body.split_inclusive(". ").collect()
    } else {
        vec![body]
    };
    sentences.into_iter().find_map(|sentence| {
        let told = plain(sentence);
        if sentence.trim_end().ends_with('?') || holds(&told, GUESS) || holds(&told, PAST) {
            return None;
        }
        let within = || (prose && holds(&told, SHOWS)).then(|| whole(&words(sentence), false))?;
        let quoted = quotes.iter().filter(|q| sentence.contains(**q));
        let mut quoted = quoted.filter_map(|quote| whole(&words(quote), true));
        let sign = quoted.next().or_else(within)?;
        Some((sign, holds(&told, OTHERS)))
    })
}

/// What a sentence of the tables means whose words stand there one after the other; `alone`, at the beginning, and then it
/// may be cut.
fn whole(there: &[String], alone: bool) -> Option<Sign> {
    let starts = if alone { 1 } else { there.len() };
    (0..starts).find_map(|at| {
        let rest = there.get(at..)?;
        let [a, b, ..] = rest else {
            return None;
        };
        let candidates = BARE.get(&[a.clone(), b.clone()])?;
        let fits = candidates
            .iter()
            .filter(|(words, _)| rest.starts_with(words));
        if let Some((_, sign)) = fits.max_by_key(|(words, _)| words.len()) {
            return Some(*sign);
        }
        let mut cut = candidates
            .iter()
            .filter(|(words, _)| alone && rest.len() >= CUT && words.starts_with(rest))
            .map(|(_, sign)| *sign);
        let first = cut.next()?;
        cut.all(|sign| sign == first).then_some(first)
    })
}

/// What stands in quotation marks.
fn quotes(body: &str) -> Vec<&str> {
    const MARKS: [(char, char); 8] = [
        ('"', '"'),
        ('`', '`'),
        ('“', '”'),
        ('„', '“'),
        ('«', '»'),
        ('»', '«'),
        ('‘', '’'),
        ('\'', '\''),
    ];
    let mut out = Vec::new();
    for (open, close) in MARKS {
        let mut rest = body;
        while let Some((before, after)) = rest.split_once(open) {
            // An apostrophe is within a word.
            if before.ends_with(char::is_alphanumeric) {
                rest = after;
                continue;
            }
            let Some((inside, tail)) = after.split_once(close) else {
                break;
            };
            if inside.split_ascii_whitespace().nth(2).is_some() {
                out.push(inside);
            }
            rest = tail;
        }
    }
    out
}

fn without_holes(shape: &str) -> String {
    let mut out = String::with_capacity(shape.len());
    let mut rest = shape;
    while let Some((before, hole)) = rest.split_once('{') {
        out.push_str(before);
        out.push(' ');
        rest = hole.split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}

/// The words that count: small letters, no marks, no numbers, no little words.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            word.chars()
                .filter(|c| !matches!(c, '\'' | '’'))
                .flat_map(char::to_lowercase)
                .collect::<String>()
        })
        .filter(|word| {
            !word.is_empty()
                && !word.chars().all(|c| c.is_ascii_digit())
                && !LITTLE.contains(&word.as_str())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use adit_model::fact::Side;
    use adit_model::now::Wall;

    use super::*;
    use crate::reading::read;

    fn signs(text: &str) -> Vec<Sign> {
        read("x", Side::Local, text.as_bytes(), Wall(1_795_305_600_000))
            .facts
            .iter()
            .filter_map(|f| match f.what {
                Known::Sign { sign, .. } => Some(sign),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn messages_are_heard_without_their_values() {
        for (text, expected) in [
            (
                "The firewall's log just says \"no shared key found\" and the tunnel drops.",
                Sign::PskNotFound,
            ),
            (
                "- other side: 'no shared key found for ... - ...'",
                Sign::PskNotFound,
            ),
            (
                "In the log of the hub I see no shared key found and nothing else.",
                Sign::PskNotFound,
            ),
            (
                "strongSwan: «no issuer certificate found», then it is gone",
                Sign::IssuerUnknown,
            ),
            (
                "charon complains: \"IDir does not match\"",
                Sign::PeerIdentityUnexpected,
            ),
            (
                "It is \"constraint check failed: identity required\" what I get.",
                Sign::PeerIdentityUnexpected,
            ),
        ] {
            assert_eq!(signs(text), [expected], "{text}");
        }
    }

    /// The other side's log is its own.
    #[test]
    fn what_the_other_side_says_is_its_own() {
        let text = "The other side's log says 'no shared key found' and mine nothing.";
        let read = read("x", Side::Local, text.as_bytes(), Wall(1_795_305_600_000));
        let sides: Vec<Side> = read.facts.iter().map(|f| f.side).collect();
        assert_eq!(sides, [Side::Remote]);
    }

    #[test]
    fn guesses_questions_and_programs_tell_of_none() {
        for text in [
            "On the client I get a fatal error and could not connect.",
            "The tunnel is down, and the monitor shows no traffic.",
            "The routing table shows nothing unusual.",
            "$ journalctl -u strongswan | grep \"no shared key found\"",
            "Last week it said \"no shared key found\", we fixed that; now it is silent.",
            "I don't get \"no shared key found\" any more.",
            "Should the log not say \"no shared key found\" then?",
            "If the secret is missing, the log says no shared key found.",
            "# logs \"no shared key found\" without it",
            "I found no key that is shared with the other side in the log.",
        ] {
            assert_eq!(signs(text), [], "{text}");
        }
    }
}
