//! What a message of charon says. One file per family of messages; wording that changed between versions stands
//! side by side (`inacceptable` until 5.5, `DH group` until 5.9, `key exchange method` since 6.0).

mod authentication;
mod exchange;
mod life;
mod wire;

use core::net::{IpAddr, SocketAddr};

use adit_model::identity::Identity;
use adit_model::proposal::TransformKind;
use adit_model::reason::CertificateProblem;
use adit_model::selector::Selector;
use adit_wire::iana::NotifyType;

use super::proposal::Listed;

/// A message understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Started,
    Stopping,
    /// `sending packet`, `received packet`.
    Datagram {
        received: bool,
        from: Option<SocketAddr>,
        to: Option<SocketAddr>,
        octets: usize,
    },
    /// `generating`, `parsed`.
    Packet {
        received: bool,
        exchange: String,
        response: bool,
        id: u32,
        payloads: Vec<String>,
    },
    Initiating {
        name: Option<String>,
        number: Option<u32>,
        to: Option<IpAddr>,
        v1: bool,
    },
    PeerInitiates {
        v1: bool,
    },
    Received(Listed),
    Configured(Listed),
    Selected(Listed),
    Retransmit {
        attempt: u32,
        id: Option<u32>,
        /// The message of IKEv1's main mode, where the line counts them.
        step: Option<&'static str>,
    },
    GivingUp {
        retransmits: u32,
    },
    NotResponding,
    /// The peer repeats a request that was answered; the answer is sent again.
    Duplicate,
    /// A notify that the peer sent about an error.
    Told {
        notify: NotifyType,
        child: bool,
    },
    /// A proposal that was compared fits up to this kind of algorithm, which has none in common.
    Lacks(TransformKind),
    /// A proposal that was compared fits.
    Fits,
    NoIkeProposal,
    NoChildProposal,
    /// `no proposal found`, which IKEv1 says of both kinds.
    NoProposal,
    NoConfig {
        local: Option<IpAddr>,
        remote: Option<IpAddr>,
    },
    LookingForPeer {
        ours: Option<Identity>,
        theirs: Option<Identity>,
    },
    NoPeerConfig,
    MacMismatch {
        theirs: Option<Identity>,
    },
    NoKey {
        ours: Option<Identity>,
        theirs: Option<Identity>,
    },
    /// The identity that came isn't the one that is wanted.
    OtherPeer {
        received: Option<Identity>,
        wanted: Option<Identity>,
    },
    /// The name of the connection that was chosen for the peer.
    Chosen(String),
    /// The peer's certificate came.
    CertificateCame,
    /// A certificate with the peer's identity is tried.
    CertificateTried,
    /// Something is wrong with a certificate; that it isn't accepted is said later.
    Certificate(CertificateProblem),
    NoPrivateKey(Option<Identity>),
    UserFailed {
        method: String,
        user: String,
    },
    NoAddress,
    /// A message couldn't be decrypted.
    Undecipherable,
    /// A fragment of a message came; it is whole now, or it isn't.
    Fragment {
        number: u32,
        of: Option<u32>,
        whole: bool,
    },
    NoPublicKey {
        theirs: Option<Identity>,
        kind: String,
    },
    Method {
        required: String,
    },
    LookingForChild {
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    ChildFound(String),
    /// What follows are our networks, or the peer's.
    Proposing {
        ours: bool,
    },
    TrafficRefused {
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    Authenticated,
    /// We prove that we are this one.
    Proves(Identity),
    IkeUp {
        name: Option<String>,
        number: Option<u32>,
        ours: Option<Identity>,
        theirs: Option<Identity>,
    },
    /// A new IKE SA took the place of the older ones of this connection.
    Rekeyed {
        number: Option<u32>,
    },
    EstablishingChild(String),
    ChildUp {
        name: String,
        spi_in: u32,
        spi_out: u32,
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    ChildDown {
        name: String,
        spi_in: u32,
    },
    DeleteReceived {
        child: bool,
    },
    Deleting,
    Abandoned,
    BehindNat {
        us: bool,
    },
    ForcedEncapsulation,
    GroupWanted {
        from: String,
        to: String,
        by_peer: bool,
    },
    VersionRefused(u8),
    SendFailed(i32),
    /// A name that has no address.
    Unresolved(String),
}

/// The statement that a message makes, when it is one that counts.
pub(crate) fn said(text: &str) -> Option<Said> {
    wire::packet(text)
        .or_else(|| wire::datagram(text))
        .or_else(|| exchange::proposals(text))
        .or_else(|| wire::fragment(text))
        .or_else(|| exchange::exchange(text))
        .or_else(|| authentication::authentication(text))
        .or_else(|| life::traffic(text))
        .or_else(|| life::life(text))
}

/// `gw-b[3]`, `net{7} reqid 1`: the name and the number.
fn numbered(text: &str, open: char, close: char) -> (Option<String>, Option<u32>) {
    let (name, rest) = text.split_once(open).unwrap_or((text, ""));
    let number = rest.split(close).next().and_then(|n| n.parse().ok());
    let name = name.trim();
    let known = !name.is_empty() && name != "(unnamed)";
    (known.then(|| name.to_owned()), number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn wording_of_all_versions() {
        for (old, new) in [
            (
                "received proposals inacceptable",
                "received proposals unacceptable",
            ),
            (
                "DH group MODP_2048 inacceptable, requesting ECP_256",
                "key exchange method MODP_2048 unacceptable, requesting ECP_256",
            ),
            (
                "peer didn't accept DH group MODP_1024, it requested MODP_2048",
                "peer didn't accept key exchange method MODP_1024, it requested MODP_2048",
            ),
            (
                "traffic selectors 10.2.0.0/24 === 10.1.0.0/24 inacceptable",
                "traffic selectors 10.2.0.0/24 === 10.1.0.0/24 unacceptable",
            ),
            (
                "203.0.113.7 is initiating an IKE_SA",
                "203.0.113.7 is initiating IKE_SA (unnamed)[3]",
            ),
            (
                "received NO_PROPOSAL_CHOSEN error notify",
                "received NO_PROPOSAL_CHOSEN notify error",
            ),
            (
                "CHILD_SA net{7} established with SPIs c1a2b3c4_i cd5e6f70_o and TS 10.1.0.0/24 === 10.2.0.0/24",
                "inbound CHILD_SA net{7} established with SPIs c1a2b3c4_i cd5e6f70_o and TS 10.1.0.0/24 === 10.2.0.0/24",
            ),
        ] {
            let said_new = said(new);
            assert!(said_new.is_some(), "{new}");
            assert_eq!(said(old), said_new, "{old}");
        }
    }

    #[test]
    fn repeated_messages_of_main_mode_are_told_apart() {
        for (line, want) in [
            (
                "sending retransmit 1 of request message ID 0, seq 1",
                Some("MI1"),
            ),
            (
                "sending retransmit 2 of request message ID 0, seq 3",
                Some("MI3"),
            ),
            (
                "sending retransmit 1 of response message ID 0, seq 2",
                Some("MR2"),
            ),
            ("retransmit 1 of request with message ID 0", None),
        ] {
            let Some(Said::Retransmit {
                step, id: Some(0), ..
            }) = said(line)
            else {
                panic!("{line}");
            };
            assert_eq!(step, want, "{line}");
        }
        assert_eq!(said("retransmit 1 of response with message ID 0"), None);
    }

    #[test]
    fn a_cut_line_counts_as_far_as_it_goes() {
        let Some(Said::Packet { payloads, .. }) =
            said("parsed IKE_AUTH response 1 [ IDr AUTH N(TS_UNACCEPT) N(MOB")
        else {
            panic!("not understood");
        };
        assert_eq!(payloads[2], "N(TS_UNACCEPTABLE)");
    }

    #[test]
    fn missing_values_are_unknown() {
        for line in [
            "no IKE config found for ...x.x.x.x, sending NO_PROPOSAL_CHOSEN",
            "no IKE config found for.........",
            "no IKE config found for [removed], sending NO_PROPOSAL_CHOSEN",
            "no IKE config found for",
            "no IKE config found",
        ] {
            let unknown = Said::NoConfig {
                local: None,
                remote: None,
            };
            assert_eq!(said(line), Some(unknown), "{line}");
        }
        assert_eq!(said("received packet: from , something else"), None);
    }
}
