//! The pre-mortem: what of running tunnels will fail, looked at soon after each is set up, every hour, and when somebody asks.
//!
//! Facts are collected here, from memory ([`known`]) and from the host ([`host`]); what they mean is for the rules of
//! `adit_diagnose::foresee`. What is new is told once, as an event; what is no longer so, too.

mod gap;
mod host;
mod known;
mod looks;
mod mounts;
mod outlook;
mod sessions;
mod trial;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use adit_diagnose::{Forewarning, Premortem, TunnelAhead, foresee};
use adit_ike::{ChildSaState, IkeSaSnapshot, IkeSaState};
use adit_model::ahead::Weight;
use adit_model::carriage::Mss;
use adit_model::dataplane::Path;
use adit_model::event::{Event, Happening};
use adit_model::fact::{Case, Known};
use adit_model::{Mono, Now};
use tokio::sync::oneshot;

pub(crate) use gap::{Pace, counts_of};
pub(crate) use host::{Found, managed};
pub(crate) use known::{Seen, fact};
pub(crate) use looks::Foresight;
pub(crate) use outlook::Outlook;

use crate::answer::reply;
use crate::attempt::TaskDone;
use crate::backend::Backend;
use crate::control::Answer;
use crate::gateway::Gateway;
use crate::protocol::Response;
use crate::recorder::is_unproven;
use crate::retry::Presence;
use crate::tunnel::Tunnel;
use host::{Asked, Question, Room};
use looks::{SETTLED, Scope};

impl Gateway {
    /// When something of it is due.
    pub(crate) fn ahead_due(&self) -> Option<Mono> {
        let look = self.foresight.due();
        look.into_iter().chain(self.trials_due()).min()
    }

    /// Does what is due.
    pub(crate) fn look_ahead_if_due(&mut self, now: Now) {
        self.look_at_trials(now);
        let names: Vec<String> = match self.foresight.take_due(now.mono) {
            None => return,
            Some(Scope::All) => self.tunnels.keys().cloned().collect(),
            Some(Scope::Only(names)) => names.into_iter().collect(),
        };
        // Servers aren't asked every hour of every gateway, but when a person asks.
        self.look_ahead(&names, false);
    }

