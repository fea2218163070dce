//! A CA, hosts' certificates, what expires, and renewal; judged by openssl where it is installed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{CANNOT_OBSERVE, DONE, Dir, FINDINGS, USAGE, adit, unwrapped};

/// What openssl says, if it is there.
fn openssl(args: &[&str]) -> Option<(bool, String)> {
    let Ok(ran) = Command::new("openssl").args(args).output() else {
        println!(
            "skipped: openssl isn't installed, so nobody else judged `openssl {}`",
            args.join(" ")
        );
        return None;
    };
    let text = [ran.stdout, ran.stderr].concat();
    Some((
        ran.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

#[track_caller]
fn verifies(ca: &str, cert: &str) -> bool {
    openssl(&["verify", "-x509_strict", "-CAfile", ca, cert]).is_none_or(|(good, text)| {
        println!("{text}");
        good
    })
}

fn mode(path: &str) -> u32 {
    Path::new(path).metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_ca_and_a_certificate_in_two_commands() {
    let dir = Dir::new("pki");
    let pki = dir.at("pki");
    let ran = adit(&["cert", "init", &pki, "--name", "O=Lab, CN=Lab CA"]).ends_with(DONE);
    assert!(ran.out.contains("adit cert issue"), "{}", ran.out);
    assert!(!ran.out.contains("PRIVATE KEY"));
    let ran = adit(&[
        "cert",
        "issue",
        "gw1.example.org",
        "--san",
        "192.0.2.1",
        "--san",
        "ops@example.org",
        "--dir",
        &pki,
    ])
    .ends_with(DONE);
    assert!(
        unwrapped(&ran.out).contains("auth = { cert = \"gw1.example.org.pem\""),
        "{}",
        ran.out
    );
    let (ca, cert, key) = (
        format!("{pki}/ca.pem"),
        format!("{pki}/gw1.example.org.pem"),
        format!("{pki}/gw1.example.org.key"),
    );
    for (path, expected) in [
        (&ca, 0o644),
        (&cert, 0o644),
        (&key, 0o600),
        (&format!("{pki}/ca.key"), 0o600),
    ] {
        assert_eq!(mode(path), expected, "{path}");
    }
    assert!(verifies(&ca, &cert));
    if let Some((_, text)) = openssl(&["x509", "-in", &cert, "-noout", "-text"]) {
        for part in [
            "Subject: O = Lab, CN = gw1.example.org",
            "DNS:gw1.example.org, IP Address:192.0.2.1, email:ops@example.org",
            "TLS Web Server Authentication, TLS Web Client Authentication, ipsec Internet Key Exchange",
            "Digital Signature",
            "CA:FALSE",
        ] {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
    }
    if let Some((good, _)) = openssl(&["pkey", "-in", &key, "-noout"]) {
        assert!(good);
    }
    // And strongSwan's own tool.
    match Command::new("pki")
        .args(["--verify", "--in", &cert, "--cacert", &ca])
        .output()
    {
        Ok(ran) => assert!(ran.status.success(), "{ran:?}"),
        Err(_) => println!(
            "skipped: strongSwan's pki isn't installed, so it didn't verify the certificate"
        ),
    }
    // Neither is made twice.
    let again = adit(&["cert", "init", &pki])
        .ends_with(USAGE)
        .only_complains();
    assert!(again.err.contains("rotate --ca"), "{}", again.err);
    let again = adit(&["cert", "issue", "gw1.example.org", "--dir", &pki]).ends_with(USAGE);
    assert!(
        again.err.contains("rotate gw1.example.org"),
        "{}",
        again.err
    );
}

#[test]
fn every_kind_of_key_is_one_that_others_read() {
    let dir = Dir::new("kinds");
    for (kind, name) in [
        ("p256", "ECDSA P-256"),
        ("p384", "ECDSA P-384"),
        ("p521", "ECDSA P-521"),
        ("rsa2048", "RSA 2048"),
        ("ed25519", "Ed25519"),
    ] {
        let pki = dir.at(kind);
        adit(&["cert", "init", &pki, "--key", kind]).ends_with(DONE);
        let ran = adit(&[
            "cert", "issue", "gw.lab", "--key", kind, "--dir", &pki, "--json",
        ])
        .ends_with(DONE);
        let document: Value = ran.json();
        assert_eq!(document["files"][0]["certificates"][0]["key"], name);
        assert!(
            verifies(&format!("{pki}/ca.pem"), &format!("{pki}/gw.lab.pem")),
            "{kind}"
        );
    }
}

#[test]
fn inspect_says_what_is_there_and_what_expires() {
    let dir = Dir::new("inspect");
    let pki = dir.at("pki");
    adit(&["cert", "init", &pki, "--name", "Lab CA"]).ends_with(DONE);
    for (name, days) in [
        ("long.lab", "365"),
        ("month.lab", "20"),
        ("week.lab", "5"),
        ("today.lab", "1"),
    ] {
        adit(&["cert", "issue", name, "--days", days, "--dir", &pki]).ends_with(DONE);
    }
    let at = |name: &str| format!("{pki}/{name}");
    let healthy = adit(&[
        "cert",
        "inspect",
        &at("long.lab.pem"),
        &at("long.lab.key"),
        &at("ca.pem"),
        "--json",
    ])
    .ends_with(DONE);
    let document: Value = healthy.json();
    assert_eq!(document["schema"], "adit.cert/1");
    assert_eq!(document["action"], "inspect");
    assert_eq!(document["findings"].as_array().unwrap().len(), 0);
    let cert = &document["files"][0]["certificates"][0];
    assert_eq!(cert["subject"], "CN=long.lab");
    assert_eq!(cert["issuer"], "CN=Lab CA");
    assert_eq!(cert["names"][0], "DNS:long.lab");
    assert_eq!(cert["chain"], "complete");
    assert_eq!(cert["expiry"], "ok");
    assert_eq!(cert["days_left"], 365);
    assert_eq!(
        cert["signed_by"],
        document["files"][2]["certificates"][0]["sha256"]
    );
    assert_eq!(
        document["files"][1]["keys"][0]["belongs_to"],
        cert["sha256"]
    );
    assert_eq!(
        document["files"][2]["certificates"][0]["chain"],
        "self-signed"
    );
    // Without the CA nothing leads anywhere, which is no finding.
    let alone: Value = adit(&["cert", "inspect", &at("long.lab.pem"), "--json"])
        .ends_with(DONE)
        .json();
    assert_eq!(alone["files"][0]["certificates"][0]["chain"], "open");
    for (name, within) in [
        ("month.lab.pem", 30),
        ("week.lab.pem", 7),
        ("today.lab.pem", 1),
    ] {
        let document: Value = adit(&["cert", "inspect", &at(name), "--json"])
            .ends_with(FINDINGS)
            .json();
        let finding = &document["findings"][0];
        assert_eq!(finding["finding"], "expires");
        assert_eq!(finding["within_days"], within, "{name}");
    }
    adit(&["cert", "inspect", &at("month.lab.pem"), "--within", "7"]).ends_with(DONE);
    adit(&["cert", "inspect", &at("long.lab.pem"), "--within", "400"]).ends_with(FINDINGS);
    // Text tells the same.
    let ran = adit(&["cert", "inspect", &at("week.lab.pem")]).ends_with(FINDINGS);
    assert!(
        ran.out.contains("CN=week.lab") && ran.out.contains("5 days"),
        "{}",
        ran.out
    );
}

#[test]
fn inspect_reads_what_others_wrote_and_says_what_it_cannot() {
    let dir = Dir::new("others");
    let junk = dir.write("junk.pem", "nothing of use");
    let ran = adit(&["cert", "inspect", &junk]).ends_with(CANNOT_OBSERVE);
    assert!(
        ran.out.contains("neither a certificate nor a private key"),
        "{}",
        ran.out
    );
    adit(&["cert", "inspect", &dir.at("absent.pem")]).ends_with(CANNOT_OBSERVE);
    let (key, cert) = (dir.at("old.key"), dir.at("old.pem"));
    let made = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        &key,
        "-out",
        &cert,
        "-subj",
        "/C=CH/O=Old/CN=old.lab",
        "-days",
        "40",
        "-addext",
        "subjectAltName=DNS:old.lab",
    ]);
    let Some((true, _)) = made else { return };
    let ran = adit(&["cert", "inspect", &cert, &key, "--json"]).ends_with(DONE);
    let document: Value = ran.json();
    let read = &document["files"][0]["certificates"][0];
    assert_eq!(read["subject"], "C=CH, O=Old, CN=old.lab");
    assert_eq!(read["names"][0], "DNS:old.lab");
    assert_eq!(document["files"][1]["keys"][0]["algorithm"], "ECDSA P-256");
    assert_eq!(
        document["files"][1]["keys"][0]["belongs_to"],
        read["sha256"]
    );
    if let Some((_, text)) = openssl(&[
        "x509",
        "-in",
        &cert,
        "-noout",
        "-fingerprint",
        "-sha256",
        "-serial",
    ]) {
        let folded = text.replace(':', "").to_lowercase();
        assert!(folded.contains(read["sha256"].as_str().unwrap()));
        assert!(folded.contains(read["serial"].as_str().unwrap().trim_start_matches('0')));
    }
    // A certificate beside a key that isn't its own.
    let pki = dir.at("pki");
    adit(&["cert", "init", &pki]).ends_with(DONE);
    let both = [&cert, &format!("{pki}/ca.key")].map(|path| std::fs::read_to_string(path).unwrap());
    let both = dir.write("both.pem", &both.concat());
    let ran = adit(&["cert", "inspect", &both, "--json"]).ends_with(FINDINGS);
    assert_eq!(
        ran.json::<Value>()["findings"][0]["finding"],
        "key-mismatch"
    );
}

#[test]
fn a_host_is_renewed_and_the_old_one_kept() {
    let dir = Dir::new("renew");
    let pki = dir.at("pki");
    adit(&["cert", "init", &pki]).ends_with(DONE);
    adit(&[
        "cert",
        "issue",
        "gw.lab",
        "--san",
        "192.0.2.1",
        "--key",
        "p384",
        "--days",
        "3",
        "--dir",
        &pki,
    ])
    .ends_with(DONE);
    let read = |name: &str| std::fs::read_to_string(format!("{pki}/{name}")).unwrap();
    let (cert, key) = (read("gw.lab.pem"), read("gw.lab.key"));
    let ran = adit(&["cert", "rotate", "gw.lab", "--dir", &pki]).ends_with(DONE);
    assert!(ran.out.contains("Next"), "{}", ran.out);
    assert!(read("gw.lab.pem") != cert && read("gw.lab.key") != key);
    assert_eq!(
        (read("gw.lab.previous.pem"), read("gw.lab.previous.key")),
        (cert, key)
    );
    assert_eq!(mode(&format!("{pki}/gw.lab.previous.key")), 0o600);
    assert!(verifies(
        &format!("{pki}/ca.pem"),
        &format!("{pki}/gw.lab.pem")
    ));
    let now: Value = adit(&["cert", "inspect", &format!("{pki}/gw.lab.pem"), "--json"])
        .ends_with(DONE)
        .json();
    let cert = &now["files"][0]["certificates"][0];
    assert_eq!(
        cert["names"],
        serde_json::json!(["DNS:gw.lab", "IP:192.0.2.1"])
    );
    assert_eq!(cert["key"], "ECDSA P-384");
    // Nothing is left aside.
    for entry in std::fs::read_dir(&pki).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".new"), "{name}");
    }
}

