//! Sentences that mean the same wherever they stand: product by product, in the wording of each version.
//!
//! What belongs to an exchange is followed by the reader of its product. Everything else that a line can say (a file
//! that doesn't load, a policy that the kernel refuses) needs no memory: a table per layer lists the sentences, each
//! with the [`Sign`] that it gives. A line is searched once for all of them.

mod another_time;
mod apple;
mod boxes;
mod certificate;
mod charon;
mod charon_keys;
mod charon_start;
mod charon_users;
mod child;
mod cisco;
mod cisco_ids;
mod cloud;
mod cluster;
mod config;
mod connection;
mod cookies;
mod crash;
mod deployment;
mod done;
mod esp_dataplane;
mod firewall;
mod fortigate;
mod ha;
mod history;
mod host;
mod huawei;
mod ike_auth;
mod ike_sa_init;
mod illumos;
mod juniper;
mod kernel;
mod l2tp;
mod left_out;
mod lifecycle;
mod link;
mod marks;
mod nat;
mod nss;
mod offices;
mod openbsd;
mod overlay;
mod panos;
mod performance;
mod pluto;
mod pluto_keys;
mod pluto_rare;
mod pluto_refusals;
mod pluto_start;
mod pluto_strongswan;
mod racoon;
mod radius;
mod rekey;
mod route;
mod routine;
mod search;
mod sequence;
mod service;
mod shape;
mod taken_back;
mod telling;
mod trace;
mod typed;
mod unsaid;
mod vpnc;
mod windows;
mod writer;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_model::fact::{Fact, Known};
use adit_model::now::Wall;
use adit_model::sign::Sign;

use crate::reading::Place;
use crate::text::{LONGEST, Line};
use search::Finder;
use shape::Shape;

pub(crate) use another_time::{is_no_report, is_of_another_time};
pub(crate) use left_out::LeftOut;
pub(crate) use telling::{Telling, telling};
pub(crate) use unsaid::Unsaid;

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

static TABLES: &[&[Phrase]] = &[
    link::PHRASES,
    route::PHRASES,
    firewall::PHRASES,
    nat::PHRASES,
    ike_sa_init::PHRASES,
    ike_auth::PHRASES,
    certificate::PHRASES,
    child::PHRASES,
    done::PHRASES,
    esp_dataplane::PHRASES,
    kernel::PHRASES,
    performance::PHRASES,
    rekey::PHRASES,
    lifecycle::PHRASES,
    config::PHRASES,
    connection::PHRASES,
    deployment::PHRASES,
    host::PHRASES,
    crash::PHRASES,
    ha::PHRASES,
    overlay::PHRASES,
    charon::PHRASES,
    charon_keys::PHRASES,
    charon_start::PHRASES,
    charon_users::PHRASES,
    l2tp::PHRASES,
    radius::PHRASES,
    service::PHRASES,
    pluto::PHRASES,
    pluto_keys::PHRASES,
    nss::PHRASES,
    pluto_rare::PHRASES,
    pluto_refusals::PHRASES,
    pluto_start::PHRASES,
    pluto_strongswan::PHRASES,
    apple::PHRASES,
    boxes::PHRASES,
    cisco::PHRASES,
    cisco_ids::PHRASES,
    fortigate::PHRASES,
    cloud::PHRASES,
    cluster::PHRASES,
    huawei::PHRASES,
    huawei::IN_BRACKETS,
    illumos::PHRASES,
    juniper::PHRASES,
    offices::PHRASES,
    openbsd::PHRASES,
    panos::PHRASES,
    racoon::PHRASES,
    vpnc::PHRASES,
    windows::PHRASES,
    windows::CODES,
];

struct Index {
    finder: Finder,
    phrases: Vec<(&'static Phrase, Shape)>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let phrases: Vec<(&Phrase, Shape)> = TABLES
        .iter()
        .flat_map(|t| t.iter())
        .map(|p| (p, Shape::new(p.shape)))
        .collect();
    let finder = Finder::new(phrases.iter().map(|(_, s)| s.literals()), routine::LINES);
    Index { finder, phrases }
});

/// So many lines that say the same thing are kept of the beginning and of the end of what is heard.
const KEPT: usize = 64;

