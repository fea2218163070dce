//! `adit probe`: what stands in a tunnel's way on this host, on the path and behind the peer, found by tests that hurt
//! nothing; and the verdicts that rest on them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod world;

use std::time::{Duration, Instant};

use adit_diagnose::{Answer, diagnose};
use adit_gateway::client::Client;
use adit_kernel::netlink::Route;
use adit_kernel::{Netlink, sysctl};
use adit_model::probed::Outcome;
use joined::{KEY, cause, filter, findings, only, up};
use world::{At, World, permitted};

#[test]
fn a_healthy_tunnel_has_no_finding_and_its_host_is_only_read() {
    if !permitted("tests of a tunnel's surroundings") {
        return;
    }
    let (world, mut west, mut east) = up("probed");
    for client in [&mut west.client(), &mut east.client()] {
        let probed = client.probe("office", None).unwrap();
        assert!(findings(&probed).is_empty(), "{probed:#?}");
        assert!(probed.up);
        let ids: Vec<&str> = probed.checks.iter().map(|c| c.id.as_str()).collect();
        for id in [
            "port-500",
            "route-to-peer",
            "routes-inside",
            "forwarding",
            "filters",
        ] {
            assert!(ids.contains(&id), "{id}: {probed:#?}");
        }
        let verdict = diagnose(&client.cases(Some("office"), true).unwrap()[0]);
        assert_eq!(verdict.verdict, Answer::Healthy, "{verdict:#?}");
    }
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
}

#[test]
fn a_filter_is_named_with_rule_and_handle_and_the_verdict_rests_on_it() {
    if !permitted("tests of a tunnel's surroundings") {
        return;
    }
    let rules = [
        (
            "filter-outside",
            "esp-blocked",
            "chain c { type filter hook input priority 0; meta l4proto esp counter drop; }",
        ),
        (
            "filter-inside",
            "decrypted-traffic-blocked",
            "chain c { type filter hook forward priority 0; iifname \"adit0\" drop; }",
        ),
        (
            "filter-inside",
            "decrypted-traffic-blocked",
            "chain c { type filter hook forward priority 0; policy drop; ct state established accept; }",
        ),
        (
            "translation",
            "snat-before-ipsec",
            "chain c { type nat hook postrouting priority 100; ip saddr 10.1.0.0/24 snat to 192.0.2.1; }",
        ),
    ];
    for (id, wanted, chain) in rules {
        let (world, mut west, _east) = up("filtered");
        assert!(world.reaches(&world.west_lan, "10.2.0.2"));
        let table = format!("table ip guard {{\n{chain}\n}}");
        if !filter(&world.west, &table) {
            return;
        }
        assert!(!world.reaches(&world.west_lan, "10.2.0.2"), "{chain}");
        let mut client = west.client();
        let probed = client.probe("office", None).unwrap();
        let check = only(&probed, id);
        assert!(
            check.summary.contains("table ip guard, chain c"),
            "{check:#?}"
        );
        assert!(check.fix.is_some());
        assert_eq!(cause(&mut client).as_deref(), Some(wanted), "{chain}");
    }
}

#[test]
fn what_lets_a_tunnel_pass_one_way_only_on_purpose_is_no_finding() {
    if !permitted("tests of a tunnel's surroundings") {
        return;
    }
    let (world, mut west, _east) = up("meant");
    let rules = "table inet guard {
        chain inward { type filter hook input priority 0; policy drop;
          iifname \"lo\" accept
          ct state established,related accept
          udp dport { 500, 4500 } accept
          meta l4proto { esp, icmp, ipv6-icmp } accept
        }
        chain through { type filter hook forward priority 0; policy drop;
          ct state established,related accept
          iifname \"lan\" oifname \"adit0\" accept
        }
        chain post { type nat hook postrouting priority 100;
          oifname \"wan\" masquerade
        }
      }";
    if !filter(&world.west, rules) {
        return;
    }
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
    let mut client = west.client();
    let probed = client.probe("office", None).unwrap();
    assert!(findings(&probed).is_empty(), "{probed:#?}");
    assert!(
        probed.checks.iter().any(|c| c.id == "filter-inside"
            && c.outcome == Outcome::Note
            && c.summary.contains("policy drop")),
        "{probed:#?}"
    );
    let verdict = diagnose(&client.cases(Some("office"), true).unwrap()[0]);
    assert_eq!(verdict.verdict, Answer::Healthy, "{verdict:#?}");
}

