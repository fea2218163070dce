//! Signatures of AUTH payloads: RFC 7427, RFC 4754 and RFC 8420 between two ends, and known attacks on each method.

use adit_crypto::pki::auth::{AuthPolicy, AuthProblem, AuthScheme, verify};
use adit_crypto::pki::{
    Curve, Hash, KeyError, KeyKind, NewKey, SignatureMethod, SigningKey, VerifyingKey,
    private_key_pem,
};
use adit_crypto::{Random, provider};

use crate::support::{Fields, hex, json_vectors};

const OCTETS: &[u8] = b"message 1 | nonce | prf(SK_p, ID)";

fn random() -> std::sync::Arc<dyn Random> {
    provider::aws_lc().random
}

fn key(new: NewKey) -> SigningKey {
    SigningKey::generate(new, &*random()).unwrap().0
}

fn with_sha1() -> AuthPolicy {
    AuthPolicy {
        sha1: true,
        ..AuthPolicy::default()
    }
}

/// Every scheme of every kind of key: what one end signs the other accepts, and nothing that was changed.
#[test]
fn what_one_end_signs_the_other_accepts() {
    let policy = with_sha1();
    for (new, schemes) in [
        (NewKey::P256, 2),
        (NewKey::P384, 2),
        (NewKey::P521, 4),
        (NewKey::Rsa2048, 7),
        (NewKey::Ed25519, 1),
    ] {
        let key = key(new);
        let offered = key.schemes(Some(&[2, 3, 4, 5]), &policy);
        assert_eq!(offered.len(), schemes, "{new:?}: {offered:?}");
        for scheme in offered {
            let data = key.auth(scheme, OCTETS).unwrap();
            let check = |data: &[u8], octets: &[u8]| {
                verify(key.public(), scheme.method(), data, octets, &policy)
            };
            assert_eq!(check(&data, OCTETS), Ok(scheme));
            assert!(check(&data, b"another message").is_err());
            for at in 0..data.len() {
                let mut changed = data.clone();
                changed[at] ^= 1 << (at % 8);
                assert!(check(&changed, OCTETS).is_err(), "{scheme}, octet {at}");
            }
            for cut in [0, 1, data.len() / 2, data.len() - 1] {
                assert!(
                    check(&data[..cut], OCTETS).is_err(),
                    "{scheme}, {cut} octets"
                );
            }
            let longer = [&data[..], &[0]].concat();
            assert!(check(&longer, OCTETS).is_err(), "{scheme}, one octet more");
        }
    }
}

/// RFC 7427 4, RFC 8420 2: only with a hash that the peer listed; without its list, the classic methods.
#[test]
fn the_peers_hashes_decide_how_is_signed() {
    let policy = AuthPolicy::default();
    let rsa = key(NewKey::Rsa2048);
    assert_eq!(
        rsa.schemes(Some(&[3]), &policy),
        [
            AuthScheme::Digital(SignatureMethod::RsaPss(Hash::Sha384)),
            AuthScheme::Digital(SignatureMethod::RsaPkcs1(Hash::Sha384)),
        ]
    );
    assert_eq!(rsa.schemes(None, &policy), []);
    assert_eq!(
        rsa.schemes(None, &with_sha1()),
        [AuthScheme::Rsa(Hash::Sha1)]
    );
    let p256 = key(NewKey::P256);
    assert_eq!(
        p256.schemes(None, &policy),
        [AuthScheme::Ecdsa(Curve::P256)]
    );
    let ed25519 = key(NewKey::Ed25519);
    assert_eq!(ed25519.schemes(Some(&[2, 3, 4]), &policy), []);
    assert_eq!(ed25519.schemes(Some(&[5]), &policy).len(), 1);
}

/// RFC 4754 3: the two numbers one after the other, each as long as the order.
#[test]
fn classic_ecdsa_is_two_numbers_of_fixed_length() {
    for (new, curve, octets) in [
        (NewKey::P256, Curve::P256, 64),
        (NewKey::P384, Curve::P384, 96),
        (NewKey::P521, Curve::P521, 132),
    ] {
        let key = key(new);
        // Leading zeros come up now and then.
        for _ in 0..20 {
            let data = key.auth(AuthScheme::Ecdsa(curve), OCTETS).unwrap();
            assert_eq!(data.len(), octets);
        }
    }
}

