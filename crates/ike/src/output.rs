//! What comes out of an endpoint, and the sink that its parts emit into.

use std::collections::VecDeque;
use std::net::SocketAddr;

use adit_model::connection::AuthKind;
use adit_model::dataplane::DataPlaneRequest;
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening, Role};
use adit_model::identity::Identity;
use adit_model::proposal::Suite;
use adit_model::reason::Refusal;
use adit_model::{Now, Secret};
use adit_wire::iana::{AuthMethod, HashAlgorithm, PrfId};
use adit_wire::v2::{Announcement, CertPayload, Header, IkeSpi, PayloadList};

use crate::counters::DropCounters;
use crate::describe;
use crate::lease::{LeaseId, LeaseRequest};
use crate::plain::{self, PlainMessage};

/// One thing to carry out. Outputs are to be carried out in the order in which they come.
#[derive(Clone)]
pub enum Output {
    /// Send a datagram: an IKE message without the non-ESP marker, which belongs in front of it when `local`'s port is
    /// [`Settings::nat_port`](crate::Settings::nat_port).
    Transmit {
        /// From our address and port.
        local: SocketAddr,
        /// To this address and port.
        remote: SocketAddr,
        /// The IKE message.
        payload: Vec<u8>,
    },
    /// Send a NAT keepalive, the single octet 0xff (RFC 3948 2.3).
    Keepalive {
        /// From our address and port.
        local: SocketAddr,
        /// To this address and port.
        remote: SocketAddr,
    },
    /// Change the data plane.
    DataPlane(DataPlaneRequest),
    /// Ask the holder of long-term keys; answer with [`Endpoint::handle_answer`](crate::Endpoint::handle_answer).
    KeyRequest {
        /// Names the request in its answer.
        id: KeyRequestId,
        /// What is asked.
        request: KeyRequest,
    },
    /// Ask whoever holds the address pools; answer with [`Endpoint::handle_lease`](crate::Endpoint::handle_lease).
    LeaseRequest {
        /// Names the request in its answer.
        id: KeyRequestId,
        /// What is asked.
        request: LeaseRequest,
    },
    /// A lease isn't needed any more.
    LeaseEnd(LeaseId),
    /// The peer, which has authenticated and is of our own kind, asks about its connection; answer with
    /// [`Endpoint::answer_peer`](crate::Endpoint::answer_peer), or not at all.
    PeerAsks(PeerQuestion),
    /// What came of [`Endpoint::ask_peer`](crate::Endpoint::ask_peer), as far as anything comes.
    PeerAnswer {
        /// The configured connection.
        connection: String,
        /// Number of the question.
        number: u32,
        /// What the peer says, or why it says nothing.
        answer: Result<Vec<u8>, Unanswered>,
    },
    /// Something happened.
    Event(Event),
    /// A message was sent or taken in, right behind the event of it; with
    /// [`Settings::tell_messages`](crate::Settings::tell_messages).
    Message(Box<PlainMessage>),
    /// Keys of an IKE SA were derived; with [`Settings::tell_keys`](crate::Settings::tell_keys).
    Keys(Box<ToldKeys>),
}

/// What a question between gateways of our kind is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The way of a packet on the other side.
    Way,
    /// What the path between the gateways lets through.
    Path,
}

/// Why a peer doesn't answer a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It isn't of our kind, or answers nobody.
    Foreign,
    /// It is of our kind, and older than questions of this kind.
    Older,
    /// The question is too long, or too many wait.
    TooMuch,
}

/// Who has asked, and which question: what an answer goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedBy {
    /// The configured connection.
    pub connection: String,
    /// The IKE SA that the question came over, the original initiator's SPI first.
    pub spis: (IkeSpi, IkeSpi),
    /// Who has authenticated there.
    pub peer: Identity,
    /// The question's number.
    pub number: u32,
}

/// A question of the peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerQuestion {
    /// Who asks.
    pub by: AskedBy,
    /// What it is about.
    pub topic: Topic,
    /// The question, as the local party of the peer has put it: not trusted, but the peer's.
    pub text: Vec<u8>,
}

/// What opens the messages of an IKE SA, as far as capture readers need it.
#[derive(Clone)]
pub struct ToldKeys {
    /// When.
    pub at: Now,
    /// SPIs, the original initiator's first.
    pub spis: (u64, u64),
    /// The algorithms.
    pub suite: Suite,
    /// SK_ei and SK_er, salt included.
    pub encryption: (Secret, Secret),
    /// SK_ai and SK_ar; empty for combined-mode ciphers.
    pub integrity: (Secret, Secret),
}

/// Number of a request to the key holder, or to the holder of address pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRequestId(pub u64);

/// What the key holder is asked for.
#[derive(Clone)]
pub enum KeyRequest {
    /// To prove to the peer who we are.
    Sign(ToSign),
    /// Whether the peer's proof holds.
    Verify(ToVerify),
    /// To mix a post-quantum pre-shared key into derived keys.
    Mix(ToMix),
}

impl KeyRequest {
    /// The configured connection that it is about.
    #[must_use]
    pub fn connection(&self) -> &str {
        match self {
            KeyRequest::Sign(request) => &request.connection,
            KeyRequest::Verify(request) => &request.connection,
            KeyRequest::Mix(request) => &request.connection,
        }
    }

