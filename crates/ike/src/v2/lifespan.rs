//! When an SA is renewed, and when it ends if that doesn't succeed.

use core::time::Duration;

use adit_model::Mono;
use adit_model::life::JITTER_PERCENT;

use crate::cx::Cx;

/// The deadlines of one SA.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lifespan {
    /// When we begin to renew it; `None` for never, and while that is under way.
    pub renew: Option<Mono>,
    /// When it ends.
    pub end: Option<Mono>,
    /// Why it wasn't renewed when it was tried last.
    pub problem: Option<String>,
    /// It is being renewed on trial: when it would have been, which holds again if that comes to nothing.
    trial: Option<Option<Mono>>,
    failures: u32,
}

/// Why something is to be tried again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setback {
    /// The peer is busy (RFC 7296 2.25): soon.
    Busy,
    /// The peer, or we, refused: that may take a person.
    Refused,
}

impl Lifespan {
    /// Of an SA that comes into being now; zero durations are no limits.
    pub fn new(cx: &Cx<'_>, rekey: Duration, lifetime: Duration) -> Self {
        let after = |d: Duration| (!d.is_zero()).then(|| cx.now.mono + d);
        Self {
            renew: after(rekey).map(|_| cx.now.mono + early(cx, rekey)),
            end: after(lifetime),
            ..Self::default()
        }
    }

    /// The next deadline.
    pub fn next(&self) -> Option<Mono> {
        self.renew.into_iter().chain(self.end).min()
    }

    /// It is renewed now, to see whether that can be done.
    pub fn try_renewal(&mut self) {
        self.trial = Some(self.renew.take());
    }

    /// Whether it is being renewed on trial.
    pub fn is_trial(&self) -> bool {
        self.trial.is_some()
    }

    /// Renewing came to nothing; when it is tried again.
    pub fn put_off(&mut self, cx: &Cx<'_>, setback: Setback, problem: String) -> Duration {
        if let Some(before) = self.trial.take() {
            self.problem = Some(problem);
            self.renew = before;
            return before.map_or(Duration::ZERO, |at| at.since(cx.now.mono));
        }
        let wait = wait(cx, setback, self.failures);
        self.failures += 1;
        self.problem = Some(problem);
        self.renew = Some(cx.now.mono + wait);
        wait
    }
}

/// How long to wait after `failures` setbacks in a row: doubling, and spread so that two sides that were in each
/// other's way aren't so again.
pub(crate) fn wait(cx: &Cx<'_>, setback: Setback, failures: u32) -> Duration {
    let (first, longest) = match setback {
        Setback::Busy => (Duration::from_secs(1), BUSY_BASE),
        Setback::Refused => (Duration::from_secs(30), Duration::from_secs(600)),
    };
    let base = first.saturating_mul(1 << failures.min(10)).min(longest);
    base / 2 + base * u32::from(draw(cx)) / (u32::from(u16::MAX) + 1)
}

/// A time that is shorter by up to [`JITTER_PERCENT`].
pub(crate) fn early(cx: &Cx<'_>, time: Duration) -> Duration {
    let parts = 100 * (u32::from(u16::MAX) + 1);
    time - time / parts * (JITTER_PERCENT * u32::from(draw(cx)))
}

/// A number that is smaller by up to [`JITTER_PERCENT`]; zero, which is no limit, becomes `None`.
pub(crate) fn fewer(cx: &Cx<'_>, number: u64) -> Option<u64> {
    let parts = 100 * (u128::from(u16::MAX) + 1);
    let less = u128::from(number) * u128::from(JITTER_PERCENT) * u128::from(draw(cx)) / parts;
    let less = u64::try_from(less).unwrap_or(0);
    (number > 0).then(|| (number - less).max(1))
}

fn draw(cx: &Cx<'_>) -> u16 {
    u16::from_be_bytes(cx.provider.random_octets())
}

const BUSY_BASE: Duration = Duration::from_secs(30);
/// The longest [`wait`] for a busy peer.
pub(crate) const LONGEST_BUSY_WAIT: Duration = Duration::from_secs(45);