#[test]
fn a_ca_is_replaced_while_both_are_trusted() {
    let dir = Dir::new("roll");
    let pki = dir.at("pki");
    let at = |name: &str| format!("{pki}/{name}");
    adit(&["cert", "init", &pki, "--name", "O=Lab, CN=Lab CA"]).ends_with(DONE);
    for host in ["a.lab", "b.lab"] {
        adit(&["cert", "issue", host, "--dir", &pki]).ends_with(DONE);
    }
    std::fs::copy(at("ca.pem"), dir.at("old-ca.pem")).unwrap();
    let ran = adit(&["cert", "rotate", "--ca", "--dir", &pki]).ends_with(DONE);
    let said = unwrapped(&ran.out);
    assert!(
        said.contains("CN=Lab CA G2") && said.contains("adit cert rotate b.lab"),
        "{}",
        ran.out
    );
    // Both CAs are in the bundle: what the old one issued is still good.
    for host in ["a.lab.pem", "b.lab.pem"] {
        assert!(verifies(&at("ca.pem"), &at(host)));
    }
    adit(&["cert", "rotate", "--ca", "--dir", &pki]).ends_with(USAGE);
    adit(&["cert", "rotate", "a.lab", "--dir", &pki]).ends_with(DONE);
    // A renewed host is the new CA's: who has only the old one wouldn't take it.
    assert!(verifies(&at("ca.pem"), &at("a.lab.pem")));
    if let Some((good, _)) =
        openssl(&["verify", "-CAfile", &dir.at("old-ca.pem"), &at("a.lab.pem")])
    {
        assert!(!good);
    }
    // Not before every host has changed.
    let early = adit(&["cert", "rotate", "--ca", "--finish", "--dir", &pki]).ends_with(USAGE);
    assert!(
        early.err.contains("b.lab") && !early.err.contains("a.lab,"),
        "{}",
        early.err
    );
    adit(&["cert", "rotate", "b.lab", "--dir", &pki]).ends_with(DONE);
    adit(&["cert", "rotate", "--ca", "--finish", "--dir", &pki]).ends_with(DONE);
    let document: Value = adit(&["cert", "inspect", &at("ca.pem"), "--json"])
        .ends_with(DONE)
        .json();
    let certs = document["files"][0]["certificates"].as_array().unwrap();
    assert_eq!(certs.len(), 1);
    assert_eq!(certs[0]["subject"], "O=Lab, CN=Lab CA G2");
    assert!(!Path::new(&at("ca.previous.key")).exists());
    assert!(verifies(&at("ca.pem"), &at("b.lab.pem")));
    // And again.
    let ran = adit(&["cert", "rotate", "--ca", "--dir", &pki]).ends_with(DONE);
    assert!(ran.out.contains("CN=Lab CA G3"), "{}", ran.out);
}

