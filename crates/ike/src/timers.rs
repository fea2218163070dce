//! Deadlines: points in time, each with its reason.

use std::collections::{BTreeMap, BTreeSet};

use adit_model::Mono;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerReason {
    /// A request goes out again, or is given up.
    Retransmit,
    /// An unprotected error stands unless a better answer comes.
    UnprotectedGrace,
    /// A peer that began hasn't finished.
    HalfOpen,
    /// A peer that began several key exchanges after CREATE_CHILD_SA hasn't gone on.
    Followup,
    /// The key holder hasn't answered.
    KeyHolder,
    /// The peer has been silent for so long that it is asked whether it lives.
    Liveness,
    /// The NAT in front of us has to be kept open.
    Keepalive,
    /// An SA is to be renewed, or has reached the end of its life, or a child that was refused is asked for again.
    Renewal,
    /// A replaced IKE SA wasn't deleted by the peer that replaced it.
    Replaced,
    /// The last answer of a closed IKE SA needn't be kept any longer.
    Linger,
}

/// A deadline with its reason.
pub(crate) type Deadline = (Mono, TimerReason);

/// The earlier of two deadlines that may not be set.
pub(crate) fn sooner(a: Option<Deadline>, b: Option<Deadline>) -> Option<Deadline> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// One deadline for each IKE SA, found by time.
#[derive(Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(Deadline, u64)>,
    by_owner: BTreeMap<u64, Deadline>,
}

impl Timers {
    /// Sets, moves or (with `None`) clears the deadline of `owner`.
    pub fn set(&mut self, owner: u64, deadline: Option<Deadline>) {
        if let Some(old) = self.by_owner.remove(&owner) {
            self.by_time.remove(&(old, owner));
        }
        if let Some(deadline) = deadline {
            self.by_owner.insert(owner, deadline);
            self.by_time.insert((deadline, owner));
        }
    }

    pub fn len(&self) -> usize {
        self.by_time.len()
    }

    /// The next deadline.
    pub fn next(&self) -> Option<Deadline> {
        self.by_time.first().map(|(deadline, _)| *deadline)
    }

    /// Whose deadline has passed at `now`, earliest first.
    pub fn due(&self, now: Mono) -> Vec<u64> {
        self.by_time
            .iter()
            .take_while(|((at, _), _)| *at <= now)
            .map(|(_, owner)| *owner)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_is_told_and_moving_one_forgets_the_old() {
        let mut timers = Timers::default();
        timers.set(1, Some((Mono(30), TimerReason::Liveness)));
        timers.set(2, Some((Mono(20), TimerReason::Retransmit)));
        assert_eq!(timers.next(), Some((Mono(20), TimerReason::Retransmit)));
        timers.set(2, Some((Mono(40), TimerReason::Retransmit)));
        assert_eq!(timers.next(), Some((Mono(30), TimerReason::Liveness)));
        assert_eq!(timers.due(Mono(40)), [1, 2]);
        timers.set(1, None);
        timers.set(2, None);
        assert_eq!(timers.next(), None);
    }
}
