//! Gateways whose addresses change, and NAT boxes that forget, while traffic runs (RFC 4555).

#![allow(clippy::unwrap_used)]

mod common;

use adit_ike::IkeSaState;
use adit_model::event::Happening;
use adit_sim::{LinkSettings, NatSettings, NodeId, PingReport, Sites};
use common::*;

const WEST_NEW: &str = "198.51.100.1";
const WEST_NEWER: &str = "198.51.100.2";
const EAST_NEW: &str = "198.51.100.9";

/// Both sides can move, and ask for a sign of life after some seconds.
fn mobile(nat: Option<NatSettings>) -> Setting {
    let mut setting = Setting {
        nat,
        ..Setting::default()
    };
    for side in [&mut setting.west, &mut setting.east] {
        side.mobike = true;
        side.dpd_delay = secs(5);
    }
    setting
}

/// Three of ten packets are lost on the way, and they overtake each other.
fn storm() -> LinkSettings {
    LinkSettings {
        delay: ms(15),
        jitter: ms(80),
        loss: 163,
        duplication: 50,
        ..LinkSettings::default()
    }
}

fn set_weather(sites: &mut Sites, settings: LinkSettings) {
    for wire in sites.wires.clone() {
        sites.world.set_link(wire, settings);
    }
}

/// A gateway gets another address, and the internet knows the way there.
fn move_to(sites: &mut Sites, gateway: NodeId, address: &str) {
    let wire = if gateway == sites.west {
        sites.wires[0]
    } else {
        *sites.wires.last().unwrap()
    };
    let internet = sites.internet;
    sites.world.route(internet, ip(address).into(), wire);
    sites.world.readdress(gateway, wire, &[ip(address)]);
}

fn pings(sites: &mut Sites, count: u32) -> PingReport {
    let (from, to) = (sites.west_host, ip(EAST_HOST));
    let ping = sites.world.ping(from, to, count, ms(100), 56);
    sites.world.run_for(ms(100) * count + secs(2));
    sites.world.ping_report(ping)
}

fn count(sites: &Sites, gateway: NodeId, which: impl Fn(&Happening) -> bool) -> usize {
    let happenings = sites.world.happenings(gateway);
    happenings.filter(|h| which(h)).count()
}

/// One IKE SA from first to last, on both sides between these addresses, and the data planes' too.
fn assert_went_on(sites: &Sites, west: &str, east: &str, seed: u64) {
    let told = || story(&sites.world, &[sites.west, sites.east]);
    for (gateway, own, other) in [(sites.west, west, east), (sites.east, east, west)] {
        let sas = sites.world.ike_sas(gateway);
        assert_eq!(sas.len(), 1, "seed {seed}: {sas:#?}\n{}", told());
        assert_eq!(sas[0].state, IkeSaState::Established);
        assert_eq!(sas[0].children.len(), 1, "seed {seed}\n{}", told());
        let found = (sas[0].local.ip(), sas[0].remote.ip());
        assert_eq!(found, (ip(own), ip(other)), "seed {seed}\n{}", told());
        let up = count(sites, gateway, |h| {
            matches!(h, Happening::IkeEstablished { .. })
        });
        assert_eq!(up, 1, "seed {seed}\n{}", told());
    }
}

#[test]
fn either_gateway_moves_while_hosts_talk() {
    for west_moves in [true, false] {
        let mut sites = up(mobile(None), 1);
        let (from, to) = (sites.west_host, ip(EAST_HOST));
        let ping = sites.world.ping(from, to, 100, ms(50), 56);
        sites.world.run_for(secs(2));
        let mover = if west_moves { sites.west } else { sites.east };
        move_to(
            &mut sites,
            mover,
            if west_moves { WEST_NEW } else { EAST_NEW },
        );
        sites.world.run_for(secs(5));
        let report = sites.world.ping_report(ping);
        // What was on its way to the old address is lost, and no more: three round trips at most.
        assert!(report.received >= report.sent - 8, "{report:?}");
        let (west, east) = if west_moves {
            (WEST_NEW, EAST)
        } else {
            (NAT, EAST_NEW)
        };
        assert_went_on(&sites, west, east, 1);
    }
}

