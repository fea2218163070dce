//! Private keys: PKCS #8 (RFC 5958), PKCS #1 (RFC 8017 A.1.2) and SEC 1 (RFC 5915). Their public halves are all that is
//! taken out.

use adit_model::credential::{Item, KeyAlgorithm, PublicKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::der::{self, BIT_STRING, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, elements};
use super::sha256;

/// Encoded object identifiers.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ED448: &[u8] = &[0x2b, 0x65, 0x71];
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const CURVES: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "P-256"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "P-384"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),
];

/// A key in any of the forms.
pub(super) fn read(octets: &[u8]) -> Option<Item> {
    let list: Vec<_> = elements(der::content(octets, SEQUENCE)?).collect();
    let tags: Vec<u8> = list.iter().map(|e| e.tag).collect();
    let at = |i: usize| list.get(i).map_or(&[][..], |e| e.content);
    let public = match tags.as_slice() {
        // EncryptedPrivateKeyInfo: the algorithm, and what it made of the key.
        [SEQUENCE, OCTET_STRING] => {
            let algorithm = der::content(at(0), OBJECT_IDENTIFIER)?;
            return (algorithm.starts_with(&PBES2[..8])).then_some(Item::PrivateKey {
                encrypted: true,
                public: None,
                kind: None,
            });
        }
        [INTEGER, SEQUENCE, OCTET_STRING, ..] => pkcs8(octets, at(1), at(2)),
        [INTEGER, OCTET_STRING, ..] => sec1(at_whole(octets), None),
        [INTEGER, INTEGER, INTEGER, ..] if list.len() >= 9 => rsa(octets),
        _ => return None,
    };
    let kind = public.as_ref().and_then(|p| p.algorithm.kind());
    Some(Item::PrivateKey {
        encrypted: false,
        public,
        kind,
    })
}

fn at_whole(octets: &[u8]) -> &[u8] {
    der::first(octets).map_or(octets, |(e, _)| e.whole)
}

fn pkcs8(whole: &[u8], algorithm: &[u8], key: &[u8]) -> Option<PublicKey> {
    let mut parts = elements(algorithm);
    let oid = parts.next().filter(|e| e.tag == OBJECT_IDENTIFIER)?.content;
    let parameters = parts.next();
    if oid == RSA || oid == RSA_PSS {
        return rsa(key);
    }
    if oid == EC {
        return sec1(key, parameters.map(|p| p.content));
    }
    if oid == ED25519 {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(at_whole(whole)).ok()?;
        return Some(PublicKey {
            algorithm: KeyAlgorithm::Edwards("Ed25519"),
            digest: sha256(pair.public_key().as_ref()),
        });
    }
    None
}

/// The public half is the sequence of modulus and exponent.
fn rsa(key: &[u8]) -> Option<PublicKey> {
    let mut numbers = elements(der::content(key, SEQUENCE)?).skip(1);
    let (modulus, exponent) = (numbers.next()?, numbers.next()?);
    if modulus.tag != INTEGER || exponent.tag != INTEGER {
        return None;
    }
    let public = der::write(SEQUENCE, &[modulus.whole, exponent.whole].concat());
    Some(PublicKey {
        algorithm: KeyAlgorithm::Rsa(bits(modulus.content)),
        digest: sha256(&public),
    })
}

/// An elliptic curve's key has its public half beside it, as most programs write it.
fn sec1(key: &[u8], curve: Option<&[u8]>) -> Option<PublicKey> {
    let mut own_curve = None;
    let mut public = None;
    for element in elements(der::content(key, SEQUENCE)?) {
        match element.tag {
            0xa0 => own_curve = der::content(element.content, OBJECT_IDENTIFIER),
            0xa1 => public = der::content(element.content, BIT_STRING),
            _ => {}
        }
    }
    Some(PublicKey {
        algorithm: KeyAlgorithm::Ec(curve_name(own_curve.or(curve)?)),
        digest: sha256(public?.split_first()?.1),
    })
}

fn curve_name(oid: &[u8]) -> String {
    CURVES
        .iter()
        .find(|(o, _)| *o == oid)
        .map_or("on another curve", |(_, name)| name)
        .to_owned()
}

/// What a certificate's key is of: its algorithm's identifier with parameters, and the key.
pub(super) fn algorithm(oid: &[u8], parameters: Option<&[u8]>, key: &[u8]) -> KeyAlgorithm {
    if oid == RSA || oid == RSA_PSS {
        let modulus = der::content(key, SEQUENCE).and_then(|k| der::content(k, INTEGER));
        return KeyAlgorithm::Rsa(modulus.map_or(0, bits));
    }
    if oid == EC {
        return KeyAlgorithm::Ec(curve_name(parameters.unwrap_or_default()));
    }
    if oid == ED25519 {
        return KeyAlgorithm::Edwards("Ed25519");
    }
    if oid == ED448 {
        return KeyAlgorithm::Edwards("Ed448");
    }
    KeyAlgorithm::Other(oid.iter().map(|b| format!("{b:02x}")).collect())
}

/// Size of a number in bits.
fn bits(number: &[u8]) -> usize {
    let mut digits = number.iter().skip_while(|b| **b == 0);
    digits.next().map_or(0, |first| {
        8 * digits.count() + (8 - first.leading_zeros() as usize)
    })
}
