//! The kernel's IPsec as the data plane: what the kernel, the host's own rules and other programs do to it, and what is
//! told of that. Skipped where the kernel has no ESP; `cargo xtask kernel` has one that does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod carried;
mod guard;
mod joined;
mod world;

use std::time::Duration;

use adit_gateway::client::Client;
use adit_gateway::protocol::Renewal;
use adit_kernel::netlink::Route;
use adit_kernel::xfrm::{Direction, Policy, PolicyId, Selector, Verdict, Xfrm};
use adit_kernel::{NetNs, Netlink, block, filter};
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::status::TunnelState;
use carried::{WAIT, in_kernel, possible, same, states, up};
use guard::Guard;
use joined::{KEY, through_interface};
use world::{At, Running, World, address, eventually};

/// What the states at `at` have sealed, in packets.
fn sealed(world: &World, at: At, peer: &str) -> u64 {
    states(world, at)
        .into_iter()
        .filter(|state| state.id.destination == peer.parse::<std::net::IpAddr>().unwrap())
        .map(|state| state.counters.packets)
        .sum()
}

fn refusals(client: &mut Client) -> Vec<String> {
    let events = client.events(None).unwrap().into_iter();
    events
        .filter_map(|record| match &record.event.what {
            Happening::Refused { what, refusal, .. } => Some(format!("{what}: {refusal}")),
            _ => None,
        })
        .collect()
}

/// Hides what leaves by `wan`; says whether the packet filter is nf_tables, which counts what it stops.
fn hide(world: &World) -> bool {
    if world
        .west
        .run(|| filter::masquerade("hide", "wan"))
        .unwrap()
        .is_ok()
    {
        return true;
    }
    for program in ["iptables-legacy", "ip6tables-legacy"] {
        iptables(world, program, "-A");
    }
    false
}

fn iptables(world: &World, program: &str, verb: &str) {
    let mut command = std::process::Command::new(program);
    command.args([
        "-t",
        "nat",
        verb,
        "POSTROUTING",
        "-o",
        "wan",
        "-j",
        "MASQUERADE",
    ]);
    world.west.start_inside(&mut command).unwrap();
    assert!(command.status().unwrap().success(), "{program}");
}

#[test]
fn what_the_hosts_own_nat_takes_out_of_a_tunnel_is_stopped_and_named() {
    if !possible("source NAT beside the kernel's IPsec") {
        return;
    }
    let world = World::new("masquerade");
    let guard = Guard::between(&world);
    let (mut west, _east) = up(&world, same, same);
    let far = ["10.2.0.2", "fd00:2::2"];
    let reached = |to: &str| world.reaches(&world.west_lan, to);
    assert!(far.iter().all(|to| reached(to)), "{}", west.log());
    guard.forget();
    let counts = hide(&world);
    assert!(!far.iter().any(|to| reached(to)));
    assert_eq!(guard.clear().len(), 0, "{:?}", guard.clear());
    if counts {
        let counted = world.west.run(|| block::read_counters("adit").unwrap());
        let counted = counted.unwrap().remove(0);
        assert!(counted.translated.packets >= 2, "{counted:?}");
        let mut client = west.client();
        let told = eventually(WAIT, || {
            let drops = client.drops().unwrap();
            let mut of = drops
                .iter()
                .filter(|d| d.reason == DropReason::OutTranslated);
            of.any(|drop| drop.packets >= 2).then_some(())
        });
        assert!(told.is_some(), "{:?}", client.drops().unwrap());
        let case = client.cases(Some("office"), false).unwrap().remove(0);
        let verdict = adit_diagnose::diagnose(&case);
        let primary = verdict.findings.first().map(|found| found.cause.as_str());
        assert_eq!(primary, Some("snat-before-ipsec"), "{verdict:?}");
        world.west.run(|| filter::remove("hide").unwrap()).unwrap();
    } else {
        for program in ["iptables-legacy", "ip6tables-legacy"] {
            iptables(&world, program, "-D");
        }
    }
    assert!(far.iter().all(|to| reached(to)), "{}", west.log());
}

#[test]
fn an_sa_carries_what_was_agreed_and_nothing_else_of_its_child() {
    if !possible("a narrowed SA in the kernel") {
        return;
    }
    let world = World::new("narrowed");
    let guard = Guard::between(&world);
    let (west, _east) = up(&world, same, |text| {
        text.replace("\"10.2.0.0/24\"", "\"10.2.0.0/25\"")
            .replace("\"fd00:2::/64\"", "\"fd00:2::/112\"")
    });
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    let before = sealed(&world, At::West, "192.0.2.2");
    guard.forget();
    for outside in ["10.2.0.200", "fd00:2::1:2"] {
        assert!(!world.reaches(&world.west_lan, outside));
    }
    assert_eq!(sealed(&world, At::West, "192.0.2.2"), before);
    assert_eq!(guard.clear().len(), 0);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
}

