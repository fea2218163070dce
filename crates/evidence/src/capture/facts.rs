//! A capture made beside one gateway, as a case.
//!
//! What that gateway sent and received is what its own events would tell, up to the encryption: behind it only sizes
//! speak, and they say no more than *refused*. A refusal's reason is never guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use adit_model::drops::DropReason;
use adit_model::event::{Asked, Happening, MessageInfo, Party, PathProblem, Role};
use adit_model::fact::{Case, Fact, Known, Side, Source};
use adit_model::proposal::{Proposal, Suite};
use adit_model::sign::Sign;

use super::{Capture, Conversation, Flow, Message, Stamp, traffic};

/// From where a capture is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vantage<'a> {
    /// The gateway beside which it was made, by its address as the capture has it.
    pub local: IpAddr,
    /// The other gateway.
    pub peer: IpAddr,
    /// Name of the file, for quotes.
    pub file: &'a str,
}

/// A request that has no answer for so long is unanswered, nanoseconds.
pub(super) const PATIENCE: u64 = 1_000_000_000;

/// Octets that a response needs at least to be a success: header, SK with 8 octets of IV and ICV, and the smallest
/// payloads that RFC 7296 lets it have. An IKE_AUTH without a CHILD SA: IDr and AUTH.
const LEAST_AUTH: usize = 85;
/// CREATE_CHILD_SA: SA, nonce, and either both traffic selectors or a key exchange.
const LEAST_CHILD: usize = 145;

const COOKIE: u16 = 16390;
const INVALID_KE_PAYLOAD: u16 = 17;

/// The pairs of gateways that speak IKE or exchange ESP in a capture, the one that began first.
#[must_use]
pub fn pairs(capture: &Capture) -> Vec<(IpAddr, IpAddr)> {
    let mut pairs: Vec<(IpAddr, IpAddr)> = Vec::new();
    let mut known: BTreeSet<(IpAddr, IpAddr)> = BTreeSet::new();
    let mut add = |a: IpAddr, b: IpAddr| {
        if known.insert((a.min(b), a.max(b))) {
            pairs.push((a, b));
        }
    };
    for c in &capture.conversations {
        add(c.initiator.ip(), c.responder.ip());
    }
    for f in &capture.flows {
        add(f.from.ip(), f.to.ip());
    }
    pairs
}

/// What a capture tells, by what it is about.
pub(super) struct Told {
    /// The IKE messages.
    pub(super) ike: Vec<Fact>,
    /// Errors that the path reported.
    pub(super) path: Vec<Fact>,
    /// The protected traffic, and what goes beside it.
    pub(super) traffic: Vec<Fact>,
    /// The tunnel is up, by its traffic.
    pub(super) up: Option<Fact>,
    /// The capture was running before the first request, and nothing of it was lost to us: silence counts.
    pub(super) covered: bool,
}

/// What a capture says about the tunnels between two gateways.
#[must_use]
pub fn case(capture: &Capture, vantage: &Vantage<'_>) -> Case {
    let subject = capture.name(vantage.peer);
    let told = tell(capture, vantage);
    let mut facts = told.ike;
    facts.extend(told.path);
    facts.sort_by_key(|f| f.source.line);
    facts.extend(told.traffic);
    facts.extend(told.up);
    for fact in &mut facts {
        fact.subject = Some(subject.clone());
    }
    Case {
        subject,
        facts,
        covered: [(Side::Local, told.covered)].into(),
        ..Case::default()
    }
}

/// What a capture says about the tunnels between two gateways, in parts.
pub(super) fn tell(capture: &Capture, vantage: &Vantage<'_>) -> Told {
    let mut teller = Teller {
        capture,
        vantage,
        facts: Vec::new(),
    };
    for conversation in &capture.conversations {
        let ends = [conversation.initiator.ip(), conversation.responder.ip()];
        if ends.contains(&vantage.local) && ends.contains(&vantage.peer) {
            teller.conversation(conversation);
        }
    }
    teller.facts.sort_by_key(|(order, _)| *order);
    let up = teller.up();
    let ike = teller.facts.drain(..).map(|(_, fact)| fact).collect();
    teller.path_errors();
    let path = teller.facts.drain(..).map(|(_, fact)| fact).collect();
    let from_the_start = capture.conversations.iter().all(|c| c.from_the_start);
    Told {
        ike,
        path,
        traffic: traffic::facts(capture, vantage),
        up,
        covered: from_the_start && capture.unread.is_empty() && !capture.excerpt,
    }
}

