//! Attempts to set a tunnel up, and the work that is done beside the loop for them: names and probes.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use adit_diagnose::Forewarning;
use adit_evidence::recording::{Past, Record};
use adit_ike::{AskedBy, CommandError, KeyRequest, KeyRequestId};
use adit_model::connection::Remote;
use adit_model::event::{Happening, PathProblem};
use adit_model::fact::Probe;
use adit_model::probed::Check;
use adit_model::reason::Refusal;
use tokio::sync::oneshot;

use crate::ahead::Found;
use crate::applying::Wish;
use crate::asking::ToAsk;
use crate::control::Answer;
use crate::gateway::Gateway;
use crate::hook::Ended;
use crate::local_address;
use crate::monitor::echo::Asked;
use crate::probe::{Ask, Plan};
use crate::probing::esp::Errand;
use crate::reload::Prepared;
use crate::retry::{Presence, Wanted};
use crate::statuses::Fetched;
use crate::trace::{self, Reply};
use crate::turns::whatever_happens;

/// What work beside the loop came to.
pub(crate) enum TaskDone {
    /// A peer's name was looked up.
    Resolved {
        /// The tunnel.
        tunnel: String,
        /// Its addresses, or what the resolver said.
        result: Result<Vec<IpAddr>, String>,
    },
    /// The configuration was read again.
    Prepared {
        /// What it says, or what is wrong with it.
        prepared: Result<Box<Prepared>, String>,
        /// Whether it is only to be told what would change.
        dry_run: bool,
        /// Who asked.
        answer: Option<oneshot::Sender<Answer>>,
    },
    /// A peer was probed.
    Probed {
        /// The tunnel.
        tunnel: String,
        /// What was found.
        probes: Vec<Probe>,
    },
    /// This host was tested.
    Checked {
        /// The tunnel.
        tunnel: String,
        /// What was found.
        checks: Vec<Check>,
    },
    /// A peer was asked what it takes.
    Offered {
        /// The tunnel.
        tunnel: String,
        /// What it said.
        probes: Vec<Probe>,
    },
    /// Another configuration was read, which is to hold until it is confirmed.
    ToApply {
        /// What it says, or what is wrong with it.
        prepared: Result<Box<Prepared>, String>,
        /// Whom it would lock out.
        risks: Vec<Forewarning>,
        /// How it is to be applied.
        wish: Wish,
        /// Who asked.
        answer: oneshot::Sender<Answer>,
    },
    /// The host was looked at for what will fail.
    LookedAhead {
        /// The look's number.
        look: u64,
        /// The tunnels that it was for.
        names: Vec<String>,
        /// What was found of them.
        found: Found,
    },
    /// A monitor's echoes were answered, or weren't.
    Echoed(Asked),
    /// The program that is told of tunnels has ended.
    Hooked(Ended),
    /// Whether packets of a trace can be made here is known.
    TraceBegins {
        /// What is to be followed.
        asked: trace::Asked,
        /// What this host is to them.
        here: trace::Here,
        /// Who asked.
        answer: oneshot::Sender<Answer>,
    },
    /// A peer is to be asked about packets.
    AskFar(ToAsk),
    /// What a peer asked about packets was looked at.
    AnswerFar {
        /// Who has asked.
        asked: AskedBy,
        /// What there is to say.
        reply: Reply,
    },
    /// Something of a test of a path.
    EspTest(Errand),
    /// The recordings of earlier gateways were read.
    Past(BTreeMap<String, Past>),
    /// Whether a peer's certificates are revoked was asked for.
    Statuses {
        /// The request that waits for it.
        id: KeyRequestId,
        /// The same.
        request: Box<KeyRequest>,
        /// What was found.
        fetched: Fetched,
    },
}

