//! The gap without an SA, measured: how long the newest one was, and what became of the tunnel's packets in it.
//!
//! Packets that reach the tunnel's device or policy are held back there; those that are led round it are stopped by the block;
//! of an optional tunnel they leave in clear. When a gap begins and ends is noted at once, by a clock that nobody sets. Counters are
//! read then too, but where there are many tunnels at most every quarter of a second: what the block stops beside a tunnel in
//! that time counts for it, and a gap that is over before it was read isn't counted at all.

use std::collections::BTreeMap;
use std::time::Duration;

use adit_esp::ChildReport;
use adit_kernel::block::BlockCount;
use adit_model::ahead::Ahead;
use adit_model::drops::DropReason;
use adit_model::{Mono, Now, Wall};

use crate::gateway::Gateway;
use crate::retry::Presence;

/// What is counted of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Packets for which there was no SA; `None` where they are counted for the whole host alone.
    pub held: Option<u64>,
    /// Packets that the block stopped on their way out.
    pub stopped: u64,
    /// Packets that have left in clear.
    pub left: u64,
}

impl Counts {
    fn since(self, before: Self) -> Self {
        Self {
            held: self
                .held
                .zip(before.held)
                .map(|(now, before)| now.saturating_sub(before)),
            stopped: self.stopped.saturating_sub(before.stopped),
            left: self.left.saturating_sub(before.left),
        }
    }
}

/// The newest gap of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gap {
    /// When it began.
    begun: Option<Mono>,
    /// When it ended; `None` while it lasts.
    ended: Option<Mono>,
    /// What had been counted when it began; `None` as long as that hasn't been read.
    before: Option<Counts>,
    /// What had been counted when it ended, likewise.
    after: Option<Counts>,
}

/// A gap as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub since: Wall,
    /// `None` while it lasts.
    pub until: Option<Wall>,
    pub seconds: u64,
    /// Packets held back; `None` where that isn't known of a tunnel.
    pub held: Option<u64>,
    /// Packets that the block stopped, likewise.
    pub stopped: Option<u64>,
    /// Packets that left in clear, likewise.
    pub left: Option<u64>,
}

impl Gap {
    /// Notes whether there is an SA.
    fn turn(&mut self, up: bool, at: Mono) {
        let lasts = self.begun.is_some() && self.ended.is_none();
        if up && lasts {
            self.ended = Some(at);
        } else if !(up || lasts) {
            *self = Self {
                begun: Some(at),
                ..Self::default()
            };
        }
    }

    /// Whether counters are to be read for it.
    fn wants(&self) -> bool {
        match (self.begun, self.ended) {
            (Some(_), None) => self.before.is_none(),
            // Of one that was over before it was read nothing can be told.
            (Some(_), Some(_)) => self.before.is_some() && self.after.is_none(),
            (None, _) => false,
        }
    }

    /// Counters were read.
    fn read(&mut self, counts: Counts) {
        if !self.wants() {
            return;
        }
        let place = match self.ended {
            None => &mut self.before,
            Some(_) => &mut self.after,
        };
        *place = Some(counts);
    }

    /// What it came to; `counts` are those of now.
    pub fn measured(&self, now: Now, counts: Counts) -> Option<Measured> {
        let begun = self.begun?;
        let came_to = self
            .before
            .map(|before| self.after.unwrap_or(counts).since(before));
        Some(Measured {
            since: now.wall_at(begun),
            until: self.ended.map(|at| now.wall_at(at)),
            seconds: self.ended.unwrap_or(now.mono).since(begun).as_secs(),
            held: came_to.and_then(|counts| counts.held),
            // Where the kernel's policies hold packets back, they stop those beside the tunnel too.
            stopped: came_to
                .filter(|counts| counts.held.is_some() || counts.stopped > 0)
                .map(|counts| counts.stopped),
            left: came_to.map(|counts| counts.left),
        })
    }
}

/// What is counted of a tunnel now. `held_counted` says whether packets that were held back are counted by tunnel.
pub(crate) fn counts_of(
    name: &str,
    block: &BTreeMap<String, BlockCount>,
    children: &[ChildReport],
    held_counted: bool,
) -> Counts {
    let held = children
        .iter()
        .filter(|report| report.child.connection == name)
        .map(|report| report.drops.of(DropReason::OutNoSa));
    let count = block.get(name);
    Counts {
        held: held_counted.then(|| held.sum()),
        stopped: count.map_or(0, |c| c.clear_out.packets),
        left: count.map_or(0, |c| c.optional_out.packets),
    }
}

