//! When to set a tunnel up, and when to try again.
//!
//! Whether a tunnel is up is observed, not tracked: after every change the gateway tells what the key exchange has
//! ([`Presence`]) and this machine says when the next attempt is due. So no order of events can leave a tunnel
//! forgotten. What follows an end that the peer has caused is configured (`dpd_action`, `close_action`).

use core::time::Duration;

use adit_model::Mono;
use adit_model::connection::Start;
use adit_model::life::Action;

/// What the operator wants of a tunnel now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It is kept up.
    Up,
    /// It is set up when a packet wants through.
    OnDemand,
    /// It is set up by the peer only.
    Passive,
    /// It was taken down by a command.
    Down,
}

/// What the key exchange has of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Nothing,
    /// An IKE SA that has no child yet.
    Trying,
    /// At least one child.
    Up,
}

/// The decision about attempts of one tunnel.
#[derive(Clone, Debug)]
pub struct Retry {
    wanted: Wanted,
    seen: Presence,
    up_since: Option<Mono>,
    failures: u32,
    due: Option<Mono>,
    not_before: Mono,
    /// What follows an end that the peer has caused, until the tunnel is up again.
    after: Option<Action>,
    /// A packet sets it up, whatever is wanted otherwise.
    trap: bool,
    /// It is set up again as soon as what there is has ended.
    again: bool,
    /// Nothing is tried before then, so that the peer may begin.
    held: Option<Mono>,
}

impl Retry {
    /// A tunnel that hasn't been tried. One that starts by itself is due at once.
    #[must_use]
    pub fn new(start: Start, now: Mono) -> Self {
        let wanted = match start {
            Start::Auto => Wanted::Up,
            Start::OnDemand => Wanted::OnDemand,
            Start::Passive => Wanted::Passive,
        };
        Self {
            wanted,
            seen: Presence::Nothing,
            up_since: None,
            failures: 0,
            due: (wanted == Wanted::Up).then_some(now),
            not_before: now,
            after: None,
            trap: false,
            again: false,
            held: None,
        }
    }

