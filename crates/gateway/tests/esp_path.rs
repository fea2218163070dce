//! What the path between two gateways lets through, as both sides count it: protocol 50, ESP in UDP, the longest packet in each
//! direction; told from look-alikes, and doing no harm.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod narrow;
mod stream;
mod world;

use std::time::Duration;

use adit_diagnose::{Answer, diagnose};
use adit_gateway::client::Client;
use adit_kernel::{NetNs, Netlink};
use adit_model::drops::DropReason;
use adit_model::probed::{Check, Outcome, Probed};
use adit_model::status::TunnelState;
use joined::{KEY, all_up, cause, check, dropped, filter, many, spis};
use narrow::narrow;
use stream::tcp_passes;
use world::{At, Running, World, eventually, permitted};

/// What one side sends at most for this.
const MOST_PACKETS: u64 = 48;

/// Both gateways up, with this in both tunnels' configuration.
fn up_with(world: &World, tunnel: &str) -> (Running, Running) {
    joined::up_with(world, |_, text| {
        // New keys on trial would be new SPIs.
        let set = format!("test_rekey = \"off\"\n{tunnel}\nstart =");
        text.replace("start =", &set)
    })
}

/// A router that drops what comes from one side, or from both.
fn drops(router: &NetNs, from: &[&str], what: &str) -> bool {
    let rules: String = from
        .iter()
        .map(|side| format!("iifname \"{side}\" {what}\n"))
        .collect();
    let table = "add table inet guard\ndelete table inet guard\n";
    filter(
        router,
        &format!(
            "{table}table inet guard {{\nchain c {{ type filter hook forward priority 0;\n{rules}}}\n}}"
        ),
    )
}

fn octets(check: &Check, name: &str) -> u32 {
    check.values[name].parse().unwrap()
}

/// The tests of the path alone.
fn outcomes(probed: &Probed) -> [Outcome; 4] {
    ["esp-plain", "esp-udp", "esp-mtu-out", "esp-mtu-in"].map(|id| check(probed, id).outcome)
}

fn probe(client: &mut Client) -> Probed {
    client.probe("office", None).unwrap()
}

use Outcome::{Finding, Note, Unknown, Well};

#[test]
fn a_path_that_lets_all_pass_is_well_from_both_ends_and_no_sa_sees_anything_of_it() {
    if !permitted("tests of a path") {
        return;
    }
    for tunnel in ["", "force_encap = true"] {
        let world = World::new("open");
        let (mut west, mut east) = up_with(&world, tunnel);
        assert!(world.reaches(&world.west_lan, "10.2.0.2"));
        let before = spis(&mut west);
        for running in [&mut west, &mut east] {
            let probed = probe(&mut running.client());
            assert_eq!(outcomes(&probed), [Well; 4], "{probed:#?}");
            for id in ["esp-mtu-out", "esp-mtu-in"] {
                let check = check(&probed, id);
                assert_eq!(octets(&check, "octets"), 1500);
                let inside = if tunnel.is_empty() { 1446 } else { 1438 };
                assert_eq!(
                    (octets(&check, "inside"), octets(&check, "mss")),
                    (inside, inside - 40)
                );
            }
            assert!(check(&probed, "esp-plain").sent.packets <= 9, "{probed:#?}");
        }
        for running in [&mut west, &mut east] {
            assert_eq!(
                dropped(running, DropReason::EspTest),
                2 * 9,
                "{}",
                running.log()
            );
            for reason in [DropReason::EspUnknownSpi, DropReason::EspAuthenticity] {
                assert_eq!(dropped(running, reason), 0, "{reason}");
            }
            let verdict = diagnose(&running.client().cases(Some("office"), true).unwrap()[0]);
            assert_eq!(verdict.verdict, Answer::Healthy, "{verdict:#?}");
        }
        assert_eq!(spis(&mut west), before);
    }
}

