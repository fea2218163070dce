//! The tunnel monitor beside dead peer detection: that says whether the peer's IKE lives, this whether anything comes through.
//!
//! [`machine`] decides for a tunnel with a `monitor`, [`silence`] from counters alone for all others, `echo` asks. This file
//! carries out what they say.

pub(crate) mod echo;
pub mod machine;
pub mod silence;

use std::net::IpAddr;

use adit_model::Mono;
use adit_model::connection::Connection;
use adit_model::event::{Event, Happening};
use adit_model::fact::Known;
use adit_model::host::HostState;
use adit_model::monitored::{Act, MonitorAction};
use adit_model::reason::Refusal;

use crate::attempt::TaskDone;
use crate::gateway::Gateway;
use crate::lately::Sample;
use crate::retry::{Presence, Wanted};
use crate::tunnel::Tunnel;
use echo::{Answer, Asked, Question};
use machine::{Counts, Monitor, Order};
use silence::Silence;

/// What watches a tunnel.
#[derive(Debug, Default)]
pub struct Watch {
    /// With echoes, where that is configured.
    pub monitor: Option<Monitor>,
    /// By its counters.
    pub silence: Silence,
}

impl Watch {
    /// As configured.
    #[must_use]
    pub fn new(connection: &Connection, now: Mono) -> Self {
        let monitor = connection.monitor.clone();
        Self {
            monitor: monitor.map(|set| Monitor::new(set, now)),
            silence: Silence::default(),
        }
    }

    /// As configured now.
    pub fn configure(&mut self, connection: &Connection, now: Mono) {
        match (&mut self.monitor, &connection.monitor) {
            (Some(monitor), Some(set)) if monitor.settings() == set => {}
            (Some(monitor), Some(set)) => monitor.configure(set.clone(), now),
            (monitor, set) => *monitor = set.clone().map(|set| Monitor::new(set, now)),
        }
    }

    /// Whether the tunnel is taken for broken, though it may be up.
    #[must_use]
    pub fn finds_fault(&self) -> bool {
        self.monitor.as_ref().is_some_and(Monitor::finds_fault)
    }

    /// When something is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        self.monitor.as_ref().and_then(Monitor::deadline)
    }

    /// Whether counters alone decide about a child.
    fn leaves_to_counters(&self, child: &str) -> bool {
        self.monitor.as_ref().is_none_or(|monitor| {
            let waits = monitor.settings().action == MonitorAction::WaitRecover;
            !waits && monitor.target().is_some_and(|target| target.child != child)
        })
    }
}

