//! Transport mode: a host's own packets between the two ends of the path (RFC 4303 3.1.1).

#![allow(clippy::unwrap_used)]

mod common;

use adit_crypto::provider;
use adit_esp::DataPlane;
use adit_model::connection::Mode;
use adit_model::dataplane::{ChildSa, Path};
use adit_model::drops::DropReason;
use adit_wire::esp::EspHeader;
use adit_wire::ip::{IpPacket, Ipv4Header, emit_packet, protocol};
use common::*;

const GCM: &str = "aes128gcm16";
const CBC: &str = "aes128-sha256";

/// Two hosts joined in transport mode for `local` and `remote`, seen from the first.
fn hosts(
    suite_text: &str,
    ends: (&str, &str),
    local: &str,
    remote: &str,
) -> (DataPlane, DataPlane) {
    let at = |host: &str| std::net::SocketAddr::new(host.parse().unwrap(), 500);
    let sa = ChildSa {
        mode: Mode::Transport,
        ts_local: selectors(&[local]),
        ts_remote: selectors(&[remote]),
        path: Path {
            local: at(ends.0),
            remote: at(ends.1),
            udp_encap: false,
        },
        ..west_sa(suite(suite_text), SPI_WEST, SPI_EAST)
    };
    let mut west = DataPlane::new(provider::fake(1));
    let mut east = DataPlane::new(provider::fake(2));
    west.set_policy(&[connection(&[(&[local], &[remote])])]);
    east.set_policy(&[connection(&[(&[remote], &[local])])]);
    install(&mut east, mirrored(&sa));
    install(&mut west, sa);
    (west, east)
}

const V4: (&str, &str) = ("192.0.2.1", "192.0.2.2");
const V6: (&str, &str) = ("2001:db8::1", "2001:db8::2");

/// IPv6 from end to end with `extension` (its first octet is replaced by `upper`) before the upper layer.
fn extended(first: u8, upper: u8, mut extension: Vec<u8>, body: &[u8]) -> Vec<u8> {
    if let Some(next) = extension.first_mut() {
        *next = upper;
    }
    extension.extend(body);
    let mut packet = Vec::new();
    emit_packet(
        V6.0.parse().unwrap(),
        V6.1.parse().unwrap(),
        first,
        &extension,
        &mut packet,
    )
    .unwrap();
    packet
}

#[test]
fn packets_arrive_as_they_left() {
    for suite in [GCM, CBC] {
        for (a, b) in [V4, V6] {
            let (west, east) = hosts(suite, (a, b), a, b);
            for octets in [0, 1, 7, 600] {
                let there = udp(a, b, (4000, 53), octets);
                let sealed = seal(&west, &there);
                assert_eq!(open(&east, &sealed), Ok(there));
                let back = udp(b, a, (53, 4000), octets);
                assert_eq!(open(&west, &seal(&east, &back)), Ok(back));
            }
        }
    }
}

#[test]
fn no_second_ip_header_travels() {
    let (west, _) = hosts(GCM, V4, V4.0, V4.1);
    let packet = udp(V4.0, V4.1, (1, 2), 100);
    // SPI and sequence number, IV, UDP with its data, two octets of trailer that align by four, ICV.
    assert_eq!(
        seal(&west, &packet).len(),
        EspHeader::LEN + 8 + 108 + 4 + 16
    );
}

#[test]
fn destination_options_are_protected_with_the_payload() {
    let (west, east) = hosts(GCM, V6, V6.0, V6.1);
    let body = [0x10, 0x00, 0x00, 0x35, 0x00, 0x08, 0x00, 0x00];
    let packet = extended(
        protocol::DESTINATION_OPTIONS,
        protocol::UDP,
        vec![0, 0, 1, 4, 0, 0, 0, 0],
        &body,
    );
    assert_eq!(open(&east, &seal(&west, &packet)), Ok(packet));
}

