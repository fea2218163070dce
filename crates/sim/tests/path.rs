//! Paths that carry less than the gateways' own links.

#![allow(clippy::unwrap_used)]

mod common;

use adit_model::carriage::{Carriage, Cut, Df};
use adit_model::drops::DropReason;
use adit_model::event::{Happening, PathProblem};
use adit_sim::{LinkSettings, NatSettings, Seen, Sites};
use common::*;

/// Two sites whose outer packets say that routers must not cut them, and a narrow link behind the first router.
fn narrow(carriage: Carriage, nat: Option<NatSettings>) -> Sites {
    let mut setting = Setting {
        nat,
        ..Setting::default()
    };
    setting.west.children[0].carriage = carriage;
    setting.east.children[0].carriage = carriage;
    let mut sites = up(setting, 11);
    let narrow = LinkSettings {
        mtu: 1280,
        ..LinkSettings::default()
    };
    let last = *sites.wires.last().unwrap();
    sites.world.set_link(last, narrow);
    sites
}

const WHOLE: Carriage = Carriage {
    df: Df::Set,
    dscp: adit_model::carriage::Dscp::Copy,
    dscp_in: false,
    ecn: adit_model::carriage::Ecn::Normal,
    fragment: Cut::Inner,
    mss: adit_model::carriage::Mss::Auto,
    tfc: adit_model::carriage::Tfc::Off,
    dummies: std::time::Duration::ZERO,
    hw_offload: adit_model::carriage::HwOffload::Off,
};

/// RFC 4301 8.2: the router tells the gateway, the gateway tells the host, and what fits by that goes through.
#[test]
fn a_host_learns_how_long_its_packets_may_be() {
    for nat in [None, Some(NatSettings::default())] {
        let mut sites = narrow(WHOLE, nat);
        let first = sites
            .world
            .ping(sites.west_host, ip(EAST_HOST), 4, ms(100), 1350);
        sites.world.run_for(secs(2));
        let report = sites.world.ping_report(first);
        assert_eq!(report.received, 0);
        let encapsulated = if sites.nat.is_some() { 8 } else { 0 };
        // Less an outer header, perhaps UDP, SPI and number, IV and ICV, and to a multiple of four, less two.
        let fits = (1280 - 20 - encapsulated - 8 - 8 - 16) / 4 * 4 - 2;
        assert_eq!(
            report.problems,
            vec![PathProblem::FragmentationNeeded(fits); 3],
            "after the first"
        );
        assert_eq!(sites.world.drops(sites.west)[&DropReason::OutTooBig], 3);
        let size = u16::try_from(fits).unwrap() - 28;
        let fitting = sites
            .world
            .ping(sites.west_host, ip(EAST_HOST), 4, ms(100), size.into());
        sites.world.run_for(secs(2));
        assert_eq!(sites.world.ping_report(fitting).received, 4);
        assert_eq!(sites.count(Seen::Fragment), 0);
    }
}

/// Ten minutes later the path is tried again.
#[test]
fn a_path_that_was_narrow_may_be_wide_again() {
    let mut sites = narrow(WHOLE, None);
    let first = sites
        .world
        .ping(sites.west_host, ip(EAST_HOST), 2, ms(100), 1350);
    sites.world.run_for(secs(1));
    assert_eq!(sites.world.ping_report(first).problems.len(), 1);
    let last = *sites.wires.last().unwrap();
    sites.world.set_link(last, LinkSettings::default());
    sites.world.run_for(secs(601));
    let again = sites
        .world
        .ping(sites.west_host, ip(EAST_HOST), 3, ms(100), 1350);
    sites.world.run_for(secs(1));
    assert_eq!(sites.world.ping_report(again).received, 3);
}

/// What may be cut is, before it is protected.
#[test]
fn packets_that_may_be_cut_travel_in_pieces_of_their_own() {
    let mut sites = narrow(WHOLE, None);
    // The first one teaches the gateway.
    let bulk = sites
        .world
        .bulk(sites.west_host, ip(EAST_HOST), 20, ms(5), 1350);
    sites.world.run_for(secs(2));
    assert!(sites.world.bulk_report(bulk).received >= 18);
    assert_eq!(sites.count(Seen::Fragment), 0, "no outer packet is cut");
    assert_eq!(sites.count(Seen::Clear), 0);
}

/// RFC 4303 2.6: an idle tunnel looks busy from outside, and isn't kept alive or used up by it.
#[test]
fn an_idle_tunnel_with_dummies_looks_busy_and_is_idle() {
    let mut setting = Setting::default();
    for side in [&mut setting.west, &mut setting.east] {
        side.children[0].carriage.dummies = ms(500);
        side.children[0].life.rekey_packets = 20;
    }
    setting.west.children[0].life.inactivity = secs(60);
    let mut sites = up(setting, 5);
    let before = sites.count(Seen::Esp);
    sites.world.run_for(secs(50));
    // Each is seen on every wire between the two.
    let dummies = (sites.count(Seen::Esp) - before) / sites.wires.len();
    assert!(
        (160..240).contains(&dummies),
        "{dummies} in 50 s, from two sides"
    );
    for gateway in [sites.west, sites.east] {
        let pairs = sites.world.pairs(gateway);
        assert_eq!(pairs.len(), 1, "nothing was renewed");
        let counters = pairs[0].counters;
        assert_eq!((counters.packets_in, counters.packets_out), (0, 0));
        assert!(counters.numbers_out > 80);
        assert!(sites.world.drops(gateway)[&DropReason::EspDummy] > 80);
    }
    sites.world.run_for(secs(15));
    let expired = find(&sites.world, sites.west, |h| match h {
        Happening::Expired { limit, .. } => Some(limit.clone()),
        _ => None,
    });
    assert_eq!(expired.as_deref(), Some("60 s without a packet"));
}
