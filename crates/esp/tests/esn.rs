//! Extended sequence numbers where their low half wraps (RFC 4303 2.2.1 and A2).

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/crafted.rs"]
mod crafted;

use adit_esp::DataPlane;
use adit_model::dataplane::ChildSa;
use adit_model::drops::DropReason;
use common::*;
use crafted::Sender;

const WRAP: u64 = 1 << 32;

/// West as somebody who can send any number, and east with a window.
fn with_window(window: u32) -> (Sender, DataPlane) {
    let mut suite = suite("aes128gcm16");
    suite.esn = true;
    let sa = ChildSa {
        replay_window: window,
        ..west_sa(suite, SPI_WEST, SPI_EAST)
    };
    let (_, east) = joined_by(sa.clone());
    (Sender::of(&sa), east)
}

fn receive(east: &DataPlane, west: &Sender, sequence: u64) -> Result<(), DropReason> {
    open(east, &west.packet(sequence, &eastbound(8))).map(drop)
}

/// Moves the window to `top` by packets that could have come.
fn move_to(east: &DataPlane, west: &Sender, top: u64) {
    for sequence in [WRAP / 4, WRAP / 2, top] {
        receive(east, west, sequence).unwrap();
    }
}

#[test]
fn abuse_85_the_low_half_wraps_in_order_and_out_of_order() {
    for window in [32, 64, 1024, 4096] {
        let (west, east) = with_window(window);
        move_to(&east, &west, WRAP - 3);
        for sequence in [WRAP - 2, WRAP, WRAP + 2, WRAP - 1, WRAP + 1] {
            assert_eq!(
                receive(&east, &west, sequence),
                Ok(()),
                "{window}: {sequence:x}"
            );
        }
        for sequence in WRAP - 3..=WRAP + 2 {
            let again = receive(&east, &west, sequence);
            assert_eq!(again, Err(DropReason::EspReplay), "{window}: {sequence:x}");
        }
    }
}

/// The left edge, while the window spans both subspaces.
#[test]
fn abuse_85_what_is_left_of_a_window_across_the_wrap_counts_for_the_next_subspace() {
    for window in [32u32, 64, 4096] {
        let (west, east) = with_window(window);
        let top = WRAP + 5;
        move_to(&east, &west, WRAP - 1);
        receive(&east, &west, top).unwrap();
        let edge = top - u64::from(window) + 1;
        assert_eq!(receive(&east, &west, edge), Ok(()), "{window}");
        // One more to the left is taken for 2^32 later, and so isn't authentic.
        let old = receive(&east, &west, edge - 1);
        assert_eq!(old, Err(DropReason::EspAuthenticity), "{window}");
        assert_eq!(receive(&east, &west, top + 1), Ok(()), "and moves nothing");
    }
}

#[test]
fn abuse_85_a_packet_from_a_whole_cycle_before_is_no_packet_of_this_one() {
    let (west, east) = with_window(64);
    let old: Vec<_> = (1..100).map(|n| west.packet(n, &eastbound(8))).collect();
    for packet in &old[..50] {
        open(&east, packet).unwrap();
    }
    move_to(&east, &west, WRAP - 1);
    for n in 1..50 {
        receive(&east, &west, WRAP + n).unwrap();
    }
    let before = east.drops();
    for (n, packet) in (1..).zip(&old) {
        // Where this cycle's number has come, it is known without looking; where it hasn't, the high half is wrong.
        let expected = if n < 50 {
            DropReason::EspReplay
        } else {
            DropReason::EspAuthenticity
        };
        assert_eq!(open(&east, packet), Err(expected), "{n}");
    }
    assert_eq!(before.total(), 0);
    assert_eq!(
        receive(&east, &west, WRAP + 50),
        Ok(()),
        "none of them moved anything"
    );
}

/// More packets are lost than the window is wide, across the wrap.
#[test]
fn abuse_85_a_long_loss_across_the_wrap_is_survived() {
    for lost in [65, 5000, 1 << 20, WRAP / 2, WRAP - 65] {
        let (west, east) = with_window(64);
        move_to(&east, &west, WRAP - 10);
        let next = WRAP - 10 + lost;
        assert_eq!(receive(&east, &west, next), Ok(()), "{lost}");
        assert_eq!(receive(&east, &west, next + 1), Ok(()), "{lost}");
    }
    // After 2^32 lost packets the halves can't be told apart any more: dropped, and the SA is none the worse.
    let (west, east) = with_window(64);
    move_to(&east, &west, WRAP - 10);
    let beyond = receive(&east, &west, 2 * WRAP + 100);
    assert_eq!(beyond, Err(DropReason::EspAuthenticity));
    assert_eq!(receive(&east, &west, WRAP - 9), Ok(()));
}

/// One side uses them and the other doesn't.
#[test]
fn abuse_85_sides_that_disagree_fail_the_integrity_check_and_nothing_else() {
    for west_has in [true, false] {
        let mut suite = suite("aes128gcm16");
        suite.esn = west_has;
        let sa = west_sa(suite, SPI_WEST, SPI_EAST);
        let west = Sender::of(&sa);
        suite.esn = !west_has;
        let (_, east) = joined_by(ChildSa { suite, ..sa });
        for sequence in 1..10 {
            let found = receive(&east, &west, sequence);
            assert_eq!(found, Err(DropReason::EspAuthenticity));
        }
        assert_eq!(east.drops().total(), 9);
    }
}
