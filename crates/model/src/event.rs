//! What happened: typed first, text second.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::announced::Announced;
use crate::certificate::{CertificateUse, ExpiryProblem};
use crate::connection::AuthKind;
use crate::drops::DropReason;
use crate::identity::Identity;
use crate::monitored::{Act, Judged};
use crate::now::{Now, Wall};
use crate::proposal::{Proposal, Suite};
use crate::reason::Refusal;
use crate::selector::Selector;

/// Which part a side plays in an IKE SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It sent the IKE_SA_INIT request.
    Initiator,
    /// It answered.
    Responder,
}

/// One happening in the life of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Now,
    /// The configured connection, once it is known.
    pub connection: Option<String>,
    /// The part we play in the IKE SA, where there is one.
    pub role: Option<Role>,
    /// Our address and port.
    pub local: Option<SocketAddr>,
    /// The peer's address and port.
    pub remote: Option<SocketAddr>,
    /// What happened.
    pub what: Happening,
}

/// A message of an exchange, as far as events speak of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageInfo {
    /// Exchange name, such as `IKE_SA_INIT`.
    pub exchange: String,
    /// Message ID.
    pub message_id: u32,
    /// Whether it is the response.
    pub response: bool,
    /// Payload names in order, notifies as `N(NAME)`.
    pub payloads: Vec<String>,
    /// Size in octets, without UDP header and marker.
    pub octets: usize,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// This side.
    Us,
    /// The other side.
    Peer,
}

/// What an ICMP error told about a datagram of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathProblem {
    /// Nobody listens on the port.
    PortUnreachable,
    /// The last router can't reach the host.
    HostUnreachable,
    /// No route to the network.
    NetUnreachable,
    /// A filter said no.
    AdminProhibited,
    /// The datagram was too big for the path; the MTU that was told, 0 if none.
    FragmentationNeeded(u32),
    /// Our own host has no route, or its own filter refused (errno of the send).
    LocalSend(i32),
    /// Any other type and code.
    Other(u8, u8),
}

