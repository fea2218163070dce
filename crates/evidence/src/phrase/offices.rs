//! Sentences of what stands in small offices, and of its clients: AVM, LANCOM, bintec, Shrew Soft, TheGreenBow, NCP.

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
    // Shrew Soft's window.
    any(Sign::NegotiationTimedOut, "negotiation timout occurred"),
    any(Sign::UserAuthenticationFailed, "user authentication error"),
    any(
        Sign::AuthenticationRefusedByPeer,
        "gateway authentication error",
    ),
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
