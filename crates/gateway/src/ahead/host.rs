//! What of the future this host shows: room on the paths, connected networks, mounts, and from where it is managed. Only read.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use adit_esp::Overhead;
use adit_kernel::Netlink;
use adit_kernel::netlink::{Link, MAIN_TABLE, Route};
use adit_model::ahead::Ahead;
use adit_model::connection::Connection;
use adit_model::selector::Selector;

use super::{mounts, sessions};
use crate::mtu;
use crate::probing::Situation;

/// What is to be looked at, beside the loop.
pub(crate) struct Question {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    /// Tunnels' devices: what is connected there isn't this site's.
    pub devices: Vec<String>,
    /// From where those who asked are logged in.
    pub operators: Vec<IpAddr>,
    /// The tunnels.
    pub tunnels: Vec<Asked>,
}

/// One tunnel.
pub(crate) struct Asked {
    /// Its name.
    pub name: String,
    /// Its peer, once it is known.
    pub peer: Option<IpAddr>,
    /// The device that leads into it; `None` where the kernel's policies do.
    pub device: Option<String>,
    /// What servers are asked of, if they are to be: the time.
    pub surroundings: Option<Situation>,
    /// Its children that are up.
    pub children: Vec<Room>,
}

/// A child whose packets need room.
pub(crate) struct Room {
    /// Its name.
    pub child: String,
    /// What protection adds.
    pub overhead: Overhead,
    /// Whether it carries IPv6.
    pub ipv6: bool,
    /// The largest TCP segment that it lets through, if one is set.
    pub mss: Option<u16>,
}

/// What was found of each tunnel.
pub(crate) type Found = BTreeMap<String, Vec<Ahead>>;

/// Looks. Takes milliseconds, and longer only where names of file servers have to be looked up.
pub(crate) fn look(question: &Question) -> Found {
    let mounts = mounts::look(&question.root);
    let Ok(mut netlink) = Netlink::open() else {
        return question
            .tunnels
            .iter()
            .map(|t| (t.name.clone(), mounts.clone()))
            .collect();
    };
    let links = netlink.links().unwrap_or_default();
    let routes = netlink.routes().unwrap_or_default();
    let networks = networks(&mut netlink, &links, &question.devices);
    let managed = ways_in(question, &routes);
    let mut found = Found::new();
    for tunnel in &question.tunnels {
        let mut known = mounts.clone();
        known.extend(networks.iter().cloned());
        let clock = tunnel
            .surroundings
            .as_ref()
            .and_then(Situation::clock_ahead);
        known.extend(clock.map(|offset_ms| Ahead::Clock {
            offset_ms,
            source: "a server of revocation lists".to_owned(),
        }));
        let path = tunnel
            .peer
            .and_then(|peer| mtu::link_mtu(&mut netlink, peer));
        let of_link = |name: &String| links.iter().find(|link| link.name == *name);
        let device = tunnel.device.as_ref().and_then(of_link);
        if let Some(path_mtu) = path {
            let room = |room: &Room| room.known(path_mtu, device.map(|link| link.mtu));
            known.extend(tunnel.children.iter().map(room));
        }
        // The kernel's policies don't mind routes, and let pass what a more specific one of theirs does.
        let told = |(_, _, what): &&(_, _, &str)| device.is_some() || *what != "gateway";
        for (address, local, what) in managed.iter().filter(told) {
            let way = netlink.route_to(*address, *local).ok();
            let leads = way.and_then(|way| way.device);
            let (inside, route_bits) = match device {
                Some(device) => (
                    leads == Some(device.index),
                    own_bits(&routes, &links, &question.devices, *address),
                ),
                // Who is logged in comes through what catches him.
                None => (true, 0),
            };
            known.push(Ahead::Management {
                address: *address,
                local: *local,
                what: (*what).to_owned(),
                inside,
                route_bits,
            });
        }
        found.insert(tunnel.name.clone(), known);
    }
    found
}

/// Ways on which this host is managed.
fn ways_in(question: &Question, routes: &[Route]) -> Vec<(IpAddr, Option<IpAddr>, &'static str)> {
    let mut managed: Vec<(IpAddr, Option<IpAddr>, &str)> = Vec::new();
    let sessions = sessions::look(&question.root);
    let known = |address: &IpAddr| sessions.iter().any(|s| s.remote == *address);
    managed.extend(
        question
            .operators
            .iter()
            .filter(|address| !known(address))
            .map(|address| (*address, None, "ssh")),
    );
    managed.extend(sessions.iter().map(|s| (s.remote, Some(s.local), "ssh")));
    managed.extend(gateways(routes).map(|address| (address, None, "gateway")));
    managed.dedup_by_key(|(address, _, what)| (*address, *what));
    managed
}

