//! Which tunnel a packet belongs to: by the interface that it was routed into, and then by the order of the policies
//! (RFC 4301 4.4.1).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use adit_crypto::provider;
use adit_esp::{DataPlane, Door};
use adit_model::connection::{Connection, TunnelInterface};
use adit_model::dataplane::ChildSa;
use adit_model::drops::DropReason;
use adit_wire::esp::EspHeader;
use common::*;

const ALL: &[&str] = &["0.0.0.0/0", "::/0"];

fn tunnel(name: &str, local: &[&str], remote: &[&str], interface: bool) -> Arc<Connection> {
    let interface = interface.then(|| TunnelInterface {
        name: name.to_owned(),
        addresses: Vec::new(),
        mtu: None,
        routes: Vec::new(),
    });
    let plain = connection(&[(local, remote)]);
    Arc::new(Connection {
        name: name.to_owned(),
        interface,
        ..Connection::clone(&plain)
    })
}

/// A data plane with these tunnels, each up with the SPIs that its position gives: 0x1001 in and 0x2001 out for the first.
fn up(tunnels: &[Arc<Connection>]) -> DataPlane {
    let mut plane = DataPlane::new(provider::fake(1));
    plane.set_policy(tunnels);
    for (n, tunnel) in (1..).zip(tunnels) {
        install(&mut plane, sa(tunnel, 0x1000 + n, 0x2000 + n));
    }
    plane
}

fn sa(tunnel: &Connection, spi_in: u32, spi_out: u32) -> ChildSa {
    ChildSa {
        connection: tunnel.name.clone(),
        ts_local: tunnel.children[0].local_ts.clone(),
        ts_remote: tunnel.children[0].remote_ts.clone(),
        ..west_sa(suite("aes128gcm16"), spi_in, spi_out)
    }
}

/// The SPI that a packet from this interface leaves with.
fn spi(plane: &DataPlane, door: Door, inner: &[u8]) -> Result<u32, DropReason> {
    let mut out = Vec::new();
    let sealed = plane.shared().load().seal(door, inner, &mut out);
    sealed
        .map(|_| EspHeader::parse(&out).unwrap().spi)
        .map_err(|rejected| rejected.reason)
}

#[test]
fn tunnels_for_everything_are_told_apart_by_their_interfaces() {
    let tunnels = [
        tunnel("a", ALL, ALL, true),
        tunnel("b", ALL, ALL, true),
        tunnel("net", &[WEST], &[EAST], false),
    ];
    let plane = up(&tunnels);
    let [a, b, shared] = [0, 1, 2].map(|n: usize| Door::of(&tunnels[n]));
    assert_eq!(shared, Door::SHARED);
    assert!(a != b && a != shared && b != shared);
    for inner in [eastbound(9), udp("fd00:1::7", "fd00:9::9", (1, 2), 9)] {
        assert_eq!(spi(&plane, a, &inner), Ok(0x2001));
        assert_eq!(spi(&plane, b, &inner), Ok(0x2002));
    }
    assert_eq!(spi(&plane, shared, &eastbound(9)), Ok(0x2003));
    // What nobody routed into an interface isn't that tunnel's, however wide its selectors are.
    let stray = udp("10.1.0.7", "198.51.100.1", (1, 2), 9);
    assert_eq!(spi(&plane, shared, &stray), Err(DropReason::OutNoPolicy));
    assert_eq!(spi(&plane, a, &stray), Ok(0x2001));
}

#[test]
fn what_arrives_comes_out_of_its_tunnels_interface_also_after_a_reload() {
    let tunnels = [tunnel("a", ALL, ALL, true), tunnel("b", ALL, ALL, true)];
    let mut west = up(&tunnels);
    let mut east = DataPlane::new(provider::fake(1));
    east.set_policy(&[tunnel("b", ALL, ALL, false)]);
    install(&mut east, mirrored(&sa(&tunnels[1], 0x1002, 0x2002)));
    let inner = udp("10.2.0.9", "10.1.0.7", (53, 4000), 1);
    let door = |west: &DataPlane| {
        let mut packet = Vec::new();
        east.seal(&inner, &mut packet).unwrap();
        west.open(T0, &mut packet).unwrap().door
    };
    assert_eq!(door(&west), Door::of(&tunnels[1]));
    west.set_policy(&[Arc::clone(&tunnels[0]), tunnel("b", ALL, ALL, false)]);
    assert_eq!(door(&west), Door::SHARED);
}

/// Tunnels that share an interface: the first policy that takes a packet has it, whether its tunnel is up or down.
#[test]
fn overlapping_selectors_are_resolved_in_the_order_written() {
    let narrow = tunnel("narrow", &[WEST], &["10.2.0.8/29[udp/2]"], false);
    let wide = tunnel("wide", &[WEST], &[EAST], false);
    let to = |destination: &str, port: u16| udp("10.1.0.7", destination, (1, port), 3);
    let plane = up(&[Arc::clone(&narrow), Arc::clone(&wide)]);
    assert_eq!(spi(&plane, Door::SHARED, &to("10.2.0.9", 2)), Ok(0x2001));
    assert_eq!(spi(&plane, Door::SHARED, &to("10.2.0.9", 3)), Ok(0x2002));
    assert_eq!(spi(&plane, Door::SHARED, &to("10.2.0.77", 2)), Ok(0x2002));

    let shadowed = up(&[Arc::clone(&wide), Arc::clone(&narrow)]);
    assert_eq!(spi(&shadowed, Door::SHARED, &to("10.2.0.9", 2)), Ok(0x2001));

    // A tunnel that is down doesn't give its traffic to the next one.
    let mut half = DataPlane::new(provider::fake(1));
    half.set_policy(&[narrow, Arc::clone(&wide)]);
    install(&mut half, sa(&wide, 0x1001, 0x2001));
    assert_eq!(
        spi(&half, Door::SHARED, &to("10.2.0.9", 2)),
        Err(DropReason::OutNoSa)
    );
    assert_eq!(spi(&half, Door::SHARED, &to("10.2.0.9", 3)), Ok(0x2001));
}