    /// What is wanted.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// When the next attempt is due.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        self.due
            .map(|due| self.held.map_or(due, |held| due.max(held)))
    }

    /// Nothing is tried before then; `None` ends that. A command to set the tunnel up, anew or at all, does, too.
    pub fn hold_back(&mut self, until: Option<Mono>) {
        self.held = until;
    }

    /// Until when nothing is tried.
    #[must_use]
    pub fn held_until(&self) -> Option<Mono> {
        self.held
    }

    /// Attempts that failed since the tunnel was last up for long.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The operator asked for the tunnel: it is kept up from now on, and tried at once.
    pub fn command_up(&mut self, now: Mono) {
        self.wanted = Wanted::Up;
        self.after = None;
        self.held = None;
        self.failures = 0;
        if self.seen == Presence::Nothing {
            self.due = Some(now);
        }
    }

    /// The operator took the tunnel down.
    pub fn command_down(&mut self) {
        self.wanted = Wanted::Down;
        self.after = None;
        self.due = None;
        self.trap = false;
        self.again = false;
    }

    /// The operator resets the tunnel: what there is ends, earlier failures are forgotten, and what is kept up is tried
    /// at once.
    pub fn command_reset(&mut self, now: Mono) {
        self.failures = 0;
        self.not_before = now;
        if self.wanted == Wanted::Up {
            self.held = None;
            self.again = true;
            if self.seen == Presence::Nothing {
                self.due = Some(now);
            }
        }
    }

    /// The configuration says otherwise who starts. A tunnel that was taken down by a command stays down.
    pub fn configure(&mut self, start: Start, now: Mono) {
        if self.wanted != Wanted::Down {
            let (seen, up_since) = (self.seen, self.up_since);
            *self = Self::new(start, now);
            self.seen = seen;
            self.up_since = up_since;
            if seen != Presence::Nothing {
                self.due = None;
            }
        }
    }

    /// A packet wanted through and there was no SA. A peer that refuses isn't asked again by every packet.
    pub fn packet_wants_through(&mut self, now: Mono) {
        let trapped = self.wanted == Wanted::OnDemand || self.trap;
        if trapped && self.seen == Presence::Nothing && self.due.is_none() {
            self.due = Some(now.max(self.not_before));
        }
    }

    /// The tunnel ends through the peer; what is configured to follow.
    pub fn ends(&mut self, action: Action) {
        self.after = Some(action);
    }

    /// The attempt that was due is being made. Until the key exchange shows it, no other becomes due.
    pub fn begun(&mut self) {
        self.due = None;
        self.again = false;
        if self.seen == Presence::Nothing {
            self.seen = Presence::Trying;
        }
    }

    /// The attempt couldn't even begin (no address for the peer, no route).
    pub fn could_not_begin(&mut self, now: Mono, random: u64) {
        self.observe(now, Presence::Nothing, random);
    }

    /// Takes note of what the key exchange has. `random` spreads attempts of many gateways apart.
    pub fn observe(&mut self, now: Mono, presence: Presence, random: u64) {
        let before = std::mem::replace(&mut self.seen, presence);
        match presence {
            Presence::Up => {
                self.after = None;
                self.trap = false;
                self.up_since.get_or_insert(now);
                self.due = None;
            }
            Presence::Trying => self.due = None,
            Presence::Nothing if before == Presence::Nothing => {}
            Presence::Nothing if self.again => {
                self.up_since = None;
                self.not_before = now;
                self.due = Some(now);
            }
            Presence::Nothing => {
                let stable = self
                    .up_since
                    .take()
                    .is_some_and(|since| now.since(since) >= STABLE);
                self.failures = if stable { 0 } else { self.failures + 1 };
                self.not_before = now + wait(self.failures, random);
                let action = match (self.after, self.wanted) {
                    (_, Wanted::Down) => Action::Clear,
                    (Some(action), _) => action,
                    (None, Wanted::Up) => Action::Restart,
                    (None, Wanted::OnDemand | Wanted::Passive) => Action::Clear,
                };
                self.trap = action == Action::Trap;
                self.due = (action == Action::Restart).then_some(self.not_before);
            }
        }
    }
}