/// RFC 7427 appendix B.1: the octets in front of the signature. RFC 8420 appendix A.2.
#[test]
fn the_algorithm_stands_in_front_of_the_signature() {
    let rsa = key(NewKey::Rsa2048);
    let scheme = AuthScheme::Digital(SignatureMethod::RsaPkcs1(Hash::Sha256));
    let data = rsa.auth(scheme, OCTETS).unwrap();
    assert_eq!(data[..16], hex("0f 300d 0609 2a86 4886 f70d 0101 0b05 00"));
    assert_eq!(data.len(), 16 + 256);
    let ed25519 = key(NewKey::Ed25519);
    let scheme = AuthScheme::Digital(SignatureMethod::Ed25519);
    let data = ed25519.auth(scheme, OCTETS).unwrap();
    assert_eq!(data[..8], hex("07 3005 0603 2b65 70"));
    assert_eq!(data.len(), 8 + 64);
}

#[test]
fn abuse_57_a_hash_that_was_not_offered_and_sha_1_are_refused() {
    let rsa = key(NewKey::Rsa2048);
    let scheme = AuthScheme::Digital(SignatureMethod::RsaPss(Hash::Sha512));
    let data = rsa.auth(scheme, OCTETS).unwrap();
    let narrow = AuthPolicy {
        hashes: vec![2],
        sha1: true,
    };
    assert!(matches!(
        verify(rsa.public(), 14, &data, OCTETS, &narrow),
        Err(AuthProblem::HashNotOffered { .. })
    ));
    // Method 14 with SHA-1, even where method 1 may use it.
    let sha1 = SignatureMethod::RsaPkcs1(Hash::Sha1);
    let data = rsa.auth(AuthScheme::Digital(sha1), OCTETS).unwrap();
    assert_eq!(
        verify(rsa.public(), 14, &data, OCTETS, &with_sha1()),
        Err(AuthProblem::Weak { method: sha1 })
    );
    // The octet with the algorithm's length is missing, is zero, or promises more than there is.
    for data in [&data[1..], &[0, 1, 2], &[255, 0x30, 0], &[], &[0x0f]] {
        let problem = verify(rsa.public(), 14, data, OCTETS, &AuthPolicy::default());
        assert!(
            matches!(
                problem,
                Err(AuthProblem::NoAlgorithm | AuthProblem::Algorithm(_))
            ),
            "{problem:?}"
        );
    }
    // An algorithm of another kind of key.
    let p256 = key(NewKey::P256);
    let scheme = AuthScheme::Digital(SignatureMethod::Ecdsa(Hash::Sha256));
    let data = p256.auth(scheme, OCTETS).unwrap();
    let problem = verify(rsa.public(), 14, &data, OCTETS, &AuthPolicy::default());
    assert_eq!(
        problem,
        Err(AuthProblem::Key {
            scheme,
            key: rsa.public().kind()
        })
    );
}

#[test]
fn abuse_58_method_1_takes_sha_1_only_where_that_was_configured() {
    let rsa = key(NewKey::Rsa2048);
    let data = rsa.auth(AuthScheme::Rsa(Hash::Sha1), OCTETS).unwrap();
    let strict = AuthPolicy::default();
    assert!(matches!(
        verify(rsa.public(), 1, &data, OCTETS, &strict),
        Err(AuthProblem::Weak { .. })
    ));
    assert!(verify(rsa.public(), 1, &data, OCTETS, &with_sha1()).is_ok());
    let data = rsa.auth(AuthScheme::Rsa(Hash::Sha256), OCTETS).unwrap();
    let scheme = verify(rsa.public(), 1, &data, OCTETS, &strict);
    assert_eq!(scheme, Ok(AuthScheme::Rsa(Hash::Sha256)));
}

#[test]
fn methods_that_are_not_of_public_keys_are_told() {
    let key = key(NewKey::Ed25519);
    for method in [0, 2, 3, 12, 13, 15, 255] {
        let problem = verify(key.public(), method, b"", OCTETS, &with_sha1());
        assert_eq!(problem, Err(AuthProblem::Method(method)));
    }
}

