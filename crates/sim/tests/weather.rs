//! The world itself: time, links, NAT boxes, filters and hosts, without a gateway.

#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::time::Duration;

use adit_model::event::PathProblem;
use adit_sim::{Block, LinkSettings, Manner, NatSettings, NodeId, Seen, World, pcap};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.1.2";
const A6: &str = "fd00:1::2";
const B: &str = "10.0.2.2";
const B6: &str = "fd00:2::2";
const PUBLIC: &str = "203.0.113.1";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

struct Line {
    world: World,
    a: NodeId,
    b: NodeId,
    router: NodeId,
    links: [adit_sim::LinkId; 2],
}

/// Host a — router — host b; with `nat`, the router translates a's IPv4 address.
fn line(seed: u64, settings: LinkSettings, nat: bool) -> Line {
    let mut world = World::new(seed);
    let (a, b) = (world.add_host("a"), world.add_host("b"));
    let router = world.add_router("router");
    let left = world.link(
        settings,
        (a, &[ip(A), ip(A6)]),
        (router, &[ip("10.0.1.1"), ip("fd00:1::1")]),
    );
    let right = world.link(
        settings,
        (router, &[ip(PUBLIC), ip("fd00:2::1")]),
        (b, &[ip(B), ip(B6)]),
    );
    for net in ["0.0.0.0/0", "::/0"] {
        world.route(a, net.parse().unwrap(), left);
        world.route(b, net.parse().unwrap(), right);
    }
    for (host, link) in [(A, left), (A6, left), (B, right), (B6, right)] {
        world.route(router, ip(host).into(), link);
    }
    if nat {
        world.set_nat(router, left, ip(PUBLIC), NatSettings::default());
    }
    world.tap(right);
    Line {
        world,
        a,
        b,
        router,
        links: [left, right],
    }
}

#[test]
fn pings_take_as_long_as_the_links() {
    for to in [B, B6] {
        let mut line = line(
            1,
            LinkSettings {
                delay: 10 * MS,
                ..LinkSettings::default()
            },
            false,
        );
        let ping = line.world.ping(line.a, ip(to), 5, 100 * MS, 56);
        line.world.run_for(Duration::from_secs(2));
        let report = line.world.ping_report(ping);
        assert_eq!(report.times, [40 * MS; 5]);
        assert_eq!((report.sent, report.received), (5, 5));
    }
}

#[test]
fn time_jumps_over_silence_and_both_clocks_agree() {
    let mut line = line(1, LinkSettings::default(), false);
    let before = line.world.now();
    for _ in 0..1000 {
        line.world.run_for(Duration::from_nanos(3_600_123_456_789));
    }
    let after = line.world.now();
    let mono = after.mono.since(before.mono).as_millis();
    assert_eq!(mono, 3_600_123_456);
    assert!(u128::from(after.wall.0 - before.wall.0).abs_diff(mono) <= 1);
}

#[test]
fn a_bad_line_loses_doubles_and_reorders_the_same_way_for_the_same_seed() {
    let run = |seed| {
        let mut line = line(seed, LinkSettings::bad(), false);
        let bulk = line.world.bulk(line.a, ip(B), 200, MS, 400);
        let ping = line.world.ping(line.a, ip(B), 100, MS, 8);
        line.world.run_for(Duration::from_secs(2));
        (
            line.world.bulk_report(bulk),
            line.world.ping_report(ping),
            pcap(line.world.observed()),
        )
    };
    let (bulk, ping, capture) = run(7);
    assert_eq!(bulk.sent, 200);
    assert!((100..190).contains(&bulk.received), "{bulk:?}");
    assert_eq!(
        (bulk.damaged, bulk.octets),
        (0, u64::from(bulk.received) * 400)
    );
    assert!(ping.times.windows(2).any(|pair| pair[0] > pair[1]));
    assert_eq!(run(7), (bulk, ping, capture.clone()), "the same seed");
    assert_ne!(run(8).2, capture, "another seed");
}

