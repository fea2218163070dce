//! Building a world, and changing it while time passes: hosts, links, routes, faults.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::firewall::{Block, Manner};
use crate::fragment::Reassembler;
use crate::gateway::{Gateway, GatewaySetup};
use crate::host::Host;
use crate::link::{Link, LinkSettings};
use crate::nat::{Nat, NatSettings};
use crate::node::{Interface, Node, Role};
use crate::router::Router;
use crate::v1_only::V1Only;
use crate::world::{LinkId, NodeId, World};

impl World {
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

    /// Makes a router that translates hand on what comes to its public UDP `port`, whoever sends it.
    pub fn forward_port(&mut self, router: NodeId, port: u16, inside: SocketAddr) {
        if let Role::Router(Router {
            nat: Some((nat, _)),
            ..
        }) = &mut self.nodes[router.0].role
        {
            nat.forward(port, inside);
        }
    }

    /// Gives `node` other addresses on a link. A gateway there notices at once.
    pub fn readdress(&mut self, node: NodeId, link: LinkId, addresses: &[IpAddr]) {
        let interfaces = self.nodes[node.0].interfaces.iter_mut();
        for interface in interfaces.filter(|interface| interface.link == link.0) {
            interface.addresses = addresses.to_vec();
        }
        self.with(node, |node, env| {
            if let Role::Gateway(gateway) = &mut node.role {
                gateway.look_at_addresses(env);
            }
        });
    }

    /// Records what passes over a link.
    pub fn tap(&mut self, link: LinkId) {
        self.links[link.0].tapped = true;
    }

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
}
