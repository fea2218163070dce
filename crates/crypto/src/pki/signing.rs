//! Private keys that sign.

use adit_model::Secret;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use zeroize::Zeroizing;

use super::der::{INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, context, positive};
use super::method::{Hash, SignatureMethod};
use super::verifying::{Curve, KeyKind, VerifyingKey};
use super::{Octets, pem};
use crate::aws_lc::raw;
use crate::random::Random;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A private key. It can't be shown; the library wipes it, and what is kept beside it is a [`Secret`].
pub struct SigningKey {
    pair: Pair,
    public: VerifyingKey,
}

enum Pair {
    Rsa {
        pair: Box<RsaKeyPair>,
        /// RSAPrivateKey, for the one signature that the safe interface doesn't make.
        pkcs1: Secret,
    },
    /// One for each hash.
    Ec(Vec<(Hash, EcdsaKeyPair)>),
    Ed25519(Ed25519KeyPair),
}

/// A key to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKey {
    /// ECDSA P-256.
    P256,
    /// ECDSA P-384.
    P384,
    /// ECDSA P-521.
    P521,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
    /// Ed25519.
    Ed25519,
}

/// Why octets are no key to sign with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error("there is no private key in it")]
    Missing,
    /// A passphrase opens it.
    #[error(
        "the private key is under a passphrase, which a gateway can't ask for: write it without one (`openssl pkey -in KEY -out NEW`) and protect the file by its permissions"
    )]
    Encrypted,
    /// It can't be read.
    #[error("the private key can't be read: {0}")]
    Unreadable(&'static str),
    /// Of an algorithm, a curve or a size that isn't used here.
    #[error(
        "the private key is {0}, which isn't used here: RSA with 2048 to 8192 bits, ECDSA P-256, P-384 or P-521, and Ed25519 are"
    )]
    Unsupported(String),
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key doesn't make such signatures.
    #[error("a key of {key} doesn't sign with {method}")]
    Method {
        /// The key.
        key: KeyKind,
        /// The method.
        method: SignatureMethod,
    },
    /// The cryptographic library refused.
    #[error("the cryptographic library refused to sign")]
    Library,
}

impl SigningKey {
    /// Reads a file: the first private key of a PEM file, or one in DER. PKCS #8 (RFC 5958), PKCS #1 (RFC 8017 A.1.2) and
    /// SEC 1 (RFC 5915).
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_file(octets: &[u8]) -> Result<Self, KeyError> {
        let blocks = pem::blocks(octets);
        if blocks.is_empty() {
            return if octets.first() == Some(&SEQUENCE) {
                Self::from_der(octets)
            } else {
                Err(KeyError::Missing)
            };
        }
        let block = blocks.iter().find(|b| b.label.ends_with("PRIVATE KEY"));
        let block = block.ok_or(KeyError::Missing)?;
        if block.encrypted || block.label.starts_with("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        if block.label.starts_with("OPENSSH") {
            let what = "it is in OpenSSH's own form (`ssh-keygen -p -m PKCS8` rewrites it)";
            return Err(KeyError::Unreadable(what));
        }
        let octets = block.octets.as_ref();
        Self::from_der(octets.ok_or(KeyError::Unreadable("its PEM is damaged"))?)
    }

