//! Evidence with pseudonyms in the place of names and addresses leads to the same verdicts.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/pastes.rs"]
mod pastes;

use adit_diagnose::{Verdict, diagnose};
use adit_evidence::pseudonym::{MapKey, Pseudonyms};
use adit_evidence::{case, read};
use adit_model::fact::Case;

fn names() -> Pseudonyms {
    Pseudonyms::new(MapKey::new([0x5a; 32])).unwrap()
}

/// What a verdict comes to, without its words.
fn told(verdict: &Verdict) -> String {
    let findings: Vec<String> = verdict
        .findings
        .iter()
        .map(|f| format!("{} {:?}", f.cause, f.side))
        .collect();
    let possible: Vec<&str> = verdict.possible.iter().map(|p| p.cause.as_str()).collect();
    format!("{:?} {findings:?} {possible:?}", verdict.verdict)
}

/// A case as a report has it.
fn redacted(case: &Case) -> Case {
    let mut document = serde_json::to_value(case).unwrap();
    let mut names = names();
    names.learn(&document);
    names.document(&mut document);
    serde_json::from_value(document).unwrap()
}

#[test]
fn a_case_with_pseudonyms_leads_to_the_same_verdict() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for paste in pastes::all() {
        let readings = paste
            .pieces
            .iter()
            .map(|(side, file, text)| read(file, *side, text.as_bytes(), pastes::NOW))
            .collect();
        let raw = case(None, readings);
        let (raw, new) = (told(&diagnose(&raw)), told(&diagnose(&redacted(&raw))));
        tried += 1;
        if raw != new {
            wrong.push(format!("{}:\n  {raw}\n  {new}", paste.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Logs and listings of every product, line by line, before anything of them is understood.
#[test]
fn a_text_with_pseudonyms_leads_to_the_same_verdict() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for paste in pastes::all() {
        let names = std::cell::RefCell::new(names());
        let new = paste.judge(|text| {
            let lines = text
                .lines()
                .map(|line| names.borrow_mut().text(line) + "\n");
            lines.collect()
        });
        let raw = told(&paste.judge(ToOwned::to_owned));
        let new = told(&new);
        tried += 1;
        if raw != new {
            wrong.push(format!("{}:\n  {raw}\n  {new}", paste.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
