//! What the block against clear traffic holds, from the configuration and what there is of its tunnels: the same whether a
//! gateway runs, or `adit block` puts it up before the network.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use adit_config::{Backend, Configuration};
use adit_kernel::netlink::Address;
use adit_kernel::{PolicyBlock, ProtectedTunnel};
use adit_model::connection::{Connection, Protection, TunnelInterface};
use adit_model::monitored::MonitorAction;
use adit_model::selector::Selector;
use ipnet::IpNet;

use crate::interfaces::Devices;
use crate::routes;

/// Children by tunnel and name.
pub type Children = BTreeSet<(String, String)>;

/// What is let pass of what is configured, and what the host has around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// Tunnels that were taken down and may pass in clear.
    pub unblocked: BTreeSet<String>,
    /// Children that have SAs.
    pub up: Children,
    /// Tunnels whose routes lead into the interface of another one.
    pub over: BTreeMap<String, String>,
    /// Our own links with private addresses, which a tunnel for everything doesn't have.
    pub links: Vec<IpNet>,
}

impl Present {
    /// Whether the traffic of a child passes in clear now, because the tunnel is optional and there is no SA.
    #[must_use]
    pub fn passes(&self, connection: &Connection, child: &str) -> bool {
        connection.protection == Protection::Optional
            && !self
                .up
                .contains(&(connection.name.clone(), child.to_owned()))
    }

    /// The same of all of a tunnel.
    #[must_use]
    pub fn passes_all(&self, connection: &Connection) -> bool {
        let mut children = connection.children.iter();
        children.all(|child| self.passes(connection, &child.name))
    }

    /// The tunnels, and their children, whose traffic is to be led into devices now.
    #[must_use]
    pub fn led(&self, connections: &[Arc<Connection>]) -> Vec<Arc<Connection>> {
        let held = connections
            .iter()
            .filter(|c| !self.unblocked.contains(&c.name));
        let led = held.filter_map(|connection| {
            if connection.protection == Protection::Required {
                return Some(Arc::clone(connection));
            }
            if self.passes_all(connection) {
                return None;
            }
            let mut led = Connection::clone(connection);
            // A route doesn't tell the children of an interface apart.
            if led.interface.is_none() {
                led.children
                    .retain(|child| !self.passes(connection, &child.name));
            }
            Some(Arc::new(led))
        });
        self.led_over(led.collect())
    }

    /// With the routes that are led elsewhere. Where the other tunnel leads nowhere, they stay.
    fn led_over(&self, mut led: Vec<Arc<Connection>>) -> Vec<Arc<Connection>> {
        for (from, into) in &self.over {
            let at = |name: &String| led.iter().position(|c| c.name == *name);
            let (Some(from), Some(into)) = (at(from), at(into)) else {
                continue;
            };
            let taken = led
                .get_mut(from)
                .and_then(|c| Arc::make_mut(c).interface.as_mut())
                .map(|interface| std::mem::take(&mut interface.routes));
            let interface = led
                .get_mut(into)
                .and_then(|c| Arc::make_mut(c).interface.as_mut());
            if let Some(interface) = interface {
                interface.routes.extend(taken.into_iter().flatten());
            }
        }
        led
    }
}

/// The whole block. `shared` is the device of tunnels without an interface. Without a gateway that says what carries packets
/// it is as configured: what the kernel's IPsec does for one that was killed goes on.
#[must_use]
pub fn block(
    table: &str,
    config: &Configuration,
    connections: &[Arc<Connection>],
    shared: &str,
    present: &Present,
) -> PolicyBlock {
    let mut block = PolicyBlock::new(table);
    block.peers = peers(connections).collect();
    block.own_ports = own_ports(config);
    block.ike_ports = ike_ports(config, connections);
    block.policies.clone_from(&config.policies);
    block.tunnels = tunnels(connections, shared, present);
    block.passes_ipsec = config.gateway.backend == Backend::Kernel;
    block
}

/// Every child that is configured.
#[must_use]
pub fn all_children(connections: &[Arc<Connection>]) -> Children {
    let of = |c: &Arc<Connection>| -> Vec<(String, String)> {
        let children = c.children.iter();
        children
            .map(|child| (c.name.clone(), child.name.clone()))
            .collect()
    };
    connections.iter().flat_map(of).collect()
}

/// The tunnels of the block.
#[must_use]
pub fn tunnels(
    connections: &[Arc<Connection>],
    shared: &str,
    present: &Present,
) -> Vec<ProtectedTunnel> {
    let held = connections
        .iter()
        .filter(|c| !present.unblocked.contains(&c.name));
    held.flat_map(|connection| match &connection.interface {
        Some(interface) => {
            let mut routed = ProtectedTunnel {
                optional: present.passes_all(connection),
                ..routed(&connection.name, interface, present)
            };
            // What comes by either of the two interfaces is protected, whichever the routes lead into now.
            routed.devices.extend(stand_in(connection, connections));
            vec![routed]
        }
        None => selected(connection, shared, present),
    })
    .collect()
}

