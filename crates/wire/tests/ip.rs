//! IP, UDP, ICMP and TCP as a tunnel sees them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_wire::Reason;
use adit_wire::checksum;
use adit_wire::icmp::{Echo, Family, IcmpMessage, V4_CODE_FRAGMENTATION_NEEDED};
use adit_wire::ip::{
    Fragment, IpPacket, Ipv4Header, Ipv6Header, Ports, emit_packet, protocol, set_traffic_class,
};
use adit_wire::tcp::TcpHeader;
use adit_wire::udp::UdpDatagram;
use std::net::{IpAddr, Ipv6Addr};

fn v4(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn v6(last: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))
}

fn packet(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    emit_packet(source, destination, protocol, payload, &mut out).unwrap();
    out
}

/// RFC 1071 section 3: the example's sum is ddf2, the checksum its complement.
#[test]
fn checksum_of_rfc_1071() {
    assert_eq!(
        checksum::of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
        !0xddf2
    );
}

#[test]
fn ipv4_header_round_trips_with_every_flag() {
    let header = Ipv4Header {
        traffic_class: 0xb9,
        identification: 0xbeef,
        reserved_flag: true,
        dont_fragment: false,
        more_fragments: true,
        fragment_offset: 185,
        ttl: 3,
        options: vec![7, 3, 4, 0],
        ..Ipv4Header::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into(), protocol::UDP)
    };
    let mut bytes = Vec::new();
    header.emit(5, &mut bytes).unwrap();
    assert_eq!(checksum::of(&bytes), 0);
    bytes.extend_from_slice(b"hello and link padding");
    assert_eq!(Ipv4Header::parse(&bytes), Ok((header, b"hello".as_slice())));
    let view = IpPacket::parse(&bytes).unwrap();
    assert_eq!(
        view.fragment,
        Some(Fragment {
            identification: 0xbeef,
            offset: 1480,
            more: true
        })
    );
    assert_eq!(view.ports(), None, "a later fragment has no ports");
    assert_eq!((view.dscp(), view.ecn(), view.hops), (46, 1, 3));
    assert_eq!((view.header_length, view.total_length()), (24, 29));
}

#[test]
fn a_broken_ipv4_header_is_named() {
    let good = packet(v4(1), v4(2), 17, b"hello");
    let mut flipped = good.clone();
    flipped[8] ^= 1;
    let error = Ipv4Header::parse(&flipped).unwrap_err();
    assert!(
        matches!(error.reason, Reason::BadChecksum { .. }),
        "{error}"
    );
    for (at, value, field) in [
        (0, 0x44, "IPv4 header length"),
        (3, 19, "IPv4 total length"),
        (3, 200, "IPv4 packet"),
        (0, 0x55, "IP version"),
    ] {
        let mut wrong = good.clone();
        wrong[at] = value;
        assert_eq!(IpPacket::parse(&wrong).unwrap_err().field, field);
    }
}

#[test]
fn ipv6_extension_headers_are_skipped() {
    let udp = [0x00, 0x35, 0x10, 0x00, 0, 8, 0, 0];
    let mut chain = vec![protocol::DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0];
    chain.extend_from_slice(&[protocol::FRAGMENT, 1]);
    chain.extend_from_slice(&[0; 14]);
    chain.extend_from_slice(&[protocol::UDP, 0, 0, 1, 0xaa, 0xbb, 0xcc, 0xdd]);
    chain.extend_from_slice(&udp);
    let first = packet(v6(1), v6(2), protocol::HOP_BY_HOP, &chain);
    let view = IpPacket::parse(&first).unwrap();
    assert_eq!(view.protocol, protocol::UDP);
    assert_eq!(view.header_length, 40 + 8 + 16 + 8);
    assert_eq!(
        view.fragment,
        Some(Fragment {
            identification: 0xaabb_ccdd,
            offset: 0,
            more: true
        })
    );
    assert_eq!(
        view.ports(),
        Some(Ports {
            source: 53,
            destination: 4096
        })
    );
    assert_eq!(view.payload(), udp);

    // Behind a later fragment's header stand bytes from the middle, whatever they look like.
    let later = packet(
        v6(1),
        v6(2),
        protocol::FRAGMENT,
        &[protocol::HOP_BY_HOP, 0, 0, 8, 0, 0, 0, 1, 99],
    );
    let view = IpPacket::parse(&later).unwrap();
    assert_eq!((view.protocol, view.ports()), (protocol::HOP_BY_HOP, None));

    let cut = packet(v6(1), v6(2), protocol::ROUTING, &[17, 2, 0, 0]);
    assert_eq!(IpPacket::parse(&cut).unwrap_err().offset, 42);
    let (header, payload) = Ipv6Header::parse(&cut).unwrap();
    assert_eq!((header.next_header, payload.len()), (protocol::ROUTING, 4));
}

#[test]
fn udp_round_trips_and_its_checksum_is_checked() {
    for (source, destination) in [(v4(1), v4(2)), (v6(1), v6(2))] {
        let datagram = UdpDatagram {
            source_port: 500,
            destination_port: 4500,
            payload: b"odd",
        };
        let mut bytes = Vec::new();
        datagram.emit(source, destination, &mut bytes).unwrap();
        assert_eq!(
            UdpDatagram::parse(Some((source, destination)), &bytes),
            Ok(datagram)
        );
        bytes[10] ^= 1;
        let error = UdpDatagram::parse(Some((source, destination)), &bytes).unwrap_err();
        assert_eq!(error.field, "UDP checksum");
        assert!(UdpDatagram::parse(None, &bytes).is_ok());
        let whole = packet(source, destination, protocol::UDP, &bytes);
        assert_eq!(
            IpPacket::parse(&whole).unwrap().ports(),
            Some(Ports {
                source: 500,
                destination: 4500
            })
        );
    }
    // RFC 768: a checksum of zero says that there is none.
    assert!(UdpDatagram::parse(Some((v4(1), v4(2))), &[1, 244, 1, 244, 0, 9, 0, 0, 7]).is_ok());
    assert_eq!(
        UdpDatagram::parse(None, &[0, 1, 0, 2, 0, 7, 0, 0])
            .unwrap_err()
            .field,
        "UDP length"
    );
}