/// The facts that sentences of the tables make.
#[derive(Debug, Default)]
pub(crate) struct Phrases {
    first: BTreeMap<Sign, Vec<Fact>>,
    /// By line and, for lines that were made of one, by how many facts there were before.
    last: BTreeMap<Sign, BTreeMap<(Option<u64>, u64), Fact>>,
    count: u64,
    /// The last event of Windows that began was about a quick mode.
    quick_mode: bool,
    /// How long the connection of PPP that has just closed was there.
    minutes: Option<f64>,
    /// The kernel broke, and its next lines tell in whose process.
    fault: crash::Fault,
    /// Who watches something on the host.
    watcher: ha::Watcher,
    /// What takes messages back from afar.
    history: history::History,
    /// The packet that a trace follows.
    trace: trace::Trace,
    /// Whose output the lines are.
    typed: typed::Typed,
    /// Counters of SAs.
    sequence: sequence::Sequence,
    /// When all of it is read.
    read_at: Option<Wall>,
}

impl Phrases {
    pub(crate) fn read_at(now: Wall) -> Self {
        Self {
            read_at: Some(now),
            ..Self::default()
        }
    }

    /// Whether the line can say nothing that wasn't said before it often enough: it matters only if it turns out to be
    /// one of the last, and may be heard after those that follow it. `searched` is the line with single blanks.
    pub(crate) fn can_wait(&self, line: &mut Telling<'_>, searched: &[u8]) -> bool {
        if searched.len() > LONGEST || !line.plain() {
            return false;
        }
        let Ok(searched) = core::str::from_utf8(searched) else {
            return false;
        };
        let enough = |sign| self.first.get(&sign).is_some_and(|f| f.len() >= KEPT);
        line.retain(searched, enough);
        line.signs().all(enough)
    }

    /// Whether all that the line, which could wait, can say was said after it often enough.
    pub(crate) fn can_go(&self, number: u64, line: &Telling<'_>) -> bool {
        line.signs().all(|sign| {
            self.last.get(&sign).is_some_and(|last| {
                last.len() >= KEPT
                    && last
                        .first_key_value()
                        .is_some_and(|((n, _), _)| *n > Some(number))
            })
        })
    }

