//! Certificates: a small world of CAs and hosts, made here.

mod chains;
mod constraints;
mod identities;
mod others;
mod revocation;

use adit_crypto::pki::issue::{Issuer, Template, self_signed};
use adit_crypto::pki::{Cert, Chain, ChainPolicy, NewKey, SigningKey, Trust};
use adit_crypto::provider;
use adit_model::Wall;
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::identity::Identity;

/// 2026-11-21T00:00:00Z.
pub const NOW: Wall = Wall(1_795_219_200_000);

pub fn days(count: i64) -> Wall {
    Wall(NOW.0.checked_add_signed(count * 86_400_000).unwrap())
}

/// A certificate and its key.
pub struct Party {
    pub cert: Cert,
    pub key: SigningKey,
}

/// Ed25519 from a seed: the same in every run, and quick.
pub fn key(seed: u64) -> SigningKey {
    let random = provider::fake(seed).random;
    SigningKey::generate(NewKey::Ed25519, &*random).unwrap().0
}

pub fn ca_template(name: &str) -> Template {
    let mut template = Template::authority(name.parse().unwrap(), days(-100), days(1000));
    template.authority = Some(None);
    template
}

pub fn host_template(name: &str) -> Template {
    let names = vec![name.parse().unwrap()];
    let subject = format!("O=Lab, CN={name}").parse().unwrap();
    Template::host(subject, names, days(-10), days(100))
}

pub fn root(name: &str, seed: u64) -> Party {
    root_of(&ca_template(name), seed)
}

pub fn root_of(template: &Template, seed: u64) -> Party {
    let key = key(seed);
    let cert = self_signed(&key, template, &*provider::fake(seed).random).unwrap();
    Party { cert, key }
}

impl Party {
    pub fn issuer(&self) -> Issuer<'_> {
        Issuer {
            cert: &self.cert,
            key: &self.key,
        }
    }

    pub fn issues(&self, template: &Template, seed: u64) -> Party {
        let key = key(seed);
        let random = provider::fake(seed + 1000).random;
        let cert = self.issuer().issue(key.public(), template, &*random);
        Party {
            cert: cert.unwrap(),
            key,
        }
    }
}

pub fn trust(anchors: &[&Party]) -> Trust {
    Trust {
        anchors: anchors.iter().map(|p| p.cert.clone()).collect(),
        ..Trust::default()
    }
}

pub fn chain(
    trust: &Trust,
    leaf: &Party,
    others: &[&Party],
) -> Result<Chain, Box<RefusedCertificate>> {
    let others: Vec<Cert> = others.iter().map(|p| p.cert.clone()).collect();
    trust.chain(&leaf.cert, &others, NOW, &ChainPolicy::default())
}

/// Why, and of whose certificate.
pub fn why(trust: &Trust, leaf: &Party, others: &[&Party]) -> (String, CertificateReason) {
    let refused = chain(trust, leaf, others).unwrap_err();
    (refused.subject, refused.reason)
}

pub fn id(text: &str) -> Identity {
    text.parse().unwrap()
}

/// An element of DER.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = match length {
        0..=0x7f => vec![tag, u8::try_from(length).unwrap()],
        0x80..=0xff => vec![tag, 0x81, u8::try_from(length).unwrap()],
        _ => {
            let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
            vec![tag, 0x82, high, low]
        }
    };
    out.extend_from_slice(content);
    out
}
