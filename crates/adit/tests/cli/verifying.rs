//! `adit verify`: what a capture proves, and what the wire does.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::Value;

use crate::program::{CANNOT_OBSERVE, DONE, Dir, FINDINGS, USAGE, adit};

/// An IPv4 packet: protocol, ends, payload.
type Packet = (u8, [u8; 4], [u8; 4], Vec<u8>);

/// A capture of bare IPv4 packets, one in a second.
fn capture(dir: &Dir, packets: &[Packet]) -> String {
    capture_of(dir, packets, 1_000_000)
}

/// A capture of bare IPv4 packets, so many microseconds apart.
fn capture_of(dir: &Dir, packets: &[Packet], apart: u64) -> String {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101] {
        file.extend(word.to_be_bytes());
    }
    for (n, (protocol, from, to, payload)) in (0_u64..).zip(packets) {
        let length = u16::try_from(20 + payload.len()).unwrap();
        let second = 1_700_000_000 + u32::try_from(n * apart / 1_000_000).unwrap();
        let rest = u32::try_from(n * apart % 1_000_000).unwrap();
        for word in [second, rest, u32::from(length), u32::from(length)] {
            file.extend(word.to_be_bytes());
        }
        file.extend([0x45, 0]);
        file.extend(length.to_be_bytes());
        file.extend([0, 0, 0x40, 0, 64, *protocol, 0, 0]);
        file.extend(from.iter().chain(to));
        file.extend(payload);
    }
    let path = dir.path().join("wire.pcap");
    std::fs::write(&path, file).unwrap();
    path.display().to_string()
}

const US: [u8; 4] = [203, 0, 113, 1];
const PEER: [u8; 4] = [203, 0, 113, 2];

fn esp(sequence: u8) -> Vec<u8> {
    let mut esp = vec![0xc0, 0, 0, 1, 0, 0, 0, sequence];
    esp.resize(120, 0x55);
    esp
}

fn tcp() -> Vec<u8> {
    let mut tcp = vec![0x9c, 0x40, 0x15, 0x38];
    tcp.extend([0; 16]);
    tcp.extend(b"what nobody else should read");
    tcp
}

fn protected() -> Vec<Packet> {
    let both = |n| [(50, US, PEER, esp(n)), (50, PEER, US, esp(n))];
    (1..20).flat_map(both).collect()
}

#[test]
fn a_capture_with_esp_alone_is_encrypted() {
    let dir = Dir::new("verify-esp");
    let file = capture(&dir, &protected());
    let ran = adit(&[
        "verify",
        "203.0.113.2",
        "--net",
        "10.2.0.0/16",
        "--from",
        &file,
        "--json",
    ]);
    let document: Value = ran.ends_with(DONE).json();
    assert_eq!(document["schema"], "adit.verify/1");
    assert_eq!(document["verdict"], "encrypted");
    assert_eq!(document["esp"], serde_json::json!({ "out": 19, "in": 19 }));
    assert_eq!(document["clear"], serde_json::json!({ "out": 0, "in": 0 }));
}

#[test]
fn one_packet_in_clear_is_quoted_and_what_it_carries_isnt() {
    let dir = Dir::new("verify-clear");
    let mut packets = protected();
    packets.insert(7, (6, [10, 1, 0, 5], [10, 2, 0, 9], tcp()));
    let file = capture(&dir, &packets);
    let args = [
        "verify",
        "203.0.113.2",
        "--net",
        "10.2.0.0/16",
        "--from",
        &file,
    ];
    let text = adit(&args).ends_with(FINDINGS).out;
    for part in [
        "in clear",
        "10.1.0.5 to 10.2.0.9",
        "TCP port 5432",
        "1 packets, 68 octets",
        "2023-11-14T22:13:27",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("nobody"), "{text}");
}

