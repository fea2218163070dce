//! The world: hosts, links, time, and what happens in which order.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use adit_model::{Mono, Now, Wall};
use adit_wire::ip::IpPacket;
use ipnet::IpNet;

use crate::firewall::{Block, Manner};
use crate::fragment::{Fit, Reassembler, fit};
use crate::gateway::{Gateway, GatewaySetup};
use crate::host::{BulkReport, BulkRun, Host, PingReport, PingRun, bulk_source};
use crate::input::Input;
use crate::link::{Link, LinkSettings};
use crate::nat::{Nat, NatSettings};
use crate::node::{Env, Interface, Node, Role};
use crate::packet::Unreachable;
use crate::rng::Rng;
use crate::router::Router;
use crate::tap::Observed;
use crate::v1_only::V1Only;

/// One host of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

/// One link of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub(crate) usize);

/// A run of pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingId {
    host: NodeId,
    run: usize,
}

/// A run of bulk datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkId {
    host: NodeId,
    run: usize,
}

/// Why a command to a gateway can't be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The host is no gateway.
    #[error("that host is no gateway")]
    NotAGateway,
    /// No daemon runs there.
    #[error("no daemon runs there")]
    NotRunning,
    /// It has no connection of that name.
    #[error("no such connection")]
    NoSuchConnection,
    /// The peer's address, or one of our own of its family, isn't known.
    #[error("there is no address to connect from or to")]
    NoAddress,
    /// The endpoint refused.
    #[error(transparent)]
    Endpoint(#[from] adit_ike::CommandError),
}

/// A virtual world. Everything that happens in it follows from its seed and the calls made.
pub struct World {
    seed: u64,
    now: Now,
    rng: Rng,
    pub(crate) nodes: Vec<Node>,
    links: Vec<Link>,
    queue: BTreeMap<(Mono, u64), Happens>,
    serial: u64,
    observed: Vec<Observed>,
}

/// What will happen at a point in time.
enum Happens {
    Arrive {
        node: NodeId,
        interface: usize,
        packet: Vec<u8>,
    },
    /// The next hop of `packet` doesn't answer to its address.
    NeighbourLost {
        node: NodeId,
        packet: Vec<u8>,
    },
    Ping {
        host: NodeId,
        run: usize,
    },
    Bulk {
        host: NodeId,
        run: usize,
    },
}

/// How long a router asks for the next hop's address before it gives up.
const NEIGHBOUR_PATIENCE: Duration = Duration::from_secs(1);

/// The interface by which a host's packets to itself arrive.
const LOOPBACK: usize = usize::MAX;

