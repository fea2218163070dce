//! A gateway of the virtual world: the same endpoint and data plane as the real one, between virtual sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use adit_crypto::{Provider, provider};
use adit_esp::{Allowance, DataPlane, Early};
use adit_ike::key_holder::{Credentials, without_credentials};
use adit_ike::pools::Pools;
use adit_ike::{Endpoint, KeyAnswer, KeyRequest, Output, Settings};
use adit_model::connection::{Connection, Remote, Start};
use adit_model::dataplane::Trigger;
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening, Party, PathProblem};
use adit_model::inner::Pool;
use adit_model::life::Action;
use adit_model::policy::{self, Policy};
use adit_model::selector::Selector;
use adit_model::{Mono, Now};
use adit_wire::icmp::{Family, IcmpMessage};
use adit_wire::ip::{IpPacket, protocol};
use adit_wire::udp::UdpDatagram;
use adit_wire::udp_encap::{Encapsulated, NAT_KEEPALIVE, classify, mark_ike};

use crate::command::CommandError;
use crate::fragment::{Fit, fit};
use crate::host::Host;
use crate::input::{Input, Told};
use crate::node::{Env, echo_reply, is_icmp};
use crate::packet::{self, Unreachable};
use crate::path_problem::{path_problem_of, quoted};
use crate::probe::Probes;

/// What a gateway is configured with.
#[derive(Clone, Default)]
pub struct GatewaySetup {
    /// Its connections, in order.
    pub connections: Vec<Arc<Connection>>,
    /// Policies that go before all connections, in order.
    pub policies: Vec<Policy>,
    /// With what the sides authenticate, by name of the connection.
    pub keys: BTreeMap<String, Credentials>,
    /// Addresses that it gives to peers.
    pub pools: Vec<Pool>,
    /// How its endpoint behaves.
    pub settings: Settings,
}

/// How long after its end an IKE SA is set up again.
const RESTART: Duration = Duration::from_secs(1);

/// MTU of the tunnel device: room for any protection inside 1500 octets.
const TUNNEL_MTU: usize = 1400;

/// A gateway. Its events outlive its daemon, as a log does.
pub(crate) struct Gateway {
    pub(crate) name: String,
    pub(crate) setup: GatewaySetup,
    pub(crate) daemon: Option<Daemon>,
    pub(crate) events: Vec<Event>,
    pub(crate) messages: Vec<adit_ike::PlainMessage>,
    /// What the endpoint was told, if anybody wants to know.
    pub(crate) inputs: Option<Vec<Input>>,
    pub(crate) probes: Probes,
    /// What it does as a host: it pings.
    pub(crate) own: Host,
    /// Packets that policy protects and that were dropped because no daemon runs.
    pub(crate) blocked: u64,
    /// Packets that came in clear and should have come through the tunnel.
    pub(crate) refused_in_clear: u64,
    /// Drops outside of endpoint and data plane.
    edge_drops: BTreeMap<DropReason, u64>,
}

/// What is lost when the process ends.
pub(crate) struct Daemon {
    pub(crate) endpoint: Endpoint,
    pub(crate) plane: DataPlane,
    /// Who has which address.
    pub(crate) pools: Pools,
    /// Addresses inside tunnels that peers gave us.
    pub(crate) inner: Vec<IpAddr>,
    /// When the endpoint is told next what the data plane has counted.
    count_at: Option<Mono>,
    /// Connections that are to be set up again, and when, and those that a packet sets up.
    restarts: BTreeMap<String, Option<Mono>>,
    traps: BTreeSet<String>,
    provider: Provider,
    /// How many hosts may be told that their packets are too long.
    told_too_big: Allowance,
    /// What came before its SA: how, and the traffic class.
    early: Early<(SocketAddr, SocketAddr, u8)>,
}

impl Gateway {
    pub(crate) fn new(name: &str, setup: GatewaySetup) -> Self {
        Self {
            name: name.to_owned(),
            setup,
            daemon: None,
            events: Vec::new(),
            messages: Vec::new(),
            inputs: None,
            probes: Probes::default(),
            own: Host::default(),
            blocked: 0,
            refused_in_clear: 0,
            edge_drops: BTreeMap::new(),
        }
    }

