//! The children of an IKE SA that is up: which are wanted, renewed, counted, and which have reached their end.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use adit_model::Mono;
use adit_model::dataplane::{PairCounters, Trigger};
use adit_model::event::{Happening, Party};

use crate::cx::Cx;
use crate::snapshot::ChildSaState;
use crate::v2::agenda::Task;
use crate::v2::child::{self, Child, ChildEvent};
use crate::v2::established::Established;
use crate::v2::lifespan::{Lifespan, Setback, wait};
use crate::v2::volume::Verdict;

/// A configured child without a pair.
pub(crate) struct Missing {
    pub name: String,
    /// When we ask for it; `None` while that is under way.
    pub at: Option<Mono>,
    failures: u32,
}

impl Missing {
    /// A child that is asked for.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            at: None,
            failures: 0,
        }
    }
}

impl Established {
    /// Takes down the pair that we receive under `spi_in`.
    pub fn remove_child(&mut self, cx: &mut Cx<'_>, spi_in: u32, event: ChildEvent, by: Party) {
        if let Some(at) = self.children.iter().position(|c| c.spi_in == spi_in) {
            let child = self.children.remove(at);
            child.close(cx, &self.secured.head, event, by);
        }
    }

    /// Whether we have asked the peer to delete a child and have no answer yet.
    pub fn is_deleting(&self) -> bool {
        self.children
            .iter()
            .any(|c| c.state == ChildSaState::Deleting)
    }

    /// We set the connection up: what it is to have beside its first child is asked for.
    pub fn keep_up(&mut self, cx: &mut Cx<'_>) {
        self.began = true;
        let connection = self.secured.head.connection.clone();
        // What a packet has set up carries what packets want, and no more.
        let trigger = self.secured.head.trigger.clone();
        self.on_demand = trigger.is_some();
        let only = trigger.map(|trigger| trigger.child.clone());
        let wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
        for config in connection.children.iter().filter(|c| wanted(&c.name)) {
            // What was refused just now has its time.
            if self.missing.iter().all(|m| m.name != config.name) {
                self.want(&config.name);
            }
        }
        if !self.children.is_empty() {
            self.secured.head.trigger = None;
        }
        self.work(cx);
    }

    /// Whether nothing that was wanted is still on its way.
    pub fn is_complete(&self) -> bool {
        self.agenda.awaits_no_child() && self.children.iter().any(Child::is_installed)
    }

    /// Asks for a configured child that isn't there.
    pub fn want(&mut self, name: &str) {
        let there = self
            .children
            .iter()
            .any(|c| c.name == name && c.is_installed());
        if there || self.replaced.is_some() {
            return;
        }
        match self.missing.iter_mut().find(|m| m.name == name) {
            Some(missing) => missing.at = None,
            None => self.missing.push(Missing::new(name)),
        }
        self.agenda.add(Task::NewChild(name.to_owned()));
    }

    /// A packet wants through and no pair takes it: one is asked for, unless that is under way or has to wait.
    pub fn packet_wants(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        if !self.lacks(&trigger) {
            return;
        }
        let name = trigger.child.clone();
        self.missing.push(Missing::new(&name));
        self.secured.head.trigger = Some(Arc::new(trigger));
        self.agenda.add(Task::NewChild(name));
        self.work(cx);
    }

    /// Whether no pair takes the packet, and none is asked for or has to wait.
    fn lacks(&self, trigger: &Trigger) -> bool {
        let pairs = self.children.iter().filter(|c| c.name == trigger.child);
        self.replaced.is_none()
            && !self.missing.iter().any(|m| m.name == trigger.child)
            && !pairs.clone().any(|c| c.takes(trigger))
            && pairs.count() < MOST_PAIRS
    }

    /// What packets would want of the pairs that are in use.
    fn carried(&self) -> impl Iterator<Item = Trigger> {
        let installed = self.children.iter().filter(|c| c.is_installed());
        installed.filter_map(|c| {
            Some(Trigger {
                child: c.name.clone(),
                local: *c.ts.local.first()?,
                remote: *c.ts.remote.first()?,
            })
        })
    }

    /// What a new IKE SA that is to take the place of this one begins with, if that isn't all that is configured.
    pub fn first_carried(&self) -> Option<Arc<Trigger>> {
        self.carried()
            .next()
            .filter(|_| self.on_demand)
            .map(Arc::new)
    }

    /// What this one carries and the one that is to take its place does not yet.
    pub fn owed_by(&self, new: &Established) -> Option<Trigger> {
        let configured = &new.secured.head.connection.children;
        let known = |trigger: &Trigger| configured.iter().any(|c| c.name == trigger.child);
        self.carried()
            .find(|trigger| known(trigger) && new.lacks(trigger))
    }

    /// Whether a pair of this child is there, that takes the packet which asked for one.
    pub fn has(&self, name: &str) -> bool {
        let trigger = self.secured.head.trigger.as_ref();
        let trigger = trigger.filter(|trigger| trigger.child == name);
        self.children.iter().any(|c| {
            c.name == name && c.is_installed() && trigger.is_none_or(|trigger| c.takes(trigger))
        })
    }