#[test]
fn states_of_a_killed_gateway_end_with_their_lifetime() {
    if !possible("states of a killed gateway") {
        return;
    }
    let world = World::new("orphans");
    let short = |text: String| text.replace("esp =", "rekey = \"off\"\nlifetime = \"20s\"\nesp =");
    let guard = Guard::between(&world);
    let (west, _east) = up(&world, short, same);
    guard.forget();
    west.kill();
    let states = || Xfrm::open().unwrap().states().unwrap().len();
    assert_eq!(world.west.run(states).unwrap(), 2, "the kernel goes on");
    let ended = eventually(Duration::from_secs(60), || {
        let states = world.west.run(|| Xfrm::open().unwrap().states().unwrap());
        states.unwrap().is_empty().then_some(())
    });
    assert!(ended.is_some());
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    // Whoever flushes the packet filter doesn't open what policies close.
    assert!(world.west.run(|| block::remove("adit").unwrap()).unwrap());
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    assert_eq!(guard.clear().len(), 0, "{:?}", guard.clear());
}

#[test]
fn a_gateway_that_was_stopped_holds_back_without_the_packet_filter_until_it_is_unblocked() {
    if !possible("policies that stay") {
        return;
    }
    let world = World::new("stopped");
    let guard = Guard::between(&world);
    let (mut west, mut east) = up(&world, same, same);
    for gateway in [&mut west, &mut east] {
        gateway.client().shutdown().unwrap();
        assert_eq!(gateway.ended(), Some(0));
    }
    for at in [At::West, At::East] {
        world.ns(at).run(|| block::remove("adit").unwrap()).unwrap();
    }
    guard.forget();
    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(!world.reaches(&world.west_lan, to));
        assert!(!world.reaches(&world.west, to));
    }
    assert_eq!(guard.clear().len(), 0, "{:?}", guard.clear());
    for at in [At::West, At::East] {
        world
            .ns(at)
            .run(|| adit_gateway::remove_left_block().unwrap())
            .unwrap();
    }
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
}

#[test]
fn a_flushed_packet_filter_opens_nothing_and_is_back() {
    if !possible("a packet filter that is flushed") {
        return;
    }
    let world = World::new("flushed");
    let guard = Guard::between(&world);
    let (west, _east) = up(&world, same, same);
    if !west.log().contains("is blocked by nftables") {
        eprintln!("skipped: a packet filter that is flushed: this kernel's isn't nf_tables");
        return;
    }
    guard.forget();
    for _ in 0..3 {
        assert!(world.west.run(|| block::remove("adit").unwrap()).unwrap());
        for to in ["10.2.0.2", "fd00:2::2"] {
            assert!(world.reaches(&world.west_lan, to), "{}", west.log());
        }
        let back = eventually(WAIT, || {
            let there = world.west.run(|| block::is_installed("adit").unwrap());
            there.unwrap().then_some(())
        });
        assert!(back.is_some(), "{}", west.log());
    }
    assert!(west.log().contains("it is back"), "{}", west.log());
    assert_eq!(guard.clear().len(), 0, "{:?}", guard.clear());
}

#[test]
fn policies_of_others_stay_theirs_and_ours_come_back() {
    if !possible("policies of others") {
        return;
    }
    let world = World::new("others");
    let theirs = Policy {
        id: PolicyId {
            direction: Direction::Out,
            selector: Selector::between(
                "10.1.0.0/24".parse().unwrap(),
                "10.2.0.0/24".parse().unwrap(),
            ),
            if_id: 0,
        },
        priority: 1234,
        index: 0,
        verdict: Verdict::Block,
    };
    let add = || Xfrm::open().unwrap().add_policy(&theirs).unwrap();
    world.west.run(add).unwrap();
    world.configure_with(At::West, KEY, |text| in_kernel(&text));
    world.configure_with(At::East, KEY, |text| in_kernel(&text));
    let mut east = world.start(At::East);
    east.client().status(None).unwrap();
    let mut west = world.start(At::West);
    let mut client = west.client();
    let told = eventually(WAIT, || {
        let said = refusals(&mut client);
        said.iter()
            .any(|text| text.contains("priority 1234"))
            .then_some(())
    });
    assert!(told.is_some(), "{:?}", refusals(&mut client));
    let stands = || Xfrm::open().unwrap().standing(&theirs.id).unwrap();
    let standing = world.west.run(stands).unwrap().unwrap();
    assert_eq!(standing.priority, 1234);
    // They go, and the tunnel comes.
    let end = || {
        Xfrm::open()
            .unwrap()
            .delete_policy(&theirs.id, standing.index)
    };
    assert!(world.west.run(end).unwrap().unwrap());
    west.wait_for(TunnelState::Up);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());

    // Ours are deleted by somebody, and come back.
    let guard = Guard::between(&world);
    let gone = world.west.run(|| {
        let mut xfrm = Xfrm::open().unwrap();
        for policy in xfrm.policies().unwrap() {
            xfrm.delete_policy(&policy.id, policy.index).unwrap();
        }
        xfrm.policies().unwrap().len()
    });
    assert_eq!(gone.unwrap(), 0);
    let back = eventually(WAIT, || {
        world.reaches(&world.west_lan, "10.2.0.2").then_some(())
    });
    assert!(back.is_some(), "{}", west.log());
    assert!(west.log().contains("they are back"), "{}", west.log());
    assert_eq!(guard.clear().len(), 0, "{:?}", guard.clear());
}