#[test]
fn echo_is_answered_in_both_versions() {
    for (source, destination) in [(v4(1), v4(2)), (v6(1), v6(2))] {
        let family = Family::of(source, destination);
        let request = IcmpMessage::EchoRequest(Echo {
            identifier: 7,
            sequence: 1,
            data: b"adit".to_vec(),
        });
        let mut bytes = Vec::new();
        request.emit(family, &mut bytes).unwrap();
        assert_eq!(bytes[0], if source.is_ipv4() { 8 } else { 128 });
        let parsed = IcmpMessage::parse(family, &bytes).unwrap();
        assert_eq!(parsed, request);
        let mut answer = Vec::new();
        parsed
            .reply()
            .unwrap()
            .emit(Family::of(destination, source), &mut answer)
            .unwrap();
        assert_eq!(answer[0], if source.is_ipv4() { 0 } else { 129 });
        assert_eq!(
            IcmpMessage::parse(Family::of(destination, source), &answer)
                .unwrap()
                .reply(),
            None
        );
        bytes[8] ^= 0x80;
        assert_eq!(
            IcmpMessage::parse(family, &bytes).unwrap_err().field,
            "ICMP checksum"
        );
    }
}

#[test]
fn icmp_errors_carry_the_mtu_and_the_packet() {
    let too_big = IcmpMessage::PacketTooBig {
        mtu: 1280,
        quoted: vec![0x60; 48],
    };
    let family = Family::of(v6(1), v6(2));
    let mut bytes = Vec::new();
    too_big.emit(family, &mut bytes).unwrap();
    assert_eq!(IcmpMessage::parse(family, &bytes), Ok(too_big.clone()));
    assert!(too_big.emit(Family::V4, &mut Vec::new()).is_err());

    let needed = IcmpMessage::Unreachable {
        code: V4_CODE_FRAGMENTATION_NEEDED,
        detail: 1400,
        quoted: vec![0x45; 28],
    };
    let mut bytes = Vec::new();
    needed.emit(Family::V4, &mut bytes).unwrap();
    assert_eq!(bytes[..2], [3, 4]);
    assert_eq!(bytes[6..8], 1400u16.to_be_bytes());
    assert_eq!(IcmpMessage::parse(Family::V4, &bytes), Ok(needed));
}

/// RFC 4301 4.4.1.1: a selector compares ICMP type and code as if they were a port.
#[test]
fn icmp_type_and_code_stand_for_ports() {
    let echo = packet(
        v4(1),
        v4(2),
        protocol::ICMP,
        &[8, 0, 0xf7, 0xff, 0, 0, 0, 0],
    );
    assert_eq!(
        IpPacket::parse(&echo).unwrap().ports(),
        Some(Ports {
            source: 0x0800,
            destination: 0x0800
        })
    );
    let esp = packet(v4(1), v4(2), protocol::ESP, &[0; 32]);
    assert_eq!(IpPacket::parse(&esp).unwrap().ports(), None);
}

#[test]
fn traffic_class_can_be_replaced() {
    for (source, destination) in [(v4(1), v4(2)), (v6(1), v6(2))] {
        let mut bytes = packet(source, destination, protocol::UDP, &[0; 8]);
        set_traffic_class(&mut bytes, 0xb9 | 3);
        let view = IpPacket::parse(&bytes).unwrap();
        assert_eq!((view.dscp(), view.ecn()), (46, 3));
        if source.is_ipv4() {
            assert!(Ipv4Header::parse(&bytes).is_ok(), "the checksum follows");
        } else {
            assert!(Ipv6Header::parse(&bytes).is_ok());
        }
    }
}

#[test]
fn tcp_header_and_mss() {
    let mut segment = vec![
        0x01, 0xbb, 0x80, 0x00, 0, 0, 0, 9, 0, 0, 0, 0, 0x80, 0x02, 0xfa, 0xf0, 0, 0, 0, 0,
    ];
    segment.extend_from_slice(&[1, 3, 3, 7, 2, 4, 0x05, 0xb4, 1, 1, 4, 2]);
    let header = TcpHeader::parse(&segment).unwrap();
    assert_eq!(
        (header.source_port, header.destination_port, header.sequence),
        (443, 32768, 9)
    );
    assert_eq!(
        (header.flags, header.mss, header.header_length),
        (TcpHeader::SYN, Some(1460), 32)
    );
    segment[21] = 8; // a kind with a length
    segment[22] = 0; // that would never end
    assert_eq!(TcpHeader::parse(&segment).unwrap().mss, None);
    segment[12] = 0x40;
    assert_eq!(
        TcpHeader::parse(&segment).unwrap_err().field,
        "TCP header length"
    );
}

#[test]
fn a_packet_too_long_is_refused() {
    assert!(emit_packet(v4(1), v4(2), 17, &vec![0; 65_516], &mut Vec::new()).is_err());
    assert!(emit_packet(v6(1), v6(2), 17, &vec![0; 65_536], &mut Vec::new()).is_err());
    assert!(emit_packet(v4(1), v6(2), 17, &[], &mut Vec::new()).is_err());
}
