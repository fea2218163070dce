//! Rekeying and resetting on command.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use adit_ike::{ChildSaState, CommandError, IkeSaSnapshot, IkeSaState};
use adit_model::connection::Connection;
use adit_model::plan::{Cut, Plan};
use adit_model::text::did_you_mean;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::control::Answer;
use crate::gateway::Gateway;
use crate::kept::Kept;
use crate::protocol::{Renewal, RequestError, Response};
use crate::retry::Wanted;
use crate::tunnel::{Goal, Old, Waiter};

impl Gateway {
    /// Rekeys a child, or the IKE SA, or both with all children; or authenticates anew.
    pub(crate) fn rekey(
        &mut self,
        name: &str,
        what: &Renewal,
        wait_ms: u64,
        answer: oneshot::Sender<Answer>,
    ) {
        let begun = match self.begin_rekey(name, what) {
            Ok(old) => vec![(name.to_owned(), Goal::Renewed(old))],
            Err(error) => return refuse(answer, error),
        };
        self.wait_for(begun, None, wait_ms, answer);
    }

    /// Cuts a child, a tunnel or every tunnel, and sets up again what is for us to set up.
    pub(crate) fn reset(
        &mut self,
        name: Option<&str>,
        child: Option<&str>,
        wait_ms: u64,
        answer: oneshot::Sender<Answer>,
    ) {
        let names = match self.chosen(name, child) {
            Ok(names) => names,
            Err(error) => return refuse(answer, error),
        };
        // As it is now; the cut doesn't wait for the disk.
        let kept = self.keep(&names, name);
        let kept = tokio::task::spawn_blocking(move || kept.write());
        let mut begun = Vec::new();
        for name in names {
            let goal = match child {
                Some(child) => self.reset_child(&name, child),
                None => Ok(self.reset_tunnel(&name)),
            };
            match goal {
                Ok(goal) => begun.push((name, goal)),
                Err(error) => return refuse(answer, error),
            }
        }
        self.wait_for(begun, Some(kept), wait_ms, answer);
    }

    /// What [`Self::reset`] would cut.
    pub(crate) fn plan_reset(
        &self,
        name: Option<&str>,
        child: Option<&str>,
    ) -> Result<Plan, Response> {
        let names = self.chosen(name, child)?;
        let cuts: Vec<Cut> = names
            .iter()
            .filter_map(|name| self.cut(name, child, "reset by command", true))
            .collect();
        Ok(Plan {
            schema: Plan::SCHEMA.to_owned(),
            command: "reset".to_owned(),
            done: false,
            cuts,
            added: Vec::new(),
            adjusted: Vec::new(),
            policies: Vec::new(),
            kept: self
                .tunnels
                .keys()
                .filter(|other| !names.contains(other))
                .cloned()
                .collect(),
        })
    }

    /// What ends with a tunnel or one of its children; `None` if there is nothing of it.
    pub(crate) fn cut(
        &self,
        name: &str,
        child: Option<&str>,
        why: &str,
        again: bool,
    ) -> Option<Cut> {
        let snapshot = self.endpoint.snapshot();
        let sas: Vec<_> = of(&snapshot, name).collect();
        let pairs: Vec<u32> = sas
            .iter()
            .flat_map(|sa| &sa.children)
            .filter(|c| child.is_none_or(|child| c.name == child))
            .map(|c| c.spi_in)
            .collect();
        let ike_sas = if child.is_some() { 0 } else { sas.len() };
        if ike_sas == 0 && pairs.is_empty() {
            return None;
        }
        let reports = self.backend.pairs();
        let counted = || reports.iter().filter(|r| pairs.contains(&r.spi_in));
        let wanted = self.tunnels.get(name).map(|t| t.retry.wanted());
        Some(Cut {
            tunnel: name.to_owned(),
            child: child.map(str::to_owned),
            why: why.to_owned(),
            again: again && wanted.is_some_and(|w| w != Wanted::Passive && w != Wanted::Down),
            ike_sas,
            ipsec_sas: pairs.len(),
            packets_in: counted().map(|r| r.counters.packets_in).sum(),
            packets_out: counted().map(|r| r.counters.packets_out).sum(),
            packets_last_second: None,
        })
    }

