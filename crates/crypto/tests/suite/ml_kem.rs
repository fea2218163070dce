//! ML-KEM against FIPS 203's own examples: Wycheproof, NIST ACVP and the KATs of the reference implementation.

use std::sync::Mutex;

use adit_crypto::{KeError, KeyExchange};
use adit_wire::iana::KeMethod;
use serde_json::Value;

use crate::support::{Fields, Record, Scripted, json_vectors, real, records, vectors};

const SIZES: [(u16, KeMethod); 3] = [
    (512, KeMethod::ML_KEM_512),
    (768, KeMethod::ML_KEM_768),
    (1024, KeMethod::ML_KEM_1024),
];

fn method(id: KeMethod) -> &'static dyn KeyExchange {
    real().ke(id).unwrap()
}

/// Encapsulates under `ek` with the random octets `m`.
fn encapsulate(
    ke: &'static dyn KeyExchange,
    ek: &[u8],
    m: Vec<u8>,
) -> Result<(Vec<u8>, Vec<u8>), KeError> {
    let random = Scripted(Mutex::new(m));
    let (ciphertext, shared) = ke.respond(&random, ek)?;
    Ok((ciphertext, shared.expose().to_vec()))
}

fn tests(name: &str) -> Option<Vec<Value>> {
    let file = json_vectors(&format!("wycheproof/{name}.json"))?;
    let groups = file.list("testGroups").iter();
    Some(groups.flat_map(|g| g.list("tests").to_vec()).collect())
}

/// Keys from seeds, and what is decapsulated: a ciphertext of the right length always gives a secret, of the wrong
/// length never (abuse case 72).
#[test]
fn wycheproof_decapsulation() {
    for (size, id) in SIZES {
        let Some(tests) = tests(&format!("mlkem_{size}_test")) else {
            return;
        };
        let mut refused = 0;
        for test in &tests {
            let seed = test.octets("seed");
            let Ok((ephemeral, public)) = method(id).dangerous_start_with(&seed) else {
                assert_eq!(test.text("result"), "invalid", "{test}");
                refused += 1;
                continue;
            };
            let valid = test.text("result") == "valid";
            if valid {
                assert_eq!(public, test.octets("ek"));
            }
            match ephemeral.finish(&test.octets("c")) {
                Ok(shared) => {
                    assert!(valid, "{test}");
                    assert_eq!(shared.expose(), test.octets("K"), "{test}");
                }
                Err(error) => {
                    assert!(!valid, "{test}");
                    assert!(matches!(error, KeError::WrongLength { .. }), "{error}");
                    refused += 1;
                }
            }
        }
        println!(
            "Wycheproof ML-KEM-{size}: {}, {refused} refused",
            tests.len()
        );
        assert!(tests.len() > 150 && refused > 0);
    }
}

/// Keys whose coefficients overflow the modulus are refused before anything is computed with them (abuse case 72).
#[test]
fn abuse_72_wycheproof_encapsulation() {
    for (size, id) in SIZES {
        let Some(tests) = tests(&format!("mlkem_{size}_encaps_test")) else {
            return;
        };
        let mut refused = 0;
        for test in &tests {
            match encapsulate(method(id), &test.octets("ek"), test.octets("m")) {
                Ok((ciphertext, shared)) => {
                    assert_eq!(test.text("result"), "valid", "{test}");
                    assert_eq!(ciphertext, test.octets("c"));
                    assert_eq!(shared, test.octets("K"));
                }
                Err(_) => {
                    assert_eq!(test.text("result"), "invalid", "{test}");
                    refused += 1;
                }
            }
        }
        println!(
            "Wycheproof ML-KEM-{size} encapsulation: {}, {refused} refused",
            tests.len()
        );
        assert!(tests.len() > 100 && refused > 10);
    }
}

#[test]
fn reference_kats() {
    for (size, id) in SIZES {
        let Some(text) = vectors(&format!("mlkem/kat_MLKEM_{size}_first10.rsp")) else {
            return;
        };
        let records = records(&text.replace("\ncount", "\n\ncount"));
        assert_eq!(records.len(), 10);
        for record in &records {
            let seed = [record.get("d"), record.get("z")].concat();
            let (ephemeral, public) = method(id).dangerous_start_with(&seed).unwrap();
            assert_eq!(public, record.get("pk"));
            let (ciphertext, shared) = encapsulate(method(id), &public, record.get("msg")).unwrap();
            assert_eq!(ciphertext, record.get("ct"));
            assert_eq!(shared, record.get("ss"));
            assert_eq!(ephemeral.finish(&ciphertext).unwrap().expose(), shared);
            // Implicit rejection: another ciphertext of the right length gives the secret of nobody.
            let rejected = ephemeral.finish(&record.get("ct_n")).unwrap();
            assert_eq!(rejected.expose(), record.get("ss_n"));
        }
    }
}

/// NIST's answers on encapsulation and on keys that fail the modulus check.
#[test]
fn acvp() {
    let (Some(prompts), Some(answers)) = (
        json_vectors("acvp/ML-KEM.vectors.json"),
        json_vectors("acvp/ML-KEM.expected.json"),
    ) else {
        return;
    };
    let mut checked = 0;
    let groups = prompts[1].list("testGroups").iter();
    for (group, answer) in groups.zip(answers[1].list("testGroups")) {
        let (_, id) = SIZES
            .into_iter()
            .find(|(size, _)| group.text("parameterSet") == format!("ML-KEM-{size}"))
            .unwrap();
        for (test, expected) in group.list("tests").iter().zip(answer.list("tests")) {
            match group.text("function") {
                "encapsulation" => {
                    let made = encapsulate(method(id), &test.octets("ek"), test.octets("m"));
                    let (ciphertext, shared) = made.unwrap();
                    assert_eq!(ciphertext, expected.octets("c"));
                    assert_eq!(shared, expected.octets("k"));
                }
                "encapsulationKeyCheck" => {
                    let made = encapsulate(method(id), &test.octets("ek"), vec![7; 32]);
                    assert_eq!(made.is_ok(), expected["testPassed"].as_bool().unwrap());
                }
                // Expanded decapsulation keys never come from outside: ours are made from seeds.
                _ => continue,
            }
            checked += 1;
        }
    }
    println!("ACVP ML-KEM: {checked}");
    assert_eq!(checked, 6);
}
