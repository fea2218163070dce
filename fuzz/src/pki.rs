//! A target for the certificates and keys that `adit-crypto` reads: any file is read without a panic and to the same
//! each time, no certificate verifies one that isn't at hand, and nothing of a key is told.

use adit_crypto::pki;
use adit_model::credential::Item;

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[("pki", pki_file)];

/// A file, as a check reads it and as a gateway that signs with it does; and its octets as what stands in AUTH payloads.
pub fn pki_file(data: &[u8]) {
    let mut files = [pki::read(data), pki::read(data)];
    assert_eq!(files[0].items, files[1].items);
    pki::link(&mut files);
    let digests: Vec<[u8; 32]> = files[0].certificates().map(|c| c.digest).collect();
    for certificate in files.iter().flat_map(pki::PkiFile::certificates) {
        assert!(certificate.signed_by.iter().all(|d| digests.contains(d)));
    }
    for item in &files[0].items {
        assert!(!item.to_string().is_empty());
    }
    if let Ok(key) = pki::SigningKey::from_file(data) {
        let private = |item: &Item| {
            matches!(
                item,
                Item::PrivateKey {
                    encrypted: false,
                    ..
                }
            )
        };
        assert!(files[0].items.iter().any(private));
        assert!(!key.methods().is_empty());
        let spki = key.public().spki();
        let again = pki::VerifyingKey::from_spki(spki).expect("a public key that was just read");
        assert!(again.is_same(key.public()));
    }
    let _ = pki::SigningKey::from_der(data);
    if let Ok(key) = pki::VerifyingKey::from_spki(data) {
        assert_eq!(key.key_hash().len(), 20);
    }
    if let Ok(method) = pki::SignatureMethod::from_der(data) {
        assert_eq!(pki::SignatureMethod::from_der(&method.to_der()), Ok(method));
    }
}
