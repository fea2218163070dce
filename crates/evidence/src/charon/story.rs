//! Which line belongs to which IKE SA, and the facts that all of them make.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use adit_model::event::{Happening, MessageInfo};
use adit_model::fact::{Fact, Known};
use adit_model::now::Wall;
use adit_model::phase::Phase;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use super::Heard;
use super::asides::Asides;
use super::cited::cited;
use super::config::Loaded;
use super::line::{self, Message};
use super::message::{Said, said};
use super::sa::{Around, Sa};
use crate::reading::{Place, Product, Reading, Recognised};
use crate::text::Line;

/// Reads a log of charon.
///
/// Most configurations print the IKE SA's number in every line, or in some. Without it a line belongs to the IKE SA
/// that its thread worked on last, and packets to the peer whose address they name.
#[derive(Debug, Default)]
pub(crate) struct Charon {
    sas: Vec<Sa>,
    by_number: HashMap<u32, usize>,
    by_peer: HashMap<IpAddr, usize>,
    by_thread: HashMap<u8, usize>,
    last: Option<usize>,
    loaded: Loaded,
    asides: Asides,
    stopping: bool,
    facts: Vec<(Fact, usize)>,
    /// What was told since the daemon was asked to stop. It counts only if the daemon comes back.
    ending: Vec<(Fact, usize)>,
    /// The fact of the message that was sent last, while its size isn't known.
    unsized_fact: Option<usize>,
    /// Messages in pieces that aren't whole, by IKE SA.
    fragments: HashMap<usize, Pieces>,
    /// IKE SAs whose peer's certificate was looked at, how many facts there were until then, and where that stands.
    tried: BTreeMap<usize, (usize, Place)>,
    /// IKE SAs that printed the peer's list, after none of it was found to fit: whether it is for IKE, and where.
    unfit: BTreeMap<usize, (bool, Place)>,
    /// IKE SAs of which it was said that they begin on a port that isn't IKE's.
    odd_ports: BTreeSet<usize>,
    /// Of a request that came again: how large it is, and when, by IKE SA.
    again: HashMap<usize, (usize, Option<Wall>)>,
    /// The last datagram that came, where it is as large as such a request: its IKE SA, where it stands, and how many
    /// lines there were until then.
    came: Option<(usize, Place, u64)>,
    lines: u64,
    times: Option<(Wall, Wall)>,
    whole: bool,
}

/// The pieces of a message that came.
#[derive(Debug)]
struct Pieces {
    /// The last one.
    fact: Fact,
    numbers: BTreeSet<u32>,
    /// How many lines there were until then.
    line: u64,
}

