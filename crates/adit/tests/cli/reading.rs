//! What `adit read` shows of a capture, and what a capture alone can decide.

use std::net::IpAddr;
use std::path::PathBuf;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::capture::{Capture, Vantage, case, pairs, read};
use serde_json::Value;

use crate::program::{DONE, Dir, Ran, USAGE, adit, command};

/// Captures of real tunnels between two strongSwan gateways, good and broken: one file a fault.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../evidence/tests/captures/{name}.pcap"))
}

fn capture(name: &str) -> Capture {
    read(&std::fs::read(file(name)).unwrap()).unwrap()
}

fn verdict(name: &str, initiator: bool) -> Verdict {
    let capture = capture(name);
    let (a, b) = pairs(&capture)[0];
    let (local, peer): (IpAddr, IpAddr) = if initiator { (a, b) } else { (b, a) };
    diagnose(&case(
        &capture,
        &Vantage {
            local,
            peer,
            file: "wire.pcap",
        },
    ))
}

fn said(v: &Verdict) -> String {
    match v.verdict {
        Answer::Healthy => "healthy".to_owned(),
        Answer::Undecided => "undecided".to_owned(),
        Answer::Cause => v.cause().unwrap().to_owned(),
    }
}

/// File; what may be said beside the initiator; what may be said beside the responder.
const RUNS: &[(&str, &str, &str)] = &[
    ("auth-method-mismatch", "undecided", "undecided"),
    ("dh-group-invalid-ke", "healthy", "healthy"),
    ("dpd-timeout", "undecided", "undecided"),
    (
        "esp-in-udp-blocked-later",
        "underlay-loss-or-flap",
        "underlay-loss-or-flap",
    ),
    ("esp-proposal-mismatch", "undecided", "undecided"),
    ("expired-cert", "undecided", "undecided"),
    ("ike-proposal-mismatch", "undecided", "undecided"),
    ("ike-proposal-mismatch-ikev1", "undecided", "undecided"),
    ("ikev1-vs-ikev2", "undecided", "undecided"),
    ("ok-ikev1-aggressive", "healthy", "healthy"),
    ("ok-ikev1-main", "healthy", "healthy"),
    ("ok-ikev2-cbc-sha2", "healthy", "healthy"),
    ("ok-ikev2-ecdsa", "healthy", "healthy"),
    ("ok-ikev2-psk", "healthy", "healthy"),
    // The last packet tells the responder that nobody listens any more: the initiator was stopped.
    ("ok-ikev2-psk-keys", "healthy", "undecided"),
    // No traffic was sent, so that it looks like a tunnel whose child was refused.
    ("ok-remote-id-any", "undecided", "undecided"),
    ("peer-down", "undecided", "undecided"),
    ("pfs-mismatch-rekey", "undecided", "undecided"),
    ("ts-mismatch", "undecided", "undecided"),
    ("udp4500-blocked", "udp4500-blocked", "undecided"),
    ("udp500-blocked", "undecided", "undecided"),
    ("untrusted-ca", "undecided", "undecided"),
    ("wrong-local-id", "undecided", "undecided"),
    ("wrong-psk", "undecided", "undecided"),
    ("wrong-remote-id", "undecided", "undecided"),
];

