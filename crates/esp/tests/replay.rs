//! The replay window against a naive model, and what it means for whole packets.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // one test shares a data plane between threads

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use adit_esp::replay::ReplayWindow;
use adit_model::drops::DropReason;
use common::*;
use proptest::prelude::*;

/// What the window has to do, as simply as it can be said.
struct Naive {
    window: u64,
    seen: BTreeSet<u64>,
}

impl Naive {
    fn top(&self) -> u64 {
        self.seen.last().copied().unwrap_or(0)
    }

    fn accept(&mut self, n: u64) -> Result<(), DropReason> {
        if n == 0 || n + self.window <= self.top() {
            Err(DropReason::EspTooOld)
        } else if self.seen.insert(n) {
            Ok(())
        } else {
            Err(DropReason::EspReplay)
        }
    }
}

/// Mostly small steps about the top, now and then a jump.
fn steps() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        8 => -70i64..70,
        3 => -5000i64..5000,
        1 => 0i64..200_000,
    ];
    proptest::collection::vec(step, 1..400)
}

proptest! {
    #[test]
    fn abuse_84_the_window_agrees_with_the_model(window in 1u32..4200, start in 0u64..10_000, steps in steps()) {
        let real = ReplayWindow::new(window, false);
        let mut naive = Naive { window: u64::from(window.min(4096)), seen: BTreeSet::new() };
        let mut at = start;
        for step in steps {
            let n = at.saturating_add_signed(step);
            let verdict = naive.accept(n);
            prop_assert_eq!(real.check(n), verdict);
            prop_assert_eq!(real.accept(n), verdict);
            prop_assert_eq!(real.top(), naive.top());
            at = real.top();
        }
    }

    /// The same with numbers of 64 bits, from anywhere, and with jumps over many laps of the ring.
    #[test]
    fn abuse_84_the_window_agrees_with_the_model_far_away(
        window in 32u32..4200,
        start in 1u64..u64::MAX - (1 << 62),
        steps in proptest::collection::vec(prop_oneof![
            8 => -70i64..70,
            3 => -5000i64..5000,
            1 => 0i64..1 << 36,
        ], 1..300),
    ) {
        let real = ReplayWindow::new(window, true);
        let mut naive = Naive { window: u64::from(window.min(4096)), seen: BTreeSet::new() };
        let mut at = start;
        for step in steps {
            let n = at.saturating_add_signed(step);
            let verdict = naive.accept(n);
            prop_assert_eq!(real.check(n), verdict);
            prop_assert_eq!(real.accept(n), verdict);
            prop_assert_eq!(real.top(), naive.top());
            at = real.top();
            // RFC 4303 A2.2: the high half changes exactly below the window.
            let last = at.saturating_sub(naive.window - 1);
            if last > 1 << 32 {
                prop_assert_eq!(real.extend(last as u32), Ok(last));
                prop_assert_eq!(real.extend((last - 1) as u32), Ok(last - 1 + (1 << 32)));
            }
        }
    }

    /// RFC 4303 A2.2: within the window and up to 2^32 - W ahead of it, the high half is inferred rightly.
    #[test]
    fn the_high_half_is_inferred(window in 32u32..4096, top in 1u64 << 33..1u64 << 60, back in 0u64..4096, ahead in 1u64..0xffff_0000) {
        let w = ReplayWindow::new(window, true);
        w.accept(top).unwrap();
        let behind = top - back % u64::from(window);
        prop_assert_eq!(w.extend(behind as u32), Ok(behind));
        let beyond = top + ahead;
        prop_assert_eq!(w.extend(beyond as u32), Ok(beyond));
    }
}