    /// Reads one key in DER.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_der(octets: &[u8]) -> Result<Self, KeyError> {
        let unreadable = KeyError::Unreadable;
        let mut key = Reader::only(octets, SEQUENCE, "it is no sequence").map_err(unreadable)?;
        if key.optional(SEQUENCE).is_some() && key.optional(OCTET_STRING).is_some() {
            return Err(KeyError::Encrypted);
        }
        let mut key = Reader::only(octets, SEQUENCE, "it is no sequence").map_err(unreadable)?;
        key.take(INTEGER, "it has no version").map_err(unreadable)?;
        if key.optional(OCTET_STRING).is_some() {
            return sec1(octets, None);
        }
        if key.optional(INTEGER).is_some() {
            return rsa(octets, false);
        }
        let what = "it has no algorithm";
        let mut algorithm = key.enter(SEQUENCE, what).map_err(unreadable)?;
        let oid = algorithm.content(OBJECT_IDENTIFIER, what);
        let oid = oid.map_err(unreadable)?;
        let inner = key.content(OCTET_STRING, "it has no key");
        let inner = inner.map_err(unreadable)?;
        match oid {
            RSA | RSA_PSS => rsa(inner, oid == RSA_PSS),
            EC => {
                let curve = algorithm.optional(OBJECT_IDENTIFIER);
                sec1(inner, curve.map(|e| e.content))
            }
            ED25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(octets)
                    .map_err(|_| KeyError::Unreadable("it is no key of Ed25519"))?;
                Ok(Self::ed25519(pair))
            }
            other => Err(KeyError::Unsupported(
                adit_model::dn::dotted(other)
                    .map_or_else(|| "unknown".to_owned(), |oid| format!("algorithm {oid}")),
            )),
        }
    }

    /// Makes a key, with its PKCS #8 form for a file. Ed25519 follows from `random` alone; for the others the library
    /// draws by itself.
    ///
    /// # Errors
    /// [`SignError::Library`].
    pub fn generate(new: NewKey, random: &dyn Random) -> Result<(Self, Secret), SignError> {
        let failed = |_| SignError::Library;
        let pkcs8 = match new {
            NewKey::P256 => ec_pkcs8(&lc::ECDSA_P256_SHA256_ASN1_SIGNING)?,
            NewKey::P384 => ec_pkcs8(&lc::ECDSA_P384_SHA384_ASN1_SIGNING)?,
            NewKey::P521 => ec_pkcs8(&lc::ECDSA_P521_SHA512_ASN1_SIGNING)?,
            NewKey::Rsa2048 => rsa_pkcs8(KeySize::Rsa2048)?,
            NewKey::Rsa3072 => rsa_pkcs8(KeySize::Rsa3072)?,
            NewKey::Rsa4096 => rsa_pkcs8(KeySize::Rsa4096)?,
            NewKey::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                random.fill(&mut seed[..]);
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed[..]);
                let pair = pair.map_err(|_| SignError::Library)?;
                Secret::from(pair.to_pkcs8v1().map_err(failed)?.as_ref())
            }
        };
        let key = Self::from_der(pkcs8.expose()).map_err(|_| SignError::Library)?;
        Ok((key, pkcs8))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// The methods that it can sign with, SHA-1's apart, the customary one first.
    #[must_use]
    pub fn methods(&self) -> Vec<SignatureMethod> {
        const HASHES: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];
        match &self.pair {
            Pair::Rsa { .. } => HASHES
                .into_iter()
                .map(SignatureMethod::RsaPss)
                .chain(HASHES.into_iter().map(SignatureMethod::RsaPkcs1))
                .filter(|m| self.public.fits(*m))
                .collect(),
            Pair::Ec(pairs) => pairs
                .iter()
                .map(|(hash, _)| SignatureMethod::Ecdsa(*hash))
                .collect(),
            Pair::Ed25519(_) => vec![SignatureMethod::Ed25519],
        }
    }

    /// Signs `message`.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, method: SignatureMethod, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let unfit = SignError::Method {
            key: self.public.kind(),
            method,
        };
        if !self.public.fits(method) {
            return Err(unfit);
        }
        let library = |_| SignError::Library;
        match (&self.pair, method) {
            (Pair::Rsa { pkcs1, .. }, SignatureMethod::RsaPkcs1(Hash::Sha1)) => {
                raw::rsa_sign_sha1(pkcs1.expose(), &crate::digest::sha1(&[message]))
                    .ok_or(SignError::Library)
            }
            (Pair::Rsa { pair, .. }, method) => {
                let encoding = rsa_encoding(method).ok_or(unfit)?;
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut out)
                    .map_err(library)?;
                Ok(out)
            }
            (Pair::Ec(pairs), SignatureMethod::Ecdsa(hash)) => {
                let pair = pairs.iter().find(|(h, _)| *h == hash);
                let (_, pair) = pair.ok_or(unfit)?;
                let signature = pair.sign(&SystemRandom::new(), message).map_err(library)?;
                Ok(signature.as_ref().to_vec())
            }
            (Pair::Ed25519(pair), SignatureMethod::Ed25519) => {
                Ok(pair.try_sign(message).map_err(library)?.as_ref().to_vec())
            }
            _ => Err(unfit),
        }
    }

    fn ed25519(pair: Ed25519KeyPair) -> Self {
        let public = VerifyingKey::from_parts(KeyKind::Ed25519, pair.public_key().as_ref());
        Self {
            pair: Pair::Ed25519(pair),
            public,
        }
    }
}

fn rsa_encoding(method: SignatureMethod) -> Option<&'static dyn lc::RsaEncoding> {
    Some(match method {
        SignatureMethod::RsaPkcs1(Hash::Sha256) => &lc::RSA_PKCS1_SHA256,
        SignatureMethod::RsaPkcs1(Hash::Sha384) => &lc::RSA_PKCS1_SHA384,
        SignatureMethod::RsaPkcs1(Hash::Sha512) => &lc::RSA_PKCS1_SHA512,
        SignatureMethod::RsaPss(Hash::Sha256) => &lc::RSA_PSS_SHA256,
        SignatureMethod::RsaPss(Hash::Sha384) => &lc::RSA_PSS_SHA384,
        SignatureMethod::RsaPss(Hash::Sha512) => &lc::RSA_PSS_SHA512,
        _ => return None,
    })
}

