//! Keys from logs and from Wireshark's tables open captures of other products.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use adit_evidence::capture::{Capture, Dissector, Keys};
use serde_json::Value;

fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ADIT_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = root.join(folder);
    if !folder.is_dir() {
        println!("skipped: {} isn't here (ADIT_SHARED)", folder.display());
        return None;
    }
    Some(folder)
}

fn open(capture: &Path, keys: &str) -> Capture {
    let mut dissector = Dissector::new().with_keys(Keys::read(keys));
    dissector.feed(&std::fs::read(capture).unwrap()).unwrap();
    dissector.finish().unwrap()
}

#[test]
fn a_log_of_charon_with_keys_opens_ike_and_esp() {
    let Some(run) = shared("lab/faults/ok-ikev2-psk-keys") else {
        return;
    };
    let log = std::fs::read_to_string(run.join("west.log")).unwrap();
    let capture = open(&run.join("wire.pcap"), &log);
    let [conversation] = capture.conversations.as_slice() else {
        panic!("{} conversations", capture.conversations.len());
    };
    let encrypted: Vec<_> = conversation
        .messages
        .iter()
        .filter(|m| m.encrypted)
        .collect();
    assert_eq!(encrypted.len(), 8);
    assert!(encrypted.iter().all(|m| m.inside.is_some()));
    let auth = encrypted[0].inside.as_ref().unwrap();
    for detail in [
        "IDi west.lab",
        "IDr east.lab",
        "TSi 10.1.0.0/24",
        "TSr 10.2.0.0/24",
    ] {
        assert!(auth.details.iter().any(|d| d == detail), "{auth:?}");
    }
    assert_eq!(capture.flows.len(), 4);
    for flow in &capture.flows {
        assert_eq!(flow.inside.values().sum::<u64>(), flow.packets, "{flow:?}");
        assert!(flow.inside.keys().all(|k| k.ends_with("ICMP")), "{flow:?}");
    }
    // Without keys the same is closed.
    let capture = open(&run.join("wire.pcap"), "nothing of use");
    assert!(
        capture.conversations[0]
            .messages
            .iter()
            .all(|m| m.inside.is_none())
    );
}

