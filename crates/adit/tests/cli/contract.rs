//! Without a gateway: exit codes, and documents that are valid all the same.

use std::io::Read;
use std::process::Stdio;

use adit_diagnose::{Answer, Verdict, rules};
use serde_json::Value;

use crate::program::{CANNOT_OBSERVE, DONE, Dir, FINDINGS, USAGE, adit, command};

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    for wrong in [
        &["frobnicate"][..],
        &["status", "--jsn"],
        &["up"],
        &["status", "--watch", "--json"],
        &["why", "--export", "--json"],
        &["demo", "--break", "gremlins"],
        &["demo", "--virtual", "--keep"],
        &["demo", "--pcap", "/nowhere/wire.pcapng"],
        &["run", "--backend", "abacus"],
        &["--color", "sometimes", "status"],
        &["why", "other-side.log"],
        &["why", "./case.json"],
        &["why", "-"],
        &["check", "--live", "office", "shop"],
        &["check", "--live", "--local", "a.conf"],
        &["apply"],
        &["apply", "adit.toml", "--confirm", "sometime"],
        &["apply", "--keep"],
        &["apply", "/nowhere/adit.toml"],
    ] {
        adit(wrong).ends_with(USAGE).only_complains();
    }
    for right in [
        &["--help"][..],
        &["--version"],
        &["help", "why"],
        &["why", "-h"],
    ] {
        let ran = adit(right).ends_with(DONE);
        assert!(ran.err.is_empty() && !ran.out.is_empty());
    }
    // Without a word nothing is done, and help is shown where errors are.
    adit(&[]).ends_with(USAGE).only_complains();
}

#[test]
fn an_unknown_fault_is_refused_with_the_known_ones() {
    let ran = adit(&["demo", "--break", "gremlins"]).ends_with(USAGE);
    for fault in ["psk", "udp4500", "peer-down"] {
        assert!(ran.err.contains(fault), "{}", ran.err);
    }
}

#[test]
fn without_a_gateway_nothing_can_be_observed_and_that_is_a_finding_of_its_own() {
    let dir = Dir::new("absent");
    let state = dir.at("nothing-here");
    for asked in [
        &["status"][..],
        &["status", "--json"],
        &["status", "office"],
        &["up", "office"],
        &["down", "office"],
        &["show", "certs"],
        &["show", "policy", "office"],
        &["rekey", "office"],
        &["reset", "office", "--yes"],
        &["reset", "--all", "--dry-run"],
        &["reload"],
        &["check", "--live"],
        &["check", "--live", "office", "--json"],
        &["apply", "--confirm"],
        &["apply", "--revert"],
    ] {
        let ran = adit(&[asked, &["--state", &state]].concat()).ends_with(CANNOT_OBSERVE);
        let ran = ran.only_complains();
        assert!(
            ran.err.contains(&state) && ran.err.contains("adit run"),
            "{}",
            ran.err
        );
    }

    let ran = adit(&["why", "office", "--json", "--state", &state]).ends_with(FINDINGS);
    let verdict: Verdict = ran.json();
    assert_eq!(verdict.schema, "adit.why/1");
    assert_eq!(verdict.verdict, Answer::Cause);
    assert_eq!(verdict.subject, "office");
    assert_eq!(verdict.cause(), Some("daemon-not-running"));
    let finding = verdict.findings.first().unwrap();
    assert!(finding.fix.local.contains("adit run"));
    assert!(!finding.evidence.is_empty());
    // The document holds every field of the contract, whatever there is to say.
    let document: Value = ran.json();
    for key in ["schema", "verdict", "findings", "ruled_out", "missing"] {
        assert!(document.get(key).is_some(), "{key}");
    }

    let text = adit(&["why", "--state", &state]).ends_with(FINDINGS).out;
    assert!(text.contains("daemon-not-running"), "{text}");
}

#[test]
fn a_state_directory_that_is_not_ours_to_use_is_said_so() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: a closed control socket: only root can be someone else");
        return;
    }
    let dir = Dir::new("closed");
    let _listener =
        std::os::unix::net::UnixListener::bind(dir.path().join("control.sock")).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let program = Dir::new("program");
    let copy = crate::demo_real::for_everyone(&program);
    let ran: crate::program::Ran = std::process::Command::new(copy)
        .args(["status", "--state", &dir.at("")])
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap()
        .into();
    let ran = ran.ends_with(CANNOT_OBSERVE).only_complains();
    assert!(ran.err.contains("permission"), "{}", ran.err);
}

#[test]
fn explain_knows_every_cause_and_guesses_at_others() {
    let listed: Value = adit(&["explain", "--json"]).ends_with(DONE).json();
    assert_eq!(listed["schema"], "adit.explain/1");
    let causes = listed["causes"].as_array().unwrap();
    assert_eq!(causes.len(), rules().count());
    let text = adit(&["explain"]).ends_with(DONE).out;
    assert_eq!(text.lines().count(), rules().count());

    for rule in rules() {
        assert!(text.contains(rule.id));
        let page: Value = adit(&["explain", rule.id, "--json"]).ends_with(DONE).json();
        let page = &page["causes"][0];
        assert_eq!(page["cause"], rule.id);
        for key in [
            "title",
            "what",
            "initiator_sees",
            "responder_sees",
            "source",
        ] {
            assert!(
                page[key].as_str().is_some_and(|t| !t.is_empty()),
                "{key} of {}",
                rule.id
            );
        }
        assert!(
            !page["fix"].as_array().unwrap().is_empty(),
            "fix of {}",
            rule.id
        );
        for alike in page["look_alikes"].as_array().unwrap() {
            assert!(alike["cause"].is_string() && alike["told_apart_by"].is_string());
        }
    }

    let ran = adit(&["explain", "psk-mismach"])
        .ends_with(USAGE)
        .only_complains();
    assert!(
        ran.err.contains("did you mean `psk-mismatch`?"),
        "{}",
        ran.err
    );
    let ran = adit(&["explain", "xyzzy-plugh-frotz", "--json"]).ends_with(USAGE);
    ran.only_complains();
}

#[test]
fn colour_is_a_choice_and_never_in_a_pipe_by_itself() {
    let has_colour = |args: &[&str]| adit(args).out.contains('\x1b');
    assert!(!has_colour(&["explain", "psk-mismatch"]));
    assert!(has_colour(&[
        "explain",
        "psk-mismatch",
        "--color",
        "always"
    ]));
    assert!(!has_colour(&[
        "--color",
        "never",
        "explain",
        "psk-mismatch"
    ]));
    // What is coloured is also written out.
    let plain = adit(&["explain", "psk-mismatch"]).out;
    let coloured = adit(&["explain", "psk-mismatch", "--color=always"]).out;
    assert_eq!(plain, without_colour(&coloured));
    // An order on the command line outranks the environment.
    let mut asked = command(&["explain", "psk-mismatch", "--color", "always"]);
    let out = asked.env("NO_COLOR", "1").output().unwrap().stdout;
    assert!(out.contains(&b'\x1b'));
}

fn without_colour(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, code)) = rest.split_once('\x1b') {
        out.push_str(before);
        rest = code.split_once('m').unwrap().1;
    }
    out + rest
}

#[test]
fn a_reader_who_leaves_changes_nothing() {
    let dir = Dir::new("pipe");
    let state = dir.at("none");
    for (args, code) in [
        (&["explain", "--json"][..], DONE),
        (&["explain"], DONE),
        (&["why", "--state", &state], FINDINGS),
        (&["demo", "--virtual", "--break", "psk"], DONE),
    ] {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let status = child.wait().unwrap();
        assert_eq!(said, "", "{args:?}");
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}
