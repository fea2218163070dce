//! Sentences of macOS and iOS.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    any(
        Sign::PeerNameUnresolved,
        "Could not resolve VPN server address",
    ),
    any(Sign::NegotiationTimedOut, "NEIKEv2ErrorDomain Code=3"),
    any(Sign::NegotiationTimedOut, "PeerDidNotRespond"),
    any(
        Sign::FirstMessageUnanswered,
        "Failed to receive IKE SA Init packet",
    ),
    any(
        Sign::LaterMessageUnanswered,
        "Failed to receive IKE Auth packet",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "NEIKEv2ProtocolErrorDomain Code=24",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "NEIKEv2ProtocolErrorDomain Code=14",
    ),
    any(Sign::TrafficRefused, "NEIKEv2ProtocolErrorDomain Code=38"),
    any(
        Sign::VirtualAddressRefused,
        "NEIKEv2ProtocolErrorDomain Code=36",
    ),
    any(
        Sign::VirtualAddressMissing,
        "NEIKEv2ProtocolErrorDomain Code=37",
    ),
    any(Sign::PskNotFound, "VPN Shared Secret is missing"),
    any(Sign::PskDiffers, "VPN shared secret is incorrect"),
    any(
        Sign::UserAuthenticationFailed,
        "IPSec Controller: XAuth reauthentication dialog",
    ),
];