/// All series of five among numbers at the edges of blocks, laps and windows, with what came again and what jumps.
#[test]
fn abuse_84_every_short_series_agrees_with_the_model() {
    const SERIES: u32 = 5;
    for window in [1, 2, 31, 32, 33, 64, 65] {
        // The ring's laps are of 64, 128 or 256 numbers.
        let edges = [0, 1, 31, 32, 33, 64, 96, 127, 128, 257];
        for mut series in 0..(edges.len() as u32).pow(SERIES) {
            let real = ReplayWindow::new(window, false);
            let mut naive = Naive {
                window: u64::from(window),
                seen: BTreeSet::new(),
            };
            for _ in 0..SERIES {
                let n = edges[series as usize % edges.len()];
                series /= edges.len() as u32;
                let verdict = naive.accept(n);
                assert_eq!(real.accept(n), verdict, "{n}, window {window}");
                assert_eq!(real.top(), naive.top(), "{n}, window {window}");
            }
        }
    }
}

#[test]
fn abuse_84_reordered_packets_pass_and_duplicates_do_not() {
    let (west, east) = joined("aes128gcm16");
    let mut packets: Vec<_> = (0..60).map(|n| seal(&west, &eastbound(n))).collect();
    packets.reverse();
    for (n, packet) in (0..60).rev().zip(&packets) {
        assert_eq!(open(&east, packet), Ok(eastbound(n)));
    }
    for packet in &packets {
        assert_eq!(open(&east, packet), Err(DropReason::EspReplay));
    }
}

#[test]
fn a_forged_number_far_ahead_does_not_move_the_window() {
    let (west, east) = joined("aes128gcm16");
    let good = seal(&west, &eastbound(1));
    let mut forged = good.clone();
    forged[4..8].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    assert_eq!(open(&east, &forged), Err(DropReason::EspAuthenticity));
    assert_eq!(open(&east, &good), Ok(eastbound(1)));
}

