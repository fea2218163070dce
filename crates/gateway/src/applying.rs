//! Another configuration on approval: it holds at once, and the former one comes back unless somebody confirms in time. Who
//! has locked himself out can't confirm, and gets back in.
//!
//! Nothing of the configuration file changes before it is confirmed, so a gateway that is killed meanwhile starts with the
//! former one too.

use std::net::IpAddr;
use std::time::Duration;

use adit_config::Configuration;
use adit_diagnose::Forewarning;
use adit_model::Mono;
use adit_model::ahead::{Ahead, Weight};
use adit_model::plan::Plan;
use tokio::sync::oneshot;

use crate::ahead;
use crate::answer::{error, reply};
use crate::attempt::TaskDone;
use crate::backend::Backend;
use crate::control::Answer;
use crate::gateway::Gateway;
use crate::lock_out::{self, Rules};
use crate::protocol::{Applied, RequestError, Response};
use crate::reload::{Prepared, prepare_text};
use crate::staged::Staged;

/// How a configuration is to be applied.
#[derive(Clone, Debug)]
pub struct Wish {
    text: String,
    dry_run: bool,
    /// It goes unless confirmed within that time; zero keeps it at once.
    confirm: Duration,
    operator: Option<IpAddr>,
    /// Although it may lock somebody out.
    anyway: bool,
}

impl Wish {
    /// From a request.
    pub(crate) fn new(
        text: String,
        dry_run: bool,
        confirm_ms: u64,
        operator: Option<IpAddr>,
        anyway: bool,
    ) -> Self {
        Self {
            text,
            dry_run,
            confirm: Duration::from_millis(confirm_ms.min(LONGEST_MS)),
            operator,
            anyway,
        }
    }
}

/// A configuration that holds and isn't confirmed.
pub(crate) struct Unconfirmed {
    /// What comes back.
    former: Box<Prepared>,
    until: Mono,
    text: String,
}

impl Gateway {
    /// Begins to read another configuration, and to look who manages this host from where.
    pub(crate) fn apply(&mut self, wish: Wish, answer: oneshot::Sender<Answer>) {
        if self.unconfirmed.is_some() {
            return reply(answer, Answer::Lines(vec![not_confirmed()]));
        }
        let (tasks, running) = (self.tasks.clone(), self.options.clone());
        let mut question = self.question(wish.operator, false);
        let in_kernel = matches!(self.backend, Backend::Kernel(_));
        tokio::task::spawn_blocking(move || {
            let prepared = prepare_text(&running, &wish.text).map(Box::new);
            let mut risks = Vec::new();
            if let Ok(prepared) = &prepared {
                question.add_devices(&prepared.options().config.connections);
                let managed = ahead::managed(&question, in_kernel);
                let new = rules(&prepared.options().config);
                risks = lock_out::risks(rules(&running.config), new, &managed);
            }
            let done = TaskDone::ToApply {
                prepared,
                risks,
                wish,
                answer,
            };
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(done);
        });
    }

