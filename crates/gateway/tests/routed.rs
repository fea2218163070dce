//! Tunnels with an interface of their own: what is routed into it goes through the tunnel, whoever added the route, and
//! nowhere else when the gateway is gone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod tap;
mod world;

use std::time::Duration;

use adit_gateway::remove_left_block;
use adit_kernel::netlink::{Link, Route};
use adit_kernel::{NetNs, Netlink, block};
use adit_model::event::Happening;
use adit_model::fact::Known;
use adit_model::sign::Sign;
use adit_model::status::TunnelState;
use joined::{KEY, through_interface};
use tap::Tap;
use world::{At, Running, World, address, eventually, permitted};

/// One side's tunnel with an interface and selectors for everything; `more` are further keys of the tunnel.
fn tunnel(at: At, name: &str, more: &str, interface: &str) -> String {
    through_interface(at, name, "192.0.2", more, interface)
}

fn link(ns: &NetNs, name: &str) -> Option<Link> {
    ns.run(|| Netlink::open().unwrap().link(name).ok()).unwrap()
}

/// What an operator would do with `ip route replace NET dev DEVICE`.
fn route(ns: &NetNs, net: &str, device: &str) {
    ns.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link(device).unwrap().index;
        let mut route = Route::through(net.parse().unwrap(), index);
        route.protocol = 4;
        netlink.replace_route(&route).unwrap();
    })
    .unwrap();
}

fn all_reached(world: &World, from: &NetNs, to: &[&str]) -> bool {
    to.iter().all(|to| world.reaches(from, to))
}

fn none_reached(world: &World, from: &NetNs, to: &[&str]) -> bool {
    !to.iter().any(|to| world.reaches(from, to))
}

fn wait_up(running: &mut Running, name: &str) {
    let mut client = running.client();
    let up = eventually(Duration::from_secs(10), || {
        let status = client.status(Some(name)).unwrap();
        (status.tunnels.first()?.state == TunnelState::Up).then_some(())
    });
    assert!(up.is_some(), "{name} isn't up: {}", running.log());
}

#[test]
fn what_is_routed_into_the_interface_is_the_tunnels_and_stays_so_after_a_crash() {
    if !permitted("an interface per tunnel") {
        return;
    }
    let world = World::new("routed");
    let west_side = "name = \"office0\"\naddresses = [\"10.255.0.1/30\", \"fd00:ff::1/64\"]\nroutes = [\"10.2.0.0/24\", \"fd00:2::/64\"]";
    let east_side = "addresses = [\"10.255.0.2/30\", \"fd00:ff::2/64\"]\nmtu = 1300\nroutes = [\"10.1.0.0/24\", \"fd00:1::/64\"]";
    world.configure_with(At::West, KEY, |_| tunnel(At::West, "office", "", west_side));
    world.configure_with(At::East, KEY, |_| tunnel(At::East, "office", "", east_side));
    let mut east = world.start(At::East);
    east.client();
    let tap = Tap::on(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);

    let far = ["10.2.0.2", "fd00:2::2"];
    assert!(all_reached(&world, &world.west_lan, &far), "{}", west.log());
    assert!(all_reached(&world, &world.west, &far), "the gateway itself");
    assert!(all_reached(
        &world,
        &world.west,
        &["10.255.0.2", "fd00:ff::2"]
    ));
    assert_eq!(link(&world.east, "office").unwrap().mtu, 1300);
    assert_eq!(link(&world.west, "office0").unwrap().mtu, 1438);
    let status = west.client().status(None).unwrap();
    assert_eq!(status.tunnels[0].interface.as_deref(), Some("office0"));

    // A route that no configuration knows.
    address(&world.east_lan, "eth0", &["10.77.0.1/32"]);
    route(&world.east, "10.77.0.1/32", "lan");
    route(&world.west, "10.77.0.0/24", "office0");
    assert!(
        world.reaches(&world.west_lan, "10.77.0.1"),
        "{}",
        west.log()
    );
    let (esp, clear) = tap.taken();
    assert!(esp >= 14, "{esp}");
    assert_eq!(clear, Vec::<String>::new());

    west.kill();
    assert!(link(&world.west, "office0").is_some(), "it stays");
    let everything = [&far[..], &["10.77.0.1"]].concat();
    assert!(none_reached(&world, &world.west_lan, &everything));
    assert!(none_reached(&world, &world.west, &everything));
    assert_eq!(tap.clear(), Vec::<String>::new());

    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    assert!(
        all_reached(&world, &world.west_lan, &everything),
        "{}",
        west.log()
    );
    west.client().shutdown().unwrap();
    assert_eq!(west.ended(), Some(0));
    assert!(none_reached(&world, &world.west_lan, &everything));
    assert_eq!(tap.clear(), Vec::<String>::new());

    // Somebody takes the interface away: what the configuration routes into it is blocked all the same.
    world
        .west
        .run(|| {
            let mut netlink = Netlink::open().unwrap();
            let index = netlink.link("office0").unwrap().index;
            netlink.delete_link(index).unwrap();
        })
        .unwrap();
    assert!(none_reached(&world, &world.west_lan, &far));
    assert!(none_reached(&world, &world.west, &far));
    assert_eq!(tap.clear(), Vec::<String>::new());
    world.west.run(|| remove_left_block().unwrap()).unwrap();
    // (The east side's block still stops what comes in clear.)
    world.reaches(&world.west, "10.2.0.2");
    assert!(!tap.clear().is_empty());
}

