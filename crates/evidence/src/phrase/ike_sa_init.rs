//! Sentences about the first exchange.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

/// Programs that say things of IKE in words that others also use.
const IKE: &[&str] = &[
    "charon",
    "pluto",
    "racoon",
    "iked",
    "isakmpd",
    "ike",
    "kmd",
    "ipsec",
    "strongswan",
    "swanctl",
    "NetworkManager",
];

pub(super) static PHRASES: &[Phrase] = &[
    // ── too many at once ──
    any(
        Sign::HalfOpenLimit,
        "ignoring IKE_SA setup from {peer}, per-IP half-open IKE_SA limit of {limit:n} reached",
    ),
    any(
        Sign::HalfOpenLimit,
        "ignoring IKE_SA setup from {peer}, half-open IKE_SA limit of {limit:n} reached",
    ),
    any(
        Sign::HalfOpenLimit,
        "ignoring IKE_SA setup from {peer}, half open IKE_SA count of {} exceeds limit of {limit:n}",
    ),
    any(
        Sign::HalfOpenLimit,
        "ignoring IKE_SA setup from {peer}, half-open IKE_SA count of {} exceeds limit of {limit:n}",
    ),
    any(
        Sign::HalfOpenLimit,
        "ignoring IKE_SA setup from {peer}, peer too aggressive",
    ),
    any(
        Sign::HalfOpenLimit,
        "ignoring IKE_SA setup from {peer}, job load of {} exceeds limit of {limit:n}",
    ),
    any(
        Sign::HalfOpenLimit,
        "abort IKE_SA initiation, half open IKE_SA count of {} exceeds limit of {limit:n}",
    ),
    any(Sign::HalfOpenLimit, "hitting IKE_SA limit ({limit:n})"),
    any(
        Sign::HalfOpenLimit,
        "pluto is overloaded with half-open IKE SAs; dropping new exchange",
    ),
    any(
        Sign::HalfOpenLimit,
        "pluto is overloaded and demanding cookies; dropping new exchange",
    ),
    any(Sign::CookieRefused, "found cookie, but content invalid"),
    any(
        Sign::CookieRefused,
        "received cookie lifetime expired, rejecting",
    ),
    any(
        Sign::CookieRefused,
        "DOS cookies do not match - dropping message",
    ),
    any(Sign::CookieRefused, "mismatch in DOS v2N_COOKIE"),
    any(
        Sign::CookieRefused,
        "DOS cookie notification corrupt, or invalid",
    ),
    any(
        Sign::CookieRefused,
        "ignore response with duplicate COOKIE notify",
    ),
    // ── version ──
    any(
        Sign::IkeVersionRefused,
        "received unsupported IKE version {version:w} from {peer}, sending INVALID_MAJOR_VERSION",
    ),
    any(
        Sign::IkeVersionRefused,
        "ignoring packet with IKE major version '{version:n}'",
    ),
    any(
        Sign::IkeVersionRefused,
        "message contains unsupported IKE major version '{version:n}'",
    ),
    any(
        Sign::IkeVersionRefused,
        "rejecting {version:w} packet as global policy is set to reject all IKEv1 packets",
    ),
    any(
        Sign::IkeVersionRefused,
        "as global policy is set to {} all IKEv1 packets",
    ),
    any(Sign::IkeVersionRefused, "ignoring IKEv1 packet as policy"),
    any(
        Sign::IkeVersionRefused,
        "ike version number {version:w} not supported",
    ),
    any(
        Sign::IkeVersionRefused,
        "IKE version {version:n} not supported",
    ),
    any(
        Sign::IkeVersionRefused,
        "invalid major version {version:n}.",
    ),
    any(Sign::IkeVersionRefused, "Neither IKEv1 nor IKEv2 allowed"),
    any(
        Sign::IkeVersionRefused,
        "connection refused, IKEv2 not authorized",
    ),
    any(Sign::IkeVersionRefused, "IKEv2 is not enabled on {peer}"),
    any(Sign::IkeVersionRefused, "peer does not support IKEv2"),
    any(
        Sign::IkeVersionRefused,
        "no matching gateway for new request (version)",
    ),
    // ── proposals ──
    any(Sign::IkeProposalsRefused, "no acceptable Oakley Transform"),
    any(Sign::IkeProposalsRefused, "no suitable proposal found."),
    any(
        Sign::IkeProposalsRefused,
        "phase-1 negotiation {}no suitable proposal found in peer's SA payload",
    ),
    any(
        Sign::IkeProposalsRefused,
        "IKE SA negotiation {}no suitable proposal found in peer's SA payload",
    ),
    any(
        Sign::IkeProposalsRefused,
        "ike {:n}:{}: no suitable proposal found",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Unable to process peer's SA payload",
    ),
    any(
        Sign::IkeProposalsRefused,
        "nego-{}-mismatch: Configured {} was not presented in the IKE proposal",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Configured {} was not presented in the IKE proposal",
    ),
    any(
        Sign::IkeProposalsRefused,
        "no local proposal matches remote proposals {offered:w}:IKE:",
    ),
    any(
        Sign::IkeProposalsRefused,
        "no local proposal matches remote proposals IKE:",
    ),
    any(
        Sign::IkeProposalsRefused,
        "phase 1 SA policy not acceptable",
    ),
    any(Sign::IkeProposalsRefused, "): no offers accepted!"),
    any(
        Sign::IkeProposalsRefused,
        "All SA proposals found unacceptable",
    ),
    any(
        Sign::IkeProposalsRefused,
        "{} due to ERROR: Failed to find a matching policy",
    ),
    any(
        Sign::IkeProposalsRefused,
        "IKEv2{}: Failed to find a matching policy",
    ),
    any(
        Sign::IkeProposalsRefused,
        "IKEv2{}:Failed to find a matching policy",
    ),
    any(
        Sign::IkeProposalsRefused,
        "IPsec phase 1 error{}peer SA proposal not match local policy",
    ),
    any(
        Sign::IkeProposalsRefused,
        "status=negotiate_error reason=peer SA proposal not match local policy",
    ),
    any(
        Sign::IkeProposalsRefused,
        "status=\"negotiate_error\" reason=\"peer SA proposal not match local policy\"",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Negotiate ISAKMP SA Error:{}no SA proposal chosen",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Negotiate ISAKMP SA Error:{}peer SA proposal not match local policy",
    ),
    any(Sign::IkeProposalsRefused, "No Proposal Match Found by AWS"),
    any(
        Sign::IkeProposalsRefused,
        "IKE proposal does not match (Phase 1)",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Main Mode Failed to match proposal",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Aggressive Mode Failed to match proposal",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Peer proposes invalid oakley transform",
    ),
    any(
        Sign::IkeProposalsRefused,
        "message_negotiate_sa: no compatible proposal found",
    ),
    any(Sign::IkeProposalsRefused, "IKE_ERR_POLICY_MATCH"),
    any(
        Sign::FirstProposalsRefusedByPeer,
        "Received unencrypted notify payload (no proposal chosen) from {peer}",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "IKE protocol notification message received: NO-PROPOSAL-CHOSEN",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "negotiation failed with error: No proposal chosen",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "got fatal error: NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "due to notification type NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "fatal NO-PROPOSAL-CHOSEN notify messsage",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "fatal NO-PROPOSAL-CHOSEN notify message",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "Received notify: NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "ikev2 proposal doesn't match, please check crypto setting",
    ),
    any(
        Sign::EspProposalRefused,
        "Negotiate IPsec SA Error:{}no SA proposal chosen",
    ),
    by(IKE, Sign::ProposalsRefusedByPeer, "no SA proposal chosen"),
    // ── groups ──
    any(
        Sign::IkeGroupNotOffered,
        "requested key exchange method {wanted:w} not contained in any of our proposals",
    ),
    any(
        Sign::IkeGroupNotOffered,
        "requested DH group {wanted:w} not contained in any of our proposals",
    ),
    any(
        Sign::IkeGroupNotOffered,
        "unauthenticated INVALID_KE_PAYLOAD response to {offered}; suggested {wanted} is not acceptable",
    ),
    any(
        Sign::FirstExchangeLoops,
        "already retried with key exchange method {}, ignore requested",
    ),
    any(
        Sign::FirstExchangeLoops,
        "already retried with DH group {}, ignore",
    ),
    by(
        IKE,
        Sign::FirstExchangeLoops,
        "giving up after {rounds:n} retries",
    ),
    any(
        Sign::FirstExchangeLoops,
        "ignoring received INVALID_KE packets - received too many",
    ),
    // ── no connection ──
    any(
        Sign::NoConnectionForPeer,
        "message received on {local:w} but no connection has been authorized",
    ),
    any(
        Sign::NoConnectionForPeer,
        "initial Main Mode message received but no connection has been authorized",
    ),
    any(
        Sign::NoConnectionForPeer,
        "message received but no suitable connection found with",
    ),
    any(
        Sign::NoConnectionForPeer,
        "no suitable connection found with IKEv2 policy",
    ),
    any(
        Sign::NoConnectionForPeer,
        "couldn't find configuration for IKE phase-1 request for peer IP {peer:w}",
    ),
    by(
        &["racoon"],
        Sign::NoConnectionForPeer,
        "couldn't find configuration.",
    ),
    by(
        &["racoon"],
        Sign::NoConnectionForPeer,
        "no configuration found for {peer:w}",
    ),
    any(
        Sign::NoConnectionForPeer,
        "no IKEv1 peer config for {peer:w}",
    ),
    any(
        Sign::NoConnectionForPeer,
        "no IKEv2 peer config for {peer:w}",
    ),
    any(
        Sign::NoConnectionForPeer,
        "IKE Phase-1: (Responder) Policy lookup failed",
    ),
    any(
        Sign::NoConnectionForPeer,
        "Unable to find phase-1 policy as remote peer:{peer:w} is not recognized",
    ),
    any(
        Sign::NoConnectionForPeer,
        "no matching gateway for new request",
    ),
    any(
        Sign::NoConnectionForPeer,
        "Can't find a valid tunnel group, aborting",
    ),
    any(
        Sign::NoConnectionForPeer,
        "peer {peer:w} doesn't match any crypto map",
    ),
    // ── modes and lifetimes of IKEv1 ──
    any(
        Sign::ExchangeModeRefused,
        "Aggressive Mode PSK disabled for security reasons",
    ),
    any(
        Sign::ExchangeModeRefused,
        "initial {mode} message from {peer} but no (wildcard) connection has been configured",
    ),
    any(
        Sign::ExchangeModeRefused,
        "but none allows {} authentication using {mode:w} Mode",
    ),
    any(Sign::ExchangeModeRefused, "not acceptable {mode} mode"),
    any(
        Sign::ExchangeModeRefused,
        "exchange {mode} not allowed in any applicable rmconf",
    ),
    any(
        Sign::ExchangeModeRefused,
        "exchange type is mismatched: db={} packet={mode:w}",
    ),
    any(
        Sign::ExchangeModeRefused,
        "Unable to initiate or respond to {mode} while disabled",
    ),
    by(
        &["kmd", "iked"],
        Sign::ExchangeModeRefused,
        "exchange type mismatch",
    ),
    any(
        Sign::LifetimeRefused,
        "long lifetime proposed: my:{configured:n} peer:{offered:n}",
    ),
    any(
        Sign::LifetimeRefused,
        "lifetime mismatched: my:{configured:n} peer:{offered:n}",
    ),
    // ── algorithms ──
    any(
        Sign::AlgorithmUnavailable,
        "algorithm '{algorithm}' not recognized",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "configured key exchange method {algorithm:w} not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "configured DH group {algorithm:w} not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "negotiated key exchange method {algorithm:w} not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "selected key exchange method {algorithm:w} not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "skipped invalid proposal string: {algorithm}",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "ESP {} algorithm {algorithm} is not implemented or allowed",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "a proposal with algorithm {algorithm:w} is not available",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "PRF algorithm '{algorithm}' is not recognized",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "encryption algorithm '{algorithm}' is not recognized",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "integrity algorithm '{algorithm}' is not recognized",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "DH algorithm '{algorithm}' is not recognized",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "algorithm '{algorithm}' is not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "{algorithm:w} cipher not available - legacy provider failed to load",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "SEC_ERROR_SIGNATURE_ALGORITHM_DISABLED",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "no acceptable kernel algorithms loaded",
    ),
    // ── which connection ──
    any(
        Sign::ConnectionUnsuitable,
        "selected peer config '{connection}' unacceptable: {problem}",
    ),
    any(
        Sign::ConnectionUnsuitable,
        "selected peer config '{connection}' inacceptable: {problem}",
    ),
    any(
        Sign::ConnectionUnsuitable,
        "selected peer config '{connection}' unacceptable",
    ),
    any(
        Sign::ConnectionUnsuitable,
        "selected peer config '{connection}' inacceptable",
    ),
    any(
        Sign::ConnectionUnsuitable,
        "ignore candidate '{connection}' without matching IKE proposal",
    ),
    any(Sign::NoOtherConnection, "no alternative config found"),
    any(
        Sign::AcquireUnserved,
        "trap not found, unable to acquire reqid {reqid:n}",
    ),
    any(
        Sign::AcquireForForeignPolicy,
        "SADB_ACQUIRE with policy id {policy:n} but no matching policy",
    ),
    any(
        Sign::AcquireUnserved,
        "received bad NETLINK; ignoring Acquire message",
    ),
];
