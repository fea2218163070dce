//! One of pluto's states as its lines tell it: what is remembered between lines, and the happenings that come of it.
//!
//! pluto gives a number to every IKE SA and to every CHILD SA under way; each is a state with its own lines.

use core::net::SocketAddr;

use adit_model::drops::DropReason;
use adit_model::event::{Asked, Happening, MessageInfo, Party, Role};
use adit_model::identity::Identity;
use adit_model::phase::Phase;
use adit_model::proposal::{Encr, NO_ADDITIONAL, Proposal, Suite, TransformKind};
use adit_model::reason::{CertificateProblem, Refusal};
use adit_model::selector::Selector;
use adit_wire::iana::EncrId;

use super::said::Said;
use super::step::{self, State, Step, Up};
use super::value::{UNKNOWN, unknown_identity};

mod life;
mod refused;

/// Stands where the log doesn't name the algorithms: code point 0 is reserved and means none of them.
const UNKNOWN_SUITE: Suite = Suite {
    addke: NO_ADDITIONAL,
    encr: Encr {
        id: EncrId(0),
        key_bits: None,
    },
    prf: None,
    integ: None,
    ke: None,
    esn: false,
};

/// What the lines of a state have told so far.
#[derive(Debug, Default)]
pub(crate) struct Sa {
    pub(crate) name: Option<String>,
    /// The part that we play in the IKE SA.
    pub(crate) role: Option<Role>,
    /// It is a CHILD SA's.
    pub(crate) child: bool,
    pub(crate) v1: bool,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) up: bool,
    pub(crate) closed: bool,
    /// Something of it is known; otherwise the log begins in its middle.
    begun: bool,
    /// Messages that were told, by name and direction.
    seen: Vec<(Step, bool)>,
    last_sent: Option<Step>,
    attempt: u32,
    offered: Vec<Proposal>,
    pub(crate) configured: Vec<Proposal>,
    pub(crate) configured_esp: Vec<Proposal>,
    chosen: Option<Suite>,
    /// What was said of one proposal; it counts when none is left.
    reason: Option<Refusal>,
    /// The peer's phase 2 was refused, or ours: the reason stands for the notify that follows.
    refused: bool,
    their_id: Option<Identity>,
    nat: Option<(bool, bool)>,
    floated: bool,
    garbled: bool,
    /// Certificates are sent, or the peer's was refused.
    certificate: bool,
    told: Option<u16>,
    ts_ours: Vec<Selector>,
    ts_theirs: Vec<Selector>,
    spi_in: u32,
    /// It is to take the place of a CHILD SA that is up.
    pub(crate) replaces: bool,
}

/// What a state knows from elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    /// The state's number.
    pub(crate) serial: u32,
    /// The daemon is shutting down.
    pub(crate) stopping: bool,
    /// A CHILD SA of this IKE SA was asked for.
    pub(crate) child_asked: bool,
    /// CHILD SAs of this connection are up.
    pub(crate) children_up: bool,
    /// A newer SA of the connection has taken over.
    pub(crate) replaced: bool,
}

impl Sa {
    /// A CHILD SA under this IKE SA: it is up.
    pub(crate) fn has_child(&mut self) {
        self.up = true;
        self.v1 = true;
    }

    /// The error that was told last was about a CHILD SA, its octets show. What was refused, by its right name.
    pub(crate) fn about_child(&self) -> String {
        self.child_name()
    }

    /// An IKE SA of IKEv2 that is neither up nor gone.
    pub(crate) fn is_under_way(&self) -> bool {
        self.begun && !self.v1 && !self.child && !self.up && !self.closed
    }

    /// What the peer asks the SA for, where nothing else is known of it.
    pub(crate) fn proposed(&mut self, ours: Vec<Selector>, theirs: Vec<Selector>) {
        if self.ts_ours.is_empty() && self.ts_theirs.is_empty() {
            (self.ts_ours, self.ts_theirs) = (ours, theirs);
        }
    }