impl Measured {
    /// As a fact.
    pub fn known(self) -> Ahead {
        Ahead::Gap {
            since: self.since,
            until: self.until,
            seconds: self.seconds,
            held: self.held,
            stopped: self.stopped,
            left: self.left,
        }
    }
}

/// When counters may be read again.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mono);

impl Pace {
    /// Notes which tunnels are up. Says whether counters are to be read now.
    fn look<'a>(&mut self, now: Mono, tunnels: impl Iterator<Item = (bool, &'a mut Gap)>) -> bool {
        let (mut wanted, mut all) = (false, 0);
        for (up, gap) in tunnels {
            gap.turn(up, now);
            all += 1;
            wanted |= gap.wants();
        }
        let reads = wanted && now >= self.0;
        if reads && all > FEW {
            self.0 = now + PACE;
        }
        reads
    }

    /// When they are to be read, if they are.
    fn due<'a>(&self, mut gaps: impl Iterator<Item = &'a Gap>) -> Option<Mono> {
        gaps.any(Gap::wants).then_some(self.0)
    }
}

impl Gateway {
    /// Reads the counters of tunnels that have come up or gone down.
    pub(crate) fn measure_gaps(&mut self, now: Now) {
        let tunnels = self.tunnels.values_mut();
        let gaps = tunnels.map(|t| (t.presence == Presence::Up, &mut t.ahead.gap));
        if !self.gaps.look(now.mono, gaps) {
            return;
        }
        let (block, children) = (self.block_counts(), self.backend.children());
        let counted = self.backend.counts_held_back();
        for (name, tunnel) in &mut self.tunnels {
            if tunnel.ahead.gap.wants() {
                let counts = counts_of(name, &block, &children, counted);
                tunnel.ahead.gap.read(counts);
            }
        }
    }

    /// When that is due next.
    pub(crate) fn gaps_due(&self) -> Option<Mono> {
        self.gaps.due(self.tunnels.values().map(|t| &t.ahead.gap))
    }
}

