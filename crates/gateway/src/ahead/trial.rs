//! Rekeys on trial: soon after a tunnel is set up each child is rekeyed once, so that what a rekey will fail of is known
//! before the tunnel depends on it. The pair of SAs in use stays until there is another one, and when the peer refuses.

use std::collections::BTreeMap;
use std::time::Duration;

use adit_ike::{ChildSaState, IkeSaState};
use adit_model::ahead::{Ahead, TrialOutcome};
use adit_model::event::Role;
use adit_model::{Mono, Now};

use crate::gateway::Gateway;
use crate::retry::Presence;

/// What was tried with a tunnel's children, and what is to be.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    /// When the next one begins, or the one under way is given up.
    due: Option<Mono>,
    /// The child that is being tried.
    under_way: Option<String>,
    /// How often the one under way was put off because the peer was busy.
    put_off: u32,
    /// What came of each child's last one, and when.
    known: BTreeMap<String, (TrialOutcome, Mono)>,
    now: Mono,
}

impl Trials {
    /// Children have to be tried from then on.
    pub fn plan(&mut self, at: Mono) {
        (self.under_way, self.put_off) = (None, 0);
        self.due = Some(at);
    }

    /// Nothing is to be tried.
    pub fn stop(&mut self) {
        (self.under_way, self.due) = (None, None);
    }

    /// What was agreed on before isn't what is configured now.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// So late it is.
    pub fn tick(&mut self, now: Mono) {
        self.now = now;
    }

    /// When something is to be done.
    pub fn due(&self) -> Option<Mono> {
        self.due
    }

    /// The peer can't do it now (TEMPORARY_FAILURE, RFC 7296 2.25): it is rekeying the IKE SA itself, or this child. That tells
    /// nothing of what it will say to a rekey, so it is asked again a moment later, a few times.
    pub fn busy(&mut self, child: &str) {
        if self.under_way.as_deref() != Some(child) || self.put_off >= MOST_PUT_OFF {
            return;
        }
        self.put_off += 1;
        self.under_way = None;
        self.due = Some(self.now + LATER * self.put_off);
    }

    /// A rekey came to something, on trial or not. Says whether that is news.
    pub fn came_to(&mut self, child: &str, outcome: TrialOutcome) -> bool {
        if self.under_way.as_deref() == Some(child) {
            (self.under_way, self.put_off) = (None, 0);
            self.due = Some(self.now);
        }
        let before = self
            .known
            .insert(child.to_owned(), (outcome.clone(), self.now));
        before.is_none_or(|(was, _)| was != outcome)
    }

    /// What is known.
    pub fn facts(&self) -> impl Iterator<Item = Ahead> {
        self.known.iter().map(|(child, (outcome, _))| Ahead::Trial {
            child: child.clone(),
            outcome: outcome.clone(),
        })
    }

    /// Whether a child needs none: that it can be rekeyed was seen a while ago.
    fn is_proven(&self, child: &str, now: Mono) -> bool {
        self.known.get(child).is_some_and(|(outcome, at)| {
            *outcome == TrialOutcome::Passed && now.since(*at) < PROVEN
        })
    }
}

impl Gateway {
    /// The tunnel has come up: its children are tried in a while. One side does it; if that doesn't, the other.
    pub(super) fn plan_trials(&mut self, name: &str) {
        let now = self.clock.now();
        let snapshot = self.endpoint.snapshot();
        let sa = snapshot.iter().find(|sa| {
            sa.connection.as_deref() == Some(name) && sa.state == IkeSaState::Established
        });
        let role = sa.map(|sa| sa.role);
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        let after = tunnel.connection.life.test_rekey;
        if after.is_zero() {
            return tunnel.ahead.trials.stop();
        }
        let after = match role {
            Some(Role::Initiator) => after,
            Some(Role::Responder) | None => after + after / 2 + LEAD,
        };
        tunnel.ahead.trials.plan(now.mono + after);
    }

