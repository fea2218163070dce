//! Why a negotiation was refused, sorted by whose fault it is, with both sides' values.
//!
//! `ike` returns these; the notify to send is derived from them in one place there; `diagnose` reads them. A line
//! in another product's log about the same happening becomes the same value.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::certificate_reason::RefusedCertificate;
use crate::feature::Feature;
use crate::identity::Identity;
use crate::proposal::{Proposal, TransformKind};
use crate::selector::Selector;

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The peer sent what no reading of the protocol allows.
    PeerMalformed,
    /// Both sides are right by themselves and don't fit each other.
    Incompatible,
    /// The peer's message is well formed and breaks the protocol's rules or fails a check.
    PeerMisbehaved,
    /// Our own configuration can't serve this.
    OurConfiguration,
    /// We lack a local resource, or a local party failed us.
    LocalResource,
}

/// What is wrong with a certificate, from the verifier's point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateProblem {
    /// No chain leads to a trusted CA.
    Untrusted,
    /// It is past its end.
    Expired,
    /// Its time hasn't begun.
    NotYetValid,
    /// It is revoked.
    Revoked,
    /// Whether it is revoked can't be found out, and that is required.
    StatusUnknown,
    /// It doesn't hold the identity that the peer claims.
    Name,
    /// It isn't made for this use, or its signature isn't accepted.
    Usage,
    /// Nothing is known beyond that it was refused.
    Unknown,
}

/// What is missing for a post-quantum pre-shared key (RFC 8784 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PpkProblem {
    /// The peer doesn't use such keys.
    PeerHasNone,
    /// The peer said that it uses one, and then named none.
    NotNamed,
    /// The peer named one that we don't have for it.
    Unknown,
    /// The peer knew none by the name that we told.
    NotTaken,
    /// Our own key can't be had.
    NoKey,
}

/// Why a side has no address inside the tunnel (RFC 7296 2.19). An unspecified address stands for any of its family.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "lacks", rename_all = "kebab-case")]
pub enum AddressProblem {
    /// None could be found for the client; a log of another product doesn't tell more.
    NotFound,
    /// The client asks, and there is no pool for it, or none of that family.
    NoPool {
        /// What it asks for.
        asked: Vec<IpAddr>,
    },
    /// Every address of the pool is given away.
    Full {
        /// The pool.
        pool: String,
        /// Addresses that are given away.
        leased: u64,
        /// Addresses that it has.
        size: u64,
    },
    /// The client has to ask for one and didn't.
    NotAsked {
        /// The pools that it would be given one from.
        pools: Vec<String>,
    },
    /// We asked, and the peer set the tunnel up without giving one.
    NotGiven {
        /// What we asked for.
        asked: Vec<IpAddr>,
    },
    /// We asked, and the peer gave one of another family.
    OtherFamily {
        /// What we asked for.
        asked: Vec<IpAddr>,
        /// What it gave.
        given: Vec<IpAddr>,
    },
    /// The peer gave what no host can have.
    Unusable {
        /// What it gave.
        given: String,
    },
}

