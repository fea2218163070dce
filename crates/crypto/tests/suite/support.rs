//! Hex, vectors and shortcuts.

use std::path::PathBuf;

use adit_crypto::{AeadKey, CipherKey, EncrKey, Provider, Random, Secret, provider};
use adit_wire::iana::EncrId;
use serde_json::Value;

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| u8::try_from(c.to_digit(16).expect("a hex digit")).unwrap())
        .collect();
    assert!(digits.len().is_multiple_of(2), "odd number of hex digits");
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Where the public vectors are, if they are at hand.
pub fn vectors_folder() -> PathBuf {
    std::env::var_os("ADIT_SHARED")
        .map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            PathBuf::from,
        )
        .join("vectors")
}

/// A file below the public vectors, or `None` after saying what is skipped.
pub fn vectors(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(vectors_folder().join(path)).ok();
    if text.is_none() {
        println!("skipped: {path} is not at hand");
    }
    text
}

pub fn json_vectors(path: &str) -> Option<Value> {
    vectors(path).map(|text| serde_json::from_str(&text).expect("vectors are JSON"))
}

/// Field access that fails loudly.
pub trait Fields {
    fn text(&self, field: &str) -> &str;
    fn octets(&self, field: &str) -> Vec<u8>;
    fn number(&self, field: &str) -> u64;
    fn list(&self, field: &str) -> &[Value];
}

impl Fields for Value {
    fn text(&self, field: &str) -> &str {
        self[field]
            .as_str()
            .unwrap_or_else(|| panic!("{field} is text in {self}"))
    }

    fn octets(&self, field: &str) -> Vec<u8> {
        hex(self.text(field))
    }

    fn number(&self, field: &str) -> u64 {
        self[field]
            .as_u64()
            .unwrap_or_else(|| panic!("{field} is a number in {self}"))
    }

    fn list(&self, field: &str) -> &[Value] {
        self[field]
            .as_array()
            .unwrap_or_else(|| panic!("{field} is a list in {self}"))
    }
}

/// `name = value` records of NIST response files, separated by blank lines; bracketed group headers are merged in.
pub fn records(text: &str) -> Vec<Vec<(String, String)>> {
    let mut group: Vec<(String, String)> = Vec::new();
    let mut out: Vec<Vec<(String, String)>> = Vec::new();
    let mut current: Vec<(String, String)> = Vec::new();
    let mut in_header = false;
    for line in text.lines().map(str::trim).chain([""]) {
        if line.starts_with('[') {
            if !in_header {
                group.clear();
            }
            in_header = true;
            let inner = line.trim_matches(|c| c == '[' || c == ']');
            let (name, value) = inner.split_once('=').unwrap_or((inner, ""));
            group.push((name.trim().to_owned(), value.trim().to_owned()));
        } else if let Some((name, value)) = line.split_once('=') {
            in_header = false;
            current.push((name.trim().to_owned(), value.trim().to_owned()));
        } else if line == "FAIL" {
            current.push(("FAIL".to_owned(), String::new()));
        } else if line.is_empty() && !current.is_empty() {
            let mut record = group.clone();
            record.append(&mut current);
            out.push(record);
        }
    }
    out
}

pub trait Record {
    fn get_text(&self, name: &str) -> Option<&str>;
    fn get(&self, name: &str) -> Vec<u8>;
}

impl Record for Vec<(String, String)> {
    fn get_text(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    fn get(&self, name: &str) -> Vec<u8> {
        hex(self
            .get_text(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}")))
    }
}

pub fn real() -> Provider {
    provider::aws_lc()
}

pub fn secret(octets: &[u8]) -> Secret {
    Secret::new(octets.to_vec())
}

pub fn aead(id: EncrId, material: &[u8]) -> Box<dyn AeadKey> {
    match real().encr(id).unwrap().key(material).unwrap() {
        EncrKey::Aead(key) => key,
        EncrKey::Cipher(_) => panic!("{id} is no combined mode"),
    }
}

pub fn cipher(id: EncrId, material: &[u8]) -> Box<dyn CipherKey> {
    match real().encr(id).unwrap().key(material).unwrap() {
        EncrKey::Cipher(key) => key,
        EncrKey::Aead(_) => panic!("{id} is a combined mode"),
    }
}

/// Hands out given octets, to inject what would be random.
pub struct Scripted(pub std::sync::Mutex<Vec<u8>>);

impl Random for Scripted {
    fn fill(&self, out: &mut [u8]) {
        let mut left = self.0.lock().unwrap();
        assert!(left.len() >= out.len(), "script too short");
        let rest = left.split_off(out.len());
        out.copy_from_slice(&std::mem::replace(&mut *left, rest));
    }
}
