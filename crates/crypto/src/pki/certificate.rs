//! Certificates (RFC 5280).

use adit_model::credential::{Certificate, PublicKey, attribute};
use adit_model::identity::Identity;
use adit_model::now::Wall;
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::time::Time;

use super::{der, key, sha256};

/// Reads a certificate's own octets, without what follows them.
pub(super) fn read(octets: &[u8]) -> Option<Certificate> {
    let parsed = CertificateInner::<Raw>::from_der(octets).ok()?;
    let tbs = parsed.tbs_certificate();
    let constraints = tbs.get_extension::<BasicConstraints>().ok().flatten();
    let spki = tbs.subject_public_key_info();
    let public = spki.subject_public_key.raw_bytes();
    let parameters = spki.algorithm.parameters.as_ref().map(|p| p.value());
    Some(Certificate {
        digest: sha256(octets),
        subject: name(tbs.subject()),
        issuer: name(tbs.issuer()),
        names: alternative_names(tbs.get_extension::<SubjectAltName>().ok().flatten()),
        not_before: wall(tbs.validity().not_before),
        not_after: wall(tbs.validity().not_after),
        // Certificates of version 1 have no such extension; as a CA's they are taken as given.
        authority: constraints.map_or(tbs.extensions().is_none(), |(_, c)| c.ca),
        key: PublicKey {
            algorithm: key::algorithm(spki.algorithm.oid.as_bytes(), parameters, public),
            digest: sha256(public),
        },
        signed_by: Vec::new(),
    })
}

fn wall(time: Time) -> Wall {
    Wall(u64::try_from(time.to_unix_duration().as_millis()).unwrap_or(u64::MAX))
}

fn alternative_names(extension: Option<(bool, SubjectAltName)>) -> Vec<Identity> {
    let Some((_, SubjectAltName(names))) = extension else {
        return Vec::new();
    };
    names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DnsName(n) => Some(Identity::Fqdn(n.to_string())),
            GeneralName::Rfc822Name(n) => Some(Identity::Email(n.to_string())),
            GeneralName::IpAddress(octets) => {
                let octets = octets.as_bytes();
                let v4 = <[u8; 4]>::try_from(octets).map(Into::into);
                let v6 = <[u8; 16]>::try_from(octets).map(Into::into);
                v4.or(v6).ok().map(Identity::Address)
            }
            _ => None,
        })
        .collect()
}

/// `C=CH, O=Lab, CN=gw`.
fn name(name: &Name) -> String {
    let parts: Vec<String> = name
        .iter()
        .map(|part| {
            let oid = part.oid.to_string();
            let kind = attribute(&oid).unwrap_or(&oid);
            let text: String = String::from_utf8_lossy(part.value.value())
                .chars()
                .filter(|c| !c.is_control())
                .collect();
            format!("{kind}={text}")
        })
        .collect();
    parts.join(", ")
}

/// Encoded names of a certificate: its subject's and its issuer's.
pub(super) fn ends(certificate: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let parsed = CertificateInner::<Raw>::from_der(certificate).ok()?;
    let tbs = parsed.tbs_certificate();
    Some((tbs.subject().to_der().ok()?, tbs.issuer().to_der().ok()?))
}

/// Whether the key of one that is the issuer by name verifies the certificate's signature.
pub(super) fn signed(certificate: &[u8], issuer: &[u8]) -> bool {
    verified(certificate, issuer).unwrap_or(false)
}

fn verified(certificate: &[u8], issuer: &[u8]) -> Option<bool> {
    let subject = CertificateInner::<Raw>::from_der(certificate).ok()?;
    let issuer = CertificateInner::<Raw>::from_der(issuer).ok()?;
    // The octets that were signed, as they came.
    let signed = der::elements(der::content(certificate, der::SEQUENCE)?)
        .next()?
        .whole;
    let spki = issuer.tbs_certificate().subject_public_key_info();
    let curve = spki.algorithm.parameters.as_ref().map(|p| p.value());
    let public = spki.subject_public_key.raw_bytes();
    let size = key::algorithm(spki.algorithm.oid.as_bytes(), curve, public);
    let method = subject.signature_algorithm();
    // How an unknown method signs isn't known: the names fit, and that must do.
    let Some(algorithm) = algorithm(&method.oid.to_string(), &size.to_string()) else {
        return Some(true);
    };
    let key = UnparsedPublicKey::new(algorithm, public);
    Some(key.verify(signed, subject.signature().raw_bytes()).is_ok())
}

fn algorithm(method: &str, key: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (method, key) {
        ("1.2.840.113549.1.1.5", _) => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        ("1.2.840.113549.1.1.11", _) => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        ("1.2.840.113549.1.1.12", _) => &signature::RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", _) => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        ("1.2.840.10045.4.3.2", "ECDSA P-256") => &signature::ECDSA_P256_SHA256_ASN1,
        ("1.2.840.10045.4.3.2", "ECDSA P-384") => &signature::ECDSA_P384_SHA256_ASN1,
        ("1.2.840.10045.4.3.2", "ECDSA P-521") => &signature::ECDSA_P521_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", "ECDSA P-256") => &signature::ECDSA_P256_SHA384_ASN1,
        ("1.2.840.10045.4.3.3", "ECDSA P-384") => &signature::ECDSA_P384_SHA384_ASN1,
        ("1.2.840.10045.4.3.3", "ECDSA P-521") => &signature::ECDSA_P521_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", "ECDSA P-256") => &signature::ECDSA_P256_SHA512_ASN1,
        ("1.2.840.10045.4.3.4", "ECDSA P-384") => &signature::ECDSA_P384_SHA512_ASN1,
        ("1.2.840.10045.4.3.4", "ECDSA P-521") => &signature::ECDSA_P521_SHA512_ASN1,
        ("1.3.101.112", _) => &signature::ED25519,
        _ => return None,
    })
}