/// Why a message, an IKE SA or a CHILD SA was refused, by the side that refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Refusal {
    /// A message or payload that can't be read.
    Malformed {
        /// The field that was wrong.
        field: String,
        /// Octet offset in the message.
        offset: usize,
        /// What was wrong with it.
        problem: String,
    },
    /// A payload that must be understood and isn't (RFC 7296 2.5).
    CriticalPayload {
        /// Payload type.
        payload: u8,
    },
    /// A payload that the exchange needs is missing, or one too many is there.
    Presence {
        /// What was missing or in excess.
        problem: String,
    },
    /// Another major version of IKE (RFC 7296 2.5).
    MajorVersion {
        /// Major version in the received header.
        received: u8,
    },
    /// No IKE proposal in common.
    NoIkeProposal {
        /// What the initiator offered.
        offered: Vec<Proposal>,
        /// What the responder would take.
        configured: Vec<Proposal>,
        /// In what the closest pair differs.
        differs: Vec<TransformKind>,
    },
    /// The key exchange payload uses a method that isn't the chosen one; the exchange is tried again with `wanted`.
    KeMethod {
        /// Method of the payload, by keyword.
        received: String,
        /// Method the responder wants, by keyword.
        wanted: String,
    },
    /// A key exchange value that isn't one (wrong length, not on the curve, zero).
    KeValue {
        /// Method, by keyword.
        method: String,
        /// What was wrong.
        problem: String,
    },
    /// No configured connection is for this pair of addresses.
    NoConnection {
        /// Our address.
        local: IpAddr,
        /// The peer's address.
        remote: IpAddr,
    },
    /// The peer identified itself as somebody whom no candidate connection expects.
    PeerIdentity {
        /// Who it says it is.
        received: Identity,
        /// Whom the candidates expect.
        expected: Vec<Identity>,
    },
    /// The initiator asked for an identity (IDr) that we don't have.
    OurIdentity {
        /// Whom it asked for.
        requested: Identity,
        /// Who we are.
        ours: Vec<Identity>,
    },
    /// The peer authenticates with another method than is configured.
    AuthMethod {
        /// AUTH method number received; with IKEv1 also one of XAUTH's, from 65001 on.
        received: u16,
        /// AUTH method number expected.
        expected: u16,
    },
    /// The peer's AUTH value doesn't verify: with a PSK, the two sides' keys differ.
    AuthValue {
        /// Whom the peer claims to be.
        claimed: Identity,
        /// AUTH method number.
        method: u8,
    },
    /// The peer's signature isn't accepted: by its kind, or because it isn't the peer's key that made it.
    Signature {
        /// Whom the peer claims to be.
        claimed: Identity,
        /// AUTH method number.
        method: u8,
        /// What is wrong with it, with both sides' values.
        problem: String,
    },
    /// None of our keys makes a signature that the peer takes.
    NoSignature {
        /// Our identity.
        identity: Identity,
        /// What our keys make.
        makes: Vec<String>,
        /// What the peer says that it takes: hash algorithms, or whole methods.
        takes: Vec<String>,
    },
    /// We hold no key for this pair of identities.
    NoKey {
        /// Our identity.
        local: Identity,
        /// The peer's identity.
        remote: Identity,
    },
    /// The peer's certificate, or its chain, isn't accepted.
    Certificate {
        /// Whom the peer claims to be.
        peer: Identity,
        /// What is wrong with it.
        problem: CertificateProblem,
        /// Which certificate it is, and what decided it; a log of another product doesn't tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<Box<RefusedCertificate>>,
    },
    /// Our own private key for this identity is missing or unusable.
    NoPrivateKey {
        /// Our identity.
        identity: Identity,
    },
    /// The two sides have no post-quantum pre-shared key in common, and one insists on it (RFC 8784).
    Ppk {
        /// The key that the peer names.
        theirs: Option<String>,
        /// Ours.
        ours: Option<String>,
        /// What is missing.
        problem: PpkProblem,
    },
    /// The user behind the peer didn't authenticate (EAP, XAUTH).
    User {
        /// The method, as the log names it.
        method: String,
        /// Who it was, as the log names them.
        user: String,
    },
    /// No address is left, or none is configured, for a client that asks for one.
    NoAddress {
        /// What is missing.
        problem: AddressProblem,
    },
    /// No ESP proposal in common.
    NoEspProposal {
        /// What was offered.
        offered: Vec<Proposal>,
        /// What is configured.
        configured: Vec<Proposal>,
        /// In what the closest pair differs.
        differs: Vec<TransformKind>,
    },
    /// No traffic in common.
    TrafficSelectors {
        /// Offered for the refusing side's network.
        offered_local: Vec<Selector>,
        /// Offered for the other side's network.
        offered_remote: Vec<Selector>,
        /// Configured for the refusing side's network.
        configured_local: Vec<Selector>,
        /// Configured for the other side's network.
        configured_remote: Vec<Selector>,
    },
    /// The peer insists on tunnel or transport mode and we on the other.
    Mode {
        /// What was asked for.
        requested_transport: bool,
    },
    /// The peer wants to go on between addresses that it can't have (RFC 4555 3.5).
    Addresses {
        /// Where its request came from.
        from: SocketAddr,
        /// Where it arrived.
        to: SocketAddr,
        /// What is wrong with them.
        problem: String,
    },
    /// Addresses were changed on the way where no NAT may be (RFC 4555 3.9).
    Translated {
        /// Source and destination as the sender had them; nothing when it didn't say so properly.
        sent: Vec<SocketAddr>,
        /// Source and destination as they arrived.
        seen: Vec<SocketAddr>,
    },
    /// Something of IKE or IPsec that Adit doesn't carry out.
    Unsupported {
        /// Which.
        what: Feature,
    },
    /// A CHILD SA that doesn't exist (RFC 7296 2.25).
    ChildNotFound {
        /// Its SPI.
        spi: u32,
    },
    /// The next of several key exchanges, after one that nothing is known of any more (RFC 9370 2.2.4).
    FollowupNotFound,
    /// The answer doesn't belong to the question: a proposal that wasn't offered, selectors wider than asked, …
    AnswerMismatch {
        /// What doesn't fit.
        problem: String,
    },
    /// The peer may be here only once (`unique = "keep"`), and is, from another address.
    PeerIsHere {
        /// Who it is.
        peer: Identity,
        /// Where it comes from now.
        from: IpAddr,
        /// Where it is connected from.
        present: IpAddr,
    },
    /// Too many half-open IKE SAs.
    HalfOpenLimit {
        /// How many there are.
        half_open: u32,
        /// The limit.
        limit: u32,
    },
    /// A local party that was asked (keys, data plane) failed or didn't answer.
    Local {
        /// What failed.
        problem: String,
    },
}