    /// A tunnel has come up.
    pub(crate) fn came_up_for_ahead(&mut self, name: &str) {
        let now = self.clock.now().mono;
        if let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.ahead.ever_up = true;
        }
        self.foresight.soon(name, now + SETTLED);
        self.plan_trials(name);
    }

    /// Something has happened.
    pub(crate) fn hear_for_ahead(&mut self, event: &Event) {
        if is_a_strangers(event) {
            return;
        }
        let Some(name) = &event.connection else {
            return;
        };
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        if tunnel.ahead.hear(event.at.mono, &event.what) {
            self.foresight.soon(name, event.at.mono + SOON);
        }
        // A tunnel with several clients doesn't come up with each of them.
        let reauth = tunnel.connection.life.reauth;
        if let (Happening::IkeEstablished { .. }, false) = (&event.what, reauth.is_zero()) {
            self.foresight
                .soon(name, event.at.mono + SOON + reauth + LATE);
        }
    }

    /// Tells what will fail, as soon as the host has been looked at.
    pub(crate) fn foresee(
        &mut self,
        tunnel: Option<&str>,
        operator: Option<IpAddr>,
        answer: oneshot::Sender<Answer>,
    ) {
        let names = match self.names(tunnel) {
            Ok(names) => names,
            Err(error) => return reply(answer, Answer::Lines(vec![error])),
        };
        if let Some(operator) = operator {
            self.foresight.asked_from(operator);
        }
        let look = self.look_ahead(&names, true);
        self.foresight.wait(look, names, answer);
    }

    /// Looks at the host beside the loop. Gives the look's number.
    fn look_ahead(&mut self, names: &[String], servers: bool) -> u64 {
        let look = self.foresight.begin();
        let tunnels = names.iter().filter_map(|name| self.tunnels.get(name));
        let question = self.question_of(tunnels, self.foresight.operators(), servers);
        let names = names.to_vec();
        let tasks = self.tasks.clone();
        let fake = matches!(self.backend, Backend::Fake);
        tokio::task::spawn_blocking(move || {
            // Without anything carried there is nothing of the host that matters.
            let host = std::panic::AssertUnwindSafe(|| host::look(&question));
            let found = if fake {
                Found::new()
            } else {
                std::panic::catch_unwind(host).unwrap_or_default()
            };
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(TaskDone::LookedAhead { look, names, found });
        });
        look
    }

    /// What is to be looked at for all tunnels.
    pub(crate) fn question(&self, operator: Option<IpAddr>, servers: bool) -> Question {
        self.question_of(
            self.tunnels.values(),
            operator.into_iter().collect(),
            servers,
        )
    }

    fn question_of<'a>(
        &self,
        asked: impl Iterator<Item = &'a Tunnel>,
        operators: Vec<IpAddr>,
        servers: bool,
    ) -> Question {
        let snapshot = self.endpoint.snapshot();
        let own = |t: &Tunnel| t.connection.interface.as_ref().map(|i| i.name.clone());
        let mut devices = vec![self.options.tun_name.clone()];
        devices.extend(self.tunnels.values().filter_map(own));
        let in_user_space = matches!(self.backend, Backend::User(_));
        let tunnels = asked.map(|tunnel| Asked {
            name: tunnel.connection.name.clone(),
            peer: tunnel.peer,
            device: own(tunnel).or_else(|| in_user_space.then(|| self.options.tun_name.clone())),
            surroundings: servers.then(|| self.situation_in(tunnel, &snapshot)),
            children: self.rooms(tunnel, &snapshot),
        });
        Question {
            root: self.options.root.clone(),
            tunnels: tunnels.collect(),
            devices,
            operators,
        }
    }

    /// Children that are up, and what protection adds to their packets.
    fn rooms(&self, tunnel: &Tunnel, snapshot: &[IkeSaSnapshot]) -> Vec<Room> {
        let name = &tunnel.connection.name;
        let up = snapshot.iter().filter(|sa| {
            sa.connection.as_ref() == Some(name) && sa.state == IkeSaState::Established
        });
        up.flat_map(|sa| sa.children.iter().map(move |pair| (sa, pair)))
            .filter(|(_, pair)| pair.state == ChildSaState::Installed)
            .filter_map(|(sa, pair)| {
                let suite = &pair.suite;
                let (encr, bits) = (suite.encr.id, suite.encr.key_bits);
                let protection = self.provider.protection(encr, bits, suite.integ).ok()?;
                let path = Path {
                    local: sa.local,
                    remote: sa.remote,
                    udp_encap: pair.udp_encap,
                };
                let children = &tunnel.connection.children;
                let configured = children.iter().find(|c| c.name == pair.name);
                Some(Room {
                    child: pair.name.clone(),
                    overhead: adit_esp::Overhead::new(protection.shape(), &path),
                    ipv6: pair.ts_remote.iter().any(|ts| ts.start.is_ipv6()),
                    mss: match configured.map(|c| c.carriage.mss) {
                        Some(Mss::AtMost(octets)) => Some(octets),
                        _ => None,
                    },
                })
            })
            .collect()
    }

    /// The host has been looked at.
    pub(crate) fn looked_ahead(&mut self, look: u64, names: &[String], mut found: Found) {
        let seen = self.seen();
        for name in names {
            if let (Some(tunnel), Some(found)) = (self.tunnels.get_mut(name), found.remove(name)) {
                tunnel.ahead.looked(look, found);
            }
            self.judge_ahead(name, &seen);
        }
        for waiter in self.foresight.end(look) {
            let names = waiter.names.iter();
            let tunnels = names.filter_map(|name| self.ahead_document(name, &seen));
            let premortem = Box::new(Premortem::new(tunnels.collect()));
            reply(
                waiter.answer,
                Answer::Lines(vec![Response::Foreseen { premortem }]),
            );
        }
    }

    fn ahead_case(&self, tunnel: &Tunnel, seen: &Seen) -> Case {
        let mut facts = vec![crate::case::configured(&tunnel.connection)];
        facts.extend(self.ahead_facts(tunnel, seen));
        Case {
            subject: tunnel.connection.name.clone(),
            facts,
            ..Case::default()
        }
    }

    /// Judges what is known of a tunnel, and tells what has changed.
    fn judge_ahead(&mut self, name: &str, seen: &Seen) {
        let Some(tunnel) = self.tunnels.get(name) else {
            return;
        };
        let case = self.ahead_case(tunnel, seen);
        let found = foresee(&case);
        if let Some(at) = next_look(&case, self.clock.now()) {
            self.foresight.soon(name, at);
        }
        let up = tunnel.presence == Presence::Up;
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        seen.remember(tunnel);
        let before = std::mem::take(&mut tunnel.ahead.found);
        let mut told = changes(&before, &found);
        let mut kept = found;
        if !up {
            // What was agreed on is gone with the tunnel, which doesn't mend anything.
            told.retain(|(_, over)| !over);
            let gone = before
                .into_iter()
                .filter(|w| !kept.iter().any(|k| k.key() == w.key()));
            let gone: Vec<Forewarning> = gone.collect();
            kept.extend(gone);
        }
        tunnel.ahead.found = kept;
        for (warning, over) in told {
            let what = Happening::Foreseen {
                cause: warning.cause,
                child: warning.child,
                summary: warning.summary,
                consequence: warning.consequence,
                over,
            };
            self.happened(Some(name), None, what);
        }
    }

    fn ahead_document(&self, name: &str, seen: &Seen) -> Option<TunnelAhead> {
        let tunnel = self.tunnels.get(name)?;
        let case = self.ahead_case(tunnel, seen);
        let ahead = case.facts.iter().filter_map(|fact| match &fact.what {
            Known::Ahead { .. } => Some(fact.source.text.clone()),
            _ => None,
        });
        Some(TunnelAhead {
            tunnel: name.to_owned(),
            up: tunnel.presence == Presence::Up,
            seen: ahead.collect(),
            ahead: foresee(&case),
        })
    }
}

