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
    // Tencent Cloud, after what the daemon beneath it has told.
    any(
        Sign::IkeProposalsRefused,
        "Failed to establish IKE SA for the reason of no matching proposal, configured [{configured}], received [{offered}]",
    ),
    any(
        Sign::EspProposalRefused,
        "Failed to establish IPsec SA for the reason of no matching proposal",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "for the reason of responder no peer config found by ID payload, received[{remote}]",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "for the reason of initiator no peer config found by ID payload, configured[{expected}], received[{received}]",
    ),
    any(
        Sign::PskDiffers,
        "Failed to establish IKE SA for the reason of no matching secret",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Failed to establish IKE SA for the reason of peer no response",
    ),
    // AWS Health.
    any(
        Sign::EndpointReplaced,
        "a momentary lack of redundancy as one of two tunnel endpoints",
    ),
    any(Sign::EndpointReplaced, "AWS_VPN_REDUNDANCY_LOSS"),
];