    /// How the side authenticates whose proof it is about, if it is about one.
    #[must_use]
    pub fn kind(&self) -> Option<AuthKind> {
        match self {
            KeyRequest::Sign(request) => Some(request.kind),
            KeyRequest::Verify(request) => Some(request.kind),
            KeyRequest::Mix(_) => None,
        }
    }
}

/// Our proof, to be made.
#[derive(Clone)]
pub struct ToSign {
    /// Configured connection.
    pub connection: String,
    /// How it says that we authenticate.
    pub kind: AuthKind,
    /// Who we are.
    pub local_id: Identity,
    /// Who the peer is, or is expected to be.
    pub remote_id: Identity,
    /// The negotiated pseudo-random function.
    pub prf: PrfId,
    /// What is to be authenticated (RFC 7296 2.15).
    pub octets: Secret,
    /// What the peer can verify, as far as it has told.
    pub peer: PeerSupport,
}

/// What a peer says that it can verify.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerSupport {
    /// Hash algorithms of digital signatures (RFC 7427 4). Without any, it only knows the methods before them.
    pub hashes: Vec<HashAlgorithm>,
    /// Methods and algorithms that it takes (RFC 9593). Without any, it hasn't told.
    pub methods: Vec<Announcement>,
    /// SHA-1 hashes of the public keys of authorities that it trusts (RFC 7296 3.7).
    pub authorities: Vec<[u8; 20]>,
    /// It asks for raw public keys (RFC 7670 3).
    pub raw_keys: bool,
}

/// The peer's proof, to be verified.
#[derive(Clone)]
pub struct ToVerify {
    /// Configured connection.
    pub connection: String,
    /// How it says that the peer authenticates.
    pub kind: AuthKind,
    /// Who we are.
    pub local_id: Identity,
    /// Who the peer says it is.
    pub remote_id: Identity,
    /// The negotiated pseudo-random function.
    pub prf: PrfId,
    /// What the proof is about (RFC 7296 2.15).
    pub octets: Secret,
    /// How the peer made it; it fits `kind`.
    pub method: AuthMethod,
    /// The AUTH payload's data.
    pub proof: Vec<u8>,
    /// The peer's CERT payloads in their order.
    pub certificates: Vec<CertPayload>,
}

/// Keys, to be mixed with a post-quantum pre-shared key: each becomes `prf+(PPK, key)` of its own length
/// (RFC 8784 3).
#[derive(Clone)]
pub struct ToMix {
    /// Configured connection.
    pub connection: String,
    /// Name of the key (PPK_ID).
    pub ppk: String,
    /// The negotiated pseudo-random function.
    pub prf: PrfId,
    /// What it is mixed into.
    pub keys: DerivedKeys,
}

/// The three keys of an IKE SA that everything else depends on.
#[derive(Clone)]
pub struct DerivedKeys {
    /// SK_d.
    pub sk_d: Secret,
    /// SK_pi or SK_pr, whichever is ours.
    pub sk_p_ours: Secret,
    /// SK_pi or SK_pr, whichever is the peer's.
    pub sk_p_peer: Secret,
}

/// The key holder's answer.
#[derive(Clone)]
pub enum KeyAnswer {
    /// Our proof.
    Signed(Signed),
    /// The peer's proof holds.
    Verified,
    /// The keys, mixed.
    Mixed(DerivedKeys),
    /// There is no proof, or the peer's doesn't hold.
    Refused(Refusal),
}

/// A proof of who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// How it was made.
    pub method: AuthMethod,
    /// The AUTH payload's data.
    pub proof: Vec<u8>,
    /// CERT payloads to send along, the one with our key first.
    pub certificates: Vec<CertPayload>,
}

/// Where events come from, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub connection: Option<String>,
    pub role: Option<Role>,
    pub local: Option<SocketAddr>,
    pub remote: Option<SocketAddr>,
}

/// The sink: everything that states emit, in order.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
    drops: DropCounters,
}

impl Outbox {
    pub fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    pub fn drops(&self) -> &DropCounters {
        &self.drops
    }

    pub fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub fn event(&mut self, now: Now, subject: &Subject, what: Happening) {
        self.push(Output::Event(Event {
            at: now,
            connection: subject.connection.clone(),
            role: subject.role,
            local: subject.local,
            remote: subject.remote,
            what,
        }));
    }

    /// Tells of a message of `octets` octets on the wire, with its contents if `whole`.
    pub fn message(
        &mut self,
        now: Now,
        subject: &Subject,
        (sent, whole): (bool, bool),
        header: &Header,
        payloads: &PayloadList,
        octets: usize,
    ) {
        let info = describe::message(header, payloads, octets);
        let what = if sent {
            Happening::Sent(info)
        } else {
            Happening::Received(info)
        };
        self.event(now, subject, what);
        if !whole {
            return;
        }
        let ends = subject.local.zip(subject.remote);
        if let Some(((local, remote), octets_plain)) = ends.zip(plain::of(header, payloads)) {
            self.push(Output::Message(Box::new(PlainMessage {
                at: now,
                connection: subject.connection.clone(),
                sent,
                local,
                remote,
                octets,
                plain: octets_plain,
            })));
        }
    }

    /// Counts a rejected packet and tells so: the only place where either happens.
    pub fn drop(&mut self, now: Now, subject: &Subject, reason: DropReason, detail: String) {
        self.drops.count(reason);
        self.event(now, subject, Happening::Dropped { reason, detail });
    }
}
