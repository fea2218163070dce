//! SAs are renewed for ever: by both sides, at once or not, over lines that lose, and nobody's packet is lost by it.

#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods)] // how many seeds is told in the environment

mod common;

use std::time::Duration;

use adit_ike::{ChildSaState, Holdings, IkeSaState};
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

/// A pair as its own side sees it: the child, and the SPIs in and out.
type Pair = (String, u32, u32);

/// Exactly one IKE SA on each side, with one pair of each child, and the same ones on both.
fn is_settled(sites: &Sites) -> bool {
    let world = &sites.world;
    let one = |gateway: NodeId| -> Option<((u64, u64), Vec<Pair>)> {
        let sas = world.ike_sas(gateway);
        let [sa] = sas.as_slice() else { return None };
        let mut planes: Vec<u32> = world.pairs(gateway).iter().map(|p| p.spi_in).collect();
        let up = |child: &&adit_ike::ChildSnapshot| child.state == ChildSaState::Installed;
        let pairs = sa.children.iter().filter(up);
        let mut pairs: Vec<Pair> = pairs
            .map(|c| (c.name.clone(), c.spi_in, c.spi_out))
            .collect();
        let mut spis_in: Vec<u32> = pairs.iter().map(|(_, spi_in, _)| *spi_in).collect();
        spis_in.sort_unstable();
        planes.sort_unstable();
        pairs.sort();
        let mut names: Vec<&String> = pairs.iter().map(|(name, ..)| name).collect();
        names.dedup();
        let whole = sa.state == IkeSaState::Established
            && pairs.len() == sa.children.len()
            && names.len() == pairs.len()
            && !pairs.is_empty()
            && planes == spis_in;
        whole.then_some((sa.spis, pairs))
    };
    let (Some(west), Some(east)) = (one(sites.west), one(sites.east)) else {
        return false;
    };
    let mirrored: Vec<Pair> = east
        .1
        .into_iter()
        .map(|(name, i, o)| (name, o, i))
        .collect();
    west == (east.0, mirrored)
}

fn last_of(sites: &Sites) -> String {
    let text = story(&sites.world, &[sites.west, sites.east]);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(150)..].join("\n")
}

