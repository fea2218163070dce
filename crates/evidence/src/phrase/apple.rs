//! Sentences of macOS, iOS and Android.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

/// Certificates of other connections are checked by the same library.
const EVALUATES: &[&str] = &[
    "neagent",
    "nesessionmanager",
    "NEIKEv2Provider",
    "racoon",
    "charon",
];

pub(super) static PHRASES: &[Phrase] = &[
    any(
        Sign::PeerNameUnresolved,
        "Could not resolve VPN server address",
    ),
    any(Sign::NegotiationTimedOut, "NEIKEv2ErrorDomain Code=3"),
    any(Sign::NegotiationTimedOut, "PeerDidNotRespond"),
    any(
        Sign::ConfigValueInvalid,
        "NEIKEv2Provider{}empty ike proposals array",
    ),
    any(
        Sign::FirstMessageUnanswered,
        "Failed to receive IKE SA Init packet",
    ),
    any(
        Sign::LaterMessageUnanswered,
        "Failed to receive IKE Auth packet",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "NEIKEv2ProtocolErrorDomain Code=24",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "NEIKEv2ProtocolErrorDomain Code=14",
    ),
    any(Sign::TrafficRefused, "NEIKEv2ProtocolErrorDomain Code=38"),
    any(
        Sign::VirtualAddressRefused,
        "NEIKEv2ProtocolErrorDomain Code=36",
    ),
    any(
        Sign::VirtualAddressMissing,
        "NEIKEv2ProtocolErrorDomain Code=37",
    ),
    any(Sign::PskNotFound, "VPN Shared Secret is missing"),
    any(Sign::PskDiffers, "VPN shared secret is incorrect"),
    any(
        Sign::UserAuthenticationFailed,
        "IPSec Controller: XAuth reauthentication dialog",
    ),
    // What was found wrong with a chain, by its checks; several may be named.
    by(
        EVALUATES,
        Sign::IssuerUnknown,
        "Trust evaluate failure: {}AnchorTrusted",
    ),
    by(
        EVALUATES,
        Sign::IssuerUnknown,
        "Trust evaluate failure: {}MissingIntermediate",
    ),
    by(
        EVALUATES,
        Sign::CertificateOutsideValidity,
        "Trust evaluate failure: {}TemporalValidity",
    ),
    by(
        EVALUATES,
        Sign::CertificateNameMismatch,
        "Trust evaluate failure: {}SSLHostname",
    ),
    by(
        EVALUATES,
        Sign::KeyUsageRefused,
        "Trust evaluate failure: {}ExtendedKeyUsage",
    ),
    by(
        EVALUATES,
        Sign::SignatureRefused,
        "Trust evaluate failure: {}KeySize",
    ),
    by(
        EVALUATES,
        Sign::SignatureRefused,
        "Trust evaluate failure: {}SignatureHashAlgorithms",
    ),
    // Its racoon.
    any(Sign::UserAuthenticationFailed, "XAUTH Status is not OK"),
    any(Sign::NegotiationTimedOut, "(Phase 1 Maximum Retransmits)"),
    any(
        Sign::NegotiationFailed,
        "negotiation with the VPN server failed",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Failed to establish VPN: Server is unreachable",
    ),
    // Android's own client: the exceptions that end a session.
    any(
        Sign::NegotiationTimedOut,
        "ike.exceptions.IkeTimeoutException",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "ike.exceptions.NoValidProposalChosenException",
    ),
    any(
        Sign::TrafficRefused,
        "ike.exceptions.TsUnacceptableException",
    ),
    any(
        Sign::VirtualAddressRefused,
        "ike.exceptions.InternalAddressFailureException",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "Expected the remote/server to use {}authentication but they used",
    ),
    any(
        Sign::PeerNameUnresolved,
        "VpnRunner{}UnknownHostException: Unable to resolve host \"{name}\"",
    ),
    any(
        Sign::IssuerUnknown,
        "CertPathValidatorException: Trust anchor for certification path not found",
    ),
];
