//! `adit rehearse`: two configurations of any product in the virtual world.

use std::path::PathBuf;

use serde_json::Value;

use crate::program::{DONE, Dir, FINDINGS, USAGE, adit};

const KEY: &str = "a key for rehearsals";

/// Adit's end, 203.0.113.1, which begins.
fn ours(dir: &Dir, more: &str, esp: &str) -> String {
    dir.write("office.psk", KEY);
    let text = format!(
        "[tunnel.office]\nlocal = \"203.0.113.1\"\nremote = \"203.0.113.2\"\nlocal_id = \"west.example\"\nremote_id = \"east.example\"\nauth = {{ psk_file = \"office.psk\" }}\nike = [\"aes128gcm16-prfsha256-x25519\"]\n{more}\n[tunnel.office.child.lan]\nlocal_net = [\"10.1.0.0/24\"]\nremote_net = [\"10.2.0.0/24\"]\nesp = [\"{esp}\"]\n"
    );
    dir.write("adit.toml", &text)
}

/// strongSwan's end, 203.0.113.2.
fn theirs(dir: &Dir, esp: &str, key: &str) -> String {
    let text = format!(
        "connections {{\n  gw {{\n    version = 2\n    local_addrs = 203.0.113.2\n    remote_addrs = 203.0.113.1\n    proposals = aes128gcm16-prfsha256-curve25519\n    rekey_time = 3h\n    local {{\n      auth = psk\n      id = east.example\n    }}\n    remote {{\n      auth = psk\n      id = west.example\n    }}\n    children {{\n      net {{\n        local_ts = 10.2.0.0/24\n        remote_ts = 10.1.0.0/24\n        esp_proposals = {esp}\n      }}\n    }}\n  }}\n}}\nsecrets {{\n  ike-gw {{\n    secret = \"{key}\"\n  }}\n}}\n"
    );
    dir.write("swanctl.conf", &text)
}

fn stage<'d>(run: &'d Value, name: &str) -> &'d Value {
    let stages = run["stages"].as_array().unwrap();
    let found = stages.iter().find(|stage| stage["stage"] == name);
    found.unwrap_or_else(|| panic!("no stage {name}: {run}"))
}