/// UDP 500 passes and protocol 50 doesn't: both ways, and either way alone.
#[test]
fn a_filter_of_protocol_50_is_named_with_what_passes_instead() {
    if !permitted("tests of a path") {
        return;
    }
    for (from, wanted, which) in [
        (&["west", "east"][..], "esp-blocked", "in neither direction"),
        (&["west"], "esp-blocked-one-way", "from the peer only"),
        (&["east"], "esp-blocked-one-way", "from here only"),
    ] {
        let (world, router) = narrow("no-esp", 1500);
        let (mut west, _east) = up_with(&world, "");
        let mut client = west.client();
        if !drops(&router, from, "meta l4proto esp drop") {
            return;
        }
        let probed = probe(&mut client);
        let plain = check(&probed, "esp-plain");
        assert_eq!(plain.outcome, Finding, "{plain:#?}");
        assert!(plain.summary.contains(which), "{plain:#?}");
        let fix = plain.fix.unwrap();
        assert!(
            fix.contains("`force_encap = true` in [tunnel.office]"),
            "{fix}"
        );
        assert!(fix.contains("IP protocol 50 doesn't: permit it"), "{fix}");
        assert_eq!(check(&probed, "esp-udp").outcome, Well);
        assert!(probed.sent.packets < 2 * MOST_PACKETS, "{:?}", probed.sent);
        let found = cause(&mut client);
        assert_eq!(found.as_deref(), Some(wanted), "{}", west.log());
    }
}

/// The outer header may be of IPv6: it is longer, and nothing is cut on the way.
#[test]
fn between_ipv6_addresses_the_same_is_told() {
    if !permitted("tests of a path") {
        return;
    }
    let (world, router) = narrow("outer-v6", 1500);
    let (mut west, mut east) = joined::up_with(&world, |_, text| {
        let text = text.replace("local = \"192.0.2.", "local = \"2001:db8::");
        let text = text.replace("remote = \"192.0.2.", "remote = \"2001:db8::");
        text.replace("start =", "test_rekey = \"off\"\nstart =")
    });
    let before = spis(&mut west);
    for running in [&mut west, &mut east] {
        let probed = probe(&mut running.client());
        assert_eq!(outcomes(&probed), [Well; 4], "{probed:#?}");
        for id in ["esp-mtu-out", "esp-mtu-in"] {
            let check = check(&probed, id);
            assert_eq!(
                (octets(&check, "octets"), octets(&check, "inside")),
                (1500, 1426)
            );
        }
    }
    if !drops(&router, &["west", "east"], "meta l4proto esp drop") {
        return;
    }
    let mut client = west.client();
    assert_eq!(
        cause(&mut client).as_deref(),
        Some("esp-blocked"),
        "{}",
        west.log()
    );
    assert_eq!(spis(&mut west), before);
}

/// Behind a NAT the sizes are those of ESP in UDP, and who waits behind none knows of it too.
#[test]
fn through_a_nat_the_ways_are_tested_as_they_are_translated() {
    if !permitted("tests of a path") {
        return;
    }
    let (world, router) = narrow("natted", 1500);
    let masquerade = "add table inet nat\ndelete table inet nat\ntable inet nat {\nchain c { type nat hook postrouting priority 100;\noifname \"east\" masquerade\n}\n}";
    if !filter(&router, masquerade) {
        return;
    }
    let (mut west, mut east) = joined::up_with(&world, |at, text| {
        let text = match at {
            At::West => text,
            At::East => text.replace("remote = \"192.0.2.1\"", "remote = \"any\""),
        };
        text.replace("start =", "test_rekey = \"off\"\nstart =")
    });
    let before = spis(&mut west);
    for (running, who) in [(&mut west, "local"), (&mut east, "remote")] {
        let probed = probe(&mut running.client());
        assert_eq!(outcomes(&probed)[1..], [Well; 3], "{probed:#?}");
        for id in ["esp-mtu-out", "esp-mtu-in"] {
            let check = check(&probed, id);
            assert_eq!(
                (octets(&check, "octets"), octets(&check, "inside")),
                (1500, 1438)
            );
        }
        let nat = check(&probed, "nat");
        assert_eq!(nat.outcome, Note, "{nat:#?}");
        assert_eq!(nat.values[&format!("{who}_behind_nat")], "true", "{nat:#?}");
    }
    assert_eq!(spis(&mut west), before);
}

