//! The same packets in every kind of file and on every kind of link: what is read is the same. And files that are cut,
//! damaged or hostile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::path::Path;

use adit_evidence::capture::{Capture, CaptureError, read};
use serde_json::{Value, json};

struct Packet {
    nanos: u64,
    /// From the IP header on.
    bytes: Vec<u8>,
}

/// A real exchange and its ESP.
fn packets() -> Vec<Packet> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/ok-ikev2-psk.pcap");
    let bytes = std::fs::read(file).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut at, mut out) = (24, Vec::new());
    while at < bytes.len() {
        let length = number(at + 8) as usize;
        let packet = &bytes[at + 16..at + 16 + length];
        let nanos = u64::from(number(at)) * 1_000_000_000 + u64::from(number(at + 4)) * 1000;
        out.push(Packet {
            nanos,
            bytes: packet[14..].to_vec(),
        });
        at += 16 + length;
    }
    out
}

/// What must be the same whatever the file looks like.
fn essence(capture: &Capture) -> Value {
    json!([
        capture.packets,
        capture.conversations,
        capture.flows,
        capture.icmp_errors,
        capture.keepalives
    ])
}

#[derive(Clone, Copy)]
struct Order {
    big: bool,
}

impl Order {
    fn u16(self, n: u16) -> [u8; 2] {
        if self.big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    }
    fn u32(self, n: u32) -> [u8; 4] {
        if self.big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    }
}

fn pcap(big: bool, nanoseconds: bool, link: u32, head: &[u8]) -> Vec<u8> {
    let o = Order { big };
    let mut out = o
        .u32(if nanoseconds {
            0xa1b2_3c4d
        } else {
            0xa1b2_c3d4
        })
        .to_vec();
    out.extend([o.u16(2), o.u16(4)].concat());
    [0, 0, 65535, link]
        .iter()
        .for_each(|n| out.extend(o.u32(*n)));
    for p in packets() {
        let fraction = p.nanos % 1_000_000_000 / if nanoseconds { 1 } else { 1000 };
        let length = (head.len() + p.bytes.len()) as u32;
        out.extend(o.u32((p.nanos / 1_000_000_000) as u32));
        out.extend(o.u32(fraction as u32));
        out.extend([o.u32(length), o.u32(length)].concat());
        out.extend(head);
        out.extend(&p.bytes);
    }
    out
}

fn block(o: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = o.u32(padded as u32 + 12);
    let mut out = [o.u32(kind), length].concat();
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(length);
    out
}

fn section(o: Order) -> Vec<u8> {
    let mut body = o.u32(0x1a2b_3c4d).to_vec();
    body.extend([o.u16(1), o.u16(0)].concat());
    body.extend([0xff; 8]);
    block(o, 0x0a0d_0d0a, &body)
}

/// An interface with time in nanoseconds, and an option that nobody knows.
fn interface(o: Order, link: u16) -> Vec<u8> {
    let mut body = [o.u16(link), o.u16(0)].concat();
    body.extend(o.u32(0));
    body.extend([o.u16(9), o.u16(1)].concat());
    body.extend([9, 0, 0, 0]);
    body.extend([o.u16(0x7fff), o.u16(5)].concat());
    body.extend(b"what?\0\0\0");
    body.extend([0; 4]);
    block(o, 1, &body)
}

fn enhanced(o: Order, number: u32, p: &Packet) -> Vec<u8> {
    let mut body = o.u32(number).to_vec();
    body.extend(o.u32((p.nanos >> 32) as u32));
    body.extend(o.u32(p.nanos as u32));
    let length = o.u32(p.bytes.len() as u32);
    body.extend([length, length].concat());
    body.extend(&p.bytes);
    block(o, 6, &body)
}

/// Two sections in different orders; in the second one the packets are on its second interface.
fn pcapng() -> Vec<u8> {
    let (first, second) = (Order { big: true }, Order { big: false });
    let packets = packets();
    let (one, two) = packets.split_at(packets.len() / 2);
    let mut out = section(first);
    out.extend(interface(first, 101));
    one.iter().for_each(|p| out.extend(enhanced(first, 0, p)));
    out.extend(block(first, 5, &[0; 12]));
    out.extend(section(second));
    out.extend(interface(second, 147));
    out.extend(interface(second, 228));
    two.iter().for_each(|p| out.extend(enhanced(second, 1, p)));
    out
}

#[test]
fn every_file_and_every_link_tells_the_same() {
    let raw = read(&pcap(false, true, 101, &[])).unwrap();
    assert!(raw.messages() > 10 && raw.flows.len() >= 4);
    let same = essence(&raw);
    let ethernet = [&[0; 12][..], &[0x08, 0x00]].concat();
    let vlan = [&[0; 12][..], &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x08, 0x00]].concat();
    let sll = [&[0; 14][..], &[0x08, 0x00]].concat();
    let sll2 = [&[0x08, 0x00][..], &[0; 18]].concat();
    let pppoe = [
        &[0; 12][..],
        &[0x88, 0x64, 0x11, 0, 0, 1, 0, 99, 0x00, 0x21],
    ]
    .concat();
    let files: [(&str, Vec<u8>); 12] = [
        ("big-endian, microseconds", pcap(true, false, 101, &[])),
        ("big-endian, nanoseconds", pcap(true, true, 101, &[])),
        ("little-endian, microseconds", pcap(false, false, 101, &[])),
        ("raw of BSD", pcap(false, true, 12, &[])),
        ("Ethernet", pcap(false, true, 1, &ethernet)),
        ("two VLAN tags", pcap(false, true, 1, &vlan)),
        ("PPPoE", pcap(false, true, 1, &pppoe)),
        ("Linux cooked", pcap(false, true, 113, &sll)),
        ("Linux cooked 2", pcap(false, true, 276, &sll2)),
        ("BSD loopback", pcap(false, true, 0, &[2, 0, 0, 0])),
        ("OpenBSD loopback", pcap(true, true, 108, &[0, 0, 0, 2])),
        ("pcapng", pcapng()),
    ];
    for (what, file) in files {
        let capture = read(&file).unwrap();
        assert!(capture.unread.is_empty(), "{what}: {:?}", capture.unread);
        assert_eq!(essence(&capture), same, "{what}");
    }
}

