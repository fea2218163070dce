//! `adit trace`: a packet on its way through a gateway, step by step, and where it stays and who stops it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod world;

use std::net::IpAddr;
use std::time::Duration;

use adit_gateway::client::Client;
use adit_gateway::protocol::Request;
use adit_kernel::{PingOptions, ping, sysctl, watch};
use adit_model::traced::{HopOutcome, How, Stop, Traced};
use joined::{filter, up, up_with};
use world::{At, World, permitted};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn trace(client: &mut Client, from: &str, to: &str, send: bool, wait: Duration) -> Traced {
    let request = Request::Trace {
        from: ip(from),
        to: ip(to),
        protocol: None,
        port: None,
        send,
        wait_ms: u64::try_from(wait.as_millis()).unwrap(),
    };
    client.trace(&request, wait).unwrap()
}

const SHORT: Duration = Duration::from_millis(1500);

fn stages(traced: &Traced, back: bool) -> Vec<&str> {
    let hops = traced.hops.iter().filter(|hop| hop.back == back);
    hops.map(|hop| hop.stage.as_str()).collect()
}

fn stop(traced: &Traced) -> Stop {
    traced
        .stopped
        .clone()
        .unwrap_or_else(|| panic!("{traced:#?}"))
}

/// The six lines that a person wants to see for one ping, and those of its answer.
#[test]
fn one_echo_from_this_host_is_seen_at_every_step_and_nothing_is_left_behind() {
    if !permitted("packets on their way") {
        return;
    }
    let (world, mut west, _east) = up("walked");
    let mut client = west.client();
    let traced = trace(&mut client, "10.1.0.1", "10.2.0.2", true, SHORT);
    assert_eq!(traced.stopped, None, "{traced:#?}");
    assert_eq!((traced.how, traced.sent.packets), (How::Sent, 1));
    assert_eq!(
        (traced.tunnel.as_deref(), traced.child.as_deref()),
        (Some("office"), Some("lan"))
    );
    assert_eq!(
        stages(&traced, false),
        [
            "output", "route", "filter", "filter", "policy", "sa", "sequence", "seal", "wire-out"
        ]
    );
    assert_eq!(
        stages(&traced, true),
        [
            "wire-in", "sa", "policy", "sequence", "open", "filter", "filter", "input"
        ]
    );
    assert!(
        traced
            .hops
            .iter()
            .all(|hop| hop.outcome == HopOutcome::Passed),
        "{traced:#?}"
    );
    assert!(
        traced.summary.contains("is answered after"),
        "{}",
        traced.summary
    );
    let left = || {
        let counters = adit_kernel::nft::read_counters(watch::TABLE).unwrap();
        assert!(counters.is_empty(), "{counters:?}");
    };
    world.west.run(left).unwrap();
    // The same from the other end's point of view: its packets are the answers.
    let traced = trace(&mut client, "10.2.0.2", "10.1.0.1", true, SHORT);
    assert_eq!(traced.stopped, None, "{traced:#?}");
    assert_eq!(stages(&traced, false).first(), Some(&"wire-in"));
}

#[test]
fn packets_of_a_host_behind_are_waited_for_and_followed_through() {
    if !permitted("packets on their way") {
        return;
    }
    let (world, mut west, _east) = up("watched");
    let mut client = west.client();
    let asking = std::thread::scope(|scope| {
        let traced = scope.spawn(|| {
            trace(
                &mut client,
                "10.1.0.2",
                "10.2.0.2",
                true,
                Duration::from_secs(8),
            )
        });
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(200));
            if traced.is_finished() {
                break;
            }
            let options = PingOptions {
                timeout: Duration::from_millis(300),
                ..PingOptions::default()
            };
            world
                .west_lan
                .run(|| ping(ip("10.2.0.2"), &options).unwrap())
                .unwrap();
        }
        traced.join().unwrap()
    });
    assert_eq!(asking.stopped, None, "{asking:#?}");
    assert_eq!((asking.how, asking.sent.packets), (How::Watched, 0));
    assert_eq!(stages(&asking, false).first(), Some(&"interface-in"));
    assert!(asking.hops[0].text.contains("by lan"), "{asking:#?}");
    assert_eq!(stages(&asking, true).last(), Some(&"interface-out"));
    // And if none comes, that is what is told.
    let traced = trace(&mut client, "10.1.0.77", "10.2.0.2", true, SHORT);
    let stop = stop(&traced);
    assert_eq!(
        (stop.stage.as_str(), stop.by.as_str()),
        ("interface-in", "beyond")
    );
}

