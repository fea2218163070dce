//! Sentences of Junos (kmd, iked) and of ScreenOS.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // One gateway after another is compared with the peer's identity, until one has it.
    any(Sign::FirstPhaseDone, "iked_pm_id_validate id matched"),
    // Junos says which gateway, in which role.
    any(
        Sign::NoConnectionForPeer,
        "IKE gateway configuration lookup failed during negotiation",
    ),
    any(
        Sign::IkeProposalsRefused,
        "negotiation failed with error: No proposal chosen{}Role: Responder",
    ),
    any(
        Sign::EspProposalRefused,
        "Peer proposed phase2 proposal conflicts with local configuration",
    ),
    any(
        Sign::TrafficRefused,
        "Peer proposed traffic-selectors are not in configured range",
    ),
    any(
        Sign::TrafficRefused,
        "negotiation failed with error: Invalid ID information",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "Peer's IKE-ID validation failed during negotiation",
    ),
    any(
        Sign::NegotiationTimedOut,
        "No response from peer. Negotiation failed",
    ),
    any(
        Sign::TrafficRefused,
        "Negotiation failed with error code TS_UNACCEPTABLE received from peer",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "Negotiation failed with error code NO_PROPOSAL_CHOSEN received from peer",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Negotiation failed with error code AUTHENTICATION_FAILED received from peer",
    ),
    any(
        Sign::PeerDeleted,
        "IKE SA delete payload received from peer",
    ),
    any(
        Sign::PeerDeleted,
        "IPSec SA delete payload received from peer",
    ),
    // What its trace says of the same, and whose answer it was.
    any(
        Sign::IkeProposalsRefused,
        "iked_pm_ike_spd_select_ike_sa failed. {} No proposal chosen",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "IKE negotiation fail for {} with status: No proposal chosen",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "IKE negotiation fail for {} with status: Authentication failed",
    ),
    any(
        Sign::ChildRequestRefused,
        "IPSec negotiation failed for SA-CFG {} status: No proposal chosen",
    ),
    any(
        Sign::TrafficRefused,
        "IPSec negotiation failed for SA-CFG {} status: TS unacceptable",
    ),
    any(
        Sign::TrafficRefused,
        "IPSec negotiation failed for SA-CFG {} status: Invalid ID information",
    ),
    any(
        Sign::NegotiationTimedOut,
        "IPSec negotiation failed for SA-CFG {} status: Timed out",
    ),
    any(
        Sign::ChildRequestRefused,
        "protocol = 3, code = No proposal chosen",
    ),
    any(
        Sign::TrafficRefused,
        "protocol = 3, code = Invalid ID information",
    ),
    // An alarm's reason; the same words in a list of the tunnel's events are of any time.
    any(
        Sign::TakenForChange,
        "Reason: Tunnel configuration is deleted",
    ),
    any(Sign::TakenForChange, "Reason: Tunnel configuration changed"),
    any(Sign::PeerDeclaredDead, "DPD detected peer as down"),
    any(Sign::MonitorDown, "VPN monitoring detected tunnel as down"),
    any(
        Sign::LinkDown,
        "External interface is down. SA not initiated",
    ),
    any(
        Sign::LocalAddressMissing,
        "External interface's address is not configured",
    ),
    any(
        Sign::LocalAddressMissing,
        "External interface's address not received",
    ),
    // ScreenOS.
    any(
        Sign::IkeProposalsRefused,
        "Phase 1: Rejected proposals from peer",
    ),
    any(
        Sign::IkeProposalsRefused,
        "There were no acceptable Phase 1 proposals",
    ),
    any(
        Sign::EspProposalRefused,
        "There were no acceptable Phase 2 proposals",
    ),
    any(
        Sign::NoConnectionForPeer,
        "an initial Phase 1 packet arrived from an unrecognized peer gateway",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Phase 1: Retransmission limit has been reached",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Phase 1: Aborted negotiations because the time limit has elapsed",
    ),
    any(
        Sign::ChildFailed,
        "Phase 2: Aborted negotiations because the time limit has elapsed",
    ),
    any(
        Sign::TrafficRefused,
        "peer sent a proxy ID that did not match the one in the SA config",
    ),
    any(
        Sign::PskDiffers,
        "phase 1 negotiations failed (the preshared keys might not match",
    ),
    any(
        Sign::NoConnectionForPeer,
        "Policy lookup for Phase-1 [{}] failed for",
    ),
    any(
        Sign::TrafficRefused,
        "Policy lookup for Phase-2 [{}] failed for",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Peer proposed phase1 proposal conflicts with local configuration",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "iked_pm_id_validate id NOT matched",
    ),
];