impl Charon {
    /// The next line. `place` is asked for only when the line tells something.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: impl Fn() -> Place) -> Heard {
        let message = line::message(line.body);
        Heard {
            taken: self.take(&message, line, place),
            wrote: message.group.is_some(),
        }
    }

    fn take(&mut self, message: &Message<'_>, line: &Line<'_>, place: impl Fn() -> Place) -> bool {
        if message.group.is_none() && line.program.is_some_and(foreign) {
            return false;
        }
        let text = message.text;
        if message.group == Some("CFG") && self.loaded.line(text) {
            self.lines += 1;
            return true;
        }
        self.asides.line(message.group, text, &place);
        let statement = said(text.trim()).or_else(|| match message.group {
            Some(_) => None,
            None => cited(text),
        });
        if message.group.is_none() && statement.is_none() {
            return false;
        }
        self.lines += 1;
        self.whole |= message.group == Some("NET")
            || matches!(
                statement,
                Some(Said::Started | Said::Datagram { .. } | Said::Packet { .. })
            );
        if let Some(at) = line.at {
            let (first, last) = self.times.unwrap_or((at, at));
            self.times = Some((first.min(at), last.max(at)));
        }
        let Some(statement) = statement else {
            let sa = self.known(message).and_then(|at| self.sas.get_mut(at));
            if let Some(sa) = sa.filter(|_| message.group == Some("CFG")) {
                sa.continues(text);
            }
            return true;
        };
        self.hear(message, statement, line.at, place);
        true
    }

    /// Everything that was told.
    pub(crate) fn finish(mut self, into: &mut Reading) {
        into.facts
            .extend(core::mem::take(&mut self.asides).finish());
        if self.lines == 0 || (self.facts.is_empty() && !self.whole) {
            return;
        }
        into.recognised.push(Recognised {
            product: Product::Charon,
            lines: self.lines,
        });
        if self.whole {
            into.window = self.times;
        }
        self.waiting();
        self.tried_last();
        self.refused_last();
        self.cut_off();
        self.once_more();
        // A responder learns late whom it talks to; the name is the name of all that went before.
        let Self {
            mut facts,
            sas,
            fragments,
            ..
        } = self;
        facts.extend(fragments.into_iter().map(|(sa, pieces)| (pieces.fact, sa)));
        let mut subjects = subjects(&sas);
        let other = other_end(&sas, &mut subjects);
        into.facts.extend(facts.into_iter().map(|(fact, sa)| {
            Fact {
                // Whom no configuration fits belongs to none, whatever the lines around it are about.
                subject: turned_away(&fact)
                    .map(|peer| peer.to_string())
                    .or_else(|| subjects.get(sa).cloned().flatten()),
                side: if other.contains(&sa) {
                    fact.side.other()
                } else {
                    fact.side
                },
                ..fact
            }
        }));
    }

    /// IKE SAs of which we answered the first message, and the log went on without another one of the peer's.
    fn waiting(&mut self) {
        // Every product repeats or goes on sooner than this.
        const LONG_MS: u64 = 15_000;
        let Some((_, last)) = self.times else { return };
        let mut latest = vec![None; self.sas.len()];
        for (at, (_, sa)) in self.facts.iter().enumerate() {
            if let Some(latest) = latest.get_mut(*sa) {
                *latest = Some(at);
            }
        }
        for (index, latest) in latest.into_iter().enumerate() {
            let Some((fact, _)) = latest.and_then(|at| self.facts.get(at)) else {
                continue;
            };
            let answered = matches!(
                &fact.what,
                Known::Happened { happening: Happening::Sent(m) } if m.response && m.phase() == Some(Phase::First)
            );
            let silent = fact.at.map_or(0, |at| last.0.saturating_sub(at.0));
            if answered && silent >= LONG_MS {
                let sign = Fact {
                    what: Known::Sign {
                        sign: Sign::PeerDidNotGoOn,
                        values: BTreeMap::from([(
                            "seconds".to_owned(),
                            (silent / 1000).to_string(),
                        )]),
                    },
                    role: None,
                    ..fact.clone()
                };
                self.facts.push((sign, index));
            }
        }
    }

    /// IKE SAs of which the log tells nothing after it told of the peer's certificate.
    fn tried_last(&mut self) {
        for (index, (facts, place)) in core::mem::take(&mut self.tried) {
            let later = self.facts.get(facts..).unwrap_or_default();
            if !later.iter().any(|(_, sa)| *sa == index) {
                self.facts
                    .push((sign(Sign::PeerCertificateTried, [], &place), index));
            }
        }
    }

    /// IKE SAs of which the log ends between the comparison of the proposals and the refusal that it leads to.
    fn refused_last(&mut self) {
        for (index, (ike, place)) in core::mem::take(&mut self.unfit) {
            if let Some(sa) = self.sas.get(index) {
                let fact = Fact {
                    source: place.source,
                    at: place.at,
                    side: place.side,
                    subject: None,
                    role: sa.role,
                    what: Known::Happened {
                        happening: sa.unfit(ike),
                    },
                };
                self.facts.push((fact, index));
            }
        }
    }

    /// The log ends with a datagram that nothing more is said of: from the peer that repeated a request before, and as
    /// large as that.
    fn once_more(&mut self) {
        let Some((index, place, line)) = self.came.take() else {
            return;
        };
        let ends = line == self.lines && !self.stopping;
        let Some(sa) = self.sas.get_mut(index).filter(|_| ends) else {
            return;
        };
        let around = Around {
            at: place.at,
            loaded: &self.loaded,
            stopping: false,
        };
        let role = sa.role;
        for happening in sa.hear(Said::Duplicate, &around) {
            let fact = Fact {
                source: place.source.clone(),
                at: place.at,
                side: place.side,
                subject: None,
                role,
                what: Known::Happened { happening },
            };
            self.facts.push((fact, index));
        }
    }

    fn hear(
        &mut self,
        message: &Message<'_>,
        statement: Said,
        at: Option<Wall>,
        place: impl Fn() -> Place,
    ) {
        match &statement {
            Said::Started => {
                self.ended(&place());
                // A new daemon counts its IKE SAs from 1 again, and knows only what it loads.
                self.by_number.clear();
                self.by_peer.clear();
                self.by_thread.clear();
                self.last = None;
                self.loaded = Loaded::default();
                self.stopping = false;
                return;
            }
            Said::Stopping => {
                self.stopping = true;
                self.set_ending_aside(at);
                return;
            }
            _ => {}
        }
        let mut index = self.locate(message, &statement);
        if matches!(statement, Said::Duplicate) {
            let octets = self.sas.get(index).map_or(0, Sa::octets);
            index = self.repeated(message, index);
            self.again.insert(index, (octets, at));
        }
        if let Said::Rekeyed { number } = statement {
            self.replaced(index, number);
            return;
        }
        if let Said::Datagram {
            received: true,
            octets,
            from,
            ..
        } = statement
        {
            // Later than any product repeats, it is a new attempt.
            const LONG_MS: u64 = 60_000;
            let repeated = self.again.get(&index).is_some_and(|(same, then)| {
                let soon = then
                    .zip(at)
                    .is_none_or(|(then, at)| at.0.saturating_sub(then.0) <= LONG_MS);
                let port = self.sas.get(index).and_then(Sa::peer_port);
                let elsewhere = from
                    .zip(port)
                    .is_some_and(|(from, port)| from.port() != port);
                *same == octets && soon && !elsewhere
            });
            self.came = repeated.then(|| (index, place(), self.lines));
        }
        if let Said::Datagram {
            received: false,
            octets,
            ..
        } = statement
        {
            self.size(octets);
        }
        match &statement {
            Said::Authenticated | Said::CertificateTried if !self.stopping => {
                self.tried.insert(index, (self.facts.len(), place()));
            }
            Said::IkeUp { .. } => {
                self.tried.remove(&index);
            }
            _ => {}
        }
        match &statement {
            Said::Received(listed) if !self.stopping => {
                if self.sas.get(index).is_some_and(Sa::none_fits) {
                    self.unfit.insert(index, (listed.ike, place()));
                }
            }
            Said::Configured(_) => {}
            _ => {
                self.unfit.remove(&index);
            }
        }
        let around = Around {
            at,
            loaded: &self.loaded,
            stopping: self.stopping,
        };
        let Some(sa) = self.sas.get_mut(index) else {
            return;
        };
        if let Some((Some(name), _)) = message.sa {
            sa.name = Some(name.to_owned());
        }
        if let Said::Fragment { number, of, whole } = statement {
            self.fragment(index, (number, of, whole), &place());
            return;
        }
        let again = matches!(statement, Said::Duplicate)
            .then(|| sa.answered_proof())
            .flatten();
        let happenings = sa.hear(statement, &around);
        let odd = sa.odd_port().filter(|_| self.odd_ports.insert(index));
        if sa.is_up() {
            self.fragments.remove(&index);
        }
        let role = sa.role;
        if let (Some(peer), None) = (sa.peer(), message.sa) {
            self.by_peer.insert(peer, index);
        }
        if let Some(port) = odd.filter(|_| !self.stopping) {
            let values = [("port", port.to_string())];
            self.facts
                .push((sign(Sign::IkePortUnusual, values, &place()), index));
        }
        if let Some(octets) = again.filter(|_| !self.stopping) {
            let values = (octets > 0).then(|| ("octets", octets.to_string()));
            self.facts
                .push((sign(Sign::AuthenticationRepeated, values, &place()), index));
        }
        for happening in happenings {
            if matches!(&happening, Happening::Sent(MessageInfo { octets: 0, .. })) {
                self.unsized_fact = Some(self.facts.len()).filter(|_| !self.stopping);
            }
            let Place { source, at, side } = place();
            let fact = Fact {
                source,
                at,
                side,
                subject: None,
                role,
                what: Known::Happened { happening },
            };
            if self.stopping {
                self.ending.push((fact, index));
            } else {
                self.facts.push((fact, index));
            }
        }
    }

    fn fragment(&mut self, sa: usize, (number, of, whole): (u32, Option<u32>, bool), at: &Place) {
        if whole {
            self.fragments.remove(&sa);
            return;
        }
        let line = self.lines;
        let pieces = self.fragments.entry(sa).or_insert_with(|| Pieces {
            fact: sign(Sign::IkeFragmentsIncomplete, [], at),
            numbers: BTreeSet::new(),
            line,
        });
        pieces.line = line;
        pieces.numbers.insert(number);
        let have = pieces.numbers.len().to_string();
        let mut values = BTreeMap::from([("have".to_owned(), have)]);
        values.extend(of.map(|of| ("of".to_owned(), of.to_string())));
        pieces.fact = sign(Sign::IkeFragmentsIncomplete, [], at);
        if let Known::Sign { values: own, .. } = &mut pieces.fact.what {
            *own = values;
        }
    }

    /// Of messages in pieces: whether the log goes on long enough that the rest should have come.
    fn cut_off(&mut self) {
        const SOON_MS: u64 = 2_000;
        const FEW: u64 = 4;
        let (last, lines) = (self.times.map(|(_, last)| last), self.lines);
        for pieces in self.fragments.values_mut() {
            let goes_on = match (last, pieces.fact.at) {
                (Some(last), Some(at)) => last.0.saturating_sub(at.0) >= SOON_MS,
                _ => lines.saturating_sub(pieces.line) >= FEW,
            };
            if let Known::Sign { values, .. } = &mut pieces.fact.what
                && !goes_on
            {
                values.insert("cut".to_owned(), "yes".to_owned());
            }
        }
    }

    /// A daemon was asked to stop: that its tunnels close says nothing about them. Two gateways that are stopped
    /// together close each other's tunnels, so a delete just before it counts as part of it.
    fn set_ending_aside(&mut self, at: Option<Wall>) {
        const TOGETHER_MS: u64 = 5000;
        let Some(now) = at else { return };
        let part = |fact: &Fact| {
            fact.at.is_some_and(|at| at.0 + TOGETHER_MS >= now.0)
                && match &fact.what {
                    Known::Happened { happening } => match happening {
                        Happening::ChildClosed { .. } => true,
                        Happening::IkeClosed { cause, .. } => cause == "deleted",
                        Happening::Sent(m) | Happening::Received(m) => {
                            m.exchange.starts_with("INFORMATIONAL")
                        }
                        _ => false,
                    },
                    _ => false,
                }
        };
        let keep = self
            .facts
            .iter()
            .rposition(|(fact, _)| !part(fact))
            .map_or(0, |last| last + 1);
        self.ending.extend(self.facts.drain(keep..));
    }

    /// A daemon starts: whatever was up before it isn't.
    fn ended(&mut self, place: &Place) {
        self.facts.append(&mut self.ending);
        for (index, sa) in self.sas.iter_mut().enumerate() {
            if let Some(happening) = sa.lost() {
                let fact = Fact {
                    source: place.source.clone(),
                    at: place.at,
                    side: place.side,
                    subject: None,
                    role: sa.role,
                    what: Known::Happened { happening },
                };
                self.facts.push((fact, index));
            }
        }
    }

    /// The IKE SA that a line belongs to, if it is known.
    fn known(&self, message: &Message<'_>) -> Option<usize> {
        match message.sa {
            Some((_, number)) => self.by_number.get(&number).copied(),
            None => message
                .thread
                .and_then(|t| self.by_thread.get(&t).copied())
                .or(self.last),
        }
    }

    /// The IKE SA that a statement belongs to; a new one when it is the first to speak of it.
    fn locate(&mut self, message: &Message<'_>, statement: &Said) -> usize {
        let number = message.sa.map(|(_, number)| number).or(match statement {
            Said::Initiating { number, .. } | Said::IkeUp { number, .. } => *number,
            _ => None,
        });
        let peer = match statement {
            Said::Datagram {
                received, from, to, ..
            } => if *received { from } else { to }.map(|e| e.ip()),
            _ => None,
        };
        let found = match (number, peer) {
            (Some(number), _) => self
                .by_number
                .get(&number)
                .copied()
                // Without numbers in every line, packets came before the number.
                .or_else(|| {
                    self.known(message)
                        .filter(|_| message.sa.is_none() && matches!(statement, Said::IkeUp { .. }))
                }),
            // The message may be announced before the packet that names its peer.
            (None, Some(peer)) => self.by_peer.get(&peer).copied().or_else(|| {
                let nobody = |at: &usize| self.sas.get(*at).is_some_and(|sa| sa.peer().is_none());
                self.known(message).filter(nobody)
            }),
            (None, None) => self.known(message),
        };
        let begins = message.sa.is_none()
            && match statement {
                Said::Packet {
                    received: true,
                    exchange,
                    response: false,
                    id,
                    payloads,
                } => super::sa::opening(&MessageInfo {
                    exchange: exchange.clone(),
                    message_id: *id,
                    response: false,
                    payloads: payloads.clone(),
                    octets: 0,
                }),
                _ => false,
            };
        let index = match found {
            Some(index) if !begins => index,
            found => {
                let mut sa = Sa::default();
                if let Some((at, old)) = found.and_then(|at| Some((at, self.sas.get_mut(at)?))) {
                    sa = old.successor(at);
                }
                self.sas.push(sa);
                self.sas.len() - 1
            }
        };
        if let Some(number) = number {
            self.by_number.insert(number, index);
        }
        if let Some(thread) = message.thread {
            self.by_thread.insert(thread, index);
        }
        self.last = Some(index);
        index
    }

    /// What was taken for a new request is one that was answered before. Returns the IKE SA that it belongs to.
    fn repeated(&mut self, message: &Message<'_>, index: usize) -> usize {
        // Its lines stand together, but for those of other threads between; a log may hold many repetitions.
        const RECENT: usize = 256;
        let of = |(_, sa): &(Fact, usize)| *sa == index;
        let begin = self.facts.len().saturating_sub(RECENT);
        let recent = self.facts.get(begin..).unwrap_or_default();
        let last = recent.iter().rposition(of).map(|at| begin + at);
        let request = last.filter(|at| {
            matches!(
                self.facts.get(*at),
                Some((Fact { what: Known::Happened { happening: Happening::Received(m) }, .. }, _)) if !m.response
            )
        });
        if let Some(at) = request {
            self.facts.remove(at);
        }
        let first = self.sas.get(index).and_then(|sa| sa.after);
        let recent = self.facts.get(begin..).unwrap_or_default();
        let Some(first) = first.filter(|_| !recent.iter().any(of)) else {
            return index;
        };
        if let Some(peer) = self.sas.get(first).and_then(Sa::peer) {
            self.by_peer.insert(peer, first);
        }
        if let Some(thread) = message.thread {
            self.by_thread.insert(thread, first);
        }
        self.last = Some(first);
        first
    }

    /// Another IKE SA of the connection took over.
    fn replaced(&mut self, by: usize, number: Option<u32>) {
        let name = self.sas.get(by).and_then(|sa| sa.name.clone());
        // The line is often the first that names the new one.
        let by = number.map_or(by, |number| {
            *self.by_number.entry(number).or_insert_with(|| {
                self.sas.push(Sa::named(name.clone()));
                self.sas.len() - 1
            })
        });
        for (at, sa) in self.sas.iter_mut().enumerate() {
            sa.replaced |= at != by && sa.name == name;
        }
    }

    /// The size of the message that was announced before.
    fn size(&mut self, size: usize) {
        let fact = self
            .unsized_fact
            .take()
            .and_then(|at| self.facts.get_mut(at));
        if let Some((
            Fact {
                what:
                    Known::Happened {
                        happening: Happening::Sent(info),
                    },
                ..
            },
            _,
        )) = fact
        {
            info.octets = size;
        }
    }
}