impl Gateway {
    /// Begins every attempt that is due; says whether any was.
    pub(crate) fn begin_due_attempts(&mut self) -> bool {
        let now = self.clock.now().mono;
        let due: Vec<String> = self
            .tunnels
            .iter()
            .filter(|(_, t)| !t.resolving && t.retry.due().is_some_and(|at| at <= now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &due {
            self.begin(name);
        }
        !due.is_empty()
    }

    /// Work beside the loop is done.
    pub(crate) fn on_task(&mut self, done: TaskDone) {
        match done {
            TaskDone::Resolved { tunnel, result } => self.resolved(&tunnel, result),
            TaskDone::Prepared {
                prepared,
                dry_run,
                answer,
            } => self.prepared(prepared, dry_run, answer),
            TaskDone::Probed { tunnel, probes } => {
                let now = self.clock.now();
                self.log.recorder.record(Record::Probed {
                    at: now,
                    tunnel: tunnel.clone(),
                    probes: probes.clone(),
                });
                if let Some(tunnel) = self.tunnels.get_mut(&tunnel) {
                    tunnel.probing = false;
                    tunnel.probed = Some((now.mono, now.wall, probes));
                }
                self.answer_cases();
            }
            TaskDone::Checked { tunnel, checks } => self.checked(&tunnel, checks),
            TaskDone::Offered { tunnel, probes } => self.offered(&tunnel, probes),
            TaskDone::ToApply {
                prepared,
                risks,
                wish,
                answer,
            } => self.read_to_apply(prepared, risks, wish, answer),
            TaskDone::LookedAhead { look, names, found } => self.looked_ahead(look, &names, found),
            TaskDone::Echoed(asked) => self.echoed(asked),
            TaskDone::Hooked(ended) => self.hooked(ended),
            TaskDone::TraceBegins {
                asked,
                here,
                answer,
            } => self.trace_begins(asked, &here, answer),
            TaskDone::AskFar(ask) => self.ask_far(ask),
            TaskDone::AnswerFar { asked, reply } => self.answer_far(&asked, &reply),
            TaskDone::EspTest(errand) => self.run_errand(errand),
            TaskDone::Past(past) => self.past = past,
            TaskDone::Statuses {
                id,
                request,
                fetched,
            } => self.on_statuses(id, &request, fetched),
        }
    }

    /// Probes a tunnel's peer beside the loop. Says whether probes are on their way.
    pub(crate) fn start_probes(&mut self, name: &str, ask: Ask) -> bool {
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return false;
        };
        if tunnel.probing {
            return true;
        }
        let Some(peer) = tunnel.peer else {
            return false;
        };
        let local = tunnel.connection.local;
        if local.is_some_and(|local| local_address::usable(local).is_err()) {
            // Nothing leaves from there; that it doesn't says nothing about the peer.
            return false;
        }
        tunnel.probing = true;
        let plan = Plan::new(&self.provider, &tunnel.connection, peer, self.nat_port, ask);
        if ask == Ask::WhetherAlive {
            let now = self.clock.now();
            // It may just be going down.
            let _ = self.endpoint.ask_for_life(now, name);
        }
        let (tasks, tunnel) = (self.tasks.clone(), name.to_owned());
        self.turns.run(move || {
            let probes = whatever_happens(|| plan.run(), Vec::new);
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(TaskDone::Probed { tunnel, probes });
        });
        true
    }

    fn begin(&mut self, name: &str) {
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        tunnel.retry.begun();
        for waiter in &mut tunnel.waiters {
            waiter.tried = true;
        }
        match tunnel.connection.remote.clone() {
            Remote::Address(peer) => self.initiate(name, peer),
            Remote::Name(host) => {
                tunnel.resolving = true;
                let (tasks, tunnel) = (self.tasks.clone(), name.to_owned());
                tokio::spawn(async move {
                    let result = tokio::net::lookup_host((host.as_str(), 0))
                        .await
                        .map(|found| found.map(|address| address.ip()).collect())
                        .map_err(|error| error.to_string());
                    // The loop is gone when the gateway stops.
                    let _ = tasks.send(TaskDone::Resolved { tunnel, result }).await;
                });
            }
            Remote::Any => self.could_not_begin(
                name,
                Happening::Refused {
                    what: "to initiate".to_owned(),
                    refusal: Refusal::Local {
                        problem: "the configuration gives the peer no address".to_owned(),
                    },
                    notify: None,
                },
            ),
        }
    }

    fn resolved(&mut self, name: &str, result: Result<Vec<IpAddr>, String>) {
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        tunnel.resolving = false;
        if tunnel.retry.wanted() == Wanted::Down {
            return self.look_again();
        }
        let local = tunnel.connection.local;
        let Remote::Name(host) = tunnel.connection.remote.clone() else {
            return;
        };
        let fits = |address: &IpAddr| local.is_none_or(|l| l.is_ipv4() == address.is_ipv4());
        let problem = match result {
            Ok(addresses) => match addresses.iter().copied().find(fits) {
                Some(peer) => {
                    tunnel.peer = Some(peer);
                    return self.initiate(name, peer);
                }
                None if addresses.is_empty() => "no address".to_owned(),
                None => "no address of the family of `local`".to_owned(),
            },
            Err(problem) => problem,
        };
        let what = Happening::PeerUnresolved {
            name: host,
            problem,
        };
        self.could_not_begin(name, what);
    }

    fn initiate(&mut self, name: &str, peer: IpAddr) {
        self.keep_way_to(peer);
        let configured = self.tunnels.get(name).and_then(|t| t.connection.local);
        let ours = |local| local_address::usable(local).map(|()| local);
        let local = match configured.map_or_else(|| source_for(peer), ours) {
            Ok(local) => local,
            Err(error) => {
                let what = Happening::PathFailed {
                    problem: PathProblem::LocalSend(error.raw_os_error().unwrap_or(0)),
                    offender: None,
                    remote_port: 0,
                };
                return self.could_not_begin(name, what);
            }
        };
        let now = self.clock.now();
        // Only what starts on demand is set up for one packet; all else as it is configured.
        let trigger = self.tunnels.get_mut(name).and_then(|tunnel| {
            let packet = tunnel.trigger.take();
            packet.filter(|_| tunnel.retry.wanted() == Wanted::OnDemand)
        });
        match self.endpoint.initiate_for(now, name, local, peer, trigger) {
            // It came up from the other side in the meantime.
            Ok(()) | Err(CommandError::AlreadyActive(_)) => self.look_again(),
            Err(error) => self.could_not_begin(
                name,
                Happening::Refused {
                    what: "to initiate".to_owned(),
                    refusal: Refusal::Local {
                        problem: error.to_string(),
                    },
                    notify: None,
                },
            ),
        }
    }

    fn could_not_begin(&mut self, name: &str, what: Happening) {
        self.happened(Some(name), None, what);
        let (now, random) = (self.clock.now().mono, self.random());
        if let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.retry.could_not_begin(now, random);
            tunnel.presence = Presence::Nothing;
        }
    }
}

/// Our address that packets to `peer` leave from: a connected socket knows it.
fn source_for(peer: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match peer {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(SocketAddr::new(peer, DISCARD))?;
    Ok(socket.local_addr()?.ip())
}

/// A port to connect to; nothing is sent.
const DISCARD: u16 = 9;
