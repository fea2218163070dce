//! Gateways as processes, on real devices: what an operator would see.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::time::{Duration, Instant};

use adit_gateway::client::ClientError;
use adit_gateway::host::block_counters;
use adit_gateway::protocol::RequestError;
use adit_kernel::netlink::ADIT_PROTOCOL;
use adit_kernel::{Capture, EspSocket, NetNs, Netlink, block};
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::fact::{Known, Probe, ProbeOutcome};
use adit_model::status::TunnelState;
use adit_wire::ip::IpPacket;
use world::{At, World, eventually, permitted};

const KEY: &str = "correct horse battery staple\n";

#[test]
fn two_gateways_carry_both_ip_versions_and_part_in_peace() {
    if !permitted("a tunnel between two gateways") {
        return;
    }
    let world = World::new("carry");
    world.configure(At::West, KEY);
    world.configure(At::East, KEY);
    let mut east = world.start(At::East);
    east.client();
    let wire = Wire::tap(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    east.wait_for(TunnelState::Up);

    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(world.reaches(&world.west_lan, to), "{to}: {}", west.log());
        // The gateway itself, from its address inside the selectors.
        assert!(world.reaches(&world.west, to), "{to} from the gateway");
    }
    assert!(world.reaches(&world.east_lan, "10.1.0.2"));
    assert_eq!(wire.clear(), Vec::<String>::new());
    assert!(wire.esp() >= 10);

    let status = west.client().status(None).unwrap();
    let tunnel = status.tunnels.first().unwrap();
    assert_eq!(tunnel.block.as_deref(), Some("nftables"));
    assert_eq!(tunnel.ike.as_ref().unwrap().role, "initiator");
    let child = tunnel.children.first().unwrap();
    assert!(child.packets_in >= 5 && child.packets_out >= 5);
    assert!(child.last_in.is_some());

    west.client().shutdown().unwrap();
    assert_eq!(west.ended(), Some(0));
    east.wait_for(TunnelState::Down);
    assert!(!has_device(&world.west, "adit0"));
    // The tunnel is still configured, so its traffic still mustn't leave.
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    assert_eq!(wire.clear(), Vec::<String>::new());
    assert!(blocked(&world.west) > 0);
}

#[test]
fn a_killed_gateway_leaks_nothing_and_is_back_within_three_seconds() {
    if !permitted("the block after a crash") {
        return;
    }
    let world = World::new("killed");
    world.configure(At::West, KEY);
    world.configure(At::East, KEY);
    let mut east = world.start(At::East);
    east.client();
    let wire = Wire::tap(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    west.kill();
    assert!(!has_device(&world.west, "adit0"));

    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(!world.reaches(&world.west_lan, to), "forwarded to {to}");
        assert!(!world.reaches(&world.west, to), "local to {to}");
    }
    assert_eq!(wire.clear(), Vec::<String>::new());
    assert!(blocked(&world.west) >= 4);

    let restarted = Instant::now();
    let mut west = world.start(At::West);
    let back = eventually(Duration::from_secs(3), || {
        world.reaches(&world.west_lan, "10.2.0.2").then_some(())
    });
    assert!(back.is_some(), "{}", west.log());
    assert!(restarted.elapsed() < Duration::from_secs(3));
    west.wait_for(TunnelState::Up);
    assert_eq!(wire.clear(), Vec::<String>::new());
}

