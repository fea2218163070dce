//! Replays the committed fuzz corpora through the functions that the fuzz targets run.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

mod common;
#[path = "../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/esp.rs"]
mod targets;

use replay::corpus;

use adit_esp::offload::PacketHeader;
use adit_wire::esp::EspTrailer;
use adit_wire::ip::{emit_packet, protocol};
use common::{eastbound, udp};

#[test]
fn every_committed_input_holds() {
    replay::replay(targets::ALL);
}

/// `cargo test -p adit-esp --test corpus -- --ignored` writes the seeds anew.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_seeds() {
    let save = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(corpus(target)).unwrap();
        std::fs::write(corpus(target).join(name), bytes).unwrap();
    };
    let v4 = eastbound(11);
    let v6 = udp("fd00:1::7", "fd00:2::9", (4000, 53), 11);
    for (name, packet, next_header) in [("v4", &v4, 4), ("v6", &v6, 41), ("dummy", &v4, 59)] {
        save("ip_selector", name, packet);
        for cipher in 0..8u8 {
            let block = if cipher & 3 == 2 { 16 } else { 4 };
            let mut inside = packet.clone();
            EspTrailer::for_payload(packet.len(), block, next_header).emit(&mut inside);
            let seed = [&[cipher], inside.as_slice()].concat();
            save("esp_open", &format!("{name}-{cipher}"), &seed);
        }
    }
    for (name, packet, start) in [("v4", &v4, 20_u16), ("v6", &v6, 40)] {
        for kind in [0, PacketHeader::UDP] {
            let header = PacketHeader {
                flags: PacketHeader::NEEDS_CHECKSUM,
                kind,
                header_length: start + 8,
                segment: 4,
                checksum_start: start,
                checksum_offset: 6,
            };
            let seed = [&header.to_bytes()[..], packet].concat();
            save("offload", &format!("udp-{name}-{kind}"), &seed);
        }
    }
    for (name, version) in [("v4", 4), ("v6", 6)] {
        save("offload", &format!("tcp-{name}"), &long_tcp(version));
    }
    save(
        "esp_open",
        "forged",
        &[&[0x80, 0, 0, 0, 1], v4.as_slice()].concat(),
    );
}

/// A TCP packet that is to be cut into four, with timestamps.
fn long_tcp(version: u8) -> Vec<u8> {
    let mut tcp = vec![
        0x9c, 0x40, 0, 22, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 9, 0x80, 0x18, 2, 0,
    ];
    tcp.extend([0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    tcp.extend([0x5a; 30]);
    let (from, to, start, kind) = match version {
        4 => ("10.1.0.7", "10.2.0.9", 20, PacketHeader::TCP_V4),
        _ => ("fd00:1::7", "fd00:2::9", 40, PacketHeader::TCP_V6),
    };
    let header = PacketHeader {
        flags: PacketHeader::NEEDS_CHECKSUM,
        kind,
        header_length: start + 32,
        segment: 8,
        checksum_start: start,
        checksum_offset: 16,
    };
    let mut out = header.to_bytes().to_vec();
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    emit_packet(from, to, protocol::TCP, &tcp, &mut out).unwrap();
    out
}
