//! docs/symptoms.md says what `adit why` makes of what operators see; every row of it is tried here.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;

use adit_diagnose::{Answer, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z, after all of them.
const NOW: Wall = Wall(1_795_305_600_000);

#[test]
fn every_symptom_of_the_document_leads_to_its_verdict() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("../../docs/symptoms.md")).unwrap();
    let mut files: BTreeSet<String> = std::fs::read_dir(root.join("tests/symptoms"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut wrong = Vec::new();
    let rows = document
        .lines()
        .filter(|l| l.starts_with("| ") && l.contains("| `"));
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, evidence, expected] = cells.as_slice() else {
            panic!("not three cells: {row}");
        };
        let file = format!("{}.txt", evidence.trim_matches('`'));
        assert!(files.remove(&file), "{file} isn't there, or stands twice");
        let text = std::fs::read(root.join("tests/symptoms").join(&file)).unwrap();
        let verdict = diagnose(&case(None, vec![read(&file, Side::Local, &text, NOW)]));
        let possible: Vec<&str> = verdict.possible.iter().map(|p| p.cause.as_str()).collect();
        let causes: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        let fits = if expected.starts_with("undecided") {
            verdict.verdict == Answer::Undecided && causes.iter().all(|c| possible.contains(c))
        } else {
            verdict.cause() == causes.first().copied()
        };
        if !fits {
            wrong.push(format!(
                "{file}: {:?} {:?} {possible:?}, and not {expected}",
                verdict.verdict,
                verdict.cause()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.is_empty(), "no row for {files:?}");
}
