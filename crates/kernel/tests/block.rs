//! The promise of the block: what policy protects doesn't cross the wire in clear, whoever dies.
//!
//! ```text
//!   lan ---- gateway ---- world          the world answers for the remote network,
//!   10.1.0.2     192.0.2.1   192.0.2.2   10.2.0.1: every packet that leaks is answered
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};

use adit_kernel::block::{self, BlockCount};
use adit_kernel::netlink::{Route, RouteKind};
use adit_kernel::tun::HEADER_LENGTH;
use adit_kernel::{
    BlockMechanism, Capture, Netlink, PingOutcome, PolicyBlock, ProtectedTunnel, Tun, TunConfig,
    UdpPort,
};
use common::world::World;
use common::{Host, eventually, permitted};

const REMOTE: [&str; 2] = ["10.2.0.1", "2001:db8:2::1"];

impl World {
    /// Asks every remote address from the LAN and from the gateway itself; how many answered.
    fn leaks(&self) -> usize {
        let answered = |host: &Host| REMOTE.iter().filter(|to| host.reaches(to)).count();
        answered(&self.lan) + answered(&self.gateway)
    }

    fn counts(&self) -> BlockCount {
        let counters = self.gateway.run(|| block::read_counters("adit").unwrap());
        counters
            .into_iter()
            .find(|count| count.tunnel == "office")
            .unwrap()
    }

    fn install(&self, block: &PolicyBlock) -> BlockMechanism {
        self.gateway.run(|| block::install(block).unwrap())
    }
}

fn office() -> PolicyBlock {
    let nets = |list: [&str; 2]| list.map(|net| net.parse().unwrap()).to_vec();
    let mut block = PolicyBlock::new("adit");
    block.tunnels.push(ProtectedTunnel::new(
        "office",
        nets(["10.1.0.0/16", "2001:db8:1::/48"]),
        nets(["10.2.0.0/16", "2001:db8:2::/48"]),
        "adit0",
    ));
    block.peers.push("192.0.2.2".parse().unwrap());
    block
}

/// A process that holds the TUN and its routes, as a gateway does.
fn start_owner(gateway: &Host) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "owner_process", "--nocapture"])
        .env("ADIT_TEST_OWNER", "1")
        .stdout(Stdio::piped())
        .stdin(Stdio::piped());
    gateway.ns.start_inside(&mut command).unwrap();
    let mut child = command.spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let ready = output
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("owner ready"));
    assert!(ready, "the owner process ended early");
    child
}

/// Not a test by itself: the body of the process started by [`start_owner`].
#[test]
fn owner_process() {
    if std::env::var("ADIT_TEST_OWNER").is_err() {
        return;
    }
    let tun = Tun::create(&TunConfig::new("adit0")).unwrap();
    let mut netlink = Netlink::open().unwrap();
    for net in ["10.2.0.0/16", "2001:db8:2::/48"] {
        netlink
            .replace_route(&Route::through(net.parse().unwrap(), tun.index()))
            .unwrap();
    }
    println!("\nowner ready");
    // Until killed, or until the test that started it is gone.
    let _ = std::io::stdin().lines().count();
}

#[test]
fn without_a_block_a_killed_gateway_leaks() {
    if !permitted("the leak of a killed gateway", true) {
        return;
    }
    let world = World::new();
    let mut owner = start_owner(&world.gateway);
    assert_eq!(
        world.leaks(),
        0,
        "the TUN swallows protected packets while its owner lives"
    );
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert_eq!(
        world.leaks(),
        4,
        "forwarded and local, IPv4 and IPv6: all leak, or this test proves nothing"
    );
}

#[test]
fn the_block_holds_when_the_gateway_is_killed() {
    if !permitted("the block after kill -9", true) {
        return;
    }
    let world = World::new();
    assert_eq!(world.install(&office()), BlockMechanism::PacketFilter);
    let mut owner = start_owner(&world.gateway);
    assert_eq!(world.leaks(), 0);
    assert_eq!(
        world.counts().clear_out.packets,
        0,
        "what went to the TUN isn't a leak stopped"
    );

    owner.kill().unwrap();
    owner.wait().unwrap();
    let gone = world
        .gateway
        .netlink(|netlink| netlink.link("adit0"))
        .unwrap_err();
    assert!(gone.is_not_found());

    let capture = world.world.run(|| Capture::open(Some("eth0")).unwrap());
    assert_eq!(world.leaks(), 0);
    assert_eq!(
        world.counts().clear_out.packets,
        4,
        "each is stopped and counted once"
    );
    assert!(world.lan.reaches("192.0.2.2"), "other traffic passes");
    assert!(world.gateway.reaches("192.0.2.2"));
    assert_no_remote_address(&capture);
}

