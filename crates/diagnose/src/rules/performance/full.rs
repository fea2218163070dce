//! Threads of our own that carry packets and have no time left.

use adit_model::sign::Sign;

use crate::seen::Seen;
use crate::signals::Signals;

/// What was counted of them.
#[derive(Clone, Copy)]
pub(super) struct FullThreads<'a> {
    pub seen: Seen<'a>,
    /// How many have no time left, and how many there are.
    pub full: u64,
    pub threads: u64,
    /// How many processors they may use, and how many the host has; 0 where that isn't known.
    pub allowed: u64,
    pub processors: u64,
    /// Of the fullest one's time, in per cent: waiting for a processor.
    pub waits: u64,
    lost: u64,
    seconds: u64,
}

/// The threads, where packets were lost because of them: without that they carry all that comes.
pub(super) fn full_threads<'a>(s: &Signals<'a>) -> Option<FullThreads<'a>> {
    const SEVERAL: u64 = 50;
    let seen = s.sign(Sign::PlaneFull)?;
    let number = |name| seen.value(name).and_then(|n| n.parse().ok()).unwrap_or(0);
    let lost = number("lost");
    (lost >= SEVERAL).then(|| FullThreads {
        seen,
        full: number("full"),
        threads: number("threads"),
        allowed: number("allowed"),
        processors: number("processors"),
        waits: number("waits"),
        lost,
        seconds: number("seconds"),
    })
}

impl FullThreads<'_> {
    /// What comes of it, in a sentence.
    pub(super) fn lost(&self) -> String {
        format!(
            "In {} s {} packets waited for them until there was no room left, and were dropped.",
            self.seconds, self.lost
        )
    }
}
