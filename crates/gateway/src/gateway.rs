//! The gateway itself: everything that the loop owns, and what it does with each thing that comes in.
//!
//! Every input ends in `Gateway::settle`: outputs of the key exchange are carried out in order, what changed is
//! observed, attempts that are due begin. Nothing in here waits.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use adit_crypto::Provider;
use adit_evidence::recording::Past;
use adit_ike::pools::Pools;
use adit_ike::{Endpoint, IkeSaSnapshot, IkeSaState, Output};
use adit_kernel::PathError;
use adit_model::dataplane::DataPlaneRequest;
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening, Party, PathProblem};
use adit_model::reason::Refusal;
use adit_model::{Mono, Now};
use adit_wire::udp_encap::{Encapsulated, classify};
use tokio::sync::mpsc;

use crate::addresses::NetworkWatch;
use crate::ahead::{Foresight, Pace};
use crate::answer::CaseWaiter;
use crate::applying::Unconfirmed;
use crate::asking::Questions;
use crate::attempt::TaskDone;
use crate::backend::Backend;
use crate::clock::Clock;
use crate::dataplane::{Report, Word};
use crate::departed::Departed;
use crate::events::EventLog;
use crate::expiry::ExpiryWatch;
use crate::filter_watch::FilterWatch;
use crate::hook::Hook;
use crate::host::Host;
use crate::keys::KeyStore;
use crate::lately::Lately;
use crate::limiter::DropEvents;
use crate::load::Load;
use crate::options::Options;
use crate::probe;
use crate::probing::esp::Tests;
use crate::protection::Translated;
use crate::recorder::{Recorder, Sampled};
use crate::retry::{Presence, Wanted};
use crate::sockets::{Arrival, Slot, Sockets};
use crate::statuses::Statuses;
use crate::tunnel::{self, Tunnel};
use crate::turns::Turns;
use crate::walking::Walking;
use crate::xfrm::Told;

/// A running gateway.
pub struct Gateway {
    pub(crate) clock: Clock,
    pub(crate) provider: Provider,
    pub(crate) endpoint: Endpoint,
    pub(crate) backend: Backend,
    pub(crate) host: Option<Host>,
    pub(crate) network: NetworkWatch,
    pub(crate) filter: FilterWatch,
    pub(crate) sockets: Sockets,
    pub(crate) keys: KeyStore,
    pub(crate) statuses: Statuses,
    /// Who has which address.
    pub(crate) pools: Pools,
    pub(crate) log: EventLog,
    pub(crate) expiry: ExpiryWatch,
    pub(crate) tunnels: BTreeMap<String, Tunnel>,
    pub(crate) tasks: mpsc::Sender<TaskDone>,
    pub(crate) case_waiters: Vec<CaseWaiter>,
    /// Packets that are being followed.
    pub(crate) walking: Option<Walking>,
    /// Held twice while a trace goes on: there is one table of counters.
    pub(crate) tracing: Arc<()>,
    /// What peers were asked.
    pub(crate) questions: Questions,
    /// Test packets of paths.
    pub(crate) esp_tests: Tests,
    pub(crate) turns: Turns,
    /// Our port for IKE and ESP in UDP.
    pub(crate) nat_port: u16,
    /// What it was started with, or has taken over since.
    pub(crate) options: Options,
    /// Children of optional tunnels whose traffic passes in clear, as it was told last.
    pub(crate) passing: BTreeMap<String, Vec<String>>,
    /// Packets dropped before the key exchange or the data plane saw them.
    pub(crate) early_drops: BTreeMap<DropReason, u64>,
    /// Packets that the host's own address translation took out of tunnels; `None` before the first look.
    pub(crate) translated: BTreeMap<String, Translated>,
    drop_events: DropEvents,
    /// When a path problem was last passed on.
    path_told: HashMap<(SocketAddr, PathProblem), Mono>,
    /// What earlier gateways have left about tunnels, as far as it was recorded.
    pub(crate) past: BTreeMap<String, Past>,
    /// The program that is told of tunnels.
    pub(crate) hook: Hook,
    /// When tunnels' future is looked at next, and who waits for it.
    pub(crate) foresight: Foresight,
    /// A configuration that holds until somebody confirms it.
    pub(crate) unconfirmed: Option<Unconfirmed>,
    /// What tunnels carried in the last seconds.
    pub(crate) lately: Lately,
    /// What the threads that carry packets have of the processors.
    pub(crate) load: Load,
    /// SAs that are gone.
    pub(crate) departed: Departed,
    /// When the host is next looked at.
    tend_at: Mono,
    /// When the counters are next recorded, and what was recorded last.
    pub(crate) sampled: Sampled,
    /// When the key exchange is told next what the data plane has counted.
    count_at: Option<Mono>,
    /// When counters may be read again for times without an SA.
    pub(crate) gaps: Pace,
    /// Whether something happened that may have changed a tunnel's state.
    dirty: bool,
    buffer: Vec<u8>,
}