#[test]
fn what_transport_mode_would_lose_is_refused() {
    let refused = |ends: (&str, &str), packet: &[u8]| {
        let (west, _) = hosts(GCM, ends, ends.0, ends.1);
        let rejected = west.seal(packet, &mut Vec::new()).unwrap_err();
        assert_eq!(rejected.reason, DropReason::OutTransport);
        assert_eq!(west.drops().of(DropReason::OutTransport), 1);
        assert_eq!(rejected.child.unwrap().child, "lan0");
    };
    let mut header = Ipv4Header::new(V4.0.parse().unwrap(), V4.1.parse().unwrap(), protocol::UDP);
    header.more_fragments = true;
    let mut fragment = Vec::new();
    header.emit(8, &mut fragment).unwrap();
    fragment.extend([0; 8]);
    refused(V4, &fragment);
    header.more_fragments = false;
    header.options = vec![1, 1, 1, 0];
    let mut optional = Vec::new();
    header.emit(8, &mut optional).unwrap();
    optional.extend([0; 8]);
    refused(V4, &optional);
    let hop_by_hop = vec![0, 0, 1, 4, 0, 0, 0, 0];
    refused(
        V6,
        &extended(protocol::HOP_BY_HOP, protocol::UDP, hop_by_hop, &[0; 8]),
    );
    let routing = vec![0, 0, 4, 0, 0, 0, 0, 0];
    refused(
        V6,
        &extended(protocol::ROUTING, protocol::UDP, routing, &[0; 8]),
    );
    let first_of_two = vec![0, 0, 0, 1, 0, 0, 0, 9];
    refused(
        V6,
        &extended(protocol::FRAGMENT, protocol::UDP, first_of_two, &[0; 8]),
    );
}

/// Selectors wider than the two hosts don't make a gateway of a host.
#[test]
fn nobody_else_sends_in_transport_mode() {
    let (west, _) = hosts(GCM, V4, "192.0.2.0/24", "192.0.2.0/24");
    for (from, to) in [("192.0.2.7", V4.1), (V4.0, "192.0.2.7")] {
        let rejected = west
            .seal(&udp(from, to, (1, 2), 0), &mut Vec::new())
            .unwrap_err();
        assert_eq!(rejected.reason, DropReason::OutTransport);
    }
}

/// RFC 4301 5.2: selectors with protocol and port hold for what arrives as well.
#[test]
fn protocol_and_port_are_checked_on_both_sides() {
    let (west, east) = hosts(GCM, V4, V4.0, "192.0.2.2[udp/53]");
    let query = udp(V4.0, V4.1, (4000, 53), 10);
    assert_eq!(open(&east, &seal(&west, &query)), Ok(query));
    let other = udp(V4.0, V4.1, (4000, 54), 10);
    let rejected = west.seal(&other, &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.reason, DropReason::OutNoPolicy);

    // A peer that seals it all the same.
    let (bold, _) = hosts(GCM, V4, V4.0, V4.1);
    let (_, east) = hosts(GCM, V4, V4.0, "192.0.2.2[udp/53]");
    assert_eq!(
        open(&east, &seal(&bold, &other)),
        Err(DropReason::EspInboundPolicy)
    );
    assert_eq!(east.drops().of(DropReason::EspInboundPolicy), 1);
}

/// A packet of tunnel mode is IP in IP to an SA in transport mode: it is for the selectors to take, not for the host.
#[test]
fn the_modes_do_not_mix() {
    let packet = udp(V4.0, V4.1, (4000, 53), 10);
    let (west, _) = hosts(GCM, V4, V4.0, V4.1);
    let sa = ChildSa {
        ts_local: selectors(&[V4.0]),
        ts_remote: selectors(&[V4.1]),
        ..west_sa(suite(GCM), SPI_WEST, SPI_EAST)
    };
    let (_, tunnel) = joined_by(sa);
    assert_eq!(
        open(&tunnel, &seal(&west, &packet)),
        Err(DropReason::EspNextHeader)
    );
    let (_, udp_only) = hosts(GCM, V4, "192.0.2.1[udp]", "192.0.2.2[udp]");
    let mut both = DataPlane::new(provider::fake(3));
    both.set_policy(&[connection(&[(&[V4.0], &[V4.1])])]);
    install(
        &mut both,
        ChildSa {
            ts_local: selectors(&[V4.0]),
            ts_remote: selectors(&[V4.1]),
            ..west_sa(suite(GCM), SPI_WEST, SPI_EAST)
        },
    );
    let sealed = seal(&both, &packet);
    assert_eq!(open(&udp_only, &sealed), Err(DropReason::EspInboundPolicy));
}

#[test]
fn a_dummy_packet_is_consumed() {
    let (west, east) = hosts(GCM, V6, V6.0, V6.1);
    let nothing = extended(protocol::NO_NEXT, 0, Vec::new(), &[1, 2, 3]);
    assert!(IpPacket::parse(&nothing).is_ok());
    assert_eq!(
        open(&east, &seal(&west, &nothing)),
        Err(DropReason::EspDummy)
    );
}
