//! Other products' gateways: gathered from, followed, asked about.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{CANNOT_OBSERVE, DONE, Dir, FINDINGS, USAGE, adit, command};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evidence/tests/fixtures");
    std::fs::read_to_string(path.join(name)).unwrap()
}

#[test]
fn what_is_gathered_holds_no_secret_and_is_read_again() {
    let dir = Dir::new("collect");
    let log = dir.write(
        "gw.log",
        &format!(
            "{}\ngw : PSK \"hunter2\"\nsecret = hunter2\n",
            fixture("wrong-psk-east.log")
        ),
    );
    let bundle = dir.at("bundle.txt");
    let ran = adit(&[
        "collect",
        "--product",
        "strongswan",
        "--log",
        &log,
        "-o",
        &bundle,
    ]);
    let ran = ran.ends_with(DONE);
    assert!(
        ran.out.is_empty() && ran.err.contains("adit why"),
        "{}",
        ran.err
    );
    let text = std::fs::read_to_string(&bundle).unwrap();
    assert!(text.contains(&format!("==== file: {log} ====")));
    assert!(!text.contains("hunter2"), "a secret was handed on");
    let equal = text.matches("[secret 1]").count();
    assert_eq!(equal, 2, "equal secrets stay equal");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&bundle).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others can't read it");
    // This host's own state is part of the bundle, so another cause may stand first.
    let verdict: Value = adit(&["why", &bundle, "--json"]).ends_with(FINDINGS).json();
    assert!(verdict.to_string().contains("psk-mismatch"), "{verdict}");
}

#[test]
fn what_cannot_be_gathered_from_is_refused() {
    let ran = adit(&["collect", "--product", "abacus"]).ends_with(USAGE);
    assert!(ran.only_complains().err.contains("strongswan"));
    let dir = Dir::new("collect-missing");
    let (log, bundle) = (dir.at("no.log"), dir.at("bundle.txt"));
    let ran = adit(&[
        "collect",
        "--product",
        "racoon",
        "--log",
        &log,
        "-o",
        &bundle,
    ]);
    let ran = ran.ends_with(USAGE);
    assert!(ran.err.contains("no.log"), "{}", ran.err);
    assert!(!Path::new(&bundle).exists(), "nothing is begun");
}

#[test]
fn a_host_without_the_product_is_no_success() {
    if Path::new("/usr/sbin/racoonctl").exists() || Path::new("/etc/racoon").exists() {
        println!("skipped: gathering from a host without racoon, for this one has it");
        return;
    }
    let dir = Dir::new("collect-nothing");
    let bundle = dir.at("bundle.txt");
    let ran = adit(&["collect", "--product", "racoon", "-o", &bundle]).ends_with(CANNOT_OBSERVE);
    assert!(ran.err.contains("nothing of racoon"), "{}", ran.err);
    assert!(
        !Path::new(&bundle).exists(),
        "it isn't in the way of the next"
    );
}

#[test]
fn a_bundle_is_its_owners_and_replaces_nothing_unasked() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new("collect-again");
    let log = dir.write("gw.log", &fixture("wrong-psk-east.log"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let named = dir.write("bundle.txt", "older");
    std::fs::set_permissions(&named, std::fs::Permissions::from_mode(0o644)).unwrap();
    adit(&["collect", "--log", &log, "-o", &named]).ends_with(DONE);
    assert_eq!(mode(Path::new(&named)), 0o600, "also one that was there");

    let home = dir.at("home");
    std::fs::create_dir(&home).unwrap();
    let again = |code| {
        let out = command(&["collect", "--log", &log])
            .current_dir(&home)
            .output()
            .unwrap();
        let err = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(code), "{err}");
        err
    };
    again(DONE);
    let made: Vec<_> = std::fs::read_dir(&home).unwrap().flatten().collect();
    assert_eq!(made.len(), 1);
    assert_eq!(mode(&made[0].path()), 0o600);
    assert!(again(USAGE).contains("fix: -o FILE"));
}

#[test]
fn a_log_that_grows_is_followed_until_something_breaks() {
    let dir = Dir::new("follow");
    let text = fixture("wrong-psk-east.log");
    let lines: Vec<&str> = text.lines().collect();
    let (start, rest) = lines.split_at(20);
    let log = dir.write("gw.log", &format!("{}\n", start.join("\n")));
    let mut following = command(&["why", "-f", &log, "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(following.stdout.take().unwrap());
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    writeln!(file, "{}", rest.join("\n")).unwrap();
    let cause = loop {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended");
        let verdict: Value = serde_json::from_str(&line).unwrap();
        if verdict["verdict"] == "cause" {
            break verdict["findings"][0]["cause"].clone();
        }
    };
    following.kill().unwrap();
    following.wait().unwrap();
    assert_eq!(cause, "psk-mismatch");
}

#[test]
fn questions_are_put_where_the_evidence_ends() {
    let dir = Dir::new("ask");
    let log = dir.write("gw.log", &fixture("wrong-psk-west.log"));
    let mut asking = command(&["why", &log, "--ask", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    asking.stdin.take().unwrap().write_all(b"y\nq\n").unwrap();
    let ran = asking.wait_with_output().unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert!(err.contains("to find out:"), "{err}");
    let verdict: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(verdict["verdict"], "undecided");
    let out = verdict["ruled_out"].to_string();
    assert!(
        out.contains("? yes"),
        "the answer rules something out: {out}"
    );
    // The evidence can't come where the answers do.
    adit(&["why", "-", "--ask"])
        .ends_with(USAGE)
        .only_complains();
}

#[test]
fn both_sides_stand_in_one_order_of_time() {
    let dir = Dir::new("timeline");
    let west = dir.write("west.log", &fixture("wrong-psk-west.log"));
    let east = dir.write("east.log", &fixture("wrong-psk-east.log"));
    let ran = adit(&["why", &west, "--remote", &east, "--timeline"]).ends_with(FINDINGS);
    let (ours, peers) = (ran.out.find("ours "), ran.out.find("peer "));
    assert!(ours.is_some() && peers.is_some(), "{}", ran.out);
    assert!(ran.out.contains("psk-mismatch"));
}
