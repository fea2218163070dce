//! What the gateway answers on its control socket.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use adit_esp::WalkFilter;
use adit_ike::IkeSaSnapshot;
use adit_model::connection::Remote;
use adit_model::drops::DropReason;
use adit_model::fact::Fact;
use adit_model::text::did_you_mean;
use adit_model::{Mono, Now};
use tokio::sync::oneshot;

use crate::ahead::Seen;
use crate::applying::Wish;
use crate::case;
use crate::control::{Answer, Command};
use crate::events::Record;
use crate::gateway::Gateway;
use crate::lately::Sample;
use crate::probe::Ask;
use crate::protocol::{DropCount, LONGEST_WALK_MS, Request, RequestError, Response};
use crate::retry::Presence;
use crate::status;
use crate::trace::Asked;
use crate::tunnel::{Goal, Waiter};

/// A request for cases that waits for probes.
pub struct CaseWaiter {
    names: Vec<String>,
    probing: BTreeSet<String>,
    /// Whose peers are waited for.
    holding: BTreeSet<String>,
    /// What the counters told of each tunnel when it was asked: tests through a tunnel count there too.
    lately: BTreeMap<String, Vec<Fact>>,
    answer: oneshot::Sender<Answer>,
}

impl Gateway {
    /// Answers a request, now or when what it waits for is there. [`Request::Shutdown`] is the loop's own.
    pub(crate) fn on_command(&mut self, command: Command) {
        let Command { request, answer } = command;
        let lines = match request {
            Request::Status { tunnel } => self
                .names(tunnel.as_deref())
                .map(|names| vec![self.status(&names)]),
            Request::Drops => Ok(vec![Response::Drops {
                drops: self.drop_counts(),
            }]),
            Request::Show { topic, tunnel } => self.names(tunnel.as_deref()).map(|_| {
                let shown = Box::new(self.shown(topic, tunnel.as_deref()));
                vec![Response::Shown { shown }]
            }),
            Request::Events { tunnel, follow } => {
                return self.events(tunnel, follow, answer);
            }
            Request::Case {
                tunnel,
                probe,
                let_peer_begin,
            } => {
                return self.cases(tunnel.as_deref(), probe, let_peer_begin, answer);
            }
            Request::Foresee { tunnel, operator } => {
                return self.foresee(tunnel.as_deref(), operator, answer);
            }
            Request::Probe { tunnel, inside } => {
                return self.probe(&tunnel, inside, answer);
            }
            Request::Trace {
                from,
                to,
                protocol,
                port,
                send,
                wait_ms,
            } => {
                let wait = Duration::from_millis(wait_ms.min(LONGEST_WALK_MS));
                let asked = Asked {
                    from,
                    to,
                    protocol,
                    port,
                    send,
                    wait,
                };
                return self.trace(asked, answer);
            }
            Request::Walk {
                local,
                remote,
                packets,
                wait_ms,
            } => {
                let filter = WalkFilter { local, remote };
                return self.walk(&filter, packets, wait_ms, answer);
            }
            Request::Up { tunnel, wait_ms } => {
                return self.change(&tunnel, true, wait_ms, answer);
            }
            Request::Down { tunnel, wait_ms } => {
                return self.change(&tunnel, false, wait_ms, answer);
            }
            Request::Rekey {
                tunnel,
                what,
                wait_ms,
            } => return self.rekey(&tunnel, &what, wait_ms, answer),
            Request::Reset {
                tunnel,
                child,
                dry_run: false,
                wait_ms,
            } => return self.reset(tunnel.as_deref(), child.as_deref(), wait_ms, answer),
            Request::Reset { tunnel, child, .. } => self
                .plan_reset(tunnel.as_deref(), child.as_deref())
                .map(|plan| {
                    vec![Response::Plan {
                        plan: Box::new(plan),
                    }]
                }),
            Request::Apply {
                text,
                dry_run,
                confirm_ms,
                operator,
                anyway,
            } => {
                let wish = Wish::new(text, dry_run, confirm_ms, operator, anyway);
                return self.apply(wish, answer);
            }
            Request::Confirm => self.confirm(),
            Request::Revert => self.revert(),
            Request::Reload { dry_run } => return self.reload(dry_run, Some(answer)),
            Request::Unblock { tunnel } => self.unblock(tunnel.as_deref()),
            Request::Shutdown => Ok(vec![Response::Done]),
        };
        reply(
            answer,
            Answer::Lines(lines.unwrap_or_else(|error| vec![error])),
        );
    }