/// A reloaded firewall empties the packet filter; a device that goes down and up loses its routes.
#[test]
fn what_others_take_from_the_host_is_put_back() {
    if !permitted("a host that others change too") {
        return;
    }
    let world = World::new("tended");
    world.configure(At::West, KEY);
    world.configure(At::East, KEY);
    let mut east = world.start(At::East);
    east.client();
    let wire = Wire::tap(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);

    let flapped = world.west.run(|| {
        assert!(block::remove("adit").unwrap());
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link("adit0").unwrap().index;
        netlink.set_link_up(index, false).unwrap();
        netlink.set_link_up(index, true).unwrap();
        netlink
            .routes()
            .unwrap()
            .iter()
            .all(|r| r.device != Some(index) || r.protocol != ADIT_PROTOCOL)
    });
    assert!(flapped.unwrap(), "the routes stayed");
    let tended = eventually(Duration::from_secs(10), || {
        let blocked = world.west.run(|| block::is_installed("adit").unwrap());
        let passes = ["10.2.0.2", "fd00:2::2"]
            .iter()
            .all(|to| world.reaches(&world.west_lan, to) && world.reaches(&world.west, to));
        (blocked.unwrap() && passes).then_some(())
    });
    assert!(tended.is_some(), "{}", west.log());
    let told = west.log().contains("something of the block was taken away");
    assert!(told, "it wasn't the kernel's word: {}", west.log());
    let clear_before = wire.clear().len();
    west.kill();
    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(!world.reaches(&world.west_lan, to), "forwarded to {to}");
        assert!(!world.reaches(&world.west, to), "local to {to}");
    }
    assert_eq!(wire.clear().len(), clear_before);
}

#[test]
fn both_sides_may_begin() {
    if !permitted("both sides beginning") {
        return;
    }
    let world = World::new("both");
    for at in [At::West, At::East] {
        world.configure_with(at, KEY, |text| text.replace("passive", "auto"));
    }
    let mut east = world.start(At::East);
    let mut west = world.start(At::West);
    east.wait_for(TunnelState::Up);
    west.wait_for(TunnelState::Up);
    let settled = eventually(Duration::from_secs(5), || {
        let ways = [(&world.west_lan, "10.2.0.2"), (&world.east_lan, "10.1.0.2")];
        ways.iter()
            .all(|(from, to)| world.reaches(from, to))
            .then_some(())
    });
    assert!(settled.is_some(), "{}{}", west.log(), east.log());
    for running in [&mut west, &mut east] {
        let events = running.client().events(Some("office")).unwrap();
        let attempts = events
            .iter()
            .filter(|r| matches!(r.event.what, Happening::Initiating { .. }))
            .count();
        assert!(attempts <= 2, "{attempts} attempts: {}", running.log());
    }
}

