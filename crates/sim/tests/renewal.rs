//! SAs are renewed for ever: by both sides, at once or not, over lines that lose, and nobody's packet is lost by it.

#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods)] // how many seeds is told in the environment

mod common;

use std::time::Duration;

use adit_ike::{ChildSaState, IkeSaState};
use adit_model::connection::Connection;
use adit_model::event::Happening;
use adit_model::life::Action;
use adit_sim::{LinkSettings, NodeId, Sites, World};
use common::*;

fn renew(connection: &mut Connection, ike: Duration, child: Duration) {
    connection.life.rekey = ike;
    connection.life.lifetime = 20 * ike;
    for c in &mut connection.children {
        c.life.rekey = child;
        c.life.lifetime = 20 * child;
    }
}

/// Both sides renew, every now and then in the same moment.
fn restless(wire: LinkSettings, ike: Duration, child: Duration) -> Setting {
    let mut setting = Setting {
        wire,
        ..Setting::default()
    };
    renew(&mut setting.west, ike, child);
    renew(&mut setting.east, ike, child);
    setting
}

fn count(world: &World, gateway: NodeId, which: impl Fn(&Happening) -> bool) -> usize {
    world.happenings(gateway).filter(|h| which(h)).count()
}

/// Exactly one IKE SA and one pair on each side, and the same ones on both.
fn is_settled(sites: &Sites) -> bool {
    let world = &sites.world;
    let (west, east) = (world.ike_sas(sites.west), world.ike_sas(sites.east));
    let one = |sas: &[adit_ike::IkeSaSnapshot]| {
        let [sa] = sas else { return None };
        let [child] = sa.children.as_slice() else {
            return None;
        };
        let up = sa.state == IkeSaState::Established && child.state == ChildSaState::Installed;
        up.then_some((sa.spis, child.spi_in, child.spi_out))
    };
    let (Some(w), Some(e)) = (one(&west), one(&east)) else {
        return false;
    };
    let planes = [sites.west, sites.east].map(|g| {
        let pairs = world.pairs(g);
        pairs.iter().map(|p| p.spi_in).collect::<Vec<_>>()
    });
    w.0 == e.0 && (w.1, w.2) == (e.2, e.1) && planes == [vec![w.1], vec![e.1]]
}

/// After weather of any kind both sides agree on one IKE SA and one pair, and nothing died on the way.
fn assert_settles(sites: &mut Sites, seed: u64) {
    let wires = sites.wires.clone();
    for wire in wires {
        sites.world.set_link(wire, LinkSettings::default());
    }
    let story = |sites: &Sites| {
        let text = story(&sites.world, &[sites.west, sites.east]);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(150)..].join("\n")
    };
    let mut settled = false;
    for _ in 0..600 {
        sites.world.run_for(ms(200));
        if is_settled(sites) {
            settled = true;
            break;
        }
    }
    assert!(
        settled,
        "seed {seed}: {:#?}\n{:#?}\n{}",
        sites.world.ike_sas(sites.west),
        sites.world.ike_sas(sites.east),
        story(sites)
    );
    for gateway in [sites.west, sites.east] {
        let died: Vec<String> = sites
            .world
            .events(gateway)
            .iter()
            .filter(|e| match &e.what {
                // Of an IKE_SA_INIT that was repeated on and on, the answers may be left over.
                Happening::IkeClosed { cause, .. } => {
                    cause != "replaced" && cause != "half-open-timeout"
                }
                Happening::Expired { .. } => true,
                _ => false,
            })
            .map(|e| format!("{:.3} {e}", e.at.mono.0 as f64 / 1e9))
            .collect();
        assert!(died.is_empty(), "seed {seed} {died:?}\n{}", story(sites));
    }
}

/// Three of ten packets are lost on the way over three links, and they overtake each other.
fn storm() -> LinkSettings {
    LinkSettings {
        delay: ms(15),
        jitter: ms(80),
        loss: 112,
        duplication: 50,
        ..LinkSettings::default()
    }
}

fn through_the_storm(seed: u64) -> usize {
    let mut setting = restless(LinkSettings::default(), secs(23), secs(9));
    // No exchange is given up by chance, in however many storms.
    for c in [&mut setting.west, &mut setting.east] {
        c.retransmit.tries = 35;
    }
    // One request after the other, or several at a time, or so in one direction.
    (setting.west.window, setting.east.window) =
        [(1, 1), (4, 4), (1, 4), (8, 2)][seed as usize % 4];
    if seed % 2 == 1 {
        setting.west.life.reauth = secs(31);
    }
    weather(setting, seed, 10)
}

/// The same with several key exchanges each time, in messages of several fragments, which take their time.
fn through_the_storm_with_ml_kem(seed: u64) -> usize {
    let mut setting = restless(LinkSettings::default(), secs(61), secs(29));
    for end in [&mut setting.west, &mut setting.east] {
        end.ike = ike("aes128gcm16-prfsha256-x25519-ke1_mlkem1024-ke2_mlkem512");
        end.children[0].esp = esp("aes128gcm16-x25519-ke1_mlkem1024");
    }
    weather(setting, seed, 4)
}

/// Lets a tunnel live through it; how often both sides renewed at once. At `least` so often it was renewed.
fn weather(setting: Setting, seed: u64, least: usize) -> usize {
    let mut sites = setting.build(seed);
    sites.start();
    sites.world.initiate(sites.west, TUNNEL).unwrap();
    assert!(sites.run_until_up(TUNNEL, secs(60)), "seed {seed}");
    let wires = sites.wires.clone();
    for wire in wires {
        sites.world.set_link(wire, storm());
    }
    sites.world.run_for(secs(150));
    assert_settles(&mut sites, seed);
    let collided = |h: &Happening| matches!(h, Happening::RekeyCollision { .. });
    let renewed = |h: &Happening| {
        matches!(
            h,
            Happening::ChildRekeyed { .. } | Happening::IkeRekeyed { .. }
        )
    };
    assert!(
        count(&sites.world, sites.west, renewed) >= least,
        "seed {seed}"
    );
    count(&sites.world, sites.west, collided)
}

