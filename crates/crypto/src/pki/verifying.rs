//! Public keys: of certificates (RFC 5280 4.1.2.7) and by themselves (RFC 7670).

use core::fmt;

use adit_model::certificate_reason::CertificateReason;
use aws_lc_rs::signature::{self as lc, UnparsedPublicKey, VerificationAlgorithm};

use super::der::{BIT_STRING, INTEGER, NULL, OBJECT_IDENTIFIER, Read, Reader, SEQUENCE};
use super::der::{octets_of_bits, positive, write};
use super::method::{Hash, SignatureMethod};
use crate::digest::sha1;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Keys of RSA outside of these aren't used, and no arithmetic is done with them.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2048..=8192;

/// A curve of ECDSA (RFC 5480 2.1.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// RSA, with the length of its modulus in bits; the key may say that it is for PSS alone.
    Rsa {
        /// Length of the modulus.
        bits: usize,
        /// id-RSASSA-PSS: it isn't to be used with PKCS #1 v1.5 (RFC 4055 1.2).
        pss_only: bool,
    },
    /// ECDSA on a curve.
    Ec(Curve),
    /// Ed25519.
    Ed25519,
}

/// A public key that can be used: of a known algorithm, not too weak, and sound as far as can be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    kind: KeyKind,
    /// SubjectPublicKeyInfo.
    spki: Vec<u8>,
    /// The key itself.
    key: Vec<u8>,
}

impl Curve {
    pub(super) const ALL: [(Curve, &'static [u8]); 3] = [
        (
            Curve::P256,
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        ),
        (Curve::P384, &[0x2b, 0x81, 0x04, 0x00, 0x22]),
        (Curve::P521, &[0x2b, 0x81, 0x04, 0x00, 0x23]),
    ];

    pub(super) fn from_oid(oid: &[u8]) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, o)| *o == oid);
        known.map(|(curve, _)| *curve)
    }

    fn oid(self) -> &'static [u8] {
        let known = Self::ALL.iter().find(|(c, _)| *c == self);
        known.map_or(&[], |(_, oid)| oid)
    }

    /// Octets of a coordinate.
    pub(super) fn octets(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// The hash of its strength.
    #[must_use]
    pub fn hash(self) -> Hash {
        match self {
            Curve::P256 => Hash::Sha256,
            Curve::P384 => Hash::Sha384,
            Curve::P521 => Hash::Sha512,
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        })
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa {
                bits,
                pss_only: true,
            } => write!(f, "RSA {bits} (PSS)"),
            KeyKind::Rsa { bits, .. } => write!(f, "RSA {bits}"),
            KeyKind::Ec(curve) => write!(f, "ECDSA {curve}"),
            KeyKind::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.kind)
    }
}

impl VerifyingKey {
    /// Reads a SubjectPublicKeyInfo, which is also the body of a CERT payload with a raw public key (RFC 7670 3).
    ///
    /// # Errors
    /// `Unreadable`, `UnknownAlgorithm`, or `WeakKey`: RSA needs 2048 to 8192 bits, an odd modulus and an odd exponent
    /// of at least 3.
    pub fn from_spki(spki: &[u8]) -> Result<Self, CertificateReason> {
        let (oid, parameters, key) = parts(spki).map_err(unreadable)?;
        let kind = match oid {
            RSA | RSA_PSS => rsa(key, oid == RSA_PSS)?,
            EC => {
                let mut parameters = Reader::new(parameters);
                let curve = parameters
                    .content(OBJECT_IDENTIFIER, "the curve isn't named")
                    .and_then(|o| parameters.end("the curve").map(|()| o))
                    .map_err(unreadable)?;
                let Some(known) = Curve::from_oid(curve) else {
                    return Err(unknown(curve));
                };
                // Compressed points are read by few (RFC 5480 2.2).
                if key.first() != Some(&4) || key.len() != 1 + 2 * known.octets() {
                    return Err(unreadable("its key is no uncompressed point of the curve"));
                }
                KeyKind::Ec(known)
            }
            ED25519 => {
                if key.len() != 32 || !parameters.is_empty() {
                    return Err(unreadable("its key isn't of Ed25519"));
                }
                KeyKind::Ed25519
            }
            other => return Err(unknown(other)),
        };
        Ok(Self {
            kind,
            spki: spki.to_vec(),
            key: key.to_vec(),
        })
    }

