//! Sentences of what stands in offices, and of its clients: AVM, LANCOM, bintec, Netgear, Forcepoint, Shrew Soft, TheGreenBow,
//! NCP.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // AVM: older ones say the number alone.
    any(Sign::NegotiationTimedOut, "IKE-Error 0x2027"),
    any(
        Sign::ProposalsRefusedByPeer,
        "VPN-Fehler: {}, IKE-Error 0x2026",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "VPN error: {}, IKE-Error 0x2026",
    ),
    any(Sign::AuthenticationRefusedByPeer, "IKE-Error 0x203f"),
    any(Sign::PskDiffers, "IKE-Error 0x2020"),
    // LANCOM: the letter is the part that it plays. Who answers compares.
    any(
        Sign::NegotiationTimedOut,
        "IFC-I-Connection-timeout-IKE-IPSEC",
    ),
    any(
        Sign::NegotiationTimedOut,
        "IFC-R-Connection-timeout-IKE-IPSEC",
    ),
    any(Sign::IkeProposalsRefused, "IKE-R-No-proposal-matched"),
    any(
        Sign::FirstProposalsRefusedByPeer,
        "IKE-I-No-proposal-matched",
    ),
    any(Sign::EspProposalRefused, "IPSEC-R-No-proposal-matched"),
    any(Sign::ChildRequestRefused, "IPSEC-I-No-proposal-matched"),
    any(Sign::NoConnectionForIdentity, "IKE-R-No-rule-matched-ID"),
    any(Sign::TrafficRefused, "IPSEC-R-No-rule-matched-ID"),
    any(Sign::PskDiffers, "-IKE-key-mismatch"),
    // bintec: what was answered, by whom isn't said.
    any(
        Sign::FirstExchangeRefused,
        "P1: peer {}: failed {}(No proposal chosen)",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "P1: peer {}: failed {}(Authentication failed)",
    ),
    any(Sign::NegotiationTimedOut, "P1: peer {}: failed {}(Timeout)"),
    any(
        Sign::ChildRequestRefused,
        "P2: peer {}: failed {}(No proposal chosen)",
    ),
    // Netgear's firewalls: racoon with sentences of their own.
    any(
        Sign::IkeOfferDiffers,
        "Rejected phase 1 proposal as Peer's {} \"{theirs}\" mismatched with Local \"{ours}\"",
    ),
    any(
        Sign::TrafficRefused,
        "Failed to get IPsec SA configuration for: {local:w}<->{remote:w} from",
    ),
    any(
        Sign::NoConnectionForPeer,
        "[IKE] ERROR: Could not find configuration for {peer:w}",
    ),
    // Forcepoint, StoneGate.
    any(
        Sign::IkeProposalsRefused,
        "IKE Phase-1 responder error: Proposal did not match policy",
    ),
    any(
        Sign::FirstProposalsRefusedByPeer,
        "IKE Phase-1 initiator error: Proposal did not match policy",
    ),
    any(
        Sign::EspProposalRefused,
        "IKE Phase-2 responder error: Proposal did not match policy",
    ),
    any(
        Sign::ChildRequestRefused,
        "IKE Phase-2 initiator error: Proposal did not match policy",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "IKE Phase-1 {} error: Authentication method mismatch",
    ),
    any(
        Sign::NoConnectionForPeer,
        "Can not get policy [No matching connection]",
    ),
    any(Sign::PeerDeclaredDead, "IKE peer was found dead"),
    // Shrew Soft's window.
    any(Sign::NegotiationTimedOut, "negotiation timout occurred"),
    // TheGreenBow: the SA that it is about says the phase.
    any(
        Sign::FirstProposalsRefusedByPeer,
        "-P1) RECV Informational {}NO_PROPOSAL_CHOSEN error",
    ),
    any(
        Sign::ChildRequestRefused,
        "-P2) RECV Informational {}NO_PROPOSAL_CHOSEN error",
    ),
    any(
        Sign::TrafficRefused,
        "-P2) RECV Informational {}INVALID_ID_INFORMATION error",
    ),
    // NCP.
    any(
        Sign::FirstMessageUnanswered,
        "Could not contact Gateway (No response) in state <Wait for Message 2>",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Could not contact Gateway (No response) in state",
    ),
];
