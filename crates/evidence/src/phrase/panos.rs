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
    // Which of its own algorithms the peer didn't offer.
    any(
        Sign::IkeProposalsRefused,
        "Configured encryption algorithm {configured:w} was not presented",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Configured authentication algorithm {configured:w} was not presented",
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
    // What its IKE daemon says by itself, like racoon2, of which it was made.
    any(
        Sign::TrafficRefused,
        "received notify type INVALID-ID-INFORMATION",
    ),
    any(
        Sign::TrafficRefused,
        "received notify type INVALID_ID_INFORMATION",
    ),
    any(
        Sign::TrafficRefused,
        "responder's TSi does not match my selector",
    ),
    any(
        Sign::TrafficRefused,
        "responder's TSr does not match my selector",
    ),
    any(
        Sign::ModeDiffers,
        "mode mismatch: peer {theirs:w} mine {ours:w}",
    ),
    any(
        Sign::OwnIdentityUnexpected,
        "received ID_R (type {} [{received}]) does not match my id",
    ),
    any(
        Sign::IkeVersionRefused,
        "received IKEv1 request but no IKEv1 configuration for peer",
    ),
    any(
        Sign::IkeVersionRefused,
        "received IKEv2 request but no IKEv2 configuration for peer",
    ),
    any(
        Sign::IkeVersionRefused,
        "ikev2 not acceptable by configuration",
    ),
    any(
        Sign::SpiRefusedByPeer,
        "IKE protocol notification message received: INVALID-SPI",
    ),
    // Both of its logs tell how far it got; one of them in capitals.
    any(Sign::FirstPhaseDone, "phase-1 negotiation succeeded as"),
    any(
        Sign::FirstPhaseDone,
        "IKEv2 IKE SA negotiation succeeded as",
    ),
    any(
        Sign::FirstPhaseDone,
        "IKEv2 IKE SA negotiation is succeeded",
    ),
    any(
        Sign::SecondPhaseDone,
        "phase-2 negotiation succeeded as {what:w}",
    ),
    any(
        Sign::SecondPhaseDone,
        "phase-2 negotiation is succeeded as {what:w}",
    ),
    any(
        Sign::SecondPhaseDone,
        "IKEv2 child SA negotiation succeeded as {what:w}",
    ),
    any(
        Sign::SecondPhaseDone,
        "IKEv2 child SA negotiation is succeeded as {what:w}",
    ),
    any(Sign::ChildFailed, "phase-2 negotiation failed as initiator"),
    any(
        Sign::ChildFailed,
        "IKEv2 child SA negotiation failed as initiator",
    ),
    any(Sign::NegotiationFailed, "phase-1 negotiation failed as"),
    any(
        Sign::NegotiationFailed,
        "IKEv2 IKE SA negotiation failed as",
    ),
    any(
        Sign::NegotiationFailed,
        "IKEv2 IKE SA negotiation is failed as {}Error code",
    ),
    // One proxy id after another is compared.
    any(Sign::TrafficRefused, "TS matching result: TS_l mismatch"),
    any(Sign::TrafficRefused, "TS matching result: {} TS_r mismatch"),
    // What the peer answered, and to what.
    any(
        Sign::ChildRequestRefused,
        "received Notify type NO_PROPOSAL_CHOSEN, failed establishing child_sa",
    ),
    any(
        Sign::ChildRequestRefused,
        "received Notify payload protocol 3 type NO_PROPOSAL_CHOSEN",
    ),
];