/// Case 106: a network that hands out a way to protected addresses, more specific than the tunnel's, as its own links.
#[test]
fn abuse_106_a_network_that_claims_protected_addresses_gets_no_packet() {
    if !permitted("routes that compete with the tunnel's", true) {
        return;
    }
    let world = World::new();
    assert_eq!(world.install(&office()), BlockMechanism::PacketFilter);
    let mut owner = start_owner(&world.gateway);
    world.gateway.route("10.2.0.1/32", "192.0.2.2");
    world.gateway.route("2001:db8:2::1/128", "2001:db8:99::2");
    let capture = world.world.run(|| Capture::open(Some("eth0")).unwrap());
    assert_eq!(world.leaks(), 0);
    assert_eq!(world.counts().clear_out.packets, 4);
    assert!(world.gateway.reaches("192.0.2.2"), "other traffic passes");
    assert!(world.lan.reaches("192.0.2.2"));
    assert_no_remote_address(&capture);
    owner.kill().unwrap();
    owner.wait().unwrap();
}

/// No frame carries an address of the remote networks.
fn assert_no_remote_address(capture: &Capture) {
    let mut buffer = [0; 2048];
    let mut seen = 0;
    while let Ok(frame) = capture.receive(&mut buffer) {
        let Some(packet) = frame.ip_packet(&buffer) else {
            continue;
        };
        seen += 1;
        let destination: IpAddr = match packet[0] >> 4 {
            4 => <[u8; 4]>::try_from(&packet[16..20]).unwrap().into(),
            _ => <[u8; 16]>::try_from(&packet[24..40]).unwrap().into(),
        };
        assert!(
            !REMOTE.contains(&destination.to_string().as_str()),
            "{destination} on the wire"
        );
    }
    assert!(seen >= 2, "the capture sees the traffic that may pass");
}

#[test]
fn clear_packets_of_the_remote_network_are_stopped_on_arrival() {
    if !permitted("inbound policy", false) {
        return;
    }
    let world = World::new();
    assert!(matches!(
        world.world.ping_from(Some("10.2.0.1"), "10.1.0.2"),
        Ok(PingOutcome::Reply { .. })
    ));
    world.install(&office());
    for (from, to) in [
        ("10.2.0.1", "10.1.0.2"),
        ("10.2.0.1", "10.1.0.1"),
        ("2001:db8:2::1", "2001:db8:1::2"),
        ("2001:db8:2::1", "2001:db8:1::1"),
    ] {
        let outcome = world.world.ping_from(Some(from), to);
        assert!(
            matches!(outcome, Ok(PingOutcome::Timeout)),
            "{from} to {to}: {outcome:?}"
        );
    }
    let counts = world.counts();
    assert_eq!((counts.clear_in.packets, counts.clear_out.packets), (4, 0));
    assert!(world.world.reaches("10.1.0.2"), "others may still come in");
}

#[test]
fn what_goes_through_the_tun_passes() {
    if !permitted("packets through a TUN under the block", true) {
        return;
    }
    let world = World::new();
    world.install(&office());
    let tun = world.gateway.run(|| {
        let tun = Tun::create(&TunConfig::new("adit0")).unwrap();
        let net = "10.2.0.0/16".parse().unwrap();
        Netlink::open()
            .unwrap()
            .add_route(&Route::through(net, tun.index()))
            .unwrap();
        tun
    });
    assert!(matches!(
        world.lan.ping("10.2.0.1"),
        Ok(PingOutcome::Timeout)
    ));
    let mut buffer = [0; 2000];
    let length = tun.read(&mut buffer).unwrap();
    let packet = &buffer[HEADER_LENGTH..length];
    assert_eq!(
        (packet[0] >> 4, &packet[12..16], packet.len()),
        (4, &[10, 1, 0, 2][..], 84)
    );

    // The echo comes back through the tunnel: swap the addresses, turn the request into a reply.
    let mut answer = packet.to_vec();
    answer.copy_within(16..20, 12);
    answer[16..20].copy_from_slice(&[10, 1, 0, 2]);
    assert_eq!(tun.write_packet(&answer).unwrap(), answer.len());
    let counts = world.counts();
    assert_eq!((counts.clear_in.packets, counts.clear_out.packets), (0, 0));
}

