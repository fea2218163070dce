//! Which line belongs to which state, and the facts that all of them make.

use std::collections::{BTreeSet, HashMap};

use adit_model::event::{Happening, Role};
use adit_model::fact::{Fact, Known};
use adit_model::now::Wall;
use adit_model::proposal::Proposal;
use adit_model::selector::Selector;

use super::line::{self, Message};
use super::sa::{Around, Sa};
use super::said::{Said, said};
use super::step;
use crate::reading::{Place, Product, Reading, Recognised};
use crate::text::Line;

/// Reads a log of pluto, or what its `whack` prints.
///
/// Every line of a state carries the state's number. Packets of which no state was found name their sender; and a paste
/// may have lost the heads, in which case a line belongs to the state that was spoken of last.
#[derive(Debug, Default)]
pub(crate) struct Pluto {
    sas: Vec<Sa>,
    /// The states that were spoken of under each connection's name.
    by_name: HashMap<String, BTreeSet<usize>>,
    by_serial: HashMap<u32, usize>,
    last: Option<usize>,
    stopping: bool,
    /// Where it said last that it listens, unless it was stopped after that.
    listening: Option<Place>,
    facts: Vec<(Fact, usize)>,
    /// What was told since the daemon was asked to stop. It counts only if the daemon comes back.
    ending: Vec<(Fact, usize)>,
    /// What connections would take, by name: for an IKE SA, for ESP.
    ours: HashMap<String, [Vec<Proposal>; 2]>,
    /// Facts of a search that was only debugged: the daemon may have found a connection after it.
    tentative: Vec<usize>,
    /// Such facts that a later line disproved.
    disproved: Vec<usize>,
    /// A refusal whose list hasn't come yet.
    unlisted: Option<String>,
    /// The networks that the peer proposed last; the CHILD SA that they are for begins with the next line.
    proposed: Option<(Vec<Selector>, Vec<Selector>)>,
    /// The state of whose transforms the last line refused one, and that line.
    unsettled: Option<(usize, Place)>,
    lines: u64,
    /// Lines that are pluto's beyond doubt.
    sure: u64,
    times: Option<(Wall, Wall)>,
    whole: bool,
}

/// Whether a CHILD SA is asked for in the place of one that is up.
fn replaces_child(text: &str) -> bool {
    text.starts_with("initiating rekey to replace Child SA")
        || text.contains("request to rekey IPsec SA")
        || text.contains("request to rekey Child SA")
}

/// The section of the configuration that a connection comes of: pairs of several networks (`office/1x2`) share what it
/// says of algorithms.
fn section(name: &str) -> &str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let pair = |end: &str| {
        end.split_once('x')
            .is_some_and(|(a, b)| digits(a) && digits(b))
    };
    match name.rsplit_once('/') {
        Some((section, end)) if pair(end) => section,
        _ => name,
    }
}