/// The wait before the next attempt after `failures` in a row: doubling from half a second to a minute, spread by a
/// quarter either way.
#[must_use]
pub fn wait(failures: u32, random: u64) -> Duration {
    let base = FIRST.saturating_mul(1u32 << failures.min(10)).min(LONGEST);
    let millis = u64::try_from(base.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis - millis / 4 + random % (millis / 2).max(1))
}

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);
/// A tunnel that was up this long had no failure.
const STABLE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    #[test]
    fn an_automatic_tunnel_is_due_at_once_and_again_after_failing_with_growing_waits() {
        let mut retry = Retry::new(Start::Auto, at(0));
        assert_eq!(retry.due(), Some(at(0)));
        let mut waits = Vec::new();
        for _ in 0..12 {
            retry.begun();
            assert_eq!(retry.due(), None);
            retry.observe(at(100), Presence::Trying, 0);
            retry.observe(at(100), Presence::Nothing, 0);
            waits.push(retry.due().unwrap().since(at(100)));
        }
        assert!(waits.windows(2).all(|w| w[0] <= w[1]), "{waits:?}");
        assert_eq!(waits[0], Duration::from_millis(750));
        assert_eq!(waits[11], Duration::from_secs(45));
    }

    #[test]
    fn waits_are_spread_but_bounded() {
        for failures in 0..40 {
            for random in [0, 1, 12_345, u64::MAX] {
                let wait = wait(failures, random);
                assert!(wait >= Duration::from_millis(375), "{wait:?}");
                assert!(wait <= Duration::from_secs(75), "{wait:?}");
            }
        }
        assert_ne!(wait(3, 0), wait(3, 1000));
    }

    #[test]
    fn a_long_lived_tunnel_that_breaks_is_tried_soon_and_a_flapping_one_ever_later() {
        let mut retry = Retry::new(Start::Auto, at(0));
        retry.begun();
        retry.observe(at(1), Presence::Up, 0);
        retry.observe(at(1000), Presence::Nothing, 0);
        assert_eq!(retry.failures(), 0);
        for n in 1..=3 {
            retry.begun();
            retry.observe(at(1000), Presence::Up, 0);
            retry.observe(at(1001), Presence::Nothing, 0);
            assert_eq!(retry.failures(), n);
        }
    }

    #[test]
    fn passive_and_disabled_tunnels_are_never_due() {
        let mut passive = Retry::new(Start::Passive, at(0));
        passive.packet_wants_through(at(1));
        passive.observe(at(2), Presence::Up, 0);
        passive.observe(at(3), Presence::Nothing, 0);
        assert_eq!(passive.due(), None);

        let mut taken_down = Retry::new(Start::Auto, at(0));
        taken_down.command_down();
        taken_down.observe(at(3), Presence::Nothing, 0);
        taken_down.packet_wants_through(at(4));
        assert_eq!(taken_down.due(), None);
        taken_down.command_up(at(5));
        assert_eq!(taken_down.due(), Some(at(5)));
    }

    #[test]
    fn a_tunnel_on_demand_waits_for_a_packet() {
        let mut retry = Retry::new(Start::OnDemand, at(0));
        assert_eq!(retry.due(), None);
        retry.packet_wants_through(at(1));
        assert_eq!(retry.due(), Some(at(1)));
        retry.begun();
        retry.packet_wants_through(at(2));
        assert_eq!(retry.due(), None, "one attempt at a time");
        retry.observe(at(3), Presence::Nothing, 0);
        assert_eq!(retry.due(), None);
        retry.packet_wants_through(at(3));
        assert!(retry.due().unwrap() > at(3));
    }

    /// `dpd_action` and `close_action` say what follows an end through the peer, once.
    #[test]
    fn what_is_configured_follows_the_end() {
        let ended = |start, action| {
            let mut retry = Retry::new(start, at(0));
            retry.begun();
            retry.observe(at(1), Presence::Up, 0);
            retry.ends(action);
            retry.observe(at(100), Presence::Nothing, 0);
            retry
        };
        assert!(ended(Start::Passive, Action::Restart).due().is_some());
        assert_eq!(ended(Start::Auto, Action::Clear).due(), None);
        let mut trapped = ended(Start::Auto, Action::Trap);
        assert_eq!(trapped.due(), None);
        trapped.packet_wants_through(at(101));
        assert!(trapped.due().is_some());
        let mut persistent = ended(Start::Passive, Action::Restart);
        persistent.begun();
        persistent.observe(at(110), Presence::Nothing, 0);
        assert!(persistent.due().is_some(), "until it is up");
        let mut again = ended(Start::Auto, Action::Clear);
        again.command_up(at(102));
        assert_eq!(again.due(), Some(at(102)));
    }

    #[test]
    fn what_is_held_back_is_tried_afterwards_or_by_command() {
        let mut retry = Retry::new(Start::Auto, at(0));
        retry.hold_back(Some(at(6)));
        assert_eq!(retry.due(), Some(at(6)));
        retry.hold_back(None);
        assert_eq!(retry.due(), Some(at(0)));
        retry.hold_back(Some(at(6)));
        retry.command_up(at(1));
        assert_eq!(retry.due(), Some(at(1)));
        retry.hold_back(Some(at(6)));
        retry.command_reset(at(2));
        assert_eq!(retry.due(), Some(at(2)));
        let mut passive = Retry::new(Start::Passive, at(0));
        passive.hold_back(Some(at(6)));
        assert_eq!(passive.due(), None);
    }

    #[test]
    fn an_attempt_that_cannot_begin_counts_as_failed() {
        let mut retry = Retry::new(Start::Auto, at(0));
        retry.begun();
        retry.could_not_begin(at(1), 0);
        assert_eq!(retry.failures(), 1);
        assert!(retry.due().unwrap() > at(1));
    }
}