#[test]
fn a_tunnel_for_all_addresses_does_not_cut_its_own_path() {
    if !permitted("the block of a tunnel for all addresses", false) {
        return;
    }
    let world = World::new();
    let mut block = PolicyBlock::new("adit");
    let nets = |list: [&str; 2]| list.map(|net| net.parse().unwrap()).to_vec();
    let mut office = ProtectedTunnel::new(
        "office",
        nets(["10.1.0.0/16", "2001:db8:1::/48"]),
        nets(["0.0.0.0/0", "::/0"]),
        "adit0",
    );
    // The harshest form: nothing at all may leave in clear.
    office.any_source = true;
    block.tunnels.push(office);
    block.peers = vec![
        "192.0.2.2".parse().unwrap(),
        "2001:db8:99::2".parse().unwrap(),
    ];
    world.install(&block);

    for (ours, theirs) in [
        ("192.0.2.1:500", "192.0.2.2:500"),
        ("[2001:db8:99::1]:4500", "[2001:db8:99::2]:4500"),
    ] {
        let near = world
            .gateway
            .run(|| UdpPort::bind(ours.parse().unwrap()).unwrap());
        let far = world
            .world
            .run(|| UdpPort::bind(theirs.parse().unwrap()).unwrap());
        near.send(b"out", theirs.parse().unwrap(), None).unwrap();
        let mut buffer = [0; 100];
        let received = eventually("IKE goes out", || far.receive(&mut buffer).ok());
        assert_eq!(
            (received.payload(&buffer), received.from),
            (&b"out"[..], ours.parse().unwrap())
        );
        far.send(b"back", ours.parse().unwrap(), None).unwrap();
        eventually("IKE comes in", || near.receive(&mut buffer).ok());
    }
    // The way for IKE and ESP is the gateway's own: a host behind it can neither speak nor be spoken to on it.
    for (here, there) in [
        ("10.1.0.2:4500", "192.0.2.2:4500"),
        ("10.1.0.2:500", "192.0.2.2:500"),
    ] {
        let [near, far] = [(&world.lan, here), (&world.world, there)]
            .map(|(host, at)| host.run(|| UdpPort::bind(at.parse().unwrap())));
        let before = world.counts();
        if let Ok(near) = near {
            near.send(b"in clear", there.parse().unwrap(), None)
                .unwrap();
        }
        if let Ok(far) = far {
            far.send(b"in clear", here.parse().unwrap(), None).unwrap();
        }
        eventually("both are stopped and counted", || {
            let now = world.counts();
            let stopped = |now: u64, before: u64| now == before + 1;
            (stopped(now.clear_out.packets, before.clear_out.packets)
                && stopped(now.clear_in.packets, before.clear_in.packets))
            .then_some(())
        });
    }
    // Everything else of the LAN is stopped; among our own networks nothing is.
    assert!(!world.lan.reaches("198.51.100.1") && !world.lan.reaches("192.0.2.2"));
    assert!(!world.gateway.reaches("198.51.100.1"));
    assert!(world.lan.reaches("10.1.0.1") && world.gateway.reaches("2001:db8:1::2"));
    assert!(world.counts().clear_out.packets >= 3);
}

#[test]
fn a_default_route_tunnel_leaves_the_gateway_its_own_way_out() {
    if !permitted("the block by source", false) {
        return;
    }
    let world = World::new();
    let mut block = office();
    block.tunnels[0].remote = vec!["0.0.0.0/0".parse().unwrap()];
    block.tunnels[0].any_source = false;
    world.install(&block);
    assert!(!world.lan.reaches("198.51.100.1"));
    assert!(world.gateway.reaches("198.51.100.1"));
}