#[test]
fn wiresharks_tables_open_its_captures() {
    let Some(folder) = shared("vectors/pcap/wireshark") else {
        return;
    };
    let file = std::fs::read(folder.join("keys_and_expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&file).unwrap();
    let mut table = String::new();
    let text = |v: &Value, k: &str| v[k].as_str().unwrap().to_owned();
    for k in all["ikev2_keys"].as_array().unwrap() {
        let t = |name| text(k, name);
        writeln!(
            table,
            "{},{},{},{},\"{}\",{},{},\"{}\"",
            t("spi_i"),
            t("spi_r"),
            t("sk_ei"),
            t("sk_er"),
            t("encr"),
            t("sk_ai"),
            t("sk_ar"),
            t("integ")
        )
        .unwrap();
    }
    for k in all["esp_keys"].as_array().unwrap() {
        let cells: Vec<String> = [
            "ipver", "src", "dst", "spi", "encr", "encr_key", "auth", "auth_key",
        ]
        .iter()
        .map(|name| format!("\"{}\"", text(k, name)))
        .collect();
        writeln!(table, "{}", cells.join(",")).unwrap();
    }
    let opened = |name: &str| {
        let capture = open(&folder.join(name), &table);
        let messages = capture.conversations.iter().flat_map(|c| &c.messages);
        let encrypted: Vec<_> = messages.filter(|m| m.encrypted && m.version == 2).collect();
        let inside = encrypted.iter().filter(|m| m.inside.is_some()).count();
        (inside, encrypted.len())
    };
    let names = std::fs::read_dir(&folder).unwrap();
    let names = names.map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut files = 0;
    for name in names.filter(|n| n.starts_with("ikev2-decrypt")) {
        let (inside, encrypted) = opened(&name);
        println!("{name}: {inside} of {encrypted} encrypted messages");
        // All or none: the algorithms of two of them aren't carried here.
        assert!(inside == 0 || inside == encrypted, "{name}");
        files += usize::from(inside > 0);
    }
    assert!(files >= 5, "{files}");
    let esp = open(&folder.join("esp-bug-12671.pcapng"), &table);
    let carried: u64 = esp.flows.iter().flat_map(|f| f.inside.values()).sum();
    assert!(carried > 0, "{:?}", esp.flows);
}

#[test]
fn a_table_of_ones_own_and_what_is_wrong_with_it() {
    let keys = Keys::read(
        "# keys\n\
         ike 19ab98963486359f 78f13157ccd3b3d8 aes128gcm16 ei=0001 er=0203\n\
         esp 0xc1a2b3c4 aes128-sha256 key=00112233445566778899aabbccddeeff auth=00\n\
         esp 0xc1a2b3c4 enigma key=00112233445566778899aabbccddeeff\n",
    );
    assert_eq!(keys.count(), (1, 1));
    assert_eq!(keys.problems(), ["line 4: a key that can't be used"]);
    assert!(!format!("{keys:?}").contains("0011"), "keys aren't shown");
}

/// Captures of our own lab with the daemon's own log as keys (strongSwan 5.9.8 with `ike 4` and `chd 4`, Libreswan 4.10 with
/// `plutodebug=all,tmi,crypt,private`).
fn keyed(name: &str, log: &str) -> Capture {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keyed");
    let log = std::fs::read_to_string(folder.join(format!("{log}.log"))).unwrap();
    open(&folder.join(format!("{name}.pcap")), &log)
}

fn opened(capture: &Capture) -> (usize, usize) {
    let messages = capture.conversations.iter().flat_map(|c| &c.messages);
    let encrypted: Vec<_> = messages.filter(|m| m.encrypted).collect();
    let inside = encrypted.iter().filter(|m| m.inside.is_some()).count();
    (inside, encrypted.len())
}

#[test]
fn ikev1_is_opened_whatever_its_mode_cipher_and_hash() {
    for (name, messages) in [
        ("strongswan-v1-main", 11),
        ("strongswan-v1-main-3des", 7),
        ("strongswan-v1-main-md5", 7),
        ("strongswan-v1-aggressive", 6),
        ("strongswan-v1-ts-mismatch", 5),
    ] {
        let capture = keyed(name, name);
        assert_eq!(opened(&capture), (messages, messages), "{name}");
        let inside = |what: &str| {
            let all = capture.conversations.iter().flat_map(|c| &c.messages);
            all.filter_map(|m| m.inside.as_ref())
                .any(|i| i.details.iter().chain(&i.payloads).any(|d| d == what))
        };
        assert!(inside("IDci 10.1.0.0/24"), "{name}");
        assert!(inside("HASH") && inside("SA"), "{name}");
        let refused = inside("N(INVALID-ID-INFORMATION)");
        assert_eq!(refused, name.ends_with("ts-mismatch"), "{name}");
        // HMAC-MD5-96 of ESP isn't carried.
        for flow in capture.flows.iter().filter(|_| !name.ends_with("md5")) {
            assert_eq!(flow.inside.values().sum::<u64>(), flow.packets, "{flow:?}");
        }
    }
}

/// Each side's key opens what that side encrypted, and nothing of the other's: their pre-shared keys differ.
#[test]
fn with_different_secrets_each_side_has_its_own_key() {
    let capture = keyed("strongswan-v1-wrong-psk", "strongswan-v1-wrong-psk");
    assert_eq!(opened(&capture), (3, 6));
    let capture = keyed("strongswan-v1-wrong-psk", "strongswan-v1-wrong-psk-east");
    assert_eq!(opened(&capture), (3, 6));
    // What the snap length cut couldn't have been opened by any key.
    for (name, cut, differ) in [
        ("strongswan-v1-wrong-psk", false, true),
        ("strongswan-v1-wrong-psk", true, false),
        ("strongswan-v1-wrong-id", false, false),
    ] {
        let mut capture = keyed(name, name);
        let messages = capture.conversations.iter_mut();
        for message in messages.flat_map(|c| &mut c.messages).filter(|_| cut) {
            if message.encrypted && message.inside.is_none() {
                message.problem = Some("cut short".to_owned());
            }
        }
        let vantage = adit_evidence::capture::Vantage {
            local: "192.168.0.1".parse().unwrap(),
            peer: "192.168.0.2".parse().unwrap(),
            file: name,
        };
        let case = adit_evidence::capture::case(&capture, &vantage);
        let sign = adit_model::sign::Sign::DecryptedToNonsense;
        let told = case.facts.iter().any(
            |f| matches!(&f.what, adit_model::fact::Known::Sign { sign: s, .. } if *s == sign),
        );
        assert_eq!(told, differ, "{name}");
    }
}

/// Phase 1 isn't in the capture: the vectors aren't known, but what follows the hash is read.
#[test]
fn a_capture_that_begins_in_phase_2_is_opened_behind_the_hash() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keyed");
    let file = std::fs::read(folder.join("strongswan-v1-main.pcap")).unwrap();
    // A header of 24 octets, and 16 octets before each packet.
    let mut at = 24;
    for _ in 0..6 {
        let octets = u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap());
        at += 16 + octets as usize;
    }
    let later = [&file[..24], &file[at..]].concat();
    let log = std::fs::read_to_string(folder.join("strongswan-v1-main.log")).unwrap();
    let mut dissector = Dissector::new().with_keys(Keys::read(&log));
    dissector.feed(&later).unwrap();
    let capture = dissector.finish().unwrap();
    let quick = capture.conversations[0].messages[0]
        .inside
        .as_ref()
        .unwrap();
    assert_eq!(quick.payloads, ["HASH", "SA", "NONCE", "ID", "ID"]);
    assert!(quick.details.iter().any(|d| d == "IDcr 10.2.0.0/24"));
}

