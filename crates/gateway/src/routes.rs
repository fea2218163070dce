//! Routes that lead protected traffic into the TUN device, and host routes that keep the peers themselves out of it.
//!
//! Every tunnel's remote networks are routed into the device as long as the gateway runs, up or down: what has no SA is
//! dropped there and counted. The routes vanish with the device, however the process ends.
//!
//! A host that is both a peer and behind its tunnel (host to host) is led in by a table of its own, which what the
//! gateway itself sends, marked as such, isn't looked up in.
//!
//! More specific routes of the host win, as they do for any destination. With a tunnel for all addresses that means:
//! the gateway's own links and the peer's outer address aren't reached through the tunnel. What hosts behind the
//! gateway send there is stopped by the block, since their policy says that it must be protected.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use adit_kernel::netlink::{ADIT_PROTOCOL, Address, Flow, MAIN_TABLE, Route, RouteKind, Rule};
use adit_kernel::{KernelError, Netlink, OWN_MARK};
use adit_model::connection::{Connection, Mode, Remote};
use adit_model::policy::Policy;
use adit_model::selector::Selector;
use ipnet::IpNet;

use crate::bypass;
use crate::error::GatewayError;
use crate::interfaces::Devices;

/// A route that a tunnel needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The tunnel.
    pub tunnel: String,
    /// Destination.
    pub destination: IpNet,
    /// The address that local programs send from: one of ours that the tunnel's selectors take.
    pub source: Option<IpAddr>,
    /// Whether it is the peer itself.
    pub to_peer: bool,
    /// The interface that it is routed into.
    pub device: u32,
}

/// The routes into the TUN device that `connections` need, given the host's `addresses`. Where two children want the
/// same destination the first decides the source. What goes through a tunnel for which we ask the peer for an address is
/// sent from the one that it gave, by `inner`.
#[must_use]
pub fn wanted(
    connections: &[impl AsRef<Connection>],
    addresses: &[Address],
    inner: &BTreeMap<String, BTreeSet<IpAddr>>,
    devices: &Devices,
) -> Vec<Wanted> {
    let mut found: BTreeMap<IpNet, Wanted> = BTreeMap::new();
    for connection in connections.iter().map(AsRef::as_ref) {
        let peers = possible_peers(connection);
        let device = devices.of(&connection.name);
        for child in &connection.children {
            let led: Vec<IpNet> = match &connection.interface {
                Some(interface) => interface.routes.clone(),
                None => child.remote_ts.iter().flat_map(Selector::nets).collect(),
            };
            for destination in halves(led) {
                let of_family = |a: &IpAddr| a.is_ipv4() == destination.addr().is_ipv4();
                let mut given = inner.get(&connection.name).into_iter().flatten().copied();
                // With an interface of its own, its address there, or whatever the host takes.
                let on_device = connection.interface.is_some();
                let mut own = addresses
                    .iter()
                    .filter(|a| a.global && !a.tentative)
                    .filter(|a| !on_device || a.index == device)
                    .map(|a| a.net.addr())
                    .filter(|address| {
                        let takes = |ts: &Selector| ts.start <= *address && *address <= ts.end;
                        child.local_ts.iter().any(takes)
                    });
                let host = destination.prefix_len() == destination.max_prefix_len();
                let source = if connection.inner.wanted.is_empty() {
                    own.find(of_family)
                } else {
                    given.find(of_family)
                };
                found.entry(destination).or_insert_with(|| Wanted {
                    tunnel: connection.name.clone(),
                    destination,
                    source,
                    device,
                    to_peer: host
                        && (peers.contains(&destination.addr()) || child.mode == Mode::Transport),
                });
            }
        }
    }
    found.into_values().collect()
}

/// Where the peer of a tunnel is, or may be: one without an address may itself be a host behind its tunnel.
#[must_use]
pub fn possible_peers(connection: &Connection) -> Vec<IpAddr> {
    if let Remote::Address(address) = connection.remote {
        return vec![address];
    }
    let behind = connection.children.iter().flat_map(|c| &c.remote_ts);
    let hosts = behind.filter(|ts| ts.start == ts.end);
    hosts.map(|ts| ts.start).collect()
}