/// A queue can't be added to an interface that was made for one thread.
#[test]
fn an_interface_that_was_left_with_one_queue_is_made_anew_for_several_threads() {
    if !permitted("an interface that was left with one queue") {
        return;
    }
    let world = World::new("queues");
    let start = |threads: u32| {
        world.configure_with(At::West, KEY, |_| {
            let tunnel = tunnel(At::West, "office", "", "routes = [\"10.2.0.0/24\"]");
            format!("[gateway]\nthreads = {threads}\n{tunnel}")
        });
        let mut west = world.start(At::West);
        west.client();
        let ready = eventually(Duration::from_secs(5), || {
            west.log()
                .contains("interface office with MTU")
                .then_some(())
        });
        assert!(ready.is_some(), "{}", west.log());
        let index = link(&world.west, "office").unwrap().index;
        (west, index)
    };
    let (west, made) = start(1);
    west.kill();
    let (west, again) = start(1);
    assert_eq!(again, made, "taken over");
    west.kill();
    let (west, anew) = start(2);
    assert_ne!(anew, made);
    assert!(west.log().contains("office is made anew"), "{}", west.log());
    west.kill();
    assert_ne!(start(1).1, anew, "nor can one be taken away");
}

#[test]
fn several_tunnels_for_everything_are_there_at_once_and_come_and_go_by_reload() {
    if !permitted("several tunnels with interfaces") {
        return;
    }
    let world = World::new("several");
    let sides = |at: At, peer: u8| {
        let v4 = tunnel(at, "one", "", &format!("routes = [\"10.{peer}.0.0/24\"]"));
        let v6 = tunnel(at, "two", "", &format!("routes = [\"fd00:{peer}::/64\"]"));
        [v4, v6]
    };
    let [west_one, west_two] = sides(At::West, 2);
    world.configure_with(At::East, KEY, |_| sides(At::East, 1).concat());
    world.configure_with(At::West, KEY, |_| west_one.clone());
    let mut east = world.start(At::East);
    east.client();
    let tap = Tap::on(&world.east);
    let mut west = world.start(At::West);
    wait_up(&mut west, "one");
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());

    world.configure_with(At::West, KEY, |_| format!("{west_one}{west_two}"));
    tap.taken();
    west.client().reload(false).unwrap();
    wait_up(&mut west, "two");
    let far = ["10.2.0.2", "fd00:2::2"];
    assert!(all_reached(&world, &world.west_lan, &far), "{}", west.log());
    let status = west.client().status(None).unwrap();
    for tunnel in &status.tunnels {
        let child = &tunnel.children[0];
        assert!(
            child.packets_out > 0 && child.packets_in > 0,
            "{}: its own packets",
            tunnel.name
        );
    }
    assert_eq!(tap.clear(), Vec::<String>::new());

    world.configure_with(At::West, KEY, |_| west_two.clone());
    west.client().reload(false).unwrap();
    assert!(link(&world.west, "one").is_none() && link(&world.west, "two").is_some());
    assert!(
        world.reaches(&world.west_lan, "fd00:2::2"),
        "{}",
        west.log()
    );
}

