//! Whether something happens at regular intervals, and at which.
//!
//! A tunnel that breaks each hour to the minute breaks of a lifetime; one that breaks at odd times breaks of its path.
//! Only times that lines give are looked at, so a log without times has no rhythm.

use adit_model::fact::Fact;

/// Intervals that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rhythm {
    /// The interval in the middle, in milliseconds.
    pub(crate) every_ms: u64,
    /// How many intervals there are.
    pub(crate) intervals: usize,
}

impl Rhythm {
    /// The interval for a sentence.
    pub(crate) fn every(self) -> String {
        span(self.every_ms)
    }
}

/// The rhythm of `facts`, when there are three or more intervals that differ by no more than a tenth from the middle
/// one (rekey times are jittered by as much), or by five seconds.
pub(crate) fn rhythm<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Option<Rhythm> {
    const FEWEST: usize = 3;
    const TOGETHER_MS: u64 = 5_000;
    let mut times: Vec<u64> = facts
        .into_iter()
        .filter_map(|f| f.at)
        .map(|at| at.0)
        .collect();
    times.sort_unstable();
    // What comes at once is one happening, told twice.
    times.dedup_by(|later, earlier| later.saturating_sub(*earlier) < TOGETHER_MS);
    let mut intervals: Vec<u64> = times
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] => Some(b.saturating_sub(*a)),
            _ => None,
        })
        .collect();
    intervals.sort_unstable();
    let every_ms = *intervals.get(intervals.len() / 2)?;
    let may_differ = (every_ms / 10).max(TOGETHER_MS);
    let alike = intervals
        .iter()
        .filter(|i| i.abs_diff(every_ms) <= may_differ)
        .count();
    // One gap may be a night in which nobody was there.
    (alike >= FEWEST && alike + 1 >= intervals.len()).then_some(Rhythm {
        every_ms,
        intervals: alike,
    })
}

/// A span of time in words.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{}.{} h", seconds / 3600, seconds % 3600 / 360),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adit_model::fact::{Known, Side, Source};
    use adit_model::now::Wall;

    fn facts(seconds: &[u64]) -> Vec<Fact> {
        let fact = |s: &u64| Fact {
            source: Source {
                name: "log".to_owned(),
                line: Some(*s),
                text: String::new(),
            },
            at: Some(Wall(s * 1000)),
            side: Side::Local,
            subject: None,
            role: None,
            what: Known::TunnelState { up: true },
        };
        seconds.iter().map(fact).collect()
    }

    #[test]
    fn equal_intervals_are_a_rhythm_and_odd_ones_are_none() {
        let hourly = rhythm(&facts(&[100, 3700, 3702, 7320, 10_900])).map(Rhythm::every);
        assert_eq!(hourly.as_deref(), Some("60 min"));
        assert_eq!(rhythm(&facts(&[100, 3700, 4100, 10_900, 11_000])), None);
        assert_eq!(rhythm(&facts(&[100, 3700, 7300])), None);
        assert_eq!(rhythm(&[]), None);
    }
}
