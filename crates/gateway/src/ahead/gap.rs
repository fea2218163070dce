//! The gap without an SA, measured: how long the newest one was, and what became of the tunnel's packets in it.
//!
//! Packets that reach the tunnel's device or policy are held back there; those that are led round it are stopped by the block;
//! of an optional tunnel they leave in clear. Counters are read when a gap begins and when it ends. Where many tunnels come and go
//! at once, that is put off for a quarter of a second; while a tunnel is up its counters stand still.

use std::collections::BTreeMap;
use std::time::Duration;

use adit_esp::ChildReport;
use adit_kernel::block::BlockCount;
use adit_model::ahead::Ahead;
use adit_model::drops::DropReason;
use adit_model::{Mono, Now, Wall};

use crate::gateway::Gateway;
use crate::retry::Presence;
use crate::tunnel::Tunnel;

/// What is counted of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Packets for which there was no SA.
    pub held: u64,
    /// Packets that the block stopped on their way out.
    pub stopped: u64,
    /// Packets that have left in clear.
    pub left: u64,
}

impl Counts {
    fn since(self, before: Self) -> Self {
        let more = |now: u64, before: u64| now.saturating_sub(before);
        Self {
            held: more(self.held, before.held),
            stopped: more(self.stopped, before.stopped),
            left: more(self.left, before.left),
        }
    }
}

/// The newest gap of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gap {
    /// When it began, and what had been counted by then.
    begun: Option<(Wall, Counts)>,
    /// When it ended, and what had been counted by then; `None` while it lasts.
    ended: Option<(Wall, Counts)>,
}

/// A gap as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub since: Wall,
    /// `None` while it lasts.
    pub until: Option<Wall>,
    pub counts: Counts,
}

impl Gap {
    /// Whether what is known doesn't fit what there is.
    fn is_news(&self, up: bool) -> bool {
        match (up, self.begun, self.ended) {
            (true, Some(_), None) => true,
            (true, ..) => false,
            (false, Some(_), None) => false,
            (false, ..) => true,
        }
    }

    fn take(&mut self, up: bool, at: Wall, counts: Counts) {
        if !self.is_news(up) {
            return;
        }
        if up {
            self.ended = Some((at, counts));
        } else {
            (self.begun, self.ended) = (Some((at, counts)), None);
        }
    }

    /// What it came to; `counts` are those of now.
    pub fn measured(&self, counts: Counts) -> Option<Measured> {
        let (since, before) = self.begun?;
        let after = self.ended.map_or(counts, |(_, counts)| counts);
        Some(Measured {
            since,
            until: self.ended.map(|(at, _)| at),
            counts: after.since(before),
        })
    }
}

/// What is counted of a tunnel now.
pub(crate) fn counts_of(
    name: &str,
    block: &BTreeMap<String, BlockCount>,
    children: &[ChildReport],
) -> Counts {
    let held = children
        .iter()
        .filter(|report| report.child.connection == name)
        .map(|report| report.drops.of(DropReason::OutNoSa));
    let count = block.get(name);
    Counts {
        held: held.sum(),
        stopped: count.map_or(0, |c| c.clear_out.packets),
        left: count.map_or(0, |c| c.optional_out.packets),
    }
}

impl Measured {
    /// As a fact.
    pub fn known(self, now: Wall) -> Ahead {
        Ahead::Gap {
            since: self.since,
            until: self.until,
            held: self.counts.held,
            stopped: self.counts.stopped,
            left: self.counts.left,
            now,
        }
    }
}

impl Gateway {
    /// Whether a tunnel has come up or gone down, and its counters aren't read yet.
    fn has_gaps_to_read(&self) -> bool {
        let is_news = |t: &Tunnel| t.ahead.gap.is_news(t.presence == Presence::Up);
        self.tunnels.values().any(is_news)
    }

    /// When they are.
    pub(crate) fn gaps_due(&self) -> Option<Mono> {
        self.has_gaps_to_read().then_some(self.gaps_at)
    }

    /// Reads the counters of tunnels that have come up or gone down.
    pub(crate) fn measure_gaps(&mut self, now: Now) {
        if now.mono < self.gaps_at || !self.has_gaps_to_read() {
            return;
        }
        if self.tunnels.len() > FEW {
            self.gaps_at = now.mono + PACE;
        }
        let (block, children) = (self.block_counts(), self.backend.children());
        for (name, tunnel) in &mut self.tunnels {
            let up = tunnel.presence == Presence::Up;
            if tunnel.ahead.gap.is_news(up) {
                let counts = counts_of(name, &block, &children);
                tunnel.ahead.gap.take(up, now.wall, counts);
            }
        }
    }
}

/// How often counters are read for it where there are many tunnels: all counters are read at once.
const PACE: Duration = Duration::from_millis(250);
/// As many aren't many.
const FEW: usize = 16;
/// Before anything was read.
pub(crate) const NEVER: Mono = Mono(0);

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(held: u64, stopped: u64, left: u64) -> Counts {
        Counts {
            held,
            stopped,
            left,
        }
    }

    #[test]
    fn the_newest_gap_is_what_came_between_down_and_up() {
        let mut gap = Gap::default();
        assert_eq!(gap.measured(counts(9, 9, 9)), None);
        gap.take(false, Wall(1000), counts(5, 1, 0));
        // Still down: when it began stays.
        gap.take(false, Wall(1500), counts(6, 1, 0));
        let now = gap.measured(counts(8, 2, 0));
        assert_eq!(now.map(|m| (m.since, m.until)), Some((Wall(1000), None)));
        assert_eq!(now.map(|m| m.counts), Some(counts(3, 1, 0)));
        gap.take(true, Wall(2000), counts(12, 4, 1));
        // What is counted while it is up isn't the gap's.
        let over = gap.measured(counts(99, 99, 99));
        assert_eq!(over.map(|m| m.until), Some(Some(Wall(2000))));
        assert_eq!(over.map(|m| m.counts), Some(counts(7, 3, 1)));
        gap.take(false, Wall(9000), counts(99, 99, 99));
        let next = gap.measured(counts(100, 99, 99));
        assert_eq!(next.map(|m| m.since), Some(Wall(9000)));
        assert_eq!(next.map(|m| m.counts), Some(counts(1, 0, 0)));
    }

    #[test]
    fn counters_that_begin_anew_are_no_gap_of_their_own() {
        let mut gap = Gap::default();
        gap.take(false, Wall(1), counts(50, 50, 50));
        let made_anew = gap.measured(counts(2, 2, 2));
        assert_eq!(made_anew.map(|m| m.counts), Some(counts(0, 0, 0)));
    }
}