/// The worst routes that an operator could add: the peer itself, by its own tunnel.
#[test]
fn what_goes_to_the_peer_is_never_caught_by_its_own_tunnel() {
    if !permitted("routes that catch the peer") {
        return;
    }
    for v6 in [false, true] {
        let world = World::new(if v6 { "caught6" } else { "caught4" });
        let outside = |text: String| {
            if v6 {
                text.replace("192.0.2.", "2001:db8::")
            } else {
                text
            }
        };
        let west_side = "name = \"office0\"\nroutes = [\"0.0.0.0/0\", \"::/0\"]";
        let east_side = "name = \"office0\"\nroutes = [\"10.1.0.0/24\", \"fd00:1::/64\"]";
        world.configure_with(At::West, KEY, |_| {
            outside(tunnel(At::West, "office", "", west_side))
        });
        world.configure_with(At::East, KEY, |_| {
            let text = outside(tunnel(At::East, "office", "", east_side));
            let local = outside("local = \"192.0.2.2\"".to_owned());
            text.replace(&local, "local = \"any\"")
        });
        let mut east = world.start(At::East);
        east.client();
        let tap = Tap::on(&world.east);
        let mut west = world.start(At::West);
        west.wait_for(TunnelState::Up);
        let far = ["10.2.0.2", "fd00:2::2"];
        assert!(all_reached(&world, &world.west_lan, &far), "{}", west.log());

        let (peer, other) = match v6 {
            false => ("192.0.2.2/32", "192.0.2.9/24"),
            true => ("2001:db8::2/128", "2001:db8::9/64"),
        };
        route(&world.west, peer, "office0");
        assert!(all_reached(&world, &world.west_lan, &far), "{}", west.log());
        assert_eq!(tap.clear(), Vec::<String>::new());

        // The peer goes on from another address, which a route catches as well.
        address(&world.east, "wan", &[other]);
        let there = other.split('/').next().unwrap();
        route(
            &world.west,
            &format!("{there}/{}", if v6 { 128 } else { 32 }),
            "office0",
        );
        let old = peer.replace("/32", "/24").replace("/128", "/64");
        let gone = world.east.run(|| {
            let mut netlink = Netlink::open().unwrap();
            let index = netlink.link("wan").unwrap().index;
            netlink.delete_address(index, old.parse().unwrap()).unwrap()
        });
        assert!(gone.unwrap());
        // With the address its network's other addresses may go, and the way back.
        address(&world.east, "wan", &[other]);
        let moved = eventually(Duration::from_secs(10), || {
            let events = west.client().events(Some("office")).unwrap();
            let to = events.iter().rev().find_map(|r| match &r.event.what {
                Happening::PeerMoved { to, .. } => Some(to.ip().to_string()),
                _ => None,
            });
            (to.as_deref() == Some(there)).then_some(())
        });
        assert!(moved.is_some(), "{}", west.log());
        let through = eventually(Duration::from_secs(5), || {
            all_reached(&world, &world.west_lan, &far).then_some(())
        });
        assert!(through.is_some(), "{}", west.log());
        assert_eq!(tap.clear(), Vec::<String>::new());
    }
}