#[test]
fn the_networks_come_from_a_configuration_and_nothing_seen_proves_nothing() {
    let dir = Dir::new("verify-config");
    dir.write("office.psk", "a key");
    let config = dir.write(
        "adit.toml",
        "[tunnel.office]\nlocal = \"203.0.113.1\"\nremote = \"203.0.113.2\"\nlocal_id = \"a.example\"\nremote_id = \"b.example\"\nauth = { psk_file = \"office.psk\" }\n[tunnel.office.child.lan]\nlocal_net = [\"10.1.0.0/24\"]\nremote_net = [\"10.2.0.0/24\"]\n",
    );
    let outside = (6, [10, 1, 0, 5], [10, 2, 7, 9], tcp());
    let file = capture(&dir, &[outside]);
    let args = ["verify", "office", "-c", &config, "--from", &file, "--json"];
    let document: Value = adit(&args).ends_with(FINDINGS).json();
    assert_eq!(document["verdict"], "nothing");
    assert_eq!(document["peer"], "203.0.113.2");
    assert_eq!(document["protected"][0]["remote"][0], "10.2.0.0/24");
    let unknown = adit(&["verify", "nowhere", "-c", &config, "--from", &file]).ends_with(USAGE);
    assert!(unknown.err.contains("nowhere"), "{}", unknown.err);
    // Without a configuration and without networks the gateway is asked, and there is none.
    let state = dir.at("no-gateway");
    let alone = adit(&["verify", "203.0.113.2", "--from", &file, "--state", &state]);
    let alone = alone.ends_with(CANNOT_OBSERVE);
    assert!(alone.err.contains("--net"), "{}", alone.err);
}

/// A configuration of one tunnel to the peer, with what `child` and `more` say.
fn config(dir: &Dir, child: &str, more: &str) -> String {
    dir.write("office.psk", "a key");
    dir.write(
        "adit.toml",
        &format!(
            "[tunnel.office]\nlocal = \"203.0.113.1\"\nremote = \"203.0.113.2\"\nlocal_id = \"a.example\"\nremote_id = \"b.example\"\nauth = {{ psk_file = \"office.psk\" }}\nallow_weak = true\n[tunnel.office.child.lan]\n{child}\n{more}"
        ),
    )
}

const LAN: &str = "local_net = [\"10.1.0.0/24\"]\nremote_net = [\"10.2.0.0/24\"]\n";

/// The leak that is met most: a NAT rule takes the packets before the tunnel does.
#[test]
fn a_masqueraded_packet_is_in_clear_too() {
    let dir = Dir::new("verify-masqueraded");
    let mut packets = protected();
    packets.push((6, US, [10, 2, 0, 9], tcp()));
    // This host's own business with others.
    packets.push((6, US, [198, 51, 100, 7], tcp()));
    let file = capture(&dir, &packets);
    let config = config(&dir, LAN, "");
    let ran = adit(&["verify", "office", "-c", &config, "--from", &file, "--json"]);
    let document: Value = ran.ends_with(FINDINGS).json();
    assert_eq!(document["verdict"], "clear");
    let quoted = document["in_clear"].as_array().unwrap();
    assert_eq!(quoted.len(), 1, "{document}");
    assert_eq!(quoted[0]["from"], "203.0.113.1");
    assert_eq!(quoted[0]["to"], "10.2.0.9");
}

#[test]
fn what_a_policy_lets_pass_is_no_leak() {
    let dir = Dir::new("verify-policy");
    let mut packets = protected();
    packets.push((6, [10, 1, 0, 5], [10, 2, 0, 9], tcp()));
    let file = capture(&dir, &packets);
    let policy = "[policy.printer]\naction = \"bypass\"\nlocal_net = [\"10.1.0.0/24\"]\nremote_net = [\"10.2.0.9/32\"]\n";
    let verdict = |more: &str, ends| {
        let config = config(&dir, LAN, more);
        let ran = adit(&["verify", "office", "-c", &config, "--from", &file, "--json"]);
        let document: Value = ran.ends_with(ends).json();
        document["verdict"].clone()
    };
    assert_eq!(verdict("", FINDINGS), "clear");
    assert_eq!(verdict(policy, DONE), "encrypted");
}