/// After weather of any kind both sides agree on one IKE SA and one pair, and nothing died on the way.
fn assert_settles(sites: &mut Sites, seed: u64) {
    let wires = sites.wires.clone();
    for wire in wires {
        sites.world.set_link(wire, LinkSettings::default());
    }
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
        last_of(sites)
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
        assert!(died.is_empty(), "seed {seed} {died:?}\n{}", last_of(sites));
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

/// Both sides rekey two children and the IKE SA; every other tunnel is authenticated anew besides, and of three two have
/// a gateway that moves.
fn through_the_storm(seed: u64) -> usize {
    let mut setting = restless(LinkSettings::default(), secs(23), secs(9));
    with_voice(&mut setting);
    // One request after the other, or several at a time, or so in one direction.
    let windows = [(1, 1), (4, 4), (1, 4), (8, 2)];
    (setting.west.window, setting.east.window) = windows[usize::try_from(seed / 2 % 4).unwrap()];
    for c in [&mut setting.west, &mut setting.east] {
        // No exchange is given up by chance, in however many storms.
        c.retransmit.tries = 35;
        c.mobike = true;
        c.dpd_delay = secs(5);
    }
    if seed % 2 == 1 {
        setting.west.life.reauth = secs(31);
    }
    let mover = [None, Some(Mover::West), Some(Mover::East)][usize::try_from(seed % 3).unwrap()];
    if mover.is_some() {
        setting.nat = None;
    }
    weather(setting, seed, 10, mover)
}

/// Who moves.
#[derive(Clone, Copy, Debug)]
enum Mover {
    West,
    East,
}

/// A second child, so that there is more than one thing to do at a time.
fn with_voice(setting: &mut Setting) {
    let (here, there) = ("10.1.9.0/24", "10.2.9.0/24");
    for (c, local, remote) in [
        (&mut setting.west, here, there),
        (&mut setting.east, there, here),
    ] {
        let mut voice = c.children[0].clone();
        voice.name = "voice".to_owned();
        voice.local_ts = vec![local.parse().unwrap()];
        voice.remote_ts = vec![remote.parse().unwrap()];
        c.children.push(voice);
    }
}

/// The same with several key exchanges each time, in messages of several fragments, which take their time.
fn through_the_storm_with_ml_kem(seed: u64) -> usize {
    let mut setting = restless(LinkSettings::default(), secs(61), secs(29));
    for end in [&mut setting.west, &mut setting.east] {
        end.ike = ike("aes128gcm16-prfsha256-x25519-ke1_mlkem1024-ke2_mlkem512");
        end.children[0].esp = esp("aes128gcm16-x25519-ke1_mlkem1024");
    }
    weather(setting, seed, 4, None)
}

/// Lets a tunnel live through it; how often both sides renewed at once. At `least` so often it was renewed. Afterwards
/// renewal goes on and costs no packet, and when the tunnel is taken down nothing is left on either side.
fn weather(setting: Setting, seed: u64, least: usize, mover: Option<Mover>) -> usize {
    let mut sites = setting.build(seed);
    sites.start();
    sites.world.initiate(sites.west, TUNNEL).unwrap();
    assert!(sites.run_until_up(TUNNEL, secs(60)), "seed {seed}");
    let wires = sites.wires.clone();
    for wire in wires {
        sites.world.set_link(wire, storm());
    }
    for part in 0..5_u64 {
        // Every now and then before the last move is told.
        sites.world.run_for(ms(25_000 + seed * 977 % 5_000));
        match mover {
            Some(Mover::West) => {
                let address = [WEST_NEW, WEST_NEWER, NAT][usize::try_from(part % 3).unwrap()];
                move_to(&mut sites, Mover::West, address);
            }
            Some(Mover::East) => {
                let address = [EAST_NEW, EAST][usize::try_from(part % 2).unwrap()];
                move_to(&mut sites, Mover::East, address);
            }
            None => {}
        }
    }
    assert_settles(&mut sites, seed);
    let collided = |h: &Happening| matches!(h, Happening::RekeyCollision { .. });
    let renewed = |world: &World, gateway| {
        count(world, gateway, |h| {
            matches!(
                h,
                Happening::ChildRekeyed { .. } | Happening::IkeRekeyed { .. }
            )
        })
    };
    let before = renewed(&sites.world, sites.west);
    assert!(before >= least, "seed {seed}: {before}");

    // The last move is told and the new path tried.
    sites.world.run_for(secs(3));
    let (from, to) = (sites.west_host, sites.east_host);
    let there = sites.world.bulk(from, ip(EAST_HOST), 300, ms(100), 64);
    let back = sites.world.bulk(to, ip(WEST_HOST), 300, ms(100), 64);
    sites.world.run_for(secs(32));
    for bulk in [there, back] {
        let report = sites.world.bulk_report(bulk);
        let told = last_of(&sites);
        let drops = [sites.west, sites.east].map(|g| sites.world.drops(g));
        assert_eq!(
            (report.sent, report.received),
            (300, 300),
            "seed {seed} {drops:?}\n{told}"
        );
    }
    let after = renewed(&sites.world, sites.west);
    assert!(after > before || least < 10, "seed {seed}: renewal goes on");

    assert_leaves_nothing(&mut sites, seed);
    count(&sites.world, sites.west, collided)
}

/// The tunnel is taken down.
fn assert_leaves_nothing(sites: &mut Sites, seed: u64) {
    sites.world.terminate(sites.west, TUNNEL).unwrap();
    // What is remembered for a peer that missed the last answer is forgotten too.
    sites.world.run_for(secs(120));
    for gateway in [sites.west, sites.east] {
        let held = sites.world.holdings(gateway);
        assert_eq!(held, Holdings::default(), "seed {seed}\n{}", last_of(sites));
        assert!(sites.world.pairs(gateway).is_empty(), "seed {seed}");
    }
}

const WEST_NEW: &str = "198.51.100.1";
const WEST_NEWER: &str = "198.51.100.2";
const EAST_NEW: &str = "198.51.100.9";

/// A gateway gets another address, and the internet knows the way there.
fn move_to(sites: &mut Sites, who: Mover, address: &str) {
    let (gateway, wire) = match who {
        Mover::West => (sites.west, sites.wires[0]),
        Mover::East => (sites.east, *sites.wires.last().unwrap()),
    };
    let internet = sites.internet;
    sites.world.route(internet, ip(address).into(), wire);
    sites.world.readdress(gateway, wire, &[ip(address)]);
}

#[test]
fn renewal_with_several_key_exchanges_survives_the_storm() {
    let collisions: usize = (1000..1060).map(through_the_storm_with_ml_kem).sum();
    assert!(collisions > 5, "both sides at once: {collisions}");
}

#[test]
fn renewal_survives_the_storm() {
    let collisions: usize = (0..120).map(through_the_storm).sum();
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

/// Rekeys of children every hour, of the IKE SA every four; nothing piles up.
#[test]
fn a_year_of_hourly_rekeys() {
    let mut setting = restless(LinkSettings::default(), secs(4 * 3600), secs(3600));
    setting.nat = None;
    setting.west.dpd_delay = secs(30 * 60);
    let mut sites = up(setting, 1);
    let gateways = [sites.west, sites.east];
    let mut most = Holdings::default();
    for _ in 0..12 {
        sites.world.run_for(secs(365 * 24 * 3600 / 12));
        for gateway in gateways {
            let held = sites.world.holdings(gateway);
            assert!(sites.world.pairs(gateway).len() <= 2);
            most = Holdings {
                ike_sas: most.ike_sas.max(held.ike_sas),
                child_sas: most.child_sas.max(held.child_sas),
                requests: most.requests.max(held.requests),
                answers: most.answers.max(held.answers),
                ike_spis: most.ike_spis.max(held.ike_spis),
                esp_spis: most.esp_spis.max(held.esp_spis),
                pairs: most.pairs.max(held.pairs),
                timers: most.timers.max(held.timers),
                references: most.references.max(held.references),
            };
        }
    }
    // One that is up and one that is on its way out, at most.
    let bound = Holdings {
        ike_sas: 2,
        child_sas: 2,
        requests: 2,
        answers: 2,
        ike_spis: 3,
        esp_spis: 3,
        pairs: 2,
        timers: 2,
        references: 0,
    };
    let within = [
        most.ike_sas <= bound.ike_sas,
        most.child_sas <= bound.child_sas,
        most.requests <= bound.requests,
        most.answers <= bound.answers,
        most.ike_spis <= bound.ike_spis,
        most.esp_spis <= bound.esp_spis,
        most.pairs <= bound.pairs,
        most.timers <= bound.timers,
        most.references <= bound.references,
    ];
    assert!(!within.contains(&false), "{most:?}, at most {bound:?}");
    assert_settles(&mut sites, 1);
    let renewed = |h: &Happening| matches!(h, Happening::ChildRekeyed { .. });
    let times = count(&sites.world, sites.west, renewed);
    assert!(times >= 24 * 365, "{times}");
    let renewed = |h: &Happening| matches!(h, Happening::IkeRekeyed { .. });
    let times = count(&sites.world, sites.west, renewed);
    assert!(times >= 6 * 365, "{times}");
    assert_leaves_nothing(&mut sites, 1);
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
