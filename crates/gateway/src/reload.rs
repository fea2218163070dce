//! Reading the configuration again while the gateway runs: all of it, or nothing.
//!
//! Files are read and checked beside the loop ([`prepare`]), so that no packet waits for them, and with one error nothing
//! changes. What then changes is only what the new configuration changes: a tunnel that it has as before keeps its SAs.

use std::sync::Arc;

use adit_config::Severity;
use adit_config::adit::diagnostic_at;
use adit_model::connection::Connection;
use adit_model::plan::Plan;
use tokio::sync::oneshot;

use crate::attempt::TaskDone;
use crate::changes::Changes;
use crate::control::Answer;
use crate::gateway::Gateway;
use crate::keys::KeyStore;
use crate::options::{BackendChoice, Options};
use crate::protocol::{RequestError, Response};
use crate::retry::{Presence, Wanted};
use crate::start;
use crate::tunnel::Tunnel;

/// A configuration that was read and found good.
pub struct Prepared {
    options: Options,
    keys: KeyStore,
}

impl Prepared {
    /// What the gateway runs with once it has taken this over.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }
}

/// Reads the configuration that `running` was started with again.
///
/// # Errors
/// What is wrong with it, as starting with it would tell.
pub(crate) fn prepare(running: &Options) -> Result<Prepared, String> {
    let Some(path) = &running.source else {
        return Err("the configuration came from standard input and can't be read again. Fix: restart the gateway with -c FILE".to_owned());
    };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("can't read the configuration {name}: {error}"))?;
    prepare_text(running, &text)
}

/// Reads a configuration that is to take the place of the one that `running` was started with.
///
/// # Errors
/// As [`prepare`].
pub(crate) fn prepare_text(running: &Options, text: &str) -> Result<Prepared, String> {
    let source = running.source.as_ref();
    let name = source.map_or_else(|| "-".to_owned(), |path| path.display().to_string());
    let (config, diagnostics) = adit_config::adit::parse(&name, text);
    let Some(config) = config else {
        let errors = diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count();
        let s = if errors == 1 { "" } else { "s" };
        let told: String = diagnostics.iter().map(|d| format!("{d}\n")).collect();
        return Err(format!(
            "{told}{errors} error{s} in {name}; nothing was changed"
        ));
    };
    let mut options = Options {
        config,
        ..running.clone()
    };
    if options.config.gateway != running.config.gateway {
        return Err(format!(
            "{name}: [gateway] has changed, which takes a restart of the gateway; nothing was changed"
        ));
    }
    if options.backend == BackendChoice::Kernel
        && let Some(why) = crate::xfrm::lacking(&options.config.connections)
    {
        return Err(format!(
            "{name}: {why}, which the kernel can't carry; it takes a restart of the gateway. Nothing was changed"
        ));
    }
    let good = start::look_up(&mut options)
        .and_then(|()| start::look_at_mtu(&options))
        .and_then(|()| start::read_keys(&options));
    let keys = good.map_err(|error| match error.place() {
        Some((key, code)) => {
            let told = diagnostic_at(&name, text, &key, code, error.to_string());
            format!("{told}\n1 error in {name}; nothing was changed")
        }
        None => format!("{error}; nothing was changed"),
    })?;
    Ok(Prepared { options, keys })
}

impl Gateway {
    /// Begins to read the configuration again; the answer follows when it has been read. Without one, as on SIGHUP,
    /// the log tells what came of it.
    pub(crate) fn reload(&mut self, dry_run: bool, answer: Option<oneshot::Sender<Answer>>) {
        let (tasks, running) = (self.tasks.clone(), self.options.clone());
        tokio::task::spawn_blocking(move || {
            let prepared = prepare(&running).map(Box::new);
            let done = TaskDone::Prepared {
                prepared,
                dry_run,
                answer,
            };
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(done);
        });
    }

    /// The configuration has been read again.
    pub(crate) fn prepared(
        &mut self,
        prepared: Result<Box<Prepared>, String>,
        dry_run: bool,
        answer: Option<oneshot::Sender<Answer>>,
    ) {
        let response = match prepared {
            Err(message) => Response::Error {
                error: RequestError::Configuration,
                message,
            },
            Ok(_) if self.unconfirmed.is_some() => Response::Error {
                error: RequestError::NotNow,
                message: "another configuration waits to be confirmed. Fix: adit apply --confirm, or adit apply --revert".to_owned(),
            },
            Ok(mut prepared) => match self.adopt(&mut prepared, dry_run) {
                Ok(plan) => Response::Plan {
                    plan: Box::new(plan),
                },
                Err(message) => Response::Error {
                    error: RequestError::Failed,
                    message,
                },
            },
        };
        match &response {
            Response::Error { message, .. } => tracing::error!("reload: {message}"),
            Response::Plan { plan } if plan.done => tracing::info!(
                "reloaded: {} tunnels cut, {} added, {} adjusted, {} untouched",
                plan.cuts.len(),
                plan.added.len(),
                plan.adjusted.len(),
                plan.kept.len()
            ),
            _ => {}
        }
        if let Some(answer) = answer {
            // A client that left doesn't want to know.
            let _ = answer.send(Answer::Lines(vec![response]));
        }
    }