/// A router that says so is quoted.
#[test]
fn a_router_that_refuses_protocol_50_is_named() {
    if !permitted("tests of a path") {
        return;
    }
    let (world, router) = narrow("refused", 1500);
    let (mut west, _east) = up_with(&world, "");
    let rule = "meta l4proto esp reject with icmpx type admin-prohibited";
    if !drops(&router, &["west"], rule) {
        return;
    }
    let plain = check(&probe(&mut west.client()), "esp-plain");
    assert_eq!(plain.outcome, Finding);
    assert!(
        plain.summary.contains("198.51.100.2 says of ours"),
        "{plain:#?}"
    );
}

/// The look-alikes: UDP 4500 is shut, and ESP passes by itself.
#[test]
fn a_filter_of_udp_4500_stops_a_tunnel_that_travels_in_it_and_no_other() {
    if !permitted("tests of a path") {
        return;
    }
    // IKE stays on port 500, and ESP by itself.
    let (world, router) = narrow("no-udp", 1500);
    let (mut west, _east) = up_with(&world, "mobike = false");
    let mut client = west.client();
    if !drops(&router, &["west", "east"], "udp dport 4500 drop") {
        return;
    }
    let probed = probe(&mut client);
    assert_eq!(outcomes(&probed), [Well, Note, Well, Well], "{probed:#?}");
    // ESP in UDP is thrown away, and IKE, which goes over the same port, isn't.
    let (world, router) = narrow("no-esp-in-udp", 1500);
    let (mut west, _east) = up_with(&world, "force_encap = true");
    let mut client = west.client();
    if !drops(
        &router,
        &["west", "east"],
        "udp dport 4500 @th,64,32 != 0 drop",
    ) {
        return;
    }
    let probed = probe(&mut client);
    let udp = check(&probed, "esp-udp");
    assert_eq!(udp.outcome, Finding, "{probed:#?}");
    assert!(udp.fix.unwrap().contains("take `force_encap = true` out"));
    assert_eq!(check(&probed, "esp-plain").outcome, Well);
    assert_eq!(
        cause(&mut client).as_deref(),
        Some("esp-blocked"),
        "{}",
        west.log()
    );
}

/// Of a path that takes 1300 octets in one direction, and says nothing.
#[test]
fn a_black_hole_is_found_in_its_direction_to_a_few_octets() {
    if !permitted("tests of a path") {
        return;
    }
    for (from, hole, other, tunnel) in [
        ("west", "esp-mtu-out", "esp-mtu-in", ""),
        ("east", "esp-mtu-in", "esp-mtu-out", "force_encap = true"),
    ] {
        let (world, router) = narrow("hole", 1500);
        let (mut west, _east) = up_with(&world, tunnel);
        if !drops(&router, &[from], HOLE) {
            return;
        }
        let mut client = west.client();
        let probed = probe(&mut client);
        let found = check(&probed, hole);
        assert_eq!(found.outcome, Finding, "{found:#?}");
        assert!(
            (1290..=1300).contains(&octets(&found, "octets")),
            "{found:#?}"
        );
        assert!(
            (1301..=1310).contains(&octets(&found, "vanish")),
            "{found:#?}"
        );
        let mss = octets(&found, "mss");
        let fix = found.fix.as_ref().unwrap();
        assert!(fix.contains(&mss.to_string()));
        assert_eq!(check(&probed, other).outcome, Well, "{probed:#?}");
        // The echoes tell the direction too, without the peer's help.
        let inside = check(&probed, "inside-mtu");
        let way = if from == "west" { "out" } else { "back" };
        assert_eq!(
            inside.values.get("lost_on_the_way").map(String::as_str),
            Some(way),
            "{inside:#?}"
        );
        let sent = check(&probed, "esp-plain").sent;
        assert!(
            sent.packets <= MOST_PACKETS && sent.octets <= 60_000,
            "{sent:?}"
        );
        assert_eq!(cause(&mut client).as_deref(), Some("pmtu-blackhole"));
        // With the MTU that the fix names, nothing is sent that vanishes.
        let sender = if from == "west" {
            &world.west
        } else {
            &world.east
        };
        let narrow = || {
            let mut netlink = Netlink::open().unwrap();
            let device = netlink.link("adit0").unwrap().index;
            netlink.set_link_mtu(device, octets(&found, "inside"))
        };
        sender.run(narrow).unwrap().unwrap();
        let known = check(&probe(&mut client), hole);
        assert_eq!(known.outcome, Well, "{known:#?}");
        assert!(known.summary.contains("sends none longer"), "{known:#?}");
    }
}