    /// The next line; whether it says that anything is wrong.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) -> bool {
        self.fault.line(line.body);
        self.trace.line(line.body);
        self.history.line(line, || place().source.line);
        self.typed.line(line, || place().source.line);
        self.sequence.line(line.body, || place().source.line);
        self.heard(line, &[], place)
    }

    /// A line that was torn in two: what neither part says. Whether it is anything.
    pub(crate) fn torn(
        &mut self,
        line: &Line<'_>,
        parts: [&str; 2],
        place: &dyn Fn() -> Place,
    ) -> bool {
        let index = &*INDEX;
        let known: Vec<Sign> = parts
            .into_iter()
            .flat_map(|part| {
                let body = squeeze(part);
                let fitting: Vec<Sign> = index
                    .finder
                    .sentences(body.as_bytes())
                    .into_iter()
                    .filter_map(|at| index.phrases.get(at))
                    .filter(|(_, shape)| shape.find(&body).is_some())
                    .map(|(phrase, _)| phrase.sign)
                    .collect();
                fitting
            })
            .collect();
        self.heard(line, &known, place)
    }

    fn heard(&mut self, line: &Line<'_>, known: &[Sign], place: &dyn Fn() -> Place) -> bool {
        let index = &*INDEX;
        // A line says each thing once, in the words that say most.
        let mut said: Vec<(Sign, BTreeMap<String, String>)> = Vec::new();
        let body = squeeze(line.body);
        let sentences = index.finder.sentences(body.as_bytes());
        if sentences.is_empty() {
            self.watcher.hear(line);
            return false;
        }
        let mut fitting: Vec<_> = sentences
            .into_iter()
            .filter_map(|at| index.phrases.get(at))
            .filter(|(phrase, _)| {
                phrase.by.is_empty()
                    || line
                        .program
                        .is_none_or(|p| phrase.by.iter().any(|b| p.starts_with(b)))
            })
            .filter(|(phrase, _)| !taken_back::is_taken_back(phrase.sign, &body))
            .filter(|(phrase, _)| !writer::is_foreign(phrase.sign, line))
            .filter(|(phrase, _)| {
                !self
                    .typed
                    .is_foreign(phrase.sign, line, || place().source.line)
            })
            .filter(|(phrase, _)| windows::stands_alone(phrase.shape, &body))
            .filter(|(phrase, _)| racoon::is_its_own(phrase.shape, line.program, &body))
            .filter(|(phrase, _)| l2tp::is_whole(phrase.shape, &body))
            .filter(|(phrase, _)| connection::is_typed(phrase.sign, &body))
            // `bad right --id: … (ignored)`, and the index of a secret: what isn't a peer's address needs no look-up.
            .filter(|(phrase, _)| {
                phrase.sign != Sign::PeerNameUnresolved
                    || !["--id: ", ": index \""].iter().any(|w| body.contains(w))
            })
            // The kernel's interface has the same numbers for errors as sockets have.
            .filter(|(phrase, _)| phrase.sign != Sign::SendForbidden || !body.contains("netlink "))
            .filter_map(|(phrase, shape)| {
                let sign = typed::told(phrase.sign, &body);
                let sign = cisco::told(crash::told(cookies::told(sign, &body), &body), &body);
                Some((sign, shape, shape.find(&body)?))
            })
            .collect();
        if !fitting.is_empty() && is_of_another_time(line) {
            return false;
        }
        fitting.retain(|(sign, shape, _)| !unsaid::only_names(*sign, line, &body, shape));
        if !fitting.is_empty() {
            self.quick_mode = windows::is_of_quick_mode(&body).unwrap_or(self.quick_mode);
        }
        if self.quick_mode {
            for (sign, ..) in &mut fitting {
                *sign = windows::in_quick_mode(*sign, &body);
            }
        }
        fitting.sort_by_cached_key(|(_, shape, _)| shape.place(&body));
        for (sign, _, values) in fitting {
            let values: BTreeMap<String, String> = values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), told(sign, value)))
                .collect();
            match said.iter_mut().find(|(said, _)| *said == sign) {
                Some((_, have)) if have.len() >= values.len() => {}
                Some((_, have)) => *have = values,
                None => said.push((sign, values)),
            }
        }
        let any = said.iter().any(|(sign, _)| {
            !matches!(
                sign,
                Sign::FirstPhaseDone
                    | Sign::SecondPhaseDone
                    | Sign::PeerSigns
                    | Sign::UserLetIn
                    | Sign::NextConnectionTried
                    | Sign::EapRequested
                    | Sign::LocalAddressBack
                    | Sign::BegunByHand
                    | Sign::IkeOfferTaken
            )
        });
        for (sign, mut values) in said {
            if known.contains(&sign) {
                continue;
            }
            if sign == Sign::AuthenticationRepeated {
                values.extend(times(&body).map(|n| ("times".to_owned(), n.to_string())));
            }
            if sign == Sign::AlgorithmUnavailable && body.contains("activation key") {
                match self.history.command() {
                    Some(false) => continue,
                    Some(true) => {}
                    None => {
                        values.insert("of".to_owned(), "any".to_owned());
                    }
                }
            }
            if sign == Sign::DaemonCrashed && crash::of_the_kernel(&body) {
                values.insert("part".to_owned(), "kernel".to_owned());
            }
            if sign == Sign::Denied && host::is_harmless(&body) {
                continue;
            }
            if let Some(minutes) = values.get("minutes")
                && sign == Sign::RecursiveRouting
            {
                self.minutes = minutes.parse().ok();
                continue;
            }
            if sign == Sign::RecursiveRouting && !route::loops(&values, &body) {
                continue;
            }
            if values.contains_key("sent")
                && self
                    .minutes
                    .take()
                    .is_some_and(|m| route::runs_away(&values, m))
            {
                values.insert("away".to_owned(), "true".to_owned());
            }
            if let Some(oseq) = values.get("oseq")
                && (!sequence::is_at_the_end(oseq) || body.contains("oseq-hi"))
            {
                continue;
            }
            if sign == Sign::ConfigSyntax && firewall::is_of_a_filter(&body) {
                continue;
            }
            if sign == Sign::ModuleMissing && kernel::is_of_another(&body, &values) {
                continue;
            }
            if writer::is_of_other_device(sign, values.get("dev").map(String::as_str)) {
                continue;
            }
            if certificate::is_everyday(sign, &values) {
                continue;
            }
            if sign == Sign::CertificateOutsideValidity && line.at.is_none() {
                let ahead = certificate::ahead(&values, self.read_at);
                values.extend(ahead.map(|what| (what.to_owned(), "no".to_owned())));
            }
            let broke = matches!(sign, Sign::DaemonCrashed | Sign::DaemonKilled);
            if broke && crash::of_another(&body, line.program) {
                continue;
            }
            // L2TP has a port of its own.
            if sign == Sign::PortInUse && host::is_of_l2tp(&body, line.program) {
                continue;
            }
            if sign == Sign::NodeStandby && ha::is_of_another(&body) {
                continue;
            }
            let sign = if sign == Sign::IkeVersionRefused
                && values
                    .get("version")
                    .is_some_and(|v| v.contains('.') && !is_ike_version(v))
            {
                Sign::EspReadAsIke
            } else {
                sign
            };
            if sign == Sign::AllTunnelsRestarted
                && let Some(script) = ha::script(line)
            {
                let other = self.watcher.missed_something_else(script);
                values.extend(other.then(|| ("watches".to_owned(), "other".to_owned())));
                values.insert("script".to_owned(), script.to_owned());
            }
            if sign == Sign::CommandNotTaken
                && let Some(algorithm) = config::algorithm(&values)
            {
                values.insert("algorithm".to_owned(), algorithm);
            }
            if sign == Sign::Denied && host::is_of_a_log(&values, &body) {
                values.insert("of".to_owned(), "log".to_owned());
            }
            if matches!(sign, Sign::ServiceRefused | Sign::ZoneDenied) {
                values.extend(self.trace.packet(&body));
            }
            if sign == Sign::Denied && self.typed.is_users(line, place().source.line) {
                values.insert("by".to_owned(), "user".to_owned());
            }
            if sign == Sign::DiskFull && host::writes_for_tunnels(line.program, &body) {
                values.insert("of".to_owned(), "tunnels".to_owned());
            }
            for (name, value) in marks::marks(sign, &body) {
                values.insert(name.to_owned(), value.to_owned());
            }
            let mut place = place();
            if values.get("part").is_some_and(|part| part == "kernel")
                && let Some(number) = place.source.line
            {
                self.fault.begins(number, &body);
            }
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
            self.count += 1;
            let last = self.last.entry(sign).or_default();
            last.insert((fact.source.line, self.count), fact);
            if last.len() > KEPT {
                last.pop_first();
            }
        }
        any
    }

    /// Everything that was said.
    pub(crate) fn finish(self) -> impl Iterator<Item = Fact> {
        let first = self.first.into_values().flatten();
        let last = self.last.into_values().flat_map(BTreeMap::into_values);
        let foreign = self.fault.finish();
        let all: Vec<Fact> = first.chain(last).collect();
        let past = self.history.past(all.iter());
        let replaced = self.sequence.replaced();
        all.into_iter().filter(move |fact| !fact.source.line.is_some_and(|line| past.contains(&line))).filter(move |fact| {
            let of_kernel = |values: &BTreeMap<String, String>| {
                values.get("part").is_some_and(|part| part == "kernel")
            };
            !matches!(&fact.what, Known::Sign { sign: Sign::DaemonCrashed, values } if of_kernel(values))
                || !fact.source.line.is_some_and(|line| foreign.contains(&line))
        }).filter(move |fact| {
            !matches!(fact.what, Known::Sign { sign: Sign::SequenceExhausted, .. })
                || !fact.source.line.is_some_and(|line| replaced.contains(&line))
        })
    }
}

