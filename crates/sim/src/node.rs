//! What every host of the world has: addresses, routes, answers to pings; and what makes hosts differ.

use std::net::IpAddr;

use adit_model::Now;
use adit_wire::icmp::{Family, IcmpMessage};
use adit_wire::ip::{IpPacket, protocol};
use ipnet::IpNet;

use crate::fragment::Reassembler;
use crate::gateway::Gateway;
use crate::host::Host;
use crate::packet::{self, Unreachable};
use crate::rng::Rng;
use crate::router::Router;
use crate::v1_only::V1Only;

/// One host of the world.
pub(crate) struct Node {
    pub(crate) name: String,
    /// Switched on. A host that is off neither answers nor forwards.
    pub(crate) up: bool,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) routes: Vec<(IpNet, usize)>,
    pub(crate) reassembler: Reassembler,
    pub(crate) role: Role,
}

pub(crate) struct Interface {
    pub(crate) link: usize,
    pub(crate) addresses: Vec<IpAddr>,
}

/// What a host is there for.
pub(crate) enum Role {
    Host(Host),
    Router(Router),
    Gateway(Box<Gateway>),
    V1Only(V1Only),
}

/// What a role works with while it handles one input.
pub(crate) struct Env<'a> {
    pub(crate) now: Now,
    pub(crate) rng: &'a mut Rng,
    /// The host's own addresses.
    pub(crate) own: &'a [IpAddr],
    /// Packets that leave, in order; routing finds their way.
    pub(crate) out: Vec<Vec<u8>>,
}

impl Env<'_> {
    pub(crate) fn id(&mut self) -> u16 {
        self.rng.next() as u16
    }

    /// Answers `packet` with an ICMP error from one of our addresses of its family.
    pub(crate) fn unreachable(&mut self, packet: &[u8], why: Unreachable) {
        let from = IpPacket::parse(packet).ok().and_then(|about| {
            let family = |own: &&IpAddr| own.is_ipv4() == about.source.is_ipv4();
            let own = self.own.iter();
            own.clone()
                .find(|own| **own == about.destination)
                .or_else(|| own.clone().find(family))
        });
        if let Some(from) = from {
            self.out.extend(packet::unreachable(*from, packet, why));
        }
    }
}

impl Node {
    pub(crate) fn own_addresses(&self) -> Vec<IpAddr> {
        let given = match &self.role {
            Role::Gateway(gateway) => gateway.daemon.as_ref().map(|daemon| daemon.inner.clone()),
            _ => None,
        };
        self.interfaces
            .iter()
            .flat_map(|interface| interface.addresses.iter().copied())
            .chain(given.unwrap_or_default())
            .collect()
    }

    /// The interface of the most specific route to `to`.
    pub(crate) fn route(&self, to: IpAddr) -> Option<usize> {
        self.routes
            .iter()
            .filter(|(net, _)| net.contains(&to))
            .max_by_key(|(net, _)| net.prefix_len())
            .map(|(_, interface)| *interface)
    }

    /// A packet came in by `interface`.
    pub(crate) fn receive(&mut self, env: &mut Env<'_>, interface: usize, packet: Vec<u8>) {
        let packet = match &mut self.role {
            Role::Router(router) => {
                let Some(packet) = router.filter(env, packet) else {
                    return;
                };
                match router.translate(env, &mut self.reassembler, interface, packet) {
                    Some(packet) => packet,
                    None => return,
                }
            }
            _ => packet,
        };
        let Ok(ip) = IpPacket::parse(&packet) else {
            return;
        };
        if env.own.contains(&ip.destination) {
            if let Some(whole) = self.reassembler.push(env.now.mono, packet) {
                self.deliver(env, &whole);
            }
            return;
        }
        match &mut self.role {
            Role::Router(_) => forward(env, packet),
            Role::Gateway(gateway) => gateway.forward(env, packet),
            Role::Host(_) | Role::V1Only(_) => {}
        }
    }

    /// A whole packet for this host.
    fn deliver(&mut self, env: &mut Env<'_>, packet: &[u8]) {
        match &mut self.role {
            Role::Host(host) => host.deliver(env, packet),
            Role::Gateway(gateway) => gateway.deliver(env, packet),
            Role::V1Only(peer) => peer.deliver(env, packet),
            Role::Router(_) => {
                if let Some(reply) = echo_reply(packet) {
                    env.out.push(reply);
                }
            }
        }
    }
}

/// Passes a packet on, one hop later.
pub(crate) fn forward(env: &mut Env<'_>, mut packet: Vec<u8>) {
    if packet::hop(&mut packet) {
        env.out.push(packet);
    }
}

/// The answer to a ping.
pub(crate) fn echo_reply(packet: &[u8]) -> Option<Vec<u8>> {
    let ip = IpPacket::parse(packet).ok()?;
    let family = Family::of(ip.source, ip.destination);
    if ip.protocol != family.protocol() {
        return None;
    }
    let reply = IcmpMessage::parse(family, ip.payload()).ok()?.reply()?;
    packet::icmp(ip.destination, ip.source, &reply)
}

/// Whether ICMP at all.
pub(crate) fn is_icmp(ip: &IpPacket<'_>) -> bool {
    matches!(ip.protocol, protocol::ICMP | protocol::ICMPV6)
}
