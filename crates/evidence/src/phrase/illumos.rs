//! Sentences of `in.iked`, `ipsecconf`, `ipseckey` and their kernel (Solaris, illumos).

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // The responder of phase 1 compares its rules with the offer.
    any(Sign::IkeProposalsRefused, "No rules match peer proposal"),
    any(
        Sign::NoConnectionForPeer,
        "Rejecting inbound phase 1: no rules",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "Phase 1 negotiation error: code {:n} (No proposal chosen",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "Phase 1 error: code {:n} (No proposal chosen",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Phase 1 negotiation error: code {:n} (Authentication failed",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Phase 1 error: code {:n} (Authentication failed",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Phase 1 negotiation error: code {:n} (Timeout",
    ),
    any(
        Sign::ExchangeModeRefused,
        "Phase 1 negotiation error: code {:n} (Invalid exchange type",
    ),
    // Quick mode: the kernel's policy is asked what it would take.
    any(
        Sign::EspProposalRefused,
        "No matching extended combination found when evaluating QM proposal",
    ),
    any(Sign::EspProposalRefused, "No extended combinations chosen!"),
    any(
        Sign::EspProposalRefused,
        "Quick Mode negotiation failed: code {:n} (No proposal chosen",
    ),
    any(
        Sign::EspProposalRefused,
        "Phase 2 negotiation failed: code {:n} (No proposal chosen",
    ),
    any(
        Sign::TrafficRefused,
        "Quick Mode negotiation failed: code {:n} (Invalid id information",
    ),
    any(
        Sign::TrafficRefused,
        "Phase 2 negotiation failed: code {:n} (Invalid id information",
    ),
    any(
        Sign::ChildFailed,
        "Quick Mode negotiation failed: code {:n} (Timeout",
    ),
    any(
        Sign::ChildFailed,
        "Phase 2 negotiation failed: code {:n} (Timeout",
    ),
    // Keys, certificates, files.
    any(
        Sign::SecretMalformed,
        "Fatal errors in {path:w}ike.preshared",
    ),
    any(
        Sign::SecretMalformed,
        "Error reading {path:w}ike.preshared: {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "Configuration file {path:w} has syntax errors",
    ),
    any(Sign::ConfigSyntax, "line {line:n} near token '{problem}'"),
    any(
        Sign::KernelSupportMissing,
        "diagnostic code={:n}: Unsupported authentication algorithm",
    ),
    any(
        Sign::KernelSupportMissing,
        "diagnostic code={:n}: Unsupported encryption algorithm",
    ),
    any(
        Sign::KernelSupportMissing,
        "diagnostic code {:n}: Unsupported authentication algorithm",
    ),
    any(
        Sign::KernelSupportMissing,
        "diagnostic code {:n}: Unsupported encryption algorithm",
    ),
    // SMF's restarter, in /var/adm/messages.
    any(
        Sign::ConfigSyntax,
        "network/ipsec/{:w} misconfigured: transitioned to maintenance",
    ),
    any(
        Sign::DaemonNotRunning,
        "network/ipsec/ike:{:w} failed: transitioned to maintenance",
    ),
    any(Sign::DaemonNotRunning, "Unable to communicate with in.iked"),
    any(
        Sign::DaemonNotRunning,
        "Unable to communicate with in.ikev2d",
    ),
    any(
        Sign::PeerDeclaredDead,
        "Peer {peer:w} is dead. Deleting Phase 1",
    ),
    // The kernel about packets: ipsecesp, ipsecah, the policy.
    any(Sign::EspReplayed, "Replay failed for ESP spi {spi:w}"),
    any(Sign::EspReplayed, "Replay failed for AH spi {spi:w}"),
    any(
        Sign::EspIntegrityFailed,
        "ESP Authentication failed for spi {spi:w}",
    ),
    any(
        Sign::EspIntegrityFailed,
        "AH Authentication failed for spi {spi:w}",
    ),
    any(
        Sign::EspIntegrityFailed,
        "Corrupt ESP packet (padlen too big)",
    ),
    any(Sign::EspIntegrityFailed, "Possibly corrupt ESP packet"),
    // `ipseckey dump` of an SA that is past its end, in the words of the program.
    any(Sign::SaExpired, "Hard expiration occured at"),
    any(Sign::SaExpired, "Hard expiration occurred at"),
    any(
        Sign::SaExpired,
        "ESP association {spi:w} dst {:w} had bytes expire",
    ),
    any(
        Sign::SaExpired,
        "AH association {spi:w} dst {:w} had bytes expire",
    ),
    any(
        Sign::SequenceExhausted,
        "Outbound ESP SA ({}) has wrapped sequence",
    ),
    any(
        Sign::SequenceExhausted,
        "Outbound AH SA ({}) has wrapped sequence",
    ),
    any(
        Sign::ModeDiffers,
        "Self-Encapsulation present while not expected in the incoming",
    ),
    // Files of policies and keys.
    any(Sign::ConfigSyntax, "Error before or at line {line:n}"),
    any(
        Sign::ConfigValueInvalid,
        "diagnostic code={:n}: Malformed {problem}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "diagnostic code {:n}: Malformed {problem}",
    ),
];
