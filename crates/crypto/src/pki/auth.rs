//! The AUTH payload with a public key: the classic methods 1, 9, 10 and 11 (RFC 7296 3.8, RFC 4754), and method 14, which
//! names its algorithm (RFC 7427, RFC 8420).

use core::fmt;

use super::der::{self, INTEGER, Reader, SEQUENCE, positive, write};
use super::method::{Hash, NoMethod, SignatureMethod};
use super::signing::{SignError, SigningKey};
use super::verifying::{Curve, KeyKind, VerifyingKey};

/// RSA Digital Signature (RFC 7296 3.8).
const RSA: u8 = 1;
/// ECDSA with SHA-256 on P-256, with SHA-384 on P-384, with SHA-512 on P-521 (RFC 4754 7).
const ECDSA: [(u8, Curve); 3] = [(9, Curve::P256), (10, Curve::P384), (11, Curve::P521)];
/// Digital Signature (RFC 7427 3).
const DIGITAL: u8 = 14;

/// How an AUTH payload is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthScheme {
    /// Method 1: RSASSA-PKCS1-v1_5; peers that don't know RFC 7427 expect SHA-1.
    Rsa(Hash),
    /// Methods 9 to 11, by their curve.
    Ecdsa(Curve),
    /// Method 14.
    Digital(SignatureMethod),
}

/// What is taken from a peer, and made for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthPolicy {
    /// The hashes that we list in SIGNATURE_HASH_ALGORITHMS, in its numbers.
    pub hashes: Vec<u16>,
    /// Method 1 with SHA-1 is taken and made. A configuration must ask for it.
    pub sha1: bool,
}

impl Default for AuthPolicy {
    /// SHA2-256, -384, -512 and Identity; no SHA-1.
    fn default() -> Self {
        Self {
            hashes: vec![2, 3, 4, 5],
            sha1: false,
        }
    }
}

/// Why an AUTH payload isn't accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthProblem {
    /// The method isn't one with a public key that is carried out here.
    #[error("AUTH method {0} isn't one of public keys that is known here")]
    Method(u8),
    /// Method 14 whose AlgorithmIdentifier isn't there, or is longer than the payload.
    #[error("the AUTH data doesn't begin with an algorithm and its length (RFC 7427 3)")]
    NoAlgorithm,
    /// The AlgorithmIdentifier isn't one of ours.
    #[error(transparent)]
    Algorithm(#[from] NoMethod),
    /// The signature is made over a hash that we don't list.
    #[error("it is signed with {method}, whose hash we don't offer")]
    HashNotOffered {
        /// How it is signed.
        method: SignatureMethod,
    },
    /// SHA-1.
    #[error("it is signed with {method}, which isn't safe")]
    Weak {
        /// How it is signed.
        method: SignatureMethod,
    },
    /// The peer's key doesn't make signatures of this kind.
    #[error("{scheme} isn't made with a key of {key}, which is the peer's")]
    Key {
        /// What the payload says.
        scheme: AuthScheme,
        /// The peer's key.
        key: KeyKind,
    },
    /// The signature isn't the key's over these octets.
    #[error("the signature ({scheme}) doesn't verify with the peer's key of {key}")]
    Signature {
        /// What the payload says.
        scheme: AuthScheme,
        /// The peer's key.
        key: KeyKind,
    },
}

impl fmt::Display for AuthScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthScheme::Rsa(hash) => write!(f, "RSA with {hash} (method 1)"),
            AuthScheme::Ecdsa(curve) => write!(f, "ECDSA on {curve} (method {})", self.method()),
            AuthScheme::Digital(method) => write!(f, "{method}"),
        }
    }
}

impl AuthScheme {
    /// The Auth Method octet.
    #[must_use]
    pub fn method(self) -> u8 {
        match self {
            AuthScheme::Rsa(_) => RSA,
            AuthScheme::Ecdsa(curve) => {
                let known = ECDSA.iter().find(|(_, c)| *c == curve);
                known.map_or(0, |(number, _)| *number)
            }
            AuthScheme::Digital(_) => DIGITAL,
        }
    }
}

impl SigningKey {
    /// How this key can sign for a peer, best first: `peer_hashes` are the numbers of its SIGNATURE_HASH_ALGORITHMS,
    /// `None` when it sent none and so doesn't know RFC 7427.
    #[must_use]
    pub fn schemes(&self, peer_hashes: Option<&[u16]>, policy: &AuthPolicy) -> Vec<AuthScheme> {
        let mut out: Vec<AuthScheme> = Vec::new();
        if let Some(hashes) = peer_hashes {
            let fits = |m: &SignatureMethod| hashes.contains(&m.hash_number());
            let methods = self.methods().into_iter().filter(fits);
            out.extend(methods.map(AuthScheme::Digital));
        }
        match self.public().kind() {
            KeyKind::Ec(curve) => out.push(AuthScheme::Ecdsa(curve)),
            KeyKind::Rsa {
                pss_only: false, ..
            } if policy.sha1 => out.push(AuthScheme::Rsa(Hash::Sha1)),
            _ => {}
        }
        out
    }