    /// Asks again for children that were reset, as soon as their old pairs are gone.
    pub(crate) fn ask_again(&mut self, name: &str, snapshot: &[IkeSaSnapshot]) {
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        let there = |child: &String| {
            of(snapshot, name)
                .flat_map(|sa| &sa.children)
                .any(|c| c.name == *child)
        };
        let (wait, due): (Vec<String>, Vec<String>) = std::mem::take(&mut tunnel.ask_again)
            .into_iter()
            .partition(there);
        tunnel.ask_again = wait.into_iter().collect();
        let now = self.clock.now();
        for child in due {
            if let Err(error) = self.endpoint.initiate_child(now, name, &child) {
                // An IKE SA that ended meanwhile is set up again with all its children.
                tracing::debug!("{error}");
            }
            self.look_again();
        }
    }

    fn begin_rekey(&mut self, name: &str, what: &Renewal) -> Result<Old, Response> {
        let child = match what {
            Renewal::Child(child) => Some(child.as_str()),
            Renewal::Everything | Renewal::IkeSa | Renewal::Reauthentication => None,
        };
        self.chosen(Some(name), child)?;
        let now = self.clock.now();
        let mut old = Old::of(&self.endpoint.snapshot(), name, child);
        old.since = self.log.last();
        match what {
            Renewal::Child(_) => old.ike = None,
            Renewal::IkeSa => old.pairs.clear(),
            Renewal::Everything | Renewal::Reauthentication => {}
        }
        let mut children: Vec<String> = old.pairs.iter().map(|(c, _)| c.clone()).collect();
        if let (Some(child), true) = (child, children.is_empty()) {
            children.push(child.to_owned());
        }
        let endpoint = &mut self.endpoint;
        let begun = match what {
            Renewal::Reauthentication => endpoint.reauthenticate(now, name),
            Renewal::IkeSa => endpoint.rekey_ike(now, name),
            Renewal::Child(_) | Renewal::Everything => children
                .iter()
                .try_for_each(|child| endpoint.rekey_child(now, name, child))
                .and_then(|()| match child {
                    None => endpoint.rekey_ike(now, name),
                    Some(_) => Ok(()),
                }),
        };
        begun.map_err(|error| Response::Error {
            error: RequestError::NotNow,
            message: match error {
                // Setting it up is what can't be done.
                CommandError::Unusable { .. } => error.to_string(),
                _ => format!("{error}. Fix: adit up {name}, then try again"),
            },
        })?;
        Ok(old)
    }