/// There is one table of counters: a second trace would take it from the first.
#[test]
fn a_second_trace_is_refused_while_one_goes_on() {
    if !permitted("packets on their way") {
        return;
    }
    let (world, mut west, _east) = up("twice");
    let (mut first, mut second) = (west.client(), west.client());
    let long = Duration::from_secs(4);
    let traced = std::thread::scope(|scope| {
        let traced = scope.spawn(|| trace(&mut first, "10.1.0.77", "10.2.0.2", true, long));
        let counts = || adit_kernel::nft::read_counters(watch::TABLE).unwrap();
        while world.west.run(counts).unwrap().is_empty() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let request = Request::Trace {
            from: ip("10.1.0.1"),
            to: ip("10.2.0.2"),
            protocol: None,
            port: None,
            send: true,
            wait_ms: 100,
        };
        let refused = second.trace(&request, SHORT).unwrap_err();
        assert!(refused.to_string().contains("somebody else"), "{refused}");
        traced.join().unwrap()
    });
    assert_eq!((traced.how, traced.problem), (How::Watched, None));
    let traced = trace(&mut second, "10.1.0.1", "10.2.0.2", true, SHORT);
    assert_eq!((traced.stopped, traced.open), (None, false));
}

#[test]
fn who_stops_a_packet_is_named() {
    if !permitted("packets on their way") {
        return;
    }
    // Where, a rule of nft, at which step, who, what is said, and whether on the way back.
    let cases = [
        (
            At::West,
            "output",
            "ip daddr 10.2.0.0/24 drop",
            ("filter", "filter", "chain c, handle", false),
        ),
        (
            At::West,
            "input",
            "ip saddr 10.2.0.0/24 icmp type echo-reply drop",
            ("filter", "filter", "icmp type 0 drop", true),
        ),
        (
            At::West,
            "input",
            "meta l4proto esp drop",
            ("wire-in", "filter", "meta l4proto esp drop", true),
        ),
        (
            At::East,
            "forward",
            "drop",
            (
                "wire-in",
                "far-side",
                "at the peer: this host's filter drops",
                true,
            ),
        ),
    ];
    for (at, hook, rule, (stage, by, said, back)) in cases {
        let (world, mut west, _east) = up("named");
        let table = format!(
            "table ip guard {{\nchain c {{ type filter hook {hook} priority 0; {rule}; }}\n}}"
        );
        if !filter(world.ns(at), &table) {
            return;
        }
        let traced = trace(&mut west.client(), "10.1.0.1", "10.2.0.2", true, SHORT);
        let stop = stop(&traced);
        assert_eq!(
            (stop.stage.as_str(), stop.by.as_str()),
            (stage, by),
            "{rule}: {traced:#?}"
        );
        assert!(stop.reason.contains(said), "{rule}: {stop:#?}");
        assert_eq!(stop.back, back, "{rule}");
        assert!(stop.fix.is_some(), "{rule}");
        let last = traced.hops.last().unwrap();
        assert_eq!((last.outcome, last.back), (HopOutcome::Stopped, back));
    }
}

