//! One IKE SA as its lines tell it: what is remembered between lines, and the happenings that come of it.

mod messages;
mod refusals;

pub(crate) use messages::opening;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::BTreeMap;

use adit_model::drops::DropReason;
use adit_model::event::{Happening, MessageInfo, Party, PathProblem, Role};
use adit_model::identity::Identity;
use adit_model::now::Wall;
use adit_model::phase::Phase;
use adit_model::proposal::{Encr, NO_ADDITIONAL, Proposal, Suite, TransformKind};
use adit_model::reason::{AddressProblem, CertificateProblem, Refusal};
use adit_model::selector::Selector;
use adit_wire::iana::{EncrId, NotifyType};

use super::config::Loaded;
use super::message::Said;
use super::proposal::{self, Listed};

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

/// AUTH methods (RFC 7296 3.8).
const PSK: u8 = 2;
const SIGNATURE: u8 = 14;

/// An address and the one that it talks to, as far as they are known.
pub(crate) type Ends = (Option<IpAddr>, Option<IpAddr>);

/// What the lines of an IKE SA have told so far.
#[derive(Debug, Default)]
pub(crate) struct Sa {
    pub(crate) name: Option<String>,
    pub(crate) role: Option<Role>,
    /// Another IKE SA took its place.
    pub(crate) replaced: bool,
    /// The one before it with the same peer, in a log without numbers.
    pub(crate) after: Option<usize>,
    v1: bool,
    remote: Option<SocketAddr>,
    /// Our own address, as its packets tell.
    local: Option<IpAddr>,
    floated: bool,
    /// Size of the datagram that the next parsed message came in.
    octets: usize,
    /// Size of the datagram that we sent last.
    sent_octets: usize,
    /// Exchange and ID of the last message.
    exchange: Option<String>,
    /// We read a request that we haven't answered.
    answering: bool,
    /// Requests of ours by message ID, with the time of the first transmission.
    requests: BTreeMap<u32, (String, Option<Wall>)>,
    last_request: Option<u32>,
    /// Our last request asks for an address, in IKEv1.
    asked_address: bool,
    /// The message of IKEv1 that was repeated last, where only its number is told.
    repeated: Option<&'static str>,
    ike: Lists,
    esp: Lists,
    /// What the proposal lacks that fits best of those compared in this exchange, while none fits.
    lacks: Option<TransformKind>,
    fits: bool,
    /// The list of selectors that the next lines continue: ours or the peer's.
    listing: Option<bool>,
    ts_ours: Vec<Selector>,
    ts_theirs: Vec<Selector>,
    child: Option<String>,
    our_id: Option<Identity>,
    their_id: Option<Identity>,
    nat: (bool, bool),
    /// What was said last about the peer's certificate.
    certificate: Option<CertificateProblem>,
    /// A certificate came, and none with the peer's identity was tried since: none that came has that identity.
    untried: bool,
    /// The message that came last couldn't be decrypted.
    undecipherable: bool,
    /// We sent our identity with its proof in IKEv1: whether the proof is made with a pre-shared key.
    proven: Option<bool>,
    /// The last message was protected by a hash: phase 1 of IKEv1 had made keys.
    hashed: bool,
    told: Option<NotifyType>,
    child_deleted: bool,
    /// The exchange replaces a CHILD SA that is up.
    rekeying: bool,
    established: bool,
    closed: bool,
}

/// Proposals of one protocol as the log prints them.
#[derive(Debug, Default)]
struct Lists {
    received: Vec<Proposal>,
    configured: Vec<Proposal>,
    chosen: Option<Suite>,
}

/// What a line brings besides its statement.
pub(crate) struct Around<'a> {
    pub(crate) at: Option<Wall>,
    pub(crate) loaded: &'a Loaded,
    /// The daemon is shutting down.
    pub(crate) stopping: bool,
}

