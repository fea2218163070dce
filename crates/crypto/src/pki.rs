//! Files of certificates and keys, read for a check: what is in them, and which belongs to which.
//!
//! Only public parts leave this module. It doesn't decide whether a peer is trusted; a gateway asks more of a chain than
//! that a signature verifies.

mod certificate;
mod der;
mod key;
mod pem;

use adit_model::credential::{Certificate, Item};
use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// More things of one file aren't read.
const MOST_ITEMS: usize = 64;

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
    for block in blocks.into_iter().take(MOST_ITEMS) {
        file.block(block);
    }
    file
}

/// Finds out which certificates signed which, over all files at hand.
pub fn link(files: &mut [PkiFile]) {
    let all: Vec<Vec<u8>> = files
        .iter()
        .flat_map(|f| f.certificates.iter().cloned())
        .take(MOST_ITEMS)
        .collect();
    for file in files {
        let own = file.certificates.iter();
        let facts = file.items.iter_mut().filter_map(|item| match item {
            Item::Certificate(c) => Some(c),
            _ => None,
        });
        for (facts, own) in facts.zip(own) {
            facts.signed_by = all
                .iter()
                .filter(|issuer| certificate::signed(own, issuer))
                .map(|issuer| sha256(issuer))
                .collect();
        }
    }
}

impl PkiFile {
    fn certificate(&mut self, octets: &[u8]) -> bool {
        let Some(facts) = certificate::read(octets) else {
            return false;
        };
        self.certificates.push(octets.to_vec());
        self.items.push(Item::Certificate(Box::new(facts)));
        true
    }

    fn der(&mut self, octets: &[u8]) {
        if !self.certificate(octets)
            && let Some(key) = key::read(octets)
        {
            self.items.push(key);
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
                    self.items.push(Item::Broken(label.to_owned()));
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
                    key::read(&octets).unwrap_or_else(|| Item::Broken(label.to_owned()))
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