/// The interface of the tunnel that takes the routes of this one when it is at fault.
fn stand_in(connection: &Connection, all: &[Arc<Connection>]) -> Option<String> {
    let MonitorAction::FailOver(other) = &connection.monitor.as_ref()?.action else {
        return None;
    };
    let other = all.iter().find(|c| c.name == *other)?;
    Some(other.interface.as_ref()?.name.clone())
}

/// Whether the routes of a tunnel may lead into the interface of the other one.
#[must_use]
pub fn fails_over(connections: &[Arc<Connection>], tunnel: &str, other: &str) -> bool {
    let to_other = |c: &Connection| match c.monitor.as_ref().map(|monitor| &monitor.action) {
        Some(MonitorAction::FailOver(name)) => name == other,
        _ => false,
    };
    connections.iter().any(|c| c.name == tunnel && to_other(c))
}

/// What selectors protect, child by child.
fn selected(connection: &Connection, shared: &str, present: &Present) -> Vec<ProtectedTunnel> {
    let nets = |list: &[Selector]| list.iter().flat_map(Selector::nets).collect();
    let children = connection.children.iter();
    children
        .map(|child| ProtectedTunnel {
            optional: present.passes(connection, &child.name),
            ..ProtectedTunnel::new(
                &connection.name,
                nets(&child.local_ts),
                nets(&child.remote_ts),
                shared,
            )
        })
        .collect()
}

/// What routes protect: whatever goes there, from wherever.
fn routed(tunnel: &str, interface: &TunnelInterface, present: &Present) -> ProtectedTunnel {
    let everything = everything();
    let mut remote = interface.routes.clone();
    let [v4, v6] = everything;
    if remote.contains(&v4) && !remote.iter().any(|net| matches!(net, IpNet::V6(_))) {
        // Who sends all of IPv4 through a tunnel doesn't want IPv6 beside it (RFC 7359).
        remote.push(v6);
    }
    let mut local = everything.to_vec();
    if remote.iter().any(|net| net.prefix_len() == 0) {
        local.extend(&present.links);
    }
    ProtectedTunnel {
        any_source: true,
        ..ProtectedTunnel::new(tunnel, local, remote, &interface.name)
    }
}

/// The links with private addresses among `addresses`. A public network that somebody hands out as a link isn't spared:
/// it could be anybody's (TunnelCrack).
#[must_use]
pub fn links(addresses: &[Address], devices: &Devices) -> Vec<IpNet> {
    let mut nets: Vec<IpNet> = addresses
        .iter()
        .filter(|a| a.global && !devices.has(Some(a.index)) && is_private(a.net.addr()))
        .map(|a| a.net.trunc())
        .collect();
    nets.sort();
    nets.dedup();
    nets
}

/// Addresses of peers, as far as they are configured.
pub fn peers(connections: &[Arc<Connection>]) -> impl Iterator<Item = IpAddr> {
    connections.iter().flat_map(|c| routes::possible_peers(c))
}

/// Our ports.
#[must_use]
pub fn own_ports(config: &Configuration) -> Vec<u16> {
    vec![config.gateway.ike_port, config.gateway.nat_t_port]
}

