//! Sentences about certificates, their keys, their chains and their revocation.

use std::collections::BTreeMap;

use adit_model::now::Wall;
use adit_model::sign::Sign;

use super::{Phrase, any, by};

/// Whether a clock is off by less than hurts any certificate, as it is at every start and after every pause.
pub(super) fn is_everyday(sign: Sign, values: &BTreeMap<String, String>) -> bool {
    const MINUTES: f64 = 120.0;
    let off = || {
        let problem = values.get("problem")?;
        problem.split_whitespace().next()?.parse::<f64>().ok()
    };
    sign == Sign::ClockWrong && off().is_some_and(|seconds| seconds.abs() < MINUTES)
}

/// What of a certificate's time hasn't come when its line, which tells no time, is read: it hasn't `begun`, or hasn't `ended`.
pub(super) fn ahead(
    values: &BTreeMap<String, String>,
    read_at: Option<Wall>,
) -> Option<&'static str> {
    const MS: u64 = 31_556_952_000;
    let now = 1970 + read_at?.0 / MS;
    let later = |name| {
        values.get(name).is_some_and(|moment| {
            let mut words = moment.split_whitespace();
            words.any(|w| w.len() == 4 && w.parse::<u64>().is_ok_and(|year| year > now))
        })
    };
    if later("from") {
        return Some("begun");
    }
    later("until").then_some("ended")
}

