//! The JSON has the shape that scripts rely on: `adit.why/1`.

use adit_diagnose::Verdict;
use adit_model::reason::Refusal;
use serde_json::Value;

use crate::common::*;

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn has(value: &Value, wanted: &[&str]) {
    let have = keys(value);
    for key in wanted {
        assert!(have.contains(key), "{key} is missing from {have:?}");
    }
}

fn shape(verdict: &Verdict) -> Value {
    let json = serde_json::to_value(verdict).unwrap();
    has(
        &json,
        &["schema", "verdict", "findings", "ruled_out", "missing"],
    );
    assert_eq!(json["schema"], "adit.why/1");
    assert!(["cause", "healthy", "undecided"].contains(&json["verdict"].as_str().unwrap()));
    for f in json["findings"].as_array().unwrap() {
        has(
            f,
            &[
                "subject",
                "cause",
                "confidence",
                "side",
                "summary",
                "explanation",
                "evidence",
                "fix",
                "message_for_peer",
                "next",
            ],
        );
        assert!(
            ["local", "remote", "both", "path", "unknown"].contains(&f["side"].as_str().unwrap())
        );
        assert!((0.0..=1.0).contains(&f["confidence"].as_f64().unwrap()));
        has(&f["fix"], &["local", "remote"]);
        assert!(f["next"].as_array().unwrap().iter().all(Value::is_string));
        for e in f["evidence"].as_array().unwrap() {
            has(e, &["source", "line", "text"]);
        }
    }
    for r in json["ruled_out"].as_array().unwrap() {
        has(r, &["cause", "because"]);
    }
    for m in json["missing"].as_array().unwrap() {
        has(m, &["evidence", "collect"]);
    }
    // What is written reads back.
    assert_eq!(
        &serde_json::from_value::<Verdict>(json.clone()).unwrap(),
        verdict
    );
    json
}

#[test]
fn each_answer_has_its_shape() {
    let decided = Story::new().our_init(false).refused(
        Local,
        Responder,
        "IKE_AUTH",
        Refusal::AuthValue {
            claimed: "east.lab".parse().unwrap(),
            method: 2,
        },
    );
    let json = shape(&decided.verdict());
    assert_eq!(json["verdict"], "cause");
    assert_eq!(json["findings"][0]["cause"], "psk-mismatch");
    assert_eq!(json["findings"][0]["subject"], "office");
    let line = &json["findings"][0]["evidence"][0];
    assert_eq!(line["source"], "west events");
    assert!(line["line"].is_u64());

    let json = shape(&Story::new().child_up(Local, Initiator).verdict());
    assert_eq!(json["verdict"], "healthy");

    let json = shape(
        &Story::new()
            .initiating()
            .unprotected(14, "NO_PROPOSAL_CHOSEN", 2)
            .verdict(),
    );
    assert_eq!(json["verdict"], "undecided");
    assert_eq!(json["findings"], Value::Array(Vec::new()));
    for p in json["possible"].as_array().unwrap() {
        has(p, &["cause", "because", "separated_by"]);
    }
}
