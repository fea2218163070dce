//! Packets that are opened together come to what they would come to one by one.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use adit_esp::{DataPlane, Lane, Lying, WalkFilter};
use adit_model::dataplane::{ChildSa, PairCounters};
use adit_model::drops::DropReason;
use common::*;
use proptest::prelude::*;

type Outcome = Result<Vec<u8>, DropReason>;

/// One packet of a run: its place among those that were sealed, and whether somebody changed it on the way.
type Sent = (usize, bool);

const SEALED: usize = 150;

fn sa(suite_text: &str, window: u32, esn: bool) -> ChildSa {
    let mut suite = suite(suite_text);
    suite.esn = esn;
    ChildSa {
        replay_window: window,
        ..west_sa(suite, SPI_WEST, SPI_EAST)
    }
}

fn packets(sealed: &[Vec<u8>], sent: &[Sent]) -> Vec<Vec<u8>> {
    let packet = |(at, forged): &Sent| {
        let mut packet = sealed[*at].clone();
        if *forged {
            *packet.last_mut().unwrap() ^= 1;
        }
        packet
    };
    sent.iter().map(packet).collect()
}

fn one_by_one(plane: &DataPlane, packets: &[Vec<u8>]) -> Vec<Outcome> {
    packets.iter().map(|packet| open(plane, packet)).collect()
}

fn together(plane: &DataPlane, packets: &[Vec<u8>]) -> Vec<Outcome> {
    let mut buffer = Vec::new();
    let mut lying = Vec::new();
    for packet in packets {
        let start = buffer.len();
        buffer.extend_from_slice(packet);
        lying.push(Lying {
            start,
            end: buffer.len(),
            tos: 0,
        });
        // Packets needn't lie one behind the other.
        buffer.extend_from_slice(b"between");
    }
    let view = plane.shared().load();
    let mut way = view.incoming(Lane::new(0), T0, &packets[0]).unwrap();
    let mut outcomes = Vec::new();
    way.open_run(&mut buffer, &lying, |buffer, position, opened| {
        assert_eq!(position, outcomes.len(), "in their order");
        outcomes.push(match opened {
            Ok(inner) => Ok(inner.of(buffer).to_vec()),
            Err(rejected) => Err(rejected.reason),
        });
    });
    outcomes
}

fn counted(plane: &DataPlane) -> PairCounters {
    plane.pairs()[0].counters
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Repeated, forged, late, in any order, through narrow windows and wide ones.
    #[test]
    fn abuse_84_a_run_comes_to_what_its_packets_would_come_to(
        suite in proptest::sample::select(vec!["aes128gcm16", "aes128-sha256"]),
        window in proptest::sample::select(vec![0, 1, 5, 32, 64, 1024]),
        esn in any::<bool>(),
        ascending in any::<bool>(),
        mut sent in proptest::collection::vec((0..SEALED, prop::bool::weighted(0.1)), 1..200),
    ) {
        if ascending {
            sent.sort_unstable();
        }
        let (west, single) = joined_by(sa(suite, window, esn));
        let (_, grouped) = joined_by(sa(suite, window, esn));
        let sealed: Vec<_> = (0..SEALED).map(|n| seal(&west, &eastbound(20 + n))).collect();
        let packets = packets(&sealed, &sent);

        let alone = one_by_one(&single, &packets);
        let at_once = together(&grouped, &packets);
        // What has two faults, a forged repetition for one, may be refused for either: the window hasn't moved on yet
        // when the packets of a run are looked at.
        let passed = |outcomes: &[Outcome]| outcomes.iter().cloned().map(Result::ok).collect::<Vec<_>>();
        prop_assert_eq!(passed(&alone), passed(&at_once));
        // In order nothing is both: a repetition is right behind what it repeats.
        if ascending && !esn && sent.iter().all(|(_, forged)| !forged) {
            prop_assert_eq!(&alone, &at_once);
        }
        prop_assert_eq!(counted(&single), counted(&grouped));
        prop_assert_eq!(single.drops().total(), grouped.drops().total());
        // Whatever came is known afterwards.
        prop_assert_eq!(one_by_one(&single, &sealed), one_by_one(&grouped, &sealed));
    }
}

#[test]
fn what_is_authentic_and_refused_is_remembered_too() {
    let mut sa = sa("aes128gcm16", 64, false);
    sa.carriage.dummies = Duration::from_secs(4);
    let (mut west, east) = joined_by(sa);
    let good = seal(&west, &eastbound(10));
    let due = west.dummies_due().unwrap();
    let dummies = west.dummies(due);
    let mut dummy = Vec::new();
    west.seal_dummy(due, dummies[0], &mut dummy).unwrap();
    let last = seal(&west, &eastbound(11));
    let packets = [good, dummy.clone(), last];
    let outcomes = together(&east, &packets);
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert_eq!(outcomes[1], Err(DropReason::EspDummy));
    assert_eq!(open(&east, &dummy), Err(DropReason::EspReplay));
}

/// Those are opened one by one, and lie where they lay all the same.
#[test]
fn packets_that_somebody_follows_come_to_the_same() {
    let (west, mut followed) = joined_by(sa("aes128gcm16", 64, false));
    let (_, single) = joined_by(sa("aes128gcm16", 64, false));
    let filter = WalkFilter {
        local: EAST.parse().unwrap(),
        remote: WEST.parse().unwrap(),
    };
    followed.walk(&filter, u64::MAX);
    let sealed: Vec<_> = (0..5).map(|n| seal(&west, &eastbound(20 + n))).collect();
    let sent = [(0, false), (1, false), (1, false), (3, true), (2, false)];
    let packets = packets(&sealed, &sent);
    assert_eq!(together(&followed, &packets), one_by_one(&single, &packets));
}

#[test]
fn a_packet_that_lies_outside_of_the_buffer_is_too_short() {
    let (west, east) = joined_by(sa("aes128gcm16", 64, false));
    let first = seal(&west, &eastbound(10));
    let view = east.shared().load();
    let mut way = view.incoming(Lane::new(0), T0, &first).unwrap();
    let mut buffer = first.clone();
    let lying = [(0, first.len()), (7, 3), (first.len(), first.len() + 60)];
    let lying = lying.map(|(start, end)| Lying { start, end, tos: 0 });
    let mut outcomes = Vec::new();
    way.open_run(&mut buffer, &lying, |_, _, opened| {
        outcomes.push(opened.map(|inner| inner.length()).map_err(|r| r.reason));
    });
    assert_eq!(
        outcomes,
        [
            Ok(38),
            Err(DropReason::EspTooShort),
            Err(DropReason::EspTooShort)
        ]
    );
}