#[test]
fn libreswans_log_with_private_data_opens_ikev2() {
    for name in ["libreswan-v2-cbc", "libreswan-v2-gcm"] {
        let (inside, all) = opened(&keyed(name, name));
        assert_eq!((inside, all), (4, 4), "{name}");
    }
    // NSS keeps the key of IKEv1: only that of ESP is in the log.
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keyed/libreswan-v1.log");
    let keys = Keys::read(&std::fs::read_to_string(log).unwrap());
    assert_eq!(keys.count(), (0, 2));
    assert_eq!(opened(&keyed("libreswan-v1", "libreswan-v1")).0, 0);
}

/// Without `crypt` the log lacks the salt of a combined-mode cipher.
#[test]
fn a_salt_that_is_missing_is_said() {
    let line = |role| {
        format!(
            "Nov 21 14:19:58.215556: | ikev2 {role} 0xa4fdeafcc90f7bed 0x56b361b4b8577e09 none: aes_gcm_16128:0x0579148cfb4b5bcff120d9eca55b78ed\n"
        )
    };
    let keys = Keys::read(&(line("I") + &line("R")));
    assert_eq!(keys.count(), (0, 0));
    assert!(keys.problems()[0].contains("plutodebug=crypt"));
}

#[test]
fn wiresharks_table_racoon_openswan_and_the_kernel() {
    // The same key, as Wireshark, racoon and Openswan write it.
    let log = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keyed/strongswan-v1-main.log"),
    )
    .unwrap();
    let (_, behind) = log.split_once("encryption key Ka =>").unwrap();
    let dump = behind.lines().nth(1).unwrap();
    let (_, hex) = dump.split_once(" 0: ").unwrap();
    let octets: Vec<&str> = hex.split_whitespace().take(16).collect();
    let groups: Vec<String> = octets
        .chunks(4)
        .map(|c| c.concat().to_lowercase())
        .collect();
    let forms = [
        format!("8257ce88521f395d,{}\n", octets.concat()),
        format!("\"8257ce88521f395d\",\"{}\"\n", octets.concat()),
        format!("ikev1 8257ce88521f395d key={}\n", octets.concat()),
        format!(
            "2026-11-21 14:14:10: DEBUG: final encryption key computed:\n2026-11-21 14:14:10: DEBUG: \n{}\n2026-11-21 14:14:10: DEBUG: hash(sha1)\n",
            groups.join(" ")
        ),
        format!(
            "| enc key:  {}\n|   {}\n| IV:  00\n",
            "",
            octets.join(" ").to_lowercase()
        ),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keyed");
    for form in forms {
        let capture = open(&folder.join("strongswan-v1-main.pcap"), &form);
        assert_eq!(opened(&capture), (11, 11), "{form}");
    }
    let keys = Keys::read(
        "src 192.168.0.1 dst 192.168.0.2\n\tproto esp spi 0xc1a2b3c4 reqid 1 mode tunnel\n\treplay-window 0 flag af-unspec\n\
         \tauth-trunc hmac(sha256) 0x00 128\n\tenc cbc(aes) 0x00112233445566778899aabbccddeeff\n\
         src 192.168.0.2 dst 192.168.0.1\n\tproto esp spi 0xc1a2b3c5(3248665541) reqid 1(0x00000001) mode tunnel\n\
         \taead rfc4106(gcm(aes)) 0x00112233445566778899aabbccddeeff00112233 128\n",
    );
    assert_eq!((keys.count(), keys.problems().len()), ((0, 2), 0));
}