#[test]
fn the_wire_alone_never_misleads() {
    let mut wrong = Vec::new();
    for (name, initiator, responder) in RUNS {
        for (beside_initiator, want) in [(true, *initiator), (false, *responder)] {
            let v = verdict(name, beside_initiator);
            if said(&v) != want {
                wrong.push(format!(
                    "{name}, beside the {}: {} instead of {want}: {}",
                    if beside_initiator {
                        "initiator"
                    } else {
                        "responder"
                    },
                    said(&v),
                    v.summary
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn shown(name: &str) -> String {
    adit(&["read", file(name).to_str().unwrap()])
        .ends_with(DONE)
        .out
}

#[test]
fn the_ladder_shows_who_asked_what_and_who_never_answered() {
    let text = shown("udp4500-blocked");
    for part in [
        "5 IKE messages",
        "IKEv2  192.168.0.1:500 → 192.168.0.2:500",
        "──▶ IKE_SA_INIT request 0",
        "◀── IKE_SA_INIT response 0",
        "offers aes128gcm16-prfsha256-x25519",
        "chooses aes128gcm16-prfsha256-x25519",
        "now between 192.168.0.1:4500 and 192.168.0.2:4500",
        "repeats 3",
        "… 1.300 s later",
        "no answer: IKE_AUTH request 1 of frame 3, sent 3 times",
    ] {
        assert!(text.contains(part), "{part:?} isn't in:\n{text}");
    }
    let text = shown("pfs-mismatch-rekey");
    for part in [
        "Protected traffic",
        "esp in UDP  192.168.0.1:4500 → 192.168.0.2:4500: 4 packets",
        "192.168.0.1 says: port unreachable",
    ] {
        assert!(text.contains(part), "{part:?} isn't in:\n{text}");
    }
    assert!(!text.contains("no answer"), "{text}");
}

#[test]
fn the_document_has_what_the_text_has() {
    let path = file("dh-group-invalid-ke");
    let document: Value = adit(&["read", "--json", path.to_str().unwrap()])
        .ends_with(DONE)
        .json();
    assert_eq!(document["schema"], "adit.read/1");
    assert_eq!(document["packets"], 12);
    let messages = document["conversations"][0]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 8);
    assert_eq!(messages[1]["notifies"][0]["name"], "INVALID_KE_PAYLOAD");
    assert_eq!(messages[2]["key_exchange"], "x25519");
    assert_eq!(document["flows"].as_array().unwrap().len(), 2);
    assert_eq!(document["flows"][0]["one_way"], false);

    // The documented example has the fields that there are.
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let example = docs
        .split("```json\n")
        .find(|b| b.contains("adit.read/1\""));
    let example = example.unwrap().split_once("\n```").unwrap().0;
    let example: Value = serde_json::from_str(example).unwrap();
    let fields = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&example), fields(&document));
    for list in ["conversations", "flows"] {
        assert_eq!(
            fields(&example[list][0]),
            fields(&document[list][0]),
            "{list}"
        );
    }
}

#[test]
fn standard_input_is_a_file_too() {
    let path = file("ok-ikev1-main");
    let mut piped = command(&["read", "-", "--json"]);
    piped.stdin(std::fs::File::open(&path).unwrap());
    let piped: Value = Ran::from(piped.output().unwrap()).ends_with(DONE).json();
    let named: Value = adit(&["read", "--json", path.to_str().unwrap()]).json();
    assert_eq!(piped["file"], "standard input");
    assert_eq!(piped["conversations"], named["conversations"]);
    assert_eq!(piped["conversations"][0]["version"], 1);
}

#[test]
fn what_is_no_capture_is_a_usage_error() {
    let missing = adit(&["read", "/nonexistent/wire.pcap"])
        .ends_with(USAGE)
        .only_complains();
    assert!(missing.err.contains("/nonexistent/wire.pcap"));
    let dir = Dir::new("no-capture");
    let log = dir.at("charon.log");
    std::fs::write(&log, "05[IKE] initiating IKE_SA gw[1]\n").unwrap();
    let refused = adit(&["read", &log]).ends_with(USAGE).only_complains();
    assert!(refused.err.contains("not a capture"), "{}", refused.err);
}

/// Nothing is passed over in silence.
#[test]
fn what_could_not_be_read_is_counted() {
    let dir = Dir::new("cut");
    let bytes = std::fs::read(file("ok-ikev2-psk")).unwrap();
    let cut = dir.at("cut.pcap");
    std::fs::write(&cut, &bytes[..bytes.len() - 5]).unwrap();
    let text = adit(&["read", &cut]).ends_with(DONE).out;
    assert!(
        text.contains("Couldn't be read\n  1 × the file ends inside a record"),
        "{text}"
    );
}