#[test]
fn big_datagrams_cross_small_links_in_pieces() {
    for to in [B, B6] {
        let mut line = line(
            1,
            LinkSettings {
                mtu: 1300,
                ..LinkSettings::default()
            },
            false,
        );
        let bulk = line.world.bulk(line.a, ip(to), 3, MS, 5000);
        line.world.run_for(Duration::from_secs(1));
        let report = line.world.bulk_report(bulk);
        assert_eq!((report.received, report.octets), (3, 15_000));
        assert!(
            line.world
                .observed()
                .iter()
                .any(|p| p.seen(&[]) == Seen::Fragment)
        );
        line.world
            .block(line.router, Block::Fragments, Manner::Silent);
        let bulk = line.world.bulk(line.a, ip(to), 3, MS, 5000);
        line.world.run_for(Duration::from_secs(1));
        assert_eq!(line.world.bulk_report(bulk).received, 0);
    }
}

#[test]
fn a_link_that_is_too_small_for_what_must_stay_whole_is_told_of() {
    let mut line = line(1, LinkSettings::default(), false);
    let small = LinkSettings {
        mtu: 1280,
        ..LinkSettings::default()
    };
    line.world.set_link(line.links[1], small);
    let ping = line.world.ping(line.a, ip(B), 1, MS, 1400);
    line.world.run_for(Duration::from_secs(1));
    let report = line.world.ping_report(ping);
    assert_eq!(report.problems, [PathProblem::FragmentationNeeded(1280)]);
}

#[test]
fn a_nat_box_hides_the_inside_and_lets_answers_back() {
    let mut line = line(1, LinkSettings::default(), true);
    let ping = line.world.ping(line.a, ip(B), 3, MS, 56);
    let unasked = line.world.ping(line.b, ip(A), 3, MS, 56);
    line.world.run_for(Duration::from_secs(1));
    assert_eq!(line.world.ping_report(ping).received, 3);
    assert_eq!(line.world.ping_report(unasked).received, 0);
    let inside = ["10.0.1.0/24".parse().unwrap()];
    let from_a = line
        .world
        .observed()
        .iter()
        .filter(|p| p.sender == line.router);
    assert!(from_a.clone().count() > 0);
    for packet in from_a {
        assert_ne!(packet.seen(&inside), Seen::Clear);
    }
}

#[test]
fn a_router_tells_when_the_last_host_is_off_also_through_a_nat_box() {
    for (to, nat) in [(B, false), (B6, false), (B, true)] {
        let mut line = line(1, LinkSettings::default(), nat);
        line.world.set_power(line.b, false);
        let ping = line.world.ping(line.a, ip(to), 1, MS, 56);
        line.world.run_for(Duration::from_secs(3));
        let report = line.world.ping_report(ping);
        assert_eq!(
            report.problems,
            [PathProblem::HostUnreachable],
            "{to}, NAT {nat}"
        );
    }
}

#[test]
fn filters_stop_what_they_are_for_and_may_say_so() {
    let mut line = line(1, LinkSettings::default(), false);
    line.world
        .block(line.router, Block::Udp(5001), Manner::Silent);
    let bulk = line.world.bulk(line.a, ip(B), 3, MS, 100);
    let ping = line.world.ping(line.a, ip(B), 1, MS, 56);
    line.world.run_for(Duration::from_secs(1));
    assert_eq!(line.world.bulk_report(bulk).received, 0);
    assert_eq!(line.world.ping_report(ping).received, 1);
    assert_eq!(line.world.blocked_by(line.router), 3);
    line.world.unblock(line.router);
    line.world
        .block(line.router, Block::Host(ip(B)), Manner::Reject);
    let ping = line.world.ping(line.a, ip(B), 1, MS, 56);
    line.world.run_for(Duration::from_secs(1));
    assert_eq!(
        line.world.ping_report(ping).problems,
        [PathProblem::AdminProhibited]
    );
}

#[test]
fn captures_can_be_read_elsewhere() {
    let mut line = line(1, LinkSettings::default(), false);
    line.world.ping(line.a, ip(B), 1, MS, 0);
    line.world.run_for(Duration::from_secs(1));
    let file = pcap(line.world.observed());
    assert_eq!(file[..4], 0xa1b2_3c4d_u32.to_le_bytes());
    // File header, then twice a record header and a packet of 28 octets.
    assert_eq!(file.len(), 24 + 2 * (16 + 28));
}
