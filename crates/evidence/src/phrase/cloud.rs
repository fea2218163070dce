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
        "Authentication failed. Check shared key",
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
];