#[test]
fn a_peer_that_died_is_noticed_and_set_up_again_when_it_is_back() {
    if !permitted("a dead peer") {
        return;
    }
    let world = World::new("dead-peer");
    world.configure_with(At::West, KEY, |text| {
        text.replace(
            "start =",
            "dpd = \"1s\"\nretransmit = { initial = \"100ms\", tries = 3 }\nstart =",
        )
    });
    world.configure(At::East, KEY);
    let mut east = world.start(At::East);
    east.client();
    let wire = Wire::tap(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    let mut client = west.client();
    let tunnel = client.status(Some("office")).unwrap().tunnels.remove(0);
    let spi = tunnel.children[0].spi_in.clone().unwrap();
    let mut forged = u32::from_str_radix(&spi, 16)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    forged.resize(64, 0x77);
    east.kill();
    // What somebody sends under the SPI in the meantime, without the keys, is no sign of life.
    let noticed = eventually(Duration::from_secs(6), || {
        let sent = world.east.run(|| {
            let socket = EspSocket::bind("192.0.2.2".parse().unwrap()).unwrap();
            socket.send(&forged, "192.0.2.1".parse().unwrap(), None)
        });
        assert_eq!(sent.unwrap().unwrap(), forged.len());
        let events = client.events(Some("office")).unwrap();
        events
            .iter()
            .any(|r| matches!(r.event.what, Happening::IkeClosed { .. }))
            .then_some(())
    });
    assert!(noticed.is_some(), "{}", west.log());
    let drops = client.drops().unwrap();
    let refused = drops
        .iter()
        .find(|d| d.reason == DropReason::EspAuthenticity);
    assert!(refused.is_some_and(|d| d.packets > 0), "{drops:?}");
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    let mut east = world.start(At::East);
    east.wait_for(TunnelState::Up);
    west.wait_for(TunnelState::Up);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    assert_eq!(wire.clear(), Vec::<String>::new());
}

#[test]
fn a_tunnel_taken_down_stays_blocked_until_that_is_lifted() {
    if !permitted("down, unblock and up") {
        return;
    }
    let world = World::new("down");
    world.configure(At::West, KEY);
    world.configure(At::East, KEY);
    let mut east = world.start(At::East);
    east.client();
    let wire = Wire::tap(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    let mut client = west.client();

    let refused = client.unblock(Some("office")).unwrap_err();
    assert!(
        matches!(
            refused,
            ClientError::Refused {
                error: RequestError::NotNow,
                ..
            }
        ),
        "{refused}"
    );
    let mut events = Vec::new();
    let wait = Duration::from_secs(5);
    let outcome = client
        .down("office", wait, |r| events.push(r.event.what.clone()))
        .unwrap();
    assert!(outcome.reached, "{}", outcome.summary);
    assert!(
        events
            .iter()
            .any(|e| matches!(e, Happening::IkeClosed { .. })),
        "{events:?}"
    );
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    let no_sa = client
        .drops()
        .unwrap()
        .into_iter()
        .find(|d| d.reason == DropReason::OutNoSa)
        .unwrap();
    assert_eq!(no_sa.by_child, [("office/lan".to_owned(), no_sa.packets)]);
    assert_eq!(wire.clear(), Vec::<String>::new());

    client.unblock(Some("office")).unwrap();
    // East protects its side still, so nothing comes back; but it leaves.
    world.reaches(&world.west_lan, "10.2.0.2");
    assert_ne!(wire.clear(), Vec::<String>::new());

    let outcome = client.up("office", wait, |_| {}).unwrap();
    assert!(outcome.reached, "{}", outcome.summary);
    wire.forget();
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
    assert_eq!(wire.clear(), Vec::<String>::new());
}

#[test]
fn a_gateway_that_cannot_start_changes_nothing_and_says_why() {
    if !permitted("start failures") {
        return;
    }
    let world = World::new("refused");
    world.configure(At::West, KEY);

    // A key that everybody can read.
    let key = world.dir(At::West).join("office.psk");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&key, open).unwrap();
    let mut west = world.start(At::West);
    assert_eq!(west.ended(), Some(2));
    assert!(west.log().contains("chmod 600"), "{}", west.log());
    assert_untouched(&world);

    // A port that somebody has.
    world.configure(At::West, KEY);
    let holder = world
        .west
        .run(|| std::net::UdpSocket::bind("0.0.0.0:4500").unwrap())
        .unwrap();
    let mut west = world.start(At::West);
    assert_eq!(west.ended(), Some(2));
    let whose = format!("(pid {})", std::process::id());
    assert!(west.log().contains(&whose), "{}", west.log());
    assert_untouched(&world);
    drop(holder);

    // A port that somebody has who would share it.
    let address = "0.0.0.0:4500".parse().unwrap();
    let holder = world
        .west
        .run(|| adit_kernel::UdpPort::bind_several(address, 2).unwrap())
        .unwrap();
    let mut west = world.start(At::West);
    assert_eq!(west.ended(), Some(2));
    assert!(west.log().contains(&whose), "{}", west.log());
    assert_untouched(&world);
    drop(holder);

    // A second gateway with the same state directory.
    let mut first = world.start(At::West);
    // It has said what it has to say: the second one writes into the same log.
    first.client().status(None).unwrap();
    let mut second = world.start(At::West);
    assert_eq!(second.ended(), Some(2));
    let whose = format!("(pid {})", first.pid());
    assert!(second.log().contains(&whose), "{}", second.log());
    first.client().status(None).unwrap();

    // One that has but one port in common.
    world.configure_with(At::West, KEY, |text| {
        format!("[gateway]\nike_port = 1500\n{text}")
    });
    let mut second = world.start_with_state(At::West, "another");
    assert_eq!(second.ended(), Some(2));
    let log = second.log();
    assert!(
        log.contains("bind the UDP port") && log.contains(&whose),
        "{log}"
    );

    // One with other ports and another directory, which would replace the first one's block.
    world.configure_with(At::West, KEY, |text| {
        let gateway = "[gateway]\nike_port = 1500\nnat_t_port = 1450\n";
        format!("{gateway}{}", text.replace("office", "branch"))
    });
    std::fs::copy(&key, world.dir(At::West).join("branch.psk")).unwrap();
    let mut third = world.start_with_state(At::West, "another");
    assert_eq!(third.ended(), Some(2));
    assert!(third.log().contains(&whose), "{}", third.log());
    let counters = world.west.run(|| block_counters().unwrap()).unwrap();
    assert_eq!(counters[0].tunnel, "office");
    let refused = world.west.run(adit_gateway::remove_left_block).unwrap();
    assert!(refused.unwrap_err().to_string().contains(&whose));
    first.kill();
    world
        .west
        .run(adit_gateway::remove_left_block)
        .unwrap()
        .unwrap();
    let counters = world.west.run(|| block_counters().unwrap()).unwrap();
    assert!(counters.is_empty());
}

#[test]
fn both_sides_know_their_part_of_a_wrong_key() {
    if !permitted("a wrong key") {
        return;
    }
    let world = World::new("wrong-key");
    world.configure(At::West, KEY);
    world.configure(At::East, "another key\n");
    let mut east = world.start(At::East);
    let mut east_client = east.client();
    let mut west = world.start(At::West);
    let mut client = west.client();
    let wait = Duration::from_secs(5);
    let outcome = client.up("office", wait, |_| {}).unwrap();
    assert!(!outcome.reached);

    let case = client.cases(Some("office"), false).unwrap().remove(0);
    assert!(case.happenings().any(|(_, h)| matches!(
        h,
        Happening::PeerRefused { name, .. } if name == "AUTHENTICATION_FAILED"
    )));
    let case = east_client.cases(Some("office"), false).unwrap().remove(0);
    assert!(case.happenings().any(|(_, h)| matches!(
        h,
        Happening::Refused {
            refusal: adit_model::reason::Refusal::AuthValue { .. },
            ..
        }
    )));
}

#[test]
fn a_silent_peer_is_probed_and_its_closed_port_named() {
    if !permitted("probes of a silent peer") {
        return;
    }
    let world = World::new("silent");
    world.configure(At::West, KEY);
    let mut west = world.start(At::West);
    let mut client = west.client();
    let asked = Instant::now();
    let case = client.cases(Some("office"), true).unwrap().remove(0);
    assert!(asked.elapsed() < Duration::from_secs(4));
    let probes: Vec<&Probe> = case
        .facts
        .iter()
        .filter_map(|fact| match &fact.what {
            Known::Probed { probe } => Some(probe),
            _ => None,
        })
        .collect();
    assert!(
        probes
            .iter()
            .any(|p| matches!(p, Probe::Route { exists: true, .. })),
        "{probes:?}"
    );
    assert!(
        probes.iter().any(|p| matches!(
            p,
            Probe::Echo {
                outcome: ProbeOutcome::Answered(_),
                ..
            }
        )),
        "{probes:?}"
    );
    // Nobody listens there, and the host says so.
    for port in [500, 4500] {
        assert!(
            probes.iter().any(|p| matches!(
                p,
                Probe::IkeInit { port: asked, outcome: ProbeOutcome::Failed(_), .. } if *asked == port
            )),
            "{probes:?}"
        );
    }
}

#[test]
fn peers_may_meet_over_ipv6_and_in_udp() {
    if !permitted("a tunnel over IPv6 and UDP") {
        return;
    }
    let world = World::new("ipv6");
    for at in [At::West, At::East] {
        world.configure_with(at, KEY, |text| {
            text.replace("192.0.2.", "2001:db8::")
                .replace("start =", "force_encap = true\nstart =")
        });
    }
    let mut east = world.start(At::East);
    east.client();
    let wire = Wire::tap(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(world.reaches(&world.west_lan, to), "{to}: {}", west.log());
    }
    let status = west.client().status(None).unwrap();
    let child = status.tunnels[0].children.first().unwrap();
    assert_eq!(child.encapsulation.as_deref(), Some("udp"));
    assert_eq!((wire.clear(), wire.esp()), (Vec::new(), 0));
}

#[test]
fn a_tunnel_for_everything_spares_the_way_to_its_peer() {
    if !permitted("a default route through the tunnel") {
        return;
    }
    let world = World::new("everything");
    world.configure_with(At::West, KEY, |text| {
        text.replace(
            r#"["10.2.0.0/24", "fd00:2::/64"]"#,
            r#"["0.0.0.0/0", "::/0"]"#,
        )
    });
    world.configure_with(At::East, KEY, |text| {
        text.replace(
            r#"["10.2.0.0/24", "fd00:2::/64"]"#,
            r#"["0.0.0.0/0", "::/0"]"#,
        )
        .replace(r#"remote = "192.0.2.1""#, r#"remote = "any""#)
    });
    let mut east = world.start(At::East);
    east.client();
    let wire = Wire::tap(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(world.reaches(&world.west_lan, to), "{to}: {}", west.log());
    }
    // The peer's own address is reached by IKE and ESP alone; what else is sent to it is stopped, not leaked.
    assert!(!world.reaches(&world.west_lan, "192.0.2.2"));
    assert_eq!(wire.clear(), Vec::<String>::new());
    west.kill();
    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(!world.reaches(&world.west_lan, to), "{to}");
    }
    assert_eq!(wire.clear(), Vec::<String>::new());
    // The host route of the killed one is no obstacle.
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
    assert_eq!(wire.clear(), Vec::<String>::new());
}

/// Both gateways' own traffic, and nothing behind them. IKE and ESP go between the same two addresses.
fn host_to_host(name: &str, mode: &str, v6: bool) {
    let world = World::new(name);
    for (at, us, peer) in [(At::West, 1, 2), (At::East, 2, 1)] {
        world.configure_with(at, KEY, |text| {
            let text = text
                .replace(
                    &format!(r#"["10.{us}.0.0/24", "fd00:{us}::/64"]"#),
                    &format!(r#"["192.0.2.{us}"]"#),
                )
                .replace(
                    &format!(r#"["10.{peer}.0.0/24", "fd00:{peer}::/64"]"#),
                    &format!("[\"192.0.2.{peer}\"]\nmode = \"{mode}\""),
                );
            if v6 {
                text.replace("192.0.2.", "2001:db8::")
            } else {
                text
            }
        });
    }
    let (near, far) = if v6 {
        ("2001:db8::1", "2001:db8::2")
    } else {
        ("192.0.2.1", "192.0.2.2")
    };
    let wire = Wire::tap(&world.east);
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    assert!(world.reaches(&world.west, far), "{}", west.log());
    assert!(world.reaches(&world.east, near), "{}", east.log());
    let status = west.client().status(None).unwrap();
    let child = status.tunnels[0].children.first().unwrap();
    assert_eq!(child.mode, mode);
    assert_eq!(wire.clear(), Vec::<String>::new());
    assert!(wire.esp() >= 4);
    // Nothing leaves in clear when the gateway is dead, and what it left is no obstacle to the next one.
    west.kill();
    assert!(!world.reaches(&world.west, far));
    assert_eq!(wire.clear(), Vec::<String>::new());
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    assert!(world.reaches(&world.west, far), "{}", west.log());
    assert_eq!(wire.clear(), Vec::<String>::new());
}

#[test]
fn two_hosts_talk_in_transport_mode() {
    if permitted("transport mode") {
        host_to_host("transport", "transport", false);
    }
}

#[test]
fn two_hosts_talk_in_transport_mode_over_ipv6() {
    if permitted("transport mode over IPv6") {
        host_to_host("transport6", "transport", true);
    }
}

#[test]
fn two_hosts_talk_through_a_tunnel() {
    if permitted("a tunnel between two hosts") {
        host_to_host("hosts", "tunnel", false);
    }
}

/// The world with a policy for echoes over IPv4 on both gateways, and the tunnel up.
fn echoes(name: &str, action: &str) -> (World, Wire, [world::Running; 2]) {
    let world = World::new(name);
    for (at, us, peer) in [(At::West, 1, 2), (At::East, 2, 1)] {
        let policy = format!(
            "[policy.echoes]\naction = \"{action}\"\nlocal_net = [\"10.{us}.0.0/24[icmp]\"]\nremote_net = [\"10.{peer}.0.0/24\"]\n"
        );
        world.configure_with(at, KEY, |text| text + &policy);
    }
    let mut east = world.start(At::East);
    east.client();
    let wire = Wire::tap(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    // What no policy takes goes through the tunnel.
    assert!(
        world.reaches(&world.west_lan, "fd00:2::2"),
        "{}",
        west.log()
    );
    assert!(wire.esp() > 0);
    assert_eq!(wire.clear(), Vec::<String>::new());
    (world, wire, [west, east])
}

#[test]
fn a_bypass_policy_goes_before_the_tunnel() {
    if !permitted("a bypass policy") {
        return;
    }
    let (world, wire, [west, east]) = echoes("bypass", "bypass");
    wire.forget();
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    assert!(world.reaches(&world.east_lan, "10.1.0.2"), "{}", east.log());
    assert!(!wire.clear().is_empty());
    assert_eq!(wire.esp(), 0);
    // It passes without the gateways too, and nothing else does.
    west.kill();
    east.kill();
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
    assert!(!world.reaches(&world.west_lan, "fd00:2::2"));
}

#[test]
fn a_drop_policy_goes_before_the_tunnel() {
    if !permitted("a drop policy") {
        return;
    }
    let (world, wire, [west, _east]) = echoes("drop", "drop");
    wire.forget();
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    assert!(!world.reaches(&world.east_lan, "10.1.0.2"));
    assert_eq!((wire.clear(), wire.esp()), (Vec::new(), 0));
    west.kill();
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    assert_eq!(wire.clear(), Vec::<String>::new());
}

/// What crosses the outside of a gateway.
struct Wire {
    capture: Capture,
    seen: std::cell::RefCell<Vec<(bool, String)>>,
}

impl Wire {
    fn tap(ns: &NetNs) -> Self {
        Self {
            capture: ns.run(|| Capture::open(Some("wan")).unwrap()).unwrap(),
            seen: std::cell::RefCell::default(),
        }
    }

    /// Packets of the protected networks in clear, so far.
    fn clear(&self) -> Vec<String> {
        self.read();
        let seen = self.seen.borrow();
        seen.iter()
            .filter(|(esp, _)| !esp)
            .map(|(_, text)| text.clone())
            .collect()
    }

    /// Packets of ESP so far.
    fn esp(&self) -> usize {
        self.read();
        self.seen.borrow().iter().filter(|(esp, _)| *esp).count()
    }

    fn forget(&self) {
        self.read();
        self.seen.borrow_mut().clear();
    }

    fn read(&self) {
        let mut buffer = vec![0; 65_536];
        while let Ok(frame) = self.capture.receive(&mut buffer) {
            let Some(Ok(packet)) = frame.ip_packet(&buffer).map(IpPacket::parse) else {
                continue;
            };
            let text = format!(
                "{} to {} protocol {}",
                packet.source, packet.destination, packet.protocol
            );
            let inside = |address: std::net::IpAddr| {
                let text = address.to_string();
                text.starts_with("10.") || text.starts_with("fd00:")
            };
            if packet.protocol == 50 {
                self.seen.borrow_mut().push((true, text));
            } else if inside(packet.source) || inside(packet.destination) {
                self.seen.borrow_mut().push((false, text));
            }
        }
    }
}

fn blocked(ns: &NetNs) -> u64 {
    let counters = ns.run(|| block_counters().unwrap()).unwrap();
    counters.iter().map(|c| c.clear_out.packets).sum()
}

fn has_device(ns: &NetNs, name: &str) -> bool {
    ns.run(|| Netlink::open().unwrap().link(name).is_ok())
        .unwrap()
}

fn assert_untouched(world: &World) {
    assert!(!has_device(&world.west, "adit0"));
    let counters = world.west.run(|| block_counters().unwrap()).unwrap();
    assert!(counters.is_empty(), "{counters:?}");
    let routes = world
        .west
        .run(|| Netlink::open().unwrap().routes().unwrap())
        .unwrap();
    let protected: Vec<_> = routes
        .iter()
        .filter(|r| ["10.2.0.0/24", "fd00:2::/64"].contains(&r.destination.to_string().as_str()))
        .collect();
    assert!(protected.is_empty(), "{protected:?}");
}
