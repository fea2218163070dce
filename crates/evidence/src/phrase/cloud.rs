//! Sentences of clouds' VPN gateways.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    any(
        Sign::IkeProposalsRefused,
        "IKE SA MM: FAILED - No proposal match found",
    ),
    any(
        Sign::NegotiationTimedOut,
        "IKE Tunnel closed{}Negotiation timed out",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "IKE Tunnel closed{}IKE authentication credentials",
    ),
    // Azure's Network Watcher, of the log of IKEEXT.
    any(
        Sign::AuthenticationRefusedByPeer,
        "Authentication failed. Check shared key. Check crypto",
    ),
    any(
        Sign::EspProposalRefused,
        "Phase 2 negotiation failed{}No proposal",
    ),
    any(
        Sign::PskDiffers,
        "decryption was unsuccessful due to invalid Pre-shared",
    ),
    any(Sign::PeerDeleted, "AWS tunnel received DELETE"),
    // Azure's Network Watcher: in the other's words, without what it didn't like.
    any(
        Sign::ChildRequestRefused,
        "device rejected Quick Mode settings",
    ),
    // AWS Health.
    any(
        Sign::EndpointReplaced,
        "a momentary lack of redundancy as one of two tunnel endpoints",
    ),
    any(Sign::EndpointReplaced, "AWS_VPN_REDUNDANCY_LOSS"),
];