    /// Answers the requests for cases whose probes are all done.
    pub(crate) fn answer_cases(&mut self) {
        let probing: BTreeSet<String> = self
            .tunnels
            .iter()
            .filter(|(_, t)| t.probing || t.checking || t.offering)
            .map(|(name, _)| name.clone())
            .collect();
        let held = self.end_holds();
        let waiters = std::mem::take(&mut self.case_waiters);
        for mut waiter in waiters {
            // What is held back again later isn't its question.
            waiter.holding.retain(|name| held.contains(name));
            if waiter.probing.is_disjoint(&probing) && waiter.holding.is_empty() {
                let lines = self.case_lines(&waiter.names, &waiter.lately);
                reply(waiter.answer, Answer::Lines(lines));
            } else {
                self.case_waiters.push(waiter);
            }
        }
    }

    /// Tells commands that wait for `name` what came of them.
    pub(crate) fn settle_waiters(&mut self, now: Now, name: &str, snapshot: &[IkeSaSnapshot]) {
        let last = self.last_word(name);
        let refused = self.last_refusal(name);
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        let presence = tunnel.presence;
        let mut waiting = Vec::new();
        for mut waiter in std::mem::take(&mut tunnel.waiters) {
            // What is set up anew is there until it has ended; `begin` tells when it is tried.
            waiter.tried |= presence != Presence::Nothing && matches!(waiter.goal, Goal::Up);
            let gave_up = waiter.tried && presence == Presence::Nothing && !tunnel.resolving;
            let outcome = match &waiter.goal {
                Goal::Up if presence == Presence::Up => Some((true, format!("{name} is up"))),
                Goal::Up if gave_up => Some((false, format!("{name} isn't up: {last}"))),
                Goal::Down if presence == Presence::Nothing => {
                    Some((true, format!("{name} is down; its traffic stays blocked")))
                }
                Goal::Gone(old) if old.is_gone(snapshot, name) => {
                    Some((true, format!("{name}: what there was is gone")))
                }
                Goal::Renewed(old) if old.is_replaced(snapshot, name) => {
                    let how = if old.restart {
                        "is up again"
                    } else {
                        "has new keys"
                    };
                    Some((true, format!("{name} {how}")))
                }
                Goal::Renewed(old) if old.restart && gave_up => {
                    Some((false, format!("{name} isn't up again: {last}")))
                }
                Goal::Renewed(old) if !old.restart && presence == Presence::Nothing => {
                    Some((false, format!("{name} went down meanwhile: {last}")))
                }
                Goal::Renewed(old) if !old.restart && refused > Some(old.since) => {
                    Some((false, format!("{name} keeps what it has: {last}")))
                }
                _ if now.mono >= waiter.deadline => {
                    Some((false, format!("{name} isn't there yet: {last}")))
                }
                _ => None,
            };
            match outcome {
                Some((reached, summary)) => {
                    let response = Response::Outcome { reached, summary };
                    // A client that left doesn't want to know.
                    let _ = waiter.outcome.send(response);
                }
                None => waiting.push(waiter),
            }
        }
        tunnel.waiters = waiting;
    }

    /// The number of the newest event by which something of a tunnel was refused or put off.
    fn last_refusal(&self, name: &str) -> Option<u64> {
        use adit_model::event::Happening;
        let refused = |what: &Happening| {
            matches!(
                what,
                Happening::Refused { .. }
                    | Happening::PeerRefused { .. }
                    | Happening::PutOff { .. }
            )
        };
        let records = self.log.of(Some(name));
        let newest = records.iter().rev().find(|r| refused(&r.event.what));
        newest.map(|r| r.number)
    }