#[test]
fn keys_are_renewed_without_a_lost_packet_and_leave_nothing_behind() {
    if !possible("renewal in the kernel") {
        return;
    }
    let world = World::new("renewed");
    let (mut west, mut east) = up(&world, same, same);
    for at in [At::West, At::East, At::West] {
        let mut client = match at {
            At::West => west.client(),
            At::East => east.client(),
        };
        let what = Renewal::Child("lan".to_owned());
        assert!(client.rekey("office", what, WAIT, |_| {}).unwrap().reached);
        assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
        assert!(
            world.reaches(&world.east_lan, "fd00:1::2"),
            "{}",
            east.log()
        );
    }
    for at in [At::West, At::East] {
        let count = || Xfrm::open().unwrap().states().unwrap().len();
        let two = eventually(WAIT, || {
            (world.ns(at).run(count).unwrap() == 2).then_some(())
        });
        assert!(
            two.is_some(),
            "{at:?}: {}",
            world.ns(at).run(count).unwrap()
        );
    }
    // Somebody deletes a receiving state: the sending one goes too, and another pair comes.
    let before: Vec<u32> = world
        .west
        .run(|| {
            let mut xfrm = Xfrm::open().unwrap();
            let states = xfrm.states().unwrap();
            let own = "192.0.2.1".parse::<std::net::IpAddr>().unwrap();
            for state in states.iter().filter(|state| state.id.destination == own) {
                assert!(xfrm.delete_state(&state.id).unwrap());
            }
            states.iter().map(|state| state.id.spi).collect()
        })
        .unwrap();
    let renewed = eventually(WAIT, || {
        let states = world.west.run(|| Xfrm::open().unwrap().states().unwrap());
        let spis: Vec<u32> = states.unwrap().iter().map(|s| s.id.spi).collect();
        (spis.len() == 2 && spis.iter().all(|spi| !before.contains(spi))).then_some(())
    });
    let left = world.west.run(|| Xfrm::open().unwrap().states().unwrap());
    assert!(
        renewed.is_some(),
        "{left:?}, not {before:08x?}: {}",
        west.log()
    );
    // Until the old pair is closed the peer may still send on it, and nobody here takes that any more.
    let back = eventually(WAIT, || {
        world.reaches(&world.west_lan, "10.2.0.2").then_some(())
    });
    assert!(back.is_some(), "{}", west.log());
}

/// One side's two tunnels for everything, each with an interface of its own: one has IPv4 led into it, the other IPv6.
fn routed(at: At) -> String {
    let us = match at {
        At::West => 1,
        At::East => 2,
    };
    let tunnel = |name: &str, route: &str, address: &str| {
        let interface =
            format!("name = \"{name}0\"\naddresses = [\"{address}\"]\nroutes = [\"{route}\"]");
        through_interface(at, name, "192.0.2", "", &interface)
    };
    let v4 = tunnel("four", "10.PEER.0.0/24", &format!("10.255.0.{us}/30"));
    let v6 = tunnel("six", "fd00:PEER::/64", &format!("fd00:ff::{us}/64"));
    in_kernel(&format!("{v4}{v6}"))
}