    fn reset_child(&mut self, name: &str, child: &str) -> Result<Goal, Response> {
        let now = self.clock.now();
        let mut old = Old::of(&self.endpoint.snapshot(), name, Some(child));
        old.ike = None;
        if old.pairs.is_empty() {
            old.pairs.push((child.to_owned(), Vec::new()));
        }
        let ended = self.endpoint.terminate_child(now, name, child);
        ended.map_err(|error| Response::Error {
            error: RequestError::NotNow,
            message: format!("{error}. Fix: adit up {name}"),
        })?;
        if let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.ask_again.insert(child.to_owned());
        }
        old.since = self.log.last();
        Ok(Goal::Renewed(old))
    }

    /// Ends a tunnel, and sets it up again where that is for us to do.
    pub(crate) fn reset_tunnel(&mut self, name: &str) -> Goal {
        let now = self.clock.now();
        let mut old = Old::of(&self.endpoint.snapshot(), name, None);
        if let Err(error) = self.endpoint.terminate(now, name) {
            tracing::debug!("{error}");
        }
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return Goal::Down;
        };
        tunnel.retry.command_reset(now.mono);
        old.restart = true;
        match tunnel.retry.wanted() {
            Wanted::Up => Goal::Renewed(old),
            // It is taken down, or comes back when a packet or the peer wants it.
            Wanted::OnDemand | Wanted::Passive | Wanted::Down => Goal::Gone(old),
        }
    }

    /// The tunnels that are meant; a child must be one of theirs.
    fn chosen(&self, name: Option<&str>, child: Option<&str>) -> Result<Vec<String>, Response> {
        let names = self.names(name)?;
        let (Some(name), Some(child)) = (name, child) else {
            return Ok(names);
        };
        let configured: Option<&Connection> = self.tunnels.get(name).map(|t| &*t.connection);
        let children = || configured.into_iter().flat_map(|c| &c.children);
        if children().any(|c| c.name == child) {
            return Ok(names);
        }
        let near = did_you_mean(child, children().map(|c| c.name.as_str()));
        let hint = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        Err(Response::Error {
            error: RequestError::UnknownChild,
            message: format!("tunnel `{name}` has no child `{child}`{hint}"),
        })
    }

    /// Has the client told what happens until every goal is reached or missed, and where what was kept is.
    fn wait_for(
        &mut self,
        goals: Vec<(String, Goal)>,
        kept: Option<JoinHandle<io::Result<PathBuf>>>,
        wait_ms: u64,
        answer: oneshot::Sender<Answer>,
    ) {
        let feed = self.log.follow();
        let deadline = self.clock.now().mono + Duration::from_millis(wait_ms);
        let only = match goals.as_slice() {
            [(name, _)] => Some(name.clone()),
            _ => None,
        };
        let mut outcomes = Vec::new();
        for (name, goal) in goals {
            let (outcome, told) = oneshot::channel();
            outcomes.push(told);
            if let Some(tunnel) = self.tunnels.get_mut(&name) {
                tunnel.waiters.push(Waiter {
                    goal,
                    deadline,
                    tried: false,
                    outcome,
                });
            }
        }
        let (whole, last) = oneshot::channel();
        tokio::spawn(async move {
            let mut reached = true;
            let mut lines = Vec::new();
            for outcome in outcomes {
                if let Ok(Response::Outcome {
                    reached: this,
                    summary,
                }) = outcome.await
                {
                    reached &= this;
                    lines.push(summary);
                }
            }
            if let Some(kept) = kept {
                let written = kept
                    .await
                    .unwrap_or_else(|error| Err(io::Error::other(error)));
                lines.push(Kept::told(&written));
            }
            let summary = lines.join("\n");
            // A client that left doesn't want to know.
            let _ = whole.send(Response::Outcome { reached, summary });
        });
        self.look_again();
        // A client that left doesn't want to know.
        let _ = answer.send(Answer::Stream {
            first: Vec::new(),
            feed,
            tunnel: only,
            last: Some(last),
        });
    }
}

impl Old {
    /// What there is of a tunnel, or of one of its children.
    fn of(snapshot: &[IkeSaSnapshot], name: &str, child: Option<&str>) -> Self {
        let mut old = Self::default();
        let mut proved = None;
        for sa in of(snapshot, name) {
            if sa.state == IkeSaState::Established && sa.reauth.proved >= proved {
                (old.ike, proved) = (Some(sa.spis), sa.reauth.proved);
            }
            for pair in &sa.children {
                let meant = child.is_none_or(|child| pair.name == child);
                if !meant || pair.state != ChildSaState::Installed {
                    continue;
                }
                match old.pairs.iter_mut().find(|(name, _)| *name == pair.name) {
                    Some((_, spis)) => spis.push(pair.spi_in),
                    None => old.pairs.push((pair.name.clone(), vec![pair.spi_in])),
                }
            }
        }
        old
    }

    /// Whether others have taken the places of all that there was.
    pub(crate) fn is_replaced(&self, snapshot: &[IkeSaSnapshot], name: &str) -> bool {
        let up = || of(snapshot, name).filter(|sa| sa.state == IkeSaState::Established);
        let ike = self
            .ike
            .is_none_or(|old| up().any(|sa| sa.spis != old) && up().all(|sa| sa.spis != old));
        let pair = |(child, old): &(String, Vec<u32>)| {
            up().flat_map(|sa| &sa.children).any(|c| {
                c.name == *child && c.state == ChildSaState::Installed && !old.contains(&c.spi_in)
            })
        };
        ike && self.pairs.iter().all(pair)
            && (!self.restart || up().any(|sa| !sa.children.is_empty()))
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_gone(&self, snapshot: &[IkeSaSnapshot], name: &str) -> bool {
        self.ike
            .is_none_or(|old| of(snapshot, name).all(|sa| sa.spis != old))
    }
}

fn of<'a>(
    snapshot: &'a [IkeSaSnapshot],
    name: &'a str,
) -> impl Iterator<Item = &'a IkeSaSnapshot> + use<'a> {
    snapshot
        .iter()
        .filter(move |sa| sa.connection.as_deref() == Some(name))
}

fn refuse(answer: oneshot::Sender<Answer>, error: Response) {
    // A client that left doesn't want to know.
    let _ = answer.send(Answer::Lines(vec![error]));
}
