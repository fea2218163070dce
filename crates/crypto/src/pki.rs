//! Keys that sign, and certificates.
//!
//! A gateway proves who it is with a [`SigningKey`] and checks its peer's signature with a [`VerifyingKey`]; [`auth`] knows
//! what of this goes into an AUTH payload.
//!
//! A peer's certificate, as a [`Cert`], is worth what [`Trust::chain`] finds: a [`Chain`] to a trusted CA, or the
//! certificate at which the way ends and why. The chain then says which documents would tell whether it was revoked
//! ([`Chain::needs`]), judges them ([`Chain::revocation`]), and tells whether the peer is who it says it is
//! ([`Chain::holds`]). [`issue`] makes certificates.
//!
//! [`read`] and [`link`] look at files for a check: what is in them, and which belongs to which. They don't decide whether
//! a peer is trusted.

pub mod auth;
mod cert;
mod certificate;
mod chain;
mod constrained;
mod crl;
mod der;
mod expiry;
pub mod extensions;
mod holder;
pub mod issue;
mod key;
mod method;
mod ocsp;
mod pem;
mod policies;
mod revocation;
mod signing;
mod verifying;

pub use cert::Cert;
pub use chain::{Chain, ChainPolicy, Trust, to_send};
pub use crl::{RevocationList, Revoked, Status};
pub use expiry::Expiry;
pub use method::{Hash, NoMethod, SignatureMethod};
pub use ocsp::StatusResponse;
pub use revocation::{Documents, RevocationPolicy, StatusNeed};
pub use signing::{KeyError, NewKey, SignError, SigningKey, private_key_pem};
pub use verifying::{Curve, KeyKind, VerifyingKey, public_key_pem};

use std::collections::{BTreeMap, HashMap};

use adit_model::credential::{Certificate, Item};
use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// More things of one file aren't read: as many as a megabyte of PEM holds.
const MOST_ITEMS: usize = 2048;
/// More signatures aren't verified in one run.
const MOST_SIGNATURES: usize = 16_384;

/// A file that was read.
#[derive(Debug, Default)]
pub struct PkiFile {
    /// What is in it, in its order.
    pub items: Vec<Item>,
    /// The certificates among them, as they are encoded.
    certificates: Vec<Vec<u8>>,
}

/// Reads the octets of a file: PEM, or one certificate or key in DER.
#[must_use]
pub fn read(octets: &[u8]) -> PkiFile {
    let mut file = PkiFile::default();
    let blocks = pem::blocks(octets);
    if blocks.is_empty() {
        file.der(octets);
    }
    let cut = blocks.len() > MOST_ITEMS;
    for block in blocks.into_iter().take(MOST_ITEMS) {
        file.block(block);
    }
    if cut {
        file.items.push(Item::More);
    }
    file
}

/// Finds out which certificates signed which, over all files at hand. A file of which not everything was held against
/// the others ends with [`Item::More`].
pub fn link(files: &mut [PkiFile]) {
    link_up_to(files, MOST_SIGNATURES);
}

fn link_up_to(files: &mut [PkiFile], most: usize) {
    // By subject; each certificate once, in however many files it is.
    let mut issuers: HashMap<Vec<u8>, BTreeMap<[u8; 32], Vec<u8>>> = HashMap::new();
    for octets in files.iter().flat_map(|f| &f.certificates) {
        if let Some((subject, _)) = certificate::ends(octets) {
            let named = issuers.entry(subject).or_default();
            named.insert(sha256(octets), octets.clone());
        }
    }
    let mut known: HashMap<[u8; 32], Vec<[u8; 32]>> = HashMap::new();
    let mut left = most;
    for file in files {
        let mut whole = true;
        let own = file.certificates.iter();
        let facts = file.items.iter_mut().filter_map(|item| match item {
            Item::Certificate(c) => Some(c),
            _ => None,
        });
        for (facts, own) in facts.zip(own) {
            if let Some(signed_by) = known.get(&facts.digest) {
                facts.signed_by.clone_from(signed_by);
                continue;
            }
            let named = certificate::ends(own).and_then(|(_, issuer)| issuers.get(&issuer));
            let Some(named) = named else {
                continue;
            };
            if named.len() > left {
                whole = false;
                continue;
            }
            left -= named.len();
            facts.signed_by = named
                .iter()
                .filter(|(_, issuer)| certificate::signed(own, issuer))
                .map(|(digest, _)| *digest)
                .collect();
            known.insert(facts.digest, facts.signed_by.clone());
        }
        if !whole {
            file.items.push(Item::More);
        }
    }
}

/// What can't be read as what it says: cut, or of another kind. A DER element says how long it is.
fn unread(label: &str, octets: &[u8]) -> Item {
    let whole = der::content(octets, der::SEQUENCE).is_some();
    // OpenSSH has a form of its own.
    if whole || label.starts_with("OPENSSH") {
        Item::Unread(label.to_owned())
    } else {
        Item::Broken(label.to_owned())
    }
}

impl PkiFile {
    fn certificate(&mut self, octets: &[u8]) -> bool {
        // Trust settings of openssl or a line break may follow.
        let Some((element, _)) = der::first(octets) else {
            return false;
        };
        let octets = element.whole;
        let Some(facts) = certificate::read(octets) else {
            return false;
        };
        self.certificates.push(octets.to_vec());
        self.items.push(Item::Certificate(Box::new(facts)));
        true
    }

    fn der(&mut self, octets: &[u8]) {
        if self.certificate(octets) {
            return;
        }
        let whole = |(e, rest): (der::Element<'_>, &[u8])| {
            e.tag == der::SEQUENCE && rest.trim_ascii().is_empty()
        };
        if let Some(key) = key::read(octets) {
            self.items.push(key);
        } else if der::first(octets).is_some_and(whole) {
            self.items.push(Item::Unread("file in DER".to_owned()));
        }
    }

    fn block(&mut self, block: pem::Block) {
        let label = block.label.as_str();
        let Some(octets) = block.octets.filter(|o| !o.is_empty()) else {
            self.items.push(Item::Broken(label.to_owned()));
            return;
        };
        let item = match label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                if !self.certificate(&octets) {
                    self.items.push(unread(label, &octets));
                }
                return;
            }
            "ENCRYPTED PRIVATE KEY" => Item::PrivateKey {
                encrypted: true,
                public: None,
                kind: None,
            },
            _ if label.ends_with("PRIVATE KEY") => {
                let kind = match label {
                    "RSA PRIVATE KEY" => Some("RSA"),
                    "EC PRIVATE KEY" => Some("ECDSA"),
                    _ => None,
                };
                if block.encrypted {
                    Item::PrivateKey {
                        encrypted: true,
                        public: None,
                        kind,
                    }
                } else {
                    key::read(&octets).unwrap_or_else(|| unread(label, &octets))
                }
            }
            // The curve alone stands before the key that openssl writes.
            "EC PARAMETERS" | "DH PARAMETERS" => return,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Item::PublicKey,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Item::Request,
            "X509 CRL" => Item::RevocationList,
            _ => Item::Other(label.to_owned()),
        };
        self.items.push(item);
    }

    /// Its certificates.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.items.iter().filter_map(|item| match item {
            Item::Certificate(c) => Some(&**c),
            _ => None,
        })
    }
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, octets).as_ref())
    {
        *to = *from;
    }
    out
}

/// Octets that may be a key's.
type Octets = Zeroizing<Vec<u8>>;

#[cfg(test)]
mod tests;