/// When something known may be late, of which nothing is wrong yet: an hourly look would come when it is over.
fn next_look(case: &Case, now: Now) -> Option<Mono> {
    let late = case.facts.iter().filter_map(|fact| match &fact.what {
        Known::Ahead { ahead } => ahead.late_from(),
        _ => None,
    });
    let next = late.filter(|at| *at >= now.wall).min()?;
    Some(now.mono + Duration::from_millis(next.0 - now.wall.0) + SOON)
}

/// Whether an IKE SA went away that anybody may have begun. It tells nothing of the tunnel's future, and looks would be begun by strangers.
fn is_a_strangers(event: &Event) -> bool {
    matches!(event.what, Happening::IkeClosed { .. }) && is_unproven(event)
}

/// Warnings that are new, and those that are over. What an event of its own tells already isn't among them.
fn changes(before: &[Forewarning], now: &[Forewarning]) -> Vec<(Forewarning, bool)> {
    let keys =
        |all: &[Forewarning]| -> BTreeSet<String> { all.iter().map(Forewarning::key).collect() };
    let (were, are) = (keys(before), keys(now));
    let told = |w: &&Forewarning| {
        let own_certificate =
            w.cause.starts_with("cert-") && w.side != adit_diagnose::AtFault::Remote;
        w.weight == Weight::Warning && !own_certificate
    };
    let new = now.iter().filter(told).filter(|w| !were.contains(&w.key()));
    // A warning that came a step nearer isn't over.
    let still = |w: &&Forewarning| {
        now.iter()
            .any(|n| n.cause == w.cause && n.child == w.child && n.days.is_some())
    };
    let over = before
        .iter()
        .filter(told)
        .filter(|w| !(are.contains(&w.key()) || w.days.is_some() && still(w)));
    new.map(|w| (w.clone(), false))
        .chain(over.map(|w| (w.clone(), true)))
        .collect()
}

