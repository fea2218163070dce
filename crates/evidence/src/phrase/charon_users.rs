//! What charon says of users and of what checks them: TLS within EAP, RADIUS, SIM cards, PPP within L2TP.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // Methods that make keys of their own, unlike MD5 and GTC.
    any(
        Sign::UserAuthenticationFailed,
        "EAP method EAP_MSCHAPV2 succeeded, no MSK established",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP method EAP_TLS succeeded, no MSK established",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP method EAP_TTLS succeeded, no MSK established",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP method EAP_PEAP succeeded, no MSK established",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP method EAP_AKA succeeded, no MSK established",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP method EAP_SIM succeeded, no MSK established",
    ),
    // ── TLS within EAP ──
    any(
        Sign::UserAuthenticationFailed,
        "received fatal TLS alert '{problem}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "sending fatal TLS alert '{problem}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP-GTC pam_acct_mgmt failed: {problem}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received cipher suites or signature schemes unacceptable",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received TLS cipher suite {suite:w} unacceptable",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no supported TLS cipher suite available",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "negotiated version TLS {version:w} not supported",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "proposed version TLS {version:w} not supported",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP_{method:w} packet count exceeded (",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "no TLS public key found for server '{peer}'",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "no TLS public key found for peer '{peer}'",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "no trusted certificate found for '{peer}' to verify TLS server",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "no trusted certificate found for '{peer}' to verify TLS peer",
    ),
    any(
        Sign::CertificateNameMismatch,
        "server certificate does not match to '{expected}'",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no usable TLS client certificate found for '{identity}'",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no usable TLS server certificate found for '{identity}'",
    ),
    // ── RADIUS ──
    any(
        Sign::UserAuthenticationFailed,
        "received RADIUS Access-Reject from server",
    ),
    // The first repetition may help.
    any(Sign::UserServerUnreachable, "retransmit 2 of RADIUS"),
    any(Sign::UserServerUnreachable, "retransmit 3 of RADIUS"),
    any(
        Sign::UserServerUnreachable,
        "RADIUS server '{server}' misses address, skipped",
    ),
    any(
        Sign::UserServerUnreachable,
        "RADIUS server '{server}' misses secret, skipped",
    ),
    any(
        Sign::UserServerUnreachable,
        "binding RADIUS socket to {server:w} failed",
    ),
    any(
        Sign::UserServerUnreachable,
        "received invalid RADIUS message, ignored",
    ),
    any(
        Sign::UserServerUnreachable,
        "RADIUS initialization failed, HMAC/MD5/RNG required",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received Access-Reject from RADIUS server",
    ),
    any(
        Sign::UserServerUnreachable,
        "connecting RADIUS socket failed",
    ),
    any(
        Sign::UserServerUnreachable,
        "opening RADIUS socket failed: {problem}",
    ),
    any(
        Sign::UserServerUnreachable,
        "invalid source address '{}' to reach RADIUS server {server:w}",
    ),
    // ── SIM cards ──
    any(
        Sign::UserAuthenticationFailed,
        "SIM cards, but none has quintuplets for '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "SIM cards, but none has triplets for '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "SIM providers, but none had a quintuplet for '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "SIM providers, but none had a triplet for '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received AKA_AUTHENTICATION_REJECT, authentication failed",
    ),
    any(
        Sign::FeatureNotLoaded,
        "{feature:w} not supported, unable to use 3GPP algorithm",
    ),
    any(
        Sign::FeatureNotLoaded,
        "no EAP_{feature:w} phase2 method installed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "invalid EAP K or K+OPc key found for {peer:w}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "unable to get EAP-SIM triplet",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no AKA provider found supporting resynchronization for '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no EAP key found for {peer:w} to resync AKA",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Not the SIM we're looking for, IMSI:",
    ),
    // ── methods ──
    any(
        Sign::FeatureNotLoaded,
        "EAP_{feature:w} method not available",
    ),
    any(
        Sign::FeatureNotLoaded,
        "XAuth-EAP backend requested {feature:w}, but not supported",
    ),
    any(
        Sign::FeatureNotLoaded,
        "EAP-Identity request configured, but not supported",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "EAP_{method:w} not supported, sending EAP_NAK",
    ),
    any(
        Sign::EapRequested,
        "server requested EAP_{method:w} authentication",
    ),
    any(
        Sign::UserLetIn,
        "EAP method EAP_{method:w} succeeded, MSK established",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "peer does not support EAP_{method:w}",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "constraint requires EAP_{expected:w}, but EAP_{got:w} was used",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "no XAuth authentication round found",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "negotiated authentication method {got:w} not supported",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "peer identity '{peer}' not whitelisted",
    ),
    // ── PPP, within L2TP within IPsec ──
    by(
        &["pppd"],
        Sign::UserAuthenticationFailed,
        "EAP: peer reports authentication failure",
    ),
    by(
        &["pppd", "NetworkManager"],
        Sign::UserAuthenticationFailed,
        "PAP authentication failed",
    ),
    by(
        &["pppd", "NetworkManager"],
        Sign::UserAuthenticationFailed,
        "CHAP authentication failed",
    ),
    by(
        &["pppd"],
        Sign::UserAuthenticationFailed,
        "peer refused to authenticate: terminating link",
    ),
    by(
        &["pppd"],
        Sign::UserAuthenticationFailed,
        "LCP terminated by peer (authentication failed",
    ),
    by(
        &["pppd"],
        Sign::UserAuthenticationFailed,
        "authentication failed: E=691",
    ),
    // ── in the words of older versions ──
    any(
        Sign::UserAuthenticationFailed,
        "received cipher suites inacceptable",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received TLS cipher suite {suite:w} inacceptable",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received cipher suites unacceptable",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAuth username '{peer}' does not match to configured username",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP_{method:w} method failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received (9001) notify error",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received (9002) notify error",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received (9003) notify error",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "xauth user credentials not found",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received FAIL status in XAUTH reply",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "peer with attributes '{peer}' is not a member of the groups",
    ),
    any(Sign::UserServerUnreachable, "no RADUIS server defined"),
    any(
        Sign::AuthMethodUnexpected,
        "constraint requires EAP vendor {expected:n}, but",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "constraint check failed: no EAP identity required, but",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "unacceptable: insufficient authentication rounds",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "inacceptable: insufficient authentication rounds",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "constraint check failed: group membership to '{group}' required",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "constraint check failed: group membership required",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received EAP_SUCCESS but failed to establish MSK",
    ),
    // The server's side of it.
    any(Sign::UserAuthenticationFailed, "failed to establish MSK"),
    any(
        Sign::UserAuthenticationFailed,
        "vendor specific EAP method {method:w} failed",
    ),
    // ── the app for Android ──
    any(
        Sign::UserAuthenticationFailed,
        "Failed to establish VPN: User authentication failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Failed to establish VPN: Password unavailable",
    ),
    any(
        Sign::PeerNameUnresolved,
        "Failed to establish VPN: Server address lookup failed",
    ),
    any(
        Sign::PeerNameUnresolved,
        "Failed to establish VPN: Gateway address lookup failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "Failed to establish VPN: Client certificate unavailable",
    ),
];
