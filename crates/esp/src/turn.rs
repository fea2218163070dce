//! Several threads send under one SA, and none gets so far ahead of another that the peer takes what that one sends for old.
//!
//! A thread claims numbers, seals packets and sends them; between claim and sending others may claim and send. A peer whose
//! replay window is 32 packets wide (RFC 4303 3.4.3: no window is narrower) drops a packet once one with a number higher by
//! 32 has arrived. How wide the peer's window is nobody says, so this is what everybody gets: before number `n` leaves,
//! every number up to `n - 32` has left or never will.
//!
//! For that each thread shows the lowest number that it has claimed and not sent. It does so before it claims, with a number
//! that the claim can't be below, and puts it right afterwards. Who claimed earlier is therefore seen by who claimed later: both
//! went through the one counter of the SA. What a thread sends together are numbers without a gap, or fewer than 32 with
//! gaps: so it waits only for threads whose lowest number is lower than its own. Whoever has the lowest of all never waits,
//! and the others wait until it has sent: for as long as it takes to seal a few packets.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::lane::{Lane, Lanes};
use crate::sa::Pair;
use crate::sequence::Claim;

/// The narrowest replay window (RFC 4303 3.4.3).
const NARROWEST: u64 = 32;

/// Shown by who has claimed nothing.
const NOTHING: u64 = u64::MAX;

/// What each thread has claimed of one SA and not sent.
pub(crate) struct Unsent(Lanes<Held>);

/// Written by one thread, read by all.
struct Held {
    /// The lowest number, or less until that is known.
    first: AtomicU64,
    /// The highest number of those that may be sent together with it; 0 before there is one.
    last: AtomicU64,
    /// Whether it has claimed all between the two.
    whole: AtomicBool,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            first: AtomicU64::new(NOTHING),
            last: AtomicU64::new(0),
            whole: AtomicBool::new(true),
        }
    }
}

impl Unsent {
    pub(crate) fn new(lanes: u16) -> Self {
        Self(Lanes::new(lanes))
    }

    /// The thread of `lane` will claim numbers, none below `least`.
    pub(crate) fn begin(&self, lane: Lane, least: u64) {
        if let Some(held) = self.0.of(lane) {
            held.last.store(0, Relaxed);
            // The claim that follows publishes it.
            held.first.store(least, Relaxed);
        }
    }

    /// It has claimed more. Without [`Self::begin`] nobody has to know.
    #[inline]
    pub(crate) fn claimed(&self, lane: Lane, claim: &Claim) {
        let Some(held) = self.0.of(lane) else { return };
        if held.first.load(Relaxed) == NOTHING {
            return;
        }
        let last = held.last.load(Relaxed);
        if last == 0 {
            return held.hold(claim);
        }
        let adjoins = claim.first() == last + 1;
        let first = held.first.load(Relaxed);
        let whole = adjoins && held.whole.load(Relaxed);
        // What comes behind a wider gap waits: see `go_on`.
        if whole || claim.end().saturating_sub(first) < NARROWEST {
            held.whole.store(whole, Relaxed);
            held.last.store(claim.end(), Relaxed);
        }
    }

    /// Whether it may send `claim` together with what it has claimed before.
    fn holds(&self, lane: Lane, claim: &Claim) -> bool {
        let held = self.0.of(lane);
        held.is_none_or(|held| claim.end() <= held.last.load(Relaxed))
    }

    /// It has sent what it claimed before `claim`.
    fn go_on(&self, lane: Lane, claim: &Claim) {
        if let Some(held) = self.0.of(lane) {
            held.hold(claim);
        }
    }

    pub(crate) fn is_due(&self, lane: Lane) -> bool {
        let Some(held) = self.0.of(lane) else {
            return true;
        };
        let late = held.last.load(Relaxed).saturating_sub(NARROWEST);
        self.0
            .iter()
            .all(|other| std::ptr::eq(other, held) || other.first.load(Acquire) > late)
    }

    pub(crate) fn end(&self, lane: Lane) {
        if let Some(held) = self.0.of(lane) {
            held.first.store(NOTHING, Release);
        }
    }
}

impl Held {
    /// Nothing but `claim`.
    fn hold(&self, claim: &Claim) {
        self.whole.store(true, Relaxed);
        self.last.store(claim.end(), Relaxed);
        self.first.store(claim.first(), Release);
    }
}