    /// The other configuration has been read.
    pub(crate) fn read_to_apply(
        &mut self,
        prepared: Result<Box<Prepared>, String>,
        mut risks: Vec<Forewarning>,
        wish: Wish,
        answer: oneshot::Sender<Answer>,
    ) {
        let refuse = |kind, message| Answer::Lines(vec![error(kind, message)]);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(message) => return reply(answer, refuse(RequestError::Configuration, message)),
        };
        if self.unconfirmed.is_some() {
            return reply(answer, Answer::Lines(vec![not_confirmed()]));
        }
        let changes = self.changes(&prepared.options().config);
        risks.extend(self.cut_off(&self.plan_reload(&changes, false)));
        let guarded = wish.dry_run || wish.anyway || !wish.confirm.is_zero();
        if let (Some(risk), false) = (risks.first(), guarded) {
            let message = format!(
                "{}: {}; nothing was changed. Fix: apply it with a time to confirm in (--confirm 60s), or --anyway",
                risk.summary, risk.consequence
            );
            return reply(answer, refuse(RequestError::LockOut, message));
        }
        // What can't be kept in the end isn't begun.
        let staged = match wish.dry_run {
            true => Ok(None),
            false => self.stage(&wish.text),
        };
        let staged = match staged {
            Ok(staged) => staged,
            Err(problem) => {
                let message = format!(
                    "{problem}; nothing was changed. Fix: let the gateway write there (ReadWritePaths= of its systemd unit)"
                );
                return reply(answer, refuse(RequestError::Failed, message));
            }
        };
        let now = self.clock.now().mono;
        let mut other = prepared;
        let mut plan = match self.adopt(&mut other, wish.dry_run) {
            Ok(plan) => plan,
            Err(message) => return reply(answer, refuse(RequestError::Failed, message)),
        };
        "apply".clone_into(&mut plan.command);
        let mut saved = None;
        if !wish.dry_run {
            self.unconfirmed = Some(Unconfirmed {
                former: other,
                until: now + wish.confirm,
                text: wish.text,
            });
            if wish.confirm.is_zero() {
                match self.write_in(staged) {
                    Ok(path) => saved = path,
                    Err(problem) => {
                        let message = match self.back() {
                            Ok(()) => format!("{problem}; the former configuration holds again"),
                            Err(worse) => format!("{problem}; {worse}"),
                        };
                        return reply(answer, refuse(RequestError::Failed, message));
                    }
                }
            } else {
                let seconds = wish.confirm.as_secs();
                tracing::warn!(
                    "another configuration holds; the former one comes back in {seconds} s unless it is confirmed (adit apply --confirm)"
                );
            }
        }
        let confirm_ms = self.unconfirmed.as_ref().map_or(0, |u| {
            u64::try_from(u.until.since(now).as_millis()).unwrap_or(0)
        });
        let applied = Applied::new(plan, risks, confirm_ms, saved);
        reply(
            answer,
            Answer::Lines(vec![Response::Applied {
                applied: Box::new(applied),
            }]),
        );
    }

    /// It stays, and is written into the configuration file.
    pub(crate) fn confirm(&mut self) -> Result<Vec<Response>, Response> {
        let unconfirmed = self.unconfirmed.as_ref().ok_or_else(nothing_to_confirm)?;
        let staged = self.stage(&unconfirmed.text);
        let saved = staged
            .and_then(|staged| self.write_in(staged))
            .map_err(|problem| {
                error(
                    RequestError::Failed,
                    format!("{problem}; it isn't confirmed"),
                )
            })?;
        tracing::info!("the configuration is confirmed");
        Ok(vec![Response::Confirmed { saved }])
    }

    /// The former one comes back now.
    pub(crate) fn revert(&mut self) -> Result<Vec<Response>, Response> {
        if self.unconfirmed.is_none() {
            return Err(nothing_to_confirm());
        }
        self.back()
            .map_err(|message| error(RequestError::Failed, message))?;
        Ok(vec![Response::Done])
    }

    /// When the former configuration comes back.
    pub(crate) fn unconfirmed_until(&self) -> Option<Mono> {
        self.unconfirmed.as_ref().map(|u| u.until)
    }

    /// Brings the former configuration back if nobody has confirmed the other one in time.
    pub(crate) fn look_at_unconfirmed(&mut self, now: Mono) {
        let late = self.unconfirmed_until().is_some_and(|until| until <= now);
        if late && let Err(message) = self.back() {
            tracing::error!("{message}");
        }
    }

    /// The former configuration comes back; if it can't, it is kept and tried again.
    fn back(&mut self) -> Result<(), String> {
        let Some(mut unconfirmed) = self.unconfirmed.take() else {
            return Ok(());
        };
        if let Err(problem) = self.adopt(&mut unconfirmed.former, false) {
            unconfirmed.until = self.clock.now().mono + AGAIN;
            self.unconfirmed = Some(unconfirmed);
            let seconds = AGAIN.as_secs();
            return Err(format!(
                "the former configuration doesn't come back: {problem}; it is tried again in {seconds} s"
            ));
        }
        tracing::warn!("the configuration isn't kept: the former one holds again");
        Ok(())
    }

    /// Writes a configuration beside the gateway's own, if that is in a file.
    fn stage(&self, text: &str) -> Result<Option<Staged>, String> {
        let staged = self.options.source.as_ref().map(|path| {
            Staged::beside(path, text)
                .map_err(|problem| format!("can't write {}: {problem}", path.display()))
        });
        staged.transpose()
    }

    /// Has what is staged take the place of the gateway's own; says where that is. There is nothing to come back then.
    fn write_in(&mut self, staged: Option<Staged>) -> Result<Option<String>, String> {
        let source = self.options.source.as_ref();
        let name = source.map(|path| path.display().to_string());
        if let (Some(staged), Some(name)) = (staged, &name) {
            let replaced = staged.replace();
            replaced.map_err(|problem| format!("can't write {name}: {problem}"))?;
        }
        self.unconfirmed = None;
        Ok(name)
    }

    /// Whose way into this host leads through what is cut.
    fn cut_off(&self, plan: &Plan) -> Vec<Forewarning> {
        let cut = |name: &str| plan.cuts.iter().any(|c| c.tunnel == name);
        let tunnels = self.tunnels.values();
        let cut = tunnels.filter(|t| cut(&t.connection.name));
        cut.flat_map(|tunnel| {
            let logins = tunnel.ahead.host.iter().filter(
                |a| matches!(a, Ahead::Management { inside: true, what, .. } if what == "ssh"),
            );
            let mut risks = lock_out::judged(&tunnel.connection, logins.cloned());
            for risk in &mut risks {
                risk.weight = Weight::Warning;
            }
            risks
        })
        .collect()
    }
}

fn rules(config: &Configuration) -> Rules<'_> {
    Rules {
        connections: &config.connections,
        policies: &config.policies,
    }
}

fn not_confirmed() -> Response {
    error(
        RequestError::NotNow,
        "another configuration waits to be confirmed. Fix: adit apply --confirm keeps it, adit apply --revert takes it back".to_owned(),
    )
}

fn nothing_to_confirm() -> Response {
    error(
        RequestError::NotNow,
        "no configuration waits to be confirmed: it was confirmed already, or the former one has come back".to_owned(),
    )
}

/// After which time a former configuration that can't come back is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Nobody has longer to confirm: a day.
const LONGEST_MS: u64 = 86_400_000;