#[test]
fn two_products_that_fit_live_through_every_renewal() {
    let dir = Dir::new("rehearse-fits");
    let (a, b) = (
        ours(&dir, "reauth = \"8h\"", "aes128gcm16-x25519"),
        theirs(&dir, "aes128gcm16-curve25519", KEY),
    );
    let ran = adit(&["rehearse", &a, &b, "--json"]).ends_with(DONE);
    assert!(!ran.out.contains(KEY));
    let document: Value = ran.json();
    assert_eq!(document["schema"], "adit.rehearse/1");
    assert_eq!(
        (&document["result"], &document["method"]),
        (&"works".into(), &"played".into())
    );
    let runs = document["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "only A begins: {document}");
    assert_eq!(runs[0]["initiator"], "A");
    assert_eq!(runs[0]["by_itself"], true);
    for name in ["ike", "children", "traffic", "rekey-child", "rekey-ike"] {
        assert_eq!(
            stage(&runs[0], name)["outcome"],
            "passed",
            "{name}: {document}"
        );
    }
    // The first child rekey comes within the hour that is Adit's default, and no time passed for it.
    let seconds = stage(&runs[0], "rekey-child")["seconds"].as_f64().unwrap();
    assert!((3000.0..3700.0).contains(&seconds), "{seconds}");
    // The same seed tells the same story.
    let again = adit(&["rehearse", &a, &b, "--json"]).ends_with(DONE);
    assert_eq!(again.out, ran.out);
}

#[test]
fn a_pfs_mismatch_shows_at_the_first_rekey_and_not_before() {
    let dir = Dir::new("rehearse-pfs");
    let (a, b) = (
        ours(&dir, "", "aes128gcm16-x25519"),
        theirs(&dir, "aes128gcm16", KEY),
    );
    let document: Value = adit(&["rehearse", &a, &b, "--json"])
        .ends_with(FINDINGS)
        .json();
    let run = &document["runs"][0];
    assert_eq!(stage(run, "traffic")["outcome"], "passed");
    assert_eq!(stage(run, "rekey-child")["outcome"], "failed");
    assert_eq!(
        run["verdict"]["findings"][0]["cause"],
        "pfs-mismatch-at-rekey"
    );
    let text = adit(&["rehearse", &a, &b]).ends_with(FINDINGS).out;
    assert!(text.contains("FAIL  first child rekey"), "{text}");
    assert!(text.contains("pfs-mismatch-at-rekey"), "{text}");
}

#[test]
fn keys_are_compared_and_neither_shown() {
    let dir = Dir::new("rehearse-psk");
    let (a, b) = (
        ours(&dir, "", "aes128gcm16-x25519"),
        theirs(&dir, "aes128gcm16-curve25519", "their-own-7391-word"),
    );
    let ran = adit(&["rehearse", &a, &b, "--json"]).ends_with(FINDINGS);
    assert!(!ran.out.contains(KEY) && !ran.out.contains("7391"));
    let document: Value = ran.json();
    let run = &document["runs"][0];
    assert_eq!(stage(run, "ike")["outcome"], "failed");
    assert_eq!(run["verdict"]["findings"][0]["cause"], "psk-mismatch");
    // The initiator by itself can't know; the responder can.
    assert_eq!(run["alone"]["B"], "psk-mismatch");
}

#[test]
fn ikev1_is_compared_and_the_report_says_so() {
    let dir = Dir::new("rehearse-v1");
    let a = dir.write(
        "a.conf",
        "config setup\n\nconn a\n\tkeyexchange=ikev1\n\tleft=203.0.113.1\n\tright=203.0.113.2\n\tleftsubnet=10.1.0.0/24\n\trightsubnet=10.2.0.0/24\n\tauthby=secret\n\tike=aes128-sha256-modp2048!\n\tesp=aes128-sha256!\n\tauto=start\n",
    );
    let b = dir.write(
        "b.conf",
        "config setup\n\nconn b\n\tkeyexchange=ikev1\n\tleft=203.0.113.2\n\tright=203.0.113.1\n\tleftsubnet=10.2.0.0/24\n\trightsubnet=10.1.0.0/24\n\tauthby=secret\n\tike=aes256-sha256-modp2048!\n\tesp=aes128-sha256!\n\tauto=add\n",
    );
    let document: Value = adit(&["rehearse", &a, &b, "--json"])
        .ends_with(FINDINGS)
        .json();
    assert_eq!(document["method"], "compared");
    assert!(document["not_played"].as_str().unwrap().contains("IKEv1"));
    assert!(document["runs"].as_array().unwrap().is_empty());
    let causes = document["compared"]["findings"].to_string();
    assert!(causes.contains("ike-proposal-mismatch"), "{causes}");
    let text = adit(&["rehearse", &a, &b]).ends_with(FINDINGS).out;
    assert!(text.contains("Not played but compared"), "{text}");
}

#[test]
fn a_connection_is_chosen_by_name_and_one_end_is_refused() {
    let dir = Dir::new("rehearse-names");
    let (a, b) = (
        ours(&dir, "", "aes128gcm16-x25519"),
        theirs(&dir, "aes128gcm16-curve25519", KEY),
    );
    adit(&[
        "rehearse",
        &a,
        &b,
        "--connection",
        "A=office",
        "--connection",
        "B=gw",
    ])
    .ends_with(DONE);
    let wrong = adit(&["rehearse", &a, &b, "--connection", "B=nobody"]).ends_with(USAGE);
    assert!(
        wrong.err.contains("nobody") && wrong.err.contains("gw"),
        "{}",
        wrong.err
    );
    let alone = adit(&["rehearse", &a]).ends_with(USAGE);
    assert!(alone.err.contains("two ends"), "{}", alone.err);
}

/// Both ends of a tunnel that fits, as strongSwan has it: west begins.
const WEST: &str = "\
connections {
  gw {
    version = 2
    local_addrs = 192.0.2.1
    remote_addrs = 192.0.2.2
    proposals = aes128gcm16-prfsha256-curve25519
    rekey_time = 4h
    local {
      auth = psk
      id = west.example
    }
    remote {
      auth = psk
      id = east.example
    }
    children {
      net {
        local_ts = 10.1.0.0/24
        remote_ts = 10.2.0.0/24
        esp_proposals = aes128gcm16-curve25519
        rekey_time = 1h
        start_action = start
      }
    }
  }
}
secrets {
  ike-1 {
    secret = \"a key for rehearsals\"
  }
}
";

/// The other end of [`WEST`].
fn east() -> String {
    let mut text = WEST.replace("start_action = start", "start_action = none");
    for (west, east) in [
        ("192.0.2.1", "192.0.2.2"),
        ("west.example", "east.example"),
        ("10.1.0.0/24", "10.2.0.0/24"),
    ] {
        text = text
            .replace(west, "\u{0}")
            .replace(east, west)
            .replace('\u{0}', east);
    }
    text
}