/// Whether some route into the device would catch IKE and ESP to `peer`.
#[must_use]
pub fn catches(wanted: &[Wanted], peer: IpAddr) -> bool {
    wanted
        .iter()
        .any(|route| !route.to_peer && route.destination.contains(&peer))
}

/// Whether packets to `peer` belong into a tunnel, but for IKE and ESP.
#[must_use]
pub fn covers(wanted: &[Wanted], peer: IpAddr) -> bool {
    wanted.iter().any(|route| route.destination.contains(&peer))
}

/// The routes of this gateway in the kernel.
#[derive(Debug, Default)]
pub struct Routes {
    installed: Vec<Route>,
    rules: Vec<Rule>,
}

impl Routes {
    /// Removes what a killed gateway may have left for these connections: host routes to their peers, and rules. (Routes
    /// into the device went with the device.)
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn clean(
        netlink: &mut Netlink,
        connections: &[impl AsRef<Connection>],
    ) -> Result<(), KernelError> {
        for rule in netlink.rules()? {
            let ours = [PEER_TABLE, bypass::TABLE].contains(&rule.table);
            if ours || rule.mark == Some(OWN_MARK) {
                netlink.delete_rule(&rule)?;
            }
        }
        bypass::remove_routes(netlink)?;
        let peers: Vec<IpNet> = connections
            .iter()
            .filter_map(|connection| match connection.as_ref().remote {
                Remote::Address(address) => Some(IpNet::from(address)),
                Remote::Name(_) | Remote::Any => None,
            })
            .collect();
        for route in netlink.routes()? {
            if route.protocol == ADIT_PROTOCOL
                && route.table == MAIN_TABLE
                && peers.contains(&route.destination)
            {
                netlink.delete_route(&route)?;
            }
        }
        Ok(())
    }

