//! Wycheproof: edge cases and known attacks.

use adit_crypto::KeError;
use adit_wire::iana::{EncrId, KeMethod, PrfId};
use serde_json::Value;

use crate::support::{Fields, aead, json_vectors, real};

/// Every test of a file with its group.
fn tests(name: &str) -> Option<Vec<(Value, Value)>> {
    let file = json_vectors(&format!("wycheproof/{name}_test.json"))?;
    let groups = file.list("testGroups").iter();
    Some(
        groups
            .flat_map(|group| {
                group
                    .list("tests")
                    .iter()
                    .map(|test| (group.clone(), test.clone()))
            })
            .collect(),
    )
}

fn is_valid(test: &Value) -> bool {
    test.text("result") == "valid"
}

/// Combined modes, where nonce and tag have IPsec's lengths. GMAC is GCM without plaintext.
#[test]
fn combined_modes() {
    for (name, id, nonce_bits, salt_len, at_least) in [
        ("aes_gcm", EncrId::ENCR_AES_GCM_16, 96, 4, 190),
        ("aes_gmac", EncrId::ENCR_AES_GCM_16, 96, 4, 100),
        ("aes_ccm", EncrId::ENCR_AES_CCM_16, 88, 3, 18),
        (
            "chacha20_poly1305",
            EncrId::ENCR_CHACHA20_POLY1305,
            96,
            4,
            310,
        ),
    ] {
        let Some(tests) = tests(name) else { return };
        let mut checked = 0;
        for (group, test) in tests {
            if group.number("ivSize") != nonce_bits || group.number("tagSize") != 128 {
                continue;
            }
            let gmac = name == "aes_gmac";
            let nonce = test.octets("iv");
            let (salt, iv) = nonce.split_at(salt_len);
            let key = aead(id, &[&test.octets("key"), salt].concat());
            let message = test.octets("msg");
            let (aad, plain, sealed) = if gmac {
                (message, Vec::new(), Vec::new())
            } else {
                (test.octets("aad"), message, test.octets("ct"))
            };
            let tag = test.octets("tag");

            let mut body = sealed.clone();
            assert_eq!(
                key.open(iv, &aad, &mut body, &tag),
                is_valid(&test),
                "{test}"
            );
            if is_valid(&test) {
                assert_eq!(body, plain);
                let mut icv = [0; 16];
                key.seal(iv, &aad, &mut body, &mut icv).unwrap();
                assert_eq!((body, icv.to_vec()), (sealed, tag));
            }
            checked += 1;
        }
        println!("Wycheproof {name}: {checked}");
        assert!(checked >= at_least, "{checked} tests");
    }
}

#[test]
fn hmac_and_cmac() {
    for (name, id) in [
        ("hmac_sha1", PrfId::PRF_HMAC_SHA1),
        ("hmac_sha256", PrfId::PRF_HMAC_SHA2_256),
        ("hmac_sha384", PrfId::PRF_HMAC_SHA2_384),
        ("hmac_sha512", PrfId::PRF_HMAC_SHA2_512),
        ("aes_cmac", PrfId::PRF_AES128_CMAC),
    ] {
        let Some(tests) = tests(name) else { return };
        let mut checked = 0;
        for (group, test) in tests {
            if name == "aes_cmac" && group.number("keySize") != 128 {
                continue;
            }
            let tag = test.octets("tag");
            let full = real()
                .prf(id)
                .unwrap()
                .compute(&test.octets("key"), &[&test.octets("msg")]);
            let equal = full
                .expose()
                .get(..tag.len())
                .is_some_and(|head| head == tag);
            assert_eq!(equal, is_valid(&test), "{test}");
            checked += 1;
        }
        println!("Wycheproof {name}: {checked}");
        assert!(checked >= 70, "{checked} tests");
    }
}

/// Public values of small order, which give zero, are refused (RFC 8031 5); odd encodings are not.
#[test]
fn x25519() {
    let Some(tests) = tests("x25519") else { return };
    let ke = real().ke(KeMethod::CURVE25519).unwrap();
    let mut refused = 0;
    for (_, test) in &tests {
        let (ephemeral, _) = ke.dangerous_start_with(&test.octets("private")).unwrap();
        let shared = test.octets("shared");
        match ephemeral.finish(&test.octets("public")) {
            Ok(secret) => assert_eq!(secret.expose(), shared),
            Err(error) => {
                assert_eq!(error, KeError::ZeroSecret(KeMethod::CURVE25519));
                assert_eq!(shared, [0; 32], "{test}");
                refused += 1;
            }
        }
    }
    println!(
        "Wycheproof x25519: {}, {refused} of them refused",
        tests.len()
    );
    assert_eq!(tests.len(), 518);
    assert!(refused >= 30, "{refused} refused");
}

/// Points off the curve are refused (RFC 6989 2.3). Compressed points do not exist in IKE.
#[test]
fn ecdh() {
    for (name, id) in [
        ("ecdh_secp256r1_ecpoint", KeMethod::ECP_256),
        ("ecdh_secp384r1_ecpoint", KeMethod::ECP_384),
        ("ecdh_secp521r1_ecpoint", KeMethod::ECP_521),
    ] {
        let Some(tests) = tests(name) else { return };
        let ke = real().ke(id).unwrap();
        let len = ke.spec().shared_len;
        let (mut agreed, mut refused) = (0, 0);
        for (_, test) in &tests {
            let encoded = test.octets("public");
            let Some(public) = encoded.strip_prefix(&[4]) else {
                continue;
            };
            let private = test.octets("private");
            let private = [vec![0; len], private].concat();
            let private = &private[private.len() - len..];
            let (ephemeral, _) = ke.dangerous_start_with(private).unwrap();
            match ephemeral.finish(public) {
                Ok(secret) => {
                    assert!(is_valid(test), "{test}");
                    assert_eq!(secret.expose(), test.octets("shared"));
                    agreed += 1;
                }
                Err(_) => {
                    assert!(!is_valid(test), "{test}");
                    refused += 1;
                }
            }
        }
        println!("Wycheproof {name}: {agreed} agreed, {refused} refused");
        assert!(
            agreed >= 300 && refused >= 16,
            "{agreed} agreed, {refused} refused"
        );
    }
}
