//! `adit check`: configurations of other products, one by itself and two against each other.

use std::path::PathBuf;

use adit_diagnose::{CheckReport, Outcome};

use crate::program::{DONE, Dir, FINDINGS, USAGE, adit};

/// The lab's runs with both ends' configurations, where they are at hand.
fn lab() -> Option<PathBuf> {
    let shared = std::env::var_os("ADIT_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let lab = shared.join("lab/faults");
    lab.is_dir().then_some(lab)
}

#[test]
fn both_ends_of_every_run_of_the_lab_are_predicted() {
    let Some(lab) = lab() else {
        eprintln!("skipped: the lab's configurations aren't here");
        return;
    };
    let mut runs = 0;
    for (run, cause, outcome) in [
        (
            "auth-method-mismatch",
            "auth-method-mismatch",
            Outcome::FailsAtIke,
        ),
        (
            "esp-proposal-mismatch",
            "esp-proposal-mismatch",
            Outcome::FailsAtChild,
        ),
        (
            "ike-proposal-mismatch",
            "ike-proposal-mismatch",
            Outcome::FailsAtIke,
        ),
        (
            "ike-proposal-mismatch-ikev1",
            "ike-proposal-mismatch",
            Outcome::FailsAtIke,
        ),
        (
            "ikev1-vs-ikev2",
            "ike-version-mismatch",
            Outcome::FailsAtIke,
        ),
        (
            "pfs-mismatch-rekey",
            "pfs-mismatch-at-rekey",
            Outcome::FailsAtFirstRekey,
        ),
        ("ts-mismatch", "ts-mismatch", Outcome::FailsAtChild),
        ("wrong-local-id", "id-mismatch", Outcome::FailsAtIke),
        ("wrong-psk", "psk-mismatch", Outcome::FailsAtIke),
        ("wrong-remote-id", "id-mismatch", Outcome::FailsAtIke),
    ] {
        let report = both(&lab, run, FINDINGS);
        assert_eq!(report.prediction, Some(outcome), "{run}");
        assert_eq!(report.findings[0].cause, cause, "{run}");
        assert_eq!(report.findings[0].evidence.len(), 2, "{run}");
        runs += 1;
    }
    // These have their certificates beside them, and the other end's folder of CAs as well: strongSwan trusts what is in
    // it and nothing else.
    for (run, cause) in [
        ("expired-cert", "cert-expired"),
        ("untrusted-ca", "ca-not-trusted"),
    ] {
        let report = both(&lab, run, FINDINGS);
        assert_eq!(report.prediction, Some(Outcome::FailsAtIke), "{run}");
        assert_eq!(report.findings[0].cause, cause, "{run}");
        runs += 1;
    }
    // Faults of paths aren't in the configurations; and these fit.
    for entry in std::fs::read_dir(&lab).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with("ok-")
            || [
                "dh-group-invalid-ke",
                "peer-down",
                "udp500-blocked",
                "udp4500-blocked",
            ]
            .contains(&name.as_str())
        {
            assert_eq!(both(&lab, &name, DONE).prediction, None, "{name}");
            runs += 1;
        }
    }
    assert_eq!(runs, 23);
}

fn both(lab: &std::path::Path, run: &str, code: i32) -> CheckReport {
    let at = |side: &str| lab.join(run).join(side).display().to_string();
    let ran = adit(&["check", &at("west"), &at("east"), "--json"]).ends_with(code);
    for secret in ["a-preshared-key-for-the-lab", "some-other-key"] {
        assert!(
            !ran.out.contains(secret) && !ran.err.contains(secret),
            "{run}"
        );
    }
    ran.json()
}

const LIBRESWAN: &str = "conn b
    left=192.0.2.1
    leftsubnet=10.1.0.0/24
    right=198.51.100.1
    rightsubnet=10.2.0.0/24
    authby=secret
    ikev2=insist
    ike=aes256-sha2_256;dh14
    esp=aes256-sha2_256;dh14
    auto=start
192.0.2.1 198.51.100.1 : PSK \"zebra-crossing-7\"
";

const IOS: &str = "crypto ikev2 proposal P
 encryption aes-cbc-256
 integrity sha256
 group 19
