//! Whether a tunnel carries what it is there for, and what is done where it doesn't.
//!
//! A host behind the peer (the *target*) is asked again and again by an echo through the tunnel. It counts only once it has
//! answered. When it is silent for so many echoes in a row, that proves nothing yet: the peer is asked over IKE whether it
//! lives, other hosts are asked for an echo, and the counters are looked at.
//!
//! ```text
//! somebody else answers, or packets came in meanwhile   the target is silent: told, and nothing is done
//! none of our echoes got into the tunnel                this host stops them: told, and nothing is done
//! IKE answers, nothing came in while we sent            one-sided: new keys, then the tunnel anew
//! IKE doesn't answer either                             dead peer detection decides; routes may be led elsewhere
//! ```
//!
//! Between two actions there is the hold-down, which doubles while they don't help. Routes are led back once the tunnel has
//! been well for that long. What anybody could have said (that an SPI is unknown) makes it look sooner, and proves nothing.
//!
//! Nothing in here waits or reads a clock: results, counters and `now` come in, orders go out ([`Monitor::poll`]).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use adit_model::Mono;
use adit_model::monitored::{Act, Judged, Monitor as Settings, MonitorAction};

/// Whom to ask, from where, and whose traffic that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host behind the peer.
    pub to: IpAddr,
    /// Our address.
    pub from: IpAddr,
    /// The child that carries it.
    pub child: String,
}

/// What the target's child has carried so far, in packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To the peer.
    pub sent: u64,
    /// From the peer.
    pub received: u64,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ask all that may be asked, once; [`Monitor::chosen`] tells who answered.
    Choose,
    /// Send one echo; [`Monitor::answered`] or [`Monitor::missed`] follows.
    Probe(Target),
    /// Ask all others once; [`Monitor::others`] follows.
    AskOthers,
    /// Ask the peer over IKE; [`Monitor::alive`] follows, or the tunnel goes down.
    AskForLife,
    /// Do something to the tunnel, and tell why.
    Act(Act, String),
    /// The tunnel is seen otherwise than before.
    Tell(Judged, String),
}

/// The monitor of one tunnel.
#[derive(Clone, Debug)]
pub struct Monitor {
    set: Settings,
    state: State,
    up: bool,
    /// Since when it isn't up.
    down: Option<Mono>,
    /// Whether the other tunnel could take the traffic.
    ready: bool,
    target: Option<Target>,
    /// Rounds in which nobody answered who might become the target.
    rounds: u32,
    /// When the next echo is due, or the next round.
    next: Mono,
    /// Whether an answer is waited for.
    asked: bool,
    /// Unanswered echoes in a row, and what the counters were at the first.
    missed: u32,
    at_first: Counts,
    /// Answered echoes in a row.
    row: u32,
    /// Somebody said, unprotected, that an SPI of this tunnel is unknown, since the last answer.
    doubted: bool,
    /// Few unanswered echoes are enough to look into it.
    hastened: bool,
    last_answer: Option<(Mono, Duration)>,
    judged: Option<(Mono, Judged)>,
    /// The last repair.
    acted: Option<Mono>,
    /// Repairs in a row that didn't help.
    in_vain: u32,
    /// Since when the routes are led elsewhere.
    over: Option<Mono>,
    wants_over: bool,
    /// When they were last led back, or that failed.
    back: Option<Mono>,
    well: Option<Mono>,
    orders: VecDeque<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The target answers, or there is none yet.
    Watching,
    /// It is being found out whose fault it is that the target is silent.
    Asking {
        until: Mono,
        alive: bool,
        nobody: bool,
    },
    /// The target is silent, and that isn't the tunnel's fault; it is looked into again then.
    Silent { again: Mono },
    /// This was done, and whether it helps is yet to be seen.
    Healing(Act),
    /// Nothing is done before then.
    Waiting { until: Mono },
}

impl Monitor {
    /// A monitor that knows nothing yet.
    #[must_use]
    pub fn new(set: Settings, now: Mono) -> Self {
        Self {
            set,
            state: State::Watching,
            up: false,
            down: Some(now),
            ready: false,
            target: None,
            rounds: 0,
            next: now,
            asked: false,
            missed: 0,
            at_first: Counts::default(),
            row: 0,
            doubted: false,
            hastened: false,
            last_answer: None,
            judged: None,
            acted: None,
            in_vain: 0,
            over: None,
            wants_over: false,
            back: None,
            well: None,
            orders: VecDeque::new(),
        }
    }