/// A router with a narrower link that says what it takes is no black hole, and what it says is right to the octet. What comes
/// the other way is lost at its link without a word.
#[test]
fn a_router_that_says_what_it_takes_is_told_from_a_black_hole() {
    if !permitted("tests of a path") {
        return;
    }
    let (world, _router) = narrow("says", 1400);
    let (mut west, _east) = up_with(&world, "");
    let probed = probe(&mut west.client());
    let out = check(&probed, "esp-mtu-out");
    assert!(matches!(out.outcome, Note | Well), "{out:#?}");
    assert_eq!(octets(&out, "octets"), 1400, "{out:#?}");
    assert_eq!(octets(&out, "told"), 1400, "{out:#?}");
    let back = check(&probed, "esp-mtu-in");
    assert!(
        (1390..=1404).contains(&octets(&back, "octets")),
        "{back:#?}"
    );
    assert_ne!(back.outcome, Well, "{back:#?}");
}

/// With a peer that answers no questions, what can't be known is said not to be.
#[test]
fn a_peer_that_does_not_count_leaves_what_echoes_and_routers_say() {
    if !permitted("tests of a path") {
        return;
    }
    let (world, router) = narrow("alone", 1500);
    let mute = |text| format!("[gateway]\nanswer_trace = false\n{text}");
    let (mut west, mut east) = joined::up_with(&world, |_, text| mute(text));
    // What the SAs have counted proves that plain ESP comes, so that none is sent to find out.
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
    let mut client = west.client();
    let probed = probe(&mut client);
    assert_eq!(
        outcomes(&probed),
        [Well, Unknown, Well, Well],
        "{probed:#?}"
    );
    assert!(check(&probed, "esp-udp").summary.contains("isn't an Adit"));
    assert_eq!(
        dropped(&mut east, DropReason::EspUnknownSpi),
        0,
        "nothing was sent to it"
    );
    if !drops(&router, &["west"], "meta l4proto esp drop") {
        return;
    }
    let probed = probe(&mut client);
    assert_eq!(outcomes(&probed)[..2], [Unknown; 2], "{probed:#?}");
    assert!(!probed.has_findings(), "{probed:#?}");
    // Who refuses it and says so is a finding all the same.
    let (world, router) = narrow("alone-refused", 1500);
    let refused = "meta l4proto esp reject with icmpx type admin-prohibited";
    if !drops(&router, &["west"], refused) {
        return;
    }
    let (mut west, _east) = joined::up_with(&world, |_, text| mute(text));
    let plain = check(&probe(&mut west.client()), "esp-plain");
    assert_eq!(plain.outcome, Finding, "{plain:#?}");
    assert!(plain.fix.unwrap().contains("force_encap"));
}

/// What holes let pass.
const HOLE: &str = "meta l4proto { esp, udp } meta length > 1300 drop";
/// How long a connection may be silent before it has come to nothing.
const SILENCE: Duration = Duration::from_secs(3);

/// Whether a TCP connection carries what `from` has for the other side's host.
fn carries(world: &World, from: At) -> bool {
    let (sender, receiver, to) = match from {
        At::West => (&world.west_lan, &world.east_lan, "10.2.0.2"),
        At::East => (&world.east_lan, &world.west_lan, "10.1.0.2"),
    };
    tcp_passes(sender, receiver, to, SILENCE)
}

/// Nothing is found any more, and by whom it was looked into again.
fn is_mended(west: &mut Running, hole: &str, inside: Option<&str>) {
    let mut client = west.client();
    let inside = inside.and_then(|host| host.parse().ok());
    let probed = client.probe("office", inside).unwrap();
    let known = check(&probed, hole);
    assert_eq!(known.outcome, Well, "{known:#?}");
    assert!(known.summary.contains("sends none longer"), "{known:#?}");
    assert!(!probed.has_findings(), "{probed:#?}");
    let mut last = None;
    let healthy = eventually(Duration::from_secs(9), || {
        let case = client.cases(Some("office"), true).unwrap().pop().unwrap();
        let verdict = diagnose(&case);
        let healthy = verdict.verdict == Answer::Healthy;
        last = Some(verdict);
        healthy.then_some(())
    });
    assert!(healthy.is_some(), "{last:#?}\n{}", west.log());
}

