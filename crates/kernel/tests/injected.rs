//! Abuse case 93: packets in clear that policy says must be protected, from somebody outside who makes them up.
//!
//! ```text
//!   lan ---- gateway ---- world          the world speaks in the name of the remote network, and of the peer
//!   10.1.0.2     192.0.2.1   192.0.2.2, 10.2.0.1
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use adit_kernel::{PathErrorKind, PolicyBlock, ProtectedTunnel, UdpPort, block};
use common::world::World;
use common::{Host, eventually, permitted};

impl World {
    fn install(&self, tunnel: ProtectedTunnel) {
        let mut block = PolicyBlock::new("adit");
        block.tunnels.push(tunnel);
        block.peers = vec![
            "192.0.2.2".parse().unwrap(),
            "2001:db8:99::2".parse().unwrap(),
        ];
        self.gateway.run(|| block::install(&block).unwrap());
    }

    fn let_in(&self) -> u64 {
        let counts = self.gateway.run(|| block::read_counters("adit").unwrap());
        counts.iter().map(|c| c.clear_in.packets).sum()
    }

    /// Whether a datagram of `length` octets from the world gets to a host.
    fn gets(&self, from: &str, (host, to): (&Host, &str), length: usize) -> bool {
        let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
        let near = host.run(|| UdpPort::bind(to).unwrap());
        let far = self.world.run(|| UdpPort::bind(from).unwrap());
        far.send(&vec![7; length], to, None).unwrap();
        let mut buffer = vec![0; 65_536];
        let end = std::time::Instant::now() + Duration::from_millis(300);
        while std::time::Instant::now() < end {
            if near
                .receive(&mut buffer)
                .is_ok_and(|r| r.end - r.start == length)
            {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

fn office() -> ProtectedTunnel {
    let nets = |list: [&str; 2]| list.map(|net| net.parse().unwrap()).to_vec();
    ProtectedTunnel::new(
        "office",
        nets(["10.1.0.0/16", "2001:db8:1::/48"]),
        nets(["10.2.0.0/16", "2001:db8:2::/48"]),
        "adit0",
    )
}

/// Everything through the tunnel, for this host too.
fn everything() -> ProtectedTunnel {
    let all = || {
        ["0.0.0.0/0", "::/0"]
            .map(|net| net.parse().unwrap())
            .to_vec()
    };
    ProtectedTunnel {
        any_source: true,
        ..ProtectedTunnel::new("all", all(), all(), "all0")
    }
}

#[test]
fn abuse_93_whole_and_in_fragments_to_the_host_and_through_it() {
    if !permitted("packets in clear that are made up", false) {
        return;
    }
    let world = World::new();
    let attempts = [
        ("10.2.0.1:4500", (&world.lan, "10.1.0.2:4500")),
        ("10.2.0.1:5000", (&world.gateway, "10.1.0.1:5000")),
        ("[2001:db8:2::1]:5000", (&world.lan, "[2001:db8:1::2]:5000")),
        (
            "[2001:db8:2::1]:500",
            (&world.gateway, "[2001:db8:1::1]:5000"),
        ),
    ];
    // With 4000 octets the datagram comes in three fragments, two of which show no ports.
    for length in [10, 4000] {
        for (from, to) in attempts {
            // The first packet may wait for neighbours to be found.
            let arrives = (0..10).any(|_| world.gets(from, to, length));
            assert!(arrives, "{from}: {length}, without the block");
        }
    }
    world.install(office());
    for length in [10, 4000] {
        for (from, to) in attempts {
            assert!(!world.gets(from, to, length), "{from}: {length} octets");
        }
    }
    assert!(world.let_in() >= 8);
    assert!(world.gets("192.0.2.2:5000", (&world.lan, "10.1.0.2:5001"), 4000));
}

/// The peer's address is protected by its own tunnel, and IKE's ports are spared: not for whoever else listens here.
#[test]
fn abuse_93_in_the_peers_name_from_a_port_of_ike() {
    if !permitted("packets in the peer's name", false) {
        return;
    }
    let world = World::new();
    world.install(everything());
    for (from, to) in [
        ("192.0.2.2:4500", "192.0.2.1:53"),
        ("192.0.2.2:500", "192.0.2.1:7000"),
        ("[2001:db8:99::2]:4500", "[2001:db8:99::1]:53"),
    ] {
        assert!(
            !world.gets(from, (&world.gateway, to), 10),
            "{from} to {to}"
        );
    }
    assert_eq!(world.let_in(), 3);
    // IKE and ESP in UDP come in from wherever, and answers to probes from the peer.
    for (from, to) in [
        ("192.0.2.2:4500", "192.0.2.1:4500"),
        ("192.0.2.2:40000", "192.0.2.1:500"),
        ("10.2.0.1:1234", "10.1.0.1:4500"),
        ("192.0.2.2:500", "192.0.2.1:43210"),
    ] {
        assert!(world.gets(from, (&world.gateway, to), 10), "{from} to {to}");
    }
}

/// What the path says about our own IKE is heard, whatever the tunnel covers; what it says about anything else is clear
/// traffic like any other.
#[test]
fn abuse_93_icmp_errors_are_let_in_by_what_they_quote() {
    if !permitted("ICMP errors in clear", false) {
        return;
    }
    let world = World::new();
    for (ours, theirs, heard) in [
        ("192.0.2.1:4500", "192.0.2.2:4500", true),
        ("[2001:db8:99::1]:500", "[2001:db8:99::2]:500", true),
        ("192.0.2.1:7000", "192.0.2.2:4500", false),
    ] {
        // The packet gets out before the block is there, or by its mark; nobody listens on the other side.
        world.install(everything());
        let port = world
            .gateway
            .run(|| UdpPort::bind(ours.parse().unwrap()).unwrap());
        let before = world.let_in();
        port.send(b"anybody?", theirs.parse().unwrap(), None)
            .unwrap();
        if heard {
            let error = eventually("a port that is closed", || {
                port.receive_error().ok().flatten()
            });
            assert_eq!(error.kind, PathErrorKind::PortUnreachable, "{ours}");
        } else {
            eventually("the error is stopped", || {
                (world.let_in() > before).then_some(())
            });
            assert!(port.receive_error().unwrap().is_none());
        }
    }
}
