//! The demo in the virtual world, where nothing is needed and nothing varies.

use std::collections::BTreeSet;

use adit_diagnose::{Answer, Verdict, rules};
use serde_json::Value;

use crate::program::{DONE, adit};

/// The faults, and the cause that each has to be called.
pub const FAULTS: [(&str, &str); 10] = [
    ("psk", "psk-mismatch"),
    ("id", "id-mismatch"),
    ("proposal", "ike-proposal-mismatch"),
    ("dh", "ike-dh-group-mismatch"),
    ("esp", "esp-proposal-mismatch"),
    ("ts", "ts-mismatch"),
    ("udp500", "udp500-blocked"),
    ("udp4500", "udp4500-blocked"),
    ("peer-down", "peer-unreachable"),
    ("version", "ike-version-mismatch"),
];

/// What holds of every demo's document, in either world.
pub fn right(document: &Value, fault: &str, cause: &str) {
    assert_eq!(document["schema"], "adit.demo/1");
    assert_eq!(document["fault"], fault);
    assert_eq!(document["ok"], true);
    let steps = document["steps"].as_array().unwrap();
    assert!(steps.len() >= 4);
    assert!(steps.iter().all(|s| s["ok"] == true), "{steps:#?}");

    let wire = &document["wire"];
    assert_eq!(wire["clear"], 0, "packets left in clear");
    // To a host that is off not even its address is found, so nothing is sent.
    assert!(
        wire["ike"].as_u64().unwrap() > 0 || fault == "peer-down",
        "nothing was watched"
    );

    for key in ["verdict_one_side", "verdict_both_sides"] {
        let verdict: Verdict = serde_json::from_value(document[key].clone()).unwrap();
        assert_eq!(verdict.schema, "adit.why/1");
        assert_eq!(verdict.subject, "office");
        assert_ne!(verdict.verdict, Answer::Healthy, "{fault}, {key}");
        if verdict.verdict == Answer::Undecided {
            assert!(
                !verdict.missing.is_empty(),
                "{fault}: undecided, and nothing is missing"
            );
            assert!(verdict.findings.is_empty());
        }
        // One side alone may not know, but it never blames the wrong cause.
        assert!(verdict.names(cause), "{fault}, {key}: {verdict:#?}");
        for finding in &verdict.findings {
            assert!((0.0..=1.0).contains(&finding.confidence));
            assert!(
                !finding.evidence.is_empty(),
                "{fault}: a finding without evidence"
            );
            assert!(!finding.message_for_peer.is_empty());
        }
        let known: BTreeSet<&str> = rules().map(|rule| rule.id).collect();
        for id in verdict.ruled_out.iter().map(|r| r.cause.as_str()) {
            assert!(known.contains(id), "{id} has no page");
            assert_ne!(id, cause, "{fault} was ruled out");
        }
    }
}

fn virtual_demo(args: &[&str]) -> Value {
    adit(&[&["demo", "--virtual", "--json"], args].concat())
        .ends_with(DONE)
        .json()
}

#[test]
fn the_healthy_story_ends_with_a_fault() {
    let document = virtual_demo(&[]);
    assert_eq!(document["world"], "virtual");
    assert!(
        document.get("closed").is_none(),
        "the virtual world was asked for"
    );
    right(&document, "psk", "psk-mismatch");
    let traffic = &document["traffic"];
    assert_eq!(traffic["pings_sent"], traffic["pings_answered"]);
    assert!(traffic["pings_sent"].as_u64().unwrap() >= 8);
    assert!(traffic["bulk_octets"].as_u64().unwrap() >= 1 << 20);
    assert!(document["wire"]["esp"].as_u64().unwrap() > 1000);
}

#[test]
fn every_fault_is_found() {
    for (fault, cause) in FAULTS {
        let document = virtual_demo(&["--break", fault]);
        right(&document, fault, cause);
        assert_eq!(document["wire"]["esp"], 0, "{fault}");
        assert!(document.get("traffic").is_none());
    }
}

#[test]
fn two_runs_differ_in_nothing_but_the_time_they_take() {
    for fault in ["psk", "udp4500"] {
        let [one, other] = [(); 2].map(|()| {
            let mut document = virtual_demo(&["--break", fault]);
            for step in document["steps"].as_array_mut().unwrap() {
                step["at_ms"] = Value::Null;
            }
            document
        });
        assert_eq!(one, other);
    }
}

#[test]
fn with_json_the_story_goes_to_standard_error() {
    let ran = adit(&["demo", "--virtual", "--json", "--break", "ts"]).ends_with(DONE);
    let _: Value = ran.json();
    assert!(ran.err.contains("ts-mismatch"));
    let text = adit(&["demo", "--virtual", "--break", "ts"]).ends_with(DONE);
    assert!(text.out.contains("ts-mismatch") && text.err.is_empty());
}
