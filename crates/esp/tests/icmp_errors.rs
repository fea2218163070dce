//! ICMP errors about protected packets come back through the tunnel, whoever reports them (RFC 4301 6).

#![allow(clippy::unwrap_used)]

mod common;

use std::net::IpAddr;

use adit_esp::DataPlane;
use adit_model::drops::DropReason;
use adit_wire::ip::{emit_packet, protocol};
use common::*;

/// What `router` reports about `packet` to `to`, quoting as much as `octets` of it.
fn error(router: &str, to: &str, about: &[u8], octets: usize) -> Vec<u8> {
    let (router, to): (IpAddr, IpAddr) = (router.parse().unwrap(), to.parse().unwrap());
    // Host unreachable; no route to the destination.
    let (number, kind) = if to.is_ipv4() {
        (protocol::ICMP, [3, 1])
    } else {
        (protocol::ICMPV6, [1, 0])
    };
    let mut body = vec![kind[0], kind[1], 0, 0, 0, 0, 0, 0];
    body.extend(&about[..octets.min(about.len())]);
    let mut packet = Vec::new();
    emit_packet(router, to, number, &body, &mut packet).unwrap();
    packet
}

#[test]
fn an_error_of_a_router_behind_the_peer_comes_back() {
    let (west, east) = joined("aes128gcm16");
    let about = eastbound(900);
    let v6 = udp("fd00:1::7", "fd00:2::9", (1, 2), 900);
    for octets in [28, 60, 548] {
        let error = error("203.0.113.1", "10.1.0.7", &about, octets);
        assert_eq!(open(&west, &seal(&east, &error)), Ok(error));
    }
    for octets in [48, 1200] {
        let error = error("2001:db8::1", "fd00:1::7", &v6, octets);
        assert_eq!(open(&west, &seal(&east, &error)), Ok(error));
    }
    assert_eq!(west.drops().total() + east.drops().total(), 0);
}

#[test]
fn only_what_went_through_this_tunnel_may_be_reported() {
    let (west, east) = joined("aes128gcm16");
    let refused = |packet: &[u8]| {
        let mut out = Vec::new();
        let rejected = east.seal(packet, &mut out).unwrap_err();
        assert!(out.is_empty());
        rejected.reason
    };
    let router = "203.0.113.1";
    // About somebody else's packet; to somebody other than who sent it; about one in the same direction; cut off.
    let foreign = udp("198.51.100.7", "10.2.0.9", (1, 2), 9);
    let westbound = udp("10.2.0.9", "10.1.0.7", (1, 2), 9);
    for packet in [
        error(router, "198.51.100.7", &foreign, 60),
        error(router, "10.1.0.8", &eastbound(9), 60),
        error(router, "10.1.0.7", &westbound, 60),
        error(router, "10.1.0.7", &eastbound(9), 19),
        error(router, "10.1.0.7", &[], 0),
    ] {
        assert_eq!(refused(&packet), DropReason::OutNoPolicy);
    }
    // An echo is no error, whatever it carries.
    let mut echo = error(router, "10.1.0.7", &eastbound(9), 60);
    echo[20] = 8;
    assert_eq!(refused(&echo), DropReason::OutNoPolicy);
    assert_eq!(west.drops().total(), 0);
}

/// The peer can't use errors to bring in what the selectors keep out.
#[test]
fn a_made_up_error_from_the_peer_is_dropped() {
    let (west, _) = joined("aes128gcm16");
    let wide = wide();
    let about = udp("198.51.100.7", "10.2.0.9", (1, 2), 9);
    let forged = error("203.0.113.1", "198.51.100.7", &about, 60);
    let reason = open(&west, &seal(&wide, &forged)).unwrap_err();
    assert_eq!(reason, DropReason::EspInboundPolicy);
}

/// The east's half with selectors that take everything.
fn wide() -> DataPlane {
    let mut sa = mirrored(&west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST));
    sa.ts_local = selectors(&["0.0.0.0/0"]);
    sa.ts_remote = selectors(&["0.0.0.0/0"]);
    let mut plane = DataPlane::new(adit_crypto::provider::fake(3));
    plane.set_policy(&[connection(&[(&["0.0.0.0/0"], &["0.0.0.0/0"])])]);
    install(&mut plane, sa);
    plane
}
