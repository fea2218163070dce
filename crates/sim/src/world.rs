//! The world: hosts, links, time, and what happens in which order.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use adit_model::{Mono, Now, Wall};
use adit_wire::ip::IpPacket;

use crate::fragment::{Fit, fit};
use crate::gateway::Gateway;
use crate::link::Link;
use crate::node::{Env, Node, Role};
use crate::packet::Unreachable;
use crate::rng::Rng;
use crate::tap::Observed;

/// One host of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

/// One link of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub(crate) usize);

/// A virtual world. Everything that happens in it follows from its seed and the calls made.
pub struct World {
    seed: u64,
    now: Now,
    rng: Rng,
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: Vec<Link>,
    queue: BTreeMap<(Mono, u64), Happens>,
    serial: u64,
    observed: Vec<Observed>,
}

/// What will happen at a point in time.
pub(crate) enum Happens {
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
            Happens::Ping { host, run } => self.with(host, |node, env| match &mut node.role {
                Role::Host(host) => host.send_ping(env, run),
                Role::Gateway(gateway) => gateway.send_ping(env, run),
                Role::Router(_) | Role::V1Only(_) => {}
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

    pub(crate) fn later(&mut self, at: Mono, happens: Happens) {
        self.serial += 1;
        self.queue.insert((at, self.serial), happens);
    }

    /// Lets a host do something, and sends what it wants to send.
    pub(crate) fn with<R>(
        &mut self,
        id: NodeId,
        act: impl FnOnce(&mut Node, &mut Env<'_>) -> R,
    ) -> R {
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
