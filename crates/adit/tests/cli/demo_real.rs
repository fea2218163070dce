//! The demo in real namespaces: for root, for nobody in particular, and where a door is closed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use adit_wire::ip::IpPacket;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use serde_json::Value;

use crate::demo_virtual::{FAULTS, right};
use crate::program::{DONE, Dir, Ran, adit, command, eventually};
use crate::sites::{SOON, permitted};

const NOBODY: u32 = 65534;

/// A copy of the program that every user may run; the build's own folder may be closed to others.
pub fn for_everyone(dir: &Dir) -> PathBuf {
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = dir.path().join("adit");
    std::fs::copy(env!("CARGO_BIN_EXE_adit"), &copy).unwrap();
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
    copy
}

#[test]
fn real_packets_tell_the_same_story() {
    if !permitted("the demo in namespaces") {
        return;
    }
    let dir = Dir::new("demo");
    let capture = dir.at("wire.pcapng");
    let document: Value = adit(&["demo", "--json", "--pcap", &capture])
        .ends_with(DONE)
        .json();
    assert_eq!(document["world"], "namespaces");
    right(&document, "psk", "psk-mismatch");
    let traffic = &document["traffic"];
    assert_eq!(traffic["pings_sent"], traffic["pings_answered"]);
    assert_eq!(traffic["bulk_kind"], "tcp");

    let seen = Seen::read(&std::fs::read(&capture).unwrap());
    assert_eq!(seen.clear, 0, "packets left in clear");
    assert!(seen.packets as u64 >= document["wire"]["esp"].as_u64().unwrap());
    assert!(seen.to_port.contains_key(&500) && seen.to_port.contains_key(&4500));
}

#[test]
fn every_fault_is_found_among_real_packets() {
    if !permitted("faults in namespaces") {
        return;
    }
    // Most of their time they wait for answers that never come.
    const AT_ONCE: usize = 3;
    std::thread::scope(|scope| {
        for turn in 0..AT_ONCE {
            scope.spawn(move || {
                for (fault, cause) in FAULTS.iter().skip(turn).step_by(AT_ONCE) {
                    let document: Value = adit(&["demo", "--json", "--break", fault])
                        .ends_with(DONE)
                        .json();
                    assert_eq!(document["world"], "namespaces");
                    right(&document, fault, cause);
                }
            });
        }
    });
}

#[test]
fn keep_goes_on_until_it_is_interrupted_and_leaves_nothing() {
    if !permitted("demo --keep") {
        return;
    }
    let dir = Dir::new("keep");
    let mut demo = command(&["demo", "--keep", "--break", "ts"])
        .env("TMPDIR", dir.path())
        .stdout(Stdio::piped())
        // The whole group gets the terminal's Ctrl-C.
        .process_group(0)
        .spawn()
        .unwrap();
    let group = Pid::from_child(&demo);
    let mut lines = BufReader::new(demo.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let hint = lines
        .find(|line| line.contains("adit status --state"))
        .unwrap();
    let state = hint.split("--state").nth(1).unwrap().trim().to_owned();
    lines.find(|line| line.contains("Ctrl-C")).unwrap();

    // What it says one can do works.
    let status: Value = adit(&["status", "--json", "--state", &state]).json();
    assert_eq!(status["tunnels"][0]["name"], "office");
    let verdict: Value = adit(&["why", "--json", "--state", &state]).json();
    assert_eq!(verdict["schema"], "adit.why/1");

    kill_process_group(group, Signal::INT).unwrap();
    let status = eventually(SOON, || demo.try_wait().unwrap()).expect("it goes on after Ctrl-C");
    assert_eq!(status.code(), Some(DONE));
    let gone = eventually(SOON, || {
        test_kill_process_group(group).is_err().then_some(())
    });
    assert!(gone.is_some(), "processes are left");
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "files are left"
    );
}

#[test]
fn nobody_in_particular_sees_it_too() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: the demo as another user: only root can be someone else");
        return;
    }
    let dir = Dir::new("nobody");
    let program = for_everyone(&dir);
    let ran: Ran = Command::new(program)
        .args(["demo", "--json", "--break", "dh"])
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap()
        .into();
    let document: Value = ran.ends_with(DONE).json();
    right(&document, "dh", "ike-dh-group-mismatch");
    match document["world"].as_str().unwrap() {
        "namespaces" => assert!(document.get("closed").is_none()),
        "virtual" => assert!(!document["closed"].as_str().unwrap().is_empty()),
        other => panic!("a world called {other}"),
    }
}

#[test]
fn a_closed_tun_device_is_named_and_the_story_told_all_the_same() {
    let tools = ["unshare", "mount"].map(|tool| Command::new(tool).arg("--version").output());
    if !rustix::process::geteuid().is_root() || tools.iter().any(Result::is_err) {
        eprintln!("skipped: a closed TUN device: needs root, unshare and mount");
        return;
    }
    let dir = Dir::new("no-tun");
    let program = for_everyone(&dir);
    // In a mount namespace of its own, a file that only root may open stands where the device is.
    let closed = dir.write("tun", "");
    let script = format!(
        "mount --bind {closed} /dev/net/tun && exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups {} demo --json --break psk",
        program.display()
    );
    let ran: Ran = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .output()
        .unwrap()
        .into();
    let ran = ran.ends_with(DONE);
    let document: Value = ran.json();
    assert_eq!(document["world"], "virtual");
    right(&document, "psk", "psk-mismatch");
    let reason = document["closed"].as_str().unwrap();
    assert!(!reason.is_empty());
    assert!(ran.err.contains(reason), "{}", ran.err);
}

/// What is in a capture file.
#[derive(Default)]
struct Seen {
    packets: usize,
    clear: usize,
    to_port: BTreeMap<u16, usize>,
}

const ENHANCED_PACKET: u32 = 6;
const ETHERNET_HEADER: usize = 14;

impl Seen {
    /// Reads a little-endian pcapng file with Ethernet frames.
    fn read(mut file: &[u8]) -> Self {
        let word =
            |octets: &[u8], at: usize| u32::from_le_bytes(octets[at..at + 4].try_into().unwrap());
        assert_eq!(word(file, 0), 0x0a0d_0d0a, "no section header");
        assert_eq!(word(file, 8), 0x1a2b_3c4d, "not little-endian");
        let mut seen = Self::default();
        while !file.is_empty() {
            let length = word(file, 4) as usize;
            let (block, rest) = file.split_at(length);
            assert_eq!(word(block, length - 4) as usize, length);
            if word(block, 0) == ENHANCED_PACKET {
                let captured = word(block, 20) as usize;
                seen.add(&block[28..28 + captured]);
            }
            file = rest;
        }
        seen
    }

    fn add(&mut self, frame: &[u8]) {
        let Ok(ip) = IpPacket::parse(&frame[ETHERNET_HEADER..]) else {
            return; // ARP and its like.
        };
        self.packets += 1;
        if is_protected(ip.source) || is_protected(ip.destination) {
            self.clear += 1;
        }
        if let Some(ports) = ip.ports() {
            *self.to_port.entry(ports.destination).or_default() += 1;
        }
    }
}

fn is_protected(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] == 10,
        IpAddr::V6(v6) => v6.segments()[0] == 0xfd00,
    }
}
