//! The longer sets of examples printed in RFCs, and generated MODP exchanges.

use adit_wire::iana::{EncrId, IntegId, KeMethod, PrfId};

use crate::support::{Fields, cipher, json_vectors, real};

#[test]
fn rfc3602_aes_cbc_all() {
    let Some(file) = json_vectors("rfc-examples/rfc3602.json") else {
        return;
    };
    for case in file.list("cases") {
        let whole_packet = case.get("spi_seq").is_some();
        let (plain, encrypted) = if whole_packet {
            ("pre_encryption", "encrypted")
        } else {
            ("plaintext", "ciphertext")
        };
        let key = cipher(EncrId::ENCR_AES_CBC, &case.octets("key"));
        let mut body = case.octets(plain);
        key.encrypt(&case.octets("iv"), &mut body);
        assert_eq!(body, case.octets(encrypted), "case {}", case["case"]);
    }
    assert_eq!(file.list("cases").len(), 8);
}

#[test]
fn rfc3686_aes_ctr() {
    let Some(file) = json_vectors("rfc-examples/rfc3686.json") else {
        return;
    };
    for case in file.list("cases") {
        let material = [case.octets("key"), case.octets("nonce")].concat();
        let key = cipher(EncrId::ENCR_AES_CTR, &material);
        let mut body = case.octets("plaintext");
        key.encrypt(&case.octets("iv"), &mut body);
        assert_eq!(body, case.octets("ciphertext"), "case {}", case["case"]);
    }
    assert_eq!(file.list("cases").len(), 9);
}

#[test]
fn rfc3566_aes_xcbc_mac() {
    let Some(file) = json_vectors("rfc-examples/rfc3566.json") else {
        return;
    };
    let xcbc = real().integ(IntegId::AUTH_AES_XCBC_96).unwrap();
    for case in file.list("cases") {
        let mut icv = [0; 12];
        xcbc.key(&case.octets("Key (K)"))
            .unwrap()
            .sign(&[&case.octets("Message (M)")], &mut icv);
        assert_eq!(icv.to_vec(), case.octets("AES-XCBC-MAC-96"));
    }
    assert_eq!(file.list("cases").len(), 7);
}

#[test]
fn rfc4434_and_rfc4615_prf() {
    for (path, id) in [
        ("rfc-examples/rfc4434.json", PrfId::PRF_AES128_XCBC),
        ("rfc-examples/rfc4615.json", PrfId::PRF_AES128_CMAC),
    ] {
        let Some(file) = json_vectors(path) else {
            return;
        };
        let prf = real().prf(id).unwrap();
        for case in file.list("cases") {
            let message = case.octets("Message");
            let (front, back) = message.split_at(7);
            let output = prf.compute(&case.octets("Key"), &[front, back]);
            assert_eq!(output.expose(), case.octets("PRF Output"));
        }
        assert_eq!(file.list("cases").len(), 3);
    }
}

#[test]
fn rfc4868_prf_and_truncated_icv() {
    let Some(file) = json_vectors("rfc-examples/rfc4868.json") else {
        return;
    };
    let mut checked = 0;
    for case in file.list("cases") {
        // AUTH512-4 is misprinted in the RFC; the corrected key has the length the text announces.
        let fixed = case.get("key_fixed").is_some();
        let key = case.octets(if fixed { "key_fixed" } else { "Key" });
        let data = case.octets("Data");
        for (hash, prf, integ) in [
            (
                "256",
                PrfId::PRF_HMAC_SHA2_256,
                IntegId::AUTH_HMAC_SHA2_256_128,
            ),
            (
                "384",
                PrfId::PRF_HMAC_SHA2_384,
                IntegId::AUTH_HMAC_SHA2_384_192,
            ),
            (
                "512",
                PrfId::PRF_HMAC_SHA2_512,
                IntegId::AUTH_HMAC_SHA2_512_256,
            ),
        ] {
            let field = format!("PRF-HMAC-SHA-{hash}");
            if case.get(&field).is_none() {
                continue;
            }
            let full = real().prf(prf).unwrap().compute(&key, &[&data]);
            assert_eq!(full.expose(), case.octets(&field));
            if case.text("case").starts_with("AUTH") {
                let integ = real().integ(integ).unwrap();
                let mut icv = vec![0; integ.spec().icv_len];
                integ.key(&key).unwrap().sign(&[&data], &mut icv);
                assert_eq!(icv, full.expose()[..icv.len()]);
            }
            checked += 1;
        }
    }
    assert!(checked >= 17, "{checked} answers");
}

/// Groups 14 to 18, with secrets whose leading zero octets must stay (RFC 7296 2.14).
#[test]
fn modp_exchanges() {
    let Some(file) = json_vectors("rfc-examples/modp_dh.json") else {
        return;
    };
    let mut checked = 0;
    for case in file.list("cases") {
        let group = KeMethod(u16::try_from(case.number("group")).unwrap());
        let Ok(ke) = real().ke(group) else { continue };
        let (i, public_i) = ke.dangerous_start_with(&case.octets("priv_i")).unwrap();
        let (r, public_r) = ke.dangerous_start_with(&case.octets("priv_r")).unwrap();
        assert_eq!(public_i, case.octets("ke_i"), "{group}");
        assert_eq!(public_r, case.octets("ke_r"), "{group}");
        let shared = case.octets("shared");
        assert_eq!(shared.len(), ke.spec().shared_len);
        assert_eq!(i.finish(&public_r).unwrap().expose(), shared);
        assert_eq!(r.finish(&public_i).unwrap().expose(), shared);
        checked += 1;
    }
    println!("MODP exchanges: {checked}");
    assert!(checked >= 10, "{checked} exchanges");
}