struct Teller<'a> {
    capture: &'a Capture,
    vantage: &'a Vantage<'a>,
    /// With the frame and a place within it, to be put in order.
    facts: Vec<((u64, u32), Fact)>,
}

/// Whose evidence a fact is, and in which part.
type Witness = (Side, Role);

impl Teller<'_> {
    fn conversation(&mut self, c: &Conversation) {
        let role = if c.initiator.ip() == self.vantage.local {
            Role::Initiator
        } else {
            Role::Responder
        };
        let mut begun = false;
        let mut floated = false;
        let mut repeats: BTreeMap<u64, u32> = BTreeMap::new();
        for m in &c.messages {
            let ours = self.ours(m);
            let request = is_request(c, m);
            if let Some(first) = m.retransmission_of {
                let attempt = repeats.entry(first).or_insert(0u32);
                *attempt += 1;
                let attempt = *attempt;
                self.repeated(c, m, role, ours && request, attempt);
                continue;
            }
            if opens(m) && request && !begun {
                begun = true;
                if ours {
                    let proposals = m.proposals.clone();
                    self.tell(m, role, Happening::Initiating { proposals });
                }
            }
            if m.marked && !floated && !opens(m) && c.messages.first().is_some_and(|f| !f.marked) {
                floated = true;
                self.tell(m, role, Happening::Floated);
            }
            let info = info(c, m);
            self.tell(
                m,
                role,
                if ours {
                    Happening::Sent(info)
                } else {
                    Happening::Received(info)
                },
            );
            if !request || m.version == 1 && m.error().is_some() {
                self.answer(c, m, role, ours);
            } else if !ours && opens(m) {
                self.nat(c, m, role);
            }
        }
        self.given_up(c, role);
        self.other_key(c, role);
    }

    /// The key of IKEv1 that opens one side's messages doesn't open the other side's answer: they derived different ones.
    fn other_key(&mut self, c: &Conversation, role: Role) {
        if c.version != 1 || !c.from_the_start {
            return;
        }
        let encrypted = || c.messages.iter().filter(|m| m.encrypted);
        let Some(opened) = encrypted().find(|m| m.inside.is_some()) else {
            return;
        };
        let theirs = || encrypted().filter(|m| m.from.ip() != opened.from.ip());
        if theirs().any(|m| m.inside.is_some()) {
            return;
        }
        // Whatever the vector, a notice is read behind its hash.
        let closed = theirs().find(|m| {
            m.frame > opened.frame && m.exchange == "INFORMATIONAL_V1" && could_be_opened(m)
        });
        let Some(closed) = closed else {
            return;
        };
        let text = format!(
            "{}: the key that opens {} → {} doesn't open the answer",
            sentence(self.capture, closed),
            self.capture.end(opened.from),
            self.capture.end(opened.to)
        );
        let told = if self.ours(closed) {
            (Side::Local, Some(role))
        } else {
            (Side::Remote, Some(other(role)))
        };
        let mut fact = self.fact(told, closed.frame, closed.at, text, Happening::PeerAlive);
        fact.what = Known::Sign {
            sign: Sign::DecryptedToNonsense,
            values: BTreeMap::new(),
        };
        let within = u32::try_from(self.facts.len()).unwrap_or(u32::MAX);
        self.facts.push(((closed.frame, within), fact));
    }

    fn ours(&self, m: &Message) -> bool {
        m.from.ip() == self.vantage.local
    }

    fn repeated(&mut self, c: &Conversation, m: &Message, role: Role, ours: bool, attempt: u32) {
        if ours {
            let what = Happening::Retransmitted {
                exchange: m.exchange.clone(),
                message_id: m.message_id,
                attempt,
            };
            return self.tell(m, role, what);
        }
        let answered = c.messages.iter().any(|a| {
            a.response == Some(true)
                && a.frame < m.frame
                && a.message_id == m.message_id
                && self.ours(a)
        });
        if answered && is_request(c, m) && !self.ours(m) {
            let what = Happening::Dropped {
                reason: DropReason::IkeDuplicate,
                detail: format!(
                    "{} request {} came again though it was answered",
                    m.exchange, m.message_id
                ),
            };
            self.tell(m, role, what);
        }
    }

    /// What an answer says in clear, or by its size.
    fn answer(&mut self, c: &Conversation, m: &Message, role: Role, ours: bool) {
        if m.version == 1 && c.version == 1 {
            return self.answer_v1(c, m, role, ours);
        }
        let by = if ours { Party::Us } else { Party::Peer };
        if m.inside.is_some() {
            if let Some(error) = m.error() {
                let what = (m.exchange.clone(), error.number, error.name.clone());
                self.refused(m, role, ours, what, Asked::default());
            }
            return;
        }
        if m.encrypted {
            let least = match m.exchange.as_str() {
                "IKE_AUTH"
                    if m.message_id == 1
                        && !c
                            .messages
                            .iter()
                            .any(|x| x.message_id > 1 && x.exchange == m.exchange) =>
                {
                    LEAST_AUTH
                }
                "CREATE_CHILD_SA" => LEAST_CHILD,
                _ => 0,
            };
            if (1..least).contains(&m.octets) && m.fragment.is_none() {
                let name = format!(
                    "an encrypted notify ({} octets are too few for anything else)",
                    m.octets
                );
                self.refused(
                    m,
                    role,
                    ours,
                    (m.exchange.clone(), 0, name),
                    Asked::default(),
                );
            }
            return;
        }
        let asked = c
            .messages
            .iter()
            .rev()
            .find(|r| r.frame < m.frame && is_request(c, r) && r.from.ip() != m.from.ip());
        let again = c.messages.iter().any(|r| {
            r.frame > m.frame && opens(r) && is_request(c, r) && r.retransmission_of.is_none()
        });
        if m.notice(COOKIE).is_some() && m.proposals.is_empty() {
            return self.tell(m, role, Happening::Cookie { by });
        }
        let Some(error) = m.error() else {
            self.nat(c, m, role);
            if let [chosen] = m.proposals.as_slice()
                && let Some(suite) = suite(chosen)
            {
                self.tell(m, role, Happening::IkeProposalChosen { suite });
            }
            return;
        };
        if error.number == INVALID_KE_PAYLOAD && again {
            let wanted = u16::from_str_radix(&error.data, 16).map_or_else(
                |_| "?".to_owned(),
                |n| adit_wire::iana::KeMethod(n).to_string(),
            );
            let what = Happening::KeRetry {
                from: asked
                    .and_then(|r| r.key_exchange.clone())
                    .unwrap_or_else(|| "?".to_owned()),
                to: wanted,
                by,
            };
            return self.tell(m, role, what);
        }
        // A later answer that goes on shows that nobody believed this one.
        let disproved = c.messages.iter().any(|a| {
            a.frame > m.frame && (a.encrypted || !is_request(c, a) && a.error().is_none())
        });
        if disproved || m.version != c.version {
            if !ours {
                let what = Happening::UnprotectedNotify {
                    notify: error.number,
                    name: error.name.clone(),
                    version: m.version,
                };
                self.tell(m, role, what);
            }
            return;
        }
        let asked = Asked {
            proposals: asked.map(|r| r.proposals.clone()).unwrap_or_default(),
            ..Asked::default()
        };
        let what = (m.exchange.clone(), error.number, error.name.clone());
        self.refused(m, role, ours, what, asked);
    }

    /// IKEv1 refuses its first exchange in an Informational exchange in clear.
    fn answer_v1(&mut self, c: &Conversation, m: &Message, role: Role, ours: bool) {
        let Some(error) = m.error() else { return };
        if m.inside.is_some() {
            return self.refused_v1(c, m, role, ours);
        }
        if c.messages.iter().any(|later| later.encrypted) {
            return;
        }
        let Some(first) = c.messages.first() else {
            return;
        };
        let asked = Asked {
            proposals: first.proposals.clone(),
            ..Asked::default()
        };
        let what = (
            format!("{}, which is IKEv1's IKE_SA_INIT", first.exchange),
            error.number,
            error.name.clone(),
        );
        self.refused(m, role, ours, what, asked);
    }

    /// An error of IKEv1 that keys brought to light: about the networks and ciphers of the latest quick mode of the
    /// other side, or else about identities and keys.
    fn refused_v1(&mut self, c: &Conversation, m: &Message, role: Role, ours: bool) {
        const AUTHENTICATION: [u16; 2] = [23, 24];
        let Some(error) = m.error() else { return };
        let asked = c.messages.iter().rev().find(|r| {
            r.frame < m.frame && r.exchange == "QUICK_MODE" && r.from.ip() != m.from.ip()
        });
        let quick = asked.filter(|_| !AUTHENTICATION.contains(&error.number));
        let (what, asked) = match quick {
            Some(quick) => (
                "CHILD_SA",
                Asked {
                    proposals: quick.proposals.clone(),
                    ..Asked::default()
                },
            ),
            None => ("IKEv1 authentication", Asked::default()),
        };
        let what = (what.to_owned(), error.number, error.name.clone());
        self.refused(m, role, ours, what, asked);
    }

    /// Somebody was told an error: the receiver of the message.
    fn refused(
        &mut self,
        m: &Message,
        role: Role,
        ours: bool,
        (what, notify, name): (String, u16, String),
        asked: Asked,
    ) {
        let data = m.error().map(|n| n.data.clone()).unwrap_or_default();
        let happening = Happening::PeerRefused {
            what,
            notify,
            name,
            data,
            asked,
        };
        let told = if ours {
            (Side::Remote, other(role))
        } else {
            (Side::Local, role)
        };
        self.push(told, m, happening);
    }

    fn nat(&mut self, c: &Conversation, m: &Message, role: Role) {
        if self.ours(m) || !c.from_the_start {
            return;
        }
        let what = match m.nat_detection {
            Some(found) => Happening::NatDetection {
                local_behind_nat: found.destination_translated,
                remote_behind_nat: found.source_translated,
                peer_supports: true,
            },
            None if m.problem.is_none() && m.version == 2 => Happening::NatDetection {
                local_behind_nat: false,
                remote_behind_nat: false,
                peer_supports: false,
            },
            None => return,
        };
        self.tell(m, role, what);
    }

    /// Silence counts as such when the capture went on for longer than the sender had waited before.
    fn given_up(&mut self, c: &Conversation, role: Role) {
        let Some(request) = c.messages.iter().rev().find(|m| {
            is_request(c, m)
                && self.ours(m)
                && m.retransmission_of.is_none()
                && m.fragment.is_none()
        }) else {
            return;
        };
        // IKEv1 doesn't say what answers what: whatever comes from the other side does.
        let answered = match request.response {
            Some(_) => c.response_to(request).is_some(),
            None => c
                .messages
                .iter()
                .any(|m| m.frame > request.frame && !self.ours(m)),
        };
        if answered {
            return;
        }
        let sent: Vec<&Message> = c
            .messages
            .iter()
            .filter(|m| m.frame == request.frame || m.retransmission_of == Some(request.frame))
            .collect();
        let [.., before, last] = sent.as_slice() else {
            return;
        };
        let waited = last.at.since(before.at);
        let rest = self.capture.last.unwrap_or(last.at).since(last.at);
        if rest < waited.saturating_mul(2).max(PATIENCE) {
            return;
        }
        let what = Happening::GaveUp {
            exchange: request.exchange.clone(),
            message_id: request.message_id,
            transmissions: u32::try_from(sent.len()).unwrap_or(u32::MAX),
            waited_ms: last.at.since(request.at) / 1_000_000,
        };
        self.tell(last, role, what);
    }

    fn path_errors(&mut self) {
        for error in &self.capture.icmp_errors {
            if error.from.ip() != self.vantage.local || error.to.ip() != self.vantage.peer {
                continue;
            }
            let what = Happening::PathFailed {
                problem: error.problem,
                offender: Some(error.reporter),
                remote_port: error.to.port(),
            };
            let text = format!(
                "ICMP from {}: {}, about {} {} → {}",
                self.capture.name(error.reporter),
                error.problem,
                error.about,
                self.capture.end(error.from),
                self.capture.end(error.to)
            );
            let fact = self.fact((Side::Local, None), error.frame, error.at, text, what);
            self.facts.push(((error.frame, 0), fact));
        }
    }

    /// The tunnel is up when ESP went both ways, and nothing speaks against it at the end.
    fn up(&self) -> Option<Fact> {
        // Who shows a few packets has a reason to.
        if self.capture.excerpt {
            return None;
        }
        let newest = |from: IpAddr, to: IpAddr| -> Option<&Flow> {
            self.capture
                .flows
                .iter()
                .filter(|f| f.from.ip() == from && f.to.ip() == to)
                .max_by_key(|f| f.last)
        };
        let (local, peer) = (self.vantage.local, self.vantage.peer);
        let (out, inward) = (newest(local, peer)?, newest(peer, local)?);
        let end = self.capture.last?;
        let silent = self
            .capture
            .conversations
            .iter()
            .any(|c| self.unanswered(c, end));
        let refused = self.facts.iter().rev().any(|(_, f)| {
            matches!(
                &f.what,
                Known::Happened {
                    happening: Happening::PeerRefused { .. }
                }
            )
        });
        let failed = self.capture.icmp_errors.iter().any(|e| {
            e.at > inward.last
                && e.from.ip() == local
                && !matches!(e.problem, PathProblem::FragmentationNeeded(_))
        });
        // Traffic that goes out and no longer comes back, or the other way round.
        let lopsided = out.last.since(inward.last).max(inward.last.since(out.last)) > PATIENCE;
        if silent || refused || failed || lopsided {
            return None;
        }
        let text = format!(
            "ESP in both directions: {:08x} out ({} packets), {:08x} in ({} packets)",
            out.spi, out.packets, inward.spi, inward.packets
        );
        let frame = out.first_frame.max(inward.first_frame);
        let mut fact = self.fact(
            (Side::Local, None),
            frame,
            out.last.max(inward.last),
            text,
            Happening::PeerAlive,
        );
        fact.what = Known::TunnelState { up: true };
        Some(fact)
    }

    /// A request of either side stays without an answer, for longer than an answer takes.
    fn unanswered(&self, c: &Conversation, end: Stamp) -> bool {
        c.messages.iter().any(|m| {
            m.response == Some(false)
                && end.since(m.at) > PATIENCE
                && c.response_to(m).is_none()
                && !c.messages.iter().any(|later| {
                    later.frame > m.frame
                        && later.response == Some(true)
                        && later.from.ip() != m.from.ip()
                })
        })
    }

    fn tell(&mut self, m: &Message, role: Role, happening: Happening) {
        self.push((Side::Local, role), m, happening);
    }

    fn push(&mut self, (side, role): Witness, m: &Message, happening: Happening) {
        let fact = self.fact(
            (side, Some(role)),
            m.frame,
            m.at,
            sentence(self.capture, m),
            happening,
        );
        let within = u32::try_from(self.facts.len()).unwrap_or(u32::MAX);
        self.facts.push(((m.frame, within), fact));
    }

    fn fact(
        &self,
        (side, role): (Side, Option<Role>),
        frame: u64,
        at: Stamp,
        text: String,
        happening: Happening,
    ) -> Fact {
        Fact {
            source: Source {
                name: self.vantage.file.to_owned(),
                line: Some(frame),
                text,
            },
            at: at.told(),
            side,
            subject: None,
            role,
            what: Known::Happened { happening },
        }
    }
}