    /// A child couldn't be made, or rekeyed in the place of `old`; when that is tried again.
    pub fn child_failed(
        &mut self,
        cx: &Cx<'_>,
        name: &str,
        old: Option<u32>,
        setback: Setback,
        problem: String,
    ) -> Duration {
        if let Some(old) = old {
            let child = self.children.iter_mut().find(|c| c.spi_in == old);
            return match child.filter(|c| c.is_installed()) {
                Some(child) => child.span.put_off(cx, setback, problem),
                None => Duration::ZERO,
            };
        }
        if !self.is_configured(name) {
            self.missing.retain(|m| m.name != name);
            return Duration::ZERO;
        }
        let at = self.missing.iter().position(|m| m.name == name);
        let mut missing = match at {
            Some(at) => self.missing.remove(at),
            None => Missing::new(name),
        };
        let wait = wait(cx, setback, missing.failures);
        missing.failures += 1;
        missing.at = Some(cx.now.mono + wait);
        self.missing.push(missing);
        wait
    }

    /// Another pair has taken this one's place.
    pub fn supersede(&mut self, cx: &mut Cx<'_>, spi_in: u32) {
        let now = cx.now.mono;
        if let Some(child) = self.children.iter_mut().find(|c| c.spi_in == spi_in) {
            child.step(ChildEvent::Superseded, now);
            child.retire(cx, &self.secured.head);
        }
    }

    /// A pair has reached a limit.
    pub fn expire(&mut self, cx: &mut Cx<'_>, spi_in: u32, limit: String) {
        let Some(child) = self.children.iter_mut().find(|c| c.spi_in == spi_in) else {
            return;
        };
        let why = child.span.problem.take();
        child.span = Lifespan::default();
        let name = child.name.clone();
        let what = Happening::Expired {
            what: child::title(&self.secured.head, Some(&name)),
            limit,
            why,
        };
        cx.event(&self.secured.head, what);
        self.agenda.add(Task::DeleteChild(spi_in));
        if self.began && !self.on_demand && self.replaced.is_none() {
            self.agenda.add(Task::NewChild(name));
        }
    }

    /// The data plane has counted.
    pub fn counted(&mut self, cx: &mut Cx<'_>, counters: &BTreeMap<u32, PairCounters>) {
        let now = cx.now.mono;
        let installed = self.children.iter_mut().filter(|c| c.is_installed());
        let verdicts: Vec<(u32, Verdict)> = installed
            .filter_map(|c| Some((c.spi_in, c.volume.counted(now, counters.get(&c.spi_in)?))))
            .collect();
        for (spi_in, verdict) in verdicts {
            match verdict {
                Verdict::Fine => {}
                Verdict::Renew if self.replaced.is_some() => {}
                Verdict::Renew => self.renew_child(spi_in),
                Verdict::End(limit) => self.expire(cx, spi_in, limit),
                Verdict::Idle(time) => {
                    let limit = format!("{} s without a packet", time.as_secs());
                    self.expire(cx, spi_in, limit);
                }
            }
        }
        self.work(cx);
    }

    /// How often the data plane's counters are needed.
    pub fn usage_interval(&self) -> Option<Duration> {
        self.children.iter().map(|c| c.volume.interval()).min()
    }

    /// Rekeys every pair of a child; `false` when there is none.
    pub fn renew_named(&mut self, name: &str) -> bool {
        let of_child = |c: &&Child| c.name == name && c.is_installed();
        let pairs: Vec<u32> = self
            .children
            .iter()
            .filter(of_child)
            .map(|c| c.spi_in)
            .collect();
        for spi_in in &pairs {
            self.renew_child(*spi_in);
        }
        !pairs.is_empty()
    }

    /// Rekeys every pair of a child on trial: if that is refused, it is renewed when it would have been anyway. `false` when there
    /// is none, or it is being renewed.
    pub fn try_named(&mut self, name: &str) -> bool {
        let mut any = false;
        for child in &mut self.children {
            let task = Task::RekeyChild(child.spi_in);
            if child.name == name && child.is_installed() && !self.agenda.has(&task) {
                child.span.try_renewal();
                self.agenda.add(task);
                any = true;
            }
        }
        any
    }

    /// Deletes every pair of a child, and asks for no other.
    pub fn unwant(&mut self, name: &str) {
        self.missing.retain(|m| m.name != name);
        for child in self.children.iter().filter(|c| c.name == name) {
            self.agenda.add(Task::DeleteChild(child.spi_in));
        }
    }

    fn renew_child(&mut self, spi_in: u32) {
        if let Some(child) = self.children.iter_mut().find(|c| c.spi_in == spi_in) {
            child.span.renew = None;
            child.volume.renewing();
            self.agenda.add(Task::RekeyChild(spi_in));
        }
    }

    /// What is due for children.
    pub fn tend_children(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now.mono;
        let due = |at: Option<Mono>| at.is_some_and(|at| at <= now);
        let spans: Vec<(u32, bool, bool)> = self
            .children
            .iter()
            .map(|c| (c.spi_in, due(c.span.renew), due(c.span.end)))
            .collect();
        for (spi_in, renew, end) in spans {
            if end {
                let child = self.children.iter().find(|c| c.spi_in == spi_in);
                let lived = child.map_or(0, |c| now.since(c.since).as_secs());
                self.expire(cx, spi_in, format!("{lived} s"));
            } else if renew {
                self.renew_child(spi_in);
            }
        }
        for missing in &mut self.missing {
            if due(missing.at) {
                missing.at = None;
                self.agenda.add(Task::NewChild(missing.name.clone()));
            }
        }
    }
}

/// Pairs of one child that packets may ask for, where the peer grants each only a part.
const MOST_PAIRS: usize = 16;