impl Sa {
    /// An IKE SA of which only its connection is known.
    pub(crate) fn named(name: Option<String>) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// A line that continues a list of selectors. Whether it was one.
    pub(crate) fn continues(&mut self, text: &str) -> bool {
        let Some(ours) = self.listing.filter(|_| text.starts_with(' ')) else {
            self.listing = None;
            return false;
        };
        let more = super::value::selectors(text.trim());
        if more.is_empty() {
            self.listing = None;
            return false;
        }
        let list = if ours {
            &mut self.ts_ours
        } else {
            &mut self.ts_theirs
        };
        const MOST: usize = 256;
        if list.len() < MOST {
            list.extend(more);
        }
        true
    }

    /// What happened, when a statement says so.
    #[allow(clippy::too_many_lines)] // one arm per statement; the table is the point
    pub(crate) fn hear(&mut self, said: Said, around: &Around<'_>) -> Vec<Happening> {
        match said {
            Said::Started | Said::Stopping | Said::Rekeyed { .. } => Vec::new(),
            Said::Datagram {
                received,
                from,
                to,
                octets,
            } => self.datagram(received, from, to, octets),
            Said::Packet {
                received,
                exchange,
                response,
                id,
                payloads,
            } => self.packet(
                received,
                MessageInfo {
                    exchange,
                    message_id: id,
                    response,
                    payloads,
                    octets: if received { self.octets } else { 0 },
                },
                around,
            ),
            Said::Initiating { name, to, v1, .. } => {
                let remote = to.map(|a| SocketAddr::new(a, 500)).or(self.remote);
                *self = Sa {
                    name: name.or(self.name.take()),
                    role: Some(Role::Initiator),
                    v1,
                    remote,
                    ..Sa::default()
                };
                vec![Happening::Initiating {
                    proposals: Vec::new(),
                }]
            }
            Said::PeerInitiates { v1 } => {
                self.role = Some(Role::Responder);
                self.v1 |= v1;
                Vec::new()
            }
            Said::Received(listed) => {
                let lists = self.lists(&listed);
                lists.received = listed.proposals;
                Vec::new()
            }
            Said::Configured(listed) => {
                let answering = self.answering;
                let lists = self.lists(&listed);
                if answering {
                    // Each connection that was tried prints its own.
                    for one in listed.proposals {
                        if !lists.configured.contains(&one) {
                            lists.configured.push(one);
                        }
                    }
                } else {
                    lists.configured = listed.proposals;
                }
                Vec::new()
            }
            Said::Selected(listed) => {
                let suite = listed.proposals.first().and_then(proposal::suite);
                let lists = self.lists(&listed);
                lists.chosen = suite;
                suite
                    .filter(|_| listed.ike)
                    .map(|suite| Happening::IkeProposalChosen { suite })
                    .into_iter()
                    .collect()
            }
            Said::Retransmit { attempt, id, step } => {
                let (id, exchange, _) = match step {
                    Some(step) if Phase::answers(step) => {
                        self.role = self.role.or(Some(Role::Responder));
                        self.repeated = Some(step);
                        (0, step.to_owned(), None)
                    }
                    _ => self.request(id),
                };
                let exchange = match step {
                    Some(step) if exchange == "IKE_SA_INIT" || exchange == "unknown" => {
                        self.v1 = true;
                        self.repeated = Some(step);
                        step.to_owned()
                    }
                    _ => exchange,
                };
                // What is given up later is what was repeated last.
                if self.repeated.is_none() {
                    self.last_request = Some(id);
                }
                vec![Happening::Retransmitted {
                    exchange,
                    message_id: id,
                    attempt,
                }]
            }
            Said::GivingUp { retransmits } => self.gave_up(retransmits, around.at),
            Said::Duplicate => {
                // Once the SA stands, a repetition is about something else.
                let answered = !self.established;
                answered
                    .then(|| Happening::Dropped {
                        reason: DropReason::IkeDuplicate,
                        detail: "the peer repeats a request that was answered".to_owned(),
                    })
                    .into_iter()
                    .collect()
            }
            Said::NotResponding => vec![closed(Party::Us, "failed")],
            Said::Told { notify, child } => self.told(notify, child).into_iter().collect(),
            Said::Lacks(kind) => {
                self.lacks = self.lacks.max(Some(kind)).filter(|_| !self.fits);
                Vec::new()
            }
            Said::Fits => {
                self.fits = true;
                self.lacks = None;
                Vec::new()
            }
            Said::NoIkeProposal => vec![self.no_ike_proposal()],
            Said::NoChildProposal => vec![self.no_child_proposal()],
            Said::NoProposal if self.established => vec![self.no_child_proposal()],
            Said::NoProposal => vec![self.no_ike_proposal()],
            Said::NoConfig { local, remote } => vec![self.refused(
                self.first(),
                Refusal::NoConnection {
                    local: local.unwrap_or(UNKNOWN),
                    remote: remote.or(self.remote.map(|r| r.ip())).unwrap_or(UNKNOWN),
                },
                NotifyType::NO_PROPOSAL_CHOSEN,
            )],
            Said::LookingForPeer { ours, theirs } => {
                (self.our_id, self.their_id) = (ours, theirs);
                Vec::new()
            }
            Said::NoPeerConfig => {
                let refusal = self.no_peer_config(around.loaded);
                vec![self.not_authenticated(refusal)]
            }
            Said::MacMismatch { theirs } => {
                let claimed = theirs
                    .or_else(|| self.their_id.clone())
                    .unwrap_or_else(unknown_identity);
                vec![self.not_authenticated(Refusal::AuthValue {
                    claimed,
                    method: PSK,
                })]
            }
            Said::NoKey { ours, theirs } => {
                let id = |known: Option<Identity>, seen: &Option<Identity>| {
                    known
                        .or_else(|| seen.clone())
                        .unwrap_or_else(unknown_identity)
                };
                let refusal = Refusal::NoKey {
                    local: id(ours, &self.our_id),
                    remote: id(theirs, &self.their_id),
                };
                vec![self.not_authenticated(refusal)]
            }
            Said::NoPublicKey { theirs, kind } => {
                let refusal = self.no_public_key(theirs, &kind, around.loaded);
                vec![self.not_authenticated(refusal)]
            }
            Said::OtherPeer { received, wanted } => {
                let refusal = Refusal::PeerIdentity {
                    received: received.unwrap_or_else(unknown_identity),
                    expected: wanted.into_iter().collect(),
                };
                vec![self.not_authenticated(refusal)]
            }
            Said::Chosen(name) => {
                self.name.get_or_insert(name);
                Vec::new()
            }
            Said::CertificateCame => {
                self.untried = true;
                self.certificate = None;
                Vec::new()
            }
            Said::CertificateTried => {
                self.untried = false;
                Vec::new()
            }
            Said::Certificate(problem) => {
                self.untried = false;
                self.certificate = Some(problem);
                Vec::new()
            }
            Said::NoPrivateKey(identity) => {
                let identity = identity
                    .or_else(|| self.our_id.clone())
                    .unwrap_or_else(unknown_identity);
                vec![self.not_authenticated(Refusal::NoPrivateKey { identity })]
            }
            Said::UserFailed { method, user } => {
                vec![self.not_authenticated(Refusal::User { method, user })]
            }
            Said::NoAddress => vec![self.refused(
                self.child_name(),
                Refusal::NoAddress {
                    problem: AddressProblem::NotFound,
                },
                NotifyType::INTERNAL_ADDRESS_FAILURE,
            )],
            Said::Fragment { .. } => Vec::new(),
            Said::Undecipherable => {
                self.undecipherable = true;
                Vec::new()
            }
            Said::Method { required } => {
                let (received, expected) = if required.contains("pre-shared") {
                    (SIGNATURE, PSK)
                } else {
                    (PSK, SIGNATURE)
                };
                vec![self.not_authenticated(Refusal::AuthMethod {
                    received: u16::from(received),
                    expected: u16::from(expected),
                })]
            }
            Said::LookingForChild { .. } => {
                self.ts_ours.clear();
                self.ts_theirs.clear();
                self.child = None;
                Vec::new()
            }
            Said::ChildFound(name) | Said::EstablishingChild(name) => {
                self.child = Some(name);
                Vec::new()
            }
            Said::Proposing { ours } => {
                self.listing = Some(ours);
                if ours {
                    self.ts_ours.clear();
                } else {
                    self.ts_theirs.clear();
                }
                Vec::new()
            }
            Said::TrafficRefused { ours, theirs } => vec![self.refused(
                self.child_name(),
                Refusal::TrafficSelectors {
                    offered_local: ours,
                    offered_remote: theirs,
                    configured_local: self.ts_ours.clone(),
                    configured_remote: self.ts_theirs.clone(),
                },
                NotifyType::TS_UNACCEPTABLE,
            )],
            Said::Authenticated => Vec::new(),
            Said::Proves(own) => {
                self.our_id.get_or_insert(own);
                Vec::new()
            }
            Said::IkeUp {
                name, ours, theirs, ..
            } => {
                self.established = true;
                self.name = name.or(self.name.take());
                self.our_id = ours.or(self.our_id.take());
                self.their_id = theirs.or(self.their_id.take());
                let id = |id: &Option<Identity>| id.clone().unwrap_or_else(unknown_identity);
                vec![Happening::IkeEstablished {
                    local_id: id(&self.our_id),
                    remote_id: id(&self.their_id),
                    suite: self.ike.chosen.unwrap_or(UNKNOWN_SUITE),
                    spis: (0, 0),
                }]
            }
            Said::ChildUp {
                name,
                spi_in,
                spi_out,
                ours,
                theirs,
            } => {
                self.child = Some(name.clone());
                vec![Happening::ChildEstablished {
                    child: name,
                    spi_in,
                    spi_out,
                    suite: self.esp.chosen.unwrap_or(UNKNOWN_SUITE),
                    ts_local: ours,
                    ts_remote: theirs,
                    narrowed: false,
                    udp_encap: self.nat != (false, false),
                }]
            }
            Said::ChildDown { name, spi_in } => vec![Happening::ChildClosed {
                child: name,
                spi_in,
                by: if self.child_deleted {
                    Party::Peer
                } else {
                    Party::Us
                },
            }],
            Said::DeleteReceived { child: true } => {
                self.child_deleted = true;
                Vec::new()
            }
            Said::DeleteReceived { child: false } => self.close(Party::Peer, "deleted"),
            Said::Deleting => {
                let cause = if around.stopping {
                    "shutdown"
                } else {
                    "deleted"
                };
                self.close(Party::Us, cause)
            }
            Said::Abandoned => self.close(Party::Us, "failed"),
            Said::BehindNat { us } => {
                self.nat = (self.nat.0 | us, self.nat.1 | !us);
                vec![self.nat_detection()]
            }
            Said::ForcedEncapsulation => {
                self.nat.0 = true;
                vec![self.nat_detection()]
            }
            Said::GroupWanted { from, to, by_peer } => {
                let by = if by_peer { Party::Peer } else { Party::Us };
                vec![Happening::KeRetry { from, to, by }]
            }
            Said::VersionRefused(received) => vec![self.refused(
                self.first(),
                Refusal::MajorVersion { received },
                NotifyType::INVALID_MAJOR_VERSION,
            )],
            Said::SendFailed(errno) => vec![Happening::PathFailed {
                problem: PathProblem::LocalSend(errno),
                offender: None,
                remote_port: self.remote.map_or(500, |r| r.port()),
            }],
            Said::Unresolved(name) => vec![Happening::PeerUnresolved {
                name,
                problem: "it has no address".to_owned(),
            }],
        }
    }

