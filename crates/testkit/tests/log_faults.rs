//! Logs of real strongSwan daemons with a fault on purpose: what is read of them leads to the cause.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z, after all of the logs.
const NOW: Wall = Wall(1_795_305_600_000);

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("ADIT_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let faults = root.join("lab/faults");
    faults.is_dir().then_some(faults)
}

/// The verdict on the logs of a run, as the side that has the first of them sees it.
fn judge(run: &Path, files: &[(&str, Side)]) -> Verdict {
    let readings = files
        .iter()
        .map(|(name, side)| {
            let bytes = std::fs::read(run.join(name)).unwrap();
            let reading = read(name, *side, &bytes, NOW);
            assert!(!reading.recognised.is_empty(), "{name} isn't recognised");
            reading
        })
        .collect();
    diagnose(&case(None, readings))
}

/// What the verdict comes to, in the words of the labels.
fn word(verdict: &Verdict) -> String {
    match verdict.verdict {
        Answer::Healthy => "healthy".to_owned(),
        Answer::Undecided => "undecided".to_owned(),
        Answer::Cause => verdict.cause().unwrap_or_default().to_owned(),
    }
}

const SETS: [(&str, &[(&str, Side)]); 3] = [
    ("initiator", &[("west.log", Side::Local)]),
    ("responder", &[("east.log", Side::Local)]),
    (
        "both",
        &[("west.log", Side::Local), ("east.log", Side::Remote)],
    ),
];

/// Runs and sets of evidence whose cause has no rule yet. The verdict must be open, never a wrong cause.
const NOT_COVERED: [(&str, &str); 4] = [
    // A path that fails under a tunnel that is up.
    ("dpd-timeout", "both"),
    // A group of its own for the CHILD SA.
    ("pfs-mismatch-rekey", "initiator"),
    ("pfs-mismatch-rekey", "responder"),
    ("pfs-mismatch-rekey", "both"),
];

#[test]
fn every_run_of_the_lab_leads_to_an_accepted_verdict() {
    let Some(faults) = shared() else {
        println!("skipped: the lab's runs aren't here (ADIT_SHARED)");
        return;
    };
    let labels: serde_json::Value =
        serde_json::from_slice(&std::fs::read(faults.join("labels.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (run, accepted) in labels["runs"].as_object().unwrap() {
        for (set, files) in SETS {
            let verdict = judge(&faults.join(run), files);
            let got = word(&verdict);
            let right = accepted[set]
                .as_array()
                .unwrap()
                .iter()
                .any(|a| a.as_str() == Some(&got));
            let covered = !NOT_COVERED.contains(&(run.as_str(), set));
            if !right && (covered || got != "undecided") {
                wrong.push(format!("{run} {set}: {got}: {}", verdict.summary));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn real_failures_are_never_called_by_a_wrong_name() {
    let Some(cases) = shared().map(|s| s.join("../../cases/real-cases.json")) else {
        println!("skipped: the real failures aren't here (ADIT_SHARED)");
        return;
    };
    let cases: serde_json::Value = serde_json::from_slice(&std::fs::read(cases).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for one in cases.as_array().unwrap() {
        let text = one["evidence"].as_str().unwrap();
        let reading = read("paste", Side::Local, text.as_bytes(), NOW);
        let verdict = diagnose(&case(None, vec![reading]));
        let got = word(&verdict);
        let right = one["accept"].as_array().unwrap();
        if got != "undecided" && !right.iter().any(|a| a.as_str() == Some(&got)) {
            wrong.push(format!("{}: {got}: {}", one["id"], verdict.summary));
        }
        println!("{} {got}", one["id"]);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