    /// Drops since the gateway started, of all parts, by reason.
    pub(crate) fn drop_totals(&self) -> BTreeMap<DropReason, u64> {
        let mut totals = self.backend.drops();
        let early = self.early_drops.iter().map(|(r, n)| (*r, *n));
        for (reason, count) in self.endpoint.drops().nonzero().chain(early) {
            *totals.entry(reason).or_default() += count;
        }
        totals
    }

    pub(crate) fn status(&self, names: &[String]) -> Response {
        let now = self.clock.now();
        let snapshot = self.endpoint.snapshot();
        let traffic = self.backend.children();
        let offloads = self.backend.offloads();
        let counts = self.block_counts();
        // Looked at once for all, where any tunnel needs it.
        let looked = std::cell::OnceCell::new();
        let mut tunnels: Vec<_> = names
            .iter()
            .filter_map(|name| self.tunnels.get(name))
            .map(|tunnel| {
                let name = tunnel.connection.name.as_str();
                let block = self
                    .host
                    .as_ref()
                    .filter(|host| host.is_blocked(name))
                    .map(|host| host.block_name().to_owned());
                let view = status::View {
                    now,
                    tunnel,
                    snapshot: &snapshot,
                    traffic: &traffic,
                    offloads: offloads.as_ref(),
                    block,
                    clear: self.clear_traffic(tunnel, &counts),
                    counts: &counts,
                    held_counted: self.backend.counts_held_back(),
                    last_word: self.last_word(name),
                };
                view.render(|| {
                    let (counters, seen) =
                        looked.get_or_init(|| (self.counters(now.mono), self.seen()));
                    let facts = self.lately.facts(name, counters);
                    self.case(tunnel, &BTreeMap::from([(name.to_owned(), facts)]), seen)
                })
            })
            .collect();
        status::broken_first(&mut tunnels);
        let data_plane = self.backend.status().map(|mut plane| {
            plane.reason.clone_from(&self.options.because);
            plane
        });
        Response::Status {
            status: status::document(tunnels, self.pools.status(), data_plane),
        }
    }

    fn events(&mut self, tunnel: Option<String>, follow: bool, answer: oneshot::Sender<Answer>) {
        if let Err(error) = self.names(tunnel.as_deref()) {
            return reply(answer, Answer::Lines(vec![error]));
        }
        let feed = self.log.follow();
        let records = match &tunnel {
            Some(name) => self.log.of(Some(name)),
            None => self.log.all(),
        };
        let mut first: Vec<Response> = records
            .iter()
            .map(|record| Response::Event {
                record: Box::new(Record::clone(record)),
            })
            .collect();
        if follow {
            let last = None;
            reply(
                answer,
                Answer::Stream {
                    first,
                    feed,
                    tunnel,
                    last,
                },
            );
        } else {
            first.push(Response::Done);
            reply(answer, Answer::Lines(first));
        }
    }

    fn cases(
        &mut self,
        tunnel: Option<&str>,
        probe: bool,
        let_peer_begin: bool,
        answer: oneshot::Sender<Answer>,
    ) {
        let names = match self.names(tunnel) {
            Ok(names) => names,
            Err(error) => return reply(answer, Answer::Lines(vec![error])),
        };
        // What has ended meanwhile isn't gone on with.
        self.answer_cases();
        let now = self.clock.now().mono;
        let mut probing = BTreeSet::new();
        let counters = self.counters(now);
        for name in names.iter().filter(|_| probe) {
            let (up, fresh) = self.tunnels.get(name).map_or((false, true), |t| {
                let probed = t.probed.as_ref();
                let fresh = probed.is_some_and(|(at, _, _)| now.since(*at) < PROBES_FRESH);
                (t.presence == Presence::Up, fresh)
            });
            let ask = match (up, self.lately.unanswered(name, &counters)) {
                (false, _) => Ask::Everything,
                // It isn't known any more whether there is anybody, and whether it still knows of this tunnel.
                (true, true) => Ask::WhetherAlive,
                (true, false) => Ask::Path,
            };
            let probes = !fresh && self.start_probes(name, ask);
            if self.start_checks(name, PROBES_FRESH) || probes {
                probing.insert(name.clone());
            }
        }
        for name in names.iter().filter(|_| let_peer_begin) {
            if self.start_offers(name) {
                probing.insert(name.clone());
            }
        }
        let holding = names
            .iter()
            .filter(|_| let_peer_begin)
            .filter(|name| self.hold_back(name))
            .cloned()
            .collect();
        let lately = names
            .iter()
            .map(|name| (name.clone(), self.lately.facts(name, &counters)))
            .collect();
        self.case_waiters.push(CaseWaiter {
            names,
            probing,
            holding,
            lately,
            answer,
        });
        self.answer_cases();
    }

