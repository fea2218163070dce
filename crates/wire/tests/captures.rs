//! Packets that other implementations sent, read in place from the shared folder.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

mod common;

use adit_wire::icmp::{Family, IcmpMessage};
use adit_wire::ip::{IpPacket, Ipv4Header, Ipv6Header, protocol};
use adit_wire::tcp::TcpHeader;
use adit_wire::udp::UdpDatagram;
use adit_wire::v1::V1Message;
use adit_wire::v2::{Message, emit_plain, rules};
use common::capture::{captures, ike_datagrams, ip_packets, shared};

/// What parses is written and read again as the same value, for every layer of every packet.
#[test]
fn every_packet_of_every_capture() {
    let Some(shared) = shared() else {
        println!("skipped: captures of other implementations, no shared folder");
        return;
    };
    let mut packets = 0;
    let mut messages = 0;
    for path in [
        captures(&shared.join("vectors/pcap")),
        captures(&shared.join("lab/faults")),
    ]
    .concat()
    {
        let file = std::fs::read(&path).unwrap();
        for bytes in ip_packets(&file) {
            packets += usize::from(read_packet(&bytes));
        }
        for (datagram, version) in ike_datagrams(&file) {
            messages += usize::from(if version == 1 {
                read_v1(&datagram)
            } else {
                read_v2(&datagram)
            });
        }
    }
    println!("{packets} packets and {messages} IKE messages parsed");
    assert!(
        packets > 0 && messages > 0,
        "the captures are there and nothing was read"
    );
}

fn read_packet(bytes: &[u8]) -> bool {
    let Ok(view) = IpPacket::parse(bytes) else {
        return false;
    };
    let mut out = Vec::new();
    if let Ok((header, payload)) = Ipv4Header::parse(bytes) {
        header.emit(payload.len(), &mut out).unwrap();
        // One capture has a checksum of 0xffff, the other form of zero; the value is the same.
        if bytes[10..12] != [0xff, 0xff] {
            assert_eq!(out, bytes[..out.len()]);
        }
        out.extend_from_slice(payload);
        assert_eq!(Ipv4Header::parse(&out), Ok((header, payload)));
    } else if let Ok((header, payload)) = Ipv6Header::parse(bytes) {
        header.emit(payload.len(), &mut out).unwrap();
        assert_eq!(out, bytes[..40]);
    }
    if view.fragment.is_some() {
        return true;
    }
    let mut out = Vec::new();
    match view.protocol {
        protocol::UDP => {
            if let Ok(datagram) =
                UdpDatagram::parse(Some((view.source, view.destination)), view.payload())
                && view.payload()[6..8] != [0, 0]
            {
                datagram
                    .emit(view.source, view.destination, &mut out)
                    .unwrap();
                assert_eq!(out, view.payload()[..out.len()]);
            }
        }
        protocol::ICMP | protocol::ICMPV6 => {
            let family = Family::of(view.source, view.destination);
            if let Ok(message) = IcmpMessage::parse(family, view.payload()) {
                message.emit(family, &mut out).unwrap();
                assert_eq!(out, view.payload());
            }
        }
        protocol::TCP => {
            let _ = TcpHeader::parse(view.payload());
        }
        _ => {}
    }
    true
}

fn read_v2(datagram: &[u8]) -> bool {
    let Ok(message) = Message::parse(datagram) else {
        return false;
    };
    let again = emit_plain(&message.header, &message.payloads).unwrap();
    assert_eq!(Message::parse(&again).unwrap().payloads, message.payloads);
    true
}

fn read_v1(datagram: &[u8]) -> bool {
    let Ok(message) = V1Message::parse(datagram) else {
        return false;
    };
    assert_eq!(V1Message::parse(&message.emit().unwrap()).unwrap(), message);
    true
}

/// The lab's gateways follow the rules, and set reserved bits to zero: their messages come back byte for byte.
#[test]
fn lab_messages_come_back_byte_for_byte() {
    let Some(shared) = shared() else {
        println!("skipped: the lab's captures, no shared folder");
        return;
    };
    let mut clear = 0;
    for path in captures(&shared.join("lab/faults")) {
        for (datagram, version) in ike_datagrams(&std::fs::read(&path).unwrap()) {
            if version == 1 {
                let message =
                    V1Message::parse(&datagram).unwrap_or_else(|error| panic!("{path:?}: {error}"));
                assert_eq!(message.emit().unwrap(), datagram, "{path:?}");
                continue;
            }
            let message =
                Message::parse(&datagram).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            if message.encrypted.is_some() {
                assert!(message.payloads.0.is_empty());
                continue;
            }
            assert_eq!(
                emit_plain(&message.header, &message.payloads).unwrap(),
                datagram,
                "{path:?}"
            );
            let header = message.header;
            rules::check(
                header.exchange,
                header.flags.response,
                false,
                &message.payloads,
            )
            .unwrap_or_else(|error| panic!("{path:?}: {error}"));
            clear += 1;
        }
    }
    assert!(clear > 0, "the captures are there and none was read");
}
