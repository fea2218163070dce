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
