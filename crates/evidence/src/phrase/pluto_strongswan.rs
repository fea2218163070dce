//! What strongSwan's own pluto said of IKEv1, until 4.6, where it differs from its relatives.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    any(Sign::PskNotFound, "no Preshared Key Found"),
    any(
        Sign::SignatureRefused,
        "signature check for '{peer}' failed:",
    ),
    any(
        Sign::SignatureRefused,
        "public key for '{peer}' failed: decrypted SIG payload into a malformed ECB",
    ),
    any(
        Sign::SignatureRefused,
        "public keys for '{peer}' failed: best decrypted SIG payload into",
    ),
    any(
        Sign::IdentityTypeUnexpected,
        "unacceptable identity type ({got}) in Phase 1 ID payload",
    ),
    any(
        Sign::CertificateOutsideValidity,
        "certificate is invalid (valid from {from} to {until})",
    ),
    any(Sign::IssuerUnknown, "intermediate cacert rejected"),
    any(Sign::PeerKeyUntrusted, "certificate signature is invalid"),
    any(Sign::ConfigValueInvalid, "syntax error in esp string"),
    any(Sign::ConfigValueInvalid, "syntax error in ike string"),
    any(
        Sign::AlgorithmUnavailable,
        "ike alg: crypter {algorithm:w} not present",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "ike alg: hasher {algorithm:w} not present",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "ike alg: dh group {algorithm:w} not present",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "no IKE algorithms for this connection (check ike algorithm string)",
    ),
    any(Sign::PrivateKeyMissing, "invalid PIN, too many trials"),
    any(
        Sign::PrivateKeyMissing,
        "invalid passphrase, too many trials",
    ),
    any(Sign::PrivateKeyMissing, "no token present in slot {slot:n}"),
    any(
        Sign::PrivateKeyMissing,
        "failed to load pkcs11 module '{module}'",
    ),
    any(
        Sign::PrivateKeyMissing,
        "unable to find private key with id '{identity}'",
    ),
    any(
        Sign::TrafficRefused,
        "ID returned doesn't match my proposal",
    ),
    any(
        Sign::DaemonNotRunning,
        "initialization failed - aborting pluto",
    ),
    any(
        Sign::DaemonNotRunning,
        "pluto has quit: initialization failed",
    ),
    any(Sign::DaemonNotRunning, "pluto refused to be started"),
    any(Sign::DaemonNotRunning, "integrity check of pluto failed"),
    any(
        Sign::FeatureMissing,
        "pluto cannot run without a {feature} hasher",
    ),
    any(Sign::Denied, "unable to change daemon {operation:w}"),
    any(Sign::Denied, "unable to drop daemon {operation:w}"),
    any(
        Sign::AlgorithmUnavailable,
        "Diffie Hellman group {algorithm:w} is not available",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "{algorithm:w} not available to compute skeyid",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "empty ISAKMP SA proposal to send (no algorithms",
    ),
    any(
        Sign::KernelSupportMissing,
        "empty IPSEC SA proposal to send (no kernel algorithms",
    ),
    any(Sign::PrivateKeyMissing, "syntax error in private key file"),
    any(
        Sign::PrivateKeyMissing,
        "cannot initiate connection without valid PIN",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "extended authentication failed",
    ),
    any(Sign::DaemonRestarts, "pluto has died -- restart scheduled"),
];