    fn case_lines(&self, names: &[String], lately: &BTreeMap<String, Vec<Fact>>) -> Vec<Response> {
        let seen = self.seen();
        names
            .iter()
            .filter_map(|name| self.tunnels.get(name))
            .map(|tunnel| Response::Case {
                case: Box::new(self.case(tunnel, lately, &seen)),
            })
            .chain([Response::Done])
            .collect()
    }

    /// What the counters are.
    pub(crate) fn counters(&self, at: Mono) -> Sample {
        Sample {
            at,
            pairs: self.backend.pairs(),
            children: self.backend.children(),
            totals: self.drop_totals(),
            clear_in: self
                .block_counts()
                .into_iter()
                .map(|(tunnel, count)| (tunnel, count.clear_in.packets))
                .collect(),
            strays: self.lately.strays(),
        }
    }

    pub(crate) fn case(
        &self,
        tunnel: &crate::tunnel::Tunnel,
        lately: &BTreeMap<String, Vec<Fact>>,
        seen: &Seen,
    ) -> adit_model::fact::Case {
        let mut case = case::build(&case::Evidence {
            now: self.clock.now().mono,
            tunnel,
            log: &self.log,
            totals: self.drop_totals(),
            children: &self.backend.children(),
            past: self.past.get(&tunnel.connection.name),
        });
        case.facts.extend(self.host_facts(tunnel, &seen.counts));
        case.facts.extend(self.ahead_facts(tunnel, seen));
        let name = &tunnel.connection.name;
        case.facts
            .extend(lately.get(name).into_iter().flatten().cloned());
        case.facts.extend(
            self.departed
                .facts(&tunnel.connection, self.clock.now().mono),
        );
        case.facts.extend(case::own_certificates(
            name,
            &self.keys,
            self.clock.now().wall,
        ));
        case
    }