    pub(super) fn from_parts(kind: KeyKind, key: &[u8]) -> Self {
        let algorithm = match kind {
            KeyKind::Rsa { pss_only, .. } => {
                let oid = write(OBJECT_IDENTIFIER, if pss_only { RSA_PSS } else { RSA });
                let parameters = if pss_only {
                    Vec::new()
                } else {
                    write(NULL, &[])
                };
                [oid, parameters].concat()
            }
            KeyKind::Ec(curve) => [
                write(OBJECT_IDENTIFIER, EC),
                write(OBJECT_IDENTIFIER, curve.oid()),
            ]
            .concat(),
            KeyKind::Ed25519 => write(OBJECT_IDENTIFIER, ED25519),
        };
        let bits = [&[0][..], key].concat();
        let body = [write(SEQUENCE, &algorithm), write(BIT_STRING, &bits)].concat();
        Self {
            kind,
            spki: write(SEQUENCE, &body),
            key: key.to_vec(),
        }
    }

    /// Reads the public keys of a file: `PUBLIC KEY` blocks and the keys of certificates of a PEM file, or one
    /// SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// As for [`from_spki`](Self::from_spki), for the first one that can't be used; `Missing` when there is none.
    pub fn from_file(octets: &[u8]) -> Result<Vec<Self>, CertificateReason> {
        let blocks = super::pem::blocks(octets);
        if blocks.is_empty() && octets.first() == Some(&SEQUENCE) {
            return Self::from_spki(octets).map(|key| vec![key]);
        }
        let mut out = Vec::new();
        for block in &blocks {
            let octets = block.octets.as_ref();
            let octets = || octets.ok_or_else(|| unreadable("its PEM is damaged"));
            match block.label.as_str() {
                "PUBLIC KEY" => out.push(Self::from_spki(octets()?)?),
                "CERTIFICATE" | "X509 CERTIFICATE" => {
                    let read = super::cert::Cert::from_der(octets()?).map_err(|r| r.reason)?;
                    out.push(read.key().map_err(Clone::clone)?.clone());
                }
                _ => {}
            }
        }
        if out.is_empty() {
            return Err(CertificateReason::Missing);
        }
        Ok(out)
    }

    /// What it is of.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The subjectPublicKey's octets.
    pub(super) fn key_octets(&self) -> &[u8] {
        &self.key
    }

    /// Whether both are the same key, however their algorithm is written.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// SHA-1 of the SubjectPublicKeyInfo, as CERTREQ payloads name trusted CAs (RFC 7296 3.7).
    #[must_use]
    pub fn key_hash(&self) -> [u8; 20] {
        sha1(&[&self.spki])
    }

    /// SHA-1 of the key itself, the usual subject key identifier (RFC 5280 4.2.1.2).
    #[must_use]
    pub fn key_id(&self) -> [u8; 20] {
        sha1(&[&self.key])
    }

    /// Whether this kind of key makes signatures of this kind.
    #[must_use]
    pub fn fits(&self, method: SignatureMethod) -> bool {
        match (self.kind, method) {
            (KeyKind::Rsa { pss_only, .. }, SignatureMethod::RsaPkcs1(_)) => !pss_only,
            (KeyKind::Rsa { .. }, SignatureMethod::RsaPss(_))
            | (KeyKind::Ec(_), SignatureMethod::Ecdsa(_))
            | (KeyKind::Ed25519, SignatureMethod::Ed25519) => true,
            _ => false,
        }
    }

    /// Whether `signature` over `message` is this key's. Whether the method is strong enough is for the caller to judge.
    #[must_use]
    pub fn verifies(&self, method: SignatureMethod, message: &[u8], signature: &[u8]) -> bool {
        self.fits(method)
            && algorithm(self.kind, method).is_some_and(|algorithm| {
                UnparsedPublicKey::new(algorithm, &self.key)
                    .verify(message, signature)
                    .is_ok()
            })
    }
}

/// `PUBLIC KEY` in PEM, for a file.
#[must_use]
pub fn public_key_pem(key: &VerifyingKey) -> String {
    super::pem::write("PUBLIC KEY", key.spki())
}

fn unreadable(problem: &'static str) -> CertificateReason {
    CertificateReason::Unreadable {
        problem: problem.to_owned(),
    }
}

fn unknown(oid: &[u8]) -> CertificateReason {
    let oid = adit_model::dn::dotted(oid);
    oid.map_or_else(
        || unreadable("an object identifier"),
        |oid| CertificateReason::UnknownAlgorithm { oid },
    )
}

