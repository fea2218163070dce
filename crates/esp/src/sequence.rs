//! The numbers of sent packets (RFC 4303 2.2, 3.3.3).

use std::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Relaxed},
};

use adit_model::drops::DropReason;

use crate::lane::Lane;
use crate::turn::Unsent;

/// The one counter of a sending SA. Each value is given out once; it is the sequence number and the cipher's IV
/// counter alike, so neither can repeat under one key (RFC 4303 3.3.3, RFC 4106 3.1).
pub(crate) struct Sequence {
    last: AtomicU64,
    limit: u64,
    /// What threads have claimed and not sent yet.
    unsent: Unsent,
}

/// Most numbers that are claimed at once.
pub(crate) const MOST_AT_ONCE: u16 = 1024;

/// So close to the limit numbers are counted out with care. Before, an unconditional addition can't pass it: that would
/// take 16,384 threads that each claim the most that can be had between one thread's look and its addition.
const CAREFUL: u64 = 1 << 24;

impl Sequence {
    /// Numbers from 1 up to and with `limit`, for threads of so many lanes.
    pub(crate) fn new(limit: u64, lanes: u16) -> Self {
        Self {
            last: AtomicU64::new(0),
            limit,
            unsent: Unsent::new(lanes),
        }
    }

    /// The next `count` numbers, at most [`MOST_AT_ONCE`], or as many as are left. They are never given out again.
    #[inline]
    pub(crate) fn claim(&self, lane: Lane, count: u16) -> Result<Claim, DropReason> {
        let count = u64::from(count.clamp(1, MOST_AT_ONCE));
        let claim = if self.last.load(Relaxed) < self.limit - CAREFUL {
            let last = self.last.fetch_add(count, AcqRel);
            Claim::new(last, count)
        } else {
            self.claim_carefully(count)?
        };
        self.unsent.claimed(lane, &claim);
        Ok(claim)
    }

    /// From now on until [`Unsent::end`], what `lane` claims counts as not sent.
    pub(crate) fn begin(&self, lane: Lane) {
        self.unsent.begin(lane, self.last.load(Relaxed) + 1);
    }

    /// What is claimed and not sent.
    pub(crate) fn unsent(&self) -> &Unsent {
        &self.unsent
    }

    /// How many numbers have been given out, whether a packet bears them or not.
    pub(crate) fn used(&self) -> u64 {
        self.last.load(Relaxed)
    }

    #[cold]
    fn claim_carefully(&self, count: u64) -> Result<Claim, DropReason> {
        let some = |last| count.min(self.limit - last);
        self.last
            .fetch_update(AcqRel, Relaxed, |last| {
                (last < self.limit).then(|| last + some(last))
            })
            .map(|last| Claim::new(last, some(last)))
            .map_err(|_| DropReason::OutSequenceExhausted)
    }

    /// As if everything up to `sequence` had been sent.
    #[cfg(test)]
    pub(crate) fn skip_to(&self, sequence: u64) {
        self.last.fetch_max(sequence, Relaxed);
    }
}

/// Numbers that belong to who holds this. It can't be copied, so none can be used twice; what is dropped unused is never
/// sent, which RFC 4303 allows.
#[derive(Debug, Default)]
pub(crate) struct Claim {
    /// All of them come after this one.
    before: u64,
    /// The last one that was used.
    last: u64,
    left: u64,
}

impl Claim {
    fn new(before: u64, count: u64) -> Self {
        Self {
            before,
            last: before,
            left: count,
        }
    }

    /// The first number, used or not.
    pub(crate) fn first(&self) -> u64 {
        self.before + 1
    }

    /// The last number, used or not.
    pub(crate) fn end(&self) -> u64 {
        self.last + self.left
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX)
    }
}