/// A thread's turn to send under one SA: what it claims while it has this is sent before it gives it up. One thread has
/// one turn at a time, and a lane of its own.
pub struct Turn {
    pair: Arc<Pair>,
    lane: Lane,
}

impl Turn {
    pub(crate) fn new(pair: &Arc<Pair>, lane: Lane) -> Self {
        pair.outbound.sequence.begin(lane);
        Self {
            pair: Arc::clone(pair),
            lane,
        }
    }

    /// Whether what was claimed may be sent now. If not, another thread has still to send what it claimed before: look
    /// again soon. It is never two threads that wait for each other.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.unsent().is_due(self.lane)
    }

    pub(crate) fn is_of(&self, pair: &Arc<Pair>) -> bool {
        Arc::ptr_eq(&self.pair, pair)
    }

    pub(crate) fn holds(&self, claim: &Claim) -> bool {
        self.unsent().holds(self.lane, claim)
    }

    pub(crate) fn go_on(&self, claim: &Claim) {
        self.unsent().go_on(self.lane, claim);
    }

    fn unsent(&self) -> &Unsent {
        self.pair.outbound.sequence.unsent()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.unsent().end(self.lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::Sequence;

    const ONE: Lane = Lane::new(0);
    const TWO: Lane = Lane::new(1);

    #[test]
    fn who_claimed_later_waits_for_who_is_far_behind() {
        let s = Sequence::new(u64::MAX, 2);
        let due = |lane| s.unsent().is_due(lane);
        s.begin(ONE);
        let _ = s.claim(ONE, 4);
        s.begin(TWO);
        let _ = s.claim(TWO, 28);
        assert!(due(ONE) && due(TWO), "1 is within 32 of 32");
        let _ = s.claim(TWO, 1);
        assert!(due(ONE) && !due(TWO), "1 isn't within 32 of 33");
        s.unsent().end(ONE);
        assert!(due(TWO));
        s.begin(ONE);
        let _ = s.claim(ONE, 64);
        assert!(due(TWO) && !due(ONE), "34 to 97 come after 5 to 33");
    }

    #[test]
    fn whoever_is_alone_never_waits() {
        for lanes in [1, 2] {
            let s = Sequence::new(u64::MAX, lanes);
            s.begin(ONE);
            for _ in 0..10 {
                let claim = s.claim(ONE, 1000).unwrap_or_default();
                assert!(s.unsent().is_due(ONE) && s.unsent().holds(ONE, &claim));
            }
            s.unsent().end(ONE);
        }
    }

    /// Else two threads that have claimed by turns would wait for each other.
    #[test]
    fn numbers_behind_a_gap_are_not_sent_together_with_those_before() {
        let s = Sequence::new(u64::MAX, 2);
        s.begin(ONE);
        let _ = s.claim(ONE, 4);
        s.begin(TWO);
        let _ = s.claim(TWO, 40);
        let later = s.claim(ONE, 40).unwrap_or_default();
        assert!(!s.unsent().holds(ONE, &later));
        assert!(s.unsent().is_due(ONE), "1 to 4");
        assert!(!s.unsent().is_due(TWO));
        s.unsent().go_on(ONE, &later);
        assert!(s.unsent().is_due(TWO), "5 to 44");
        assert!(!s.unsent().is_due(ONE), "45 to 84");
        assert!(s.unsent().holds(ONE, &later));
    }

    #[test]
    fn single_packets_by_turns_are_sent_together_all_the_same() {
        let s = Sequence::new(u64::MAX, 2);
        for lane in [ONE, TWO] {
            s.begin(lane);
        }
        let mut together = [0, 0];
        for _ in 0..40 {
            for (lane, together) in [ONE, TWO].into_iter().zip(&mut together) {
                let claim = s.claim(lane, 1).unwrap_or_default();
                *together += u32::from(s.unsent().holds(lane, &claim));
            }
        }
        assert_eq!(together, [16, 16], "1, 3, … 31, and 2, 4, … 32");
        // They would have a gap before them, whatever adjoins the last.
        s.unsent().end(TWO);
        let run = s.claim(ONE, 20).unwrap_or_default();
        assert!(!s.unsent().holds(ONE, &run));
        assert!(s.unsent().is_due(ONE));
    }
}