pub(super) static PHRASES: &[Phrase] = &[
    // ── time ──
    any(
        Sign::CertificateOutsideValidity,
        "certificate invalid (valid from {from} to {until})",
    ),
    // The line was cut, or broken before its dates.
    any(
        Sign::CertificateOutsideValidity,
        "certificate invalid (valid from",
    ),
    any(Sign::CertificateExpired, "CERTIFICATE_INVALID_EXPIRED"),
    any(
        Sign::CertificateExpired,
        "certificate '{subject}' has expired",
    ),
    any(
        Sign::CertificateExpired,
        "certificate \"{subject}\" has expired",
    ),
    any(
        Sign::CertificateOutsideValidity,
        "certificate '{subject}' is expired or not yet valid",
    ),
    any(
        Sign::CertificateOutsideValidity,
        "certificate {subject} invalid: SEC_ERROR_EXPIRED_CERTIFICATE",
    ),
    any(
        Sign::CertificateOutsideValidity,
        "SEC_ERROR_EXPIRED_CERTIFICATE",
    ),
    any(
        Sign::CertificateExpired,
        "SEC_ERROR_EXPIRED_ISSUER_CERTIFICATE",
    ),
    any(
        Sign::CertificateExpired,
        "X.509 certificate expired at {until} (it is now",
    ),
    // Listings: `swanctl --list-certs`, `pki --print`, `ipsec listcerts`.
    any(
        Sign::CertificateExpired,
        "not after {until}, expired ({} ago)",
    ),
    any(
        Sign::CertificateExpired,
        "certificate has expired(10) at depth:",
    ),
    any(
        Sign::CertificateExpired,
        "Certificate chain failed validation. Certificate is expired",
    ),
    any(
        Sign::CertificateExpired,
        "error 10 at {} depth lookup: certificate has expired",
    ),
    // `openssl verify`, with and without a blank behind the colon.
    any(
        Sign::CertificateNotYetValid,
        "error 9 at {} depth lookup: certificate is not yet valid",
    ),
    any(
        Sign::IssuerUnknown,
        "error 20 at {} depth lookup: unable to get local issuer",
    ),
    any(
        Sign::IssuerUnknown,
        "error 20 at {} depth lookup:unable to get local issuer",
    ),
    any(
        Sign::IssuerUnknown,
        "error 2 at {} depth lookup: unable to get issuer",
    ),
    any(Sign::IssuerUnknown, "error 19 at {} depth lookup: self"),
    any(Sign::IssuerUnknown, "error 19 at {} depth lookup:self"),
    any(Sign::IssuerUnknown, "error 18 at {} depth lookup: self"),
    any(Sign::IssuerUnknown, "error 18 at {} depth lookup:self"),
    any(
        Sign::IssuerUnknown,
        "error 7 at {} depth lookup: certificate signature failure",
    ),
    any(
        Sign::CertificateRevoked,
        "error 23 at {} depth lookup: certificate revoked",
    ),
    any(
        Sign::KeyUsageRefused,
        "error 26 at {} depth lookup: un{usage} certificate purpose",
    ),
    by(
        &["charon", "pluto", "racoon", "iked", "ike"],
        Sign::CertificateExpired,
        "certificate has expired",
    ),
    by(
        &["charon", "pluto", "racoon", "iked", "ike"],
        Sign::CertificateExpired,
        "certificate expired",
    ),
    any(
        Sign::CertificateNotYetValid,
        "CERTIFICATE_INVALID_NOT_YET_VALID",
    ),
    any(
        Sign::CertificateNotYetValid,
        "certificate '{subject}' is not yet valid",
    ),
    any(
        Sign::CertificateNotYetValid,
        "certificate \"{subject}\" is not yet valid",
    ),
    any(
        Sign::CertificateNotYetValid,
        "certificate is not yet valid(",
    ),
    any(
        Sign::CertificateNotYetValid,
        "X.509 certificate is not valid until {from}",
    ),
    any(Sign::ClockWrong, "certificate is not yet valid{}clock"),
    any(Sign::ClockWrong, "System clock wrong by {problem}"),
    any(Sign::ClockWrong, "time reset {problem:w} s"),
    any(
        Sign::ClockWrong,
        "System time before build time, advancing clock",
    ),
    any(
        Sign::ClockWrong,
        "current system time not (yet) synchronized",
    ),
    // timedatectl, chronyc, ntpstat.
    any(Sign::ClockUnsynchronised, "System clock synchronized: no"),
    any(Sign::ClockUnsynchronised, "NTP synchronized: no"),
    any(Sign::ClockUnsynchronised, "Leap status : Not synchronised"),
    // ── trust ──
    any(
        Sign::IssuerUnknown,
        "no issuer certificate found for \"{subject}\"",
    ),
    any(
        Sign::IssuerUnknown,
        "self-signed certificate \"{subject}\" is not trusted",
    ),
    any(
        Sign::IssuerUnknown,
        "reached end of incomplete trust chain for trusted certificate \"{subject}\"",
    ),
    any(
        Sign::IssuerUnknown,
        "no Certificate Authority in NSS Certificate DB",
    ),
    any(Sign::IssuerUnknown, "SEC_ERROR_UNKNOWN_ISSUER"),
    any(Sign::IssuerUnknown, "SEC_ERROR_UNTRUSTED_ISSUER"),
    any(Sign::IssuerUnknown, "SEC_ERROR_UNTRUSTED_CERT"),
    any(Sign::IssuerUnknown, "SEC_ERROR_CA_CERT_INVALID"),
    any(Sign::IssuerUnknown, "issuer cacert not found"),
    any(
        Sign::IssuerUnknown,
        "X509: no trust anchor available for verification",
    ),
    any(
        Sign::IssuerUnknown,
        "self-signed EE-cert attempted or MAX_CA_PATH_LEN reached",
    ),
    any(
        Sign::IssuerUnknown,
        "unable to get local issuer certificate(",
    ),
    any(
        Sign::IssuerUnknown,
        "unable to verify the first certificate(",
    ),
    any(
        Sign::IssuerUnknown,
        "self signed certificate in certificate chain(",
    ),
    any(Sign::IssuerUnknown, "self signed certificate(18) at depth"),
    any(
        Sign::IssuerUnknown,
        "constraint check failed: peer not authenticated by CA '{issuer}'",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "can't verify peer's certificate from store",
    ),
    any(Sign::IssuerUnknown, "No trustpoints found for the chain"),
    any(Sign::IssuerUnknown, "No suitable trustpoints found"),
    any(
        Sign::IssuerUnknown,
        "No suitable trustpoint was found to validate chain",
    ),
    any(
        Sign::KeyUsageRefused,
        "Peer certificate key usage is invalid",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "no trusted {} public key found for '{peer}'",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "no {} public key known for '{peer}'",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "X509: certificate payload rejected for this connection",
    ),
    any(Sign::PeerKeyUntrusted, "X.509 certificate rejected"),
    // IOS, IKEv2: why, the lines of its PKI say.
    any(Sign::PeerKeyUntrusted, "IKEv2{}Verify cert failed"),
    any(
        Sign::PeerKeyUntrusted,
        "the peer's certificate is not verified",
    ),
    any(Sign::PeerKeyUntrusted, "Certificate {} failed verification"),
    any(
        Sign::PeerKeyUntrusted,
        "X509: CERT payload bogus or revoked",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "CERTIFICATE_INVALID: Certificate chain validation has failed",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "IKMP_INVAL_CERT: Certificate received from {peer:w} is bad",
    ),
    any(Sign::PeerKeyUntrusted, "%CRYPTO-5-IKMP_INVAL_CERT"),
    any(Sign::PeerCertificateMissing, "no peer's CERT payload found"),
    any(Sign::PeerCertificateMissing, "no peer's CERT file found"),
    // ── names ──
    any(
        Sign::CertificateNameMismatch,
        "id '{identity}' not confirmed by certificate, defaulting to '{}'",
    ),
    any(
        Sign::CertificateNameMismatch,
        "constraint check failed: certificate does not confirm identity '{identity}'",
    ),
    any(
        Sign::CertificateNameMismatch,
        "certificate does not confirm identity'{identity}'",
    ),
    any(
        Sign::CertificateNameMismatch,
        "certificate contains no subjectAltName extension to match {identity}",
    ),
    any(
        Sign::CertificateNameMismatch,
        "certificate subjectAltName extension does not match {identity}",
    ),
    any(
        Sign::CertificateNameMismatch,
        "Peer ID '{identity}' is not specified on the certificate SubjectAltName",
    ),
    any(
        Sign::CertificateNameMismatch,
        "SubjectAltName does not match peer ID for this connection",
    ),
    any(
        Sign::CertificateNameMismatch,
        "connection failed due to unmatched IKE ID in certificate SAN",
    ),
    any(
        Sign::CertificateNameMismatch,
        "CERT payload does not match connection ID",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "ID_DER_ASN1_DN '{identity} does not match expected {expected}",
    ),
    any(
        Sign::CertificateNameMismatch,
        "ID_DER_ASN1_DN '{identity}' does not match",
    ),
    any(
        Sign::CertificateNameMismatch,
        "failed to get subjectAltName",
    ),
    any(Sign::CertificateNameMismatch, "no proper subjectAltName"),
    any(
        Sign::CertificateNameMismatch,
        "peer's ID does not match certificate",
    ),
    any(
        Sign::CertificateNameMismatch,
        "ID mismatched with subjectAltName",
    ),
    any(
        Sign::CertificateNameMismatch,
        "ID mismatched with ASN1 SubjectName",
    ),
    any(Sign::CertificateNameMismatch, "IKMP_NO_ID_CERT_{}_MATCH"),
    any(
        Sign::CertificateNameMismatch,
        "Unable to compare IKE ID against peer cert",
    ),
    // ── revocation ──
    any(
        Sign::CertificateRevoked,
        "certificate was revoked on {}, reason: {reason}",
    ),
    any(Sign::CertificateRevoked, "SEC_ERROR_REVOKED_CERTIFICATE"),
    any(Sign::CertificateRevoked, "SEC_ERROR_REVOKED_KEY"),
    any(Sign::CertificateRevoked, "certificate revoked(23) at depth"),
    any(Sign::CertificateRevoked, "PKI-3-CERTIFICATE_REVOKED"),
    any(Sign::CertificateRevoked, "Certificate is revoked"),
    any(
        Sign::CertificateRevoked,
        "certificate was revoked at {}, reason: {reason}",
    ),
    any(Sign::RevocationUnavailable, "crl fetching failed"),
    any(
        Sign::RevocationUnavailable,
        "unable to fetch from {uri:w}, no capable fetcher found",
    ),
    any(
        Sign::RevocationUnavailable,
        "certificate status is not available",
    ),
    any(
        Sign::RevocationUnavailable,
        "certificate status is unknown, crl is stale",
    ),
    any(Sign::RevocationUnavailable, "crl is stale: since {problem}"),
    any(
        Sign::RevocationUnavailable,
        "ocsp request to {uri:w} failed",
    ),
    any(
        Sign::RevocationUnavailable,
        "ocsp response is stale: since {problem}",
    ),
    any(
        Sign::RevocationUnavailable,
        "ocsp status is stale or not in cache",
    ),
    any(
        Sign::RevocationUnavailable,
        "failed to fetch ocsp status ({uri}): {problem}",
    ),
    any(Sign::RevocationUnavailable, "CRL: fetch failed"),
    any(Sign::RevocationUnavailable, "PKI-3-CRL_FETCH_FAIL"),
    any(Sign::RevocationUnavailable, "unable to get certificate CRL"),
    any(
        Sign::CertificateRevoked,
        "_VALIDATION is REVOKED, but requires at least",
    ),
    any(
        Sign::RevocationRequired,
        "_VALIDATION is {}, but requires at least",
    ),
    any(
        Sign::RevocationRequired,
        "missing or expired CRL in strict mode, failing",
    ),
    any(
        Sign::RevocationRequired,
        "certificate payload rejected; crl-strict=yes and",
    ),
    any(Sign::RevocationRequired, "SEC_ERROR_OCSP_{} strict"),
    // ── the own key ──
    any(
        Sign::PrivateKeyMissing,
        "no private key found for '{identity}'",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no {} private key found for '{identity}'",
    ),
    any(
        Sign::PrivateKeyMissing,
        "loading private key from '{path}' failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "loading '{path:w}' failed: parsing {} private key failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "configured decryption secret for '{path}' invalid",
    ),
    any(Sign::PrivateKeyMissing, "unsupported key type in '{path}'"),
    any(Sign::PrivateKeyMissing, "no private key found"),
    any(
        Sign::PrivateKeyMissing,
        "no TLS peer certificate found for '{identity}', skipping client authentication",
    ),
    any(
        Sign::PrivateKeyMissing,
        "could not open private key file \"{path}\"",
    ),
    any(Sign::PrivateKeyMissing, "unable to locate my private key"),
    any(
        Sign::PrivateKeyMissing,
        "private key for connection not found",
    ),
    any(
        Sign::PrivateKeyMissing,
        "private key for cert {identity:w} not found in NSS DB",
    ),
    any(
        Sign::PrivateKeyMissing,
        "private key for certificate {identity} not found in NSS DB",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no private key matching {} certificate {identity}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no private key matching {}-ckaid={identity}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "private key matching CKAID '{identity}' not found",
    ),
    any(
        Sign::PrivateKeyMissing,
        "Can't find the private key from the NSS",
    ),
    any(
        Sign::PrivateKeyMissing,
        "Can't find the certificate or private key from the NSS",
    ),
    any(
        Sign::PrivateKeyMissing,
        "private key not found (certificate missing from NSS DB or token locked?",
    ),
    any(
        Sign::PrivateKeyMissing,
        "Private key not found (missing or token locked?",
    ),
    any(
        Sign::PrivateKeyMissing,
        "certificate '{identity}' not found in the NSS database",
    ),
    any(
        Sign::PrivateKeyMissing,
        "certificate with {} '{identity}' {}not found in NSS DB",
    ),
    any(
        Sign::PrivateKeyMissing,
        "did not match a certificate in the NSS database",
    ),
    any(
        Sign::PrivateKeyMissing,
        "failed to find certificate {} '{identity}' in the NSS database",
    ),
    any(
        Sign::PrivateKeyMissing,
        "cert with the nickname \"{identity}\" does not exist in NSS db",
    ),
    any(Sign::PrivateKeyMissing, "DigSig: failed to find our {} key"),
    any(Sign::PrivateKeyMissing, "Failed to find our RSA key"),
    any(Sign::PrivateKeyMissing, "failed to get my CERT"),
    any(Sign::PrivateKeyMissing, "failed to get own CERT"),
    any(Sign::PrivateKeyMissing, "failed to get private key."),
    any(
        Sign::PrivateKeyMissing,
        "IKE failed to find valid machine certificate",
    ),
    any(Sign::PrivateKeyMissing, "can't get private key"),
    any(Sign::PrivateKeyMissing, "NSS: could not authenticate slot"),
    any(
        Sign::OwnSignatureFailed,
        "authentication of '{identity}' (myself) with {scheme} failed",
    ),
    any(
        Sign::OwnSignatureFailed,
        "authentication of '{identity}' (myself) failed",
    ),
    by(&["racoon"], Sign::OwnSignatureFailed, "failed to sign."),
    // ── algorithms and purposes ──
    any(
        Sign::SignatureRefused,
        "signature scheme {scheme} not acceptable",
    ),
    any(
        Sign::SignatureRefused,
        "{scheme:w} signatures not acceptable",
    ),
    any(
        Sign::SignatureRefused,
        "no common hash algorithm found to create signature with",
    ),
    any(
        Sign::SignatureRefused,
        "legacy {scheme:w} is not allowed but peer supports nothing else",
    ),
    any(
        Sign::SignatureRefused,
        "no acceptable ECDSA/RSA-PSS ASN.1 signature hash proposal included",
    ),
    any(
        Sign::SignatureRefused,
        "peer authentication requires hash algorithm {scheme:w}",
    ),
    any(
        Sign::SignatureRefused,
        "authentication failed: unknown or unsupported hash algorithm",
    ),
    any(
        Sign::SignatureRefused,
        "peer sent no acceptable signature hash algorithms",
    ),
    any(
        Sign::SignatureRefused,
        "rejecting {} cert{} with key size {scheme} under",
    ),
    any(
        Sign::SignatureRefused,
        "Rejecting cert with key size {scheme} which is under",
    ),
    any(
        Sign::SignatureRefused,
        "SEC_ERROR_CERT_SIGNATURE_ALGORITHM_DISABLED",
    ),
    any(
        Sign::SignatureRefused,
        "constraint requires {scheme:n} bit public keys, but",
    ),
    any(
        Sign::KeyUsageRefused,
        "rejecting certificate without digitalSignature or nonRepudiation keyUsage flags",
    ),
    // The chain is there, and a signature in it doesn't verify or is of a kind that isn't known.
    // Openswan and strongSwan 4 name neither the algorithm nor the certificate; the next line does the latter.
    by(
        &["pluto"],
        Sign::SignatureRefused,
        "digest algorithm not supported",
    ),
    by(
        &["pluto"],
        Sign::SignatureRefused,
        "signature algorithm not supported",
    ),
    by(
        &["pluto"],
        Sign::SignatureRefused,
        "unsupported signature algorithm",
    ),
    any(Sign::SignatureRefused, "SEC_ERROR_BAD_SIGNATURE: {scheme}"),
    any(Sign::SignatureRefused, "SEC_ERROR_UNSUPPORTED_KEYALG"),
    any(
        Sign::SignatureRefused,
        "SEC_ERROR_UNSUPPORTED_ELLIPTIC_CURVE",
    ),
    any(
        Sign::KeyUsageRefused,
        "SEC_ERROR_PATH_LEN_CONSTRAINT_INVALID",
    ),
    any(
        Sign::KeyUsageRefused,
        "SEC_ERROR_UNKNOWN_CRITICAL_EXTENSION",
    ),
    any(Sign::KeyUsageRefused, "SEC_ERROR_INADEQUATE_KEY_USAGE"),
    any(
        Sign::KeyUsageRefused,
        "found unsupported critical X.509 extension: {extension}",
    ),
    any(
        Sign::KeyUsageRefused,
        "critical '{extension}' extension not supported",
    ),
    any(Sign::KeyUsageRefused, "SEC_ERROR_INADEQUATE_CERT_TYPE"),
    any(
        Sign::KeyUsageRefused,
        "ca certificate \"{}\" lacks ca basic constraint, discarded",
    ),
    any(
        Sign::KeyUsageRefused,
        "ca certificate \"{}\" misses ca basic constraint, discarded",
    ),
    any(Sign::KeyUsageRefused, "unsupported certificate purpose"),
];
