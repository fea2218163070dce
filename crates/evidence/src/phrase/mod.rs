//! Sentences that mean the same wherever they stand: product by product, in the wording of each version.
//!
//! What belongs to an exchange is followed by the reader of its product. Everything else that a line can say (a file
//! that doesn't load, a policy that the kernel refuses) needs no memory: a table per layer lists the sentences, each
//! with the [`Sign`] that it gives. A line is searched once for all of them.

mod apple;
mod boxes;
mod certificate;
mod charon;
mod child;
mod cisco;
mod cloud;
mod cluster;
mod config;
mod connection;
mod deployment;
mod esp_dataplane;
mod firewall;
mod ha;
mod host;
mod ike_auth;
mod ike_sa_init;
mod illumos;
mod juniper;
mod kernel;
mod lifecycle;
mod link;
mod nat;
mod openbsd;
mod overlay;
mod panos;
mod performance;
mod pluto;
mod pluto_refusals;
mod racoon;
mod rekey;
mod route;
mod shape;
mod windows;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::LazyLock;

use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;
use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::reading::Place;
use crate::text::{LONGEST, Line, head};
use shape::Shape;

pub(crate) type Phrase = shape::Phrase<Sign>;

/// A sentence that every writer means alike.
const fn any(sign: Sign, shape: &'static str) -> Phrase {
    Phrase {
        sign,
        shape,
        by: &[],
    }
}

/// A sentence that only says something when one of these programs wrote it, or nobody is named.
const fn by(programs: &'static [&'static str], sign: Sign, shape: &'static str) -> Phrase {
    Phrase {
        sign,
        shape,
        by: programs,
    }
}

static TABLES: [&[Phrase]; 33] = [
    link::PHRASES,
    route::PHRASES,
    firewall::PHRASES,
    nat::PHRASES,
    ike_sa_init::PHRASES,
    ike_auth::PHRASES,
    certificate::PHRASES,
    child::PHRASES,
    esp_dataplane::PHRASES,
    kernel::PHRASES,
    performance::PHRASES,
    rekey::PHRASES,
    lifecycle::PHRASES,
    config::PHRASES,
    connection::PHRASES,
    deployment::PHRASES,
    host::PHRASES,
    ha::PHRASES,
    overlay::PHRASES,
    charon::PHRASES,
    pluto::PHRASES,
    pluto_refusals::PHRASES,
    apple::PHRASES,
    boxes::PHRASES,
    cisco::PHRASES,
    cloud::PHRASES,
    cluster::PHRASES,
    illumos::PHRASES,
    juniper::PHRASES,
    openbsd::PHRASES,
    panos::PHRASES,
    racoon::PHRASES,
    windows::PHRASES,
];

struct Index {
    anchors: AhoCorasick,
    phrases: Vec<(&'static Phrase, Shape)>,
}

static INDEX: LazyLock<Option<Index>> = LazyLock::new(|| {
    let phrases: Vec<(&Phrase, Shape)> = TABLES
        .iter()
        .flat_map(|t| t.iter())
        .map(|p| (p, Shape::new(p.shape)))
        .collect();
    let anchors = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(phrases.iter().map(|(_, s)| s.anchor()))
        .ok()?;
    Some(Index { anchors, phrases })
});

/// The same words for long texts: bigger, and several times as fast.
static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let index = INDEX.as_ref()?;
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(index.phrases.iter().map(|(_, s)| s.anchor()))
        .ok()
});

/// Lines of `text` that may hold a sentence of the tables, each with the number of lines before it.
pub(crate) fn telling(text: &[u8], mut each: impl FnMut(u64, &[u8])) {
    let Some(search) = SEARCH.as_ref() else {
        return;
    };
    let (mut at, mut lines, mut counted) = (0, 0, 0);
    while let Some(hit) = text.get(at..).and_then(|rest| search.find(rest)) {
        let (start, end) = (at + hit.start(), at + hit.end());
        let passed = text.get(..start).unwrap_or_default();
        let begin = memchr::memrchr(b'\n', passed).map_or(0, |n| n + 1);
        let tail = text.get(end..).unwrap_or_default();
        let stop = memchr::memchr(b'\n', tail).map_or(text.len(), |n| end + n);
        let passed = text.get(counted..begin).unwrap_or_default();
        lines += memchr::memchr_iter(b'\n', passed).count() as u64;
        counted = begin;
        // Of a line that is longer than what is read of one, what is around the words.
        let from = if stop - begin > LONGEST {
            begin.max(start.saturating_sub(LONGEST / 2))
        } else {
            begin
        };
        each(lines, head(text.get(from..stop).unwrap_or_default()));
        at = stop;
    }
}