impl Refusal {
    /// The certificate of `peer`, or one of its chain, was judged and refused.
    #[must_use]
    pub fn certificate(peer: Identity, refused: impl Into<Box<RefusedCertificate>>) -> Self {
        let refused = refused.into();
        Refusal::Certificate {
            peer,
            problem: refused.reason.problem(),
            detail: Some(refused),
        }
    }

    /// Whose fault it is, from the refusing side's point of view.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Refusal::Malformed { .. } | Refusal::Presence { .. } | Refusal::KeValue { .. } => {
                Fault::PeerMalformed
            }
            Refusal::CriticalPayload { .. }
            | Refusal::MajorVersion { .. }
            | Refusal::NoIkeProposal { .. }
            | Refusal::KeMethod { .. }
            | Refusal::PeerIdentity { .. }
            | Refusal::OurIdentity { .. }
            | Refusal::AuthMethod { .. }
            | Refusal::AuthValue { .. }
            | Refusal::Signature { .. }
            | Refusal::NoSignature { .. }
            | Refusal::Certificate { .. }
            | Refusal::User { .. }
            | Refusal::Ppk { .. }
            | Refusal::NoEspProposal { .. }
            | Refusal::TrafficSelectors { .. }
            | Refusal::Mode { .. }
            | Refusal::PeerIsHere { .. }
            | Refusal::Addresses { .. }
            | Refusal::Translated { .. }
            | Refusal::Unsupported { .. } => Fault::Incompatible,
            Refusal::AnswerMismatch { .. }
            | Refusal::ChildNotFound { .. }
            | Refusal::FollowupNotFound => Fault::PeerMisbehaved,
            Refusal::NoConnection { .. } | Refusal::NoKey { .. } | Refusal::NoPrivateKey { .. } => {
                Fault::OurConfiguration
            }
            Refusal::NoAddress { problem } => problem.fault(),
            Refusal::HalfOpenLimit { .. } | Refusal::Local { .. } => Fault::LocalResource,
        }
    }
}

impl AddressProblem {
    fn fault(&self) -> Fault {
        match self {
            AddressProblem::NotFound | AddressProblem::Full { .. } => Fault::LocalResource,
            AddressProblem::NoPool { .. }
            | AddressProblem::NotAsked { .. }
            | AddressProblem::NotGiven { .. } => Fault::Incompatible,
            AddressProblem::OtherFamily { .. } | AddressProblem::Unusable { .. } => {
                Fault::PeerMisbehaved
            }
        }
    }
}