    /// When the next trial of any tunnel is due.
    pub(super) fn trials_due(&self) -> Option<Mono> {
        let tunnels = self.tunnels.values();
        tunnels.filter_map(|t| t.ahead.trials.due()).min()
    }

    /// Begins what trials are due.
    pub(super) fn look_at_trials(&mut self, now: Now) {
        let due: Vec<String> = self
            .tunnels
            .iter()
            .filter(|(_, t)| t.ahead.trials.due().is_some_and(|due| due <= now.mono))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            self.try_next(now, &name);
        }
    }

    /// One child after the other, so that there is never more than one exchange of it under way.
    fn try_next(&mut self, now: Now, name: &str) {
        let snapshot = self.endpoint.snapshot();
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        let trials = &mut tunnel.ahead.trials;
        trials.now = now.mono;
        trials.due = None;
        if let Some(child) = trials.under_way.take() {
            trials.put_off = 0;
            trials
                .known
                .insert(child, (TrialOutcome::Unanswered, now.mono));
        }
        if tunnel.presence != Presence::Up {
            return;
        }
        let pairs = snapshot
            .iter()
            .filter(|sa| {
                sa.connection.as_deref() == Some(name) && sa.state == IkeSaState::Established
            })
            .flat_map(|sa| &sa.children);
        let mut next = None;
        for pair in pairs.filter(|pair| pair.state == ChildSaState::Installed) {
            // A pair with a key exchange of its own has shown that there is one in common.
            let seen = pair.suite.ke.is_some()
                || trials
                    .known
                    .get(&pair.name)
                    .is_some_and(|(_, at)| now.mono.since(*at) < AGAIN);
            if !seen && !trials.is_proven(&pair.name, now.mono) {
                next = Some(pair.name.clone());
                break;
            }
        }
        let Some(child) = next else {
            return;
        };
        match self.endpoint.try_rekey_child(now, name, &child) {
            Ok(()) => {
                tracing::debug!("{name}: {child} is rekeyed on trial");
                trials.under_way = Some(child);
                trials.due = Some(now.mono + PATIENCE);
            }
            Err(error) => tracing::debug!("{name}: no trial of {child}: {error}"),
        }
    }
}

/// How long a trial may take, with an answer that is sent again.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a rekey that went well proves that the next one will.
const PROVEN: Duration = Duration::from_secs(3600);
/// A child isn't tried more often.
const AGAIN: Duration = Duration::from_secs(60);
/// How much longer the responder waits at least.
const LEAD: Duration = Duration::from_secs(2);
/// How long a busy peer is left alone the first time, and how much longer each time after that.
const LATER: Duration = Duration::from_secs(5);
/// How often.
const MOST_PUT_OFF: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    /// Under way since a second, at `seconds`.
    fn trying(trials: &mut Trials, seconds: u64) {
        trials.tick(at(seconds));
        trials.under_way = Some("lan".to_owned());
        trials.due = Some(at(seconds) + PATIENCE);
    }

    #[test]
    fn a_busy_peer_is_asked_again_a_few_times() {
        let mut trials = Trials::default();
        for (begun, again) in [(10, 15), (20, 30), (40, 55)] {
            trying(&mut trials, begun);
            trials.busy("another");
            assert_eq!(trials.due(), Some(at(begun) + PATIENCE));
            trials.busy("lan");
            assert_eq!((trials.due(), &trials.under_way), (Some(at(again)), &None));
        }
        assert_eq!(trials.facts().count(), 0, "nothing is known of it");
        // Then it is let be, and nothing was agreed on in time.
        trying(&mut trials, 60);
        trials.busy("lan");
        assert_eq!(trials.due(), Some(at(60) + PATIENCE));
        assert!(trials.came_to("lan", TrialOutcome::Passed));
        assert_eq!(trials.put_off, 0);
    }
}
