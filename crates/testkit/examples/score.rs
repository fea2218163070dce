//! Judges labelled failures and tells how well: `cargo run -p adit-testkit --example score -- FILE…`.
//!
//! A file is a JSON array of cases with `id`, `evidence` (the text that was pasted), `decidable`, `primary` and
//! `accept` (cause ids that count as right). Each case becomes a line: right, wrong, or left open.

use std::process::ExitCode;

use adit_diagnose::{Answer, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;
use serde_json::Value;

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

fn main() -> ExitCode {
    let mut totals = [0_u32; 5];
    for path in std::env::args().skip(1) {
        let cases: Vec<Value> = match std::fs::read(&path).map(|b| serde_json::from_slice(&b)) {
            Ok(Ok(cases)) => cases,
            problem => {
                eprintln!("{path}: {problem:?}");
                return ExitCode::FAILURE;
            }
        };
        for case in &cases {
            let mark = judge(case);
            if let Some(total) = totals.get_mut(mark) {
                *total += 1;
            }
        }
    }
    let [right, wrong, open, left_open, overclaimed] = totals;
    println!(
        "decidable: {right} right, {wrong} wrong, {open} left open; undecidable: {left_open} left open, {overclaimed} overclaimed"
    );
    ExitCode::SUCCESS
}

fn judge(labelled: &Value) -> usize {
    let text = |key: &str| labelled.get(key).and_then(Value::as_str).unwrap_or("");
    let ids = |key: &str| -> Vec<&str> {
        let list = labelled.get(key).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    };
    let decidable = labelled
        .get("decidable")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let reading = read("paste", Side::Local, text("evidence").as_bytes(), NOW);
    let facts = reading.facts.len();
    let verdict = diagnose(&case(None, vec![reading]));
    let got = verdict.cause().unwrap_or(match verdict.verdict {
        Answer::Healthy => "healthy",
        _ => "undecided",
    });
    let mut accepted = ids("primary");
    accepted.extend(ids("accept"));
    let (mark, word) = match (decidable, verdict.verdict) {
        (true, Answer::Cause) if accepted.contains(&got) => (0, "right"),
        (true, Answer::Cause) => (1, "WRONG"),
        (true, _) => (2, "open"),
        (false, Answer::Undecided) => (3, "right"),
        (false, _) => (4, "OVERCLAIMED"),
    };
    let possible: Vec<&str> = verdict
        .possible
        .iter()
        .map(|p| p.cause.as_str())
        .take(4)
        .collect();
    println!(
        "{word:11} {:44} got {got} {possible:?} want {:?} ({facts} facts, {})",
        text("id"),
        ids("primary"),
        text("product")
    );
    mark
}