/// Object identifier, parameters, and the key's octets.
fn parts(spki: &[u8]) -> Read<(&[u8], &[u8], &[u8])> {
    let mut outer = Reader::only(spki, SEQUENCE, "its public key")?;
    let algorithm = outer.content(SEQUENCE, "its key's algorithm")?;
    let bits = outer.content(BIT_STRING, "its key's octets")?;
    outer.end("something follows its public key")?;
    let mut inner = Reader::new(algorithm);
    let oid = inner.take(OBJECT_IDENTIFIER, "its key's algorithm")?;
    let parameters = algorithm.get(oid.whole.len()..).unwrap_or_default();
    let key = octets_of_bits(bits).ok_or("its key's octets")?;
    Ok((oid.content, parameters, key))
}

fn rsa(key: &[u8], pss_only: bool) -> Result<KeyKind, CertificateReason> {
    let numbers = || -> Read<(&[u8], &[u8])> {
        let what = "its RSA key";
        let mut both = Reader::only(key, SEQUENCE, what)?;
        let modulus = positive(both.content(INTEGER, what)?).ok_or(what)?;
        let exponent = positive(both.content(INTEGER, what)?).ok_or(what)?;
        both.end(what)?;
        Ok((modulus, exponent))
    };
    let (modulus, exponent) = numbers().map_err(unreadable)?;
    let bits = modulus.first().map_or(0, |first| {
        8 * modulus.len() - first.leading_zeros() as usize
    });
    let kind = KeyKind::Rsa { bits, pss_only };
    let weak = |needs: &str| {
        Err(CertificateReason::WeakKey {
            key: kind.to_string(),
            needs: needs.to_owned(),
        })
    };
    if !RSA_BITS.contains(&bits) {
        return weak("RSA 2048 to 8192");
    }
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if !odd(modulus) {
        return weak("an odd modulus");
    }
    if !odd(exponent) || exponent == [1] || exponent.len() > 4 {
        return weak("an odd exponent of at least 3 and at most 32 bits");
    }
    Ok(kind)
}

fn algorithm(key: KeyKind, method: SignatureMethod) -> Option<&'static dyn VerificationAlgorithm> {
    use Curve::{P256, P384, P521};
    use Hash::{Sha1, Sha256, Sha384, Sha512};
    use SignatureMethod as M;
    Some(match (method, key) {
        (M::RsaPkcs1(Sha1), _) => &lc::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (M::RsaPkcs1(Sha256), _) => &lc::RSA_PKCS1_2048_8192_SHA256,
        (M::RsaPkcs1(Sha384), _) => &lc::RSA_PKCS1_2048_8192_SHA384,
        (M::RsaPkcs1(Sha512), _) => &lc::RSA_PKCS1_2048_8192_SHA512,
        (M::RsaPss(Sha256), _) => &lc::RSA_PSS_2048_8192_SHA256,
        (M::RsaPss(Sha384), _) => &lc::RSA_PSS_2048_8192_SHA384,
        (M::RsaPss(Sha512), _) => &lc::RSA_PSS_2048_8192_SHA512,
        (M::Ecdsa(Sha256), KeyKind::Ec(P256)) => &lc::ECDSA_P256_SHA256_ASN1,
        (M::Ecdsa(Sha384), KeyKind::Ec(P256)) => &lc::ECDSA_P256_SHA384_ASN1,
        (M::Ecdsa(Sha512), KeyKind::Ec(P256)) => &lc::ECDSA_P256_SHA512_ASN1,
        (M::Ecdsa(Sha256), KeyKind::Ec(P384)) => &lc::ECDSA_P384_SHA256_ASN1,
        (M::Ecdsa(Sha384), KeyKind::Ec(P384)) => &lc::ECDSA_P384_SHA384_ASN1,
        (M::Ecdsa(Sha512), KeyKind::Ec(P384)) => &lc::ECDSA_P384_SHA512_ASN1,
        (M::Ecdsa(Sha256), KeyKind::Ec(P521)) => &lc::ECDSA_P521_SHA256_ASN1,
        (M::Ecdsa(Sha384), KeyKind::Ec(P521)) => &lc::ECDSA_P521_SHA384_ASN1,
        (M::Ecdsa(Sha512), KeyKind::Ec(P521)) => &lc::ECDSA_P521_SHA512_ASN1,
        (M::Ed25519, _) => &lc::ED25519,
        _ => return None,
    })
}
