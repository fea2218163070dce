//! NSS's own words for what is wrong with a certificate, as pluto prints them behind `ERROR: ` (until version 4) and tools of
//! NSS behind the error's number.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // The issuer.
    any(
        Sign::IssuerUnknown,
        "ERROR: Peer's Certificate issuer is not recognized",
    ),
    any(
        Sign::IssuerUnknown,
        "ERROR -8179: Peer's Certificate issuer is not recognized",
    ),
    any(
        Sign::IssuerUnknown,
        "ERROR: Peer's certificate issuer has been marked as not trusted",
    ),
    any(
        Sign::IssuerUnknown,
        "ERROR: Peer's certificate has been marked as not trusted",
    ),
    any(Sign::IssuerUnknown, "ERROR: Issuer certificate is invalid"),
    // Its use and its signature.
    any(
        Sign::KeyUsageRefused,
        "ERROR: Certificate key usage inadequate for attempted operation",
    ),
    any(
        Sign::KeyUsageRefused,
        "ERROR: Certificate type not approved for application",
    ),
    any(
        Sign::KeyUsageRefused,
        "ERROR: Certificate path length constraint is invalid",
    ),
    any(
        Sign::KeyUsageRefused,
        "ERROR: Certificate contains unknown critical extension",
    ),
    any(
        Sign::SignatureRefused,
        "ERROR: Peer's certificate has an invalid signature",
    ),
    // Its end and its revocation.
    any(
        Sign::CertificateRevoked,
        "ERROR: Peer's Certificate has been revoked",
    ),
    // Without a strict policy nobody would be refused for these.
    any(
        Sign::RevocationRequired,
        "certificate {} invalid: SEC_ERROR_OCSP_",
    ),
    any(
        Sign::RevocationRequired,
        "ERROR: The OCSP server experienced an internal error",
    ),
    any(
        Sign::RevocationRequired,
        "ERROR: The OCSP server suggests trying again later",
    ),
    any(
        Sign::RevocationRequired,
        "ERROR: The OCSP server has no status for the certificate",
    ),
    any(
        Sign::RevocationRequired,
        "ERROR: The OCSP server returned an unrecognizable status",
    ),
    any(
        Sign::RevocationRequired,
        "ERROR: The OCSP response contains out-of-date information",
    ),
    any(
        Sign::RevocationRequired,
        "ERROR: The signer of the OCSP response is not authorized",
    ),
    any(
        Sign::RevocationRequired,
        "ERROR: Invalid OCSP signing certificate in OCSP response",
    ),
    any(
        Sign::RevocationRequired,
        "ERROR: The CRL for the certificate's issuer has expired",
    ),
];