#[test]
fn of_two_threads_with_the_same_packet_one_gets_it() {
    let (west, east) = joined("aes128gcm16");
    let packets: Vec<_> = (0..60).map(|n| seal(&west, &eastbound(n))).collect();
    let opened = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for packet in &packets {
                    if open(&east, packet).is_ok() {
                        opened.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(opened.into_inner(), packets.len());
    assert_eq!(east.drops().total(), 3 * packets.len() as u64);
    assert_eq!(east.pairs()[0].counters.packets_in, packets.len() as u64);
}

#[test]
fn threads_that_seal_together_never_share_a_number() {
    let (west, east) = joined("aes128gcm16");
    let sealed: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..16)
                        .map(|_| seal(&west, &eastbound(9)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect()
    });
    for packet in &sealed {
        assert_eq!(open(&east, packet), Ok(eastbound(9)));
    }
}

/// Every thread tries every number, each in an order of its own that keeps near the top: whatever happens in between,
/// each number passes once at most, and what is told apart as a repetition did pass.
#[test]
fn abuse_84_threads_together_accept_each_number_once() {
    const NUMBERS: u64 = 60_000;
    const THREADS: u64 = 4;
    for window in [1, 32, 64, 1024, 4096] {
        let shared = ReplayWindow::new(window, false);
        let accepted: Vec<AtomicUsize> = (0..=NUMBERS).map(|_| AtomicUsize::new(0)).collect();
        let replays: Vec<AtomicUsize> = (0..=NUMBERS).map(|_| AtomicUsize::new(0)).collect();
        let reorder = u64::from(window).min(200);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (shared, accepted, replays) = (&shared, &accepted, &replays);
                scope.spawn(move || {
                    for n in 1..=NUMBERS {
                        let n = n - (n * (7 + thread)) % reorder.min(n);
                        let counters = match shared.accept(n) {
                            Ok(()) => accepted,
                            Err(DropReason::EspReplay) => replays,
                            Err(_) => continue,
                        };
                        counters[n as usize].fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let count = |n: u64| accepted[n as usize].load(Ordering::Relaxed);
        let mut passed = 0;
        for n in 1..=NUMBERS {
            assert!(
                count(n) <= 1,
                "{n} passed {} times, window {window}",
                count(n)
            );
            let replayed = replays[n as usize].load(Ordering::Relaxed) > 0;
            assert!(
                !replayed || count(n) == 1,
                "{n} never passed, window {window}"
            );
            passed += count(n);
        }
        assert!(passed > 0);
        let highest = (1..=NUMBERS).rev().find(|n| count(*n) == 1);
        assert_eq!(highest, Some(shared.top()), "window {window}");
    }
}

/// Threads race over the same few numbers at the edge of the window, where blocks change laps.
#[test]
fn abuse_84_threads_race_for_each_number_at_the_top() {
    const ROUNDS: u64 = 20_000;
    let shared = ReplayWindow::new(32, true);
    let wins: Vec<AtomicUsize> = (0..4).map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for wins in &wins {
            let shared = &shared;
            scope.spawn(move || {
                for round in 1..=ROUNDS {
                    // Jumps over more than the ring, so that every block is taken over every time.
                    if shared.accept(round * 193).is_ok() {
                        wins.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let total: usize = wins.iter().map(|wins| wins.load(Ordering::Relaxed)).sum();
    assert!(total <= ROUNDS as usize, "{total} of {ROUNDS}");
    assert_eq!(shared.top(), ROUNDS * 193);
}

/// Threads try the same numbers, each in an order of its own, with what was long ago among them, while numbers jump: within a
/// block, over blocks, over many laps of the ring, and past 2^32. Each passes once at most; none passes that was below the
/// window when it was tried; and none is refused as too old that can't have been.
#[test]
fn abuse_84_threads_replay_and_jump_over_laps() {
    const STEPS: usize = 12_000;
    const THREADS: usize = 4;
    for window in [32, 33, 64, 1000, 4096] {
        let mut number = (1_u64 << 32) - 5_000;
        let numbers: Vec<u64> = (0..STEPS)
            .map(|step| {
                number += match step % 97 {
                    0 => 3 * 32 * u64::from(window),
                    1..5 => 31 + step as u64 % 70,
                    _ => 1 + step as u64 % 3,
                };
                number
            })
            .collect();
        let shared = ReplayWindow::new(window, true);
        let passed: Vec<AtomicUsize> = numbers.iter().map(|_| AtomicUsize::new(0)).collect();
        let replayed: Vec<AtomicUsize> = numbers.iter().map(|_| AtomicUsize::new(0)).collect();
        let (accepted, tried) = (AtomicU64::new(0), AtomicU64::new(0));
        let attempt = |at: usize| {
            let n = numbers[at];
            tried.fetch_max(n, Ordering::SeqCst);
            let before = accepted.load(Ordering::SeqCst);
            let verdict = shared.accept(n);
            let after = tried.load(Ordering::SeqCst);
            match verdict {
                Ok(()) => {
                    accepted.fetch_max(n, Ordering::SeqCst);
                    passed[at].fetch_add(1, Ordering::Relaxed);
                    assert!(before < n + u64::from(window), "{n} passed below {before}");
                }
                Err(DropReason::EspReplay) => {
                    replayed[at].fetch_add(1, Ordering::Relaxed);
                }
                Err(reason) => {
                    assert_eq!(reason, DropReason::EspTooOld);
                    assert!(after >= n + u64::from(window), "{n} isn't old for {after}");
                }
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let attempt = &attempt;
                scope.spawn(move || {
                    for step in 0..STEPS {
                        attempt(step - (step * (3 + thread)) % 40_usize.min(step + 1));
                        attempt(step);
                        attempt(step - step.min(17 * thread + step % 300));
                    }
                });
            }
        });
        for (at, n) in numbers.iter().enumerate() {
            let count = passed[at].load(Ordering::Relaxed);
            assert!(count <= 1, "{n} passed {count} times, window {window}");
            let replayed = replayed[at].load(Ordering::Relaxed);
            assert!(replayed == 0 || count == 1, "{n} never passed");
        }
        let all = passed.iter().map(|count| count.load(Ordering::Relaxed));
        assert!(all.sum::<usize>() >= STEPS / 97, "window {window}");
        assert_eq!(shared.top(), number);
        assert_eq!(accepted.into_inner(), number);
    }
}
