//! The usual world: two sites, a gateway each, the internet between them, perhaps a NAT box before one.
//!
//! ```text
//! host ——— west ———[ nat ]——— internet ——— east ——— host
//! ```

use std::net::IpAddr;
use std::time::Duration;

use adit_model::fact::Case;
use ipnet::IpNet;

use crate::gateway::GatewaySetup;
use crate::link::LinkSettings;
use crate::nat::NatSettings;
use crate::tap::Seen;
use crate::world::{LinkId, NodeId, World};

/// One site.
#[derive(Clone)]
pub struct Site {
    /// What its gateway is called.
    pub name: String,
    /// What its gateway is configured with.
    pub setup: GatewaySetup,
    /// Addresses of its gateway on the outside; behind a NAT box a private one.
    pub outside: Vec<IpAddr>,
    /// Its networks.
    pub lans: Vec<Lan>,
}

/// One network of a site, of one address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lan {
    /// The network.
    pub net: IpNet,
    /// The gateway's address in it.
    pub gateway: IpAddr,
    /// The host's address in it.
    pub host: IpAddr,
}

/// What a pair of sites is built from.
#[derive(Clone)]
pub struct Plan {
    /// The first site; the NAT box is on its side.
    pub west: Site,
    /// The second site.
    pub east: Site,
    /// The NAT box and its public address.
    pub nat: Option<(NatSettings, IpAddr)>,
    /// The links between the gateways.
    pub wire: LinkSettings,
}

/// Two sites in a world.
pub struct Sites {
    /// The world.
    pub world: World,
    /// West's gateway.
    pub west: NodeId,
    /// East's gateway.
    pub east: NodeId,
    /// The host behind west.
    pub west_host: NodeId,
    /// The host behind east.
    pub east_host: NodeId,
    /// The NAT box.
    pub nat: Option<NodeId>,
    /// The router between the sites; filters belong here.
    pub internet: NodeId,
    /// The links between the gateways, from west to east. All are tapped.
    pub wires: Vec<LinkId>,
    protected: Vec<IpNet>,
}

impl Plan {
    /// Builds the world. No daemon runs yet.
    #[must_use]
    pub fn build(self, seed: u64) -> Sites {
        let mut world = World::new(seed);
        let internet = world.add_router("internet");
        let (west, west_host) = add_site(&mut world, &self.west);
        let (east, east_host) = add_site(&mut world, &self.east);
        let everything = everything();
        let mut wires = Vec::new();

        let mut towards_west: Vec<IpAddr> = self.west.outside.clone();
        let mut nat_box = None;
        let router_addresses = router_addresses();
        if let Some((settings, public)) = self.nat {
            let nat = world.add_router("nat");
            let inside = world.link(
                LinkSettings::cable(),
                (west, &self.west.outside),
                (nat, &[]),
            );
            let outside = world.link(self.wire, (nat, &[public]), (internet, &router_addresses));
            world.set_nat(nat, inside, public, settings);
            for net in &everything {
                world.route(west, *net, inside);
                world.route(nat, *net, outside);
            }
            for address in &self.west.outside {
                world.route(nat, (*address).into(), inside);
            }
            // Private IPv4 addresses aren't known on the outside; IPv6 is only routed.
            towards_west.retain(IpAddr::is_ipv6);
            towards_west.push(public);
            wires.extend([inside, outside]);
            nat_box = Some(nat);
        } else {
            let outside = (west, self.west.outside.as_slice());
            let wire = world.link(self.wire, outside, (internet, &router_addresses));
            for net in &everything {
                world.route(west, *net, wire);
            }
            wires.push(wire);
        }
        let last = world.link(self.wire, (internet, &[]), (east, &self.east.outside));
        for net in &everything {
            world.route(east, *net, last);
        }
        if let Some(first) = wires.last().copied() {
            for address in towards_west {
                world.route(internet, address.into(), first);
            }
        }
        for address in &self.east.outside {
            world.route(internet, (*address).into(), last);
        }
        wires.push(last);
        add_lans(&mut world, west, west_host, &self.west.lans);
        add_lans(&mut world, east, east_host, &self.east.lans);
        for wire in &wires {
            world.tap(*wire);
        }
        let lans = self.west.lans.iter().chain(&self.east.lans);
        Sites {
            world,
            west,
            east,
            west_host,
            east_host,
            nat: nat_box,
            internet,
            wires,
            protected: lans.map(|lan| lan.net).collect(),
        }
    }
}

impl Sites {
    /// Starts both daemons, east first, so that west's first message finds somebody.
    pub fn start(&mut self) {
        self.world.start(self.east);
        self.world.start(self.west);
    }

    /// Lets time pass until `connection` is up on both sides. Whether it is.
    pub fn run_until_up(&mut self, connection: &str, limit: Duration) -> bool {
        let (west, east) = (self.west, self.east);
        self.world.run_until(limit, |world| {
            world.is_up(west, connection) && world.is_up(east, connection)
        })
    }

    /// How many packets of a kind passed between the gateways, over all their links.
    #[must_use]
    pub fn count(&self, kind: Seen) -> usize {
        let observed = self.world.observed().iter();
        observed
            .filter(|packet| packet.seen(&self.protected) == kind)
            .count()
    }

    /// What both sides know of a connection that has the same name on both, as west's case.
    #[must_use]
    pub fn case(&self, connection: &str) -> Case {
        let west = self.world.case(self.west, connection, &[]);
        west.joined_with(self.world.case(self.east, connection, &[]))
    }
}

fn add_site(world: &mut World, site: &Site) -> (NodeId, NodeId) {
    let gateway = world.add_gateway(&site.name, site.setup.clone());
    let host = world.add_host(&format!("{}-host", site.name));
    (gateway, host)
}

/// Comes after the outside links: what a gateway says for itself it says from its first address.
fn add_lans(world: &mut World, gateway: NodeId, host: NodeId, lans: &[Lan]) {
    let gateway_addresses: Vec<IpAddr> = lans.iter().map(|lan| lan.gateway).collect();
    let host_addresses: Vec<IpAddr> = lans.iter().map(|lan| lan.host).collect();
    let link = world.link(
        LinkSettings::cable(),
        (gateway, &gateway_addresses),
        (host, &host_addresses),
    );
    for lan in lans {
        world.route(gateway, lan.net, link);
    }
    for net in everything() {
        world.route(host, net, link);
    }
}

fn everything() -> [IpNet; 2] {
    [
        IpNet::V4(ipnet::Ipv4Net::default()),
        IpNet::V6(ipnet::Ipv6Net::default()),
    ]
}

/// The internet's own addresses, from which its ICMP errors come (RFC 2544, RFC 5180 benchmarking ranges).
fn router_addresses() -> [IpAddr; 2] {
    [
        IpAddr::from([198, 18, 0, 1]),
        IpAddr::from([0x2001, 2, 0, 0, 0, 0, 0, 1]),
    ]
}
