//! Another configuration on approval: it holds at once, and the former one comes back unless somebody confirms in time. Who
//! has locked himself out can't confirm, and gets back in.
//!
//! Nothing of the configuration file changes before it is confirmed, so a gateway that is killed meanwhile starts with the
//! former one too.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use adit_diagnose::{Forewarning, foresee};
use adit_model::Mono;
use adit_model::ahead::{Ahead, Weight};
use adit_model::connection::Connection;
use adit_model::fact::Case;
use adit_model::plan::Plan;
use adit_model::policy::Action;
use adit_model::selector::Selector;
use tokio::sync::oneshot;

use crate::ahead;
use crate::answer::{error, reply};
use crate::attempt::TaskDone;
use crate::backend::Backend;
use crate::case::configured;
use crate::control::Answer;
use crate::gateway::Gateway;
use crate::protocol::{Applied, RequestError, Response};
use crate::reload::{Prepared, prepare_text};

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
                for connection in &prepared.options().config.connections {
                    let same = running.config.connections.contains(connection);
                    if !same {
                        let policies = &prepared.options().config.policies;
                        let caught = managed.iter().filter(|m| !passes(policies, m));
                        risks.extend(lock_outs(connection, caught.cloned()));
                    }
                }
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
        let now = self.clock.now().mono;
        let (mut plan, former) = match self.adopt(*prepared, wish.dry_run) {
            Ok(done) => done,
            Err(message) => return reply(answer, refuse(RequestError::Failed, message)),
        };
        "apply".clone_into(&mut plan.command);
        let mut saved = None;
        if let Some(former) = former {
            if wish.confirm.is_zero() {
                match self.save(&wish.text) {
                    Ok(path) => saved = path,
                    Err(problem) => tracing::warn!("{problem}"),
                }
            } else {
                let seconds = wish.confirm.as_secs();
                tracing::warn!(
                    "another configuration holds; the former one comes back in {seconds} s unless it is confirmed (adit apply --confirm)"
                );
                self.unconfirmed = Some(Unconfirmed {
                    former: Box::new(former),
                    until: now + wish.confirm,
                    text: wish.text,
                });
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
        let unconfirmed = self.unconfirmed.take().ok_or_else(nothing_to_confirm)?;
        let saved = match self.save(&unconfirmed.text) {
            Ok(saved) => saved,
            Err(problem) => {
                self.unconfirmed = Some(unconfirmed);
                return Err(error(RequestError::Failed, problem));
            }
        };
        tracing::info!("the configuration is confirmed");
        Ok(vec![Response::Confirmed { saved }])
    }

    /// The former one comes back now.
    pub(crate) fn revert(&mut self) -> Result<Vec<Response>, Response> {
        let unconfirmed = self.unconfirmed.take().ok_or_else(nothing_to_confirm)?;
        self.back(unconfirmed)
            .map_err(|message| error(RequestError::Failed, message))?;
        Ok(vec![Response::Done])
    }

    /// When the former configuration comes back.
    pub(crate) fn unconfirmed_until(&self) -> Option<Mono> {
        self.unconfirmed.as_ref().map(|u| u.until)
    }

    /// Brings the former configuration back if nobody has confirmed the other one in time.
    pub(crate) fn look_at_unconfirmed(&mut self, now: Mono) {
        let late = self.unconfirmed.take_if(|u| u.until <= now);
        if let Some(unconfirmed) = late
            && let Err(message) = self.back(unconfirmed)
        {
            tracing::error!("the former configuration doesn't come back: {message}");
        }
    }

    fn back(&mut self, unconfirmed: Unconfirmed) -> Result<(), String> {
        self.adopt(*unconfirmed.former, false)?;
        tracing::warn!("nobody has confirmed the configuration: the former one holds again");
        Ok(())
    }

    /// Writes a confirmed configuration where the gateway reads its own; says where.
    fn save(&self, text: &str) -> Result<Option<String>, String> {
        let Some(path) = &self.options.source else {
            return Ok(None);
        };
        let name = path.display().to_string();
        replace(path, text)
            .map_err(|problem| format!("can't write {name}: {problem}; it isn't confirmed"))?;
        Ok(Some(name))
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
            let mut risks = judged(&tunnel.connection, logins.cloned());
            for risk in &mut risks {
                risk.weight = Weight::Warning;
            }
            risks
        })
        .collect()
    }
}