fn rsa(pkcs1: &[u8], pss_only: bool) -> Result<SigningKey, KeyError> {
    let unreadable = KeyError::Unreadable("it is no key of RSA");
    let bits = {
        let what = "it is no key of RSA";
        let mut numbers = Reader::only(pkcs1, SEQUENCE, what).map_err(KeyError::Unreadable)?;
        numbers.take(INTEGER, what).map_err(KeyError::Unreadable)?;
        let modulus = numbers.content(INTEGER, what);
        let modulus = positive(modulus.map_err(KeyError::Unreadable)?);
        let modulus = modulus.ok_or(unreadable.clone())?;
        8 * modulus.len() - modulus.first().map_or(0, |d| d.leading_zeros() as usize)
    };
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::Unsupported(format!("RSA with {bits} bits")));
    }
    let pair = RsaKeyPair::from_der(pkcs1).map_err(|_| unreadable)?;
    let kind = KeyKind::Rsa { bits, pss_only };
    let public = VerifyingKey::from_parts(kind, pair.public_key().as_ref());
    Ok(SigningKey {
        pair: Pair::Rsa {
            pair: Box::new(pair),
            pkcs1: Secret::from(pkcs1),
        },
        public,
    })
}

fn sec1(key: &[u8], curve: Option<&[u8]>) -> Result<SigningKey, KeyError> {
    let curve = match curve {
        Some(oid) => oid,
        None => curve_of(key).map_err(KeyError::Unreadable)?,
    };
    let Some(curve) = Curve::from_oid(curve) else {
        return Err(KeyError::Unsupported("on another curve".to_owned()));
    };
    let signing: &[(Hash, &'static lc::EcdsaSigningAlgorithm)] = match curve {
        Curve::P256 => &[(Hash::Sha256, &lc::ECDSA_P256_SHA256_ASN1_SIGNING)],
        Curve::P384 => &[(Hash::Sha384, &lc::ECDSA_P384_SHA384_ASN1_SIGNING)],
        Curve::P521 => &[
            (Hash::Sha512, &lc::ECDSA_P521_SHA512_ASN1_SIGNING),
            (Hash::Sha384, &lc::ECDSA_P521_SHA384_ASN1_SIGNING),
            (Hash::Sha256, &lc::ECDSA_P521_SHA256_ASN1_SIGNING),
        ],
    };
    let mut pairs = Vec::new();
    for (hash, algorithm) in signing {
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, key)
            .map_err(|_| KeyError::Unreadable("it is no key of its curve"))?;
        pairs.push((*hash, pair));
    }
    let point = pairs.first().map(|(_, pair)| pair.public_key().as_ref());
    let point = point.unwrap_or_default();
    let public = VerifyingKey::from_parts(KeyKind::Ec(curve), point);
    Ok(SigningKey {
        pair: Pair::Ec(pairs),
        public,
    })
}

/// The curve that a key of SEC 1 names by itself.
fn curve_of(key: &[u8]) -> super::der::Read<&[u8]> {
    let mut parts = Reader::only(key, SEQUENCE, "it is no key of a curve")?;
    parts.take(INTEGER, "it has no version")?;
    parts.take(OCTET_STRING, "it has no key")?;
    let mut parameters = parts.enter(context(0), "it doesn't name its curve")?;
    parameters.content(OBJECT_IDENTIFIER, "it doesn't name its curve")
}

fn ec_pkcs8(algorithm: &'static lc::EcdsaSigningAlgorithm) -> Result<Secret, SignError> {
    let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| SignError::Library)?;
    let document = pair.to_pkcs8v1().map_err(|_| SignError::Library)?;
    Ok(Secret::from(document.as_ref()))
}

fn rsa_pkcs8(size: KeySize) -> Result<Secret, SignError> {
    let pair = RsaKeyPair::generate(size).map_err(|_| SignError::Library)?;
    let document = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair);
    let document = document.map_err(|_| SignError::Library)?;
    Ok(Secret::from(document.as_ref()))
}

/// `PRIVATE KEY` in PEM, for a file.
#[must_use]
pub fn private_key_pem(pkcs8: &Secret) -> Octets {
    Zeroizing::new(pem::write("PRIVATE KEY", pkcs8.expose()).into_bytes())
}
