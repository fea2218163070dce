//! A certificate as a gateway judges it (RFC 5280 4).

use adit_model::Wall;
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::dn::{DistinguishedName, dotted};

use super::der::{self, BIT_STRING, BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING};
use super::der::{Read, Reader, SEQUENCE, context, octets_of_bits, truth};
use super::extensions::Extensions;
use super::method::{NoMethod, SignatureMethod};
use super::verifying::VerifyingKey;

/// Larger ones aren't read; an IKE message holds no larger one.
const MOST_OCTETS: usize = 65_535;

/// A certificate. What it says isn't believed before a chain to a trusted CA stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Cert {
    der: Vec<u8>,
    signed: Signed,
    serial: Vec<u8>,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    not_before: Wall,
    not_after: Wall,
    key: Result<VerifyingKey, CertificateReason>,
    version_1: bool,
    extensions: Extensions,
}

/// Octets with a signature: certificates, revocation lists, and status responses have this in common.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) body: Vec<u8>,
    /// AlgorithmIdentifier.
    pub(super) algorithm: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Why a signature by an issuer isn't accepted.
pub(super) enum Unsigned {
    Method(CertificateReason),
    Signature,
}

impl Signed {
    /// `SEQUENCE { body, algorithm, signature }` with nothing behind it.
    pub(super) fn read(octets: &[u8]) -> Read<Self> {
        let mut outer = Reader::only(octets, SEQUENCE, "it is no whole sequence")?;
        let body = outer.take(SEQUENCE, "it has no body")?.whole;
        let algorithm = outer.take(SEQUENCE, "it has no signature algorithm")?.whole;
        let bits = outer.content(BIT_STRING, "it has no signature")?;
        outer.end("something follows its signature")?;
        Ok(Self {
            body: body.to_vec(),
            algorithm: algorithm.to_vec(),
            signature: octets_of_bits(bits).ok_or("its signature")?.to_vec(),
        })
    }

    pub(super) fn method(&self) -> Result<SignatureMethod, CertificateReason> {
        SignatureMethod::from_der(&self.algorithm).map_err(|problem| match problem {
            NoMethod::Unknown(oid) => CertificateReason::UnknownAlgorithm { oid },
            other => CertificateReason::Unreadable {
                problem: other.to_string(),
            },
        })
    }

    /// Signed by this key, with a method that is safe.
    pub(super) fn is_by(&self, key: &VerifyingKey) -> Result<(), Unsigned> {
        let method = self.method().map_err(Unsigned::Method)?;
        if method.hash() == Some(super::method::Hash::Sha1) {
            return Err(Unsigned::Method(CertificateReason::WeakSignature {
                method: method.to_string(),
            }));
        }
        if key.verifies(method, &self.body, &self.signature) {
            Ok(())
        } else {
            Err(Unsigned::Signature)
        }
    }
}

impl Cert {
    /// Reads one certificate in DER, as a CERT payload of encoding 4 holds it, with nothing behind it.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn from_der(octets: &[u8]) -> Result<Self, Box<RefusedCertificate>> {
        read(octets).map_err(|problem| {
            Box::new(RefusedCertificate {
                subject: String::new(),
                serial: String::new(),
                reason: CertificateReason::Unreadable {
                    problem: problem.to_owned(),
                },
            })
        })
    }

    /// Reads the certificates of a file: all of a PEM file, or one in DER. What else is in it is passed over.
    ///
    /// # Errors
    /// The first one that can't be read; `Missing` when there is none.
    pub fn from_file(octets: &[u8]) -> Result<Vec<Self>, Box<RefusedCertificate>> {
        let blocks = super::pem::blocks(octets);
        if blocks.is_empty() && octets.first() == Some(&SEQUENCE) {
            return Self::from_der(octets).map(|c| vec![c]);
        }
        let none = |reason| {
            Box::new(RefusedCertificate {
                subject: String::new(),
                serial: String::new(),
                reason,
            })
        };
        let mut out = Vec::new();
        for block in &blocks {
            let octets = match (block.label.as_str(), &block.octets) {
                ("CERTIFICATE" | "X509 CERTIFICATE", Some(octets)) => octets.as_slice(),
                // What openssl adds about trust stands behind it.
                ("TRUSTED CERTIFICATE", Some(octets)) => {
                    der::first(octets).map_or(octets.as_slice(), |(e, _)| e.whole)
                }
                ("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE", None) => {
                    return Err(none(CertificateReason::Unreadable {
                        problem: "its PEM is damaged".to_owned(),
                    }));
                }
                _ => continue,
            };
            out.push(Self::from_der(octets)?);
        }
        if out.is_empty() {
            return Err(none(CertificateReason::Missing));
        }
        Ok(out)
    }

    /// Its encoding.
    #[must_use]
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// Its encoding in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        super::pem::write("CERTIFICATE", &self.der)
    }

    /// Whose it is.
    #[must_use]
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Who says that it issued it.
    #[must_use]
    pub fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Its serial number as it is encoded.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Its serial number in hex, without a zero in front that only keeps it from being negative.
    #[must_use]
    pub fn serial_text(&self) -> String {
        serial_text(&self.serial)
    }

    /// Valid from.
    #[must_use]
    pub fn not_before(&self) -> Wall {
        self.not_before
    }

    /// Valid up to and including this second.
    #[must_use]
    pub fn not_after(&self) -> Wall {
        self.not_after
    }

    /// Its key.
    ///
    /// # Errors
    /// Why there is none that can be used.
    pub fn key(&self) -> Result<&VerifyingKey, &CertificateReason> {
        self.key.as_ref()
    }

    /// What its extensions say.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether it may issue others. Certificates of version 1 can't say; as trusted CAs they are taken as given.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        let constraints = self.extensions.authority;
        constraints.map_or(self.version_1, |c| c.authority)
    }

    /// Whether `issuer` has its issuer's name and the key that signed it. Says nothing about trust.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Cert) -> bool {
        self.issuer == issuer.subject
            && issuer.key().is_ok_and(|key| self.signed.is_by(key).is_ok())
    }

    /// SHA-256 of the whole, the customary fingerprint.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        super::sha256(&self.der)
    }

    /// Whether its issuer has its own name, as of a root and of a CA's new key under the old one.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// A refusal of this certificate.
    #[must_use]
    pub fn refused(&self, reason: CertificateReason) -> Box<RefusedCertificate> {
        Box::new(RefusedCertificate {
            subject: self.subject.to_string(),
            serial: self.serial_text(),
            reason,
        })
    }

    pub(super) fn signed(&self) -> &Signed {
        &self.signed
    }

    pub(super) fn is_version_1(&self) -> bool {
        self.version_1
    }

    /// The subject as it is encoded, which hashes go over.
    pub(super) fn subject_der(&self) -> &[u8] {
        self.subject.to_der()
    }
}