/// What comes of both ends, each after its replacements.
fn changed(name: &str, west: &[(&str, &str)], east_: &[(&str, &str)], code: i32) -> Value {
    let dir = Dir::new(&format!("rehearse-{name}"));
    let apply = |text: String, changes: &[(&str, &str)]| {
        changes.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{name}: nothing says `{from}`");
            text.replace(from, to)
        })
    };
    let a = dir.write("west.conf", &apply(WEST.to_owned(), west));
    let b = dir.write("east.conf", &apply(east(), east_));
    adit(&["rehearse", &a, &b, "--json"]).ends_with(code).json()
}

type Changes = &'static [(&'static str, &'static str)];

#[test]
fn every_fault_of_a_configuration_is_met_where_it_shows_and_named() {
    let cases: [(&str, Changes, Changes, &str, &str); 8] = [
        (
            "auth",
            &[],
            &[(
                "remote {\n      auth = psk",
                "remote {\n      auth = pubkey",
            )],
            "ike",
            "auth-method-mismatch",
        ),
        (
            "esp",
            &[("= aes128gcm16-curve25519", "= aes256-sha256")],
            &[],
            "children",
            "esp-proposal-mismatch",
        ),
        (
            "ike",
            &[("aes128gcm16-prfsha256-curve25519", "aes256-sha256-modp2048")],
            &[],
            "ike",
            "ike-proposal-mismatch",
        ),
        (
            "pfs",
            &[],
            &[("= aes128gcm16-curve25519", "= aes128gcm16")],
            "rekey-child",
            "pfs-mismatch-at-rekey",
        ),
        (
            "networks",
            &[("10.2.0.0/24", "10.9.0.0/24")],
            &[],
            "children",
            "ts-mismatch",
        ),
        (
            "own-id",
            &[("id = west.example", "id = stranger.example")],
            &[],
            "ike",
            "id-mismatch",
        ),
        (
            "their-id",
            &[("id = east.example", "id = other.example")],
            &[],
            "ike",
            "id-mismatch",
        ),
        (
            "key",
            &[],
            &[("a key for rehearsals", "another key than that")],
            "ike",
            "psk-mismatch",
        ),
    ];
    for (name, west, east, stage, cause) in cases {
        let document = changed(name, west, east, FINDINGS);
        assert_eq!(document["method"], "played", "{name}");
        let runs = document["runs"].as_array().unwrap();
        assert_eq!(runs.len(), 1, "{name}");
        let last = runs[0]["stages"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["stage"], &last["outcome"]),
            (&stage.into(), &"failed".into()),
            "{name}: {document}"
        );
        assert_eq!(runs[0]["verdict"]["findings"][0]["cause"], cause, "{name}");
    }
}

#[test]
fn what_fits_works_and_what_has_no_version_in_common_is_compared() {
    const CBC: &[(&str, &str)] = &[
        ("aes128gcm16-prfsha256-curve25519", "aes256-sha512-modp2048"),
        ("= aes128gcm16-curve25519", "= aes256-sha256"),
    ];
    for (name, west, east) in [
        ("fits", &[][..], &[][..]),
        ("cbc", CBC, CBC),
        (
            "any-id",
            &[("id = east.example", "id = %any")][..],
            &[("id = east.example", "id = whoever.example")][..],
        ),
    ] {
        let document = changed(name, west, east, DONE);
        assert_eq!(
            (&document["result"], &document["method"]),
            (&"works".into(), &"played".into()),
            "{name}"
        );
    }
    let version = &[("version = 2", "version = 1")][..];
    for (name, west, east) in [("v1-v2", version, &[][..]), ("v2-v1", &[][..], version)] {
        let document = changed(name, west, east, FINDINGS);
        assert_eq!(document["method"], "compared", "{name}");
    }
}

/// With a second child of one end alone.
const SECOND: &str = "children {
      voice {
        local_ts = 10.2.7.0/24
        remote_ts = 10.1.0.0/24
        esp_proposals = aes128gcm16-curve25519
      }";