/// An operator does as he is told, on the side that is named: the gateway is started again with `--tun-mtu`.
#[test]
fn the_fix_of_a_black_hole_mends_it() {
    if !permitted("tests of a path") {
        return;
    }
    for (at, side, hole, tunnel) in [
        (At::West, "west", "esp-mtu-out", ""),
        (At::East, "east", "esp-mtu-in", "force_encap = true"),
    ] {
        let (world, router) = narrow("mended", 1500);
        let (mut west, mut east) = joined::up_with(&world, |at, text| {
            let number = if at == At::West { [1, 2] } else { [2, 1] };
            let v6 = number.map(|number| format!(", \"fd00:{number}::/64\""));
            let set = format!("test_rekey = \"off\"\n{tunnel}\nstart =");
            let text = text.replace("start =", &set);
            let text = text.replace(&v6[0], "").replace(&v6[1], "");
            // A filter would take a bundle for one long packet.
            format!("[gateway]\noffload = \"off\"\n{text}")
        });
        assert!(carries(&world, at), "{}", west.log());
        if !drops(&router, &[side], HOLE) {
            return;
        }
        assert!(!carries(&world, at), "too long for the hole");
        let found = check(&probe(&mut west.client()), hole);
        assert_eq!(found.outcome, Finding, "{found:#?}");
        let inside = octets(&found, "inside");
        let fix = found.fix.unwrap();
        assert!(fix.contains(&format!("`--tun-mtu {inside}`")), "{fix}");
        assert_eq!(fix.contains("at the peer"), at == At::East, "{fix}");

        world.set_tun_mtu(at, inside);
        let restarted = if at == At::West { &mut west } else { &mut east };
        restarted.client().shutdown().unwrap();
        assert_eq!(restarted.ended(), Some(0));
        *restarted = world.start(at);
        restarted.wait_for(TunnelState::Up);
        west.wait_for(TunnelState::Up);
        assert!(carries(&world, at), "{}", west.log());
        is_mended(&mut west, hole, None);
    }
}

/// IPv6 needs packets of 1280 octets inside. Where ESP around them doesn't pass the fix says so, and a gateway that is started in
/// spite of it says why not, and leaves the host as it was.
#[test]
fn a_black_hole_too_narrow_for_ipv6_is_told_as_one() {
    if !permitted("tests of a path") {
        return;
    }
    let (world, router) = narrow("too-narrow", 1500);
    let (mut west, _east) = up_with(&world, "");
    if !drops(&router, &["west"], HOLE) {
        return;
    }
    let found = check(&probe(&mut west.client()), "esp-mtu-out");
    assert_eq!(found.outcome, Finding, "{found:#?}");
    let inside = octets(&found, "inside");
    assert!(inside < 1280);
    let fix = found.fix.unwrap();
    assert!(fix.contains("IPv6 is left out of the tunnel"), "{fix}");
    assert!(fix.contains("ESP of 1336"), "{fix}");
    world.set_tun_mtu(At::West, inside);
    west.client().shutdown().unwrap();
    assert_eq!(west.ended(), Some(0));
    let mut west = world.start(At::West);
    assert_ne!(west.ended(), Some(0));
    let said = format!("--tun-mtu {inside} leaves no room for IPv6, which tunnel `office` carries");
    assert!(west.log().contains(&said), "{}", west.log());
}

/// The same of a tunnel with an interface: its MTU is configured, and read again without a cut.
#[test]
fn the_mtu_of_an_interface_mends_a_black_hole() {
    if !permitted("tests of a path") {
        return;
    }
    let (world, router) = narrow("configured", 1500);
    let routed = |at: At, mtu: &str| {
        let us = if at == At::West { 1 } else { 2 };
        let interface = format!(
            "name = \"office0\"\naddresses = [\"10.255.0.{us}/30\"]\nroutes = [\"10.PEER.0.0/24\"]\n{mtu}"
        );
        let still = "test_rekey = \"off\"";
        joined::through_interface(at, "office", "192.0.2", still, &interface)
    };
    let (mut west, _east) = joined::up_with(&world, |at, _| routed(at, ""));
    assert!(carries(&world, At::West), "{}", west.log());
    if !drops(&router, &["west"], HOLE) {
        return;
    }
    assert!(!carries(&world, At::West), "too long for the hole");
    let to = "10.2.0.2";
    let probed = west.client().probe("office", to.parse().ok()).unwrap();
    let found = check(&probed, "esp-mtu-out");
    assert_eq!(found.outcome, Finding, "{found:#?}");
    let fix = found.fix.as_ref().unwrap();
    let mtu = format!("mtu = {}", octets(&found, "inside"));
    let told = format!("`{mtu}` in [tunnel.office.interface]");
    assert!(fix.contains(&told), "{fix}");

    let before = spis(&mut west);
    world.configure_with(At::West, KEY, |_| routed(At::West, &mtu));
    west.client().reload(false).unwrap();
    assert!(carries(&world, At::West), "{}", west.log());
    is_mended(&mut west, "esp-mtu-out", Some(to));
    assert_eq!(spis(&mut west), before);
}

