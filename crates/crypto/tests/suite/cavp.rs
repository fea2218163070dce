//! NIST CAVP response files for the primitives.

use adit_wire::iana::{EncrId, KeMethod, PrfId};

use crate::support::{Record, aead, cipher, real, records, vectors};

/// AES-GCM with tags of 16, 12 and 8 octets; FAIL marks forgeries.
#[test]
fn gcm_decrypt() {
    let mut checked = 0;
    for bits in [128, 192, 256] {
        let Some(text) = vectors(&format!("cavp/aes-gcm/gcmDecrypt{bits}.rsp")) else {
            return;
        };
        for record in records(&text) {
            let tag = record.get("Tag");
            let id = match tag.len() {
                16 => EncrId::ENCR_AES_GCM_16,
                12 => EncrId::ENCR_AES_GCM_12,
                8 => EncrId::ENCR_AES_GCM_8,
                _ => continue,
            };
            let nonce = record.get("IV");
            let (salt, iv) = nonce.split_at(4);
            let key = aead(id, &[&record.get("Key"), salt].concat());
            let mut body = record.get("CT");
            let good = key.open(iv, &record.get("AAD"), &mut body, &tag);
            assert_eq!(good, record.get_text("FAIL").is_none());
            if good {
                assert_eq!(body, record.get("PT"));
            }
            checked += 1;
        }
    }
    println!("CAVP GCM: {checked}");
    assert!(checked > 100, "{checked} records");
}

/// AES-CCM with the 11-octet nonce that IPsec uses.
#[test]
fn ccm_variable_nonce() {
    let mut checked = 0;
    for bits in [128, 192, 256] {
        let Some(text) = vectors(&format!("cavp/aes-ccm/VNT{bits}.rsp")) else {
            return;
        };
        let mut key = Vec::new();
        for record in records(&text) {
            if record.get_text("Key").is_some() {
                key = record.get("Key");
            }
            let Some(nonce) = record.get_text("Nonce").filter(|nonce| nonce.len() == 22) else {
                continue;
            };
            let nonce = crate::support::hex(nonce);
            let (salt, iv) = nonce.split_at(3);
            let sealed = record.get("CT");
            let (encrypted, tag) = sealed.split_at(sealed.len() - 16);
            let key = aead(EncrId::ENCR_AES_CCM_16, &[&key, salt].concat());
            let (mut body, mut icv) = (record.get("Payload"), [0; 16]);
            key.seal(iv, &record.get("Adata"), &mut body, &mut icv)
                .unwrap();
            assert_eq!((body.as_slice(), icv.as_slice()), (encrypted, tag));
            assert!(key.open(iv, &record.get("Adata"), &mut body, tag));
            assert_eq!(body, record.get("Payload"));
            checked += 1;
        }
    }
    println!("CAVP CCM: {checked}");
    assert!(checked >= 30, "{checked} records");
}

#[test]
fn cbc_multi_block() {
    let mut checked = 0;
    for bits in [128, 192, 256] {
        let Some(text) = vectors(&format!("cavp/aes-cbc/CBCMMT{bits}.rsp")) else {
            return;
        };
        for record in records(&text) {
            let key = cipher(EncrId::ENCR_AES_CBC, &record.get("KEY"));
            let mut body = record.get("PLAINTEXT");
            key.encrypt(&record.get("IV"), &mut body);
            assert_eq!(body, record.get("CIPHERTEXT"));
            key.decrypt(&record.get("IV"), &mut body);
            assert_eq!(body, record.get("PLAINTEXT"));
            checked += 1;
        }
    }
    assert_eq!(checked, 60);
}

#[test]
fn triple_des_multi_block() {
    let Some(text) = vectors("cavp/3des-cbc/TCBCMMT3.rsp") else {
        return;
    };
    let records = records(&text);
    assert!(records.len() >= 20);
    for record in records {
        let key = ["KEY1", "KEY2", "KEY3"]
            .map(|name| record.get(name))
            .concat();
        let key = cipher(EncrId::ENCR_3DES, &key);
        let mut body = record.get("PLAINTEXT");
        key.encrypt(&record.get("IV"), &mut body);
        assert_eq!(body, record.get("CIPHERTEXT"));
        key.decrypt(&record.get("IV"), &mut body);
        assert_eq!(body, record.get("PLAINTEXT"));
    }
}

#[test]
fn hmac_with_truncation() {
    let Some(text) = vectors("cavp/hmac/NIST_HMAC.rsp") else {
        return;
    };
    let mut checked = 0;
    for record in records(&text) {
        let id = match record.get_text("L").unwrap() {
            "20" => PrfId::PRF_HMAC_SHA1,
            "32" => PrfId::PRF_HMAC_SHA2_256,
            "48" => PrfId::PRF_HMAC_SHA2_384,
            "64" => PrfId::PRF_HMAC_SHA2_512,
            _ => continue,
        };
        let mac = record.get("Mac");
        let full = real()
            .prf(id)
            .unwrap()
            .compute(&record.get("Key"), &[&record.get("Msg")]);
        assert_eq!(full.expose()[..mac.len()], mac);
        checked += 1;
    }
    assert_eq!(checked, 80);
}

#[test]
fn ecdh() {
    let Some(text) = vectors("cavp/dh/KAS_ECC_CDH_P256_P384_P521.txt") else {
        return;
    };
    let mut checked = 0;
    for record in records(&text) {
        let id = match record[0].0.as_str() {
            "P-256" => KeMethod::ECP_256,
            "P-384" => KeMethod::ECP_384,
            "P-521" => KeMethod::ECP_521,
            other => panic!("unknown curve {other}"),
        };
        let ke = real().ke(id).unwrap();
        let padded = |name: &str| {
            let value = record.get(name);
            let digits = value
                .iter()
                .position(|&octet| octet != 0)
                .unwrap_or(value.len());
            let significant = &value[digits..];
            [
                vec![0; ke.spec().shared_len - significant.len()],
                significant.to_vec(),
            ]
            .concat()
        };
        let (ephemeral, public) = ke.dangerous_start_with(&padded("dIUT")).unwrap();
        assert_eq!(public, [padded("QIUTx"), padded("QIUTy")].concat());
        let peer = [padded("QCAVSx"), padded("QCAVSy")].concat();
        assert_eq!(ephemeral.finish(&peer).unwrap().expose(), padded("ZIUT"));
        checked += 1;
    }
    assert!(checked >= 60, "{checked} records");
}
