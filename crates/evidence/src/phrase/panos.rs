//! Sentences of PAN-OS: its system log and `ikemgr.log`.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // Phase 1 and the IKE SA.
    any(
        Sign::NoConnectionForPeer,
        "Couldn't find configuration for IKE phase-1 request",
    ),
    any(
        Sign::NoConnectionForPeer,
        "Couldn’t find configuration for IKE phase-1 request",
    ),
    any(
        Sign::IkeProposalsRefused,
        "IKE phase-1 negotiation is failed. no suitable proposal",
    ),
    any(
        Sign::FirstProposalsRefusedByPeer,
        "unauthenticated NO_PROPOSAL_CHOSEN received, you may need to check IKE settings",
    ),
    any(Sign::PskDiffers, "likely due to pre-shared key mismatch"),
    any(
        Sign::AuthenticationRefusedByPeer,
        "received notify type AUTHENTICATION_FAILED",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "unexpected peer ID. received type",
    ),
    any(Sign::PeerDeclaredDead, "SA is down determined by DPD"),
    any(
        Sign::NegotiationTimedOut,
        "negotiation is failed as responder, main mode{}Due to negotiation timeout",
    ),
    any(
        Sign::PeerDeleted,
        "IKE protocol phase-1 SA delete message received from peer",
    ),
    any(
        Sign::PeerDeleted,
        "IKE protocol IPSec SA delete message received from peer",
    ),
    // Phase 2 and child SAs.
    any(
        Sign::EspProposalRefused,
        "IKE phase-2 negotiation failed{}NO-PROPOSAL-CHOSEN",
    ),
    any(
        Sign::EspProposalRefused,
        "IKEv2 child SA negotiation is failed{}NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::EspProposalRefused,
        "IKEv2 child SA negotiation failed when processing SA payload",
    ),
    any(
        Sign::TrafficRefused,
        "IKEv2 child SA negotiation is failed{}TS_UNACCEPTABLE",
    ),
    any(
        Sign::TrafficRefused,
        "IKE protocol notification message received: INVALID-ID-INFORMATION",
    ),
    any(
        Sign::ChildFailed,
        "IKE phase-2 negotiation is failed as initiator, quick mode{}due to {problem:w}",
    ),
    any(
        Sign::ChildFailed,
        "IKE phase-2 negotiation is failed as initiator, quick mode",
    ),
    any(
        Sign::ChildFailed,
        "IKEv2 child SA negotiation is failed as initiator",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "does not match a configured IKE gateway",
    ),
];