/// Without any way beside the tunnel: nothing loops, it is counted, and `adit why` says it.
#[test]
fn a_caught_packet_of_our_own_is_stopped_and_told() {
    if !permitted("a loop through the tunnel") {
        return;
    }
    let world = World::new("looped");
    world.configure_with(At::West, KEY, |_| {
        tunnel(At::West, "office", "", "name = \"office0\"")
    });
    let mut west = world.start(At::West);
    // It answers when the host is ready.
    west.client().status(None).unwrap();
    // A rule of somebody's before ours, into a table with nothing but the tunnel.
    world
        .west
        .run(|| {
            let mut netlink = Netlink::open().unwrap();
            let index = netlink.link("office0").unwrap().index;
            let mut all = Route::through("0.0.0.0/0".parse().unwrap(), index);
            all.table = 77;
            netlink.add_route(&all).unwrap();
            let rule = adit_kernel::netlink::Rule {
                priority: 100,
                from: None,
                to: "192.0.2.2/32".parse().unwrap(),
                mark: None,
                flow: adit_kernel::netlink::Flow::default(),
                table: 77,
            };
            assert!(netlink.add_rule(&rule).unwrap());
        })
        .unwrap();
    let caught = eventually(Duration::from_secs(10), || {
        let count = world
            .west
            .run(|| block::read_caught("adit").unwrap())
            .unwrap();
        (count.packets > 0).then_some(())
    });
    assert!(caught.is_some(), "{}", west.log());
    let case = west
        .client()
        .cases(Some("office"), false)
        .unwrap()
        .remove(0);
    let told = case.facts.iter().any(|fact| {
        matches!(&fact.what, Known::Sign { sign: Sign::RecursiveRouting, values } if values["interface"] == "office0")
    });
    assert!(told);
    let verdict = adit_diagnose::diagnose(&case);
    assert_eq!(
        verdict.findings[0].cause, "tunnel-route-captures-peer",
        "{verdict:?}"
    );
}

/// The way out, for one tunnel while the gateway runs: its routes go, and come back with it.
#[test]
fn a_tunnel_that_is_taken_down_can_be_let_pass_and_changed_under_way() {
    if !permitted("a routed tunnel that is unblocked") {
        return;
    }
    let world = World::new("unblocked");
    let side = |at: At, peer: u8, more: &str| {
        tunnel(
            at,
            "office",
            more,
            &format!("name = \"office0\"\nroutes = [\"10.{peer}.0.0/24\"]"),
        )
    };
    world.configure_with(At::West, KEY, |_| side(At::West, 2, ""));
    world.configure_with(At::East, KEY, |_| side(At::East, 1, ""));
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());

    // Another MTU, another address, and optional from now on: nothing of that cuts the tunnel.
    let spis = |running: &mut Running| {
        let status = running.client().status(Some("office")).unwrap();
        status.tunnels[0].children[0].spi_in.clone()
    };
    let before = spis(&mut west);
    world.configure_with(At::West, KEY, |_| {
        side(At::West, 2, "policy = \"optional\"").replace(
            "[tunnel.office.interface]",
            "[tunnel.office.interface]\nmtu = 1350\naddresses = [\"10.255.0.1/30\"]",
        )
    });
    let tap = Tap::on(&world.west);
    let plan = west.client().reload(false).unwrap();
    assert!(plan.cuts.is_empty(), "{plan:?}");
    assert_eq!(link(&world.west, "office0").unwrap().mtu, 1350);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    assert_eq!(spis(&mut west), before);
    assert_eq!(tap.clear(), Vec::<String>::new(), "it has an SA");

    // Required again, taken down, and let pass by command.
    world.configure_with(At::West, KEY, |_| side(At::West, 2, ""));
    west.client().reload(false).unwrap();
    west.client()
        .down("office", Duration::from_secs(5), |_| ())
        .unwrap();
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    assert_eq!(tap.clear(), Vec::<String>::new());
    west.client().unblock(Some("office")).unwrap();
    world.reaches(&world.west_lan, "10.2.0.2");
    assert!(!tap.clear().is_empty(), "{}", west.log());
    west.client()
        .up("office", Duration::from_secs(10), |_| ())
        .unwrap();
    tap.taken();
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    assert_eq!(tap.clear(), Vec::<String>::new());
}