crypto ikev2 keyring K
 peer a
  address 192.0.2.1
  pre-shared-key zebra-crossing-8
crypto ikev2 profile PR
 match identity remote address 192.0.2.1 255.255.255.255
 authentication remote pre-share
 authentication local pre-share
 keyring local K
crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac
crypto map M 10 ipsec-isakmp
 set peer 192.0.2.1
 set transform-set T
 set ikev2-profile PR
 match address 101
interface Gi0
 ip address 198.51.100.1 255.255.255.0
 crypto map M
access-list 101 permit ip 10.2.0.0 0.0.0.255 10.1.0.0 0.0.0.255
";

#[test]
fn two_products_are_compared_in_each_ones_words_and_keys_are_never_shown() {
    let dir = Dir::new("config");
    let (a, b) = (dir.write("a.conf", LIBRESWAN), dir.write("b.txt", IOS));
    let json = adit(&["check", &a, &b, "--json"]).ends_with(FINDINGS);
    let report: CheckReport = json.json();
    let causes: Vec<&str> = report.findings.iter().map(|f| f.cause.as_str()).collect();
    assert!(causes.contains(&"ike-dh-group-mismatch"), "{causes:?}");
    assert!(causes.contains(&"psk-mismatch"), "{causes:?}");
    let group = report
        .findings
        .iter()
        .find(|f| f.cause == "ike-dh-group-mismatch")
        .unwrap();
    assert!(group.fix.local.contains("dh19"), "{}", group.fix.local);
    assert!(
        group.fix.remote.contains("group 14"),
        "{}",
        group.fix.remote
    );
    assert_eq!(group.local.as_ref().unwrap().line, Some(8));
    let text = adit(&["check", &a, &b]).ends_with(FINDINGS);
    for out in [&json.out, &json.err, &text.out, &text.err] {
        assert!(!out.contains("zebra"), "{out}");
    }
    // The same file on both hosts is the usual way with left and right.
    adit(&["check", &a, &a]).ends_with(DONE);
}

#[test]
fn a_default_that_nobody_typed_is_named_as_one() {
    let dir = Dir::new("config");
    let strong = "conn b\n  keyexchange=ikev2\n  left=198.51.100.1\n  leftsubnet=10.2.0.0/24\n  right=192.0.2.1\n  rightsubnet=10.1.0.0/24\n  leftauth=psk\n  rightauth=psk\n  ike=aes256-sha256-modp2048!\n  esp=aes256-sha256!\n  auto=add\n";
    let (a, b) = (dir.write("a.conf", LIBRESWAN), dir.write("b.conf", strong));
    let report: CheckReport = adit(&["check", &a, &b, "--json"])
        .ends_with(FINDINGS)
        .json();
    assert_eq!(report.prediction, Some(Outcome::FailsAtFirstRekey));
    assert_eq!(report.findings[0].cause, "pfs-mismatch-at-rekey");
}

#[test]
fn one_end_by_itself_and_what_is_no_configuration() {
    let dir = Dir::new("config");
    let lost = dir.write(
        "router.set",
        "set security vpn ipsec ike-group I ike-version 2\net security vpn ipsec site-to-site peer 198.51.100.1 ike-group I\nset security vpn ipsec site-to-site peer 198.51.100.1 local-address 192.0.2.1\n",
    );
    let ran = adit(&["check", &lost]).ends_with(FINDINGS);
    assert!(ran.out.contains("config-line-lost"), "{}", ran.out);
    assert!(ran.out.contains(&format!("{lost}:2")), "{}", ran.out);
    let nothing = dir.write("notes.txt", "dear diary\n");
    adit(&["check", &nothing]).ends_with(USAGE);
}

#[test]
fn configurations_are_evidence_of_why() {
    let dir = Dir::new("config");
    let (a, b) = (
        dir.write("a.conf", LIBRESWAN),
        dir.write("b.txt", &IOS.replace("group 19", "group 14")),
    );
    let ran = adit(&["why", &a, "--remote", &b, "--json"]).ends_with(FINDINGS);
    let verdict: adit_diagnose::Verdict = ran.json();
    assert_eq!(verdict.cause(), Some("psk-mismatch"));
    assert!(!ran.out.contains("zebra"), "{}", ran.out);
}