/// West behind a NAT that gives what it sends other ports, as many do.
fn behind_nat(name: &str) -> Option<(World, NetNs, Running, Running)> {
    let (world, router) = narrow(name, 1500);
    let rules = "table ip translation {
        chain post { type nat hook postrouting priority 100;
          oifname \"east\" meta l4proto { tcp, udp } masquerade to :40000-50000
          oifname \"east\" masquerade
        }
      }";
    if !filter(&router, rules) {
        return None;
    }
    let (west, east) = joined::up_with(&world, |at, text| {
        let text = text.replace("start =", "test_rekey = \"off\"\nstart =");
        match at {
            At::West => text,
            At::East => text.replace("remote = \"192.0.2.1\"", "remote = \"any\""),
        }
    });
    Some((world, router, west, east))
}

/// Test packets of ESP in UDP take the tunnel's own mapping, in both directions and whoever begins.
#[test]
fn a_path_through_a_nat_is_tested_by_its_mapping() {
    if !permitted("tests of a path") {
        return;
    }
    let Some((world, router, mut west, mut east)) = behind_nat("nat") else {
        return;
    };
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    let nat: std::net::IpAddr = "203.0.113.2".parse().unwrap();
    let seen = east
        .client()
        .status(Some("office"))
        .unwrap()
        .tunnels
        .remove(0);
    let seen = seen.ike.unwrap().remote;
    assert!(
        seen.starts_with(&format!("{nat}:4")) && !seen.ends_with(":4500"),
        "{seen}"
    );
    let before = spis(&mut west);
    for running in [&mut west, &mut east] {
        let probed = probe(&mut running.client());
        // Protocol 50 has no ports: whether a NAT translates it is its own affair, and the tunnel doesn't need it.
        assert!(!probed.has_findings(), "{probed:#?}");
        assert_eq!(outcomes(&probed)[1..], [Well; 3], "{probed:#?}");
        for id in ["esp-mtu-out", "esp-mtu-in"] {
            let check = check(&probed, id);
            assert_eq!(
                (octets(&check, "octets"), octets(&check, "inside")),
                (1500, 1438)
            );
        }
    }
    // A NAT that knows no more than TCP and UDP.
    if !drops(&router, &["west", "east"], "meta l4proto esp drop") {
        return;
    }
    for running in [&mut west, &mut east] {
        let probed = probe(&mut running.client());
        assert_eq!(outcomes(&probed), [Note, Well, Well, Well], "{probed:#?}");
        assert!(!probed.has_findings(), "{probed:#?}");
    }
    // What the NAT's own link doesn't take is found on the side that sends it.
    if !drops(&router, &["west"], HOLE) {
        return;
    }
    for (running, hole, other) in [
        (&mut west, "esp-mtu-out", "esp-mtu-in"),
        (&mut east, "esp-mtu-in", "esp-mtu-out"),
    ] {
        let probed = probe(&mut running.client());
        let found = check(&probed, hole);
        assert_eq!(found.outcome, Finding, "{probed:#?}");
        assert!(
            (1290..=1300).contains(&octets(&found, "octets")),
            "{found:#?}"
        );
        assert_eq!(check(&probed, other).outcome, Well, "{probed:#?}");
    }
    assert_eq!(spis(&mut west), before);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
}

