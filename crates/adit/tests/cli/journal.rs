//! Events in systemd's own journal: a real systemd-journald, alone in a mount and a network namespace, hears a gateway.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::Dir;
use crate::sites::{KEY, permitted};

const JOURNALD: &str = "/lib/systemd/systemd-journald";

/// Runs a gateway whose peer can't be reached for a moment, with standard error as a unit's leads to the journal, and
/// prints what the journal has of its tunnel. `/run` is its own, so the machine's journal hears nothing of it.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs none /run
mkdir -p /run/systemd/journal /run/log/journal
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
"$1" & journald=$!
trap 'kill $journald' EXIT
for _ in $(seq 100); do [ -S /run/systemd/journal/stdout ] && break; sleep 0.1; done
systemd-cat sh -c 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec timeout 5 "$0" run -c "$1" --state /run/adit --backend user' "$2" "$3" || true
for _ in $(seq 50); do
    journalctl -D /run/log/journal --no-pager -o json ADIT_TUNNEL=office ADIT_EVENT=path-failed | grep -q . && break
    sleep 0.1
done
journalctl -D /run/log/journal --no-pager -o json ADIT_TUNNEL=office
"#;

/// `journalctl ADIT_TUNNEL=office ADIT_EVENT=…` is what the documentation promises.
#[test]
fn each_event_is_an_entry_of_the_journal_with_fields() {
    if !permitted("events in systemd's journal") {
        return;
    }
    let there = |file: &&str| Path::new(file).exists();
    let needed = [JOURNALD, "/usr/bin/journalctl", "/etc/machine-id"];
    if let Some(missing) = needed.iter().find(|file| !there(file)) {
        eprintln!("skipped: events in systemd's journal: there is no {missing}");
        return;
    }
    let dir = Dir::new("journal");
    dir.write("gw.psk", KEY);
    let conf = dir.write(
        "adit.toml",
        r#"[tunnel.office]
local = "192.0.2.1"
remote = "192.0.2.9"
auth = { psk_file = "gw.psk" }
start = "auto"
[tunnel.office.child.lan]
local_net = ["10.1.0.0/24"]
remote_net = ["10.2.0.0/24"]
"#,
    );
    let ran = Command::new("unshare")
        .args(["-n", "-m", "--propagation", "private", "sh", "-c", SCRIPT])
        .args(["sh", JOURNALD, env!("CARGO_BIN_EXE_adit"), &conf])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let entries: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let complaints = String::from_utf8_lossy(&ran.stderr);
    let of = |event: &str| {
        let mut all = entries.iter();
        all.find(|entry| entry["ADIT_EVENT"] == event)
            .unwrap_or_else(|| panic!("no {event} in {said}\n{complaints}"))
    };
    for event in ["initiating", "path-failed"] {
        let entry = of(event);
        assert_eq!(entry["ADIT_PEER"], "192.0.2.9");
        assert_eq!(entry["SYSLOG_IDENTIFIER"], "adit");
        assert_eq!(entry["_TRANSPORT"], "journal", "with fields, not as a line");
        assert!(entry["MESSAGE"].as_str().unwrap().starts_with("office: "));
        assert!(
            entry["ADIT_NUMBER"]
                .as_str()
                .unwrap()
                .parse::<u64>()
                .is_ok()
        );
    }
    let kind = |event| of(event)["MESSAGE_ID"].as_str().unwrap().to_owned();
    assert_ne!(kind("initiating"), kind("path-failed"));
}
