//! The numbers of sent packets (RFC 4303 2.2, 3.3.3).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use adit_model::drops::DropReason;

/// The one counter of a sending SA. Each value is given out once; it is the sequence number and the cipher's IV
/// counter alike, so neither can repeat under one key (RFC 4303 3.3.3, RFC 4106 3.1).
pub(crate) struct Sequence {
    last: AtomicU64,
    limit: u64,
}

/// Most numbers that are claimed at once.
pub(crate) const MOST_AT_ONCE: u16 = 1024;

/// So close to the limit numbers are counted out with care. Before, an unconditional addition can't pass it: that would
/// take 16,384 threads that each claim the most that can be had between one thread's look and its addition.
const CAREFUL: u64 = 1 << 24;

impl Sequence {
    /// Numbers from 1 up to and with `limit`.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            last: AtomicU64::new(0),
            limit,
        }
    }

    /// The next `count` numbers, at most [`MOST_AT_ONCE`], or as many as are left. They are never given out again.
    #[inline]
    pub(crate) fn claim(&self, count: u16) -> Result<Claim, DropReason> {
        let count = u64::from(count.clamp(1, MOST_AT_ONCE));
        if self.last.load(Relaxed) < self.limit - CAREFUL {
            let last = self.last.fetch_add(count, Relaxed);
            return Ok(Claim { last, left: count });
        }
        self.claim_carefully(count)
    }

    /// How many numbers have been given out, whether a packet bears them or not.
    pub(crate) fn used(&self) -> u64 {
        self.last.load(Relaxed)
    }

    #[cold]
    fn claim_carefully(&self, count: u64) -> Result<Claim, DropReason> {
        let some = |last| count.min(self.limit - last);
        self.last
            .fetch_update(Relaxed, Relaxed, |last| {
                (last < self.limit).then(|| last + some(last))
            })
            .map(|last| Claim {
                last,
                left: some(last),
            })
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
    last: u64,
    left: u64,
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
    use super::*;

    fn near(limit: u64, left: u64) -> Sequence {
        let sequence = Sequence::new(limit);
        sequence.skip_to(limit - left);
        sequence
    }

    const LIMITS: [u64; 2] = [u32::MAX as u64, u64::MAX];

    /// RFC 4303 3.3.3: the counter must not cycle.
    #[test]
    fn the_last_number_is_given_out_once_and_then_nothing_ever() {
        for limit in LIMITS {
            let s = near(limit, 2);
            let one = || s.claim(1).map(|claim| claim.collect::<Vec<_>>());
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
            let numbers = |count| s.claim(count).map(|claim| claim.collect::<Vec<_>>());
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
                numbers.extend(s.claim(2).unwrap_or_default());
            }
            let first = limit - CAREFUL - 2;
            assert_eq!(numbers, (first..first + 8).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_claim_is_never_empty_and_has_an_upper_bound() {
        let s = Sequence::new(u64::MAX);
        assert_eq!(s.claim(0).unwrap_or_default().count(), 1);
        let most = s.claim(u16::MAX).unwrap_or_default();
        assert_eq!(most.count(), usize::from(MOST_AT_ONCE));
    }
}