    /// Something of it was told before.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// A line that names the state it is in; it has just got there when it `arrives`.
    pub(crate) fn named_state(&mut self, name: &str, arrives: bool) -> Vec<Happening> {
        self.child |= step::of_child(name);
        self.up |= !self.child && step::up(name) == Up::Ike;
        let Some(state) = step::state(name) else {
            return Vec::new();
        };
        if self.begun && !arrives {
            self.role = self.role.or(state.role.filter(|_| !self.child));
            return Vec::new();
        }
        self.reach(state)
    }

    /// The state is in `state`: what must have come and gone before.
    fn reach(&mut self, state: &State) -> Vec<Happening> {
        let mut out = self.begin(state);
        if let Some(step) = state.received {
            out.extend(self.message(step, true, Vec::new()));
        }
        out.extend(self.float_before(state));
        if let Some(step) = state.sent {
            self.last_sent = Some(step);
            let proof = Phase::of(step.0) == Some(Phase::Authentication) && self.certificate;
            let payloads = if proof {
                vec!["CERT".to_owned()]
            } else {
                Vec::new()
            };
            out.extend(self.message(step, false, payloads));
        }
        out
    }

    /// A log that begins in the middle: who began is known by the state.
    fn begin(&mut self, state: &State) -> Vec<Happening> {
        if state.v1 {
            self.v1 = true;
        }
        let child = state
            .sent
            .or(state.received)
            .is_some_and(|(name, _)| Phase::of(name) == Some(Phase::Child))
            && state.v1;
        self.child |= child;
        if core::mem::replace(&mut self.begun, true) || self.child {
            return Vec::new();
        }
        self.role = state.role.or(self.role);
        match self.role {
            Some(Role::Initiator) => vec![Happening::Initiating {
                proposals: Vec::new(),
            }],
            Some(Role::Responder) => {
                self.message(first(state.v1, self.aggressive(state)), true, Vec::new())
            }
            None => Vec::new(),
        }
    }

    fn aggressive(&self, state: &State) -> bool {
        [state.sent, state.received]
            .iter()
            .flatten()
            .any(|(name, _)| name.starts_with('A'))
    }

    /// IKEv1 moves with the initiator's third message, IKEv2 with IKE_AUTH, when a NAT was found (RFC 3947 4).
    fn float_before(&mut self, state: &State) -> Vec<Happening> {
        let moves = state.sent.is_some_and(|(name, answer)| {
            !answer && Phase::of(name) == Some(Phase::Authentication)
        });
        let nat = self.nat.is_some_and(|(us, peer)| us || peer);
        if moves && nat {
            self.float()
        } else {
            Vec::new()
        }
    }

    fn float(&mut self) -> Vec<Happening> {
        if core::mem::replace(&mut self.floated, true) {
            return Vec::new();
        }
        vec![Happening::Floated]
    }

    /// A message that came or went, once.
    fn message(&mut self, step: Step, received: bool, payloads: Vec<String>) -> Vec<Happening> {
        if self.seen.contains(&(step, received)) {
            return Vec::new();
        }
        self.seen.push((step, received));
        let (exchange, response) = step;
        let info = MessageInfo {
            exchange: exchange.to_owned(),
            message_id: u32::from(exchange == "IKE_AUTH"),
            response,
            payloads,
            octets: 0,
        };
        vec![if received {
            Happening::Received(info)
        } else {
            Happening::Sent(info)
        }]
    }