/// Who has no configuration here, where the fact is that.
fn turned_away(fact: &Fact) -> Option<IpAddr> {
    match &fact.what {
        Known::Happened {
            happening:
                Happening::Refused {
                    refusal: Refusal::NoConnection { remote, .. },
                    ..
                },
        } => Some(*remote).filter(|remote| !remote.is_unspecified()),
        _ => None,
    }
}

/// What each IKE SA is about: its connection; or, while that isn't known, the only connection of the same peer; or the peer.
fn subjects(sas: &[Sa]) -> Vec<Option<String>> {
    let mut names: HashMap<IpAddr, BTreeSet<&str>> = HashMap::new();
    for sa in sas {
        if let (Some(peer), Some(name)) = (sa.peer(), &sa.name) {
            names.entry(peer).or_default().insert(name);
        }
    }
    let of_peer = |peer: IpAddr| match names.get(&peer).map(|all| (all.len(), all.first())) {
        None => Some(peer.to_string()),
        Some((1, Some(only))) => Some((*only).to_owned()),
        // It may be any of them.
        Some(_) => None,
    };
    sas.iter()
        .map(|sa| sa.name.clone().or_else(|| sa.peer().and_then(of_peer)))
        .collect()
}

/// The IKE SAs that are the peer's, where a text holds the logs of both ends: those whose addresses are the last one's the
/// other way round. They are about the same connection.
fn other_end(sas: &[Sa], subjects: &mut [Option<String>]) -> BTreeSet<usize> {
    let looks: HashSet<_> = sas.iter().filter_map(Sa::looks).collect();
    let Some((last, sa)) = sas
        .iter()
        .enumerate()
        .rfind(|(_, sa)| looks.contains(&sa.seen_from()))
    else {
        return BTreeSet::new();
    };
    let all: BTreeSet<usize> = (0..sas.len())
        .filter(|at| sas.get(*at).and_then(Sa::looks) == Some(sa.seen_from()))
        .collect();
    let name = subjects.get(last).cloned().flatten();
    for at in &all {
        if let Some(subject) = subjects.get_mut(*at) {
            subject.clone_from(&name);
        }
    }
    all
}

fn sign<'n>(sign: Sign, values: impl IntoIterator<Item = (&'n str, String)>, at: &Place) -> Fact {
    Fact {
        source: at.source.clone(),
        at: at.at,
        side: at.side,
        subject: None,
        role: None,
        what: Known::Sign {
            sign,
            values: values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        },
    }
}

/// Programs whose lines are nobody's of charon.
fn foreign(program: &str) -> bool {
    let program = program.to_ascii_lowercase();
    ![
        "charon",
        "strongswan",
        "ipsec",
        "swanctl",
        "starter",
        "vpn",
        "ike",
        "networkmanager",
    ]
    .iter()
    .any(|known| program.contains(known))
}