    fn change(&mut self, name: &str, up: bool, wait_ms: u64, answer: oneshot::Sender<Answer>) {
        if let Err(error) = self.names(Some(name)) {
            return reply(answer, Answer::Lines(vec![error]));
        }
        // The feed begins before anything happens.
        let feed = self.log.follow();
        let started = if up { self.up(name) } else { self.down(name) };
        if let Err(error) = started {
            return reply(answer, Answer::Lines(vec![error]));
        }
        let now = self.clock.now();
        let (outcome, last) = oneshot::channel();
        if let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.waiters.push(Waiter {
                goal: if up { Goal::Up } else { Goal::Down },
                deadline: now.mono + Duration::from_millis(wait_ms),
                tried: false,
                outcome,
            });
        }
        self.look_again();
        reply(
            answer,
            Answer::Stream {
                first: Vec::new(),
                feed,
                tunnel: Some(name.to_owned()),
                last: Some(last),
            },
        );
    }

    fn up(&mut self, name: &str) -> Result<(), Response> {
        let now = self.clock.now();
        if let Some(host) = &mut self.host {
            host.block_again(name)
                .map_err(|e| error(RequestError::Failed, e.to_string()))?;
            self.backend
                .protect(&host.protected(), &self.options.config.policies);
        }
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return Ok(());
        };
        if tunnel.connection.remote == Remote::Any && tunnel.presence != Presence::Up {
            return Err(error(
                RequestError::NotNow,
                format!(
                    "tunnel `{name}` waits for its peer (remote = \"any\"); it can only be set up from the other side"
                ),
            ));
        }
        self.endpoint
            .set_connection(now, Arc::clone(&tunnel.connection));
        tunnel.retry.command_up(now.mono);
        // Nobody waits for the peer any more.
        self.answer_cases();
        Ok(())
    }

    fn down(&mut self, name: &str) -> Result<(), Response> {
        let now = self.clock.now();
        if let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.retry.command_down();
        }
        // Without its connection the endpoint refuses the peer too, should it try again.
        self.endpoint.remove_connection(now, name);
        Ok(())
    }

    fn unblock(&mut self, tunnel: Option<&str>) -> Result<Vec<Response>, Response> {
        let names = self.names(tunnel)?;
        let down = |name: &&String| {
            self.tunnels
                .get(*name)
                .is_some_and(|t| t.retry.wanted() == crate::retry::Wanted::Down)
        };
        let chosen: Vec<String> = names.iter().filter(down).cloned().collect();
        if let (Some(name), true) = (tunnel, chosen.is_empty()) {
            return Err(error(
                RequestError::NotNow,
                format!(
                    "tunnel `{name}` isn't taken down. Fix: adit down {name}, then adit unblock {name}"
                ),
            ));
        }
        for name in &chosen {
            if let Some(host) = &mut self.host {
                host.unblock(name)
                    .map_err(|e| error(RequestError::Failed, e.to_string()))?;
                self.backend
                    .protect(&host.protected(), &self.options.config.policies);
            }
            tracing::warn!("{name}: the block is lifted; its traffic may leave in clear");
        }
        Ok(vec![Response::Done])
    }

    fn drop_counts(&self) -> Vec<DropCount> {
        let children = self.backend.children();
        self.drop_totals()
            .into_iter()
            .map(|(reason, packets)| DropCount {
                reason,
                layer: reason.layer(),
                severity: reason.severity(),
                packets,
                meaning: reason.meaning().to_owned(),
                by_child: children
                    .iter()
                    .map(|report| {
                        let name = format!("{}/{}", report.child.connection, report.child.child);
                        (name, report.drops.of(reason))
                    })
                    .filter(|(_, count)| *count > 0)
                    .collect(),
            })
            .collect()
    }

    /// The newest event of a tunnel that says something about its state.
    fn last_word(&self, name: &str) -> String {
        use adit_model::connection::Start;
        use adit_model::event::Happening;
        self.log
            .of(Some(name))
            .iter()
            .rev()
            .find(|record| {
                !matches!(
                    record.event.what,
                    Happening::Sent(_)
                        | Happening::Received(_)
                        | Happening::Dropped { .. }
                        | Happening::CertificateExpiry { .. }
                        | Happening::Foreseen { .. }
                        | Happening::MonitorJudged { .. }
                        | Happening::MonitorActed { .. }
                        | Happening::IkeClosed { .. }
                )
            })
            .map_or_else(
                || match self.tunnels.get(name) {
                    Some(tunnel) if tunnel.connection.start == Start::Passive => {
                        "waiting for the peer to begin".to_owned()
                    }
                    _ => "nothing has happened yet".to_owned(),
                },
                |r| r.event.what.to_string(),
            )
    }

    /// The tunnel asked for, or all.
    pub(crate) fn names(&self, tunnel: Option<&str>) -> Result<Vec<String>, Response> {
        match tunnel {
            None => Ok(self.tunnels.keys().cloned().collect()),
            Some(name) if self.tunnels.contains_key(name) => Ok(vec![name.to_owned()]),
            Some(name) => {
                let near = did_you_mean(name, self.tunnels.keys().map(String::as_str));
                let hint = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
                Err(error(
                    RequestError::UnknownTunnel,
                    format!("no tunnel `{name}` is configured{hint}"),
                ))
            }
        }
    }
}

pub(crate) fn error(error: RequestError, message: String) -> Response {
    Response::Error { error, message }
}

pub(crate) fn reply(to: oneshot::Sender<Answer>, answer: Answer) {
    // A client that left doesn't want to know.
    let _ = to.send(answer);
}

/// How long probes tell the present.
const PROBES_FRESH: Duration = Duration::from_secs(5);
