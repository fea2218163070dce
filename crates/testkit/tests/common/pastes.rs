//! The evidence in `pastes/`, read and judged.

#![allow(dead_code)] // each test file uses its part

use std::collections::BTreeMap;
use std::path::Path;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z, after all of them.
pub const NOW: Wall = Wall(1_795_305_600_000);

/// What somebody pasted.
pub struct Paste {
    /// The file's name without its ending.
    pub name: String,
    /// The verdict that the name gives.
    pub verdict: String,
    /// Each side's text, by the name of its file.
    pub pieces: Vec<(Side, String, String)>,
}

impl Paste {
    /// The verdict on it, after `change` was made to each text.
    pub fn judge(&self, change: impl Fn(&str) -> String) -> Verdict {
        let readings = self
            .pieces
            .iter()
            .map(|(side, file, text)| read(file, *side, change(text).as_bytes(), NOW))
            .collect();
        diagnose(&case(None, readings))
    }
}

/// All of them, in the order of their names.
pub fn all() -> Vec<Paste> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pastes");
    let mut pastes: BTreeMap<String, Paste> = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let file = entry.file_name().into_string().unwrap();
        let (stem, side) = whose(&file);
        let (verdict, _) = stem.split_once("--").expect("verdict--name.txt");
        let text = std::fs::read(entry.path()).unwrap();
        let paste = pastes.entry(stem.to_owned()).or_insert_with(|| Paste {
            name: stem.to_owned(),
            verdict: verdict.to_owned(),
            pieces: Vec::new(),
        });
        let text = String::from_utf8_lossy(&text).into_owned();
        paste.pieces.push((side, file.clone(), text));
    }
    assert!(!pastes.is_empty());
    pastes.into_values().collect()
}

/// `name.txt` and `name.local.txt` are ours, `name.remote.txt` is the peer's.
fn whose(file: &str) -> (&str, Side) {
    let stem = file.strip_suffix(".txt").expect("pastes are .txt");
    match stem.strip_suffix(".remote") {
        Some(stem) => (stem, Side::Remote),
        None => (stem.strip_suffix(".local").unwrap_or(stem), Side::Local),
    }
}

/// A verdict in one word.
pub fn word(verdict: &Verdict) -> &str {
    match verdict.verdict {
        Answer::Healthy => "healthy",
        Answer::Undecided => "undecided",
        Answer::Cause => verdict.cause().unwrap(),
    }
}
