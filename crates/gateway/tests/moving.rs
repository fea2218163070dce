//! Addresses that change under gateways that run: their own, and a peer's that is configured by name.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod stream;
mod world;

use std::time::{Duration, Instant};

use adit_kernel::Netlink;
use adit_model::event::Happening;
use adit_model::status::TunnelState;
use stream::{Echo, passes};
use world::{At, World, address, eventually, permitted};

const KEY: &str = "correct horse battery staple\n";

fn take_away(world: &World, at: At, net: &str) {
    let taken = world.ns(at).run(|| {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link("wan").unwrap().index;
        netlink.delete_address(index, net.parse().unwrap()).unwrap()
    });
    assert!(taken.unwrap());
}

/// The kernel tells of it; nobody waits for the next look around.
#[test]
fn a_tunnel_follows_its_own_address_at_once() {
    if !permitted("a gateway that moves") {
        return;
    }
    let world = World::new("moving");
    let _echo = Echo::at(&world.east_lan, "10.2.0.2");
    world.configure_with(At::West, KEY, |text| {
        text.replace("local = \"192.0.2.1\"", "local = \"any\"")
    });
    world.configure_with(At::East, KEY, |text| {
        text.replace("remote = \"192.0.2.1\"", "remote = \"any\"")
    });
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    let mut client = west.client();
    let mut slowest = Duration::ZERO;
    // With an address the kernel takes away the others of the same network.
    for (new, old) in [
        ("192.0.2.7/25", "192.0.2.1/24"),
        ("192.0.2.1/24", "192.0.2.7/25"),
        ("192.0.2.8/25", "192.0.2.1/24"),
    ] {
        address(&world.west, "wan", &[new]);
        let changed = Instant::now();
        take_away(&world, At::West, old);
        let to: std::net::IpAddr = new.split('/').next().unwrap().parse().unwrap();
        let moved = eventually(Duration::from_secs(5), || {
            let events = client.events(Some("office")).unwrap();
            let last = events.iter().rev().find_map(|r| match &r.event.what {
                Happening::Moved { to, .. } => Some(to.ip()),
                _ => None,
            });
            (last == Some(to)).then_some(())
        });
        assert!(moved.is_some(), "{}", west.log());
        slowest = slowest.max(changed.elapsed());
        let through = eventually(Duration::from_secs(5), || {
            passes(&world.west_lan, "10.1.0.2", "10.2.0.2").then_some(())
        });
        assert!(through.is_some(), "{}", west.log());
    }
    assert!(slowest < Duration::from_millis(1500), "{slowest:?}");
}

/// The peer's name leads elsewhere: it is looked up again when the peer doesn't answer any more.
#[test]
fn a_peer_by_name_is_found_where_its_name_leads_now() {
    if !permitted("a peer whose name leads elsewhere") {
        return;
    }
    let world = World::new("by-name");
    let _echo = Echo::at(&world.east_lan, "10.2.0.2");
    let hosts = world.dir(At::West).join("hosts");
    std::fs::write(&hosts, "192.0.2.2 east.test\n").unwrap();
    world.configure_with(At::West, KEY, |text| {
        text.replace("remote = \"192.0.2.2\"", "remote = \"east.test\"").replace(
            "start =",
            "dpd = \"1s\"\nmobike = false\nretransmit = { initial = \"100ms\", tries = 3 }\nstart =",
        )
    });
    world.configure(At::East, KEY);
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    assert!(passes(&world.west_lan, "10.1.0.2", "10.2.0.2"));

    // East comes back elsewhere.
    east.kill();
    address(&world.east, "wan", &["192.0.2.9/25"]);
    take_away(&world, At::East, "192.0.2.2/24");
    world.configure_with(At::East, KEY, |text| {
        text.replace("local = \"192.0.2.2\"", "local = \"192.0.2.9\"")
    });
    let mut east = world.start(At::East);
    east.client();
    // As long as the name leads to where nobody is, nothing comes up.
    let mut client = west.client();
    let noticed = eventually(Duration::from_secs(10), || {
        let events = client.events(Some("office")).unwrap();
        let closed = |what: &Happening| matches!(what, Happening::IkeClosed { .. });
        events.iter().any(|r| closed(&r.event.what)).then_some(())
    });
    assert!(noticed.is_some(), "{}", west.log());
    std::fs::write(&hosts, "192.0.2.9 east.test\n").unwrap();
    west.wait_for(TunnelState::Up);
    let status = client.status(Some("office")).unwrap();
    let remote = status.tunnels[0].ike.as_ref().unwrap().remote.clone();
    assert!(remote.starts_with("192.0.2.9:"), "{remote}");
    assert!(
        passes(&world.west_lan, "10.1.0.2", "10.2.0.2"),
        "{}",
        west.log()
    );
}