/// What we write, we read; and a key's three forms are the same key.
#[test]
fn keys_are_read_in_their_three_forms() {
    for new in [
        NewKey::P256,
        NewKey::P384,
        NewKey::P521,
        NewKey::Rsa2048,
        NewKey::Ed25519,
    ] {
        let (key, pkcs8) = SigningKey::generate(new, &*random()).unwrap();
        let again = SigningKey::from_file(&private_key_pem(&pkcs8)).unwrap();
        assert_eq!(again.public(), key.public());
        let spki = key.public().spki();
        assert_eq!(&VerifyingKey::from_spki(spki).unwrap(), key.public());
        for cut in 0..pkcs8.len() {
            assert!(SigningKey::from_der(&pkcs8.expose()[..cut]).is_err());
        }
    }
    // RFC 8410 10.3, both halves.
    let rfc8410 = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let public = hex(
        "302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
    );
    let key = SigningKey::from_file(rfc8410).unwrap();
    assert_eq!(key.public().spki(), public);
    assert_eq!(key.public().kind(), KeyKind::Ed25519);
    // RFC 4754 8.1 has this private key; SEC 1 with its curve, and without its public half.
    let sec1 = hex(
        "3031 0201 01 0420 DC51D386 6A15BACD E33D96F9 92FCA99D A7E6EF09 34E70975 59C27F16 14C88A7F \
         a00a 0608 2a86 48ce 3d03 0107",
    );
    let key = SigningKey::from_der(&sec1).unwrap();
    let point = hex(
        "04 2442A5CC 0ECD015F A3CA31DC 8E2BBC70 BF42D60C BCA20085 E0822CB0 4235E970 \
         6FC98BD7 E50211A4 A27102FA 3549DF79 EBCB4BF2 46B80945 CDDFE7D5 09BBFD7D",
    );
    assert!(key.public().spki().ends_with(&point));
}

#[test]
fn what_is_no_key_to_sign_with_says_why() {
    let error = |text: &str| SigningKey::from_file(text.as_bytes()).err().unwrap();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert_eq!(error(encrypted), KeyError::Encrypted);
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n";
    assert_eq!(error(old), KeyError::Encrypted);
    assert_eq!(error("no key"), KeyError::Missing);
    let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert_eq!(error(certificate), KeyError::Missing);
    assert!(matches!(
        SigningKey::from_der(&[0x30, 0]),
        Err(KeyError::Unreadable(_))
    ));
}

/// RFC 4754 8: recorded signatures of each curve.
#[test]
fn recorded_ecdsa_signatures_of_the_rfc() {
    let point = hex(
        "04 2442A5CC 0ECD015F A3CA31DC 8E2BBC70 BF42D60C BCA20085 E0822CB0 4235E970 \
         6FC98BD7 E50211A4 A27102FA 3549DF79 EBCB4BF2 46B80945 CDDFE7D5 09BBFD7D",
    );
    let spki = [
        &hex("3059 3013 0607 2a86 48ce 3d02 0106 082a 8648 ce3d 0301 0703 4200")[..],
        &point,
    ]
    .concat();
    let key = VerifyingKey::from_spki(&spki).unwrap();
    let signature = hex(
        "CB28E099 9B9C7715 FD0A80D8 E47A7707 9716CBBF 917DD72E 97566EA1 C066957C \
         86FA3BB4 E26CAD5B F90B7F81 899256CE 7594BB1E A0C89212 748BFF3B 3D5B0315",
    );
    let policy = AuthPolicy::default();
    assert!(verify(&key, 9, &signature, b"abc", &policy).is_ok());
    assert!(verify(&key, 9, &signature, b"abd", &policy).is_err());
}

fn wycheproof(name: &str, check: impl Fn(&VerifyingKey, &[u8], &[u8]) -> bool) -> usize {
    let Some(file) = json_vectors(&format!("wycheproof/{name}_test.json")) else {
        return 0;
    };
    let mut checked = 0;
    for group in file.list("testGroups") {
        let Ok(key) = VerifyingKey::from_spki(&group.octets("publicKeyDer")) else {
            continue;
        };
        for test in group.list("tests") {
            let result = test.text("result");
            // `acceptable` are signatures that some libraries take; either answer is right.
            if result == "acceptable" {
                continue;
            }
            let good = check(&key, &test.octets("msg"), &test.octets("sig"));
            assert_eq!(good, result == "valid", "{name}: {test}");
            checked += 1;
        }
    }
    println!("Wycheproof {name}: {checked}");
    checked
}