#[test]
fn replacing_keeps_the_tally_and_forgets_what_is_gone() {
    if !permitted("replacing the block", false) {
        return;
    }
    let world = World::new();
    let mut block = office();
    let branch = ProtectedTunnel::new(
        "branch",
        vec![],
        vec!["10.9.0.0/16".parse().unwrap()],
        "adit0",
    );
    block.tunnels.push(branch);
    world.install(&block);
    assert_eq!(world.leaks(), 0);
    assert_eq!(world.counts().clear_out.packets, 4);

    block.tunnels.pop();
    world.install(&block);
    assert_eq!(world.counts().clear_out.packets, 4);
    assert_eq!(
        world
            .gateway
            .run(|| block::read_counters("adit").unwrap())
            .len(),
        1
    );
    assert_eq!(world.leaks(), 0);
    assert_eq!(
        world.counts().clear_out.packets,
        8,
        "installed once, not twice: each packet is counted once"
    );

    assert!(world.gateway.run(|| block::remove("adit").unwrap()));
    assert!(!world.gateway.run(|| block::remove("adit").unwrap()));
    assert_eq!(world.leaks(), 4);
}

#[test]
fn where_the_packet_filter_is_missing_routes_hold_the_block() {
    if !permitted("the block by routes", true) {
        return;
    }
    let world = World::new();
    let uncovered = world
        .gateway
        .run(|| block::install_routes(&office()).unwrap());
    assert_eq!(uncovered, []);
    assert!(
        world.gateway.run(|| block::is_installed("adit").unwrap()),
        "a block by routes is one too"
    );
    let mut owner = start_owner(&world.gateway);
    let to = "10.2.0.1".parse().unwrap();
    let alive = world
        .gateway
        .netlink(|netlink| netlink.route_to(to, None))
        .unwrap();
    assert_eq!(
        alive.kind,
        RouteKind::Unicast,
        "the TUN's route wins while it exists"
    );
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert_eq!(world.leaks(), 0);
    assert!(world.lan.reaches("192.0.2.2"));

    // What is optional passes while there is no SA.
    let mut optional = office();
    optional.tunnels[0].optional = true;
    let put_up = || block::install_routes(&optional).unwrap();
    assert_eq!(world.gateway.run(put_up), []);
    assert!(world.leaks() > 0);
    world
        .gateway
        .run(|| block::install_routes(&office()).unwrap());
    assert_eq!(world.leaks(), 0);

    let mut all = office();
    all.tunnels[0].remote = vec!["0.0.0.0/0".parse().unwrap()];
    let uncovered = world.gateway.run(|| block::install_routes(&all).unwrap());
    assert_eq!(
        uncovered, all.tunnels[0].remote,
        "what routes can't protect is said"
    );

    // To a peer's own address the gateway's own packets have to find their way; the kernel's IPsec holds back the others.
    let mut host_to_host = office();
    host_to_host.tunnels[0].remote = vec!["192.0.2.2/32".parse().unwrap()];
    host_to_host.peers = vec!["192.0.2.2".parse().unwrap()];
    let install = |block: &PolicyBlock| {
        let run = || block::install_routes(block).unwrap();
        world.gateway.run(run)
    };
    assert_eq!(install(&host_to_host), host_to_host.tunnels[0].remote);
    host_to_host.passes_ipsec = true;
    assert_eq!(install(&host_to_host), []);
    assert!(world.gateway.reaches("192.0.2.2"));
    assert!(
        !world.gateway.run(|| block::remove("adit").unwrap()),
        "and the old ones are gone"
    );
}

#[test]
fn a_hundred_tunnels_fit_into_one_batch() {
    if !permitted("a large block", false) {
        return;
    }
    let world = World::new();
    let mut block = office();
    for number in 0..200 {
        let remote = format!("10.{}.{}.0/24", 100 + number / 100, number % 100);
        let local = vec!["10.1.0.0/16".parse().unwrap()];
        block.tunnels.push(ProtectedTunnel::new(
            format!("t{number}"),
            local,
            vec![remote.parse().unwrap()],
            "adit0",
        ));
    }
    world.install(&block);
    assert_eq!(
        world
            .gateway
            .run(|| block::read_counters("adit").unwrap())
            .len(),
        201
    );
    assert_eq!(world.leaks(), 0);
    block.tunnels[3].name = String::new();
    let refused = world.gateway.run(|| block::install(&block).unwrap_err());
    assert!(refused.hint.unwrap().contains("1 to 200 bytes"));
    assert_eq!(
        world.leaks(),
        0,
        "a refused change leaves the block as it was"
    );
}
