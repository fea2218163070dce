//! Counters that threads don't fight over.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Which copy of every counter a thread writes to: one of its own, on cache lines of its own, if its number is below that of
/// the lanes ([`DataPlane::with_lanes`](crate::DataPlane::with_lanes)). All other threads share one further copy.
///
/// **One thread at a time uses a number below that of the lanes.** What it counts costs it no more than a variable of its own
/// would, because nobody else writes there: of two threads that use one such number at once, each may overwrite what the
/// other has counted. Nothing but counts is lost then; sequence numbers and replay windows don't rest on lanes. A thread that
/// has no number of its own takes the [default](Self::default), with which nothing is lost, however many do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    thread: u16,
    /// See [`Self::standing_for`].
    packets: u16,
}

/// The lane of all who have none of their own.
impl Default for Lane {
    fn default() -> Self {
        // There are never so many lanes that this is one of them.
        Self::new(u16::MAX)
    }
}

impl Lane {
    /// The lane of the thread with this number.
    #[must_use]
    pub const fn new(thread: u16) -> Self {
        Self { thread, packets: 1 }
    }

    /// The same, for a packet that stands for so many and counts as so many where it is refused: one that the host hasn't
    /// cut yet.
    #[must_use]
    pub const fn standing_for(self, packets: u16) -> Self {
        let packets = if packets == 0 { 1 } else { packets };
        Self { packets, ..self }
    }

    /// For how many packets one stands.
    pub(crate) const fn packets(self) -> u16 {
        self.packets
    }
}

/// One `T` for each lane and one that all others share, each on cache lines of its own.
pub(crate) struct Lanes<T>(Box<[OwnLines<T>]>);

/// Alone on its cache lines: 128 octets, because processors fetch lines in pairs.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct OwnLines<T>(pub(crate) T);

impl<T> Deref for OwnLines<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default> Lanes<T> {
    /// For so many threads, and one that others share.
    pub(crate) fn new(lanes: u16) -> Self {
        let all = usize::from(lanes) + 1;
        Self((0..all).map(|_| OwnLines::default()).collect())
    }
}

impl<T> Lanes<T> {
    #[inline]
    pub(crate) fn of(&self, lane: Lane) -> Option<&T> {
        let shared = self.0.len() - 1;
        self.0
            .get(usize::from(lane.thread).min(shared))
            .map(Deref::deref)
    }

    /// Who writes to what `lane` stands for.
    #[inline]
    pub(crate) fn writers(&self, lane: Lane) -> Writers {
        if usize::from(lane.thread) < self.0.len() - 1 {
            Writers::One
        } else {
            Writers::Several
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.0.iter().map(Deref::deref)
    }
}

/// Who writes to a counter. Everybody may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writers {
    /// One thread alone: what it read is what is there.
    One,
    /// Any number of threads.
    Several,
}

impl Writers {
    #[inline]
    pub(crate) fn add(self, counter: &AtomicU64, count: u64) {
        match self {
            // A locked addition would wait until all that was written before has left the store buffer.
            Self::One => counter.store(counter.load(Relaxed).wrapping_add(count), Relaxed),
            Self::Several => {
                counter.fetch_add(count, Relaxed);
            }
        }
    }

    /// Raises a counter that isn't as high.
    #[inline]
    pub(crate) fn raise(self, counter: &AtomicU64, to: u64) {
        if counter.load(Relaxed) < to {
            match self {
                Self::One => counter.store(to, Relaxed),
                Self::Several => {
                    counter.fetch_max(to, Relaxed);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)] // threads
    use super::*;

    #[test]
    fn numbers_below_that_of_the_lanes_have_their_own_and_all_others_share_one() {
        let lanes: Lanes<AtomicU64> = Lanes::new(3);
        let place = |lane| lanes.of(lane).map(std::ptr::from_ref);
        let own: Vec<_> = (0..3).map(|n| place(Lane::new(n))).collect();
        for n in 0..3 {
            assert_eq!(lanes.writers(Lane::new(n)), Writers::One);
            assert!(
                own.iter()
                    .filter(|other| **other == own[usize::from(n)])
                    .count()
                    == 1
            );
        }
        for lane in [Lane::new(3), Lane::new(99), Lane::default()] {
            assert_eq!(lanes.writers(lane), Writers::Several);
            assert!(place(lane).is_some() && !own.contains(&place(lane)));
            assert_eq!(place(lane), place(Lane::default()));
        }
        let none: Lanes<AtomicU64> = Lanes::new(0);
        assert_eq!(none.writers(Lane::new(0)), Writers::Several);
        let most: Lanes<u8> = Lanes::new(u16::MAX);
        assert_eq!(most.writers(Lane::default()), Writers::Several);
    }

    #[test]
    fn nothing_is_lost_whether_threads_have_lanes_or_share_one() {
        const THREADS: u16 = 6;
        const EACH: u64 = 50_000;
        let lanes: Lanes<AtomicU64> = Lanes::new(THREADS / 2);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let lanes = &lanes;
                scope.spawn(move || {
                    let lane = Lane::new(thread);
                    for _ in 0..EACH {
                        if let Some(counter) = lanes.of(lane) {
                            lanes.writers(lane).add(counter, 3);
                        }
                    }
                });
            }
        });
        let counts: Vec<u64> = lanes.iter().map(|counter| counter.load(Relaxed)).collect();
        assert_eq!(counts, [3 * EACH, 3 * EACH, 3 * EACH, 9 * EACH]);
    }
}
