//! What only pluto says of certificates, keys and users, once they are loaded, listed or looked at.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // A key out of a certificate has a name with attributes; one out of DNS ends with its time to live.
    any(
        Sign::CertificateExpired,
        "cached {} public key '{:w}={subject}' has expired and has been deleted",
    ),
    // Certificates out of their time, or taken back.
    any(Sign::CertificateRevoked, "certificate revoked!"),
    any(
        Sign::CertificateOutsideValidity,
        "certificate time is expired/invalid",
    ),
    // An alternative name that it should understand.
    any(
        Sign::ContradictionSurvived,
        "warning: gntoid() failed to initaddr(): {problem}",
    ),
    // The listing of public keys: a certificate's key lives as long as the certificate.
    any(
        Sign::PeerKeyUntrusted,
        "X509: certificate rejected for this connection",
    ),
    any(
        Sign::SignatureRefused,
        "FIPS: Rejecting cert with key size under {scheme:n}",
    ),
    // Users.
    any(
        Sign::UserAuthenticationFailed,
        "FAILED during pam_authenticate with '{problem}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "FAILED during pam_acct_mgmt with '{problem}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: pam_authenticate failed with '{problem}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "IKEv2 : pam_authenticate failed with '{problem}'",
    ),
    // Its database of keys.
    any(
        Sign::DaemonNotRunning,
        "NSS Password file \"{path}\" could not be opened for reading",
    ),
    any(
        Sign::DaemonNotRunning,
        "FATAL ERROR: in FIPS mode a password is required",
    ),
    any(
        Sign::DaemonNotRunning,
        "FATAL ERROR: on FIPS mode a password is required",
    ),
    by(
        &["whack", "ipsec"],
        Sign::Denied,
        "no right to communicate with pluto (access(\"{path}\"))",
    ),
];