/// Nobody asks for it, and it would be refused.
#[test]
fn a_child_that_only_the_answering_end_has_does_not_work() {
    let document = changed("lonely", &[], &[("children {", SECOND)], FINDINGS);
    assert_eq!(document["result"], "fails");
    let children = stage(&document["runs"][0], "children");
    assert_eq!(children["outcome"], "failed");
    let detail = children["detail"].as_str().unwrap();
    assert!(
        detail.contains("voice of") && detail.contains("can't come up"),
        "{detail}"
    );
    let findings = document["compared"]["findings"].as_array().unwrap();
    assert!(
        findings.iter().any(
            |f| f["cause"] == "ts-mismatch" && f["summary"].as_str().unwrap().contains("voice")
        ),
        "{findings:?}"
    );
    // What passes in clear is no child of the tunnel.
    let pass = SECOND.replace("esp_proposals = aes128gcm16-curve25519", "mode = pass");
    let works = changed("passing", &[], &[("children {", &pass)], DONE);
    let left_out = works["left_out"].to_string();
    assert!(left_out.contains("voice"), "{left_out}");
    // A wider child of the other end holds both, and each end begins with its own.
    let wide = changed(
        "wide",
        &[("10.2.0.0/24", "10.2.0.0/16")],
        &[
            ("children {", SECOND),
            ("start_action = none", "start_action = start"),
        ],
        DONE,
    );
    assert_eq!(wide["result"], "works");
    let left_out = wide["left_out"].to_string();
    assert!(
        left_out.contains("isn't asked for by the other end"),
        "{left_out}"
    );
}

/// Compared instead of played, the same.
#[test]
fn a_child_without_a_counterpart_fails_with_ikev1_too() {
    const V1: (&str, &str) = ("version = 2", "version = 1");
    const IKE: (&str, &str) = ("aes128gcm16-prfsha256-curve25519", "aes128-sha256-modp2048");
    let fits = changed("v1-fits", &[V1, IKE], &[V1, IKE], DONE);
    assert_eq!(fits["method"], "compared");
    let lonely = changed(
        "v1-lonely",
        &[V1, IKE],
        &[V1, IKE, ("children {", SECOND)],
        FINDINGS,
    );
    assert_eq!(lonely["result"], "fails");
}

/// What really came of each run of the lab, where its configurations tell.
#[test]
fn rehearsals_agree_with_the_runs_of_the_lab() {
    let shared = std::env::var_os("ADIT_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let lab = shared.join("lab/faults");
    if !lab.is_dir() {
        eprintln!("skipped: the lab's configurations aren't here; those above are the same faults");
        return;
    }
    let rehearsed = |run: &str, code: i32| -> Value {
        let at = |side: &str| lab.join(run).join(side).display().to_string();
        adit(&["rehearse", &at("west"), &at("east"), "--json"])
            .ends_with(code)
            .json()
    };
    for (run, stage, cause) in [
        ("auth-method-mismatch", "ike", "auth-method-mismatch"),
        ("esp-proposal-mismatch", "children", "esp-proposal-mismatch"),
        ("ike-proposal-mismatch", "ike", "ike-proposal-mismatch"),
        ("pfs-mismatch-rekey", "rekey-child", "pfs-mismatch-at-rekey"),
        ("ts-mismatch", "children", "ts-mismatch"),
        ("wrong-local-id", "ike", "id-mismatch"),
        ("wrong-psk", "ike", "psk-mismatch"),
        ("wrong-remote-id", "ike", "id-mismatch"),
    ] {
        let document = rehearsed(run, FINDINGS);
        for one in document["runs"].as_array().unwrap() {
            let stages = one["stages"].as_array().unwrap();
            let last = stages.last().unwrap();
            assert_eq!(
                (&last["stage"], &last["outcome"]),
                (&stage.into(), &"failed".into()),
                "{run}"
            );
            assert_eq!(one["verdict"]["findings"][0]["cause"], cause, "{run}");
        }
    }
    for (run, cause) in [
        ("expired-cert", "cert-expired"),
        ("untrusted-ca", "ca-not-trusted"),
    ] {
        let document = rehearsed(run, FINDINGS);
        assert_eq!(document["besides"][0], cause, "{run}");
    }
    for run in ["ike-proposal-mismatch-ikev1", "ikev1-vs-ikev2"] {
        assert_eq!(rehearsed(run, FINDINGS)["method"], "compared", "{run}");
    }
    // Faults of paths aren't in the configurations.
    for run in [
        "dh-group-invalid-ke",
        "dpd-timeout",
        "esp-in-udp-blocked-later",
        "ok-ikev1-main",
        "ok-ikev2-cbc-sha2",
        "ok-ikev2-ecdsa",
        "ok-ikev2-psk",
        "ok-remote-id-any",
        "peer-down",
        "udp4500-blocked",
        "udp500-blocked",
    ] {
        assert_eq!(rehearsed(run, DONE)["result"], "works", "{run}");
    }
}