impl Iterator for Claim {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        self.last += 1;
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)] // threads that claim at once
    use super::*;

    const L: Lane = Lane::new(0);

    fn near(limit: u64, left: u64) -> Sequence {
        let sequence = Sequence::new(limit, 1);
        sequence.skip_to(limit - left);
        sequence
    }

    const LIMITS: [u64; 2] = [u32::MAX as u64, u64::MAX];

    /// RFC 4303 3.3.3: the counter must not cycle.
    #[test]
    fn the_last_number_is_given_out_once_and_then_nothing_ever() {
        for limit in LIMITS {
            let s = near(limit, 2);
            let one = || s.claim(L, 1).map(|claim| claim.collect::<Vec<_>>());
            assert_eq!(one(), Ok(vec![limit - 1]));
            assert_eq!(one(), Ok(vec![limit]));
            for _ in 0..3 {
                assert_eq!(one(), Err(DropReason::OutSequenceExhausted));
            }
        }
    }

    #[test]
    fn a_claim_near_the_end_gets_what_is_left() {
        for limit in LIMITS {
            let s = near(limit, 5);
            let numbers = |count| s.claim(L, count).map(|claim| claim.collect::<Vec<_>>());
            assert_eq!(numbers(3), Ok(vec![limit - 4, limit - 3, limit - 2]));
            assert_eq!(numbers(3), Ok(vec![limit - 1, limit]));
            assert_eq!(numbers(3), Err(DropReason::OutSequenceExhausted));
        }
    }

    #[test]
    fn no_number_is_skipped_where_care_begins() {
        for limit in LIMITS {
            let s = near(limit, CAREFUL + 3);
            let mut numbers = Vec::new();
            for _ in 0..4 {
                numbers.extend(s.claim(L, 2).unwrap_or_default());
            }
            let first = limit - CAREFUL - 2;
            assert_eq!(numbers, (first..first + 8).collect::<Vec<_>>());
        }
    }

    /// A number is the nonce of a packet, so giving one out twice would give away both packets (RFC 4106 2). Threads that
    /// claim one, a few or many, and don't use all of them: none is given out twice among more than ten million.
    #[test]
    fn abuse_87_no_number_of_ten_million_is_given_out_twice() {
        const THREADS: u64 = 8;
        const NUMBERS: u64 = 10_500_000;
        let sequence = Sequence::new(u64::from(u32::MAX), 8);
        let words = usize::try_from(NUMBERS / 64 + 1).unwrap_or(0);
        let given: Vec<AtomicU64> = (0..words).map(|_| AtomicU64::new(0)).collect();
        let (sequence, given) = (&sequence, &given);
        let claim_all = |thread: u64| {
            let (mut used, mut step) = (0, thread);
            loop {
                step = step
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let sizes = [1, 2, 7, 64, 1024];
                let size = sizes[(step >> 33) as usize % sizes.len()];
                let used_of_it = (step >> 40) % 4;
                let claim = sequence.claim(L, size).unwrap_or_default();
                let part = if used_of_it == 0 {
                    claim.left / 2
                } else {
                    claim.left
                };
                for number in claim.take(part as usize) {
                    if number > NUMBERS {
                        return used;
                    }
                    let bit = 1 << (number % 64);
                    let before = given[(number / 64) as usize].fetch_or(bit, Relaxed);
                    assert_eq!(before & bit, 0, "{number} was given out twice");
                    used += 1;
                }
            }
        };
        let used: u64 = std::thread::scope(|scope| {
            let all: Vec<_> = (0..THREADS)
                .map(|n| scope.spawn(move || claim_all(n)))
                .collect();
            all.into_iter().map(|t| t.join().unwrap_or(0)).sum()
        });
        let bits: u32 = given
            .iter()
            .map(|word| word.load(Relaxed).count_ones())
            .sum();
        assert_eq!(u64::from(bits), used, "and each was told to one alone");
        assert!(
            used > NUMBERS * 4 / 5 && sequence.used() >= NUMBERS,
            "{used}"
        );
    }

    #[test]
    fn a_claim_is_never_empty_and_has_an_upper_bound() {
        let s = Sequence::new(u64::MAX, 1);
        assert_eq!(s.claim(L, 0).unwrap_or_default().count(), 1);
        let most = s.claim(L, u16::MAX).unwrap_or_default();
        assert_eq!(most.count(), usize::from(MOST_AT_ONCE));
    }
}