/// Whether a version is one that IKE has or may get: where another stands (`7.10`) there is no header of IKE.
pub(crate) fn is_ike_version(version: &str) -> bool {
    matches!(version, "1.0" | "2.0" | "3.0" | "1" | "2" | "3")
}

/// How often a line was said for which syslog's `message repeated 3 times: […]` stands.
fn times(body: &str) -> Option<u32> {
    let (_, rest) = body.split_once("message repeated ")?;
    rest.split_once(" times")?.0.parse().ok()
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
    let bytes = line.as_bytes();
    let next = bytes.get(1..).unwrap_or_default();
    // Without an early end the processor looks at many octets at once.
    let blanks = bytes.iter().zip(next).fold(false, |found, (b, next)| {
        found | ((*b == b' ') & (*next == b' '))
    });
    if !blanks && memchr::memchr(b'\t', bytes).is_none() {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    for word in line.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_shape_can_be_searched_for() {
        for (at, (phrase, _)) in INDEX.phrases.iter().enumerate() {
            let word = INDEX.finder.word(at);
            assert!(
                word.len() >= search::SHORTEST,
                "{}: one of its runs of words needs {} octets",
                phrase.shape,
                search::SHORTEST
            );
            assert!(!word.contains("  "), "{}", phrase.shape);
        }
    }

    /// The sentences that fit the line, each tried.
    fn tried(body: &str) -> Vec<usize> {
        let lower = body.to_ascii_lowercase();
        let all = INDEX.phrases.iter().enumerate();
        all.filter(|(_, (_, shape))| {
            shape
                .literals()
                .all(|w| lower.contains(&w.to_ascii_lowercase()))
        })
        .filter(|(_, (_, shape))| shape.find(body).is_some())
        .map(|(at, _)| at)
        .collect()
    }

    /// The sentences that fit the line, of those that the search finds.
    fn searched(body: &str) -> Vec<usize> {
        let mut found = INDEX.finder.sentences(body.as_bytes());
        found.retain(|at| INDEX.phrases.get(*at).unwrap().1.find(body).is_some());
        found
    }

    #[test]
    fn every_sentence_is_found_wherever_it_lies() {
        for (at, (phrase, _)) in INDEX.phrases.iter().enumerate() {
            let (mut said, mut rest) = (String::new(), phrase.shape);
            while let Some((words, hole)) = rest.split_once('{') {
                let (hole, after) = hole.split_once('}').unwrap();
                let value = if hole.ends_with(":n") { "7" } else { "x" };
                said = said + words + value;
                rest = after;
            }
            said += rest;
            for before in ["", "0", "01", "01["] {
                for said in [said.to_ascii_uppercase(), said.clone()] {
                    let line = format!("{before}{said}");
                    let found = INDEX.finder.sentences(line.as_bytes());
                    assert!(found.contains(&at), "{line}");
                    let text = format!("a line\n{line} \nanother\n");
                    let mut told = Vec::new();
                    telling(text.as_bytes(), |t, _| told.push(t.before));
                    assert!(told.contains(&1), "{line}");
                }
            }
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods)] // reads fixtures
    fn a_search_finds_what_trying_every_sentence_finds() {
        let pastes =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/tests/pastes");
        let mut files: Vec<_> = std::fs::read_dir(pastes)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(files.len() > 100);
        let texts = files.iter().map(|path| std::fs::read(path).unwrap());
        let lines: Vec<String> = texts
            .flat_map(|text| {
                let text = String::from_utf8_lossy(&text).into_owned();
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .chain(routine::LINES.lines().map(str::to_owned))
            .collect();
        // Trying takes long: some of the lines, others when there are more.
        let mut found = 0;
        for line in lines.iter().step_by(lines.len().div_ceil(SOME)) {
            let body = squeeze(line);
            let tried = tried(&body);
            found += tried.len();
            assert_eq!(searched(&body), tried, "{line}");
        }
        assert!(found > SOME / 10, "{found}");
    }

    /// So many lines are tried.
    const SOME: usize = 400;

    #[test]
    fn routine_lines_are_read_past() {
        let logs = [
            include_str!("../../tests/fixtures/ok-ikev2-psk-east.log"),
            include_str!("../../tests/fixtures/ok-ikev2-psk-west.log"),
            routine::LINES,
        ];
        let (mut lines, mut slow) = (0, 0);
        for line in logs.into_iter().flat_map(str::lines) {
            let body = squeeze(line);
            let sentences = INDEX.finder.sentences(body.as_bytes());
            lines += 1;
            slow += u32::from(!sentences.is_empty());
            // A line that a sentence fits is one that it means, and has to be heard.
            let phrases = sentences.iter().filter_map(|at| INDEX.phrases.get(*at));
            let near = phrases.filter(|(_, shape)| shape.find(&body).is_none());
            let near: Vec<&str> = near.map(|(phrase, _)| phrase.shape).collect();
            assert!(
                near.len() <= 1,
                "every line like this one is held against sentences of whose words it holds all that can be searched \
                 for; let them hold words that it doesn't:\n{line}\n{near:#?}"
            );
        }
        assert!(
            slow * 20 < lines,
            "{slow} of {lines} lines hold words of sentences"
        );
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