    /// How it is configured.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.set
    }

    /// It is configured otherwise from now on.
    pub fn configure(&mut self, set: Settings, now: Mono) {
        if (&set.targets, set.source) != (&self.set.targets, self.set.source) {
            self.target = None;
            self.rounds = 0;
            self.missed = 0;
            self.row = 0;
            self.next = now;
            self.state = State::Watching;
        }
        // What was asked before is answered to other settings, which nobody takes.
        self.asked = false;
        if set.action != self.set.action {
            self.over = None;
            self.wants_over = false;
        }
        self.set = set;
    }

    /// What is to be done; empty the queue after each input.
    pub fn poll(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// Whom it asks.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// Whether counters decide next.
    #[must_use]
    pub fn looks_at_counters(&self) -> bool {
        matches!(self.state, State::Asking { .. })
    }

    /// What it makes of the tunnel, and since when.
    #[must_use]
    pub fn judged(&self) -> Option<(Mono, Judged)> {
        self.judged
    }

    /// Unanswered echoes in a row.
    #[must_use]
    pub fn unanswered(&self) -> u32 {
        self.missed
    }

    /// When the target last answered, and how long that took.
    #[must_use]
    pub fn last_answer(&self) -> Option<(Mono, Duration)> {
        self.last_answer
    }

    /// The tunnel that the routes lead into instead of this one now.
    #[must_use]
    pub fn over(&self) -> Option<&str> {
        match (&self.set.action, self.over) {
            (MonitorAction::FailOver(other), Some(_)) => Some(other),
            _ => None,
        }
    }

    /// Whether it takes the tunnel for broken now.
    #[must_use]
    pub fn finds_fault(&self) -> bool {
        self.judged.is_some_and(|(_, judged)| judged.is_fault())
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        let probe = (self.up && !self.asked).then_some(self.next);
        let state = match self.state {
            State::Asking { until, .. } | State::Waiting { until } => Some(until),
            State::Silent { again } => Some(again),
            State::Watching | State::Healing(_) => None,
        };
        let down = self
            .down
            .filter(|_| self.fails_over() && !self.is_judged(Judged::Down))
            .map(|since| since + self.limit());
        let over = self.over_due();
        let back = self.back_due();
        let state = state.filter(|_| self.up);
        [probe, state, down, over, back].into_iter().flatten().min()
    }

    /// Whether the tunnel is up, and whether the other one could take its traffic.
    pub fn observed(&mut self, now: Mono, up: bool, ready: bool) {
        self.ready = ready;
        let before = std::mem::replace(&mut self.up, up);
        if !up {
            self.down.get_or_insert(now);
        }
        if up && !before {
            self.down = None;
            self.missed = 0;
            self.row = 0;
            self.doubted = false;
            self.hastened = false;
            // What was wanted of it was wanted of a tunnel that was down.
            self.wants_over = false;
            if self.is_judged(Judged::Down) {
                self.judged = None;
            }
            self.next = now + SETTLE;
            if !matches!(self.state, State::Healing(Act::ReInitiate)) {
                self.state = State::Watching;
            }
        } else if !up && before {
            self.well = None;
            self.row = 0;
            if matches!(self.state, State::Asking { .. }) {
                let why = "the target doesn't answer, and the tunnel went down while the peer was asked whether it lives";
                self.fault(now, Judged::PeerSilent, why.to_owned());
                self.state = State::Watching;
            }
        }
        self.settle_routes(now);
    }

    /// It is down because nobody wants it up now: that is no fault.
    pub fn rests(&mut self) {
        self.down = None;
        self.wants_over = false;
        self.judged = None;
    }

    /// Who answered of those who may be asked.
    pub fn chosen(&mut self, now: Mono, target: Option<Target>, rtt: Duration) {
        self.asked = false;
        if !self.up {
            return;
        }
        let Some(target) = target else {
            self.rounds = self.rounds.saturating_add(1);
            if self.rounds >= self.set.failures {
                self.next = now + self.set.interval.max(SELDOM);
                let why = "none of those that it may ask inside the tunnel has ever answered, so it can't tell whether the tunnel carries anything";
                self.judge(now, Judged::NoTarget, why.to_owned());
            }
            return;
        };
        self.rounds = 0;
        let why = format!(
            "{} answers through the tunnel and is asked from now on",
            target.to
        );
        self.target = Some(target);
        self.row = 1;
        self.missed = 0;
        self.last_answer = Some((now, rtt));
        if self.state == State::Watching {
            self.judge(now, Judged::Carries, why);
            self.rated(now);
        }
    }

    /// Nobody can be asked, since this host has no address for it, or no way.
    pub fn cannot_ask(&mut self, now: Mono, why: String) {
        self.asked = false;
        self.next = now + self.set.interval.max(SELDOM);
        if self.up {
            self.judge(now, Judged::NoSource, why);
        }
    }

    /// The target answered.
    pub fn answered(&mut self, now: Mono, rtt: Duration) {
        self.asked = false;
        if !self.up {
            return;
        }
        self.missed = 0;
        self.doubted = false;
        self.hastened = false;
        self.row = self.row.saturating_add(1);
        self.last_answer = Some((now, rtt));
        if matches!(self.state, State::Asking { .. }) && !self.finds_fault() {
            // It was a short break.
            self.state = State::Watching;
        }
        self.rated(now);
    }

    /// The target didn't answer. `counts` are those of its child now.
    pub fn missed(&mut self, now: Mono, counts: Counts) {
        self.asked = false;
        if !self.up {
            return;
        }
        self.row = 0;
        self.missed = self.missed.saturating_add(1);
        if self.missed == 1 {
            self.at_first = counts;
        }
        let enough = self.missed >= self.set.failures;
        match self.state {
            State::Watching if enough || (self.hastened && self.missed >= FEW) => self.suspect(now),
            State::Healing(act) if enough => self.did_not_help(now, act, counts),
            _ => {}
        }
    }

    /// Who else answered, when all others were asked once.
    pub fn others(&mut self, now: Mono, answered: Option<Target>, counts: Counts) {
        let State::Asking { alive, until, .. } = self.state else {
            return;
        };
        let Some(other) = answered else {
            let nobody = true;
            self.state = State::Asking {
                alive,
                until,
                nobody,
            };
            return self.decide(now, counts);
        };
        let old = self.target.as_ref().map(|t| t.to.to_string());
        let old = old.unwrap_or_default();
        let why = format!(
            "{old} doesn't answer, and {} does through the same tunnel: nothing is wrong with the tunnel",
            other.to
        );
        if !self.set.targets.is_empty() && !self.set.targets.contains(&other.to) {
            return self.set_aside(now, Judged::TargetSilent, why, counts);
        }
        let why = format!("{why}, and {} is asked from now on", other.to);
        self.target = Some(other);
        self.judge(now, Judged::TargetSilent, why);
        self.missed = 0;
        self.row = 1;
        self.in_vain = 0;
        self.state = State::Watching;
    }

    /// The peer answered over IKE.
    pub fn alive(&mut self, now: Mono, counts: Counts) {
        if let State::Asking { until, nobody, .. } = self.state {
            let alive = true;
            self.state = State::Asking {
                until,
                alive,
                nobody,
            };
            self.decide(now, counts);
        }
    }

    /// Somebody who knows an SPI of this tunnel says, unprotected, that it is unknown (INVALID_SPI).
    pub fn doubt(&mut self) {
        self.doubted = true;
        self.hastened = true;
    }

    /// Packets with an unknown SPI come from the peer's address, as anybody can send them, and any other tunnel behind it: a
    /// reason to look sooner, and no more.
    pub fn stray(&mut self) {
        self.hastened = true;
    }

    /// What was ordered couldn't be done.
    pub fn failed(&mut self, now: Mono, act: Act) {
        match act {
            Act::FailOver => {
                self.over = None;
                self.wants_over = true;
                self.back = Some(now);
            }
            Act::FailBack => {
                self.over = Some(now);
            }
            Act::Rekey | Act::ReInitiate => {
                self.state = State::Waiting {
                    until: now + self.hold(),
                };
            }
        }
    }

    /// Does what is due. `counts` are those of the target's child now.
    pub fn handle_timeout(&mut self, now: Mono, counts: Counts) {
        if self.up {
            match self.state {
                State::Asking { until, .. } if until <= now => self.decide(now, counts),
                State::Silent { again } if again <= now => {
                    if self.missed >= self.set.failures {
                        self.suspect(now);
                    } else {
                        self.state = State::Watching;
                    }
                }
                State::Waiting { until } if until <= now => {
                    if self.missed >= FEW {
                        self.suspect(now);
                    } else {
                        self.state = State::Watching;
                    }
                }
                _ => {}
            }
            if !self.asked && self.next <= now {
                self.asked = true;
                self.next = now + self.set.interval;
                let order = self.target.clone().map_or(Order::Choose, Order::Probe);
                self.orders.push_back(order);
            }
        } else if let Some(since) = self.down.filter(|_| self.fails_over())
            && since + self.limit() <= now
            && !self.is_judged(Judged::Down)
        {
            let why = "there is no SA, and it doesn't come back by itself";
            self.fault(now, Judged::Down, why.to_owned());
        }
        self.settle_routes(now);
    }

    /// Finds out whose fault it is.
    fn suspect(&mut self, now: Mono) {
        self.state = State::Asking {
            until: now + PATIENCE,
            alive: false,
            nobody: false,
        };
        self.orders.push_back(Order::AskForLife);
        self.orders.push_back(Order::AskOthers);
    }

    fn decide(&mut self, now: Mono, counts: Counts) {
        let State::Asking {
            until,
            alive,
            nobody,
        } = self.state
        else {
            return;
        };
        let all_told = alive && nobody;
        if !all_told && now < until {
            return;
        }
        let to = self.target.as_ref().map(|t| t.to.to_string());
        let to = to.unwrap_or_default();
        let missed = self.missed;
        let sent = counts.sent.saturating_sub(self.at_first.sent);
        let received = counts.received.saturating_sub(self.at_first.received);
        // What comes through is the better proof: an answer over IKE may be lost, or late.
        if received > 0 && !self.doubted {
            let lives = if alive {
                "; the peer does over IKE"
            } else {
                ""
            };
            let why = format!(
                "{to} doesn't answer{lives}, and {received} packets came through the tunnel meanwhile: nothing is done to it"
            );
            return self.set_aside(now, Judged::TargetSilent, why, counts);
        }
        if !alive {
            let why = format!(
                "{to} didn't answer {missed} echoes in a row, and the peer doesn't answer over IKE either"
            );
            return self.fault(now, Judged::PeerSilent, why);
        }
        if sent == 0 {
            let why = format!(
                "{to} doesn't answer, since no echo gets into the tunnel: a filter or a route of this host stops them"
            );
            return self.set_aside(now, Judged::NotSent, why, counts);
        }
        let hint = if self.doubted {
            ", and somebody doesn't know an SPI of it"
        } else {
            ""
        };
        let why = format!(
            "{to} didn't answer {missed} echoes in a row; the peer lives (IKE), {sent} packets were sent into the tunnel since, and {received} came out{hint}"
        );
        self.fault(now, Judged::OneSided, why);
    }

    /// It isn't the tunnel's fault.
    fn set_aside(&mut self, now: Mono, judged: Judged, why: String, counts: Counts) {
        self.judge(now, judged, why);
        self.at_first = counts;
        (self.doubted, self.hastened) = (false, false);
        self.wants_over = false;
        if judged == Judged::TargetSilent {
            self.well.get_or_insert(now);
        }
        self.state = State::Silent {
            again: now + self.set.hold_down.max(self.limit()),
        };
    }

    /// It is the tunnel's fault.
    fn fault(&mut self, now: Mono, judged: Judged, why: String) {
        self.well = None;
        self.judge(now, judged, why.clone());
        if self.fails_over() {
            self.wants_over = true;
            self.settle_routes(now);
        }
        let repairs = judged == Judged::OneSided && self.set.action != MonitorAction::WaitRecover;
        let wait = self.set.hold_down;
        self.state = match self.acted.map(|at| at + self.hold()) {
            Some(until) if repairs && until > now => State::Waiting { until },
            _ if repairs => {
                self.act(now, Act::Rekey, why);
                return;
            }
            _ => State::Waiting { until: now + wait },
        };
    }

    fn act(&mut self, now: Mono, act: Act, why: String) {
        self.acted = Some(now);
        self.missed = 0;
        self.row = 0;
        (self.doubted, self.hastened) = (false, false);
        self.state = State::Healing(act);
        self.next = self.next.max(now + SETTLE);
        self.orders.push_back(Order::Act(act, why));
    }

    fn did_not_help(&mut self, now: Mono, act: Act, counts: Counts) {
        let received = counts.received.saturating_sub(self.at_first.received);
        if received > 0 {
            let why = format!(
                "the target doesn't answer, and {received} packets came through the tunnel meanwhile: nothing more is done to it"
            );
            return self.set_aside(now, Judged::TargetSilent, why, counts);
        }
        let further = matches!(
            self.set.action,
            MonitorAction::ReInitiate | MonitorAction::FailOver(_)
        );
        if act == Act::Rekey && further {
            let why = format!(
                "new keys didn't help: {} more echoes weren't answered",
                self.missed
            );
            return self.act(now, Act::ReInitiate, why);
        }
        self.in_vain = self.in_vain.saturating_add(1);
        let until = now + self.hold();
        let why = format!(
            "what was done didn't help; nothing more is done for {} s. Either the target is gone, or something on the path stops ESP",
            until.since(now).as_secs()
        );
        self.judge(now, Judged::NotHelped, why);
        self.state = State::Waiting { until };
    }

    /// An answer came; whether that is enough.
    fn rated(&mut self, now: Mono) {
        if self.row < self.set.recover && self.judged.is_some_and(|(_, j)| j != Judged::Carries) {
            return;
        }
        let to = self.target.as_ref().map(|t| t.to.to_string());
        let why = format!(
            "{} answers through the tunnel again",
            to.unwrap_or_default()
        );
        self.judge(now, Judged::Carries, why);
        self.state = State::Watching;
        self.in_vain = 0;
        self.wants_over = false;
        self.well.get_or_insert(now);
        self.settle_routes(now);
    }

    fn judge(&mut self, now: Mono, judged: Judged, why: String) {
        if !self.is_judged(judged) {
            self.judged = Some((now, judged));
            self.orders.push_back(Order::Tell(judged, why));
        }
    }

    fn is_judged(&self, judged: Judged) -> bool {
        self.judged.is_some_and(|(_, j)| j == judged)
    }

    /// Leads the routes where they belong now.
    fn settle_routes(&mut self, now: Mono) {
        if self.over_due().is_some_and(|due| due <= now) {
            self.over = Some(now);
            let why = match self.judged {
                Some((_, Judged::Down)) => "there is no SA of this tunnel",
                Some((_, Judged::PeerSilent)) => "the peer of this tunnel doesn't answer",
                _ => "nothing comes out of this tunnel any more",
            };
            let order = Order::Act(Act::FailOver, why.to_owned());
            self.orders.push_back(order);
        }
        if self.back_due().is_some_and(|due| due <= now) {
            let well = self.well.map_or(0, |since| now.since(since).as_secs());
            let why = if self.ready {
                format!("this tunnel has been well for {well} s")
            } else {
                "this tunnel is well, and the other one isn't there any more".to_owned()
            };
            self.over = None;
            self.back = Some(now);
            self.orders.push_back(Order::Act(Act::FailBack, why));
        }
    }

    /// When the routes are led elsewhere; `None` where that isn't wanted or can't be.
    fn over_due(&self) -> Option<Mono> {
        (self.wants_over && self.over.is_none() && self.ready)
            .then(|| self.back.map_or(Mono(0), |at| at + self.set.hold_down))
    }

    /// When they are led back.
    fn back_due(&self) -> Option<Mono> {
        let over = self.over?;
        // Out of a tunnel that is gone, into one that is there: nothing can be worse.
        let gone = !self.ready && self.up && !self.finds_fault();
        let well = self.well.or_else(|| gone.then_some(over))?;
        let wait = if self.ready {
            self.set.hold_down
        } else {
            SETTLE
        };
        Some(over.max(well) + wait)
    }

    fn fails_over(&self) -> bool {
        matches!(self.set.action, MonitorAction::FailOver(_))
    }

    /// How long the target may be silent.
    fn limit(&self) -> Duration {
        self.set.interval * self.set.failures
    }

    /// The hold-down after repairs that didn't help.
    fn hold(&self) -> Duration {
        self.set.hold_down * (1 << self.in_vain.min(MOST_DOUBLED))
    }
}

/// How long the peer has to answer over IKE: a request is repeated three times by then.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a tunnel that has come up, or has new keys, gets before it is judged.
const SETTLE: Duration = Duration::from_millis(500);
/// How often it is tried again to find anybody to ask.
const SELDOM: Duration = Duration::from_secs(30);
/// Unanswered echoes that say something where there is another sign.
const FEW: u32 = 2;
const MOST_DOUBLED: u32 = 4;

#[cfg(test)]
mod tests;