/// Most packets on tapped links that are remembered.
const MOST_OBSERVED: usize = 200_000;

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            now: Now {
                mono: Mono(1_000_000_000),
                wall: Wall(1_767_571_200_000), // 2026-01-05T00:00:00Z
            },
            rng: Rng::new(seed),
            nodes: Vec::new(),
            links: Vec::new(),
            queue: BTreeMap::new(),
            serial: 0,
            observed: Vec::new(),
        }
    }

    /// What it was made from; print it when something goes wrong.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    // ---- Building -------------------------------------------------------------------------------------------

    /// Adds a host that pings and is pinged.
    pub fn add_host(&mut self, name: &str) -> NodeId {
        self.add(name, Role::Host(Host::default()))
    }

    /// Adds a router.
    pub fn add_router(&mut self, name: &str) -> NodeId {
        self.add(name, Role::Router(Router::default()))
    }

    /// Adds a gateway. Its daemon doesn't run until [`start`](Self::start).
    pub fn add_gateway(&mut self, name: &str, setup: GatewaySetup) -> NodeId {
        self.add(name, Role::Gateway(Box::new(Gateway::new(name, setup))))
    }

    /// Joins two hosts, each by a new interface with these addresses.
    pub fn link(
        &mut self,
        settings: LinkSettings,
        a: (NodeId, &[IpAddr]),
        b: (NodeId, &[IpAddr]),
    ) -> LinkId {
        let id = LinkId(self.links.len());
        let ends = [a, b].map(|(node, addresses)| {
            let node_data = &mut self.nodes[node.0];
            node_data.interfaces.push(Interface {
                link: id.0,
                addresses: addresses.to_vec(),
            });
            (node, node_data.interfaces.len() - 1)
        });
        self.links.push(Link {
            settings,
            ends,
            tapped: false,
        });
        id
    }

    /// Sends what `node` has for `net` over `link`, which it must be an end of. The most specific route counts.
    pub fn route(&mut self, node: NodeId, net: IpNet, link: LinkId) {
        let ends = self.links[link.0].ends;
        if let Some((_, interface)) = ends.into_iter().find(|(end, _)| *end == node) {
            self.nodes[node.0].routes.push((net, interface));
        }
    }

    /// Makes a router translate what comes from `inside` to its address `public`.
    pub fn set_nat(
        &mut self,
        router: NodeId,
        inside: LinkId,
        public: IpAddr,
        settings: NatSettings,
    ) {
        let ends = self.links[inside.0].ends;
        let interface = ends.into_iter().find(|(end, _)| *end == router);
        if let (Some((_, interface)), Role::Router(router)) =
            (interface, &mut self.nodes[router.0].role)
        {
            router.nat = Some((Nat::new(settings, public), interface));
        }
    }

    /// Records what passes over a link.
    pub fn tap(&mut self, link: LinkId) {
        self.links[link.0].tapped = true;
    }

    // ---- Weather and faults -----------------------------------------------------------------------------------

    /// Changes a link from now on.
    pub fn set_link(&mut self, link: LinkId, settings: LinkSettings) {
        self.links[link.0].settings = settings;
    }

    /// Makes a router stop some traffic.
    pub fn block(&mut self, router: NodeId, block: Block, manner: Manner) {
        if let Role::Router(router) = &mut self.nodes[router.0].role {
            router.blocks.push((block, manner));
        }
    }

    /// Lifts every block of a router.
    pub fn unblock(&mut self, router: NodeId) {
        if let Role::Router(router) = &mut self.nodes[router.0].role {
            router.blocks.clear();
        }
    }

    /// How many packets a router's filter has stopped.
    #[must_use]
    pub fn blocked_by(&self, router: NodeId) -> u64 {
        match &self.nodes[router.0].role {
            Role::Router(router) => router.blocked,
            _ => 0,
        }
    }

    /// Makes a NAT box forget its mappings, as a restart does.
    pub fn forget_mappings(&mut self, router: NodeId) {
        if let Role::Router(Router {
            nat: Some((nat, _)),
            ..
        }) = &mut self.nodes[router.0].role
        {
            nat.forget();
        }
    }

    /// Switches a host on or off. A gateway that is off loses its daemon.
    pub fn set_power(&mut self, node: NodeId, on: bool) {
        let node = &mut self.nodes[node.0];
        node.up = on;
        if let (Role::Gateway(gateway), false) = (&mut node.role, on) {
            gateway.daemon = None;
        }
    }

    /// Puts a peer that speaks only IKEv1 in a host's place.
    pub fn replace_by_v1_only(&mut self, node: NodeId, peer: V1Only) {
        self.nodes[node.0].role = Role::V1Only(peer);
    }

    // ---- Gateways ---------------------------------------------------------------------------------------------

    /// Starts a gateway's daemon; connections that start by themselves do.
    pub fn start(&mut self, gateway: NodeId) {
        self.with(gateway, |node, env| {
            if let Role::Gateway(gateway) = &mut node.role {
                gateway.start(env);
            }
        });
    }

    /// Ends a gateway's daemon without a word, as `kill -9` does. What policy protects stays blocked.
    pub fn kill(&mut self, gateway: NodeId) {
        if let Role::Gateway(gateway) = &mut self.nodes[gateway.0].role {
            gateway.daemon = None;
        }
    }

    /// Ends a gateway's daemon in order: peers are told, and may take `limit` to answer.
    pub fn shutdown(&mut self, gateway: NodeId, limit: Duration) {
        self.with(gateway, |node, env| {
            if let Role::Gateway(gateway) = &mut node.role {
                gateway.shutdown(env);
            }
        });
        self.run_until(limit, |world| {
            world.gateway(gateway).is_none_or(Gateway::is_idle)
        });
        self.kill(gateway);
    }

    /// Records what a gateway's endpoint is told from now on. Together with its setup that makes everything it does
    /// happen again.
    pub fn record(&mut self, gateway: NodeId) {
        if let Role::Gateway(gateway) = &mut self.nodes[gateway.0].role {
            gateway.inputs.get_or_insert_default();
        }
    }

    /// What was recorded.
    #[must_use]
    pub fn recorded(&self, gateway: NodeId) -> &[Input] {
        let inputs = self
            .gateway(gateway)
            .and_then(|gateway| gateway.inputs.as_deref());
        inputs.unwrap_or_default()
    }

    /// Sets up a connection of a gateway.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn initiate(&mut self, gateway: NodeId, connection: &str) -> Result<(), CommandError> {
        self.command(gateway, |gateway, env| gateway.initiate(env, connection))
    }

    /// Takes a connection of a gateway down.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn terminate(&mut self, gateway: NodeId, connection: &str) -> Result<(), CommandError> {
        self.command(gateway, |gateway, env| gateway.terminate(env, connection))
    }

    // ---- Traffic ----------------------------------------------------------------------------------------------

    /// Lets a host ping `to`: `count` requests with `octets` of data, one every `interval`.
    pub fn ping(
        &mut self,
        host: NodeId,
        to: IpAddr,
        count: u32,
        interval: Duration,
        octets: usize,
    ) -> PingId {
        let now = self.now.mono;
        let mut run = 0;
        if let Role::Host(host) = &mut self.nodes[host.0].role {
            run = host.pings.len();
            host.pings.push(PingRun::new(to, octets));
        }
        for n in 0..count {
            self.later(now + interval * n, Happens::Ping { host, run });
        }
        PingId { host, run }
    }

    /// What a ping run has come to so far.
    #[must_use]
    pub fn ping_report(&self, id: PingId) -> PingReport {
        match &self.nodes[id.host.0].role {
            Role::Host(host) => host
                .pings
                .get(id.run)
                .map(PingRun::report)
                .unwrap_or_default(),
            _ => PingReport::default(),
        }
    }

    /// Lets a host send `count` datagrams of `octets` octets (at least 4) to the host `to`, one every `interval`.
    pub fn bulk(
        &mut self,
        host: NodeId,
        to: IpAddr,
        count: u32,
        interval: Duration,
        octets: usize,
    ) -> BulkId {
        let now = self.now.mono;
        let mut run = 0;
        if let Role::Host(host) = &mut self.nodes[host.0].role {
            run = host.bulks.len();
            host.bulks.push(BulkRun {
                to,
                octets,
                sent: 0,
            });
        }
        for n in 0..count {
            self.later(now + interval * n, Happens::Bulk { host, run });
        }
        BulkId { host, run }
    }

    /// What a bulk run has come to so far, both ends taken together.
    #[must_use]
    pub fn bulk_report(&self, id: BulkId) -> BulkReport {
        let mut report = BulkReport::default();
        let node = &self.nodes[id.host.0];
        if let Role::Host(host) = &node.role
            && let Some(run) = host.bulks.get(id.run)
        {
            report.sent = run.sent;
            let own = node.own_addresses();
            for other in &self.nodes {
                if let Role::Host(receiver) = &other.role
                    && other.own_addresses().contains(&run.to)
                {
                    for (from, arrived) in &receiver.arrived {
                        if own.contains(&from.ip()) && *from == bulk_source(from.ip(), id.run) {
                            arrived.add_to(&mut report);
                        }
                    }
                }
            }
        }
        report
    }

    /// What passed over tapped links so far.
    #[must_use]
    pub fn observed(&self) -> &[Observed] {
        &self.observed
    }

    /// A host's name.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        &self.nodes[node.0].name
    }

    // ---- Time -------------------------------------------------------------------------------------------------

    /// Lets time pass until `condition` holds, for `limit` at most. Whether it holds.
    pub fn run_until(&mut self, limit: Duration, mut condition: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now.mono + limit;
        loop {
            if condition(self) {
                return true;
            }
            if !self.step(end) {
                return condition(self);
            }
        }
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// The next thing happens, if it does before `end`; else it is `end`.
    fn step(&mut self, end: Mono) -> bool {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let woken = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(n, node)| match &node.role {
                Role::Gateway(gateway) if node.up => Some((gateway.deadline()?, n)),
                _ => None,
            })
            .min();
        let next = queued.into_iter().chain(woken.map(|(at, _)| at)).min();
        let Some(next) = next.filter(|at| *at <= end) else {
            self.pass_to(end);
            return false;
        };
        self.pass_to(next);
        if let Some((at, node)) = woken
            && queued.is_none_or(|queued| at < queued)
        {
            // Time moves on even when somebody asks for the past again and again.
            self.pass_to(self.now.mono + Duration::from_nanos(1));
            self.with(NodeId(node), |node, env| {
                if let Role::Gateway(gateway) = &mut node.role {
                    gateway.timeout(env);
                }
            });
        } else if let Some((_, happens)) = self.queue.pop_first() {
            self.happen(happens);
        }
        true
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Arrive {
                node,
                interface,
                packet,
            } => self.with(node, |node, env| {
                if node.up {
                    node.receive(env, interface, packet);
                }
            }),
            Happens::NeighbourLost { node, packet } => self.with(node, |node, env| {
                if node.up {
                    env.unreachable(&packet, Unreachable::Host);
                }
            }),
            Happens::Ping { host, run } => self.with(host, |node, env| {
                if let Role::Host(host) = &mut node.role {
                    host.send_ping(env, run);
                }
            }),
            Happens::Bulk { host, run } => self.with(host, |node, env| {
                if let Role::Host(host) = &mut node.role {
                    host.send_bulk(env, run);
                }
            }),
        }
    }

    fn pass_to(&mut self, at: Mono) {
        let passed = at.since(self.now.mono);
        let wall = Now {
            mono: Mono(self.now.mono.0 % 1_000_000),
            wall: self.now.wall,
        };
        // Whole milliseconds of the monotonic clock and the wall clock go together.
        let milliseconds = (Duration::from_nanos(wall.mono.0) + passed).as_millis();
        self.now = Now {
            mono: self.now.mono + passed,
            wall: Wall(wall.wall.0 + u64::try_from(milliseconds).unwrap_or(0)),
        };
    }

    // ---- Inside -----------------------------------------------------------------------------------------------

    pub(crate) fn gateway(&self, node: NodeId) -> Option<&Gateway> {
        match &self.nodes.get(node.0)?.role {
            Role::Gateway(gateway) => Some(gateway),
            _ => None,
        }
    }

    pub(crate) fn is_on(&self, node: NodeId) -> bool {
        self.nodes.get(node.0).is_some_and(|node| node.up)
    }

    pub(crate) fn has_route(&self, node: NodeId, to: IpAddr) -> bool {
        let node = self.nodes.get(node.0);
        node.is_some_and(|node| node.route(to).is_some())
    }

    pub(crate) fn command<R>(
        &mut self,
        node: NodeId,
        command: impl FnOnce(&mut Gateway, &mut Env<'_>) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        self.with(node, |node, env| match &mut node.role {
            Role::Gateway(gateway) => command(gateway, env),
            _ => Err(CommandError::NotAGateway),
        })
    }

    fn add(&mut self, name: &str, role: Role) -> NodeId {
        self.nodes.push(Node {
            name: name.to_owned(),
            up: true,
            interfaces: Vec::new(),
            routes: Vec::new(),
            reassembler: Reassembler::default(),
            role,
        });
        NodeId(self.nodes.len() - 1)
    }

    fn later(&mut self, at: Mono, happens: Happens) {
        self.serial += 1;
        self.queue.insert((at, self.serial), happens);
    }

    /// Lets a host do something, and sends what it wants to send.
    fn with<R>(&mut self, id: NodeId, act: impl FnOnce(&mut Node, &mut Env<'_>) -> R) -> R {
        let node = &mut self.nodes[id.0];
        let own = node.own_addresses();
        let mut env = Env {
            now: self.now,
            rng: &mut self.rng,
            own: &own,
            out: Vec::new(),
        };
        let result = act(node, &mut env);
        for packet in env.out {
            self.send(id, &own, packet);
        }
        result
    }

    /// Finds a packet's way from `node`, cuts it to the link's size and puts it there.
    fn send(&mut self, id: NodeId, own: &[IpAddr], packet: Vec<u8>) {
        let Ok(ip) = IpPacket::parse(&packet) else {
            return;
        };
        let ours = own.contains(&ip.source);
        if own.contains(&ip.destination) {
            let arrive = Happens::Arrive {
                node: id,
                interface: LOOPBACK,
                packet,
            };
            return self.later(self.now.mono, arrive);
        }
        let Some(interface) = self.nodes[id.0].route(ip.destination) else {
            if !ours {
                self.with(id, |_, env| env.unreachable(&packet, Unreachable::Net));
            }
            return;
        };
        let link = self.nodes[id.0].interfaces[interface].link;
        let mtu = self.links[link].settings.mtu;
        let fragment_id = self.rng.next() as u32;
        match fit(packet, mtu, ours, fragment_id) {
            Fit::Whole(packet) => self.transmit(id, link, packet),
            Fit::Pieces(pieces) => {
                for piece in pieces {
                    self.transmit(id, link, piece);
                }
            }
            Fit::TooBig(packet) if !ours => {
                self.with(id, |_, env| {
                    env.unreachable(&packet, Unreachable::TooBig(mtu))
                });
            }
            Fit::TooBig(_) => {}
        }
    }

    fn transmit(&mut self, from: NodeId, link: usize, packet: Vec<u8>) {
        let now = self.now;
        let link = &self.links[link];
        let [a, b] = link.ends;
        let (node, interface) = if a.0 == from { b } else { a };
        if link.tapped && self.observed.len() < MOST_OBSERVED {
            self.observed.push(Observed {
                at: now,
                sender: from,
                packet: packet.clone(),
            });
        }
        if !self.nodes[node.0].up {
            let lost = Happens::NeighbourLost { node: from, packet };
            self.later(now.mono + NEIGHBOUR_PATIENCE, lost);
            return;
        }
        for delay in link.deliveries(&mut self.rng) {
            let packet = packet.clone();
            let arrive = Happens::Arrive {
                node,
                interface,
                packet,
            };
            self.later(now.mono + delay, arrive);
        }
    }
}