impl Gateway {
    /// Does what monitors have due.
    pub(crate) fn look_at_monitors(&mut self, now: Mono) {
        let is_due = |tunnel: &Tunnel| tunnel.watch.deadline().is_some_and(|at| at <= now);
        let due: Vec<String> = self
            .tunnels
            .iter()
            .filter(|(_, tunnel)| is_due(tunnel))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            let counts = self.counts_that_decide(&name);
            self.with_monitor(&name, |monitor| monitor.handle_timeout(now, counts));
        }
    }

    /// Tells the monitor of a tunnel what there is of it.
    pub(crate) fn tell_monitor_of_state(&mut self, now: Mono, name: &str) {
        let Some(tunnel) = self.tunnels.get(name) else {
            return;
        };
        let up = tunnel.presence == Presence::Up;
        let wanted = tunnel.retry.wanted();
        let ready = self
            .other_of(tunnel)
            .is_some_and(|other| other.presence == Presence::Up && !other.watch.finds_fault());
        if !up && let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.watch.silence.forget();
        }
        let rests = !up && matches!(wanted, Wanted::Down | Wanted::OnDemand);
        self.with_monitor(name, |monitor| {
            monitor.observed(now, up, ready);
            if rests {
                monitor.rests();
            }
        });
    }

    /// Tells what watches a tunnel of what happened to it.
    pub(crate) fn tell_monitor_of(&mut self, event: &Event) {
        let Some(name) = &event.connection else {
            return;
        };
        let now = event.at.mono;
        match &event.what {
            Happening::PeerAlive => {
                let counts = self.counts_that_decide(name);
                if let Some(tunnel) = self.tunnels.get_mut(name) {
                    tunnel.watch.silence.alive(now);
                }
                self.with_monitor(name, |monitor| monitor.alive(now, counts));
            }
            Happening::UnprotectedNotify { notify, .. }
                if *notify == adit_wire::iana::NotifyType::INVALID_SPI.0 =>
            {
                if let Some(tunnel) = self.tunnels.get_mut(name) {
                    // With a monitor, an echo decides.
                    match &mut tunnel.watch.monitor {
                        Some(monitor) => monitor.doubt(),
                        None => tunnel.watch.silence.disputed(now),
                    }
                }
            }
            _ => {}
        }
    }

    /// Packets under an SPI that nobody knows came from this address.
    pub(crate) fn tell_monitors_of_stray(&mut self, now: Mono, from: IpAddr) {
        let up =
            |tunnel: &&mut Tunnel| tunnel.peer == Some(from) && tunnel.presence == Presence::Up;
        for tunnel in self.tunnels.values_mut().filter(up) {
            match &mut tunnel.watch.monitor {
                Some(monitor) => monitor.stray(),
                None => tunnel.watch.silence.stray(now),
            }
        }
    }

    /// Tells what the counters are.
    pub(crate) fn tell_monitors_of_counters(&mut self, sample: &Sample) {
        let mut orders = Vec::new();
        for report in &sample.children {
            let name = &report.child.connection;
            let Some(tunnel) = self.tunnels.get_mut(name) else {
                continue;
            };
            let child = &report.child.child;
            if tunnel.presence != Presence::Up || !tunnel.watch.leaves_to_counters(child) {
                continue;
            }
            let counts = Counts {
                sent: report.counters.packets_out,
                received: report.counters.packets_in,
            };
            tunnel.watch.silence.counted(sample.at, child, counts);
            orders.push(name.clone());
        }
        orders.dedup();
        for name in orders {
            self.carry_out_monitor(&name);
        }
    }

    /// An echo was answered, or wasn't.
    pub(crate) fn echoed(&mut self, asked: Asked) {
        let Asked {
            tunnel: name,
            settings,
            question,
            answer,
        } = asked;
        let now = self.clock.now().mono;
        let counts = match answer {
            // An answer needs no other proof.
            Answer::Came(..) => self.counts_that_decide(&name),
            Answer::Nobody | Answer::CannotAsk(_) => self.counts_of_target(&name),
        };
        self.with_monitor(&name, |monitor| {
            if *monitor.settings() != settings {
                return;
            }
            match (question, answer) {
                (Question::Choose, Answer::Came(target, rtt)) => {
                    monitor.chosen(now, Some(target), rtt);
                }
                (Question::Choose, Answer::Nobody) => {
                    monitor.chosen(now, None, core::time::Duration::ZERO);
                }
                (Question::Choose, Answer::CannotAsk(why)) => monitor.cannot_ask(now, why),
                (Question::Target(_), Answer::Came(_, rtt)) => monitor.answered(now, rtt),
                (Question::Target(_), _) => monitor.missed(now, counts),
                (Question::Others(_), Answer::Came(target, _)) => {
                    monitor.others(now, Some(target), counts);
                }
                (Question::Others(_), _) => monitor.others(now, None, counts),
            }
        });
    }

    fn with_monitor(&mut self, name: &str, what: impl FnOnce(&mut Monitor)) {
        let tunnel = self.tunnels.get_mut(name);
        if let Some(monitor) = tunnel.and_then(|tunnel| tunnel.watch.monitor.as_mut()) {
            what(monitor);
        }
        self.carry_out_monitor(name);
    }

    /// The tunnel that takes the routes of this one.
    fn other_of(&self, tunnel: &Tunnel) -> Option<&Tunnel> {
        let monitor = tunnel.watch.monitor.as_ref()?;
        match &monitor.settings().action {
            MonitorAction::FailOver(other) => self.tunnels.get(other),
            _ => None,
        }
    }

    /// Of many tunnels, few are looked into at a time.
    fn counts_that_decide(&self, name: &str) -> Counts {
        let monitor = self
            .tunnels
            .get(name)
            .and_then(|t| t.watch.monitor.as_ref());
        if monitor.is_some_and(Monitor::looks_at_counters) {
            self.counts_of_target(name)
        } else {
            Counts::default()
        }
    }

    fn counts_of_target(&self, name: &str) -> Counts {
        let monitor = self
            .tunnels
            .get(name)
            .and_then(|t| t.watch.monitor.as_ref());
        let Some(target) = monitor.and_then(Monitor::target) else {
            return Counts::default();
        };
        let children = self.backend.children();
        let mut mine = children
            .iter()
            .filter(|report| report.child.connection == name && report.child.child == target.child);
        mine.next().map_or_else(Counts::default, |report| Counts {
            sent: report.counters.packets_out,
            received: report.counters.packets_in,
        })
    }

    fn carry_out_monitor(&mut self, name: &str) {
        loop {
            let Some(tunnel) = self.tunnels.get_mut(name) else {
                return;
            };
            if let Some(order) = tunnel.watch.monitor.as_mut().and_then(Monitor::poll) {
                self.carry_out_order(name, order);
            } else if let Some(order) = tunnel.watch.silence.poll() {
                match order {
                    silence::Order::AskForLife => self.ask_for_life(name),
                    silence::Order::Rekey(child, why) => {
                        self.monitor_acts(name, Act::Rekey, Some(child.clone()), why);
                        let now = self.clock.now();
                        if let Err(error) = self.endpoint.rekey_child(now, name, &child) {
                            tracing::debug!("{error}");
                        }
                    }
                }
            } else {
                return;
            }
        }
    }

    fn carry_out_order(&mut self, name: &str, order: Order) {
        let target = self
            .tunnels
            .get(name)
            .and_then(|t| t.watch.monitor.as_ref())
            .and_then(Monitor::target)
            .cloned();
        match order {
            Order::Choose => self.send_echoes(name, Question::Choose),
            Order::Probe(target) => self.send_echoes(name, Question::Target(target)),
            Order::AskOthers => {
                if let Some(target) = target {
                    self.send_echoes(name, Question::Others(target.to));
                }
            }
            Order::AskForLife => self.ask_for_life(name),
            Order::Act(act, why) => {
                let child = target.map(|target| target.child);
                self.act_for_monitor(name, act, child, why);
            }
            Order::Tell(judged, why) => {
                let target = target.map(|target| target.to);
                let what = Happening::MonitorJudged {
                    target,
                    judged,
                    why,
                };
                self.tell_of_monitor(name, what);
            }
        }
    }

    fn ask_for_life(&mut self, name: &str) {
        let now = self.clock.now();
        if let Err(error) = self.endpoint.ask_for_life(now, name) {
            tracing::debug!("{error}");
        }
    }

    fn act_for_monitor(&mut self, name: &str, act: Act, child: Option<String>, why: String) {
        let now = self.clock.now();
        let keys_of = child.clone().filter(|_| act == Act::Rekey);
        self.monitor_acts(name, act, keys_of, why);
        let problem = match act {
            Act::Rekey => {
                let child = child.unwrap_or_default();
                let renewed = self.endpoint.rekey_child(now, name, &child);
                renewed.err().map(|error| error.to_string())
            }
            Act::ReInitiate => {
                self.reset_tunnel(name);
                None
            }
            Act::FailOver | Act::FailBack => self.lead_for_monitor(name, act),
        };
        let Some(problem) = problem else {
            return;
        };
        let refused = Happening::Refused {
            what: "what the monitor wants".to_owned(),
            refusal: Refusal::Local { problem },
            notify: None,
        };
        self.happened(Some(name), None, refused);
        if let Some(monitor) = self
            .tunnels
            .get_mut(name)
            .and_then(|t| t.watch.monitor.as_mut())
        {
            monitor.failed(now.mono, act);
        }
    }

    /// Leads the routes of a tunnel into the other one, or back; what went wrong.
    fn lead_for_monitor(&mut self, name: &str, act: Act) -> Option<String> {
        let tunnel = self.tunnels.get(name)?;
        let other = self.other_of(tunnel)?.connection.name.clone();
        let host = self.host.as_mut()?;
        let into = (act == Act::FailOver).then_some(other);
        let led = host.lead_over(name, into);
        led.err().map(|error| error.to_string())
    }

    pub(crate) fn monitor_acts(
        &mut self,
        name: &str,
        act: Act,
        child: Option<String>,
        why: String,
    ) {
        let other = self
            .tunnels
            .get(name)
            .filter(|_| matches!(act, Act::FailOver | Act::FailBack))
            .and_then(|tunnel| self.other_of(tunnel))
            .map(|other| other.connection.name.clone());
        let what = Happening::MonitorActed {
            act,
            child,
            other,
            why,
        };
        self.tell_of_monitor(name, what);
    }

    fn tell_of_monitor(&mut self, name: &str, what: Happening) {
        let peer = self.tunnels.get(name).and_then(|tunnel| tunnel.peer);
        let event = Event {
            at: self.clock.now(),
            connection: Some(name.to_owned()),
            role: None,
            local: None,
            remote: peer.map(|peer| std::net::SocketAddr::new(peer, 500)),
            what,
        };
        self.tell_hook_of(&event);
        self.log.record(event);
        // What one tunnel is judged to be decides whether it can take another one's routes.
        self.look_again();
    }

    /// Sends echoes beside the loop.
    fn send_echoes(&mut self, name: &str, question: Question) {
        let Some(tunnel) = self.tunnels.get(name) else {
            return;
        };
        let Some(settings) = tunnel.watch.monitor.as_ref().map(|m| m.settings().clone()) else {
            return;
        };
        let situation = self.situation(tunnel);
        let seen = seen_to_answer(tunnel);
        let (tasks, name) = (self.tasks.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || {
            let answer = echo::ask(&situation, &settings, &question, &seen);
            let asked = Asked {
                tunnel: name,
                settings,
                question,
                answer,
            };
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(TaskDone::Echoed(asked));
        });
    }
}

/// Hosts behind the peer that answered the last tests through the tunnel.
fn seen_to_answer(tunnel: &Tunnel) -> Vec<IpAddr> {
    let checks = tunnel.checked.iter().flat_map(|(.., checks)| checks);
    let facts = checks.flat_map(|check| &check.facts);
    let answered = facts.filter_map(|fact| match fact {
        Known::Host { state } => match &**state {
            HostState::Ping { to, received, .. } if *received > 0 => to.parse().ok(),
            _ => None,
        },
        _ => None,
    });
    answered.collect()
}
