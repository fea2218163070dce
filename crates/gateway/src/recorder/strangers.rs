//! How much of a recording anybody may fill who can send us packets: a little of it, however many they send and however
//! long these are. Hours of what tunnels did would be gone otherwise.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use adit_model::Now;

/// What strangers and rejected packets have used up, and what was left out.
#[derive(Debug)]
pub(super) struct Budget {
    /// When this second began.
    since: Now,
    taken: u32,
    left_out: u64,
    /// Octets that they may fill now; what isn't used is saved up to [`BURST`].
    octets: u64,
    refilled: Now,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            since: Now::default(),
            taken: 0,
            left_out: 0,
            octets: BURST,
            refilled: Now::default(),
        }
    }
}

impl Budget {
    /// Begins a new second, if one is over; how many records the one before left out.
    pub(super) fn tick(&mut self, at: Now) -> u64 {
        if at.mono.since(self.since.mono) < SECOND {
            return 0;
        }
        self.since = at;
        self.taken = 0;
        std::mem::take(&mut self.left_out)
    }

    /// Whether there is room for one more record, of so many octets.
    pub(super) fn may_take(&mut self, at: Now, octets: usize) -> bool {
        let passed = at.mono.since(self.refilled.mono).as_millis();
        let grown = u64::try_from(passed)
            .unwrap_or(u64::MAX)
            .saturating_mul(A_SECOND)
            / 1000;
        if grown > 0 {
            self.octets = self.octets.saturating_add(grown).min(BURST);
            self.refilled = at;
        }
        let octets = u64::try_from(octets)
            .unwrap_or(u64::MAX)
            .saturating_add(AROUND);
        let takes = self.taken < STRANGERS && octets <= self.octets;
        if takes {
            self.taken += 1;
            self.octets -= octets;
        } else {
            self.left_out += 1;
        }
        takes
    }
}

/// Initiator's SPIs of IKE SAs that are a tunnel's, the newest of them: what is sent under them isn't just anybody's.
#[derive(Debug, Default)]
pub(super) struct Known {
    spis: BTreeSet<[u8; 8]>,
    order: VecDeque<[u8; 8]>,
}

impl Known {
    /// A message of a tunnel was seen, its header first.
    pub(super) fn learn(&mut self, message: &[u8]) {
        let Some(spi) = message.first_chunk() else {
            return;
        };
        if self.spis.insert(*spi) {
            self.order.push_back(*spi);
            if self.order.len() > MOST_KNOWN
                && let Some(oldest) = self.order.pop_front()
            {
                self.spis.remove(&oldest);
            }
        }
    }

    /// Whether a message is of such an IKE SA.
    pub(super) fn has(&self, message: &[u8]) -> bool {
        message
            .first_chunk()
            .is_some_and(|spi| self.spis.contains(spi))
    }
}

/// Records a second about strangers and rejected packets.
pub(super) const STRANGERS: u32 = 40;
/// Octets that they may fill at once.
const BURST: u64 = 256 << 10;
/// Octets a second that they may fill for long: about two megabytes an hour.
const A_SECOND: u64 = 512;
/// What a record has around what it tells.
const AROUND: u64 = 200;
/// IKE SAs that are remembered.
const MOST_KNOWN: usize = 16_384;
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use adit_model::{Mono, Wall};

    fn at(seconds: u64) -> Now {
        Now {
            mono: Mono(0) + Duration::from_secs(seconds),
            wall: Wall(seconds * 1000),
        }
    }

    /// A refused IKE_SA_INIT of the greatest length, eight a second, for an hour.
    #[test]
    fn long_messages_of_strangers_fill_no_more_than_short_ones() {
        let mut budget = Budget::default();
        let mut octets = 0;
        for second in 0..3600 {
            budget.tick(at(second));
            for _ in 0..8 {
                octets += u64::from(budget.may_take(at(second), 60_000)) * 60_000;
            }
        }
        assert!(octets > 60_000, "some are kept");
        assert!(octets < 3 << 20, "{octets} octets in an hour");
    }

    #[test]
    fn who_is_known_is_known_by_the_sa_and_the_oldest_are_forgotten() {
        let mut known = Known::default();
        known.learn(&[7; 28]);
        assert!(known.has(&[7; 40]) && !known.has(&[8; 40]) && !known.has(&[7; 4]));
        for n in 0..MOST_KNOWN as u64 {
            known.learn(&(n + 1).to_be_bytes());
        }
        assert!(!known.has(&[7; 40]));
        assert_eq!(known.spis.len(), MOST_KNOWN);
    }
}