/// Short and wrong hashes, trailing octets, s = n, small exponents, points off the curve, …
#[test]
fn abuse_58_forgeries_of_wycheproof_are_refused() {
    use SignatureMethod::{Ecdsa, Ed25519, RsaPkcs1, RsaPss};
    if json_vectors("wycheproof/ed25519_test.json").is_none() {
        return;
    }
    let mut checked = 0;
    for (name, method) in [
        ("ecdsa_secp256r1_sha256", Ecdsa(Hash::Sha256)),
        ("ecdsa_secp384r1_sha384", Ecdsa(Hash::Sha384)),
        ("ecdsa_secp521r1_sha512", Ecdsa(Hash::Sha512)),
        ("ed25519", Ed25519),
        ("rsa_pss_2048_sha256_mgf1_32", RsaPss(Hash::Sha256)),
        ("rsa_pss_3072_sha256_mgf1_32", RsaPss(Hash::Sha256)),
        ("rsa_pss_4096_sha384_mgf1_48", RsaPss(Hash::Sha384)),
        ("rsa_pss_4096_sha512_mgf1_64", RsaPss(Hash::Sha512)),
        ("rsa_signature_2048_sha256", RsaPkcs1(Hash::Sha256)),
        ("rsa_signature_2048_sha384", RsaPkcs1(Hash::Sha384)),
        ("rsa_signature_2048_sha512", RsaPkcs1(Hash::Sha512)),
        ("rsa_signature_3072_sha256", RsaPkcs1(Hash::Sha256)),
        ("rsa_signature_4096_sha512", RsaPkcs1(Hash::Sha512)),
    ] {
        let verifies = |key: &VerifyingKey, message: &[u8], signature: &[u8]| {
            key.verifies(method, message, signature)
        };
        checked += wycheproof(name, verifies);
    }
    for (name, number) in [
        ("ecdsa_secp256r1_sha256_p1363", 9),
        ("ecdsa_secp384r1_sha384_p1363", 10),
        ("ecdsa_secp521r1_sha512_p1363", 11),
    ] {
        let policy = AuthPolicy::default();
        checked += wycheproof(name, |key, message, signature| {
            verify(key, number, signature, message, &policy).is_ok()
        });
    }
    assert!(checked > 4000, "{checked} tests");
}

/// RFC 4754 3, RFC 7427: numbers of 0 or beyond the order, one method's form in another's place, and a curve that isn't
/// the method's. Wycheproof's signatures of both forms are under case 58.
#[test]
fn abuse_59_ecdsa_numbers_forms_and_curves() {
    let p256 = key(NewKey::P256);
    let policy = AuthPolicy::default();
    let check = |number, data: &[u8]| verify(p256.public(), number, data, OCTETS, &policy);
    let raw = p256.auth(AuthScheme::Ecdsa(Curve::P256), OCTETS).unwrap();
    let digital = AuthScheme::Digital(SignatureMethod::Ecdsa(Hash::Sha256));
    let der = p256.auth(digital, OCTETS).unwrap();
    assert!(check(9, &raw).is_ok() && check(14, &der).is_ok());

    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let (zero, most) = ([0; 32], [0xff; 32]);
    let (r, s) = raw.split_at(32);
    for (r, s) in [
        (&zero[..], s),
        (r, &zero),
        (&zero, &zero),
        (&order, s),
        (r, &order),
        (&most, &most),
    ] {
        assert!(check(9, &[r, s].concat()).is_err());
    }
    // The name of the algorithm, then the signature: DER for method 14, two numbers for 9.
    let (named, name) = (usize::from(der[0]) + 1, &der[..]);
    let (name, sequence) = name.split_at(named);
    assert!(check(9, sequence).is_err());
    assert!(check(14, &[name, &raw].concat()).is_err());
    assert!(check(9, &raw[..63]).is_err());
    assert!(check(9, &[&raw[..], &[0]].concat()).is_err());
    // Methods of other curves, with this one's key.
    for number in [10, 11] {
        assert!(check(number, &raw).is_err());
        let wide = [&[0; 16][..], r, &[0; 16], s].concat();
        assert!(check(number, &wide).is_err());
    }
}
