//! What the path between two gateways lets through, as both sides count it: protocol 50, ESP in UDP, the longest packet in each
//! direction; told from look-alikes, and doing no harm.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod narrow;
mod world;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use adit_diagnose::{Answer, diagnose};
use adit_gateway::client::Client;
use adit_kernel::{NetNs, Netlink};
use adit_model::drops::DropReason;
use adit_model::probed::{Check, Outcome, Probed};
use adit_model::status::TunnelState;
use narrow::narrow;
use world::{At, Running, World, eventually, permitted};

const KEY: &str = "correct horse battery staple\n";
/// What one side sends at most for this.
const MOST_PACKETS: u64 = 48;

/// Both gateways up, with this in both tunnels' configuration.
fn up_with(world: &World, tunnel: &str) -> (Running, Running) {
    for at in [At::West, At::East] {
        // New keys on trial would be new SPIs.
        let set = format!("test_rekey = \"off\"\n{tunnel}\nstart =");
        world.configure_with(at, KEY, |text| text.replace("start =", &set));
    }
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    (west, east)
}

/// Loads rules; `false` where this machine has no `nft`.
fn filter(at: &NetNs, rules: &str) -> bool {
    let mut command = Command::new("nft");
    command.args(["-f", "-"]).stdin(Stdio::piped());
    at.start_inside(&mut command).unwrap();
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: rules of nft: there is no nft");
        return false;
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(rules.as_bytes()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success(), "{rules}");
    true
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

fn check(probed: &Probed, id: &str) -> Check {
    let mut checks = probed.checks.iter();
    let found = checks.find(|check| check.id == id);
    found
        .unwrap_or_else(|| panic!("no {id}: {probed:#?}"))
        .clone()
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

fn spis(running: &mut Running) -> Vec<String> {
    let status = running.client().status(None).unwrap();
    let children = status.tunnels.iter().flat_map(|t| &t.children);
    children
        .flat_map(|child| [child.spi_in.clone(), child.spi_out.clone()])
        .flatten()
        .collect()
}

fn dropped(running: &mut Running, reason: DropReason) -> u64 {
    let drops = running.client().drops().unwrap();
    let found = drops.iter().find(|drop| drop.reason == reason);
    found.map_or(0, |drop| drop.packets)
}

/// What `adit why` finds, once what was tested is fresh.
fn cause(client: &mut Client) -> Option<String> {
    let mut told = String::new();
    let found = eventually(Duration::from_secs(9), || {
        let case = client.cases(Some("office"), true).unwrap().pop().unwrap();
        let verdict = diagnose(&case);
        told = format!("{verdict:#?}");
        verdict.findings.first().map(|f| f.cause.clone())
    });
    if found.is_none() {
        eprintln!("no finding: {told}");
    }
    found
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
        let long = "meta l4proto { esp, udp } meta length > 1300 drop";
        if !drops(&router, &[from], long) {
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
    for at in [At::West, At::East] {
        world.configure_with(at, KEY, |text| {
            format!("[gateway]\nanswer_trace = false\n{text}")
        });
    }
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
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
    for at in [At::West, At::East] {
        world.configure_with(at, KEY, |text| {
            format!("[gateway]\nanswer_trace = false\n{text}")
        });
    }
    let mut east = world.start(At::East);
    east.client();
    if !drops(
        &router,
        &["west"],
        "meta l4proto esp reject with icmpx type admin-prohibited",
    ) {
        return;
    }
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    let plain = check(&probe(&mut west.client()), "esp-plain");
    assert_eq!(plain.outcome, Finding, "{plain:#?}");
    assert!(plain.fix.unwrap().contains("force_encap"));
}
