//! What ASA and IOS say under message numbers of their own (713xxx, 750xxx, `%CRYPTO-…`), beside the more frequent ones.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // Who the peer is, and how it proves it.
    any(
        Sign::NoConnectionForPeer,
        "No Group found matching peer_ID or IP_address for Pre-shared key peer",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "No Group found by matching OU(s) from ID payload",
    ),
    any(
        Sign::PskNotFound,
        "BASE GROUP default preshared key not configured",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no trust-point defined in tunnel-group",
    ),
    any(
        Sign::PrivateKeyMissing,
        "Failed to retrieve identity certificate",
    ),
    any(
        Sign::PrivateKeyMissing,
        "IKMP_QUERY_KEY: Querying key pair failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "No identity cert specified in IPSec SA",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "Client IKE Auth mode differs from the group's configured Auth mode",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "P1 Authentication algorithm in the crypto map entry different from negotiated",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "Received unexpected Certificate payload Possible invalid Auth Method",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "Xauth required but selected Proposal does not support xauth",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "has failed our user authentication attempt",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "Unable to process the received peer certificate",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "%ASA-{}Certificate authentication failed. Error",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "%CRYPTO-6-IKMP_AUTH_FAIL",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "AWS tunnel is sending AUTHENTICATION_FAILED",
    ),
    // Proposals.
    any(
        Sign::AlgorithmUnavailable,
        "Unsupported Oakley group: Group {algorithm}",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Negotiation aborted due to ERROR: Unsupported DH group",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Phase1 SA policy proposal not accepted",
    ),
    any(
        Sign::EspProposalRefused,
        "Session is being torn down. Reason: Phase 2 Mismatch",
    ),
    any(
        Sign::EspProposalRefused,
        "No Proposal Match Found. Notifying with",
    ),
    any(
        Sign::IkeProposalsRefused,
        "No Proposal Match Found. Notifying with{}ike_phase1_state\":\"down",
    ),
    // What was configured and isn't there.
    any(
        Sign::NoConnectionForPeer,
        "IPSEC(validate_proposal): invalid local address",
    ),
    any(Sign::PeerNameUnresolved, "713154: DNS lookup for {name:w}"),
    any(
        Sign::RouteNotInstalled,
        "Could not add route for L2L peer{}address: {route:w}",
    ),
    any(
        Sign::VirtualAddressRefused,
        "Cannot obtain an IP_address for remote peer",
    ),
    any(
        Sign::VirtualAddressRefused,
        "IP_Address request attempt failed",
    ),
    // Access lists that log: 50 is ESP.
    any(
        Sign::EspDropped,
        "%SEC-6-IPACCESSLOGNP: list {rule:w} denied 50 {source:w}",
    ),
    // Limits.
    any(
        Sign::HalfOpenLimit,
        "Maximum concurrent IKE negotiations exceeded",
    ),
    any(
        Sign::HalfOpenLimit,
        "in-negotiation context limit of {limit:n} reached",
    ),
    any(Sign::HalfOpenLimit, "due to IKE NEGOTIATION LIMIT REACHED"),
    any(Sign::HalfOpenLimit, "due to IKE SA LIMIT REACHED"),
    any(Sign::HalfOpenLimit, "SA request rejected by CAC"),
    // Steps that don't come, and ends.
    any(Sign::NegotiationFailed, "Processing of Main mode failed"),
    any(
        Sign::NegotiationFailed,
        "Processing of Aggressive mode failed",
    ),
    any(
        Sign::NegotiationFailed,
        "Tunnel Manager has failed to establish an L2L SA",
    ),
    any(Sign::ChildFailed, "Death by retransmission P2"),
    any(Sign::MessageInClear, "%CRYPTO-6-IKMP_NOT_ENCRYPTED"),
    any(Sign::PeerDeclaredDead, "SA DOWN. Reason: peer lost"),
    any(Sign::PeerDeclaredDead, "AWS tunnel DPD timed out"),
    any(Sign::PeerDeleted, "SA DOWN. Reason: peer request"),
    any(
        Sign::IdleClosed,
        "Connection terminated for peer{}Reason: IPSec SA Idle Timeout",
    ),
    any(
        Sign::LifetimeDiffers,
        "Responder forcing change of {} duration from {ours:n} to {theirs:n}",
    ),
    any(
        Sign::LifetimeDiffers,
        "Overriding Initiator's {} duration from {theirs:n} to {ours:n}",
    ),
    // ASA: whom a request is from, what of it has no configuration.
    any(
        Sign::NoConnectionForPeer,
        "No Group found matching {peer:w} for Pre-shared key peer",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "due to receipt of unknown tunnel group",
    ),
    any(Sign::PskNotFound, "Key not found in keyrings of profile"),
    any(
        Sign::SignatureRefused,
        "Unsupported certificate keytype {scheme:w} found at trustpoint",
    ),
    any(
        Sign::CertificateExpired,
        "Certificate validation failed. Certificate is expired, serial number",
    ),
    any(
        Sign::VirtualAddressRefused,
        "Failure occurred during Configuration Mode processing",
    ),
    any(
        Sign::AddressPoolExhausted,
        "Failed to allocate address for client from pool {pool:w}",
    ),
    // Groups.
    any(
        Sign::AlgorithmUnavailable,
        "Detected invalid Diffie-Helmann group_descriptor {algorithm:n}",
    ),
    any(
        Sign::IkeGroupRefused,
        "Negotiation aborted due to ERROR: The peer's KE payload contained the wrong DH group",
    ),
    any(
        Sign::PfsDiffers,
        "Overriding phase 2 DH Group(DH group {ours:n}) with phase 1 group(DH group {theirs:n}",
    ),
    any(Sign::IkeProposalsRefused, "):no offers accepted!"),
    any(Sign::TrafficRefused, "Received TS unacceptable notify"),
    // What came of SAs that were up.
    any(
        Sign::PeerDeclaredDead,
        "Session is being torn down. Reason: Lost Service",
    ),
    any(Sign::RekeyCollision, "IPsec rekey collision detected"),
    any(Sign::HalfOpenLimit, "IN-NEGOTIATION SA LIMIT REACHED"),
    any(
        Sign::InnerOutsideSelectors,
        "Peer received a packet (SPI={}). The decapsulated inner packet didn't match the negotiated policy",
    ),
    any(
        Sign::EspIntegrityFailed,
        "IPSec SA receives HMAC error{}SPI {spi:w}",
    ),
    any(
        Sign::EspDropped,
        "106010: Deny inbound protocol 50 src {source:w} dst",
    ),
    any(
        Sign::NetworkUnreachable,
        "713260: Output interface {} to peer was not found",
    ),
    any(Sign::SpiRefusedByPeer, "Received Invalid SPI notify (SPI"),
    any(
        Sign::NegotiationTimedOut,
        "Timed out on initial contact to server",
    ),
    any(
        Sign::NoConnectionForPeer,
        "IKE peer does not match remote peer as defined in L2L policy",
    ),
    // IOS, in its catalogue.
    any(
        Sign::PskNotFound,
        "%CRYPTO-6-IKMP_NO_PRESHARED_KEY: {}remote peer at {remote:w} is missing",
    ),
    any(
        Sign::IkeOfferDiffers,
        "Authentication method offered does not match policy",
    ),
    any(
        Sign::IkeOfferDiffers,
        "Preshared authentication offered but does not match policy",
    ),
    any(
        Sign::IkeOfferDiffers,
        "RSA signature authentication offered but does not match policy",
    ),
    any(
        Sign::ExchangeModeRefused,
        "ISAKMP:({:w}):{mode:w} mode not enabled",
    ),
    any(
        Sign::ClockUnsynchronised,
        "PKI functions can not be initialized until an authoritative time source",
    ),
    any(Sign::SecondPhaseDone, "PHASE 2 COMPLETED (msgid={what:w}"),
    any(Sign::SecondPhaseDone, "SESSION_STATUS: Crypto tunnel is UP"),
    any(
        Sign::SecondPhaseDone,
        "SESSION_STATUS: Crypto tunnel v2 is UP",
    ),
    any(
        Sign::SecondPhaseDone,
        "SA UP. Reason: New Connection Established",
    ),
];
