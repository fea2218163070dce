//! `adit why` on logs of other gateways: no gateway of ours is asked.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{DONE, Dir, FINDINGS, USAGE, adit, command};

fn log(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../evidence/tests/fixtures")
        .join(name)
        .display()
        .to_string()
}

#[test]
fn a_log_leads_to_the_cause_and_quotes_its_line() {
    let file = log("wrong-psk-east.log");
    let ran = adit(&["why", &file, "--json"]).ends_with(FINDINGS);
    assert!(ran.err.contains("strongSwan"), "{}", ran.err);
    let verdict: Value = ran.json();
    assert_eq!(verdict["schema"], "adit.why/1");
    assert_eq!(verdict["subject"], "gw");
    let finding = &verdict["findings"][0];
    assert_eq!(finding["cause"], "psk-mismatch");
    let quoted = &finding["evidence"][0];
    assert_eq!(quoted["source"], file.as_str());
    let text = std::fs::read_to_string(&file).unwrap();
    let line = usize::try_from(quoted["line"].as_u64().unwrap()).unwrap();
    assert_eq!(text.lines().nth(line - 1), quoted["text"].as_str());
    let human = adit(&["why", &file]).ends_with(FINDINGS);
    let words: Vec<&str> = human.out.split_whitespace().collect();
    assert!(
        words.join(" ").contains("but MAC mismatched"),
        "{}",
        human.out
    );
}

#[test]
fn both_sides_know_what_one_cannot() {
    let (west, east) = (
        log("wrong-local-id-west.log"),
        log("wrong-local-id-east.log"),
    );
    let alone: Value = adit(&["why", &west, "--json"]).ends_with(FINDINGS).json();
    assert_eq!(alone["verdict"], "undecided");
    for sides in [
        &["why", &west, "--remote", &east, "--json"][..],
        &["why", "--local", &west, "--remote", &east, "--json"],
    ] {
        let verdict: Value = adit(sides).ends_with(FINDINGS).json();
        assert_eq!(verdict["findings"][0]["cause"], "id-mismatch");
        assert_eq!(verdict["findings"][0]["side"], "local");
    }
}

#[test]
fn standard_input_is_a_file_and_a_good_tunnel_is_no_finding() {
    let text = std::fs::read(log("ok-ikev2-psk-west.log")).unwrap();
    let mut piped = command(&["why", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    piped.stdin.take().unwrap().write_all(&text).unwrap();
    let ran = piped.wait_with_output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("standard input: strongSwan"));
}

#[test]
fn what_was_read_can_be_exported_and_read_again() {
    let dir = Dir::new("evidence-export");
    let (west, east) = (log("ts-mismatch-west.log"), log("ts-mismatch-east.log"));
    let theirs = adit(&["why", &east, "--export"]).ends_with(DONE);
    let theirs = dir.write("east.json", &theirs.out);
    let verdict: Value = adit(&["why", &west, "--remote", &theirs, "--json"])
        .ends_with(FINDINGS)
        .json();
    assert_eq!(verdict["findings"][0]["cause"], "ts-mismatch");
}

#[test]
fn what_tells_nothing_leaves_the_verdict_open_and_says_so() {
    let dir = Dir::new("evidence-unknown");
    let file = dir.write("notes.txt", "the tunnel is broken again\n");
    let ran = adit(&["why", &file, "--json"]).ends_with(FINDINGS);
    assert!(ran.err.contains("notes.txt"), "{}", ran.err);
    let verdict: Value = ran.json();
    assert_eq!(verdict["verdict"], "undecided");
    assert!(!verdict["missing"].as_array().unwrap().is_empty());
    let empty = dir.write("empty.log", "");
    let ran = adit(&["why", &empty]).ends_with(USAGE).only_complains();
    assert!(
        ran.err.contains("empty.log") && ran.err.contains("strongSwan"),
        "{}",
        ran.err
    );
    let missing = adit(&["why", "./no-such.log"]).ends_with(USAGE);
    assert!(missing.err.contains("no-such.log"), "{}", missing.err);
    adit(&["why", "one", "two"])
        .ends_with(USAGE)
        .only_complains();
}
