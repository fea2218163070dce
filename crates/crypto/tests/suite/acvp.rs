//! NIST ACVP prompts with their expected answers.

use adit_wire::iana::{EncrId, PrfId};
use serde_json::Value;

use crate::support::{Fields, aead, json_vectors, real};

/// Prompts joined with answers by group and case id.
fn cases(name: &str) -> Option<Vec<(Value, Value, Value)>> {
    let prompts = json_vectors(&format!("acvp/{name}.vectors.json"))?;
    let answers = json_vectors(&format!("acvp/{name}.expected.json"))?;
    let groups = prompts[1]
        .list("testGroups")
        .iter()
        .zip(answers[1].list("testGroups"));
    Some(
        groups
            .flat_map(|(group, answer)| {
                let pairs = group.list("tests").iter().zip(answer.list("tests"));
                pairs.map(|(test, expected)| {
                    assert_eq!(test["tcId"], expected["tcId"]);
                    (group.clone(), test.clone(), expected.clone())
                })
            })
            .collect(),
    )
}

/// GCM, and GMAC as GCM without plaintext, with the tag lengths that IPsec knows.
#[test]
fn gcm_and_gmac() {
    for name in ["ACVP-AES-GCM", "ACVP-AES-GMAC"] {
        let Some(cases) = cases(name) else { return };
        let mut checked = 0;
        for (group, test, expected) in cases {
            let id = match group.number("tagLen") {
                128 => EncrId::ENCR_AES_GCM_16,
                96 => EncrId::ENCR_AES_GCM_12,
                64 => EncrId::ENCR_AES_GCM_8,
                _ => continue,
            };
            let nonce = test.octets("iv");
            let (salt, iv) = nonce.split_at(4);
            let key = aead(id, &[&test.octets("key"), salt].concat());
            let field = |value: &Value, name: &str| value.get(name).map(|_| value.octets(name));
            if group.text("direction") == "encrypt" {
                let mut body = field(&test, "pt").unwrap_or_default();
                let mut icv = vec![0; key_icv(id)];
                key.seal(iv, &test.octets("aad"), &mut body, &mut icv)
                    .unwrap();
                assert_eq!(body, field(&expected, "ct").unwrap_or_default());
                assert_eq!(icv, expected.octets("tag"));
            } else {
                let mut body = field(&test, "ct").unwrap_or_default();
                let good = key.open(iv, &test.octets("aad"), &mut body, &test.octets("tag"));
                assert_eq!(good, expected["testPassed"].as_bool().unwrap_or(true));
                if let (true, Some(plain)) = (good, field(&expected, "pt")) {
                    assert_eq!(body, plain);
                }
            }
            checked += 1;
        }
        println!("{name}: {checked}");
        assert!(checked >= 12, "{checked} cases");
    }
}

fn key_icv(id: EncrId) -> usize {
    real().encr(id).unwrap().spec().icv_len
}

#[test]
fn hmac_and_cmac() {
    for (name, id) in [
        ("HMAC-SHA-1", PrfId::PRF_HMAC_SHA1),
        ("HMAC-SHA2-256", PrfId::PRF_HMAC_SHA2_256),
        ("HMAC-SHA2-384", PrfId::PRF_HMAC_SHA2_384),
        ("HMAC-SHA2-512", PrfId::PRF_HMAC_SHA2_512),
        ("CMAC-AES", PrfId::PRF_AES128_CMAC),
    ] {
        let Some(cases) = cases(name) else { return };
        let cmac = id == PrfId::PRF_AES128_CMAC;
        let mut checked = 0;
        for (group, test, expected) in cases {
            if cmac && group.number("keyLen") != 128 || group.number("macLen") % 8 != 0 {
                continue;
            }
            let message = test.octets(if cmac { "message" } else { "msg" });
            let full = real()
                .prf(id)
                .unwrap()
                .compute(&test.octets("key"), &[&message]);
            if let Some(passed) = expected.get("testPassed") {
                let mac = test.octets("mac");
                assert_eq!(full.expose()[..mac.len()] == mac, passed.as_bool().unwrap());
            } else {
                let mac = expected.octets("mac");
                assert_eq!(full.expose()[..mac.len()], mac);
            }
            checked += 1;
        }
        println!("{name}: {checked}");
        assert!(checked > 0);
    }
}