    /// The Authentication Data of an AUTH payload over `octets` (RFC 7296 2.15).
    ///
    /// # Errors
    /// [`SignError`].
    pub fn auth(&self, scheme: AuthScheme, octets: &[u8]) -> Result<Vec<u8>, SignError> {
        match scheme {
            AuthScheme::Rsa(hash) => self.sign(SignatureMethod::RsaPkcs1(hash), octets),
            AuthScheme::Ecdsa(curve) => {
                let method = SignatureMethod::Ecdsa(curve.hash());
                let unfit = SignError::Method {
                    key: self.public().kind(),
                    method,
                };
                if self.public().kind() != KeyKind::Ec(curve) {
                    return Err(unfit);
                }
                let signature = self.sign(method, octets)?;
                raw_from_der(&signature, curve).ok_or(SignError::Library)
            }
            AuthScheme::Digital(method) => {
                let signature = self.sign(method, octets)?;
                let algorithm = method.to_der();
                let length = u8::try_from(algorithm.len()).map_err(|_| SignError::Library)?;
                Ok([&[length][..], &algorithm, &signature].concat())
            }
        }
    }
}

/// Checks a received AUTH payload over `octets`; `method` is its Auth Method, `data` its Authentication Data.
///
/// # Errors
/// [`AuthProblem`].
pub fn verify(
    key: &VerifyingKey,
    method: u8,
    data: &[u8],
    octets: &[u8],
    policy: &AuthPolicy,
) -> Result<AuthScheme, AuthProblem> {
    let kind = key.kind();
    let checked = |scheme, fits: bool, verifies: bool| {
        if !fits {
            Err(AuthProblem::Key { scheme, key: kind })
        } else if !verifies {
            Err(AuthProblem::Signature { scheme, key: kind })
        } else {
            Ok(scheme)
        }
    };
    match method {
        RSA => {
            let fits = key.fits(SignatureMethod::RsaPkcs1(Hash::Sha256));
            // Nothing but the signature itself says which hash it is (RFC 7296 3.8).
            let by = [Hash::Sha256, Hash::Sha384, Hash::Sha512, Hash::Sha1]
                .into_iter()
                .find(|h| key.verifies(SignatureMethod::RsaPkcs1(*h), octets, data));
            if by == Some(Hash::Sha1) && !policy.sha1 {
                let method = SignatureMethod::RsaPkcs1(Hash::Sha1);
                return Err(AuthProblem::Weak { method });
            }
            let scheme = AuthScheme::Rsa(by.unwrap_or(Hash::Sha1));
            checked(scheme, fits, by.is_some())
        }
        DIGITAL => {
            let (algorithm, signature) = split(data).ok_or(AuthProblem::NoAlgorithm)?;
            let method = SignatureMethod::from_der(algorithm)?;
            if method.hash() == Some(Hash::Sha1) {
                return Err(AuthProblem::Weak { method });
            }
            if !policy.hashes.contains(&method.hash_number()) {
                return Err(AuthProblem::HashNotOffered { method });
            }
            let verifies = key.verifies(method, octets, signature);
            checked(AuthScheme::Digital(method), key.fits(method), verifies)
        }
        other => {
            let Some((_, curve)) = ECDSA.iter().find(|(number, _)| *number == other) else {
                return Err(AuthProblem::Method(other));
            };
            let verifies = der_from_raw(data, *curve).is_some_and(|signature| {
                key.verifies(SignatureMethod::Ecdsa(curve.hash()), octets, &signature)
            });
            let fits = kind == KeyKind::Ec(*curve);
            checked(AuthScheme::Ecdsa(*curve), fits, verifies)
        }
    }
}

fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first()?;
    rest.split_at_checked(usize::from(*length))
        .filter(|(algorithm, _)| !algorithm.is_empty())
}

/// Two numbers one after the other, each as long as the curve's order (RFC 4754 3).
fn raw_from_der(signature: &[u8], curve: Curve) -> Option<Vec<u8>> {
    let mut numbers = Reader::only(signature, SEQUENCE, "signature").ok()?;
    let mut out = Vec::new();
    for _ in 0..2 {
        let digits = positive(numbers.content(INTEGER, "signature").ok()?)?;
        let padding = curve.octets().checked_sub(digits.len())?;
        out.resize(out.len() + padding, 0);
        out.extend_from_slice(digits);
    }
    Some(out)
}

fn der_from_raw(signature: &[u8], curve: Curve) -> Option<Vec<u8>> {
    if signature.len() != 2 * curve.octets() {
        return None;
    }
    let (r, s) = signature.split_at_checked(curve.octets())?;
    Some(write(SEQUENCE, &[der::number(r), der::number(s)].concat()))
}