#[test]
fn a_host_that_does_not_forward_is_found() {
    if !permitted("tests of a tunnel's surroundings") {
        return;
    }
    let (world, mut west, _east) = up("standing");
    world
        .west
        .run(|| sysctl::write("net.ipv4.ip_forward", "0").unwrap())
        .unwrap();
    let mut client = west.client();
    let check = only(&client.probe("office", None).unwrap(), "forwarding");
    assert!(
        check.summary.contains("net.ipv4.ip_forward is 0"),
        "{check:?}"
    );
    assert_eq!(cause(&mut client).as_deref(), Some("ip-forward-disabled"));
}

#[test]
fn a_route_that_goes_round_the_tunnel_is_found() {
    if !permitted("tests of a tunnel's surroundings") {
        return;
    }
    // Of the whole network, and of a part of it.
    for (to, fact) in [("10.2.0.0/25", "10.2.0.1"), ("10.2.0.64/26", "10.2.0.65")] {
        let (world, mut west, _east) = up("round");
        world
            .west
            .run(|| {
                let mut netlink = Netlink::open().unwrap();
                let mut route = Route::to_gateway(to.parse().unwrap(), [192, 0, 2, 2].into());
                route.protocol = 4;
                assert!(netlink.add_route(&route).unwrap());
            })
            .unwrap();
        let mut client = west.client();
        let check = only(&client.probe("office", None).unwrap(), "routes-inside");
        assert!(
            check.summary.contains("wan, next hop 192.0.2.2"),
            "{check:?}"
        );
        assert_eq!(check.values["to"], fact);
        assert_eq!(
            cause(&mut client).as_deref(),
            Some("route-to-remote-subnet-missing")
        );
    }
}

#[test]
fn a_tunnel_that_is_down_because_of_a_filter_has_the_rule_in_its_verdict() {
    if !permitted("tests of a tunnel's surroundings") {
        return;
    }
    for (hook, port) in [("input", "sport"), ("output", "dport")] {
        let world = World::new("shut");
        world.configure(At::West, KEY);
        world.configure(At::East, KEY);
        let table = format!(
            "table inet guard {{\nchain c {{ type filter hook {hook} priority 0; udp {port} 500 drop; }}\n}}"
        );
        if !filter(&world.west, &table) {
            return;
        }
        let mut east = world.start(At::East);
        east.client();
        let mut west = world.start(At::West);
        let mut client = west.client();
        let probed = client.probe("office", None).unwrap();
        let check = findings(&probed)[0];
        assert_eq!(check.id, "filter-outside");
        assert!(
            check.summary.contains(&format!("udp {port} 500 drop")),
            "{check:?}"
        );
        let started = Instant::now();
        let mut last = None;
        while started.elapsed() < Duration::from_secs(15) {
            let case = client.cases(Some("office"), true).unwrap().pop().unwrap();
            let verdict = diagnose(&case);
            last = verdict.findings.first().map(|f| f.cause.clone());
            if last.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!(
            last.as_deref(),
            Some("udp500-blocked"),
            "{hook}: {}",
            west.log()
        );
    }
}

/// A router whose link takes less than it says, as filters of ICMP make it.
#[test]
fn packets_that_vanish_for_their_size_are_found_through_the_tunnel() {
    if !permitted("tests of a tunnel's surroundings") {
        return;
    }
    let (world, mut west, _east) = up("vanish");
    let rules = "table inet guard {
        chain c { type filter hook input priority 0;
          meta l4proto esp meta length > 1300 drop
        }
      }";
    if !filter(&world.east, rules) {
        return;
    }
    let mut client = west.client();
    let probed = client.probe("office", None).unwrap();
    // Both sides count the same on the outside.
    let found: Vec<&str> = findings(&probed).iter().map(|c| c.id.as_str()).collect();
    assert_eq!(found, ["esp-mtu-out", "inside-mtu"], "{probed:#?}");
    let check = findings(&probed)[1];
    let octets: u32 = check.values["octets"].parse().unwrap();
    assert!((1230..=1262).contains(&octets), "{check:#?}");
    assert!(check.sent.packets <= 17, "{check:#?}");
    assert_eq!(cause(&mut client).as_deref(), Some("pmtu-blackhole"));
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
}

#[test]
fn a_host_that_was_named_and_does_not_answer_is_a_finding_and_guessed_ones_are_not() {
    if !permitted("tests of a tunnel's surroundings") {
        return;
    }
    let (_world, mut west, _east) = up("named");
    let mut client = west.client();
    let inside = |to: &str, client: &mut Client| {
        let probed = client.probe("office", to.parse().ok()).unwrap();
        let mut checks = probed.checks.into_iter();
        checks.find(|c| c.id == "inside-ping").unwrap()
    };
    assert_eq!(inside("10.2.0.2", &mut client).outcome, Outcome::Well);
    assert_eq!(inside("10.2.0.77", &mut client).outcome, Outcome::Finding);
    assert_eq!(inside("", &mut client).outcome, Outcome::Well);
}