/// The parts that a gateway is made of.
pub(crate) struct Parts {
    pub clock: Clock,
    pub provider: Provider,
    pub endpoint: Endpoint,
    pub backend: Backend,
    pub host: Option<Host>,
    pub network: NetworkWatch,
    pub filter: FilterWatch,
    pub sockets: Sockets,
    pub keys: KeyStore,
    pub pools: Pools,
    pub tunnels: BTreeMap<String, Tunnel>,
    pub tasks: mpsc::Sender<TaskDone>,
    pub nat_port: u16,
    pub options: Options,
    pub recorder: Recorder,
}

impl Gateway {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            tend_at: parts.clock.now().mono + TENDING,
            count_at: None,
            clock: parts.clock,
            provider: parts.provider,
            endpoint: parts.endpoint,
            backend: parts.backend,
            host: parts.host,
            network: parts.network,
            filter: parts.filter,
            sockets: parts.sockets,
            keys: parts.keys,
            statuses: Statuses::default(),
            pools: parts.pools,
            log: EventLog::recorded_by(parts.recorder),
            expiry: ExpiryWatch::default(),
            tunnels: parts.tunnels,
            tasks: parts.tasks,
            case_waiters: Vec::new(),
            walking: None,
            tracing: Arc::new(()),
            questions: Questions::default(),
            esp_tests: Tests::default(),
            turns: Turns::default(),
            nat_port: parts.nat_port,
            options: parts.options,
            passing: BTreeMap::new(),
            early_drops: BTreeMap::new(),
            translated: BTreeMap::new(),
            drop_events: DropEvents::default(),
            path_told: HashMap::new(),
            past: BTreeMap::new(),
            hook: Hook::default(),
            foresight: Foresight::default(),
            unconfirmed: None,
            sampled: Sampled::default(),
            lately: Lately::default(),
            gaps: Pace::default(),
            departed: Departed::default(),
            load: Load::default(),
            dirty: true,
            buffer: vec![0; BUFFER],
        }
    }

    /// When something has to be done if nothing comes before.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        self.tunnels
            .values()
            .filter_map(Tunnel::deadline)
            .chain(self.endpoint.poll_timeout().map(|(at, _)| at))
            .chain(self.host.as_ref().map(|_| self.tend_at))
            .chain(self.count_at)
            .chain(self.backend.path_mtus_due())
            .chain(self.backend.due())
            .chain([self.expiry.due()])
            .chain(self.network.due())
            .chain(self.walk_due())
            .chain(self.sample_due())
            .chain(self.holds_due())
            .chain(self.lately.due())
            .chain(self.ahead_due())
            .chain(self.gaps_due())
            .chain(self.unconfirmed_until())
            .min()
    }

    /// A socket has something.
    pub(crate) fn on_socket(&mut self, slot: Slot) {
        let now = self.clock.now();
        let mut report = Report::default();
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..BUDGET {
            match self.sockets.take(slot, &mut buffer) {
                None => break,
                Some(Arrival::Error(error)) => self.on_error_report(now, slot, &error),
                Some(Arrival::Packet(received)) => {
                    let local = SocketAddr::new(received.to, self.sockets.port(slot));
                    let packet = buffer.get(received.start..received.end);
                    self.on_packet(
                        now,
                        slot,
                        local,
                        received.from,
                        packet.unwrap_or_default(),
                        &mut report,
                    );
                }
            }
        }
        self.buffer = buffer;
        self.tell(now, report);
    }

    /// Those who carry packets have something to tell.
    pub(crate) fn on_word(&mut self, word: Word) {
        let now = self.clock.now();
        self.hear(now, word);
        for _ in 1..BUDGET {
            let Some(word) = self.backend.told_too() else {
                return;
            };
            self.hear(now, word);
        }
    }

    fn hear(&mut self, now: Now, word: Word) {
        match word {
            Word::Ike {
                local,
                remote,
                message,
            } => {
                let recorder = &mut self.log.recorder;
                recorder.datagram(now, false, (local, remote), &message);
                self.endpoint.handle_datagram(now, local, remote, &message);
                // An answer should leave before the next message is looked at.
                self.carry_out();
            }
            Word::Path(slot, error) => self.on_error_report(now, slot, &error),
            Word::Report(report) => self.tell(now, *report),
            Word::Kernel => {
                if let Backend::Kernel(kernel) = &mut self.backend {
                    let told = kernel.hear(BUDGET);
                    self.kernel_told(now, told);
                }
            }
        }
    }

    fn kernel_told(&mut self, now: Now, told: Told) {
        self.tell(now, told.report);
        for trouble in told.troubles {
            let connection = trouble.child.as_ref().map(|c| c.connection.clone());
            let refused = Happening::Refused {
                what: "IPsec policies in the kernel".to_owned(),
                refusal: Refusal::Local {
                    problem: trouble.error.to_string(),
                },
                notify: None,
            };
            self.happened(connection.as_deref(), None, refused);
        }
        if !told.lost.is_empty() {
            self.replace_lost(now, told.lost);
        }
    }

    fn on_error_report(&mut self, now: Now, slot: Slot, error: &PathError) {
        if self.is_of_test(error.quoted) {
            return;
        }
        self.hear_path_mtu(now.mono, error);
        if let Some(remote) = error.destination {
            let problem = probe::problem(error.kind);
            self.on_path_error(now, slot, remote, problem, error.offender);
        }
    }

    /// The deadline has passed.
    pub(crate) fn on_deadline(&mut self) {
        let now = self.clock.now();
        let told = self.backend.tend(now.mono);
        self.kernel_told(now, told);
        self.endpoint.handle_timeout(now);
        self.backend.forget_path_mtus(now.mono);
        if self.count_at.take_if(|at| *at <= now.mono).is_some() {
            let pairs = self.backend.pairs();
            let counters = pairs.iter().map(|p| (p.spi_in, p.counters)).collect();
            self.endpoint.handle_usage(now, &counters);
        }
        self.dirty = true;
        self.look_at_certificates();
        self.look_at_walk(now.mono);
        self.look_at_counters(now);
        self.look_at_holds(now.mono);
        self.look_ahead_if_due(now);
        self.look_at_monitors(now.mono);
        self.look_at_unconfirmed(now.mono);
        if self.lately.due().is_none_or(|due| due <= now.mono) {
            let counters = self.counters(now.mono);
            self.tell_monitors_of_counters(&counters);
            self.look_at_load(&counters.pairs, &counters.totals);
            self.lately.take(counters);
        }
        if let Some(host) = self.host.as_mut().filter(|_| self.tend_at <= now.mono) {
            self.tend_at = now.mono + TENDING;
            host.tend();
            if !self.network.is_told() {
                self.look_at_addresses();
            }
            if matches!(self.backend, Backend::Kernel(_)) {
                let report = self.look_at_translation(now);
                self.tell(now, report);
            }
        }
        if self.network.take_due(now.mono) {
            self.look_at_addresses();
        }
    }

    /// Carries out what the key exchange wants, and begins what is due, until nothing is left to do now.
    pub(crate) fn settle(&mut self) {
        loop {
            self.carry_out();
            if self.dirty {
                self.dirty = false;
                self.observe();
            }
            if !self.begin_due_attempts() && !self.dirty {
                return;
            }
        }
    }

    /// Carries out what the key exchange wants now.
    pub(crate) fn settle_outputs(&mut self) {
        self.carry_out();
    }

    /// Records an event of the gateway's own.
    pub(crate) fn happened(
        &mut self,
        connection: Option<&str>,
        remote: Option<SocketAddr>,
        what: Happening,
    ) {
        let event = Event {
            at: self.clock.now(),
            connection: connection.map(str::to_owned),
            role: None,
            local: None,
            remote,
            what,
        };
        self.dirty = true;
        self.log.record(event);
    }

    /// Has the state of tunnels looked at again.
    pub(crate) fn look_again(&mut self) {
        self.dirty = true;
    }

    /// Sixty-four unpredictable bits.
    pub(crate) fn random(&self) -> u64 {
        let mut octets = [0; 8];
        self.provider.random.fill(&mut octets);
        u64::from_be_bytes(octets)
    }

    fn on_packet(
        &mut self,
        now: Now,
        slot: Slot,
        local: SocketAddr,
        remote: SocketAddr,
        packet: &[u8],
        report: &mut Report,
    ) {
        let message = match slot {
            Slot::Ike(_) | Slot::Esp(_) => Ok(Encapsulated::Ike(packet)),
            Slot::Nat(_) => classify(packet),
        };
        let (reason, detail) = match message {
            Ok(Encapsulated::Ike(message)) => {
                let recorder = &mut self.log.recorder;
                recorder.datagram(now, false, (local, remote), message);
                self.endpoint.handle_datagram(now, local, remote, message);
                // An answer should leave before the next packet is read.
                self.carry_out();
                return;
            }
            Ok(Encapsulated::Esp(_)) => {
                let detail = "no packet is carried here".to_owned();
                (DropReason::EspUnknownSpi, detail)
            }
            Ok(Encapsulated::Keepalive) => (DropReason::NatKeepalive, String::new()),
            Err(error) => (DropReason::UdpEncapMalformed, error.to_string()),
        };
        self.drop_early(reason, remote, detail, report);
    }

    /// Counts a packet that never reached a machine which would.
    fn drop_early(
        &mut self,
        reason: DropReason,
        from: SocketAddr,
        detail: String,
        report: &mut Report,
    ) {
        *self.early_drops.entry(reason).or_default() += 1;
        report.drop(reason, None, Some(from), 1, || detail);
    }

    /// Passes a path problem on, the same one at most once a second: ESP may provoke one per packet.
    fn on_path_error(
        &mut self,
        now: Now,
        slot: Slot,
        remote: SocketAddr,
        problem: PathProblem,
        offender: Option<IpAddr>,
    ) {
        if self.path_told.len() > MOST_TOLD {
            self.path_told.clear();
        }
        match self.path_told.entry((remote, problem)) {
            Entry::Occupied(told) if now.mono.since(*told.get()) < PACE => return,
            told => told.insert_entry(now.mono),
        };
        if matches!(slot, Slot::Esp(_)) {
            let tunnel = self
                .tunnels
                .values()
                .find(|t| t.peer == Some(remote.ip()))
                .map(|t| t.connection.name.clone());
            let what = Happening::PathFailed {
                problem,
                offender,
                remote_port: 0,
            };
            self.happened(tunnel.as_deref(), Some(remote), what);
            return;
        }
        let any: IpAddr = if remote.is_ipv4() {
            std::net::Ipv4Addr::UNSPECIFIED.into()
        } else {
            std::net::Ipv6Addr::UNSPECIFIED.into()
        };
        let local = SocketAddr::new(any, self.sockets.port(slot));
        self.endpoint
            .handle_path_error(now, local, remote, problem, offender);
    }

    /// Hands on what a batch of packets has to tell.
    fn tell(&mut self, now: Now, report: Report) {
        for spi in report.seen {
            self.endpoint.inbound_esp_seen(now, spi);
        }
        for (remote, local, spi) in report.strays {
            self.tell_monitors_of_stray(now.mono, remote.ip());
            let is_peer = |tunnel: &&Tunnel| tunnel.peer == Some(remote.ip());
            for tunnel in self.tunnels.values().filter(is_peer) {
                let name = &tunnel.connection.name;
                self.lately.stray(name);
                self.departed.stray(now.mono, name, spi);
            }
            // ESP without UDP has no ports; the word goes to the peer's IKE.
            let ike_port = self.sockets.port(Slot::Ike(false));
            let (local, remote) = match local.port() {
                0 => (
                    SocketAddr::new(local.ip(), ike_port),
                    SocketAddr::new(remote.ip(), 500),
                ),
                _ => (local, remote),
            };
            self.endpoint.handle_unknown_esp(now, local, remote, spi);
        }
        for (child, trigger) in report.wanted {
            let Some(tunnel) = self.tunnels.get_mut(&child.connection) else {
                continue;
            };
            let ours = matches!(tunnel.retry.wanted(), Wanted::Up | Wanted::OnDemand);
            if tunnel.presence == Presence::Up && ours {
                let asked = self.endpoint.packet_wants(now, &child.connection, trigger);
                if let Err(error) = asked {
                    tracing::debug!("{error}");
                }
            } else {
                tunnel.retry.packet_wants_through(now.mono);
                tunnel.trigger.get_or_insert(trigger);
            }
        }
        for ((reason, child), dropped) in report.dropped {
            if matches!(
                reason,
                DropReason::OutLifetime
                    | DropReason::EspLifetime
                    | DropReason::OutSequenceExhausted
            ) {
                // The pair is at its end: the key exchange learns of it at once.
                self.count_at = self.count_at.map(|_| now.mono);
            }
            if let Some(event) = self.drop_events.event(now, reason, child, dropped) {
                self.log.record(event);
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit {
                    local,
                    remote,
                    payload,
                } => {
                    let now = self.clock.now();
                    let recorder = &mut self.log.recorder;
                    recorder.datagram(now, true, (local, remote), &payload);
                    if let Err(error) = self.sockets.send_ike(local, remote, &payload) {
                        let errno = error.raw_os_error().unwrap_or(0);
                        let now = self.clock.now();
                        let problem = PathProblem::LocalSend(errno);
                        // The address may just have gone.
                        self.tend_at = self.tend_at.min(now.mono + SOON);
                        self.network.look_after(now.mono, SOON);
                        self.endpoint
                            .handle_path_error(now, local, remote, problem, None);
                    }
                }
                Output::Keepalive { local, remote } => {
                    if let Err(error) = self.sockets.send_keepalive(local, remote) {
                        tracing::debug!("NAT keepalive to {remote}: {error}");
                    }
                }
                Output::DataPlane(request) => self.change_data_plane(request),
                Output::KeyRequest { id, request } => self.on_key_request(id, request),
                Output::LeaseRequest { id, request } => {
                    let answer = self.pools.lease(&request);
                    let now = self.clock.now();
                    self.endpoint.handle_lease(now, id, answer);
                }
                Output::LeaseEnd(lease) => self.pools.end(lease),
                Output::PeerAsks(question) => self.peer_asks(question),
                Output::PeerAnswer { number, answer, .. } => {
                    self.peer_answered(number, answer);
                }
                Output::Event(event) => self.on_event(event),
                Output::Message(message) => self.log.recorder.message(*message),
                Output::Keys(keys) => self.log.recorder.keys(&keys),
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        let quiet = matches!(
            event.what,
            Happening::Sent(_)
                | Happening::Received(_)
                | Happening::Retransmitted { .. }
                | Happening::Dropped { .. }
        );
        // What strangers are refused for changes no tunnel, and must not cost a look at all of them.
        self.dirty |= !quiet && event.connection.is_some();
        if let (Happening::IkeClosed { by, cause }, Some(name)) = (&event.what, &event.connection)
            && let Some(tunnel) = self.tunnels.get_mut(name)
        {
            let dead = cause == "dead-peer";
            if dead || (*by == Party::Peer && cause == "deleted") {
                let connection = &tunnel.connection;
                let action = connection.life.after_the_end(dead, connection.start);
                tunnel.retry.ends(action);
            }
        }
        if matches!(
            event.what,
            Happening::IkeEstablished { .. } | Happening::PeerMoved { .. }
        ) {
            // Another way leads to the peer, or a peer is new.
            self.network.look_after(event.at.mono, Duration::ZERO);
        }
        let gave_up = match &event.what {
            Happening::GaveUp { .. } => event.connection.clone(),
            _ => None,
        };
        self.tell_hook_of(&event);
        self.hear_for_ahead(&event);
        self.tell_monitor_of(&event);
        let backend = &self.backend;
        self.departed
            .hear(&event, |tunnel, child| backend.carried(tunnel, child));
        self.log.record(event);
        if let Some(name) = gave_up {
            self.start_probes(&name, probe::Ask::Everything);
        }
    }

    fn change_data_plane(&mut self, request: DataPlaneRequest) {
        self.dirty = true;
        let (connection, what) = match &request {
            DataPlaneRequest::Install(sa) => {
                self.keep_way_to(sa.path.remote.ip());
                self.measure_link_to(sa.path.remote.ip());
                (sa.connection.clone(), format!("CHILD_SA {}", sa.child))
            }
            DataPlaneRequest::Remove {
                connection, child, ..
            } => (connection.clone(), format!("removal of CHILD_SA {child}")),
            DataPlaneRequest::Retire {
                connection, child, ..
            } => (
                connection.clone(),
                format!("retirement of CHILD_SA {child}"),
            ),
            DataPlaneRequest::MovePath {
                connection, path, ..
            } => {
                self.keep_way_to(path.remote.ip());
                self.measure_link_to(path.remote.ip());
                (connection.clone(), "path change".to_owned())
            }
        };
        let fatal = matches!(request, DataPlaneRequest::Install(_));
        let now = self.clock.now();
        let Err(error) = self.backend.apply(now.mono, request) else {
            return;
        };
        let refusal = Refusal::Local {
            problem: error.to_string(),
        };
        let refused = Happening::Refused {
            what,
            refusal,
            notify: None,
        };
        self.happened(Some(&connection), None, refused);
        if fatal {
            // An SA that can't carry packets must not look as if it could.
            if let Err(error) = self.endpoint.terminate(now, &connection) {
                tracing::debug!("{error}");
            }
        }
    }

    /// Sees to it that our own routes don't catch what goes to a peer that was configured or has authenticated.
    pub(crate) fn keep_way_to(&mut self, peer: IpAddr) {
        if let Some(Err(error)) = self.host.as_mut().map(|host| host.keep_way_to(peer)) {
            tracing::warn!("{error}");
        }
    }

    /// Looks at what there is of every tunnel and draws the conclusions.
    fn observe(&mut self) {
        let now = self.clock.now();
        let before = self.count_at;
        self.count_at = self.endpoint.usage_interval().map(|interval| {
            let at = now.mono + interval;
            before.map_or(at, |before| before.min(at))
        });
        let snapshot = self.endpoint.snapshot();
        self.take_inner_addresses(&snapshot);
        self.settle_protection(&snapshot);
        let names: Vec<String> = self.tunnels.keys().cloned().collect();
        for name in names {
            self.observe_tunnel(now, &name, &snapshot);
        }
        self.measure_gaps(now);
    }

    /// Gives the host the addresses that peers gave us, and takes away those whose tunnel is gone.
    fn take_inner_addresses(&mut self, snapshot: &[IkeSaSnapshot]) {
        let Some(host) = &mut self.host else {
            return;
        };
        let mut given: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
        for sa in snapshot.iter().filter(|sa| !sa.inner.ours.is_empty()) {
            if let (Some(name), IkeSaState::Established | IkeSaState::Replaced) =
                (&sa.connection, sa.state)
            {
                given
                    .entry(name.clone())
                    .or_default()
                    .extend(&sa.inner.ours);
            }
        }
        if let Err(error) = host.set_inner_addresses(given) {
            tracing::warn!("{error}");
        }
    }

    fn observe_tunnel(&mut self, now: Now, name: &str, snapshot: &[IkeSaSnapshot]) {
        let random = self.random();
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return;
        };
        let presence = tunnel::presence(snapshot, name);
        if !tunnel.resolving {
            tunnel.retry.observe(now.mono, presence, random);
        }
        let before = tunnel.becomes(presence);
        if let Some(sa) = snapshot
            .iter()
            .find(|sa| sa.connection.as_deref() == Some(name))
        {
            tunnel.peer = Some(sa.remote.ip());
        }
        if tunnel::is_childless(snapshot, name) {
            tunnel.childless_since.get_or_insert(now.mono);
        } else {
            tunnel.childless_since = None;
        }
        let stuck = tunnel.is_stuck(now.mono);
        self.tell_hook_of_state(name, before, presence);
        if presence == Presence::Up && before != Presence::Up {
            self.came_up_for_ahead(name);
        }
        self.tell_monitor_of_state(now.mono, name);
        self.ask_again(name, snapshot);
        self.settle_waiters(now, name, snapshot);
        if stuck {
            tracing::info!("{name}: the IKE SA has no child; closing it");
            if let Err(error) = self.endpoint.terminate(now, name) {
                tracing::debug!("{error}");
            }
            if let Some(tunnel) = self.tunnels.get_mut(name) {
                tunnel.childless_since = None;
            }
            self.carry_out();
        }
    }
}

/// Packets taken from one source before others get their turn.
const BUDGET: usize = 64;
/// Longest packet.
const BUFFER: usize = 65_536;
/// How often the host is looked at.
const TENDING: Duration = Duration::from_secs(2);
/// How soon the host is looked at when something can't be sent.
const SOON: Duration = Duration::from_millis(200);
/// How often the same path problem is passed on.
const PACE: Duration = Duration::from_secs(1);
/// Bound of what is remembered of strangers.
const MOST_TOLD: usize = 4096;
