//! What chosen packets leave behind, step by step.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use adit_esp::{DataPlane, Direction, Stage, WalkFilter};
use adit_model::carriage::HardLimits;
use adit_model::dataplane::ChildSa;
use adit_model::drops::DropReason;
use common::*;

fn to_east(ports: &str) -> WalkFilter {
    WalkFilter {
        local: WEST.parse().unwrap(),
        remote: format!("{EAST}{ports}").parse().unwrap(),
    }
}

fn stages(plane: &mut DataPlane) -> Vec<(u64, Direction, Stage)> {
    let seen = plane.steps();
    assert_eq!(seen.lost, 0);
    let step = |step: adit_esp::Step| (step.walk, step.direction, step.stage);
    seen.steps.into_iter().map(step).collect()
}

fn lan0(plane: &DataPlane) -> Stage {
    Stage::Policy(plane.pairs()[0].child.clone())
}

#[test]
fn a_packet_is_seen_from_policy_to_seal_and_from_sa_to_inner_packet() {
    let (mut west, mut east) = joined("aes128gcm16");
    west.walk(&to_east(""), u64::MAX);
    let to_west = WalkFilter {
        local: EAST.parse().unwrap(),
        remote: WEST.parse().unwrap(),
    };
    east.walk(&to_west, u64::MAX);
    let inner = eastbound(5);
    let sealed = seal(&west, &inner);
    let out = |stage| (0, Direction::Out, stage);
    let expected = [
        out(lan0(&west)),
        out(Stage::Sa(SPI_EAST)),
        out(Stage::Sequence(1)),
        out(Stage::Sealed(sealed.len())),
    ];
    assert_eq!(stages(&mut west), expected);
    assert_eq!(stages(&mut west), []);

    open(&east, &sealed).unwrap();
    let back = |walk, stage| (walk, Direction::In, stage);
    let expected = [
        back(0, Stage::Sa(SPI_EAST)),
        back(0, lan0(&east)),
        back(0, Stage::Sequence(1)),
        back(0, Stage::Opened(inner.len())),
    ];
    assert_eq!(stages(&mut east), expected);
    open(&east, &sealed).unwrap_err();
    let repeated = stages(&mut east);
    let dropped = Stage::Dropped(DropReason::EspReplay);
    assert_eq!(repeated.last(), Some(&back(1, dropped)));
}

#[test]
fn a_packet_after_the_end_of_its_sa_says_so() {
    let limits = HardLimits {
        seconds: 10,
        ..HardLimits::default()
    };
    let (west, mut east) = joined_by(ChildSa {
        limits,
        ..west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST)
    });
    let mut sealed = seal(&west, &eastbound(5));
    let to_west = WalkFilter {
        local: EAST.parse().unwrap(),
        remote: WEST.parse().unwrap(),
    };
    east.walk(&to_west, 1);
    let end = T0 + Duration::from_secs(10);
    east.open(end, &mut sealed).unwrap_err();
    let back = |stage| (0, Direction::In, stage);
    let expected = [
        back(Stage::Sa(SPI_EAST)),
        back(lan0(&east)),
        back(Stage::Sequence(1)),
        back(Stage::Dropped(DropReason::EspLifetime)),
    ];
    assert_eq!(stages(&mut east), expected);
    assert!(!east.is_walking());
}

#[test]
fn a_packet_without_an_sa_says_which_policy_it_met() {
    let (mut west, _) = joined("aes128gcm16");
    let policy = lan0(&west);
    remove(&mut west, SPI_WEST);
    west.walk(&to_east("[udp/53]"), u64::MAX);
    let rejected = west.seal(&eastbound(5), &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.reason, DropReason::OutNoSa);
    let out = |stage| (0, Direction::Out, stage);
    let dropped = Stage::Dropped(DropReason::OutNoSa);
    assert_eq!(stages(&mut west), [out(policy), out(dropped)]);
}

#[test]
fn only_the_chosen_are_seen_and_only_while_somebody_asks() {
    let (mut west, _) = joined("aes128gcm16");
    seal(&west, &eastbound(5));
    assert_eq!(stages(&mut west), []);
    west.walk(&to_east("[udp/54]"), u64::MAX);
    seal(&west, &eastbound(5));
    assert_eq!(stages(&mut west), []);
    west.walk(&to_east("[udp/53]"), u64::MAX);
    seal(&west, &eastbound(5));
    assert_eq!(stages(&mut west).len(), 4);
    seal(&west, &eastbound(5));
    west.stop_walk();
    assert_eq!(stages(&mut west), [], "what nobody asked for is forgotten");
    seal(&west, &eastbound(5));
    assert_eq!(stages(&mut west), []);
}

/// A run that began while one filter held says nothing to who set the next.
#[test]
fn a_run_belongs_to_the_filter_that_it_began_under() {
    let (mut west, _) = joined("aes128gcm16");
    west.walk(&to_east(""), u64::MAX);
    let view = west.shared().load();
    let lane = adit_esp::Lane::default();
    let packet = eastbound(5);
    let ip = view.outbound(lane, &packet).unwrap();
    let way = view.outgoing(adit_esp::Door::SHARED, lane, &ip).unwrap();
    west.walk(&to_east("[udp/53]"), u64::MAX);
    drop(way);
    assert_eq!(stages(&mut west), []);
}

#[test]
fn nobody_asks_for_too_long_at_the_price_of_memory() {
    let (mut west, _) = joined("aes128gcm16");
    west.walk(&to_east(""), u64::MAX);
    for _ in 0..1500 {
        seal(&west, &eastbound(1));
    }
    let seen = west.steps();
    assert_eq!((seen.steps.len(), seen.lost), (4096, 1500 * 4 - 4096));
}

#[test]
fn as_many_are_followed_as_were_asked_for() {
    let (mut west, _) = joined("aes128gcm16");
    west.walk(&to_east("[udp/53]"), 2);
    for _ in 0..2 {
        assert!(west.is_walking());
        seal(&west, &eastbound(5));
    }
    assert!(!west.is_walking());
    seal(&west, &eastbound(5));
    let numbers: Vec<u64> = stages(&mut west).iter().map(|step| step.0).collect();
    assert_eq!(numbers, [0, 0, 0, 0, 1, 1, 1, 1]);
    west.walk(&to_east(""), 0);
    assert!(!west.is_walking());
    west.walk(&to_east(""), 1);
    seal(&west, &eastbound(5));
    assert_eq!(stages(&mut west).len(), 4, "numbers begin anew");
}