    /// Takes a configuration over; `prepared` is what held before then. With an error, or on trial, both stay as they are.
    pub(crate) fn adopt(&mut self, prepared: &mut Prepared, dry_run: bool) -> Result<Plan, String> {
        let new = &prepared.options.config.connections;
        let changes = self.changes(&prepared.options.config);
        let plan = self.plan_reload(&changes, !dry_run);
        if dry_run {
            return Ok(plan);
        }
        // What is as before stays the same value, also for the SAs that have it.
        let connections: Vec<Arc<Connection>> = new
            .iter()
            .map(|c| match self.tunnels.get(&c.name) {
                Some(tunnel) if *tunnel.connection == *c => Arc::clone(&tunnel.connection),
                _ => Arc::new(c.clone()),
            })
            .collect();
        if let Some(host) = &mut self.host {
            let opened = host
                .take_over(&prepared.options, &self.provider, &connections)
                .map_err(|error| format!("{error}; nothing was changed"))?;
            self.backend.open_doors(opened);
            self.backend.set_interfaces(host.if_ids());
        }
        std::mem::swap(&mut self.keys, &mut prepared.keys);
        self.certificates_changed();
        std::mem::swap(&mut self.options, &mut prepared.options);
        self.change_tunnels(&changes, &connections);
        // Leases of what was cut have ended by now.
        self.pools.configure(self.options.config.pools.clone());
        self.backend
            .set_policy(&connections, &self.options.config.policies);
        if let Some(host) = &self.host {
            self.backend
                .protect(&host.protected(), &self.options.config.policies);
        }
        self.record_configuration();
        self.look_again();
        Ok(plan)
    }

    fn change_tunnels(&mut self, changes: &Changes, connections: &[Arc<Connection>]) {
        let now = self.clock.now();
        let restarted = changes.restarted.iter().map(|(name, _)| name);
        for name in changes.removed.iter().chain(restarted) {
            self.endpoint.remove_connection(now, name);
        }
        for name in &changes.removed {
            self.departed.forget(name);
            if let Some(tunnel) = self.tunnels.remove(name) {
                for waiter in tunnel.waiters {
                    let summary = format!("{name} is configured no more");
                    let reached = false;
                    // A client that left doesn't want to know.
                    let _ = waiter.outcome.send(Response::Outcome { reached, summary });
                }
            }
        }
        // What ends leaves the data plane before the new policies come.
        self.settle_outputs();
        for connection in connections {
            let name = &connection.name;
            let hashes = self.keys.of(name).map(|held| held.key_hashes());
            let tunnel = self
                .tunnels
                .entry(name.clone())
                .or_insert_with(|| Tunnel::new(Arc::clone(connection), now.mono));
            let before = std::mem::replace(&mut tunnel.connection, Arc::clone(connection));
            if *before != **connection {
                tunnel.ahead.trials.forget();
            }
            tunnel.watch.configure(connection, now.mono);
            let down = tunnel.retry.wanted() == Wanted::Down;
            if changes.restarts(name) {
                tunnel.retry.configure(connection.start, now.mono);
                tunnel.retry.command_reset(now.mono);
                tunnel.peer = match connection.remote {
                    adit_model::connection::Remote::Address(address) => Some(address),
                    _ => None,
                };
                // Perhaps of another peer, and of other proposals.
                (tunnel.probed, tunnel.offered, tunnel.checked) = (None, None, None);
            } else if before.start != connection.start {
                tunnel.retry.configure(connection.start, now.mono);
            }
            // A tunnel that was taken down by a command stays down.
            if !down {
                self.endpoint.set_connection(now, Arc::clone(connection));
                self.endpoint
                    .set_authorities(name, hashes.unwrap_or_default());
            }
        }
        self.ask_for_new_children(changes);
    }

    /// Asks the peers of tunnels that go on for children that are new, or otherwise than before. What is set up on demand
    /// waits for a packet.
    fn ask_for_new_children(&mut self, changes: &Changes) {
        let now = self.clock.now();
        for shape in &changes.reshaped {
            let name = &shape.tunnel;
            let asks = self.tunnels.get(name).is_some_and(|tunnel| {
                tunnel.presence == Presence::Up
                    && matches!(tunnel.retry.wanted(), Wanted::Up | Wanted::Passive)
            });
            for child in shape.new_children().filter(|_| asks) {
                if let Err(error) = self.endpoint.initiate_child(now, name, child) {
                    tracing::debug!("{error}");
                }
            }
        }
    }
}