/// Both gateways up over IPv6 outside.
fn up_over_v6(world: &World, tunnel: &str) -> (Running, Running) {
    joined::up_with(world, |_, text| {
        let set = format!("test_rekey = \"off\"\n{tunnel}\nstart =");
        text.replace("192.0.2.", "2001:db8::")
            .replace("start =", &set)
    })
}

#[test]
fn a_path_of_ipv6_is_tested_as_one_of_ipv4() {
    if !permitted("tests of a path") {
        return;
    }
    for (tunnel, inside) in [("", 1426), ("force_encap = true", 1418)] {
        let (world, router) = narrow("six", 1500);
        let (mut west, mut east) = up_over_v6(&world, tunnel);
        assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
        for running in [&mut west, &mut east] {
            let probed = probe(&mut running.client());
            assert_eq!(outcomes(&probed), [Well; 4], "{probed:#?}");
            for id in ["esp-mtu-out", "esp-mtu-in"] {
                let check = check(&probed, id);
                assert_eq!(
                    (octets(&check, "octets"), octets(&check, "inside")),
                    (1500, inside)
                );
            }
        }
        // Nobody may cut them on the way, so that a hole is always one.
        let long = "meta nfproto ipv6 meta l4proto { esp, udp } meta length > 1350 drop";
        if !drops(&router, &["west"], long) {
            return;
        }
        let probed = probe(&mut west.client());
        let found = check(&probed, "esp-mtu-out");
        assert_eq!(found.outcome, Finding, "{probed:#?}");
        assert!(
            (1340..=1350).contains(&octets(&found, "octets")),
            "{found:#?}"
        );
        assert!(found.fix.unwrap().contains("packet too big"));
        assert_eq!(check(&probed, "esp-mtu-in").outcome, Well, "{probed:#?}");
        assert_eq!(cause(&mut west.client()).as_deref(), Some("pmtu-blackhole"));
        assert_eq!(dropped(&mut west, DropReason::EspUnknownSpi), 0);
    }
    let (world, router) = narrow("six-shut", 1500);
    let (mut west, _east) = up_over_v6(&world, "");
    if !drops(
        &router,
        &["west", "east"],
        "meta nfproto ipv6 meta l4proto esp drop",
    ) {
        return;
    }
    let probed = probe(&mut west.client());
    let shut = ["esp-plain", "esp-udp"].map(|id| check(&probed, id).outcome);
    assert_eq!(shut, [Finding, Well], "{probed:#?}");
    // A router that says what it takes.
    let (world, _router) = narrow("six-says", 1400);
    let (mut west, _east) = up_over_v6(&world, "");
    let out = check(&probe(&mut west.client()), "esp-mtu-out");
    assert!(matches!(out.outcome, Note | Well), "{out:#?}");
    assert_eq!(
        (octets(&out, "octets"), octets(&out, "told")),
        (1400, 1400),
        "{out:#?}"
    );
}

/// However many tunnels lead to one address: who asks for tests of each has no more sent there than for one.
#[test]
fn tests_of_many_tunnels_to_one_peer_share_what_it_sends() {
    if !permitted("tests of a path") {
        return;
    }
    let (world, router) = narrow("many", 1500);
    for at in [At::West, At::East] {
        world.configure_with(at, KEY, |text| {
            let text = text.replace("start =", "test_rekey = \"off\"\nstart =");
            many(&text, 4)
        });
    }
    let mut east = world.start(At::East);
    east.client().status(None).unwrap();
    let mut west = world.start(At::West);
    all_up(&mut west, 4);
    // A hole takes many packets to be measured.
    if !drops(&router, &["east"], HOLE) {
        return;
    }
    let mut client = west.client();
    let said: Vec<Check> = (0..4)
        .map(|number| {
            let probed = client.probe(&format!("t{number}"), None).unwrap();
            check(&probed, "esp-mtu-in")
        })
        .collect();
    assert_eq!(said[0].outcome, Finding, "{said:#?}");
    let last = said.last().unwrap();
    assert_eq!(last.outcome, Unknown, "{said:#?}");
    let why = "it has sent all that it sends for tests in a minute";
    assert!(last.summary.contains(why), "{last:#?}\n{}", east.log());
    // Its own tests aren't the peer's.
    let own = check(&east.client().probe("t3", None).unwrap(), "esp-mtu-out");
    assert_eq!(own.outcome, Finding, "{own:#?}");
}