#[test]
fn both_move_at_once() {
    let mut sites = up(mobile(None), 2);
    let (west, east) = (sites.west, sites.east);
    // Neither knows where the other one has gone: each keeps its old address for a while beside the new one.
    let internet = sites.internet;
    let (first, last) = (sites.wires[0], *sites.wires.last().unwrap());
    sites.world.route(internet, ip(WEST_NEW).into(), first);
    sites.world.route(internet, ip(EAST_NEW).into(), last);
    sites.world.readdress(east, last, &[ip(EAST), ip(EAST_NEW)]);
    sites.world.readdress(west, first, &[ip(NAT), ip(WEST_NEW)]);
    sites.world.run_for(secs(2));
    sites.world.readdress(west, first, &[ip(WEST_NEW)]);
    sites.world.run_for(secs(2));
    sites.world.readdress(east, last, &[ip(EAST_NEW)]);
    sites.world.run_for(secs(5));
    assert_went_on(&sites, WEST_NEW, EAST_NEW, 2);
    assert_eq!(pings(&mut sites, 20).received, 20);
}

/// The NAT box restarts and gives other ports.
#[test]
fn a_nat_box_restarts_while_hosts_talk() {
    let nat = NatSettings {
        preserve_ports: false,
        ..NatSettings::default()
    };
    let mut sites = up(mobile(Some(nat)), 3);
    sites.world.run_for(secs(10));
    let (from, to) = (sites.west_host, ip(EAST_HOST));
    let ping = sites.world.ping(from, to, 300, ms(100), 56);
    sites.world.run_for(secs(5));
    let box_ = sites.nat.unwrap();
    sites.world.forget_mappings(box_);
    sites.world.run_for(secs(27));
    let report = sites.world.ping_report(ping);
    // Silence is noticed after five seconds; then two round trips.
    assert!(report.received >= report.sent - 60, "{report:?}");
    let closed = count(&sites, sites.west, |h| {
        matches!(h, Happening::IkeClosed { .. })
    });
    assert_eq!(closed, 0);
}

/// Away and back to the address that it had at first.
#[test]
fn a_gateway_moves_away_and_returns() {
    let mut sites = up(mobile(None), 4);
    let west = sites.west;
    for address in [WEST_NEW, NAT] {
        move_to(&mut sites, west, address);
        // The first answer may go to the old address.
        assert!(pings(&mut sites, 10).received >= 9);
        assert_eq!(pings(&mut sites, 10).received, 10);
    }
    assert_went_on(&sites, NAT, EAST, 4);
}

fn through_the_storm(seed: u64) {
    let mut sites = up(mobile(None), seed);
    set_weather(&mut sites, storm());
    let (west, east) = (sites.west, sites.east);
    for address in [WEST_NEW, WEST_NEWER, NAT] {
        move_to(&mut sites, west, address);
        // Sometimes before the last move is told.
        sites.world.run_for(ms(20 + seed * 97 % 4000));
    }
    sites.world.run_for(secs(20));
    move_to(&mut sites, east, EAST_NEW);
    sites.world.run_for(secs(40));
    set_weather(&mut sites, LinkSettings::default());
    sites.world.run_for(secs(30));
    assert_went_on(&sites, NAT, EAST_NEW, seed);
    let report = pings(&mut sites, 10);
    assert_eq!(report.received, 10, "seed {seed}: {report:?}");
}

#[test]
fn moves_arrive_through_any_weather() {
    for seed in 0..60 {
        through_the_storm(seed);
    }
}

/// A NAT box that restarts in bad weather, again and again.
#[test]
fn mappings_change_in_any_weather() {
    for seed in 0..30 {
        let nat = NatSettings {
            preserve_ports: false,
            ..NatSettings::default()
        };
        let mut sites = up(mobile(Some(nat)), seed);
        set_weather(&mut sites, storm());
        let box_ = sites.nat.unwrap();
        for _ in 0..4 {
            sites.world.forget_mappings(box_);
            sites.world.run_for(ms(3000 + seed * 331 % 9000));
        }
        set_weather(&mut sites, LinkSettings::default());
        sites.world.run_for(secs(60));
        let died = count(&sites, sites.west, |h| {
            matches!(h, Happening::IkeClosed { .. })
        });
        assert_eq!(
            died,
            0,
            "seed {seed}\n{}",
            story(&sites.world, &[sites.west, sites.east])
        );
        let report = pings(&mut sites, 10);
        assert_eq!(report.received, 10, "seed {seed}: {report:?}");
    }
}