    fn close(&mut self, by: Party, cause: &str) -> Vec<Happening> {
        if core::mem::replace(&mut self.closed, true) {
            return Vec::new();
        }
        vec![closed(by, if self.replaced { "replaced" } else { cause })]
    }

    fn nat_detection(&self) -> Happening {
        Happening::NatDetection {
            local_behind_nat: self.nat.0,
            remote_behind_nat: self.nat.1,
            peer_supports: true,
        }
    }

    /// The first exchange, as refusals name it.
    fn first(&self) -> String {
        if self.v1 {
            "IKEv1 phase 1".to_owned()
        } else {
            "IKE_SA_INIT".to_owned()
        }
    }

    fn child_name(&self) -> String {
        let name = self.child.as_deref().unwrap_or("(unnamed)");
        if self.rekeying {
            format!("CHILD_SA {name} (rekeying)")
        } else {
            format!("CHILD_SA {name}")
        }
    }

    fn lists(&mut self, listed: &Listed) -> &mut Lists {
        if listed.ike {
            &mut self.ike
        } else {
            &mut self.esp
        }
    }

    /// The daemon is gone, and this IKE SA with it.
    pub(crate) fn lost(&mut self) -> Option<Happening> {
        let was_up = self.established && !core::mem::replace(&mut self.closed, true);
        was_up.then(|| closed(Party::Us, "shutdown"))
    }

