//! `adit check` with the files that a configuration names: certificates, keys, secrets and includes.

use std::path::Path;

use serde_json::Value;

use crate::program::{DONE, Dir, FINDINGS, USAGE, adit};

/// A certificate for gw.example.org with an RSA key, by a CA with an ECDSA key.
fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crypto/src/pki/files");
    std::fs::read_to_string(path.join(name)).unwrap()
}

const SWANCTL: &str = "connections {
    gw {
        version = 2
        local_addrs = 192.0.2.1
        remote_addrs = 198.51.100.1
        proposals = aes256gcm16-prfsha256-x25519
        local {
            auth = pubkey
            certs = gw.pem
            id = gw.example.org
        }
        remote {
            auth = pubkey
            id = peer.example.org
            cacerts = ca.pem
        }
        children {
            net {
                local_ts = 10.1.0.0/16
                remote_ts = 10.2.0.0/16
                esp_proposals = aes256gcm16-x25519
            }
        }
    }
}
";

/// A host with a gateway that is as it should be, below a folder.
fn host(name: &str) -> Dir {
    let dir = Dir::new(name);
    for folder in ["x509", "x509ca", "private"] {
        std::fs::create_dir_all(dir.path().join("etc/swanctl").join(folder)).unwrap();
    }
    for (path, from) in [
        ("x509/gw.pem", "gw.pem"),
        ("x509ca/ca.pem", "ca.pem"),
        ("private/gw.key", "gw.key"),
    ] {
        dir.write(&format!("etc/swanctl/{path}"), &file(from));
    }
    dir.write("etc/swanctl/swanctl.conf", SWANCTL);
    dir
}