/// What a tunnel of the new configuration would cut off.
fn lock_outs(connection: &Connection, managed: impl Iterator<Item = Ahead>) -> Vec<Forewarning> {
    let mut risks = judged(connection, managed);
    risks.retain(|risk| risk.weight == Weight::Warning);
    risks
}

/// What the rule says of ways into this host.
fn judged(connection: &Connection, managed: impl Iterator<Item = Ahead>) -> Vec<Forewarning> {
    let mut facts = vec![configured(connection)];
    facts.extend(managed.map(|m| ahead::fact(&connection.name, m)));
    foresee(&Case {
        subject: connection.name.clone(),
        facts,
        ..Case::default()
    })
    .into_iter()
    .filter(|risk| risk.cause == LOCK_OUT)
    .collect()
}

/// Whether a policy lets it pass before all tunnels.
fn passes(policies: &[adit_model::policy::Policy], managed: &Ahead) -> bool {
    let Ahead::Management { address, local, .. } = managed else {
        return false;
    };
    let there = Selector::host(*address);
    policies.iter().any(|policy| {
        let ours = |ts: &Selector| local.is_none_or(|l| ts.contains(&Selector::host(l)));
        policy.action == Action::Bypass
            && policy.remote.iter().any(|ts| ts.contains(&there))
            && policy.local.iter().any(ours)
    })
}

/// Replaces a file as a whole, with the mode that it has; what it was stays beside it.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays one.
    let path = std::fs::canonicalize(path)?;
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        std::path::PathBuf::from(name)
    };
    let (new, before) = (beside(".new"), beside(".before"));
    let mut file = std::fs::File::create(&new)?;
    file.set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::copy(&path, &before)?;
    std::fs::rename(&new, &path)
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

const LOCK_OUT: &str = "overbroad-remote-selector";
/// Nobody has longer to confirm: a day.
const LONGEST_MS: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;
    use crate::scratch::Scratch;
    use adit_model::policy::Policy;
    use std::os::unix::fs::PermissionsExt;

    fn login(address: [u8; 4]) -> Ahead {
        Ahead::Management {
            address: address.into(),
            local: Some([10, 1, 0, 1].into()),
            what: "ssh".to_owned(),
            inside: false,
            route_bits: 0,
        }
    }

    #[test]
    fn a_login_from_the_new_remote_network_is_a_risk_unless_a_policy_lets_it_pass() {
        let connection = sample::connection("office");
        let risks = lock_outs(
            &connection,
            [login([10, 2, 0, 9]), login([10, 3, 0, 9])].into_iter(),
        );
        assert_eq!(risks.len(), 1);
        assert!(risks[0].summary.contains("10.2.0.9"), "{:?}", risks[0]);
        let bypass = |remote: &str, action| Policy {
            name: "management".to_owned(),
            action,
            local: vec!["0.0.0.0/0".parse().unwrap()],
            remote: vec![remote.parse().unwrap()],
        };
        assert!(passes(
            &[bypass("10.2.0.9/32", Action::Bypass)],
            &login([10, 2, 0, 9])
        ));
        assert!(!passes(
            &[bypass("10.2.0.8/32", Action::Bypass)],
            &login([10, 2, 0, 9])
        ));
        assert!(!passes(
            &[bypass("10.2.0.9/32", Action::Drop)],
            &login([10, 2, 0, 9])
        ));
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_what_it_was_stays() {
        let dir = Scratch::new("apply-file");
        let path = dir.path().join("adit.toml");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        let before = dir.path().join("adit.toml.before");
        assert_eq!(std::fs::read_to_string(before).unwrap(), "old");
        assert!(!dir.path().join("adit.toml.new").exists());
    }
}