#[test]
fn renewal_with_several_key_exchanges_survives_the_storm() {
    let collisions: usize = (1000..1060).map(through_the_storm_with_ml_kem).sum();
    assert!(collisions > 5, "both sides at once: {collisions}");
}

#[test]
fn renewal_survives_the_storm() {
    let collisions: usize = (0..300).map(through_the_storm).sum();
    assert!(collisions > 100, "both sides at once: {collisions}");
}

/// `cargo test -p adit-sim --release --test renewal -- --ignored`; `SEEDS` says how many, 10,000 without it.
#[test]
#[ignore = "takes minutes"]
fn renewal_survives_ten_thousand_storms() {
    let seeds = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok());
    for seed in 1_000..1_000 + seeds.unwrap_or(10_000) {
        through_the_storm(seed);
    }
}

/// Packets flow in both directions all the time, and overtake each other, but the line loses nothing: nor does
/// renewal.
#[test]
fn no_packet_is_lost_to_renewal() {
    for seed in 0..6 {
        let wire = LinkSettings {
            delay: ms(10),
            jitter: ms(if seed % 2 == 0 { 0 } else { 30 }),
            ..LinkSettings::default()
        };
        let mut setting = restless(wire, secs(17), secs(4));
        if seed >= 3 {
            setting.west.life.reauth = secs(7);
        }
        let mut sites = up(setting, seed);
        let there = sites
            .world
            .bulk(sites.west_host, ip(EAST_HOST), 6_000, ms(5), 64);
        let back = sites
            .world
            .bulk(sites.east_host, ip(WEST_HOST), 6_000, ms(5), 64);
        sites.world.run_for(secs(32));
        let renewed = |h: &Happening| matches!(h, Happening::ChildRekeyed { .. });
        let times = count(&sites.world, sites.west, renewed);
        assert!(times >= 4, "seed {seed}: {times}");
        for bulk in [there, back] {
            let report = sites.world.bulk_report(bulk);
            assert_eq!(
                (report.sent, report.received),
                (6_000, 6_000),
                "seed {seed}: {:?} {:?}",
                sites.world.drops(sites.west),
                sites.world.drops(sites.east)
            );
        }
        assert_settles(&mut sites, seed);
    }
}

/// With hourly rekeys; nothing piles up.
fn days(days: u32) {
    let mut setting = restless(LinkSettings::default(), secs(4 * 3600), secs(3600));
    setting.nat = None;
    setting.west.dpd_delay = secs(30 * 60);
    let mut sites = up(setting, 1);
    let mut most = 0;
    for _ in 0..days {
        sites.world.run_for(secs(24 * 3600));
        for gateway in [sites.west, sites.east] {
            let sas = sites.world.ike_sas(gateway);
            most = most.max(sas.len() + sites.world.pairs(gateway).len());
        }
    }
    assert_settles(&mut sites, 1);
    let renewed = |h: &Happening| matches!(h, Happening::ChildRekeyed { .. });
    let times = count(&sites.world, sites.west, renewed);
    assert!(times >= 24 * days as usize, "{times}");
    assert!(most <= 5, "{most} SAs at once");
}

#[test]
fn two_weeks_of_hourly_rekeys() {
    days(14);
}

/// `cargo test -p adit-sim --release --test renewal -- --ignored`
#[test]
#[ignore = "takes up to a minute"]
fn a_year_of_hourly_rekeys() {
    days(365);
}

/// The peer's host loses power: `dpd_action` decides what follows.
#[test]
fn a_dead_peer_comes_back() {
    for (action, back) in [
        (Action::Restart, true),
        (Action::Clear, false),
        (Action::Trap, true),
    ] {
        let mut setting = Setting::default();
        setting.west.dpd_delay = secs(5);
        setting.west.life.dpd_action = Some(action);
        setting.west.retransmit.tries = 3;
        let mut sites = up(setting, 1);
        sites.world.kill(sites.east);
        sites.world.run_for(secs(30));
        assert!(!sites.world.is_up(sites.west, TUNNEL), "{action:?}");
        sites.world.start(sites.east);
        sites
            .world
            .ping(sites.west_host, ip(EAST_HOST), 40, ms(500), 56);
        sites.world.run_for(secs(20));
        assert_eq!(sites.world.is_up(sites.west, TUNNEL), back, "{action:?}");
    }
}

/// The peer's daemon is killed and comes back without its SAs, while we send: it is recovered in seconds, without any
/// liveness checks.
#[test]
fn a_peer_that_lost_its_sas_is_recovered_in_seconds() {
    for nat in [true, false] {
        let mut setting = Setting::default();
        setting.west.life.dpd_action = Some(Action::Restart);
        if !nat {
            setting.nat = None;
        }
        let mut sites = up(setting, 1);
        sites.world.run_for(secs(10));
        sites.world.kill(sites.east);
        sites.world.start(sites.east);
        let pings = sites
            .world
            .ping(sites.west_host, ip(EAST_HOST), 100, ms(200), 56);
        assert!(sites.run_until_up(TUNNEL, secs(10)), "NAT {nat}");
        sites.world.run_for(secs(20));
        let report = sites.world.ping_report(pings);
        assert!(report.received >= 50, "NAT {nat}: {report:?}");
    }
}