/// How soon it is looked at when something is new.
const SOON: Duration = Duration::from_millis(500);
/// How long after the time that a peer was told it is late at the latest.
const LATE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_diagnose::{AtFault, Evidence, Fix};

    fn warning(cause: &str, days: Option<i64>) -> Forewarning {
        Forewarning {
            subject: "office".to_owned(),
            child: None,
            cause: cause.to_owned(),
            weight: Weight::Warning,
            side: AtFault::Remote,
            summary: String::new(),
            consequence: String::new(),
            days,
            evidence: vec![Evidence {
                side: None,
                source: "gateway".to_owned(),
                line: None,
                text: format!("{cause} {days:?}"),
            }],
            fix: Fix::default(),
        }
    }

    #[test]
    fn a_stranger_who_fails_to_prove_himself_begins_no_look() {
        use adit_model::Wall;
        use adit_model::event::{Party, Role};
        let closed = |role, cause: &str| Event {
            at: Now {
                mono: Mono(0),
                wall: Wall(0),
            },
            connection: Some("office".to_owned()),
            role: Some(role),
            local: None,
            remote: None,
            what: Happening::IkeClosed {
                by: Party::Us,
                cause: cause.to_owned(),
            },
        };
        assert!(is_a_strangers(&closed(Role::Responder, "failed")));
        assert!(!is_a_strangers(&closed(Role::Responder, "deleted")));
        assert!(!is_a_strangers(&closed(Role::Initiator, "failed")));
    }

    #[test]
    fn a_note_that_becomes_a_warning_is_told() {
        let late = warning("reauth-wrong-initiator", None);
        let note = Forewarning {
            weight: Weight::Note,
            ..late.clone()
        };
        let (note, late) = ([note], [late]);
        assert_eq!(changes(&note, &late), [(late[0].clone(), false)]);
        assert_eq!(changes(&late, &note), [(late[0].clone(), true)]);
        assert!(changes(&[], &note).is_empty() && changes(&note, &[]).is_empty());
    }

    /// A peer was told 600 s, and 10 s after these it is late: that is looked at then, not at the next hour.
    #[test]
    fn a_look_comes_when_the_peer_is_late() {
        use adit_model::Wall;
        let start = 1_700_000_000_000;
        let case = |now: Now| {
            let known = adit_model::ahead::Ahead::Reauthentication {
                began: false,
                proved: Wall(start),
                told_s: None,
                told_until: None,
                planned: None,
                ours_at: None,
                given_until: Some(Wall(start + 600_000)),
                end: Some(Wall(start + 660_000)),
                now: now.wall,
            };
            Case {
                facts: vec![known::fact("office", known)],
                ..Case::default()
            }
        };
        let at = |seconds: u64| Now {
            mono: Mono(seconds * 1_000_000_000),
            wall: Wall(start + seconds * 1000),
        };
        let next = |now| next_look(&case(now), now);
        let late = at(610).mono + SOON;
        assert_eq!((next(at(0)), next(at(605))), (Some(late), Some(late)));
        let now = Now {
            mono: late,
            wall: Wall(start + 610_500),
        };
        assert_eq!(next(now), None);
        let found = foresee(&case(now));
        assert_eq!(found[0].weight, Weight::Warning, "{found:?}");
        assert_eq!(next_look(&Case::default(), at(0)), None);
    }

    #[test]
    fn each_change_is_told_once() {
        let told = |before: &[Forewarning], now: &[Forewarning]| -> Vec<(String, bool)> {
            let all = changes(before, now).into_iter();
            all.map(|(w, over)| (w.cause, over)).collect()
        };
        let (mtu, cert) = (warning("pmtu-blackhole", None), |d| {
            warning("cert-expired", Some(d))
        });
        let both = [mtu.clone(), cert(20)];
        assert_eq!(told(&[], &both).len(), 2);
        assert!(told(&both, &both).is_empty());
        assert!(told(&both, &[mtu.clone(), cert(19)]).is_empty());
        assert_eq!(
            told(&both, &[mtu.clone(), cert(14)]),
            [("cert-expired".to_owned(), false)]
        );
        assert_eq!(
            told(&both, &[cert(20)]),
            [("pmtu-blackhole".to_owned(), true)]
        );
        let ours = Forewarning {
            side: AtFault::Local,
            ..cert(5)
        };
        assert!(told(&[], &[ours]).is_empty(), "it has an event of its own");
    }
}