#[test]
fn the_gateways_own_reasons_are_told() {
    if !permitted("packets on their way") {
        return;
    }
    let (world, mut west, _east) = up("reasons");
    let mut client = west.client();
    // What no tunnel takes.
    let traced = trace(&mut client, "10.9.0.1", "10.2.0.2", true, SHORT);
    let wide = stop(&traced);
    assert_eq!(
        (wide.stage.as_str(), wide.by.as_str()),
        ("policy", "gateway")
    );
    assert!(
        wide.reason.contains("office/lan is for 10.1.0.0/24"),
        "{wide:?}"
    );
    // What isn't forwarded, from tables alone.
    let off = || sysctl::write("net.ipv4.ip_forward", "0").unwrap();
    world.west.run(off).unwrap();
    let traced = trace(&mut client, "10.1.0.2", "10.2.0.2", false, Duration::ZERO);
    assert_eq!((traced.how, traced.sent.packets), (How::Predicted, 0));
    let standing = stop(&traced);
    assert_eq!(
        (standing.stage.as_str(), standing.by.as_str()),
        ("route", "routing")
    );
    assert!(
        standing.reason.contains("net.ipv4.ip_forward is 0"),
        "{standing:?}"
    );
    // Without a tunnel there is no SA: the data plane names the drop.
    client
        .down("office", Duration::from_secs(5), |_| {})
        .unwrap();
    let traced = trace(&mut client, "10.1.0.1", "10.2.0.2", true, SHORT);
    let none = stop(&traced);
    assert_eq!(none.by, "gateway", "{traced:#?}");
    assert!(none.reason.contains("out-no-sa"), "{none:?}");
}

/// Both gateways are of one kind: the way goes on at the other end, and the SAs of both are set beside each other.
#[test]
fn the_far_side_tells_what_it_has_and_what_is_in_the_way_there() {
    if !permitted("packets on their way") {
        return;
    }
    let (world, mut west, _east) = up("far");
    let mut client = west.client();
    let traced = trace(&mut client, "10.1.0.1", "10.2.0.2", true, SHORT);
    let far = traced.far.clone().unwrap_or_else(|| panic!("{traced:#?}"));
    assert!(far.within && far.child == "lan", "{far:#?}");
    let ways: Vec<_> = far
        .sas
        .iter()
        .map(|sa| (sa.outbound, sa.sent, sa.opened, sa.lost))
        .collect();
    assert_eq!(ways, [(true, 1, 1, 0), (false, 1, 1, 0)], "{far:#?}");
    assert!(far.findings.is_empty() && far.sas.iter().all(|sa| sa.problem.is_none()));
    // What stops there is told there: what was "beyond" has a name.
    let off = || sysctl::write("net.ipv4.ip_forward", "0").unwrap();
    world.east.run(off).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    let traced = trace(&mut client, "10.1.0.1", "10.2.0.2", true, SHORT);
    let there = stop(&traced);
    assert_eq!(there.by, "far-side", "{traced:#?}");
    assert!(
        there.reason.contains("at the peer") && there.reason.contains("ip_forward"),
        "{there:#?}"
    );
    assert!(traced.summary.contains("at the peer"), "{}", traced.summary);
    // Sealed here, and opened there: nothing was lost on the way.
    let far = traced.far.unwrap();
    assert!(far.sas.iter().all(|sa| sa.lost == 0), "{far:#?}");
}

#[test]
fn what_is_lost_on_the_way_is_counted_by_both_sides() {
    if !permitted("packets on their way") {
        return;
    }
    let (world, mut west, _east) = up("lost");
    if !filter(
        &world.east,
        "table ip guard {\nchain c { type filter hook prerouting priority -300; meta l4proto esp drop; }\n}",
    ) {
        return;
    }
    let traced = trace(&mut west.client(), "10.1.0.1", "10.2.0.2", true, SHORT);
    let far = traced.far.clone().unwrap_or_else(|| panic!("{traced:#?}"));
    let out = far.sas.iter().find(|sa| sa.outbound).unwrap();
    assert_eq!((out.sent, out.opened, out.lost), (1, 0, 1), "{far:#?}");
    let stop = stop(&traced);
    assert!(
        ["path", "far-side"].contains(&stop.by.as_str()),
        "{stop:#?}"
    );
}

#[test]
fn a_peer_that_may_not_answer_is_only_greeted() {
    if !permitted("packets on their way") {
        return;
    }
    let world = World::new("mute");
    let (mut west, _east) = up_with(&world, |at, text| match at {
        At::West => text,
        At::East => format!("[gateway]\nanswer_trace = false\n{text}"),
    });
    let traced = trace(&mut west.client(), "10.1.0.1", "10.2.0.2", true, SHORT);
    assert_eq!((traced.stopped, traced.far), (None, None));
}