/// Our ports, and those of peers.
#[must_use]
pub fn ike_ports(config: &Configuration, connections: &[Arc<Connection>]) -> Vec<u16> {
    let mut ports: Vec<u16> = connections.iter().map(|c| c.remote_port).collect();
    ports.extend(own_ports(config));
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn everything() -> [IpNet; 2] {
    [
        IpNet::V4(ipnet::Ipv4Net::default()),
        IpNet::V6(ipnet::Ipv6Net::default()),
    ]
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // The last are the addresses of carriers' NATs (RFC 6598).
            v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;

    fn optional(name: &str) -> Arc<Connection> {
        let mut connection = sample::connection(name);
        connection.protection = Protection::Optional;
        let mut voice = connection.children[0].clone();
        voice.name = "voice".to_owned();
        voice.remote_ts = vec!["10.9.0.0/24".parse().unwrap()];
        connection.children.push(voice);
        Arc::new(connection)
    }

    fn with_routes(routes: &[&str]) -> Arc<Connection> {
        let mut connection = sample::connection("office");
        connection.interface = Some(TunnelInterface {
            name: "office0".to_owned(),
            addresses: Vec::new(),
            mtu: None,
            routes: routes.iter().map(|r| r.parse().unwrap()).collect(),
        });
        Arc::new(connection)
    }

    #[test]
    fn an_optional_child_passes_until_it_has_an_sa() {
        let connections = [optional("office")];
        let mut present = Present::default();
        let modes = |present: &Present| -> Vec<bool> {
            let tunnels = tunnels(&connections, "adit0", present);
            tunnels.iter().map(|t| t.optional).collect()
        };
        assert_eq!(modes(&present), [true, true]);
        assert!(present.led(&connections).is_empty());
        present.up.insert(("office".to_owned(), "voice".to_owned()));
        assert_eq!(modes(&present), [true, false]);
        let led = present.led(&connections);
        assert_eq!(led[0].children.len(), 1);
        assert_eq!(led[0].children[0].name, "voice");

        let required = [Arc::new(sample::connection("office"))];
        assert!(!tunnels(&required, "adit0", &Present::default())[0].optional);
        assert_eq!(Present::default().led(&required).len(), 1);
    }

    #[test]
    fn a_tunnel_with_an_interface_protects_what_is_routed() {
        let present = Present {
            links: vec!["10.1.0.0/24".parse().unwrap()],
            ..Present::default()
        };
        let of = |routes: &[&str]| tunnels(&[with_routes(routes)], "adit0", &present).remove(0);
        let narrow = of(&["10.2.0.0/24"]);
        assert_eq!(narrow.devices, ["office0"]);
        assert!(narrow.any_source && narrow.local.len() == 2);
        let wide = of(&["0.0.0.0/0"]);
        let remote: Vec<_> = wide.remote.iter().map(ToString::to_string).collect();
        assert_eq!(remote, ["0.0.0.0/0", "::/0"], "no IPv6 beside it");
        assert!(wide.any_source && wide.local.contains(&present.links[0]));
        let both = of(&["0.0.0.0/0", "2000::/3"]);
        assert_eq!(both.remote.len(), 2);
    }

    #[test]
    fn what_the_kernel_protects_passes_where_it_is_configured_to() {
        let passes = |backend| {
            let mut config = Configuration::default();
            config.gateway.backend = backend;
            let connections = [Arc::new(sample::connection("office"))];
            block("adit", &config, &connections, "adit0", &Present::default()).passes_ipsec
        };
        assert!(passes(Backend::Kernel));
        assert!(!passes(Backend::User) && !passes(Backend::Auto));
    }

    #[test]
    fn routes_lead_into_the_other_tunnel_and_both_interfaces_are_let_pass() {
        let mut office = Connection::clone(&with_routes(&["10.2.0.0/24"]));
        office.monitor = Some(adit_model::monitored::Monitor {
            action: MonitorAction::FailOver("backup".to_owned()),
            ..Default::default()
        });
        let mut backup = office.clone();
        backup.name = "backup".to_owned();
        backup.monitor = None;
        backup.interface = Some(TunnelInterface {
            name: "backup0".to_owned(),
            addresses: Vec::new(),
            mtu: None,
            routes: vec!["10.7.0.0/24".parse().unwrap()],
        });
        let connections = [Arc::new(office), Arc::new(backup)];
        let mut present = Present::default();
        let routes = |present: &Present| -> Vec<Vec<String>> {
            let led = present.led(&connections);
            let of = |c: &Arc<Connection>| {
                let routes = &c.interface.as_ref().unwrap().routes;
                routes.iter().map(ToString::to_string).collect()
            };
            led.iter().map(of).collect()
        };
        assert_eq!(routes(&present), [["10.2.0.0/24"], ["10.7.0.0/24"]]);
        let over = |name: &str| [("office".to_owned(), name.to_owned())].into();
        present.over = over("backup");
        let none: [&str; 0] = [];
        assert_eq!(
            routes(&present),
            [none.to_vec(), vec!["10.7.0.0/24", "10.2.0.0/24"]]
        );
        let block = tunnels(&connections, "adit0", &present);
        assert_eq!(block[0].devices, ["office0", "backup0"]);
        assert_eq!(block[1].devices, ["backup0"]);
        present.over = over("another");
        assert_eq!(routes(&present)[0], ["10.2.0.0/24"]);
    }

    #[test]
    fn only_private_links_are_spared() {
        let address = |net: &str, index| Address {
            index,
            net: net.parse().unwrap(),
            global: true,
            tentative: false,
        };
        let devices = Devices {
            shared: 9,
            ..Devices::default()
        };
        let found = links(
            &[
                address("10.1.0.1/24", 1),
                address("203.0.113.9/24", 2),
                address("100.64.1.1/10", 3),
                address("fd00::1/64", 4),
                address("2001:db8::1/64", 4),
                address("10.9.0.1/24", 9),
            ],
            &devices,
        );
        let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.1.0.0/24", "100.64.0.0/10", "fd00::/64"]);
    }
}