/// What happened. Variants follow the life of an IKE SA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Happening {
    /// We begin to set up an IKE SA.
    Initiating {
        /// What we'll offer.
        proposals: Vec<Proposal>,
    },
    /// The peer is configured by a name, and the name has no address now.
    PeerUnresolved {
        /// The name.
        name: String,
        /// What the resolver said.
        problem: String,
    },
    /// A message left.
    Sent(MessageInfo),
    /// A message came and was accepted.
    Received(MessageInfo),
    /// A request left again because no answer came.
    Retransmitted {
        /// Exchange name.
        exchange: String,
        /// Message ID.
        message_id: u32,
        /// 1 for the first retransmission.
        attempt: u32,
    },
    /// We stopped waiting for an answer.
    GaveUp {
        /// Exchange name.
        exchange: String,
        /// Message ID.
        message_id: u32,
        /// Transmissions in all.
        transmissions: u32,
        /// Milliseconds from the first transmission.
        waited_ms: u64,
    },
    /// ICMP or the socket reported that a datagram didn't get through.
    PathFailed {
        /// What was reported.
        problem: PathProblem,
        /// Who reported it.
        offender: Option<IpAddr>,
        /// The remote port of the datagram.
        remote_port: u16,
    },
    /// A responder asked us to return a cookie, or we asked an initiator (RFC 7296 2.6).
    Cookie {
        /// Who asked.
        by: Party,
    },
    /// The responder wants another key exchange method; the initiator tries again (RFC 7296 1.2).
    KeRetry {
        /// Method tried.
        from: String,
        /// Method wanted.
        to: String,
        /// Who wants it.
        by: Party,
    },
    /// NAT detection is done (RFC 7296 2.23).
    NatDetection {
        /// Our own address is translated.
        local_behind_nat: bool,
        /// The peer's address is translated.
        remote_behind_nat: bool,
        /// Whether the peer supports NAT traversal at all.
        peer_supports: bool,
    },
    /// The peer says how we may prove to it who we are (RFC 9593).
    AuthMethodsAnnounced {
        /// What it says.
        announced: Announced,
    },
    /// The exchange moved to port 4500.
    Floated,
    /// The peer's address or port changed and we follow it (RFC 7296 2.23).
    PeerMoved {
        /// Before.
        from: SocketAddr,
        /// Now.
        to: SocketAddr,
    },
    /// Our own address or port changed, and the SAs go on from it (RFC 4555).
    Moved {
        /// Before.
        from: SocketAddr,
        /// Now.
        to: SocketAddr,
    },
    /// The peer has shown that it receives at the address it moved to; CHILD SAs follow (RFC 4555 3.7).
    PathVerified {
        /// The address.
        remote: SocketAddr,
    },
    /// IKE proposal agreed.
    IkeProposalChosen {
        /// The result.
        suite: Suite,
    },
    /// Both sides authenticated; the IKE SA is up.
    IkeEstablished {
        /// Our identity.
        local_id: Identity,
        /// The peer's identity.
        remote_id: Identity,
        /// The algorithms.
        suite: Suite,
        /// SPIs, initiator's first.
        spis: (u64, u64),
    },
    /// A CHILD SA is up.
    ChildEstablished {
        /// Its configured name.
        child: String,
        /// SPI of what we receive.
        spi_in: u32,
        /// SPI of what we send.
        spi_out: u32,
        /// The algorithms.
        suite: Suite,
        /// Negotiated selectors, ours.
        ts_local: Vec<Selector>,
        /// Negotiated selectors, theirs.
        ts_remote: Vec<Selector>,
        /// Whether they are less than what is configured here.
        narrowed: bool,
        /// Whether ESP travels in UDP.
        udp_encap: bool,
    },
    /// We refused something of the peer's.
    Refused {
        /// What the refusal is about, such as `IKE_SA_INIT` or `CHILD_SA lan`.
        what: String,
        /// Why.
        refusal: Refusal,
        /// Name of the notify that told the peer; `None` when nothing was sent.
        notify: Option<String>,
    },
    /// The peer refused something of ours.
    PeerRefused {
        /// What was refused, as above.
        what: String,
        /// Number of the error notify.
        notify: u16,
        /// Its name.
        name: String,
        /// Its data, in hex.
        data: String,
        /// What we had asked for, as far as it bears on the notify.
        asked: Asked,
    },
    /// An unprotected message claimed an error. It is recorded and doesn't end the exchange (RFC 7296 2.21).
    UnprotectedNotify {
        /// Number of the notify.
        notify: u16,
        /// Its name.
        name: String,
        /// Major IKE version of the header that carried it.
        version: u8,
    },
    /// A CHILD SA went away.
    ChildClosed {
        /// Its name.
        child: String,
        /// SPI of what we received.
        spi_in: u32,
        /// Who closed it.
        by: Party,
    },
    /// A CHILD SA took an older one's place.
    ChildRekeyed {
        /// Its name.
        child: String,
        /// SPI of what we receive on the older one.
        old: u32,
        /// SPI of what we receive on the new one.
        new: u32,
        /// Who began.
        by: Party,
    },
    /// An IKE SA took an older one's place.
    IkeRekeyed {
        /// SPIs of the older one, its original initiator's first.
        old: (u64, u64),
        /// SPIs of the new one.
        new: (u64, u64),
        /// Who began.
        by: Party,
    },
    /// Both sides rekeyed the same SA at once; the new one of one side goes again (RFC 7296 2.8.1, 2.8.2).
    RekeyCollision {
        /// What was rekeyed, such as `CHILD_SA lan`.
        what: String,
        /// Whose new SA stays.
        kept: Party,
    },
    /// The peer can't do now what we asked for (TEMPORARY_FAILURE); it is asked again.
    PutOff {
        /// What it can't do.
        what: String,
        /// Milliseconds until it is asked again.
        wait_ms: u64,
    },
    /// An SA reached the end of its life without having been renewed.
    Expired {
        /// Which one, such as `CHILD_SA lan`.
        what: String,
        /// The limit that it reached, such as `3960 s` or `1000000 packets`.
        limit: String,
        /// Why it wasn't renewed, as far as it is known.
        why: Option<String>,
    },
    /// An IKE SA went away.
    IkeClosed {
        /// Who closed it.
        by: Party,
        /// Why, in a word: `deleted`, `dead-peer`, `replaced`, `shutdown`, `failed`, `gave-way` (an attempt of ours,
        /// so that the peer would begin).
        cause: String,
    },
    /// We have given the peer addresses inside the tunnel (RFC 7296 2.19).
    AddressesLeased {
        /// Who it is.
        identity: Identity,
        /// One of each family at most.
        addresses: Vec<IpAddr>,
    },
    /// Addresses that we gave the peer are free again.
    AddressesReleased {
        /// Who it was.
        identity: Identity,
        /// Which.
        addresses: Vec<IpAddr>,
    },
    /// The peer has given us addresses inside the tunnel.
    AddressesAssigned {
        /// One of each family at most.
        addresses: Vec<IpAddr>,
        /// Name servers that it told along with them; nobody is made to use them.
        dns: Vec<IpAddr>,
        /// Networks that it says are behind it, as far as they are configured.
        split: Vec<String>,
        /// What else it said that has no effect, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ignored: Vec<String>,
    },
    /// The peer says that it has no other IKE SA with us (RFC 7296 2.4); older ones were dropped.
    InitialContact {
        /// How many were dropped.
        closed: u32,
    },
    /// A certificate that the tunnel is configured with ends soon, has ended, or isn't valid yet. Told again at 30, 14, 7
    /// and 1 days before the end, and at the end.
    CertificateExpiry {
        /// What it is for.
        used_as: CertificateUse,
        /// Its subject.
        subject: String,
        /// Its serial number in hex.
        serial: String,
        /// Valid from.
        not_before: Wall,
        /// Valid up to.
        not_after: Wall,
        /// What is wrong.
        problem: ExpiryProblem,
        /// Days that are left, the begun one included; 0 or less when it has expired.
        days_left: i64,
    },
    /// Something will fail that works now, or that is over. Told once each.
    Foreseen {
        /// Cause id that the failure will have.
        cause: String,
        /// The child that it is about, where it is one's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        child: Option<String>,
        /// What is so, in one sentence.
        summary: String,
        /// What will come of it.
        consequence: String,
        /// It isn't to be feared any more.
        over: bool,
    },
    /// There is no SA for a child of an optional tunnel, and its traffic passes in clear from now on; or there is one again.
    ClearTraffic {
        /// The child.
        child: String,
        /// Whether it passes.
        passes: bool,
    },
    /// The tunnel monitor sees the tunnel otherwise than before.
    MonitorJudged {
        /// Whom it asks inside the tunnel, if anybody.
        target: Option<IpAddr>,
        /// What it makes of it.
        judged: Judged,
        /// Why: half a sentence.
        why: String,
    },
    /// The tunnel monitor does something, or what watches the counters of a tunnel without one, or the kernel's SAs.
    MonitorActed {
        /// What.
        act: Act,
        /// Whose keys are renewed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        child: Option<String>,
        /// The other tunnel, where routes are led elsewhere or back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        other: Option<String>,
        /// Why: half a sentence.
        why: String,
    },
    /// The program that is to be told of tunnels couldn't be run, or failed.
    HookFailed {
        /// What it was told of: `up`, `down`, `rekeyed`, `failed`, `monitor`, `failed-over`, `failed-back`.
        on: String,
        /// What went wrong.
        problem: String,
    },
    /// We kept from trying for a while, so that the peer would begin and be answered by us: whoever answers can tell why it
    /// refuses.
    HeldBack {
        /// For how many milliseconds.
        ms: u64,
        /// Whether the peer began.
        peer_began: bool,
        /// What became of an attempt of ours that was under way when that was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        under_way: Option<UnderWay>,
    },
    /// The peer only asked whether IKE answers here; it got an answer, and nothing was begun.
    ProbeAnswered,
    /// The peer answered after silence.
    PeerAlive,
    /// A packet was dropped.
    Dropped {
        /// Why.
        reason: DropReason,
        /// Detail for a person, never secret.
        detail: String,
    },
}

/// What became of an attempt of ours that was under way when the peer was to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnderWay {
    /// It came to its own end in the time that it had.
    WaitedFor,
    /// It came to nothing in that time, and we ended it.
    Ended,
}

/// What a refused request had asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Proposals, where the request carried some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// Selectors for our side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ts_local: Vec<Selector>,
    /// Selectors for the peer's side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ts_remote: Vec<Selector>,
    /// Our identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_id: Option<Identity>,
    /// The identity that we want the peer to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<Identity>,
    /// How we proved ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthKind>,
}