/// What is found, as causes with their sentences.
fn found(dir: &Dir, code: i32, args: &[&str]) -> Vec<(String, String)> {
    let args: Vec<String> = args.iter().map(|a| dir.at(a)).collect();
    let mut words = vec!["check", "--json"];
    words.extend(args.iter().map(String::as_str));
    let report: Value = adit(&words).ends_with(code).json();
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["outcome"] != "hint")
        .map(|f| {
            (
                f["cause"].as_str().unwrap().to_owned(),
                f["summary"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn one(dir: &Dir, cause: &str, words: &str) {
    let all = found(dir, FINDINGS, &["etc/swanctl/swanctl.conf"]);
    assert!(
        all.len() == 1 && all[0].0 == cause && all[0].1.contains(words),
        "{all:?}"
    );
}

#[test]
fn a_certificate_with_its_key_and_its_ca_is_well() {
    let dir = host("pki-well");
    assert_eq!(found(&dir, DONE, &["etc/swanctl/swanctl.conf"]), []);
}

#[test]
fn a_file_that_holds_something_else_is_named() {
    let dir = host("pki-other");
    dir.write("etc/swanctl/x509/gw.pem", &file("gw.csr"));
    one(&dir, "private-key-missing", "a request for a certificate");
    let dir = host("pki-leaf-as-ca");
    dir.write("etc/swanctl/x509ca/ca.pem", &file("gw.pem"));
    one(&dir, "ca-not-trusted", "and holds a certificate");
    let dir = host("pki-cut");
    dir.write("etc/swanctl/x509/gw.pem", &file("gw.pem")[..300]);
    one(&dir, "private-key-missing", "damaged CERTIFICATE");
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let dir = host("pki-key");
    dir.write("etc/swanctl/private/gw.key", &file("ca.key"));
    one(&dir, "private-key-missing", "has another key than");
    // A container may hold the right one.
    std::fs::create_dir_all(dir.path().join("etc/swanctl/pkcs12")).unwrap();
    dir.write("etc/swanctl/pkcs12/gw.p12", "not looked into");
    assert_eq!(found(&dir, DONE, &["etc/swanctl/swanctl.conf"]), []);
}

#[test]
fn a_damaged_file_that_nothing_names_is_no_finding() {
    let dir = host("pki-stray");
    dir.write("etc/swanctl/private/old.key", &file("gw.key")[..300]);
    dir.write("etc/swanctl/x509ca/old.pem", &file("ca.pem")[..300]);
    assert_eq!(found(&dir, DONE, &["etc/swanctl/swanctl.conf"]), []);
}

#[test]
fn what_is_not_there_is_missing_and_elsewhere_it_was_not_looked_for() {
    let dir = host("pki-missing");
    std::fs::remove_file(dir.path().join("etc/swanctl/x509/gw.pem")).unwrap();
    one(&dir, "private-key-missing", "x509/gw.pem");
    let dir = Dir::new("pki-paste");
    dir.write("gw.conf", SWANCTL);
    assert_eq!(found(&dir, DONE, &["gw.conf"]), []);
    // Folders of these names may be anybody's.
    for folder in ["certs", "private", "cacerts"] {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
    }
    assert_eq!(found(&dir, DONE, &["gw.conf"]), []);
}

#[test]
fn a_configuration_of_somebody_else_reads_nothing_of_this_host() {
    let dir = host("pki-out");
    dir.write("ours.pem", &file("gw.csr"));
    let said = |name: &str| {
        let conf = SWANCTL.replace("certs = gw.pem", &format!("certs = \"{name}\""));
        dir.write("etc/swanctl/swanctl.conf", &conf);
        let root = dir.at("etc");
        let conf = dir.at("etc/swanctl/swanctl.conf");
        let ran = adit(&["check", "--json", &conf, "--root", &root]);
        (ran.out.replace(name, ""), ran.err.replace(name, ""))
    };
    let target = dir.path().join("ours.pem");
    let link = dir.path().join("etc/swanctl/x509/link.pem");
    std::os::unix::fs::symlink(&target, link).unwrap();
    let whole = format!("/{}", target.display());
    for name in ["../../ours.pem", "/../ours.pem", "link.pem", &whole] {
        let (out, err) = said(name);
        assert!(!out.contains("a request"), "{name}: {out}");
        assert!(!err.contains("a request"), "{name}: {err}");
    }
    // Nor does it tell whether something is there.
    assert_eq!(said("../../ours.pem"), said("../../none.pem"));
}

fn pipe(dir: &Dir, name: &str) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let path = dir.path().join(name);
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

#[test]
fn pipes_and_devices_are_not_opened() {
    let dir = Dir::new("check-pipes");
    let own = |psk: &str| {
        let text = format!(
            "[tunnel.office]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.2\"\nlocal_id = \"west.lab\"\nremote_id = \"east.lab\"\nauth = {{ psk_file = \"{psk}\" }}\n\n[tunnel.office.child.lan]\nlocal_net = [\"10.1.0.0/24\"]\nremote_net = [\"10.2.0.0/24\"]\n"
        );
        dir.write("adit.toml", &text);
    };
    pipe(&dir, "pipe");
    for psk in ["pipe", "/dev/zero"] {
        own(psk);
        let ran = adit(&["check", &dir.at("adit.toml")]).ends_with(FINDINGS);
        assert!(ran.out.contains("not a regular file"), "{}", ran.out);
    }
    std::fs::create_dir_all(dir.path().join("etc")).unwrap();
    pipe(&dir, "etc/ipsec.secrets");
    dir.write(
        "etc/ipsec.conf",
        "conn gw\n    keyexchange=ikev2\n    authby=secret\n    left=192.0.2.1\n    right=198.51.100.1\n    ike=aes256-sha256-modp2048!\n    esp=aes256-sha256!\n    leftsubnet=10.1.0.0/16\n    rightsubnet=10.2.0.0/16\n    auto=add\n",
    );
    let ran = adit(&["check", &dir.at("etc/ipsec.conf")]).ends_with(DONE);
    assert!(ran.err.contains("not a regular file"), "{}", ran.err);
    // A folder that somebody else made: its file may be a link.
    std::fs::create_dir(dir.path().join("west")).unwrap();
    let link = dir.path().join("west/ipsec.conf");
    std::os::unix::fs::symlink(dir.path().join("etc/ipsec.conf"), link).unwrap();
    let ran = adit(&["check", &dir.at("west")]).ends_with(USAGE);
    assert!(ran.err.contains("out of its folder"), "{}", ran.err);
}

#[test]
fn what_a_file_includes_does_not_reach_the_terminal_as_it_is() {
    let dir = Dir::new("check-escape");
    let conf =
        "include \u{1b}[2J\u{7}/none.conf\nconn gw\n    left=192.0.2.1\n    right=198.51.100.1\n";
    dir.write("ipsec.conf", conf);
    let ran = adit(&["check", &dir.at("ipsec.conf")]);
    assert!(ran.err.contains("includes ?[2J?/none.conf"), "{}", ran.err);
    for out in [&ran.out, &ran.err] {
        assert!(!out.contains(['\u{1b}', '\u{7}']), "{out:?}");
    }
}

#[test]
fn a_file_whose_name_is_a_dash_is_not_standard_output() {
    let dir = Dir::new("collect-dash");
    dir.write("-", "somebody's");
    let ran = crate::program::command(&["collect", "--product", "racoon", "-o", "-"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_ne!(ran.status.code(), Some(DONE), "nothing of racoon is here");
    assert!(dir.path().join("-").is_file());
}

#[test]
fn an_identity_that_the_certificate_does_not_hold_is_told() {
    let dir = host("pki-id");
    let other = SWANCTL.replace("id = gw.example.org", "id = vpn.example.org");
    dir.write("etc/swanctl/swanctl.conf", &other);
    one(&dir, "cert-san-mismatch", "vpn.example.org");
}

#[test]
fn a_key_under_a_passphrase_needs_it_and_its_kind_has_to_be_right() {
    let dir = host("pki-kind");
    std::fs::remove_dir_all(dir.path().join("etc/swanctl/private")).unwrap();
    dir.write("etc/swanctl/gw.key", &file("enc2.key"));
    let secrets = |line: &str| format!("{SWANCTL}secrets {{\n    {line}\n}}\n");
    dir.write(
        "etc/swanctl/swanctl.conf",
        &secrets("private-gw { file = gw.key }"),
    );
    one(&dir, "private-key-missing", "passphrase");
    let with = secrets("private-gw { file = gw.key\n secret = x }");
    dir.write("etc/swanctl/swanctl.conf", &with);
    assert_eq!(found(&dir, DONE, &["etc/swanctl/swanctl.conf"]), []);

    let conf = "conn gw\n    keyexchange=ikev2\n    authby=pubkey\n    left=192.0.2.1\n    right=198.51.100.1\n    leftcert=gw.pem\n    leftid=gw.example.org\n    rightid=@peer\n    ike=aes256-sha256-modp2048!\n    esp=aes256-sha256!\n    leftsubnet=10.1.0.0/16\n    rightsubnet=10.2.0.0/16\n    auto=add\n";
    let dir = host("pki-stroke");
    dir.write("etc/ipsec.conf", conf);
    for folder in ["certs", "private"] {
        std::fs::create_dir_all(dir.path().join("etc/ipsec.d").join(folder)).unwrap();
    }
    dir.write("etc/ipsec.d/certs/gw.pem", &file("gw.pem"));
    dir.write("etc/ipsec.d/private/gw.key", &file("gw.key"));
    dir.write("etc/ipsec.secrets", ": ECDSA gw.key\n");
    let all = found(&dir, FINDINGS, &["etc/ipsec.conf"]);
    assert!(
        all.iter().any(|(_, said)| said.contains("says ECDSA")),
        "{all:?}"
    );
    dir.write("etc/ipsec.secrets", ": RSA gw.key\n");
    assert_eq!(found(&dir, DONE, &["etc/ipsec.conf"]), []);
}

#[test]
fn files_that_are_given_stand_for_those_that_are_named() {
    let dir = Dir::new("pki-given");
    dir.write("gw.conf", SWANCTL);
    dir.write("gw.pem", &file("gw.pem"));
    dir.write("other.key", &file("ca8.key"));
    let all = found(&dir, FINDINGS, &["gw.conf", "gw.pem", "other.key"]);
    assert!(all[0].1.contains("has another key than"), "{all:?}");
}

#[test]
fn includes_are_read_in_their_place_and_a_missing_key_is_judged_only_when_all_was_read() {
    let dir = Dir::new("includes");
    let psk = |extra: &str| {
        format!(
            "{extra}conn gw\n    keyexchange=ikev2\n    authby=secret\n    left=192.0.2.1\n    right=198.51.100.1\n    ike=aes256-sha256-modp2048!\n    esp=aes256-sha256!\n    leftsubnet=10.1.0.0/16\n    rightsubnet=10.2.0.0/16\n    auto=add\n"
        )
    };
    std::fs::create_dir_all(dir.path().join("etc/ipsec.d")).unwrap();
    dir.write("etc/ipsec.conf", "include /etc/ipsec.d/*.conf\n");
    dir.write("etc/ipsec.d/gw.conf", &psk(""));
    // No file of secrets, where one has to be.
    let all = found(&dir, FINDINGS, &["etc/ipsec.conf"]);
    assert_eq!(all[0].0, "psk-not-found");
    dir.write("etc/ipsec.secrets", "include /etc/ipsec.d/*.secrets\n");
    dir.write(
        "etc/ipsec.d/other.secrets",
        "203.0.113.9 203.0.113.10 : PSK \"not of these two\"\n",
    );
    let all = found(&dir, FINDINGS, &["etc/ipsec.conf"]);
    assert_eq!(all[0].0, "psk-not-found");
    dir.write("etc/ipsec.secrets", "include /elsewhere/*.secrets\n");
    assert_eq!(found(&dir, DONE, &["etc/ipsec.conf"]), []);
    dir.write("etc/ipsec.secrets", "include /etc/ipsec.d/*.secrets\n");
    dir.write(
        "etc/ipsec.d/gw.secrets",
        "192.0.2.1 198.51.100.1 : PSK \"correct horse battery staple\"\n",
    );
    assert_eq!(found(&dir, DONE, &["etc/ipsec.conf"]), []);
    // A line of an included file is named as its own.
    dir.write(
        "etc/ipsec.d/gw.conf",
        &psk("").replace("auto=add", "atuo=add"),
    );
    let ran = adit(&["check", &dir.at("etc/ipsec.conf")]).ends_with(FINDINGS);
    let place = format!("{}:10", dir.at("etc/ipsec.d/gw.conf"));
    assert!(ran.out.contains(&place), "{}", ran.out);
}

#[test]
fn racoons_keys_are_read_from_their_file() {
    let dir = Dir::new("psk-txt");
    std::fs::create_dir_all(dir.path().join("etc/racoon")).unwrap();
    let conf = "path pre_shared_key \"/etc/racoon/psk.txt\";\nremote 198.51.100.1 {\n    exchange_mode main;\n    proposal {\n        encryption_algorithm aes 256;\n        hash_algorithm sha256;\n        authentication_method pre_shared_key;\n        dh_group 14;\n    }\n}\nsainfo anonymous {\n    encryption_algorithm aes 256;\n    authentication_algorithm hmac_sha256;\n    compression_algorithm deflate;\n}\n";
    dir.write("etc/racoon/racoon.conf", conf);
    let path = "etc/racoon/racoon.conf";
    let all = found(&dir, FINDINGS, &[path]);
    assert_eq!(all[0].0, "psk-not-found", "{all:?}");
    dir.write("etc/racoon/psk.txt", "# keys\n203.0.113.4 hunter22\n");
    let all = found(&dir, FINDINGS, &[path]);
    assert_eq!(all[0].0, "psk-not-found", "{all:?}");
    dir.write("etc/racoon/psk.txt", "# keys\n198.51.100.1\thunter22\n");
    assert_eq!(found(&dir, DONE, &[path]), []);
}

#[test]
fn defaults_are_those_of_the_version() {
    let dir = Dir::new("versions");
    let conf = |own: u8, other: u8, more: &str| {
        format!(
            "conn gw\n    authby=secret\n    left=192.0.2.{own}\n    right=192.0.2.{other}\n    leftsubnet=10.{own}.0.0/16\n    rightsubnet=10.{other}.0.0/16\n    ike=aes256-sha256-modp2048\n{more}    auto=add\n"
        )
    };
    // With IKEv1 Libreswan 4 takes AES with SHA-1 for ESP when nothing is written, Libreswan 5 others too.
    dir.write(
        "libreswan.conf",
        &conf(1, 2, "    ikev2=no\n    pfs=no\n    dpdaction=hold\n"),
    );
    dir.write(
        "strongswan.conf",
        &conf(2, 1, "    keyexchange=ikev1\n    esp=aes256-sha256!\n"),
    );
    let (west, east) = (dir.at("libreswan.conf"), dir.at("strongswan.conf"));
    let predicted = |version: &str| -> Value {
        let words = ["check", "--json", &west, &east, "--local-version", version];
        let report: Value = adit(&words).ends_with(FINDINGS).json();
        let causes: Vec<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["cause"].clone())
            .collect();
        causes
            .contains(&Value::from("esp-proposal-mismatch"))
            .into()
    };
    assert_eq!(predicted("4.12"), true);
    assert_eq!(predicted("v5.1"), false);
}

/// Adit's own: files are found from the configuration's folder on, or below the tree that is given.
const OWN: &str = "[tunnel.office]
local = \"192.0.2.1\"
remote = \"198.51.100.1\"
local_id = \"gw.example.org\"
remote_id = \"peer.example.org\"
auth = { cert = \"gw.pem\", key = \"gw.key\", ca = [\"ca.pem\"] }

[tunnel.office.child.lan]
local_net = [\"10.1.0.0/16\"]
remote_net = [\"10.2.0.0/16\"]
";

fn own(name: &str) -> Dir {
    let dir = Dir::new(name);
    for file_name in ["gw.pem", "gw.key", "ca.pem"] {
        dir.write(file_name, &file(file_name));
    }
    dir.write("adit.toml", OWN);
    dir
}

#[test]
fn files_that_adits_own_configuration_names_are_looked_at() {
    assert_eq!(found(&own("own-well"), DONE, &["adit.toml"]), []);
    type Change = fn(&Dir);
    let cases: [(&str, Change, &str, &str); 6] = [
        (
            "own-missing",
            |dir| std::fs::remove_file(dir.at("gw.key")).unwrap(),
            "private-key-missing",
            "gw.key",
        ),
        (
            "own-kind",
            |dir| drop(dir.write("gw.pem", &file("gw.csr"))),
            "private-key-missing",
            "a request for a certificate",
        ),
        (
            "own-other-key",
            |dir| drop(dir.write("gw.key", &file("ca.key"))),
            "private-key-missing",
            "has another key than",
        ),
        (
            "own-leaf-as-ca",
            |dir| drop(dir.write("ca.pem", &file("gw.pem"))),
            "ca-not-trusted",
            "and holds a certificate",
        ),
        (
            "own-no-ca",
            |dir| std::fs::remove_file(dir.at("ca.pem")).unwrap(),
            "ca-not-trusted",
            "ca.pem",
        ),
        (
            "own-identity",
            |dir| {
                let other = OWN.replace("\"gw.example.org", "\"gw2.example.org");
                dir.write("adit.toml", &other);
            },
            "cert-san-mismatch",
            "gw2.example.org",
        ),
    ];
    for (name, change, cause, words) in cases {
        let dir = own(name);
        change(&dir);
        let all = found(&dir, FINDINGS, &["adit.toml"]);
        assert!(
            all.iter()
                .any(|(c, text)| c == cause && text.contains(words)),
            "{name}: {all:?}"
        );
    }
}

/// A tree that stands for another host: what is absolute is looked for below it, and nothing of this host is read.
#[test]
fn absolute_names_in_adits_own_configuration_are_below_the_given_root() {
    let dir = Dir::new("own-root");
    std::fs::create_dir_all(dir.path().join("tree/etc/adit")).unwrap();
    let absolute = dir.write("office.psk", "a key of this host\n");
    let config = OWN.replace(
        "auth = { cert = \"gw.pem\", key = \"gw.key\", ca = [\"ca.pem\"] }",
        &format!("auth = {{ psk_file = \"{absolute}\" }}"),
    );
    dir.write("tree/etc/adit/adit.toml", &config);
    let (file, root) = (dir.at("tree/etc/adit/adit.toml"), dir.at("tree"));
    let report: Value = adit(&["check", "--json", "--root", &root, &file])
        .ends_with(FINDINGS)
        .json();
    let text = report.to_string();
    // It is told where it was looked for: below the tree, where there is none.
    assert!(text.contains(&format!("{root}{absolute}")), "{text}");
    // Without the tree it is this host's configuration.
    adit(&["check", "--json", &file]).ends_with(DONE);
}