    /// Starts the daemon, and the connections that start by themselves.
    pub(crate) fn start(&mut self, env: &mut Env<'_>) {
        let (provider_seed, seed) = (env.rng.next(), env.rng.octets());
        self.note(env, || Told::Started {
            provider_seed,
            seed,
        });
        let provider = provider::fake(provider_seed);
        let settings = self.setup.settings.clone();
        let mut daemon = Daemon {
            endpoint: Endpoint::new(settings, provider.clone(), seed),
            plane: DataPlane::new(provider.clone()),
            count_at: None,
            pools: Pools::new(self.setup.pools.clone()),
            inner: Vec::new(),
            restarts: BTreeMap::new(),
            traps: BTreeSet::new(),
            provider,
            told_too_big: Allowance::new(env.now.mono),
            early: Early::default(),
        };
        daemon.plane.set_device_mtu(TUNNEL_MTU);
        daemon.plane.set_policy(&self.setup.connections);
        daemon.plane.set_exceptions(self.setup.policies.clone());
        for connection in &self.setup.connections {
            daemon
                .endpoint
                .set_connection(env.now, Arc::clone(connection));
            if let Some(held) = self.setup.keys.get(&connection.name) {
                daemon
                    .endpoint
                    .set_authorities(&connection.name, held.key_hashes());
            }
        }
        self.daemon = Some(daemon);
        self.look_at_addresses(env);
        let auto: Vec<_> = self.named(|c| c.start == Start::Auto);
        for name in auto {
            // A peer without an address is for the other side to start.
            let _ = self.initiate(env, &name);
        }
        self.drain(env);
    }

    /// Tells the endpoint which addresses the host has.
    pub(crate) fn look_at_addresses(&mut self, env: &mut Env<'_>) {
        let addresses = env.own.to_vec();
        self.note(env, || Told::Addresses {
            addresses: addresses.clone(),
        });
        if let Some(daemon) = &mut self.daemon {
            daemon
                .endpoint
                .local_addresses_changed(env.now, addresses, BTreeMap::new());
        }
        self.drain(env);
    }

    /// Sets up a connection.
    pub(crate) fn initiate(&mut self, env: &mut Env<'_>, name: &str) -> Result<(), CommandError> {
        self.initiate_for(env, name, None)
    }

    fn initiate_for(
        &mut self,
        env: &mut Env<'_>,
        name: &str,
        trigger: Option<Trigger>,
    ) -> Result<(), CommandError> {
        let connection = self
            .setup
            .connections
            .iter()
            .find(|c| c.name == name)
            .ok_or(CommandError::NoSuchConnection)?;
        let Remote::Address(remote) = connection.remote else {
            return Err(CommandError::NoAddress);
        };
        let local = connection
            .local
            .or_else(|| {
                env.own
                    .iter()
                    .copied()
                    .find(|a| a.is_ipv4() == remote.is_ipv4())
            })
            .ok_or(CommandError::NoAddress)?;
        self.note(env, || Told::Initiate {
            connection: name.to_owned(),
            local,
            remote,
            trigger: trigger.clone(),
        });
        let daemon = self.daemon.as_mut().ok_or(CommandError::NotRunning)?;
        daemon
            .endpoint
            .initiate_for(env.now, name, local, remote, trigger)?;
        self.drain(env);
        Ok(())
    }

    /// Authenticates anew.
    pub(crate) fn reauthenticate(
        &mut self,
        env: &mut Env<'_>,
        name: &str,
    ) -> Result<(), CommandError> {
        self.note(env, || Told::Reauthenticate {
            connection: name.to_owned(),
        });
        let daemon = self.daemon.as_mut().ok_or(CommandError::NotRunning)?;
        daemon.endpoint.reauthenticate(env.now, name)?;
        self.drain(env);
        Ok(())
    }

