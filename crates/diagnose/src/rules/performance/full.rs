//! Threads of our own that carry packets and have no time left.

use adit_model::complaint::Complaint;
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
    /// Whether the number of threads is configured.
    pub configured: bool,
    /// Of the fullest one's time, in per cent: waiting for a processor.
    pub waits: u64,
    /// Of the time, in per cent: kept from running by a quota.
    throttled: u64,
    lost: u64,
    seconds: u64,
}

/// The threads, where packets were lost because of them: without that they carry all that comes. A sender that goes as fast
/// as it can always loses some, so few of many are none where nobody finds it slow.
pub(super) fn full_threads<'a>(s: &Signals<'a>) -> Option<FullThreads<'a>> {
    const SEVERAL: u64 = 50;
    /// One of so many.
    const OF: u64 = 100;
    let seen = s.sign(Sign::PlaneFull)?;
    let known = |name| seen.value(name).and_then(|n| n.parse::<u64>().ok());
    let number = |name| known(name).unwrap_or(0);
    let lost = number("lost");
    let many = known("packets").is_some_and(|all| lost.saturating_mul(OF) >= all);
    let slow = s.complains(Complaint::Slow).is_some() || s.throughput().next().is_some();
    (lost >= SEVERAL && (many || slow)).then(|| FullThreads {
        seen,
        full: number("full"),
        threads: number("threads"),
        allowed: number("allowed"),
        processors: number("processors"),
        configured: seen.value("configured").is_some(),
        waits: number("waits"),
        throttled: number("throttled"),
        lost,
        seconds: number("seconds"),
    })
}

impl FullThreads<'_> {
    /// They are held to one of several processors.
    pub(super) fn held(&self) -> bool {
        self.allowed == 1 && self.processors > 1
    }

    /// A quota of processor time keeps them from running.
    pub(super) fn by_quota(&self) -> bool {
        const MUCH: u64 = 20;
        self.throttled >= MUCH
    }

    /// Other programs have the processors for much of the time.
    pub(super) fn others_have_it(&self) -> bool {
        const MUCH: u64 = 40;
        self.waits >= MUCH
    }

    /// What comes of it, in a sentence.
    pub(super) fn lost(&self) -> String {
        format!(
            "In {} s {} packets waited for them until there was no room left, and were dropped.",
            self.seconds, self.lost
        )
    }
}
