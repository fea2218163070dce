//! What people paste, and what is wrong with it: every file in `pastes/` is evidence, and its name says the verdict.
//!
//! `<verdict>--<what it is>.txt` is one paste, of the side that asks. `….local.txt` and `….remote.txt` are both sides'.
//! A verdict is a cause id, `undecided` or `healthy`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::Path;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

/// The verdict that a file's name gives, and whose evidence it is.
fn label(file: &str) -> (&str, &str, Side) {
    let stem = file.strip_suffix(".txt").expect("pastes are .txt");
    let (stem, side) = match stem.strip_suffix(".remote") {
        Some(stem) => (stem, Side::Remote),
        None => (stem.strip_suffix(".local").unwrap_or(stem), Side::Local),
    };
    let (verdict, _) = stem.split_once("--").expect("verdict--name.txt");
    (stem, verdict, side)
}

fn word(verdict: &Verdict) -> &str {
    match verdict.verdict {
        Answer::Healthy => "healthy",
        Answer::Undecided => "undecided",
        Answer::Cause => verdict.cause().unwrap(),
    }
}

#[test]
fn every_paste_leads_to_the_verdict_of_its_name() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pastes");
    let mut cases: BTreeMap<(String, String), Vec<(Side, String, Vec<u8>)>> = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let file = entry.file_name().into_string().unwrap();
        let (stem, verdict, side) = label(&file);
        let text = std::fs::read(entry.path()).unwrap();
        cases
            .entry((stem.to_owned(), verdict.to_owned()))
            .or_default()
            .push((side, file.clone(), text));
    }
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for ((stem, want), pieces) in &cases {
        let readings = pieces
            .iter()
            .map(|(side, file, text)| read(file, *side, text, NOW))
            .collect();
        let verdict = diagnose(&case(None, readings));
        let got = word(&verdict);
        if got != want {
            wrong.push(format!("{stem}: {got}: {}", verdict.summary));
        }
        for finding in &verdict.findings {
            assert!(!finding.evidence.is_empty(), "{stem} quotes nothing");
            assert!(!finding.message_for_peer.is_empty(), "{stem}");
            assert!(
                !finding.fix.local.is_empty() || !finding.fix.remote.is_empty(),
                "{stem} names no fix"
            );
        }
        if verdict.verdict == Answer::Undecided {
            assert!(
                !verdict.missing.is_empty(),
                "{stem} says not what is missing"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