/// From where this host is managed, with how much its own routes to there say: what a tunnel that isn't there yet may catch.
pub(crate) fn managed(question: &Question, in_kernel: bool) -> Vec<Ahead> {
    let listed = Netlink::open().and_then(|mut netlink| Ok((netlink.links()?, netlink.routes()?)));
    let (links, routes) = listed.unwrap_or_default();
    ways_in(question, &routes)
        .into_iter()
        .filter(|(_, _, what)| !in_kernel || *what != "gateway")
        .map(|(address, local, what)| Ahead::Management {
            address,
            local,
            what: what.to_owned(),
            inside: false,
            // The kernel's policies don't mind routes.
            route_bits: match in_kernel {
                true => 0,
                false => own_bits(&routes, &links, &question.devices, address),
            },
        })
        .collect()
}

impl Question {
    /// Devices of tunnels that are to come.
    pub fn add_devices(&mut self, connections: &[Connection]) {
        let own = connections.iter().filter_map(|c| c.interface.as_ref());
        self.devices.extend(own.map(|i| i.name.clone()));
    }
}

impl Room {
    fn known(&self, path_mtu: u32, device_mtu: Option<u32>) -> Ahead {
        let octets = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let path = usize::try_from(path_mtu).unwrap_or(usize::MAX);
        Ahead::Room {
            child: self.child.clone(),
            path_mtu,
            overhead: octets(self.overhead.fixed),
            align: octets(self.overhead.align),
            fits: octets(self.overhead.inner_mtu(path)),
            device_mtu,
            ipv6: self.ipv6,
            mss: self.mss,
        }
    }
}

/// Networks that this host is connected to, tunnels' devices apart.
fn networks(netlink: &mut Netlink, links: &[Link], devices: &[String]) -> Vec<Ahead> {
    let addresses = netlink.addresses().unwrap_or_default();
    let mut found: Vec<Ahead> = Vec::new();
    for address in addresses.iter().filter(|a| a.global) {
        let Some(link) = links.iter().find(|l| l.index == address.index) else {
            continue;
        };
        let whole = address.net.prefix_len() == address.net.max_prefix_len();
        if whole || link.loopback || !link.up || devices.contains(&link.name) {
            continue;
        }
        let network = Ahead::Network {
            net: Selector::net(address.net.trunc()),
            device: link.name.clone(),
        };
        if !found.contains(&network) && found.len() < MOST {
            found.push(network);
        }
    }
    found
}

/// Whom everything goes to that no other route is for.
fn gateways(routes: &[Route]) -> impl Iterator<Item = IpAddr> {
    let main = |route: &&Route| route.table == MAIN_TABLE && route.destination.prefix_len() == 0;
    routes.iter().filter(main).filter_map(|route| route.via)
}

/// How much the host's own best route to an address says, in bits; none is 0.
fn own_bits(routes: &[Route], links: &[Link], devices: &[String], to: IpAddr) -> u8 {
    let ours = |index: Option<u32>| {
        let link = links.iter().find(|link| Some(link.index) == index);
        link.is_some_and(|link| devices.contains(&link.name))
    };
    routes
        .iter()
        .filter(|r| r.table == MAIN_TABLE && r.destination.contains(&to) && !ours(r.device))
        .map(|r| r.destination.prefix_len())
        .max()
        .unwrap_or(0)
}

/// Networks that are told of.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::dataplane::Path;

    #[test]
    fn room_is_told_with_the_exact_overhead() {
        let provider = adit_crypto::provider::fake(1);
        let suite: adit_model::proposal::Suite = "aes128gcm16".to_owned().try_into().unwrap();
        let shape = provider
            .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
            .unwrap()
            .shape();
        let path = Path {
            local: "192.0.2.1:4500".parse().unwrap(),
            remote: "192.0.2.2:4500".parse().unwrap(),
            udp_encap: true,
        };
        let room = Room {
            child: "lan".to_owned(),
            overhead: Overhead::new(shape, &path),
            ipv6: false,
            mss: None,
        };
        let Ahead::Room { overhead, fits, .. } = room.known(1500, Some(1438)) else {
            panic!("something else");
        };
        // IPv4 20, UDP 8, SPI and number 8, IV 8, ICV 16; then padding and the trailer of 2.
        assert_eq!((overhead, fits), (60, 1438));
    }

    #[test]
    fn a_more_specific_route_of_the_hosts_own_is_counted() {
        let route = |net: &str, device| Route::through(net.parse().unwrap(), device);
        let routes = [
            route("0.0.0.0/0", 1),
            route("10.2.0.0/16", 9),
            route("10.2.3.0/24", 1),
        ];
        let link = |index, name: &str| Link {
            index,
            name: name.to_owned(),
            up: true,
            running: true,
            loopback: false,
            mtu: 1500,
            hardware: 1,
            kind: None,
            mac: Vec::new(),
            alias: None,
            if_id: None,
        };
        let links = [link(1, "wan"), link(9, "adit0")];
        let bits = |to: [u8; 4]| own_bits(&routes, &links, &["adit0".to_owned()], to.into());
        assert_eq!(bits([10, 2, 3, 4]), 24);
        assert_eq!(bits([10, 2, 4, 4]), 0, "only the tunnel's and the default");
    }
}