/// How often counters are read for it where there are many tunnels: all counters are read at once.
const PACE: Duration = Duration::from_millis(250);
/// As many aren't many.
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(held: u64, stopped: u64, left: u64) -> Counts {
        Counts {
            held: Some(held),
            stopped,
            left,
        }
    }

    fn at(ms: u64) -> Mono {
        Mono(ms * 1_000_000)
    }

    fn now(ms: u64) -> Now {
        Now {
            mono: at(ms),
            wall: Wall(1_700_000_000_000 + ms),
        }
    }

    /// Held back, stopped, left; and the seconds.
    fn told(gap: &Gap, ms: u64, counts: Counts) -> Option<([Option<u64>; 3], u64)> {
        let m = gap.measured(now(ms), counts)?;
        Some(([m.held, m.stopped, m.left], m.seconds))
    }

    fn all(held: u64, stopped: u64, left: u64) -> [Option<u64>; 3] {
        [Some(held), Some(stopped), Some(left)]
    }

    #[test]
    fn the_newest_gap_is_what_came_between_down_and_up() {
        let mut gap = Gap::default();
        assert_eq!(told(&gap, 0, counts(9, 9, 9)), None);
        gap.turn(false, at(1000));
        gap.read(counts(5, 1, 0));
        // Still down: when it began stays, and what had been counted.
        gap.turn(false, at(1500));
        gap.read(counts(6, 1, 0));
        assert_eq!(told(&gap, 2000, counts(8, 2, 0)), Some((all(3, 1, 0), 1)));
        gap.turn(true, at(4000));
        gap.read(counts(12, 4, 1));
        // What is counted while it is up isn't the gap's.
        let over = Some((all(7, 3, 1), 3));
        assert_eq!(told(&gap, 9000, counts(99, 99, 99)), over);
        gap.turn(false, at(9000));
        gap.read(counts(99, 99, 99));
        assert_eq!(
            told(&gap, 9000, counts(100, 99, 99)),
            Some((all(1, 0, 0), 0))
        );
    }

    #[test]
    fn counters_that_begin_anew_are_no_gap_of_their_own() {
        let mut gap = Gap::default();
        gap.turn(false, at(1));
        gap.read(counts(50, 50, 50));
        assert_eq!(told(&gap, 1, counts(2, 2, 2)), Some((all(0, 0, 0), 0)));
    }

    /// A host without a clock of its own starts in 1970, and is told the time while the tunnel is down.
    #[test]
    fn a_clock_that_is_set_makes_no_gap_longer() {
        let mut gap = Gap::default();
        gap.turn(false, at(1000));
        gap.turn(true, at(9000));
        let set = Now {
            mono: at(10_000),
            wall: Wall(1_700_000_000_000),
        };
        let measured = gap.measured(set, counts(0, 0, 0));
        let measured = measured.unwrap_or_else(|| panic!("a gap"));
        assert_eq!(measured.seconds, 8);
        assert_eq!(measured.since, Wall(1_700_000_000_000 - 9000));
        assert_eq!(measured.until, Some(Wall(1_700_000_000_000 - 1000)));
    }

    /// With the kernel's IPsec what is held back is counted for the host: none of it is no zero.
    #[test]
    fn what_isnt_counted_by_tunnel_is_no_zero() {
        let host_alone = |stopped, left| Counts {
            held: None,
            stopped,
            left,
        };
        let mut gap = Gap::default();
        gap.turn(false, at(0));
        gap.read(host_alone(0, 2));
        let nothing = [None, None, Some(3)];
        assert_eq!(told(&gap, 0, host_alone(0, 5)), Some((nothing, 0)));
        let stopped = [None, Some(4), Some(3)];
        assert_eq!(told(&gap, 0, host_alone(4, 5)), Some((stopped, 0)));
    }

    /// One of many: the first two go up and down, the others stay up.
    fn look(pace: &mut Pace, ms: u64, up: [bool; 2], gaps: &mut [Gap]) -> bool {
        let up = up.into_iter().chain(std::iter::repeat(true));
        let reads = pace.look(at(ms), up.zip(gaps.iter_mut()));
        if reads {
            for gap in gaps.iter_mut() {
                gap.read(counts(ms, 0, 0));
            }
        }
        reads
    }

    /// Two tunnels fall, one a moment after the other, and the second is back before counters are read again.
    #[test]
    fn what_is_put_off_is_read_later_and_no_gap_is_missed() {
        let (mut pace, mut gaps) = (Pace::default(), [Gap::default(); FEW + 1]);
        assert!(!look(&mut pace, 1000, [true, true], &mut gaps));
        assert_eq!(pace.due(gaps.iter()), None, "there is nothing new");
        assert!(look(&mut pace, 2000, [false, true], &mut gaps));
        assert!(!look(&mut pace, 2010, [false, false], &mut gaps));
        assert_eq!(pace.due(gaps.iter()), Some(at(2250)));
        let mut back = gaps;
        assert!(!look(&mut pace, 2100, [false, true], &mut back));
        let short = told(&back[1], 2200, counts(9999, 0, 0));
        assert_eq!(short, Some(([None; 3], 0)), "it was, and isn't counted");
        assert_eq!(pace.due(back.iter()), None);
        // The other way it goes on, and is read when that is due.
        assert!(look(&mut pace, 2250, [false, false], &mut gaps));
        assert_eq!(pace.due(gaps.iter()), None);
        let lasts = told(&gaps[1], 5010, counts(2300, 0, 0));
        assert_eq!(lasts, Some((all(50, 0, 0), 3)));
        // Its end is put off like its begin.
        assert!(look(&mut pace, 6000, [true, false], &mut gaps));
        assert!(!look(&mut pace, 6100, [true, true], &mut gaps));
        assert_eq!(pace.due(gaps.iter()), Some(at(6250)));
        let over = told(&gaps[1], 6200, counts(6150, 0, 0));
        assert_eq!(over, Some((all(3900, 0, 0), 4)));
    }

    #[test]
    fn few_tunnels_are_read_at_once() {
        let (mut pace, mut gaps) = (Pace::default(), [Gap::default(); FEW]);
        assert!(look(&mut pace, 2000, [false, true], &mut gaps));
        assert!(look(&mut pace, 2010, [false, false], &mut gaps));
        assert!(look(&mut pace, 2020, [false, true], &mut gaps));
        let short = told(&gaps[1], 9000, counts(9999, 0, 0));
        assert_eq!(short, Some((all(10, 0, 0), 0)));
    }
}