#[test]
fn what_cannot_be_done_is_said_with_its_remedy() {
    let dir = Dir::new("wrong");
    let pki = dir.at("pki");
    let ran = adit(&["cert", "issue", "gw.lab", "--dir", &pki])
        .ends_with(USAGE)
        .only_complains();
    assert!(ran.err.contains("adit cert init"), "{}", ran.err);
    adit(&["cert", "init", &pki]).ends_with(DONE);
    for name in ["ca", "keyid:7", "two words", "..", "a/../../b.lab"] {
        adit(&["cert", "issue", name, "--dir", &pki])
            .ends_with(USAGE)
            .only_complains();
    }
    adit(&["cert", "rotate", "gw.lab", "--dir", &pki])
        .ends_with(USAGE)
        .only_complains();
    adit(&["cert", "rotate", "--dir", &pki])
        .ends_with(USAGE)
        .only_complains();
    adit(&["cert", "rotate", "--ca", "--finish", "--dir", &pki])
        .ends_with(USAGE)
        .only_complains();
    // Another CA's key.
    adit(&["cert", "init", &dir.at("other")]).ends_with(DONE);
    std::fs::copy(dir.at("other/ca.key"), format!("{pki}/ca.key")).unwrap();
    let ran = adit(&["cert", "issue", "gw.lab", "--dir", &pki])
        .ends_with(USAGE)
        .only_complains();
    assert!(ran.err.contains("isn't the key of ca.pem"), "{}", ran.err);
    // A host may not outlive its CA.
    let short = dir.at("short");
    adit(&["cert", "init", &short, "--days", "10"]).ends_with(DONE);
    let ran = adit(&["cert", "issue", "gw.lab", "--dir", &short]).ends_with(DONE);
    assert!(
        unwrapped(&ran.out).contains("ends with its CA"),
        "{}",
        ran.out
    );
    // Addresses of version 6 have colons, files don't.
    adit(&["cert", "issue", "2001:db8::1", "--dir", &short]).ends_with(DONE);
    assert!(Path::new(&format!("{short}/2001-db8--1.pem")).exists());
}
