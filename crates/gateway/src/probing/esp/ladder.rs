//! Which sizes are tried next.

use super::packet::{SHORTEST, Shot};

/// What was sent in one direction and what came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub sent: Vec<Shot>,
    pub arrived: Vec<Shot>,
    /// Those that were sent in more than one round.
    pub twice: Vec<Shot>,
    /// Some that were wanted weren't sent: the budget of a test was used up.
    pub ended: bool,
}

/// What is known of the longest packet in one direction, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// The longest that arrived.
    pub good: u16,
    /// The shortest beyond that didn't, and how many beyond were sent.
    pub lost: Option<(u16, usize)>,
}

impl Tally {
    /// These were sent, in one round.
    pub(super) fn has_sent(&mut self, shots: Vec<Shot>) {
        let before = |shot: &&Shot| self.sent.contains(shot);
        let again: Vec<Shot> = shots.iter().filter(before).copied().collect();
        self.twice.extend(again);
        self.sent.extend(shots);
    }

    /// Long ones in this encapsulation don't count: nothing passed then, of whatever size.
    pub(super) fn forget_long(&mut self, udp: bool) {
        self.sent
            .retain(|shot| shot.udp != udp || shot.octets == SHORTEST);
    }

    /// Whether packets of one length, longer than `good` and no longer than `most`, were lost in two rounds: what is lost in
    /// one may be so for another reason than its length.
    pub(super) fn lost_twice(&self, udp: bool, good: u16, most: u16) -> bool {
        let of = |s: &Shot| s.udp == udp && s.whole && s.octets > good && s.octets <= most;
        self.twice.iter().any(of)
    }

    /// Of the short ones in this encapsulation, how many were sent and how many arrived.
    pub(super) fn short(&self, udp: bool) -> (usize, usize) {
        let short = |shots: &[Shot]| {
            let of = shots
                .iter()
                .filter(|s| s.udp == udp && s.octets == SHORTEST);
            of.count()
        };
        (short(&self.sent), short(&self.arrived))
    }

    /// None of the short ones has arrived of those that were sent.
    pub(super) fn is_shut(&self, udp: bool) -> bool {
        let (sent, arrived) = self.short(udp);
        sent >= SEVERAL && arrived == 0
    }

    /// The longest that arrived whole.
    pub(super) fn reach(&self, udp: bool) -> Option<Reach> {
        let whole = |shots: &[Shot]| -> Vec<u16> {
            let of = shots.iter().filter(|s| s.udp == udp && s.whole);
            of.map(|s| s.octets).collect()
        };
        let good = whole(&self.arrived).into_iter().max()?;
        let beyond: Vec<u16> = whole(&self.sent)
            .into_iter()
            .filter(|o| *o > good)
            .collect();
        Some(Reach {
            good,
            lost: beyond.iter().min().map(|bad| (*bad, beyond.len())),
        })
    }

    /// Of those that routers may cut, how many were sent and how many arrived.
    pub(super) fn cut(&self, udp: bool) -> (usize, usize) {
        let of = |shots: &[Shot]| shots.iter().filter(|s| s.udp == udp && !s.whole).count();
        (of(&self.sent), of(&self.arrived))
    }
}

/// Sizes between one that passes and one that doesn't, evenly spread, of no more than `room` octets in all; `told`, what a
/// router says it takes, is among them.
pub(super) fn between(good: u16, bad: u16, told: Option<u16>, room: u64) -> Vec<u16> {
    let gap = u32::from(bad.saturating_sub(good));
    let each = (u64::from(good) + u64::from(bad)) / 2;
    let room = room.saturating_sub(told.unwrap_or(0).into()) / each.max(1);
    let steps = u32::try_from(room).map_or(STEPS, |room| room.min(STEPS)) + 1;
    let mut sizes: Vec<u16> = (1..steps)
        .filter_map(|step| u16::try_from(u32::from(good) + gap * step / steps).ok())
        .chain(told)
        .filter(|size| *size > good && *size < bad)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// How many short packets, or ones of the full size, tell that a kind doesn't pass.
pub(super) const SEVERAL: usize = 3;
/// Sizes of one round, without what a router says.
const STEPS: u32 = 11;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shots(sizes: &[u16]) -> Vec<Shot> {
        let shot = |octets: &u16| Shot {
            udp: false,
            octets: *octets,
            whole: true,
        };
        sizes.iter().map(shot).collect()
    }

    /// Plays the search against a path that takes `limit` octets.
    fn found(limit: u16, full: u16, told: Option<u16>) -> Reach {
        let mut tally = Tally::default();
        let mut sizes = vec![SHORTEST, full, full, full];
        for _ in 0..2 {
            assert!(sizes.iter().map(|size| u64::from(*size)).sum::<u64>() <= 20_000);
            tally.sent.extend(shots(&sizes));
            let passing: Vec<u16> = sizes.into_iter().filter(|size| *size <= limit).collect();
            tally.arrived.extend(shots(&passing));
            let reach = tally.reach(false).unwrap();
            let Some((bad, _)) = reach.lost else {
                return reach;
            };
            sizes = between(reach.good, bad, told, 20_000);
            assert!(sizes.len() <= 12);
        }
        tally.sent.extend(shots(&sizes));
        let passing: Vec<u16> = sizes.into_iter().filter(|size| *size <= limit).collect();
        tally.arrived.extend(shots(&passing));
        tally.reach(false).unwrap()
    }

    #[test]
    fn two_rounds_find_the_longest_to_ten_octets_and_what_a_router_says_to_one() {
        for limit in [576, 1280, 1300, 1420, 1492, 1499] {
            let reach = found(limit, 1500, None);
            let (bad, beyond) = reach.lost.unwrap();
            assert!(reach.good <= limit && bad > limit, "{limit}: {reach:?}");
            assert!(bad - reach.good <= 10, "{limit}: {reach:?}");
            assert!(beyond >= SEVERAL);
            assert_eq!(found(limit, 1500, Some(limit)).good, limit);
        }
        assert_eq!(found(1500, 1500, None).lost, None);
    }

    #[test]
    fn a_kind_is_shut_when_none_of_several_arrived() {
        let mut tally = Tally {
            sent: shots(&[SHORTEST; 3]),
            ..Tally::default()
        };
        assert!(tally.is_shut(false) && !tally.is_shut(true));
        assert_eq!(tally.reach(false), None);
        tally.arrived = shots(&[SHORTEST]);
        assert!(!tally.is_shut(false));
        assert_eq!(tally.short(false), (3, 1));
    }
}