    /// Takes a connection down.
    pub(crate) fn terminate(&mut self, env: &mut Env<'_>, name: &str) -> Result<(), CommandError> {
        self.note(env, || Told::Terminate {
            connection: name.to_owned(),
        });
        let daemon = self.daemon.as_mut().ok_or(CommandError::NotRunning)?;
        daemon.endpoint.terminate(env.now, name)?;
        self.drain(env);
        Ok(())
    }

    /// Begins an orderly end of the daemon.
    pub(crate) fn shutdown(&mut self, env: &mut Env<'_>) {
        self.note(env, || Told::Shutdown);
        if let Some(daemon) = &mut self.daemon {
            daemon.endpoint.shutdown(env.now);
        }
        self.drain(env);
    }

    /// Sends the next request of a ping run of its own.
    pub(crate) fn send_ping(&mut self, env: &mut Env<'_>, run: usize) {
        let before = core::mem::take(&mut env.out);
        self.own.send_ping(env, run);
        for packet in core::mem::replace(&mut env.out, before) {
            self.send(env, packet);
        }
    }

    /// When the endpoint wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        let daemon = self.daemon.as_ref()?;
        let timeout = daemon.endpoint.poll_timeout().map(|(at, _)| at);
        let restarts = daemon.restarts.values().flatten().copied();
        timeout
            .into_iter()
            .chain(daemon.count_at)
            .chain(restarts)
            .chain(daemon.plane.path_mtus_due())
            .chain(daemon.plane.dummies_due())
            .chain(daemon.early.due())
            .min()
    }

    pub(crate) fn timeout(&mut self, env: &mut Env<'_>) {
        self.count_traffic(env);
        self.restart(env);
        self.note(env, || Told::Timeout);
        if let Some(daemon) = &mut self.daemon {
            daemon.plane.forget_path_mtus(env.now.mono);
            for dummy in daemon.plane.dummies(env.now.mono) {
                let mut esp = Vec::new();
                if let Some(sealed) = daemon.plane.seal_dummy(env.now.mono, dummy, &mut esp) {
                    let id = env.id();
                    env.out.extend(packet::esp(&sealed, &esp, id));
                }
            }
            daemon.endpoint.handle_timeout(env.now);
        }
        self.drain(env);
    }

    /// A packet to be passed on, from either side.
    pub(crate) fn forward(&mut self, env: &mut Env<'_>, mut packet: Vec<u8>) {
        if !packet::hop(&mut packet) {
            return;
        }
        let Ok(ip) = IpPacket::parse(&packet) else {
            return;
        };
        if self.comes_in_clear(&ip) {
            self.refused_in_clear += 1;
            return;
        }
        self.send(env, packet);
    }

    /// A whole packet for the gateway itself.
    pub(crate) fn deliver(&mut self, env: &mut Env<'_>, packet: &[u8]) {
        let Ok(ip) = IpPacket::parse(packet) else {
            return;
        };
        match ip.protocol {
            protocol::UDP => self.udp_received(env, &ip),
            protocol::ESP if self.daemon.is_some() => {
                let ike_port = self.setup.settings.ike_port;
                let local = SocketAddr::new(ip.destination, ike_port);
                let remote = SocketAddr::new(ip.source, ike_port);
                self.esp_received(env, local, remote, (ip.traffic_class, ip.payload()));
            }
            protocol::ESP => env.unreachable(packet, Unreachable::Protocol),
            _ if is_icmp(&ip) => self.icmp_received(env, &ip),
            _ => {}
        }
    }

    /// Whether the endpoint waits for nothing, or there is none.
    pub(crate) fn is_idle(&self) -> bool {
        self.daemon
            .as_ref()
            .is_none_or(|daemon| daemon.endpoint.is_idle())
    }

    /// Every drop so far, by reason.
    pub(crate) fn drops(&self) -> BTreeMap<DropReason, u64> {
        let mut all = self.edge_drops.clone();
        if let Some(daemon) = &self.daemon {
            for (reason, count) in daemon.endpoint.drops().nonzero() {
                *all.entry(reason).or_default() += count;
            }
            for (reason, count) in daemon.plane.drops().iter() {
                *all.entry(reason).or_default() += count;
            }
        }
        all
    }

    /// Sends a packet of our own or a forwarded one: into the tunnel if it is protected, else on its way.
    fn send(&mut self, env: &mut Env<'_>, packet: Vec<u8>) {
        let decided = IpPacket::parse(&packet).ok().and_then(|ip| {
            let mut policies = self.setup.policies.iter();
            let found = policies.find(|p| adit_esp::is_between(&ip, &p.local, &p.remote));
            found.map(|policy| policy.action)
        });
        let protected = IpPacket::parse(&packet).is_ok_and(|ip| self.protects(ip.destination));
        if decided == Some(policy::Action::Drop) {
            self.blocked += 1;
        } else if decided == Some(policy::Action::Bypass) || !protected {
            env.out.push(packet);
        } else if self.daemon.is_none() {
            self.blocked += 1;
        } else {
            match fit(packet, TUNNEL_MTU, false, 0) {
                Fit::Whole(packet) => self.seal(env, &packet),
                Fit::Pieces(pieces) => pieces.iter().for_each(|piece| self.seal(env, piece)),
                Fit::TooBig(packet) => {
                    env.unreachable(&packet, Unreachable::TooBig(TUNNEL_MTU));
                }
            }
        }
    }

    fn seal(&mut self, env: &mut Env<'_>, inner: &[u8]) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let mut esp = Vec::new();
        match daemon.plane.seal_at(env.now.mono, inner, &mut esp) {
            Ok(sealed) => {
                for esp in esp.chunks(sealed.each.max(1)) {
                    let id = env.id();
                    env.out.extend(packet::esp(&sealed, esp, id));
                }
            }
            Err(rejected) if rejected.reason == DropReason::OutTooBig => {
                if let (Some(fits), Ok(packet)) = (rejected.fits, IpPacket::parse(inner))
                    && daemon.told_too_big.take(env.now.mono)
                {
                    env.out.extend(adit_esp::too_big(&packet, fits));
                }
            }
            Err(rejected) if rejected.reason == DropReason::OutNoSa => {
                if let (Some(child), Ok(packet)) = (rejected.child, IpPacket::parse(inner)) {
                    let (local, remote) = adit_esp::flow(&packet);
                    let trigger = Trigger {
                        child: child.child.clone(),
                        local,
                        remote,
                    };
                    self.wanted(env, &child.connection, trigger);
                }
            }
            Err(_) => {}
        }
    }

    /// An IKE SA may have ended through the peer; what is configured follows. A restart is tried until it succeeds.
    fn ended(&mut self, env: &Env<'_>, event: &Event) {
        let (Some(name), Some(daemon)) = (&event.connection, &mut self.daemon) else {
            return;
        };
        if let Happening::IkeEstablished { .. } = event.what {
            daemon.restarts.remove(name);
            daemon.traps.remove(name);
        }
        let Happening::IkeClosed { by, cause } = &event.what else {
            return;
        };
        let again = Some(env.now.mono + RESTART);
        if let Some(at) = daemon.restarts.get_mut(name) {
            *at = again;
        }
        let dead = cause == "dead-peer";
        let connection = self.setup.connections.iter().find(|c| c.name == *name);
        let Some(connection) = connection else { return };
        if !(dead || *by == Party::Peer && cause == "deleted") {
            return;
        }
        match connection.life.after_the_end(dead, connection.start) {
            Action::Clear => {}
            Action::Trap => drop(daemon.traps.insert(name.clone())),
            Action::Restart => drop(daemon.restarts.insert(name.clone(), again)),
        }
    }

    /// A packet wants through a tunnel, and no SA takes it.
    fn wanted(&mut self, env: &mut Env<'_>, name: &str, trigger: Trigger) {
        let starts = self.setup.connections.iter().find(|c| c.name == name);
        let start = starts.map_or(Start::Passive, |c| c.start);
        let trapped = self.daemon.as_ref().is_some_and(|d| d.traps.contains(name));
        if start == Start::Passive && !trapped {
            return;
        }
        self.note(env, || Told::Wanted {
            connection: name.to_owned(),
            trigger: trigger.clone(),
        });
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let up = daemon
            .endpoint
            .packet_wants(env.now, name, trigger.clone())
            .is_ok();
        if up {
            self.drain(env);
        } else if start == Start::OnDemand || trapped {
            // It may be on its way up already; then there is nothing to begin.
            let _ = self.initiate_for(env, name, Some(trigger));
        }
    }

    fn udp_received(&mut self, env: &mut Env<'_>, ip: &IpPacket<'_>) {
        let ends = Some((ip.source, ip.destination));
        let Ok(datagram) = UdpDatagram::parse(ends, ip.payload()) else {
            return;
        };
        let local = SocketAddr::new(ip.destination, datagram.destination_port);
        let remote = SocketAddr::new(ip.source, datagram.source_port);
        if self.probes.answered(env.now.mono, local, datagram.payload) {
            return;
        }
        if self.daemon.is_none() {
            return env.unreachable(ip.packet, Unreachable::Port);
        }
        let (ike_port, nat_port) = (self.setup.settings.ike_port, self.setup.settings.nat_port);
        if local.port() == ike_port {
            self.ike_received(env, local, remote, datagram.payload);
        } else if local.port() == nat_port {
            match classify(datagram.payload) {
                Ok(Encapsulated::Ike(message)) => self.ike_received(env, local, remote, message),
                Ok(Encapsulated::Esp(packet)) => {
                    self.esp_received(env, local, remote, (ip.traffic_class, packet));
                }
                Ok(Encapsulated::Keepalive) => self.count(DropReason::NatKeepalive),
                Err(_) => self.count(DropReason::UdpEncapMalformed),
            }
        } else {
            env.unreachable(ip.packet, Unreachable::Port);
        }
    }

    fn ike_received(
        &mut self,
        env: &mut Env<'_>,
        local: SocketAddr,
        remote: SocketAddr,
        message: &[u8],
    ) {
        self.note(env, || Told::Datagram {
            local,
            remote,
            message: message.to_vec(),
        });
        if let Some(daemon) = &mut self.daemon {
            daemon
                .endpoint
                .handle_datagram(env.now, local, remote, message);
        }
        self.drain(env);
    }

    fn esp_received(
        &mut self,
        env: &mut Env<'_>,
        local: SocketAddr,
        remote: SocketAddr,
        (tos, packet): (u8, &[u8]),
    ) {
        let spi = packet.first_chunk::<4>();
        let spi = spi.map_or(0, |spi| u32::from_be_bytes(*spi));
        if let Some(daemon) = &mut self.daemon
            && daemon.plane.shared().load().may_be_early(spi)
        {
            let way = (local, remote, tos);
            if daemon.early.keep(env.now.mono, spi, packet, way) {
                return;
            }
        }
        self.open(env, local, remote, (tos, packet));
    }

    /// Opens what came before its SA, if it is there now, and gives up what has waited for nothing.
    fn open_early(&mut self, env: &mut Env<'_>) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let view = daemon.plane.shared().load();
        for (_, kept) in daemon.early.take(env.now.mono, |spi| view.has(spi)) {
            let (local, remote, tos) = kept.way;
            self.open(env, local, remote, (tos, &kept.packet));
        }
    }

    fn open(
        &mut self,
        env: &mut Env<'_>,
        local: SocketAddr,
        remote: SocketAddr,
        (tos, packet): (u8, &[u8]),
    ) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let mut packet = packet.to_vec();
        let opened = match daemon.plane.open_under(env.now.mono, tos, &mut packet) {
            Ok(opened) => opened,
            Err(rejected) if rejected.reason == DropReason::EspUnknownSpi => {
                let spi = packet.first_chunk::<4>();
                let spi = spi.map_or(0, |spi| u32::from_be_bytes(*spi));
                return self.unknown_esp(env, local, remote, spi);
            }
            // Nobody but the peer can have sealed it.
            Err(rejected) if rejected.reason == DropReason::EspDummy => {
                let spi = packet.first_chunk::<4>();
                let spi_in = spi.map_or(0, |spi| u32::from_be_bytes(*spi));
                daemon.endpoint.inbound_esp_seen(env.now, spi_in);
                self.note(env, || Told::Esp { spi_in });
                return self.drain(env);
            }
            Err(_) => return,
        };
        let spi_in = opened.spi_in;
        daemon.endpoint.inbound_esp_seen(env.now, spi_in);
        let mut inner = opened.inner.of(&packet).to_vec();
        self.note(env, || Told::Esp { spi_in });
        let Ok(ip) = IpPacket::parse(&inner) else {
            return;
        };
        if env.own.contains(&ip.destination) {
            self.deliver(env, &inner);
        } else if packet::hop(&mut inner) {
            env.out.push(inner);
        }
        self.drain(env);
    }

    fn unknown_esp(&mut self, env: &mut Env<'_>, local: SocketAddr, remote: SocketAddr, spi: u32) {
        self.note(env, || Told::UnknownEsp { local, remote, spi });
        if let Some(daemon) = &mut self.daemon {
            let endpoint = &mut daemon.endpoint;
            endpoint.handle_unknown_esp(env.now, local, remote, spi);
        }
        self.drain(env);
    }

    fn icmp_received(&mut self, env: &mut Env<'_>, ip: &IpPacket<'_>) {
        let family = Family::of(ip.source, ip.destination);
        let Ok(message) = IcmpMessage::parse(family, ip.payload()) else {
            return;
        };
        if let IcmpMessage::EchoReply(echo) = &message {
            self.probes.echoed(env.now.mono, echo.identifier);
            self.own.icmp_received(env.now.mono, ip);
        } else if let Some(problem) = path_problem_of(ip, &message) {
            if let PathProblem::FragmentationNeeded(mtu) = problem
                && let Some((peer, spi)) = packet::quoted_esp(quoted(&message))
                && let Some(daemon) = &mut self.daemon
            {
                let mtu = usize::try_from(mtu).unwrap_or(0);
                let plane = &mut daemon.plane;
                plane.hear_path_mtu(env.now.mono, peer, spi, mtu);
            }
            let Some((local, remote)) = packet::quoted_udp(quoted(&message)) else {
                return self.probes.echo_failed(problem);
            };
            if !self.probes.failed(local, problem) {
                self.path_failed(env, local, remote, problem, ip.source);
            }
        } else if let Some(reply) = echo_reply(ip.packet) {
            self.send(env, reply);
        }
    }

    fn path_failed(
        &mut self,
        env: &mut Env<'_>,
        local: SocketAddr,
        remote: SocketAddr,
        problem: PathProblem,
        offender: IpAddr,
    ) {
        self.note(env, || Told::PathError {
            local,
            remote,
            problem,
            offender,
        });
        if let Some(daemon) = &mut self.daemon {
            daemon
                .endpoint
                .handle_path_error(env.now, local, remote, problem, Some(offender));
        }
        self.drain(env);
    }

    /// Sets up again what has ended a while ago; if it can't begin, the next packet or command may.
    fn restart(&mut self, env: &mut Env<'_>) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let now = env.now.mono;
        let due: Vec<String> = daemon
            .restarts
            .iter_mut()
            .filter_map(|(name, at)| at.take_if(|at| *at <= now).map(|_| name.clone()))
            .collect();
        for name in due {
            let _ = self.initiate(env, &name);
        }
    }

    /// Tells the endpoint what the data plane has counted, when it is time.
    fn count_traffic(&mut self, env: &mut Env<'_>) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        if daemon.count_at.take_if(|at| *at <= env.now.mono).is_none() {
            return;
        }
        let pairs = daemon.plane.pairs();
        let counters: Vec<_> = pairs.iter().map(|p| (p.spi_in, p.counters)).collect();
        let all = counters.iter().copied().collect();
        daemon.endpoint.handle_usage(env.now, &all);
        self.note(env, || Told::Usage { counters });
    }

    fn note(&mut self, env: &Env<'_>, told: impl FnOnce() -> Told) {
        if let Some(inputs) = &mut self.inputs {
            inputs.push(Input {
                at: env.now,
                told: told(),
            });
        }
    }

    /// Carries out what the endpoint wants, until it wants nothing more.
    fn drain(&mut self, env: &mut Env<'_>) {
        let nat_port = self.setup.settings.nat_port;
        while let Some(daemon) = &mut self.daemon
            && let Some(output) = daemon.endpoint.poll_output()
        {
            match output {
                Output::Transmit {
                    local,
                    remote,
                    payload,
                } => {
                    let marked = if local.port() == nat_port {
                        mark_ike(&payload)
                    } else {
                        payload
                    };
                    let id = env.id();
                    env.out.extend(packet::udp(local, remote, &marked, id));
                }
                Output::Keepalive { local, remote } => {
                    let id = env.id();
                    env.out
                        .extend(packet::udp(local, remote, &NAT_KEEPALIVE, id));
                }
                Output::DataPlane(request) => {
                    // Refused when the endpoint asks for the impossible; the tests would see no traffic.
                    let _ = daemon.plane.apply(env.now.mono, request);
                }
                Output::KeyRequest { id, request } => {
                    let answer = answer(&daemon.provider, env.now, &self.setup.keys, &request);
                    daemon.endpoint.handle_answer(env.now, id, answer);
                }
                Output::LeaseRequest { id, request } => {
                    let answer = daemon.pools.lease(&request);
                    daemon.endpoint.handle_lease(env.now, id, answer);
                }
                Output::LeaseEnd(lease) => daemon.pools.end(lease),
                Output::Message(message) => self.messages.push(*message),
                // Nobody records keys in the virtual world, or asks about packets.
                Output::Keys(_) | Output::PeerAsks(_) | Output::PeerAnswer { .. } => {}
                Output::Event(event) => {
                    self.ended(env, &event);
                    self.events.push(event);
                }
            }
        }
        if let Some(daemon) = &mut self.daemon {
            let asks = |c: &Arc<Connection>| !c.inner.wanted.is_empty();
            if self.setup.connections.iter().any(asks) {
                let sas = daemon.endpoint.snapshot();
                daemon.inner = sas.into_iter().flat_map(|sa| sa.inner.ours).collect();
            }
            let interval = daemon.endpoint.usage_interval();
            let before = daemon.count_at;
            daemon.count_at = interval.map(|interval| {
                let at = env.now.mono + interval;
                before.map_or(at, |before| before.min(at))
            });
        }
        self.open_early(env);
    }

    fn count(&mut self, reason: DropReason) {
        *self.edge_drops.entry(reason).or_default() += 1;
    }

    fn named(&self, which: impl Fn(&Connection) -> bool) -> Vec<String> {
        let connections = self.setup.connections.iter();
        connections
            .filter(|c| which(c))
            .map(|c| c.name.clone())
            .collect()
    }

    /// Whether routes lead packets for `destination` into the tunnel device.
    fn protects(&self, destination: IpAddr) -> bool {
        self.children()
            .any(|child| covers(&child.remote_ts, destination))
    }

    fn comes_in_clear(&self, ip: &IpPacket<'_>) -> bool {
        let mut policies = self.setup.policies.iter();
        if let Some(policy) = policies.find(|p| adit_esp::is_between(ip, &p.remote, &p.local)) {
            return policy.action == policy::Action::Drop;
        }
        self.children()
            .any(|child| adit_esp::is_between(ip, &child.remote_ts, &child.local_ts))
    }

    fn children(&self) -> impl Iterator<Item = &adit_model::connection::Child> {
        self.setup.connections.iter().flat_map(|c| &c.children)
    }
}

fn covers(selectors: &[Selector], address: IpAddr) -> bool {
    selectors
        .iter()
        .any(|s| s.start.is_ipv4() == address.is_ipv4() && s.start <= address && address <= s.end)
}

fn answer(
    provider: &Provider,
    now: Now,
    keys: &BTreeMap<String, Credentials>,
    request: &KeyRequest,
) -> KeyAnswer {
    keys.get(request.connection()).map_or_else(
        || without_credentials(request),
        |held| held.answer(provider, now.wall, request),
    )
}