/// Whether all octets of an encrypted message of IKEv1 are there, and a cipher's blocks among them are whole.
fn could_be_opened(m: &Message) -> bool {
    const HEADER: usize = 28;
    const SMALLEST_BLOCK: usize = 8;
    let body = m.octets.saturating_sub(HEADER);
    m.problem.is_none() && body > 0 && body.is_multiple_of(SMALLEST_BLOCK)
}

fn other(role: Role) -> Role {
    match role {
        Role::Initiator => Role::Responder,
        Role::Responder => Role::Initiator,
    }
}

fn opens(m: &Message) -> bool {
    m.exchange == "IKE_SA_INIT" || m.version == 1 && m.spi_responder == 0
}

fn is_request(c: &Conversation, m: &Message) -> bool {
    match m.response {
        Some(response) => !response,
        // IKEv1 doesn't say; in its exchanges the one who began asks.
        None => c.from_initiator(m),
    }
}

fn info(c: &Conversation, m: &Message) -> MessageInfo {
    MessageInfo {
        exchange: m.exchange.clone(),
        message_id: m.message_id,
        response: !is_request(c, m),
        payloads: m.payloads.clone(),
        octets: m.octets,
    }
}

/// The one algorithm of each kind that a chosen proposal has.
fn suite(p: &Proposal) -> Option<Suite> {
    let one = |n: usize| n <= 1;
    let single = one(p.prf.len())
        && one(p.integ.len())
        && one(p.ke.len())
        && p.addke.iter().all(|methods| one(methods.len()));
    match p.encr.as_slice() {
        [encr] if single => Some(Suite {
            encr: *encr,
            prf: p.prf.first().copied(),
            integ: p.integ.first().copied(),
            ke: p.ke.first().copied(),
            addke: p.first_additional(),
            esn: false,
        }),
        _ => None,
    }
}

/// A message in one line.
fn sentence(capture: &Capture, m: &Message) -> String {
    let clear = super::Inside {
        payloads: m.payloads.clone(),
        ..super::Inside::default()
    };
    let kind = match m.response {
        Some(true) => " response",
        Some(false) => " request",
        None => "",
    };
    format!(
        "{} → {} {}{kind} {} [{}] ({} octets)",
        capture.end(m.from),
        capture.end(m.to),
        m.exchange,
        m.message_id,
        m.inside.as_ref().unwrap_or(&clear).payloads.join(" "),
        m.octets
    )
}