#[test]
fn a_tunnel_with_an_interface_has_one_of_the_kernels_own() {
    if !possible("an XFRM interface") {
        return;
    }
    if let Err(error) = adit_gateway::interfaces::probe_xfrm() {
        eprintln!("skipped: an XFRM interface: {error}");
        return;
    }
    let world = World::new("xfrmi");
    let guard = Guard::between(&world);
    for at in [At::West, At::East] {
        world.configure_with(at, KEY, |_| routed(at));
    }
    let mut east = world.start(At::East);
    east.client().status(None).unwrap();
    let both_up = |west: &mut Running| {
        let mut client = west.client();
        let up = eventually(WAIT, || {
            let status = client.status(None).unwrap();
            let mut tunnels = status.tunnels.iter();
            (tunnels.all(|tunnel| tunnel.state == TunnelState::Up)).then_some(())
        });
        assert!(up.is_some(), "{}", west.log());
    };
    let mut west = world.start(At::West);
    both_up(&mut west);
    guard.forget();

    let link = |name: &str| {
        let ns = &world.west;
        ns.run(|| Netlink::open().unwrap().link(name).ok()).unwrap()
    };
    let (four, six) = (link("four0").unwrap(), link("six0").unwrap());
    assert_eq!(four.kind.as_deref(), Some("xfrm"));
    assert_ne!(four.if_id, six.if_id);
    let far = ["10.2.0.2", "fd00:2::2"];
    for to in far {
        assert!(world.reaches(&world.west_lan, to), "{}", west.log());
        assert!(world.reaches(&world.west, to), "{}", west.log());
    }
    assert!(world.reaches(&world.west, "10.255.0.2"), "{}", west.log());
    let states = world.west.run(|| Xfrm::open().unwrap().states().unwrap());
    let mut numbers: Vec<u32> = states.unwrap().iter().map(|state| state.if_id).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut wanted = [four.if_id.unwrap(), six.if_id.unwrap()];
    wanted.sort_unstable();
    assert_eq!(numbers, wanted, "each tunnel's SAs are its interface's");
    let status = west.client().status(None).unwrap();
    for tunnel in &status.tunnels {
        let child = &tunnel.children[0];
        assert!(child.packets_out > 0 && child.packets_in > 0, "{child:?}");
    }

    // A route that no configuration knows leads into it.
    let through = |ns: &NetNs, net: &str, device: &str| {
        ns.run(|| {
            let mut netlink = Netlink::open().unwrap();
            let index = netlink.link(device).unwrap().index;
            let mut route = Route::through(net.parse().unwrap(), index);
            route.protocol = 4;
            netlink.replace_route(&route).unwrap();
        })
        .unwrap();
    };
    address(&world.east_lan, "eth0", &["10.77.0.1/32"]);
    through(&world.east, "10.77.0.1/32", "lan");
    through(&world.west, "10.77.0.0/24", "four0");
    assert!(
        world.reaches(&world.west_lan, "10.77.0.1"),
        "{}",
        west.log()
    );

    // New keys, and the interface is the same.
    let what = Renewal::Child("all".to_owned());
    let renewed = west.client().rekey("four", what, WAIT, |_| {}).unwrap();
    assert!(renewed.reached, "{renewed:?}");
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    assert_eq!(guard.clear().len(), 0, "{:?}", guard.clear());

    // Stopped, it leads nowhere; taken over, it is the same one.
    west.client().shutdown().unwrap();
    assert_eq!(west.ended(), Some(0));
    for to in [&far[..], &["10.77.0.1"]].concat() {
        assert!(!world.reaches(&world.west_lan, to));
    }
    assert_eq!(link("four0").unwrap().index, four.index);
    assert_eq!(guard.clear().len(), 0, "{:?}", guard.clear());
    let mut west = world.start(At::West);
    both_up(&mut west);
    assert!(
        world.reaches(&world.west_lan, "10.77.0.1"),
        "{}",
        west.log()
    );
    assert_eq!(link("four0").unwrap().index, four.index);
    west.client().shutdown().unwrap();
    assert_eq!(west.ended(), Some(0));
    let left = || adit_gateway::remove_left_block().unwrap();
    world.west.run(left).unwrap();
    assert!(link("four0").is_none());
}

/// The kernel counts what it holds back for the whole host: that isn't told of a tunnel as none.
#[test]
fn a_gap_is_told_without_what_isnt_counted_by_tunnel() {
    if !possible("a gap with the kernel's IPsec") {
        return;
    }
    let world = World::new("kernel-gap");
    world.configure_with(At::West, KEY, |text| in_kernel(&text));
    let mut west = world.start(At::West);
    let mut client = west.client();
    client.status(None).unwrap();
    for _ in 0..3 {
        assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    }
    let tunnel = client.status(Some("office")).unwrap().tunnels.remove(0);
    let gap = tunnel.gap.unwrap();
    assert_eq!((&gap.until, gap.held_back), (&None, None), "{gap:?}");
    assert_eq!(gap.left_in_clear, Some(0), "{gap:?}");
}