impl core::fmt::Debug for Cert {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Cert(`{}`, serial {})", self.subject, self.serial_text())
    }
}

pub(super) fn serial_text(serial: &[u8]) -> String {
    let shown = match serial {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    shown.iter().map(|b| format!("{b:02x}")).collect()
}

fn read(octets: &[u8]) -> Read<Cert> {
    if octets.len() > MOST_OCTETS {
        return Err("it is longer than 64 KiB");
    }
    let signed = Signed::read(octets)?;
    let mut body = Reader::only(&signed.body, SEQUENCE, "it has no body")?;
    let version = match body.optional(context(0)) {
        Some(e) => match der::content(e.content, INTEGER) {
            Some([1]) => 2,
            Some([2]) => 3,
            _ => return Err("its version"),
        },
        None => 1,
    };
    let serial = body.content(INTEGER, "its serial number")?;
    if serial.is_empty() || serial.len() > 64 {
        return Err("its serial number");
    }
    let inner = body.take(SEQUENCE, "its signature algorithm")?.whole;
    // RFC 5280 4.1.1.2; else the one that isn't signed could be changed.
    if inner != signed.algorithm {
        return Err("its two signature algorithms differ");
    }
    let name = |octets: &[u8], what| DistinguishedName::from_der(octets).ok_or(what);
    let issuer = name(body.take(SEQUENCE, "its issuer")?.whole, "its issuer")?;
    let mut validity = body.enter(SEQUENCE, "its validity")?;
    let not_before = der::time(validity.any("its begin")?).ok_or("its begin")?;
    let not_after = der::time(validity.any("its end")?).ok_or("its end")?;
    validity.end("its validity")?;
    let subject = name(body.take(SEQUENCE, "its subject")?.whole, "its subject")?;
    let spki = body.take(SEQUENCE, "its public key")?.whole;
    // Unique identifiers (RFC 5280 4.1.2.8) mean nothing to anybody.
    body.optional(der::implicit(1));
    body.optional(der::implicit(2));
    let extensions = match body.optional(context(3)) {
        Some(e) if version == 3 => extensions(e.content)?,
        Some(_) => return Err("it has extensions and isn't of version 3"),
        None => Extensions::default(),
    };
    body.end("something follows its extensions")?;
    let key = VerifyingKey::from_spki(spki);
    Ok(Cert {
        der: octets.to_vec(),
        serial: serial.to_vec(),
        subject,
        issuer,
        not_before,
        not_after,
        key,
        version_1: version == 1,
        extensions,
        signed,
    })
}

fn extensions(octets: &[u8]) -> Read<Extensions> {
    let mut out = Extensions::default();
    each_extension(octets, |oid, critical, value| {
        out.read(oid, critical, value)
    })?;
    Ok(out)
}

/// Walks over a SEQUENCE OF Extension; one that comes twice is an error (RFC 5280 4.2).
pub(super) fn each_extension<'a>(
    octets: &'a [u8],
    mut found: impl FnMut(&str, bool, &'a [u8]) -> Read<()>,
) -> Read<()> {
    let mut list = Reader::only(octets, SEQUENCE, "its extensions")?;
    let mut seen: Vec<&[u8]> = Vec::new();
    while !list.is_empty() {
        let mut extension = list.enter(SEQUENCE, "an extension")?;
        let oid = extension.content(OBJECT_IDENTIFIER, "an extension")?;
        if seen.contains(&oid) {
            return Err("an extension comes twice");
        }
        seen.push(oid);
        let critical = match extension.optional(BOOLEAN) {
            Some(e) => truth(e.content).ok_or("whether an extension is critical")?,
            None => false,
        };
        let value = extension.content(OCTET_STRING, "an extension's value")?;
        extension.end("something follows an extension's value")?;
        let oid = dotted(oid).ok_or("an extension's identifier")?;
        found(&oid, critical, value)?;
    }
    Ok(())
}