impl Pluto {
    /// The next line. `place` is asked for only when the line tells something.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: impl Fn() -> Place) -> bool {
        let joined = self.continued_list(line.body);
        let line = &match &joined {
            Some(body) => Line { body, ..*line },
            None => Line { ..*line },
        };
        let Some(message) = line::message(line) else {
            return false;
        };
        let statement = said(&message);
        if statement.is_none() && !message.sure {
            return false;
        }
        self.lines += 1;
        self.sure += u64::from(message.sure);
        if let Some(at) = line.at {
            let (first, last) = self.times.unwrap_or((at, at));
            self.times = Some((first.min(at), last.max(at)));
        }
        self.hear(&message, statement, place);
        true
    }

    /// A refusal whose list of the peer's proposals begins on the next line, together with it: `1:IKE:ENCR=…`.
    fn continued_list(&mut self, body: &str) -> Option<String> {
        const REFUSED: &str = "no local proposal matches remote proposals";
        let text = body.trim();
        let head = self.unlisted.take();
        if text.trim_end_matches(':').ends_with(REFUSED) {
            self.unlisted = Some(text.trim_end_matches(':').to_owned());
            return None;
        }
        let (number, rest) = text.split_once(':')?;
        let listed = number.len() < 4
            && number.bytes().all(|b| b.is_ascii_digit())
            && ["IKE:", "ESP:", "AH:"].iter().any(|p| rest.starts_with(p));
        head.filter(|_| listed).map(|head| format!("{head} {text}"))
    }

    /// Everything that was told.
    pub(crate) fn finish(mut self, into: &mut Reading) {
        // The log ends before it says that none was acceptable.
        if let Some((index, place)) = self.unsettled.take() {
            let happening = self.sas.get_mut(index).and_then(Sa::refused_all);
            self.record(index, happening.into_iter().collect(), false, || {
                place.clone()
            });
        }
        into.facts.extend(self.listening.take().map(|place| Fact {
            source: place.source,
            at: place.at,
            side: place.side,
            subject: None,
            role: None,
            what: Known::Daemon { running: true },
        }));
        if self.lines == 0 || (self.facts.is_empty() && self.sure == 0) {
            return;
        }
        into.recognised.push(Recognised {
            product: Product::Pluto,
            lines: self.lines,
        });
        if self.whole {
            into.window = into.window.or(self.times);
        }
        // A responder learns late which connection it is about; the name is the name of all that went before.
        let Self {
            facts,
            sas,
            disproved,
            ..
        } = self;
        let disproved: BTreeSet<usize> = disproved.into_iter().collect();
        let facts = facts
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !disproved.contains(at))
            .map(|(_, (fact, sa))| {
                let sa = sas.get(sa);
                Fact {
                    subject: sa.and_then(|sa| sa.name.clone()),
                    role: fact.role.or(sa.and_then(|sa| sa.role)),
                    ..fact
                }
            });
        into.facts.extend(facts);
    }

    fn hear(&mut self, message: &Message<'_>, statement: Option<Said>, place: impl Fn() -> Place) {
        match &statement {
            Some(Said::Started) => {
                self.started(&place());
                return;
            }
            Some(Said::Stopping) => {
                self.stopping = true;
                self.listening = None;
                return;
            }
            Some(Said::Listening) => {
                self.whole = true;
                self.listening = Some(place());
                return;
            }
            // AH and ESP; an ISAKMP SA is 1.
            Some(Said::Dump(protocol)) => {
                if [2, 3].contains(protocol) {
                    self.was_about_child();
                }
                return;
            }
            Some(Said::Ours { ike, proposals }) if message.serial.is_none() => {
                if let Some(name) = message.name {
                    self.loaded(name, *ike, proposals);
                }
                return;
            }
            None if message.serial.is_none() => return,
            _ => {}
        }
        let index = self.locate(message, statement.as_ref());
        let mut happenings = Vec::new();
        let about = statement
            .as_ref()
            .map_or(index, |statement| self.about(index, statement));
        let around = self.around(message, about);
        if let Some(sa) = self.sas.get_mut(index) {
            if let (Some(name), None) = (message.name, &sa.name) {
                sa.name = Some(name.to_owned());
                self.by_name
                    .entry(name.to_owned())
                    .or_default()
                    .insert(index);
                if let Some([ike, esp]) = self.ours.get(section(name)) {
                    sa.configured = ike.clone();
                    sa.configured_esp = esp.clone();
                }
            }
            if let Some(peer) = message.from {
                sa.peer = Some(peer);
            } else if let (None, Some(peer)) = (sa.peer, message.peer) {
                sa.peer = Some(core::net::SocketAddr::new(peer, 500));
            }
            sa.replaces |= replaces_child(message.text);
            let initial = matches!(
                statement,
                Some(Said::Initiating { .. } | Said::Responding { .. } | Said::QuickMode { .. })
            );
            if let Some(state) = message.state.filter(|_| !initial) {
                let arrives = matches!(
                    statement,
                    Some(Said::IkeUp { .. } | Said::ChildUp { .. } | Said::Reached { .. })
                );
                happenings = sa.named_state(state, arrives);
            }
        }
        let tentative = message.debug && matches!(statement, Some(Said::NoConnection { .. }));
        if let Some(statement) = statement {
            let refused = matches!(statement, Said::TransformRefused(_));
            self.unsettled = refused.then(|| (index, place()));
            if matches!(
                statement,
                Said::Responding { .. } | Said::Came { .. } | Said::Reached { .. }
            ) {
                self.found_after_all();
            }
            let told = self.tell(index, about, statement, around);
            if about != index {
                self.record(about, told, tentative, &place);
            } else {
                happenings.extend(told);
            }
        }
        self.record(index, happenings, tentative, place);
    }

    /// What a deletion is about may be another state than the one that speaks, and of another connection.
    fn about(&self, index: usize, statement: &Said) -> usize {
        match statement {
            Said::DeleteReceived { serial, .. } | Said::Gone { serial, .. } => serial
                .and_then(|serial| self.by_serial.get(&serial).copied())
                .unwrap_or(index),
            _ => index,
        }
    }

    fn tell(
        &mut self,
        index: usize,
        about: usize,
        statement: Said,
        around: Around,
    ) -> Vec<Happening> {
        if let Said::Switched(to) = &statement {
            if let Some(sa) = self.sas.get_mut(index) {
                sa.name = Some(to.clone());
                self.by_name.entry(to.clone()).or_default().insert(index);
            }
            return Vec::new();
        }
        if matches!(statement, Said::DeleteReceived { child: true, .. }) && about == index {
            // A CHILD SA that the log didn't show: nothing is known to have ended.
            return Vec::new();
        }
        if let Said::PeerProposed { ours, theirs } = &statement {
            self.proposed = Some((ours.clone(), theirs.clone()));
        }
        if matches!(statement, Said::QuickMode { .. }) {
            self.adopt(index, &statement);
            let proposed = self.proposed.take();
            if let (Some(sa), Some((ours, theirs))) = (self.sas.get_mut(index), proposed)
                && sa.role != Some(Role::Initiator)
            {
                let happenings = sa.hear(statement, around);
                sa.proposed(ours, theirs);
                return happenings;
            }
        }
        let Some(sa) = self.sas.get_mut(about) else {
            return Vec::new();
        };
        sa.hear(statement, around)
    }

    /// The part that we play in a CHILD SA's exchange is the one in its IKE SA.
    fn adopt(&mut self, index: usize, statement: &Said) {
        let Said::QuickMode { isakmp, .. } = statement else {
            return;
        };
        let parent = isakmp
            .and_then(|serial| self.by_serial.get(&serial).copied())
            .or_else(|| self.parent_of(index));
        let role = parent.and_then(|at| self.sas.get_mut(at)).and_then(|sa| {
            sa.has_child();
            sa.role
        });
        if let Some(sa) = self.sas.get_mut(index) {
            sa.role = role;
        }
    }

    /// Up to version 3.29, IKE_AUTH is sent under the number of the CHILD SA to be: it goes on where the IKE SA is.
    fn continued(&self, message: &Message<'_>) -> Option<usize> {
        let auth = message
            .state
            .and_then(step::state)
            .and_then(|s| s.sent)
            .is_some_and(|(name, _)| name == "IKE_AUTH");
        if !auth {
            return None;
        }
        let (at, last) = self.named(message.name).next()?;
        last.is_under_way().then_some(at)
    }

    /// The newest IKE SA of the same connection.
    fn parent_of(&self, index: usize) -> Option<usize> {
        let name = self.sas.get(index)?.name.as_deref();
        self.named(name)
            .find(|(at, sa)| *at != index && !sa.child && sa.role.is_some())
            .map(|(at, _)| at)
    }

    /// The latest states of a connection, or of none, newest first: of more of them nothing is asked, whatever the
    /// log's length.
    fn named<'a>(&'a self, name: Option<&'a str>) -> impl Iterator<Item = (usize, &'a Sa)> {
        const LATEST: usize = 256;
        let of_name = name.and_then(|name| self.by_name.get(name));
        let of_none = name.is_none().then_some(0..self.sas.len());
        let of_name = of_name.into_iter().flatten().rev().copied();
        of_name
            .chain(of_none.into_iter().flatten().rev().take(16 * LATEST))
            .filter_map(|at| Some((at, self.sas.get(at)?)))
            .filter(move |(_, sa)| sa.name.as_deref() == name)
            .take(LATEST)
    }

    fn around(&self, message: &Message<'_>, index: usize) -> Around {
        let Some(own) = self.sas.get(index) else {
            return Around::default();
        };
        let name = own.name.as_deref().or(message.name);
        let siblings = || {
            self.named(name)
                .filter(|(at, sa)| *at != index && sa.name.is_some())
        };
        Around {
            serial: message.serial.unwrap_or(0),
            stopping: self.stopping,
            // An IKE SA whose beginning the log doesn't show was up before its CHILD SA was asked for.
            child_asked: (own.up || !own.has_begun())
                && siblings().any(|(_, sa)| sa.child && !sa.up),
            children_up: siblings().any(|(_, sa)| sa.child && sa.up && !sa.closed),
            replaced: siblings().any(|(at, sa)| at > index && !sa.child && sa.up && !sa.closed),
        }
    }

    /// The state that a line belongs to; a new one when it is the first to speak of it.
    fn locate(&mut self, message: &Message<'_>, statement: Option<&Said>) -> usize {
        let begins = matches!(
            statement,
            Some(
                Said::Initiating { .. }
                    | Said::Responding { .. }
                    | Said::QuickMode { .. }
                    | Said::NoConnection { .. }
            )
        );
        let known = match (message.serial, message.packet) {
            (Some(serial), _) => self
                .by_serial
                .get(&serial)
                .copied()
                .or_else(|| self.continued(message)),
            (None, true) => None,
            (None, false) => self.last.filter(|at| {
                // A line about the connection itself belongs to the state of that name.
                message.name.is_none()
                    || self.sas.get(*at).and_then(|sa| sa.name.as_deref()) == message.name
            }),
        };
        let fresh = known.is_none_or(|at| begins && self.sas.get(at).is_some_and(Sa::has_begun));
        let index = match known {
            Some(at) if !fresh => at,
            _ => {
                self.sas.push(Sa::default());
                self.sas.len() - 1
            }
        };
        if let Some(serial) = message.serial {
            self.by_serial.insert(serial, index);
        }
        if !message.packet {
            self.last = Some(index);
        }
        index
    }

    fn record(
        &mut self,
        index: usize,
        happenings: Vec<Happening>,
        tentative: bool,
        place: impl Fn() -> Place,
    ) {
        let role = self.sas.get(index).and_then(|sa| sa.role);
        for happening in happenings {
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
                if tentative {
                    self.tentative.push(self.facts.len());
                }
                self.facts.push((fact, index));
            }
        }
    }

    /// A daemon starts: whatever was up before it isn't, and states are counted from 1 again.
    fn started(&mut self, place: &Place) {
        self.whole = true;
        self.stopping = false;
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
        self.by_serial.clear();
        self.last = None;
    }

    /// A connection lists what it would take, when it is loaded and when it is used.
    fn loaded(&mut self, name: &str, ike: bool, proposals: &[Proposal]) {
        const MOST: usize = 64;
        let lists = self.ours.entry(section(name).to_owned()).or_default();
        let [for_ike, for_esp] = lists;
        let list = if ike { for_ike } else { for_esp };
        for one in proposals {
            if list.len() < MOST && !list.contains(one) {
                list.push(one.clone());
            }
        }
    }

    /// The error that was told last, taken for one of phase 1, was about a CHILD SA.
    fn was_about_child(&mut self) {
        if let Some((fact, sa)) = self.facts.last_mut()
            && let Known::Happened {
                happening: Happening::PeerRefused { what, .. },
            } = &mut fact.what
            && let Some(sa) = self.sas.get(*sa)
        {
            *what = sa.about_child();
        }
    }

    /// A message of the exchange went on: the connection that wasn't found at first was found.
    fn found_after_all(&mut self) {
        self.disproved.append(&mut self.tentative);
    }
}