    /// The next IKE SA with the same peer, in a log without numbers: the datagram that brought the first message was
    /// told before the message.
    pub(crate) fn successor(&self, at: usize) -> Sa {
        Sa {
            after: Some(at),
            remote: self.remote,
            octets: self.octets,
            floated: self.remote.is_some_and(|r| r.port() == 4500),
            ..Sa::default()
        }
    }

    /// The size of the datagram that came last.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    /// The port of the peer to which we begin, when it isn't one of IKE's.
    pub(crate) fn odd_port(&self) -> Option<u16> {
        const IKE: u16 = 500;
        const NAT_T: u16 = 4500;
        self.remote
            .map(|r| r.port())
            .filter(|port| self.role == Some(Role::Initiator) && !matches!(*port, 0 | IKE | NAT_T))
    }

    /// Of a request with the peer's proof that was answered and came again: the size of our answer, 0 where the log
    /// doesn't tell it.
    pub(crate) fn answered_proof(&self) -> Option<usize> {
        (self.exchange.as_deref() == Some("IKE_AUTH") && self.role != Some(Role::Initiator))
            .then_some(self.sent_octets)
    }

    /// Both sides have authenticated.
    pub(crate) fn is_up(&self) -> bool {
        self.established
    }

    /// Its own address and the peer's, where they differ. Of another IKE SA that is [`Self::seen_from`] there it is the
    /// other end, or one of the same gateways: both logs are in one text.
    pub(crate) fn looks(&self) -> Option<Ends> {
        let ends = (self.local, self.peer());
        (ends.0.is_some() && ends.0 != ends.1).then_some(ends)
    }

    /// The peer's address and its own: what the other end [`Self::looks`] like.
    pub(crate) fn seen_from(&self) -> Ends {
        (self.peer(), self.local)
    }

    /// Where the peer is, as far as its packets tell.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.remote.map(|r| r.ip())
    }

    /// The peer's port, where it is known.
    pub(crate) fn peer_port(&self) -> Option<u16> {
        self.remote.map(|r| r.port())
    }
}

/// Stands where the log doesn't show an address.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn unknown_identity() -> Identity {
    Identity::KeyId(b"(not in the log)".to_vec())
}

fn closed(by: Party, cause: &str) -> Happening {
    Happening::IkeClosed {
        by,
        cause: cause.to_owned(),
    }
}