/// So many lines that say the same thing are kept of the beginning and of the end of what is heard.
const KEPT: usize = 64;

/// The facts that sentences of the tables make.
#[derive(Debug, Default)]
pub(crate) struct Phrases {
    first: BTreeMap<Sign, Vec<Fact>>,
    last: BTreeMap<Sign, VecDeque<Fact>>,
}

impl Phrases {
    /// The next line.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let Some(index) = INDEX.as_ref() else {
            return;
        };
        // A line says each thing once, in the words that say most.
        let mut said: Vec<(Sign, BTreeMap<String, String>)> = Vec::new();
        let body = squeeze(line.body);
        let mut tried = BTreeSet::new();
        for hit in index.anchors.find_overlapping_iter(body.as_ref()) {
            let Some((phrase, shape)) = index.phrases.get(hit.pattern().as_usize()) else {
                continue;
            };
            if !tried.insert(hit.pattern()) {
                continue;
            }
            let theirs = phrase.by.is_empty()
                || line
                    .program
                    .is_none_or(|p| phrase.by.iter().any(|b| p.starts_with(b)));
            let Some(values) = shape.find(&body).filter(|_| theirs) else {
                continue;
            };
            let values: BTreeMap<String, String> = values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), told(phrase.sign, value)))
                .collect();
            match said.iter_mut().find(|(sign, _)| *sign == phrase.sign) {
                Some((_, have)) if have.len() >= values.len() => {}
                Some((_, have)) => *have = values,
                None => said.push((phrase.sign, values)),
            }
        }
        for (sign, values) in said {
            let mut place = place();
            if sign == Sign::CommandNotTaken {
                place.source.text = crate::config::quotable(&place.source.text);
            }
            let fact = Fact {
                source: place.source,
                at: place.at,
                side: place.side,
                subject: None,
                role: None,
                what: Known::Sign { sign, values },
            };
            let first = self.first.entry(sign).or_default();
            if first.len() < KEPT {
                first.push(fact);
                continue;
            }
            let last = self.last.entry(sign).or_default();
            if last.len() == KEPT {
                last.pop_front();
            }
            last.push_back(fact);
        }
    }

    /// Everything that was said.
    pub(crate) fn finish(self) -> impl Iterator<Item = Fact> {
        let first = self.first.into_values().flatten();
        first.chain(self.last.into_values().flatten())
    }
}

/// A value as it may be told: without secrets, and of a command that wasn't taken no more than its words.
fn told(sign: Sign, value: &str) -> String {
    let commands = matches!(
        sign,
        Sign::CommandNotTaken
            | Sign::ConfigSyntax
            | Sign::ConfigValueInvalid
            | Sign::ConfigKeywordUnknown
            | Sign::SecretMalformed
    );
    if !commands {
        return crate::text::redact(value);
    }
    // A parser quotes what it stumbled over: `unexpected STRING [hunter2]`.
    let value = value.split("STRING [").next().unwrap_or(value);
    crate::config::quotable(value)
}

/// The line with one blank where it has several: tables are aligned with them.
fn squeeze(line: &str) -> Cow<'_, str> {
    if !line.contains("  ") && !line.contains('\t') {
        return Cow::Borrowed(line);
    }
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    Cow::Owned(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_can_be_searched_for() {
        assert!(INDEX.is_some());
        for phrase in TABLES.iter().flat_map(|t| t.iter()) {
            let anchor = Shape::new(phrase.shape).anchor();
            assert!(
                anchor.len() >= 5,
                "{}: {anchor:?} is in too many lines",
                phrase.shape
            );
            assert!(!anchor.contains("  "), "{}", phrase.shape);
        }
    }

    #[test]
    fn a_line_of_any_size_is_heard_around_the_words_and_once() {
        let words = "no shared key found for 'a' - 'b'";
        let far = "x".repeat(1 << 20);
        let text = format!("one\n{far} {words} {far} {words}\n{words}\n");
        let mut heard = Vec::new();
        telling(text.as_bytes(), |before, raw| {
            heard.push((before, raw.len()));
            assert!(String::from_utf8_lossy(raw).contains(words));
        });
        assert_eq!(heard, [(1, LONGEST), (2, words.len())]);
    }

    #[test]
    fn no_sentence_stands_twice() {
        let mut all: Vec<&str> = TABLES
            .iter()
            .flat_map(|t| t.iter())
            .map(|p| p.shape)
            .collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(before, all.len());
    }
}
