//! Sentences of vpnc, a client of Cisco's IKEv1 in aggressive mode, alone or under NetworkManager.
//!
//! The names behind `rejected:` and `was invalid` are its own reasons for not taking an answer, and no notify of the
//! gateway: an answer of another exchange type is a refusal that it doesn't look into.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // Phase 1.
    any(
        Sign::PskDiffers,
        "hash comparison failed: {}AUTHENTICATION_FAILED",
    ),
    any(Sign::PskDiffers, "check group password!"),
    any(Sign::NegotiationFailed, "response was invalid ["),
    any(Sign::NegotiationTimedOut, "vpnc: no response from target"),
    any(
        Sign::PortInUse,
        "vpnc: binding to {}:{port:n}: Address already in use",
    ),
    any(
        Sign::PortInUse,
        "Failed to bind to {}:{port:n}: Address already in use",
    ),
    any(Sign::PeerNameUnresolved, "vpnc: unknown host `{name:w}"),
    any(
        Sign::AlgorithmUnavailable,
        "Peer has selected {algorithm} as encryption method.",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Peer has selected {algorithm} as authentication method.",
    ),
    any(Sign::PskNotFound, "vpnc: missing IPSec secret"),
    any(
        Sign::SignatureRefused,
        "decrypted from the received signature, and the expected hash-value differ",
    ),
    // The user.
    any(
        Sign::UserAuthenticationFailed,
        "vpnc: authentication unsuccessful",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "authentication failed (requires interactive mode)",
    ),
    any(
        Sign::NegotiationFailed,
        "vpnc: expected xauth packet; rejected:",
    ),
    // What the gateway gives, and phase 2.
    any(
        Sign::VirtualAddressRefused,
        "vpnc: configuration response rejected:",
    ),
    any(
        Sign::ChildRequestRefused,
        "received notice of type {}NO_PROPOSAL_CHOSEN",
    ),
    any(Sign::ChildFailed, "quick mode response rejected"),
    any(
        Sign::ModuleMissing,
        "can't open /dev/net/{what:w} check that it is",
    ),
    any(Sign::ModuleMissing, "can't initialise tunnel interface"),
    // Traffic.
    any(Sign::EspIntegrityFailed, "HMAC mismatch in ESP mode"),
    any(Sign::EspReplayed, "Discarding replayed ESP packet with seq"),
    any(Sign::EspReplayed, "Discarding ancient ESP packet with seq"),
    any(
        Sign::PeerDeclaredDead,
        "vpnc{}connection terminated by dead peer detection",
    ),
    any(Sign::PeerDeleted, "vpnc{}connection terminated by peer"),
    any(Sign::RecursiveRouting, "vpnc{}routing loop to"),
];
