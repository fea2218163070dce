//! What a message of pluto says. One file per family of messages; wording that changed between versions stands side by
//! side (Openswan 2, Libreswan 3 to 5).

use core::net::{IpAddr, SocketAddr};

use adit_model::event::PathProblem;
use adit_model::identity::Identity;
use adit_model::proposal::{Proposal, Suite};
use adit_model::reason::CertificateProblem;
use adit_model::selector::Selector;

use super::line::Message;
use super::step::{State, Up};

mod exchange;
mod life;
mod refusal;
mod status;
mod told;

/// An error notify: number and name.
pub(crate) type Notify = (u16, &'static str);

/// A message understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Started,
    Stopping,
    Listening,
    /// A state was reached; where the message went, as versions from 4 on tell.
    Reached {
        state: &'static State,
        to: Option<SocketAddr>,
    },
    /// Status output: a state is listed.
    Listed {
        state: Option<&'static State>,
        up: Up,
        /// It repeats what it sent last.
        repeating: bool,
    },
    Initiating {
        v1: bool,
        aggressive: bool,
        to: Option<IpAddr>,
    },
    Responding {
        aggressive: bool,
        /// The request came from a port that isn't IKE's: a NAT lies before the peer.
        translated: bool,
    },
    /// Our next message carries a certificate.
    SendsCertificate,
    /// `initiating Quick Mode`, `responding to Quick Mode proposal`; under which ISAKMP SA.
    QuickMode {
        initiating: bool,
        isakmp: Option<u32>,
        proposals: Vec<Proposal>,
    },
    /// `processing IKE_AUTH request from … containing SK{IDi,AUTH,…}`.
    Came {
        exchange: &'static str,
        response: bool,
        payloads: Vec<String>,
        from: Option<SocketAddr>,
    },
    Chosen(Suite),
    Retransmission,
    /// The other side's message came again; `first` when the line says that it asks for an IKE SA of IKEv2, `proof` when it
    /// is the third message of main mode, which was answered.
    Duplicate {
        first: bool,
        proof: bool,
    },
    GaveUp {
        retransmits: u32,
        waited_ms: u64,
        /// The message that went unanswered, where the text tells.
        message: Option<&'static str>,
    },
    IkeUp {
        suite: Option<Suite>,
        peer: Option<Identity>,
        rekeyed: bool,
    },
    /// The networks of the CHILD SA that comes up next.
    Negotiated {
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    ChildUp {
        suite: Option<Suite>,
        spi_in: Option<u32>,
        spi_out: Option<u32>,
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
        udp: bool,
    },
    /// A state is deleted: which one, if not the speaker's own, and what it was.
    Gone {
        serial: Option<u32>,
        state: Option<String>,
    },
    /// It never came to anything.
    Incomplete,
    DeleteReceived {
        child: bool,
        serial: Option<u32>,
    },
    /// The peer sent an error in an exchange of IKEv1.
    Told {
        notify: Notify,
        /// It came protected; `None` where the text doesn't tell.
        protected: Option<bool>,
    },
    /// The peer sent an error in an exchange of IKEv2.
    ToldV2 {
        notify: Notify,
        /// `None`: the one that the state is in.
        exchange: Option<&'static str>,
    },
    /// We send an error.
    Sending {
        notify: Notify,
        /// The one that it answers, of IKEv2.
        exchange: Option<&'static str>,
        /// It goes protected; `None` where the text doesn't tell.
        protected: Option<bool>,
    },
    /// A proposal of the peer's that we don't take.
    TransformRefused(Proposal),
    NoIkeTransform,
    NoIpsecProposal,
    /// `no local proposal matches remote proposals …`.
    NoProposalV2 {
        ike: bool,
        offered: Vec<Proposal>,
    },
    /// What we would take, as a connection is loaded or a negotiation begins.
    Ours {
        ike: bool,
        proposals: Vec<Proposal>,
    },
    PfsMissing,
    NoConnection {
        local: Option<IpAddr>,
        aggressive: bool,
        v1: bool,
    },
    PeerId(Identity),
    /// `we require peer to have ID …, but peer declares …`.
    WrongId {
        expected: Option<Identity>,
        received: Option<Identity>,
    },
    /// No connection for the identity that the peer has.
    UnknownId(Option<Identity>),
    /// The peer's proof of its identity doesn't verify, or its message can't be read with our key.
    WrongKey {
        psk: bool,
        peer: Option<Identity>,
    },
    /// A payload that makes no sense, as one does that was decrypted with another key.
    Garbled {
        identification: bool,
    },
    NoKey {
        ours: Option<Identity>,
        theirs: Option<Identity>,
    },
    Method {
        received: u16,
        expected: u16,
    },
    /// The same of one proposal of IKEv1, which proposes the method with the algorithms; another one may fit.
    MethodProposed {
        received: u16,
        expected: u16,
    },
    /// The peer's public key isn't known or its certificate isn't taken.
    NoPublicKey(Option<Identity>),
    Certificate(CertificateProblem),
    NoPrivateKey,
    /// XAUTH says no to a user.
    UserRefused(String),
    /// What was agreed on couldn't be installed; in pluto's words.
    KernelRefused(String),
    /// An error in hex: the protocol that it is about, by its number (RFC 2407 4.4.1).
    Dump(u8),
    /// `cannot respond to IPsec SA request because no connection is known for …`.
    NoChild {
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    /// `the peer proposed: … -> …`.
    PeerProposed {
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    /// `us: …` or `them: …`: one end of the connection that a Quick Mode is for.
    End {
        ours: bool,
        networks: Vec<Selector>,
    },
    TrafficRefused,
    /// The answer has other networks than were asked for.
    OtherTraffic {
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    Mode {
        requested_transport: bool,
    },
    Nat {
        us: bool,
        peer: bool,
    },
    Floated,
    DeadPeer,
    PathFailed {
        problem: PathProblem,
        offender: Option<IpAddr>,
        port: Option<u16>,
    },
    VersionRefused(u8),
    GroupWanted {
        from: String,
        to: String,
        by_peer: bool,
        /// No second try follows.
        last: bool,
    },
    Unresolved(String),
    Switched(String),
}

/// The statement that a message makes, when it is one that counts.
pub(crate) fn said(message: &Message<'_>) -> Option<Said> {
    let text = message.text;
    if message.listed {
        return status::said(text);
    }
    if message.debug {
        // Debugging repeats what is said aloud; the search for a connection is only told here.
        return refusal::no_connection(text)
            .or_else(|| life::debugging(text))
            .or_else(|| told::dumped(text));
    }
    exchange::said(message)
        .or_else(|| told::said(text))
        .or_else(|| refusal::said(text))
        .or_else(|| life::said(text))
}