#[test]
fn a_cut_file_tells_what_it_has() {
    let file = pcapng();
    let whole = read(&file).unwrap().packets;
    for length in (200..file.len()).step_by(13) {
        let capture = read(&file[..length]).unwrap();
        assert!(capture.packets <= whole);
        assert!(capture.unread.total() <= 1, "{:?}", capture.unread);
    }
    let cut = read(&file[..file.len() - 3]).unwrap();
    assert_eq!(cut.packets, whole - 1);
    assert_eq!(
        cut.unread.iter().collect::<Vec<_>>(),
        [("the file ends inside a record", 1)]
    );
}

#[test]
fn packets_cut_by_the_capture_still_count() {
    let o = Order { big: false };
    let mut file = section(o);
    file.extend(interface(o, 101));
    for p in packets() {
        let mut body = o.u32(0).to_vec();
        body.extend([0; 8]);
        body.extend([o.u32(64), o.u32(p.bytes.len() as u32)].concat());
        body.extend(&p.bytes[..64]);
        file.extend(block(o, 6, &body));
    }
    let (cut, whole) = (read(&file).unwrap(), read(&pcapng()).unwrap());
    assert_eq!(cut.messages(), whole.messages());
    assert_eq!(cut.flows.len(), whole.flows.len());
    let first = &cut.conversations[0].messages[0];
    assert_eq!(first.problem.as_deref(), Some("cut short"));
    assert_eq!(first.payloads, ["SA"]);
}

/// Splits every UDP datagram into two IP fragments, the later one first.
fn fragmented(lose_second: bool) -> Vec<u8> {
    let mut out = pcap(false, true, 101, &[])[..24].to_vec();
    for (id, p) in packets().iter().enumerate() {
        let mut put = |flags: u16, payload: &[u8]| {
            let mut packet = p.bytes[..20].to_vec();
            packet[2..4].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
            packet[4..6].copy_from_slice(&(id as u16).to_be_bytes());
            packet[6..8].copy_from_slice(&flags.to_be_bytes());
            packet.extend(payload);
            out.extend([0; 8]);
            let length = (packet.len() as u32).to_le_bytes();
            out.extend([length, length].concat());
            out.extend(packet);
        };
        if !lose_second {
            put(40 / 8, &p.bytes[60..]);
        }
        put(0x2000, &p.bytes[20..60]);
    }
    out
}

#[test]
fn fragments_are_put_together() {
    let whole = read(&pcapng()).unwrap();
    let capture = read(&fragmented(false)).unwrap();
    assert!(capture.unread.is_empty(), "{:?}", capture.unread);
    assert_eq!(capture.messages(), whole.messages());
    let (a, b) = (&capture.conversations[0], &whole.conversations[0]);
    for (got, want) in a.messages.iter().zip(&b.messages) {
        assert_eq!(got.payloads, want.payloads);
        assert_eq!(got.ip_fragments, Some(2));
    }
}

#[test]
fn lost_fragments_are_said_to_be_lost() {
    let capture = read(&fragmented(true)).unwrap();
    let message = &capture.conversations[0].messages[0];
    assert_eq!(
        message.problem.as_deref(),
        Some("IP fragments of it are missing")
    );
    assert_eq!(capture.unread.total(), capture.packets);
}

#[test]
fn what_is_no_capture_is_told_apart() {
    for (file, error) in [
        (&b""[..], CaptureError::NotACapture),
        (b"\xa1\xb2", CaptureError::NotACapture),
        (
            b"Nov 21 10:00:00 west charon: 05[IKE]",
            CaptureError::NotACapture,
        ),
        (b"\x1f\x8b\x08\x00\x00", CaptureError::Compressed("gzip")),
    ] {
        assert_eq!(read(file).unwrap_err(), error);
    }
}

#[test]
fn hostile_lengths_end_in_words() {
    let mut file = pcap(false, true, 101, &[])[..24].to_vec();
    file.extend([0; 8]);
    file.extend([0xff; 200]);
    let capture = read(&file).unwrap();
    assert_eq!(capture.packets, 0);
    let why: Vec<_> = capture.unread.iter().map(|(why, _)| why).collect();
    assert_eq!(
        why,
        ["a packet of 4294967295 bytes at byte 24; nothing behind it is read"]
    );

    let o = Order { big: true };
    let mut file = section(o);
    // A packet of an interface that nobody described, then a block of an impossible length.
    file.extend(enhanced(o, 7, &packets()[0]));
    file.extend([0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0]);
    let capture = read(&file).unwrap();
    assert_eq!((capture.packets, capture.unread.total()), (1, 2));
}
