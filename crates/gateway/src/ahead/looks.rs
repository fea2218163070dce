//! Looks at what will fail: when the next one is due and at which tunnels, which are under way, and who waits for them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use adit_model::Mono;
use adit_model::ahead::Ahead;
use tokio::sync::oneshot;

use crate::control::Answer;

/// When the future is looked at, and who waits for what is seen.
#[derive(Default)]
pub(crate) struct Foresight {
    /// The next look at all tunnels.
    due: Option<Mono>,
    /// The next one at each tunnel of which something is new.
    near: BTreeMap<String, Mono>,
    /// How many looks were begun.
    begun: u64,
    /// Those under way.
    running: BTreeSet<u64>,
    waiters: Vec<Waiter>,
    /// From where those who asked last are logged in, the last one at the end.
    operators: VecDeque<IpAddr>,
}

/// Who waits for a look.
pub(crate) struct Waiter {
    /// The look's number.
    look: u64,
    /// The tunnels that were asked for.
    pub names: Vec<String>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// What is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every tunnel.
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Foresight {
    /// When the next look begins.
    pub fn due(&self) -> Option<Mono> {
        let near = self.near.values().copied();
        let all = self.due.into_iter().chain(near);
        all.min().filter(|_| self.running.is_empty())
    }

    /// Something of a tunnel is new.
    pub fn soon(&mut self, tunnel: &str, at: Mono) {
        let due = self.near.entry(tunnel.to_owned()).or_insert(at);
        *due = at.min(*due);
    }

    /// What is to be looked at now, if anything is.
    pub fn take_due(&mut self, now: Mono) -> Option<Scope> {
        let due = *self.due.get_or_insert(now + SETTLED);
        if !self.running.is_empty() {
            return None;
        }
        let is_near = self.near.iter().filter(|(_, at)| **at <= now);
        let near: BTreeSet<String> = is_near.map(|(name, _)| name.clone()).collect();
        self.near.retain(|_, at| *at > now);
        if due <= now {
            self.due = Some(now + INTERVAL);
            return Some(Scope::All);
        }
        (!near.is_empty()).then_some(Scope::Only(near))
    }

    /// A look begins. Its number is above those of all before it.
    pub fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.running.insert(self.begun);
        self.begun
    }

    /// Somebody waits for a look.
    pub fn wait(&mut self, look: u64, names: Vec<String>, answer: oneshot::Sender<Answer>) {
        self.waiters.push(Waiter {
            look,
            names,
            answer,
        });
    }

    /// A look has ended. Gives who waited for it, and for no other.
    pub fn end(&mut self, look: u64) -> Vec<Waiter> {
        self.running.remove(&look);
        let all = std::mem::take(&mut self.waiters).into_iter();
        let (ended, waiting) = all.partition(|waiter| waiter.look == look);
        self.waiters = waiting;
        ended
    }

    /// Somebody who is logged in from there asks. Every look from now on minds it.
    pub fn asked_from(&mut self, operator: IpAddr) {
        self.operators.retain(|known| *known != operator);
        self.operators.push_back(operator);
        if self.operators.len() > MOST {
            self.operators.pop_front();
        }
    }

    /// From where those who asked are logged in.
    pub fn operators(&self) -> Vec<IpAddr> {
        self.operators.iter().copied().collect()
    }
}

/// What is known of a host after a look. The clock is asked for only when a person asks, and servers don't always answer:
/// what was known of it stays until one does.
pub(super) fn carried(before: &[Ahead], mut found: Vec<Ahead>) -> Vec<Ahead> {
    let is_clock = |ahead: &&Ahead| matches!(ahead, Ahead::Clock { .. });
    if !found.iter().any(|ahead| is_clock(&ahead)) {
        found.extend(before.iter().filter(is_clock).cloned());
    }
    found
}

/// How long after a tunnel has come up, or the gateway has started, its future is looked at.
pub(super) const SETTLED: Duration = Duration::from_secs(5);
/// How often all are looked at.
const INTERVAL: Duration = Duration::from_secs(3600);
/// Operators that are remembered.
const MOST: usize = 4;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000_000)
    }

    fn only(name: &str) -> Option<Scope> {
        Some(Scope::Only(BTreeSet::from([name.to_owned()])))
    }

    #[test]
    fn what_is_new_of_a_tunnel_is_a_look_at_it_alone() {
        let mut looks = Foresight::default();
        assert_eq!(looks.take_due(at(0)), None);
        assert_eq!(looks.take_due(at(5)), Some(Scope::All));
        looks.soon("office", at(20));
        looks.soon("home", at(30));
        looks.soon("office", at(25));
        assert_eq!(looks.due(), Some(at(20)));
        assert_eq!(looks.take_due(at(19)), None);
        assert_eq!(looks.take_due(at(20)), only("office"));
        assert_eq!(looks.take_due(at(20)), None);
        assert_eq!(looks.take_due(at(30)), only("home"));
        assert_eq!(looks.due(), Some(at(3605)), "the hour isn't put off");
        assert_eq!(looks.take_due(at(3605)), Some(Scope::All));
    }

    #[test]
    fn nothing_is_looked_at_again_while_a_look_runs_and_nothing_is_lost() {
        let mut looks = Foresight::default();
        looks.take_due(at(0));
        assert_eq!(looks.take_due(at(5)), Some(Scope::All));
        let look = looks.begin();
        looks.soon("office", at(6));
        assert_eq!((looks.due(), looks.take_due(at(7))), (None, None));
        looks.end(look);
        assert_eq!(looks.take_due(at(7)), only("office"));
        assert_eq!(looks.take_due(at(60)), None);
    }

    #[test]
    fn who_asks_while_a_look_runs_waits_for_a_look_of_his_own() {
        let mut looks = Foresight::default();
        let wait = |looks: &mut Foresight, name: &str| {
            let look = looks.begin();
            looks.wait(look, vec![name.to_owned()], oneshot::channel().0);
            look
        };
        let periodic = looks.begin();
        let (first, second) = (wait(&mut looks, "one"), wait(&mut looks, "two"));
        assert!(looks.end(periodic).is_empty());
        let answered = |looks: &mut Foresight, look| -> Vec<String> {
            let all = looks.end(look).into_iter();
            all.flat_map(|waiter| waiter.names).collect()
        };
        assert_eq!(answered(&mut looks, second), ["two"]);
        assert_eq!(looks.take_due(at(0)), None);
        assert_eq!(answered(&mut looks, first), ["one"]);
        assert!(looks.waiters.is_empty() && looks.running.is_empty());
    }

    #[test]
    fn who_asked_is_minded_by_later_looks_and_a_clock_stays_until_one_is_known() {
        let mut looks = Foresight::default();
        for last in [1, 2, 3, 1, 4, 5] {
            looks.asked_from([192, 0, 2, last].into());
        }
        let known: Vec<IpAddr> = [3, 1, 4, 5].map(|last| [192, 0, 2, last].into()).to_vec();
        assert_eq!(looks.operators(), known);

        let clock = |offset_ms| Ahead::Clock {
            offset_ms,
            source: "a server".to_owned(),
        };
        let dpd = |dpd_s| Ahead::Watched {
            dpd_s,
            monitored: false,
        };
        let before = [clock(90_000), dpd(1)];
        assert_eq!(carried(&before, vec![dpd(2)]), [dpd(2), clock(90_000)]);
        assert_eq!(carried(&before, vec![clock(10)]), [clock(10)]);
        assert!(carried(&[], Vec::new()).is_empty());
    }
}