#[test]
fn a_tunnel_for_anything_needs_networks_to_judge_by() {
    let dir = Dir::new("verify-anything");
    let file = capture(&dir, &protected());
    let anything = "local_net = [\"0.0.0.0/0\"]\nremote_net = [\"0.0.0.0/0\"]\n";
    let config = config(&dir, anything, "");
    let args = ["verify", "office", "-c", &config, "--from", &file];
    let refused = adit(&args).ends_with(USAGE);
    assert!(refused.err.contains("--net"), "{}", refused.err);
    let named = [&args[..], &["--net", "10.2.0.0/16"]].concat();
    let text = adit(&named).ends_with(DONE).out;
    assert!(text.contains("encrypted"), "{text}");
}

/// In a file nobody can tell what a kernel shows again from what the peer sent in clear.
#[test]
fn what_may_have_been_shown_again_leaves_the_proof_open() {
    let dir = Dir::new("verify-again");
    let packets = [
        (50, US, PEER, esp(1)),
        (50, PEER, US, esp(1)),
        (6, [10, 2, 0, 9], [10, 1, 0, 5], tcp()),
    ];
    let file = capture_of(&dir, &packets, 100);
    let args = [
        "verify",
        "203.0.113.2",
        "--net",
        "10.2.0.0/16",
        "--from",
        &file,
        "--json",
    ];
    let document: Value = adit(&args).ends_with(FINDINGS).json();
    assert_eq!(document["verdict"], "incomplete");
    assert_eq!(document["undecided"], 1);
    assert_eq!(document["cipher"], "unseen");
    let said = [&args[..], &["--kernel-ipsec"]].concat();
    let document: Value = adit(&said).ends_with(DONE).json();
    assert_eq!(document["verdict"], "encrypted");
    assert_eq!(document["shown_again"], 1);
}

#[test]
fn esp_that_may_be_without_encryption_proves_nothing() {
    let dir = Dir::new("verify-null");
    let file = capture(&dir, &protected());
    let ran = |esp: &str| {
        let child = format!("{LAN}esp = [\"{esp}\"]\n");
        let config = config(&dir, &child, "");
        adit(&["verify", "office", "-c", &config, "--from", &file])
    };
    let text = ran("null-sha256").ends_with(FINDINGS).out;
    assert!(text.contains("allows none"), "{text}");
    let text = ran("aes128gcm16").ends_with(DONE).out;
    assert!(!text.contains("cipher"), "{text}");
}

/// On a wire: loopback, with datagrams for ESP in UDP and one in clear.
#[test]
fn the_wire_is_watched_while_it_is_used() {
    if !crate::sites::permitted("watching a wire") {
        return;
    }
    let to = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let watched = std::thread::spawn(|| {
        adit(&[
            "verify",
            "127.0.0.1",
            "--net",
            "127.9.0.0/16",
            "--interface",
            "lo",
            "--seconds",
            "3",
            "--json",
        ])
    });
    let near = UdpSocket::bind(to(0)).unwrap();
    for sequence in 1..60 {
        // Nobody has to hear it.
        let _ = near.send_to(&esp(sequence), to(4500));
        let _ = near.send_to(b"in clear", "127.9.0.1:9999");
        std::thread::sleep(Duration::from_millis(40));
    }
    let ran = watched.join().unwrap();
    let document: Value = ran.ends_with(FINDINGS).json();
    assert_eq!(document["verdict"], "clear", "{document}");
    assert!(
        document["esp_in_udp"]["out"].as_u64().unwrap() > 10,
        "{document}"
    );
    let quoted = document["in_clear"].as_array().unwrap();
    assert!(
        quoted
            .iter()
            .any(|c| c["to"] == "127.9.0.1" && c["protocol"] == 17),
        "{document}"
    );
}