    /// Gives `peer` a host route along the way that packets to it take beside the tunnels' `devices`, so that packets from it
    /// are expected there (reverse path filtering asks without the gateway's mark). When that way changes, the route follows.
    /// A peer without a way there is left alone.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn keep_out(
        &mut self,
        netlink: &mut Netlink,
        peer: IpAddr,
        devices: &Devices,
    ) -> Result<(), KernelError> {
        let destination = IpNet::from(peer);
        let known = |r: &Route| r.destination == destination && !devices.has(r.device);
        let routes = netlink.routes()?;
        let Some(way) = way_beside(&routes, peer, devices) else {
            return Ok(());
        };
        let mut route = Route::through(destination, way.device.unwrap_or_default());
        route.device = way.device;
        route.via = way.via;
        if let Some(at) = self.installed.iter().position(known) {
            if self.installed.get(at) == Some(&route) {
                return Ok(());
            }
            let old = self.installed.remove(at);
            netlink.delete_route(&old)?;
            tracing::info!("the way to {peer} beside its tunnel has changed");
        }
        self.install(netlink, route).map(drop)
    }

    /// Whether what the gateway sends has to be kept out of tunnels by its mark: where a tunnel has everything, or leads by
    /// routes that anybody may add.
    #[must_use]
    pub fn needs_own_way(wanted: &[Wanted], devices: &Devices) -> bool {
        !devices.own.is_empty() || wanted.iter().any(|want| want.destination.prefix_len() <= 1)
    }

    /// Sends what the gateway itself sends along the host's own routes, from now on or no more.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn own_way(
        &mut self,
        netlink: &mut Netlink,
        wanted: bool,
        devices: &Devices,
    ) -> Result<(), KernelError> {
        let rules = bypass::own_rules();
        if !wanted {
            return self.drop_rules(netlink, |rule| rules.contains(rule));
        }
        bypass::copy_routes(netlink, devices)?;
        for rule in rules {
            self.rule(netlink, rule)?;
        }
        Ok(())
    }

    /// Has the ways beside the tunnels follow the host's routes.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn follow(&mut self, netlink: &mut Netlink, devices: &Devices) -> Result<(), KernelError> {
        if self.has_copies() {
            bypass::copy_routes(netlink, devices)?;
        }
        let beside = self.installed.iter().filter(|r| !devices.has(r.device));
        let peers: Vec<IpAddr> = beside.map(|r| r.destination.addr()).collect();
        peers
            .into_iter()
            .try_for_each(|peer| self.keep_out(netlink, peer, devices))
    }

    /// Whether something takes the routes beside the tunnels, so that the copies have to follow them.
    #[must_use]
    pub fn has_copies(&self) -> bool {
        self.rules.iter().any(|rule| rule.table == bypass::TABLE)
    }

    /// Keeps what `policies` let pass in clear on the host's own routes.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn keep_in_clear(
        &mut self,
        netlink: &mut Netlink,
        policies: &[Policy],
        devices: &Devices,
    ) -> Result<(), KernelError> {
        let rules = bypass::rules(policies);
        if !rules.is_empty() {
            bypass::copy_routes(netlink, devices)?;
        }
        for rule in rules {
            self.rule(netlink, rule)?;
        }
        Ok(())
    }

    /// Changes what is kept on the host's own routes to what `policies` let pass in clear.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn clear_only(
        &mut self,
        netlink: &mut Netlink,
        policies: &[Policy],
        devices: &Devices,
    ) -> Result<(), KernelError> {
        self.keep_in_clear(netlink, policies, devices)?;
        let wanted = bypass::rules(policies);
        let own = bypass::own_rules();
        let stale = |rule: &Rule| {
            rule.table == bypass::TABLE && !wanted.contains(rule) && !own.contains(rule)
        };
        self.drop_rules(netlink, stale)?;
        if !self.has_copies() {
            bypass::remove_routes(netlink)?;
        }
        Ok(())
    }

    /// Installs the routes into the tunnels' `devices`.
    ///
    /// # Errors
    /// [`GatewayError::RouteTaken`] where another route to the same network stands; [`GatewayError::Kernel`].
    pub fn lead_into(
        &mut self,
        netlink: &mut Netlink,
        wanted: &[Wanted],
    ) -> Result<(), GatewayError> {
        for want in wanted {
            let mut route = Route::through(want.destination, want.device);
            route.source = want.source;
            if want.to_peer {
                route.table = PEER_TABLE;
                self.rule(netlink, own_rule(want.destination))?;
                self.rule(netlink, peer_rule(want.destination))?;
            }
            if want.destination.addr().is_ipv6() {
                // The kernel's own routes have 256; the tunnel goes first.
                route.metric = Some(1);
            }
            let (table, again) = (route.table, route.clone());
            if self.install(netlink, route)? {
                continue;
            }
            let same = |r: &Route| r.destination == want.destination && r.table == table;
            let (mine, others): (Vec<Route>, Vec<Route>) = netlink
                .routes()?
                .into_iter()
                .filter(same)
                .partition(|r| r.device == Some(want.device) && r.protocol == ADIT_PROTOCOL);
            // An interface of its own has kept the route of the gateway before; its source may be another one.
            if let Some(left) = mine.into_iter().next() {
                netlink.delete_route(&left)?;
                if self.install(netlink, again)? {
                    continue;
                }
            }
            let existing = others.into_iter().next();
            return Err(GatewayError::RouteTaken {
                tunnel: want.tunnel.clone(),
                destination: want.destination.to_string(),
                existing: existing.map_or_else(|| "unknown".to_owned(), |r| describe(netlink, &r)),
            });
        }
        Ok(())
    }

    /// Changes the routes into the device to `wanted`: what stays isn't touched, what is new comes before what is no longer
    /// wanted goes.
    ///
    /// # Errors
    /// As [`Self::lead_into`].
    pub fn lead_only(
        &mut self,
        netlink: &mut Netlink,
        wanted: &[Wanted],
        devices: &Devices,
    ) -> Result<(), GatewayError> {
        let there = |route: &Route, want: &Wanted| {
            route.device == Some(want.device)
                && route.destination == want.destination
                && route.source == want.source
                && (route.table == PEER_TABLE) == want.to_peer
        };
        // The same destination from another source can't stand beside the old one.
        let (stays, stale): (Vec<Route>, Vec<Route>) = self
            .installed
            .drain(..)
            .partition(|r| !devices.has(r.device) || wanted.iter().any(|want| there(r, want)));
        self.installed = stays;
        let (moved, gone): (Vec<Route>, Vec<Route>) = stale
            .into_iter()
            .partition(|r| wanted.iter().any(|w| w.destination == r.destination));
        for route in &moved {
            netlink.delete_route(route)?;
        }
        let new: Vec<Wanted> = wanted
            .iter()
            .filter(|want| !self.installed.iter().any(|r| there(r, want)))
            .cloned()
            .collect();
        let led = self.lead_into(netlink, &new);
        for route in gone {
            if let Err(error) = netlink.delete_route(&route) {
                tracing::warn!("{error}");
            }
        }
        let to_peer = |rule: &Rule| {
            let mut peers = wanted.iter().filter(|want| want.to_peer);
            peers.any(|want| want.destination == rule.to)
        };
        self.drop_rules(netlink, |rule| rule.table == PEER_TABLE && !to_peer(rule))?;
        led
    }

    /// Installs again what is no longer there; returns the destinations.
    ///
    /// # Errors
    /// When a route can't be installed now, as while its device is down. The others are tried all the same.
    pub fn restore(&mut self, netlink: &mut Netlink) -> Result<Vec<IpNet>, KernelError> {
        let mut back = Vec::new();
        let mut failed = None;
        for route in &self.installed {
            match netlink.add_route(route) {
                Ok(true) => back.push(route.destination),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        for rule in &self.rules {
            match netlink.add_rule(rule) {
                Ok(true) => back.push(rule.to),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if back.is_empty() => Err(error),
            _ => Ok(back),
        }
    }

    /// Removes all that was installed, but for what leads into interfaces that stay.
    pub fn remove(&mut self, netlink: &mut Netlink, devices: &Devices) {
        for rule in self.rules.drain(..).rev() {
            if let Err(error) = netlink.delete_rule(&rule) {
                tracing::warn!("{error}");
            }
        }
        if let Err(error) = bypass::remove_routes(netlink) {
            tracing::warn!("{error}");
        }
        let stays = |route: &Route| route.device.is_some_and(|index| devices.is_own(index));
        for route in self.installed.drain(..).rev().filter(|r| !stays(r)) {
            if let Err(error) = netlink.delete_route(&route) {
                tracing::warn!("{error}");
            }
        }
    }

    fn drop_rules(
        &mut self,
        netlink: &mut Netlink,
        which: impl Fn(&Rule) -> bool,
    ) -> Result<(), KernelError> {
        let (gone, stay) = self.rules.drain(..).partition(which);
        self.rules = stay;
        let gone: Vec<Rule> = gone;
        for rule in &gone {
            netlink.delete_rule(rule)?;
        }
        Ok(())
    }

    fn rule(&mut self, netlink: &mut Netlink, rule: Rule) -> Result<(), KernelError> {
        if netlink.add_rule(&rule)? {
            self.rules.push(rule);
        }
        Ok(())
    }

    fn install(&mut self, netlink: &mut Netlink, route: Route) -> Result<bool, KernelError> {
        let new = netlink.add_route(&route)?;
        if new {
            self.installed.push(route);
        }
        Ok(new)
    }
}

/// What the gateway itself sends takes the host's own routes.
fn own_rule(destination: IpNet) -> Rule {
    let unspecified: IpAddr = match destination {
        IpNet::V4(_) => [0; 4].into(),
        IpNet::V6(_) => [0; 16].into(),
    };
    let mut all = IpNet::from(unspecified);
    while let Some(wider) = all.supernet() {
        all = wider;
    }
    Rule {
        priority: OWN_PRIORITY,
        from: None,
        to: all,
        mark: Some(OWN_MARK),
        flow: Flow::default(),
        table: MAIN_TABLE,
    }
}

/// Everything else to a peer that is behind its own tunnel.
fn peer_rule(destination: IpNet) -> Rule {
    Rule {
        priority: PEER_PRIORITY,
        from: None,
        to: destination,
        mark: None,
        flow: Flow::default(),
        table: PEER_TABLE,
    }
}

/// The table with the routes to peers that are behind their own tunnel.
const PEER_TABLE: u32 = 5207;
const OWN_PRIORITY: u32 = 5200;
const PEER_PRIORITY: u32 = 5201;

/// The route to `peer` that the kernel would take if the tunnels' devices and this gateway had none: the longest prefix, then
/// the lowest metric.
fn way_beside<'r>(routes: &'r [Route], peer: IpAddr, devices: &Devices) -> Option<&'r Route> {
    routes
        .iter()
        .filter(|r| {
            r.table == MAIN_TABLE
                && r.kind == RouteKind::Unicast
                && !devices.has(r.device)
                && !(r.protocol == ADIT_PROTOCOL && r.destination == IpNet::from(peer))
                && r.destination.contains(&peer)
        })
        .max_by_key(|r| (r.destination.prefix_len(), Reverse(r.metric.unwrap_or(0))))
}