    /// What happened, when a statement says so.
    #[allow(clippy::too_many_lines)] // one arm per statement; the table is the point
    pub(crate) fn hear(&mut self, said: Said, around: Around) -> Vec<Happening> {
        match said {
            Said::Started
            | Said::Stopping
            | Said::Listening
            | Said::Switched(_)
            | Said::Dump(_) => Vec::new(),
            Said::Listed {
                state,
                up,
                repeating,
            } => self.listed(state, up, repeating, around),
            Said::Initiating { v1, to, .. } => {
                self.begun = true;
                self.role = Some(Role::Initiator);
                self.v1 = v1;
                self.peer = to.map(|a| SocketAddr::new(a, 500)).or(self.peer);
                vec![Happening::Initiating {
                    proposals: Vec::new(),
                }]
            }
            Said::Responding {
                aggressive,
                translated,
            } => {
                self.begun = true;
                self.role = Some(Role::Responder);
                self.v1 = true;
                let mut out = self.message(first(true, aggressive), true, Vec::new());
                if translated {
                    out.push(self.nat_found(false, true));
                }
                out
            }
            Said::QuickMode {
                initiating,
                proposals,
                ..
            } => {
                self.begun = true;
                self.child = true;
                self.v1 = true;
                if !proposals.is_empty() {
                    self.configured_esp = proposals;
                }
                self.message(("QI1", false), !initiating, Vec::new())
            }
            Said::Reached { state, to } => {
                self.peer = to.or(self.peer);
                let mut out = Vec::new();
                if to.is_some_and(|to| to.port() == 4500) && state.role == Some(Role::Initiator) {
                    out = self.float();
                }
                out.extend(self.reach(state));
                out
            }
            Said::Came {
                exchange,
                response,
                payloads,
                from,
            } => self.came(exchange, response, payloads, from, around),
            Said::SendsCertificate => {
                self.certificate = true;
                Vec::new()
            }
            Said::Chosen(suite) => {
                self.chosen = Some(suite);
                vec![Happening::IkeProposalChosen { suite }]
            }
            Said::Retransmission => self.retransmission(),
            Said::Duplicate { proof: true, .. } => {
                self.v1 = true;
                self.role = self.role.or(Some(Role::Responder));
                self.attempt += 1;
                vec![Happening::Retransmitted {
                    exchange: "MR3".to_owned(),
                    message_id: 0,
                    attempt: self.attempt,
                }]
            }
            Said::Duplicate { first, .. } => {
                let mut all = Vec::new();
                if first && self.role.is_none_or(|role| role == Role::Responder) {
                    // Where the log begins later, this is all that tells of the request and of its answer.
                    self.role = Some(Role::Responder);
                    all.extend(self.message(("IKE_SA_INIT", false), true, Vec::new()));
                    all.extend(self.message(("IKE_SA_INIT", true), false, Vec::new()));
                }
                // The answer to a repeated answer is a repetition too; only requests that come again tell something.
                let answered = self.role == Some(Role::Responder) && !self.up;
                all.extend(answered.then(|| Happening::Dropped {
                    reason: DropReason::IkeDuplicate,
                    detail: "the peer repeats a request that was answered".to_owned(),
                }));
                all
            }
            Said::GaveUp {
                retransmits,
                waited_ms,
                message,
            } => self.gave_up(retransmits, waited_ms, message),
            Said::IkeUp {
                suite,
                peer,
                rekeyed,
            } => self.ike_up(suite, peer, rekeyed),
            Said::Negotiated { ours, theirs } => {
                (self.ts_ours, self.ts_theirs) = (ours, theirs);
                // Only under an IKE SA that is up.
                self.has_child();
                Vec::new()
            }
            Said::ChildUp {
                suite,
                spi_in,
                spi_out,
                ours,
                theirs,
                udp,
            } => self.child_up(suite, (spi_in, spi_out), (ours, theirs), udp, around),
            Said::Gone { state, .. } => self.gone(state.as_deref(), around),
            Said::Incomplete => self.close(Party::Us, "failed", around),
            Said::DeleteReceived { child, .. } => {
                self.child |= child;
                self.close(Party::Peer, "deleted", around)
            }
            Said::Told { notify, protected } => self.told_v1(notify, protected, around),
            Said::ToldV2 { notify, exchange } => self.told_v2(notify, exchange),
            Said::Sending {
                notify,
                exchange,
                protected,
            } => self.sending(notify, exchange, protected, around),
            Said::TransformRefused(one) => {
                const MOST: usize = 64;
                if self.offered.len() < MOST && !self.offered.contains(&one) {
                    self.offered.push(one);
                }
                Vec::new()
            }
            Said::NoIkeTransform => {
                // A transform whose algorithms are refused has a method that is allowed.
                let reason = self.reason.take().filter(|r| {
                    !matches!(r, Refusal::AuthMethod { .. }) || self.offered.is_empty()
                });
                let refusal = reason.unwrap_or_else(|| self.no_ike_proposal());
                vec![self.refuse(self.first_exchange(), refusal)]
            }
            Said::NoIpsecProposal => {
                let refusal = self.reason.take().unwrap_or_else(|| self.no_esp_proposal());
                vec![self.refuse(self.child_name(), refusal)]
            }
            Said::NoProposalV2 { ike, offered } => {
                self.offered = offered;
                let ike = ike && !self.up && !self.child;
                let refusal = if ike {
                    self.no_ike_proposal()
                } else {
                    self.no_esp_proposal()
                };
                let what = if ike {
                    self.first_exchange()
                } else {
                    self.child_name()
                };
                vec![self.refuse(what, refusal)]
            }
            Said::Ours { ike, proposals } => {
                if ike {
                    self.configured = proposals;
                } else {
                    self.configured_esp = proposals;
                }
                Vec::new()
            }
            Said::PfsMissing => {
                self.reason = Some(Refusal::NoEspProposal {
                    offered: Vec::new(),
                    configured: Vec::new(),
                    differs: vec![TransformKind::KeyExchange],
                });
                let refusal = self.reason.take().unwrap_or_else(|| self.no_esp_proposal());
                vec![self.refuse(self.child_name(), refusal)]
            }
            Said::NoConnection {
                local,
                aggressive,
                v1,
            } => {
                self.v1 = v1;
                self.begun = true;
                self.role = Some(Role::Responder);
                let refusal = Refusal::NoConnection {
                    local: local.unwrap_or(UNKNOWN),
                    remote: self.peer.map_or(UNKNOWN, |p| p.ip()),
                };
                let mut out = self.message(first(v1, aggressive), true, Vec::new());
                out.push(self.refuse(self.first_exchange(), refusal));
                out
            }
            Said::PeerId(id) => {
                self.their_id = Some(id);
                Vec::new()
            }
            Said::WrongId { expected, received } => {
                let refusal = Refusal::PeerIdentity {
                    received: received
                        .or_else(|| self.their_id.clone())
                        .unwrap_or_else(unknown_identity),
                    expected: expected.into_iter().collect(),
                };
                vec![self.refuse(self.authentication(), refusal)]
            }
            // An identity that the certificate doesn't hold was refused for that.
            Said::UnknownId(_) if self.refused && self.certificate => Vec::new(),
            Said::UnknownId(id) => {
                let refusal = Refusal::PeerIdentity {
                    received: id
                        .or_else(|| self.their_id.clone())
                        .unwrap_or_else(unknown_identity),
                    expected: Vec::new(),
                };
                vec![self.refuse(self.authentication(), refusal)]
            }
            Said::WrongKey { psk, peer } => {
                self.their_id = peer.or(self.their_id.take());
                self.wrong_key(psk)
            }
            Said::Garbled { identification } => {
                // Told once is enough: each payload of a message that makes no sense is complained about.
                if self.child || core::mem::replace(&mut self.garbled, true) {
                    return Vec::new();
                }
                // The peer has something to say to our last answer.
                if self.up {
                    return vec![Happening::Dropped {
                        reason: DropReason::IkeMalformed,
                        detail: "a message on an IKE SA that is up makes no sense".to_owned(),
                    }];
                }
                // What comes after our third message is encrypted with the same keys as the answer that we wait for.
                let first = self.v1
                    && !self.certificate
                    && !self.refused
                    && self.their_id.is_none()
                    && self.last_sent == Some(("MI3", false));
                if identification || first {
                    self.wrong_key(true)
                } else {
                    Vec::new()
                }
            }
            Said::NoKey { ours, theirs } => {
                let refusal = Refusal::NoKey {
                    local: ours.unwrap_or_else(unknown_identity),
                    remote: theirs
                        .or_else(|| self.their_id.clone())
                        .unwrap_or_else(unknown_identity),
                };
                if self.seen.is_empty() {
                    self.begun = true;
                }
                self.reason = Some(refusal.clone());
                vec![self.refuse(self.authentication(), refusal)]
            }
            Said::MethodProposed { received, expected } => {
                self.v1 = true;
                self.reason = Some(Refusal::AuthMethod { received, expected });
                Vec::new()
            }
            Said::Method { received, expected } => {
                let refusal = Refusal::AuthMethod { received, expected };
                vec![self.refuse(self.authentication(), refusal)]
            }
            Said::NoPublicKey(id) => {
                let peer = id
                    .or_else(|| self.their_id.clone())
                    .unwrap_or_else(unknown_identity);
                let problem = CertificateProblem::Unknown;
                let detail = None;
                let refusal = Refusal::Certificate {
                    peer,
                    problem,
                    detail,
                };
                vec![self.refuse(self.authentication(), refusal)]
            }
            Said::Certificate(problem) => {
                self.certificate = true;
                let peer = self.their_id.clone().unwrap_or_else(unknown_identity);
                let detail = None;
                let refusal = Refusal::Certificate {
                    peer,
                    problem,
                    detail,
                };
                vec![self.refuse(self.authentication(), refusal)]
            }
            Said::NoPrivateKey => {
                let identity = unknown_identity();
                vec![self.refuse(self.authentication(), Refusal::NoPrivateKey { identity })]
            }
            Said::UserRefused(user) => {
                let method = "XAUTH".to_owned();
                vec![self.refuse(self.authentication(), Refusal::User { method, user })]
            }
            // What it came to, after it has said why.
            Said::KernelRefused(problem)
                if self.refused && problem.starts_with("state transition function") =>
            {
                Vec::new()
            }
            Said::KernelRefused(problem) => {
                vec![self.refuse(self.child_name(), Refusal::Local { problem })]
            }
            Said::End { ours, networks } => {
                let known = if ours {
                    &mut self.ts_ours
                } else {
                    &mut self.ts_theirs
                };
                if known.is_empty() {
                    *known = networks;
                }
                Vec::new()
            }
            Said::PeerProposed { ours, theirs } => {
                (self.ts_ours, self.ts_theirs) = (ours, theirs);
                // Only under an IKE SA that is up.
                self.has_child();
                Vec::new()
            }
            Said::NoChild { ours, theirs } => vec![self.traffic_refused(ours, theirs)],
            Said::TrafficRefused => {
                let (ours, theirs) = (self.ts_ours.clone(), self.ts_theirs.clone());
                vec![self.traffic_refused(ours, theirs)]
            }
            Said::OtherTraffic { ours, theirs } => {
                let refusal = Refusal::TrafficSelectors {
                    offered_local: theirs,
                    offered_remote: Vec::new(),
                    configured_local: ours,
                    configured_remote: Vec::new(),
                };
                vec![self.refuse(self.child_name(), refusal)]
            }
            Said::Mode {
                requested_transport,
            } => {
                let refusal = Refusal::Mode {
                    requested_transport,
                };
                vec![self.refuse(self.child_name(), refusal)]
            }
            Said::Nat { us, peer } => vec![self.nat_found(us, peer)],
            Said::Floated => self.float(),
            Said::DeadPeer => {
                let mut out = vec![Happening::GaveUp {
                    exchange: "INFORMATIONAL".to_owned(),
                    message_id: 0,
                    transmissions: 1,
                    waited_ms: 0,
                }];
                out.extend(self.close_now(Party::Us, "dead-peer"));
                out
            }
            Said::PathFailed {
                problem,
                offender,
                port,
            } => vec![Happening::PathFailed {
                problem,
                offender,
                remote_port: port.or(self.peer.map(|p| p.port())).unwrap_or(500),
            }],
            Said::VersionRefused(received) => {
                vec![self.refuse(self.first_exchange(), Refusal::MajorVersion { received })]
            }
            Said::GroupWanted {
                from,
                to,
                by_peer,
                last,
            } => {
                let by = if by_peer { Party::Peer } else { Party::Us };
                let mut out = vec![Happening::KeRetry { from, to, by }];
                if last {
                    out.push(Happening::PeerRefused {
                        what: self.first_exchange(),
                        notify: 17,
                        name: "INVALID_KE_PAYLOAD".to_owned(),
                        data: String::new(),
                        asked: Asked::default(),
                    });
                }
                out
            }
            Said::Unresolved(name) => vec![Happening::PeerUnresolved {
                name,
                problem: "it has no address".to_owned(),
            }],
        }
    }
}

/// The message that opens an IKE SA.
fn first(v1: bool, aggressive: bool) -> Step {
    (
        match (v1, aggressive) {
            (true, true) => "AI1",
            (true, false) => "MI1",
            (false, _) => "IKE_SA_INIT",
        },
        false,
    )
}