/// A default route is led in as its two halves, so that the host's own default route needn't give way.
fn halves(nets: Vec<IpNet>) -> Vec<IpNet> {
    nets.into_iter()
        .flat_map(|net| match (net.prefix_len(), net.subnets(1)) {
            (0, Ok(halves)) => halves.collect(),
            _ => vec![net],
        })
        .collect()
}

fn describe(netlink: &mut Netlink, route: &Route) -> String {
    let mut text = String::new();
    if let Some(via) = route.via {
        text = format!("via {via} ");
    }
    if let Some(index) = route.device {
        let name = netlink
            .link_by_index(index)
            .map_or_else(|_| format!("#{index}"), |link| link.name);
        text.push_str(&format!("dev {name}"));
    }
    if text.is_empty() {
        text = format!("{:?}", route.kind).to_lowercase();
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;
    use std::sync::Arc;

    fn shared(index: u32) -> Devices {
        Devices {
            shared: index,
            own: BTreeMap::new(),
        }
    }

    fn address(net: &str) -> Address {
        Address {
            index: 1,
            net: net.parse().unwrap(),
            global: true,
            tentative: false,
        }
    }

    fn tunnel(local: &[&str], remote: &[&str]) -> Arc<Connection> {
        let mut connection = sample::connection("office");
        connection.children[0].local_ts = local.iter().map(|t| t.parse().unwrap()).collect();
        connection.children[0].remote_ts = remote.iter().map(|t| t.parse().unwrap()).collect();
        Arc::new(connection)
    }

    #[test]
    fn local_programs_send_from_an_address_that_the_selectors_take() {
        let addresses = [
            address("192.0.2.1/24"),
            address("10.1.0.1/24"),
            address("fd00:1::1/64"),
        ];
        let tunnel = tunnel(
            &["10.1.0.0/24", "fd00:1::/64"],
            &["10.2.0.0/24", "fd00:2::/64"],
        );
        let routes = wanted(&[tunnel], &addresses, &BTreeMap::new(), &shared(9));
        let sources: Vec<_> = routes
            .iter()
            .map(|r| (r.destination.to_string(), r.source.unwrap().to_string()))
            .collect();
        assert_eq!(
            sources,
            [
                ("10.2.0.0/24".to_owned(), "10.1.0.1".to_owned()),
                ("fd00:2::/64".to_owned(), "fd00:1::1".to_owned())
            ]
        );
        // A pure router has no address in the network that it forwards for.
        let elsewhere = wanted(
            &[self::tunnel(&["10.9.0.0/24"], &["10.2.0.0/24"])],
            &addresses,
            &BTreeMap::new(),
            &shared(9),
        );
        assert_eq!(elsewhere[0].source, None);
    }

    #[test]
    fn a_default_route_is_led_in_by_halves() {
        let routes = wanted(
            &[tunnel(&["10.1.0.0/24"], &["0.0.0.0/0", "::/0"])],
            &[],
            &BTreeMap::new(),
            &shared(9),
        );
        let destinations: Vec<_> = routes.iter().map(|r| r.destination.to_string()).collect();
        assert_eq!(
            destinations,
            ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"]
        );
        assert!(catches(&routes, "192.0.2.2".parse().unwrap()));
        assert!(catches(&routes, "2001:db8::2".parse().unwrap()));
    }

    #[test]
    fn the_way_to_a_peer_is_the_one_beside_the_tunnel() {
        let route = |net: &str, device, metric| {
            let mut route = Route::through(net.parse().unwrap(), device);
            route.metric = metric;
            route
        };
        let routes = [
            route("0.0.0.0/0", 2, Some(200)),
            route("0.0.0.0/0", 3, Some(100)),
            route("0.0.0.0/1", 9, None),
            route("198.51.100.0/24", 4, None),
        ];
        let device = |peer: &str| {
            way_beside(&routes, peer.parse().unwrap(), &shared(9)).and_then(|route| route.device)
        };
        assert_eq!(device("192.0.2.2"), Some(3));
        assert_eq!(device("198.51.100.7"), Some(4));
        assert_eq!(device("2001:db8::2"), None);
    }

    #[test]
    fn a_peer_behind_its_own_tunnel_is_no_obstacle_to_ike() {
        let mut connection = sample::connection("office");
        connection.remote = Remote::Address("192.0.2.2".parse().unwrap());
        connection.children[0].remote_ts = vec!["192.0.2.2[tcp/22]".parse().unwrap()];
        let routes = wanted(&[Arc::new(connection)], &[], &BTreeMap::new(), &shared(9));
        assert!(routes[0].to_peer);
        let peer = "192.0.2.2".parse().unwrap();
        assert!(covers(&routes, peer) && !catches(&routes, peer));
        assert_eq!(own_rule(routes[0].destination).to.to_string(), "0.0.0.0/0");
    }

    #[test]
    fn whoever_calls_may_be_the_host_behind_its_tunnel() {
        let mut connection = sample::connection("roadwarrior");
        connection.children[0].remote_ts = ["198.51.100.7/32", "10.9.0.0/24"]
            .map(|ts| ts.parse().unwrap())
            .to_vec();
        let host = IpAddr::from([198, 51, 100, 7]);
        for remote in [Remote::Any, Remote::Name("rw.example".to_owned())] {
            connection.remote = remote;
            assert_eq!(possible_peers(&connection), [host]);
            let routes = wanted(
                &[Arc::new(connection.clone())],
                &[],
                &BTreeMap::new(),
                &shared(9),
            );
            assert!(covers(&routes, host) && !catches(&routes, host));
            assert!(catches(&routes, IpAddr::from([10, 9, 0, 1])));
        }
        connection.remote = Remote::Address(IpAddr::from([192, 0, 2, 9]));
        assert!(catches(
            &wanted(&[Arc::new(connection)], &[], &BTreeMap::new(), &shared(9)),
            host
        ));
    }

    #[test]
    fn one_destination_is_routed_once() {
        let routes = wanted(
            &[
                tunnel(&["10.1.0.0/24"], &["10.2.0.0/24"]),
                tunnel(&["10.3.0.0/24"], &["10.2.0.0/24"]),
            ],
            &[],
            &BTreeMap::new(),
            &shared(9),
        );
        assert_eq!(routes.len(), 1);
        assert!(!catches(&routes, "192.0.2.2".parse().unwrap()));
    }

    #[test]
    fn what_a_peer_gave_us_is_sent_from() {
        let mut road = Connection::clone(&tunnel(&["0.0.0.0/0"], &["10.2.0.0/24"]));
        road.inner.wanted = vec!["0.0.0.0".parse().unwrap()];
        let road = Arc::new(road);
        let given: IpAddr = "10.3.0.7".parse().unwrap();
        let source = |inner: &BTreeMap<String, BTreeSet<IpAddr>>| {
            let addresses = [address("192.168.0.1/24")];
            wanted(std::slice::from_ref(&road), &addresses, inner, &shared(9))[0].source
        };
        // Never from another one: the peer would drop it.
        assert_eq!(source(&BTreeMap::new()), None);
        let inner = [(road.name.clone(), [given].into())].into();
        assert_eq!(source(&inner), Some(given));
    }
}
