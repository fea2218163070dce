//! What the gateway changes on its host: the block, the TUN device, routes. All in one place, so that it can be undone
//! in one place.
//!
//! The block goes up first and outlives the process, however that ends: packets that policy protects find no other way
//! out. It is taken away by an explicit act only ([`Host::unblock`], or [`remove_left_block`] when no gateway runs).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use adit_config::Configuration;
use adit_crypto::Provider;
use adit_esp::Door;
use adit_kernel::{BlockMechanism, KernelError, Netlink, PolicyBlock, TunConfig, block, sysctl};
use adit_model::connection::{Connection, Protection};
use ipnet::IpNet;

use crate::claim;
use crate::error::GatewayError;
use crate::given::{ByTunnel, Given};
use crate::interfaces::{self, Devices, Interfaces, Kind, Opened, Queues};
use crate::mtu;
use crate::options::{BackendChoice, Options};
use crate::routes::{self, Routes, Wanted};
use crate::shield::{self, Children, Present};
use crate::xfrm;

/// The host as this gateway has changed it.
pub struct Host {
    netlink: Netlink,
    connections: Vec<Arc<Connection>>,
    block: PolicyBlock,
    mechanism: BlockMechanism,
    routes: Routes,
    interfaces: Interfaces,
    devices: Devices,
    tun_name: String,
    /// Whether a block was there before this gateway.
    was_blocked: bool,
    /// What passes of what is configured.
    present: Present,
    /// Addresses inside tunnels that peers gave us.
    inner: Given,
    /// Whether routes go by them.
    led: bool,
    /// Whether the kernel's policies decide what a tunnel carries: then what goes to a peer keeps its own way, on which
    /// they find it.
    in_kernel: bool,
    /// What [`Host::tend`] last complained about.
    complaint: Option<String>,
}

impl Host {
    /// Prepares the host for `connections`: block, device with so many queues, routes. On failure everything is as before, except that a
    /// block which was there already stays.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn prepare(
        options: &Options,
        provider: &Provider,
        connections: &[Arc<Connection>],
        queues: Queues,
    ) -> Result<(Self, Vec<Opened>), GatewayError> {
        let mut netlink = Netlink::open()?;
        Routes::clean(&mut netlink, connections)?;
        let mtu = options
            .tun_mtu
            .unwrap_or_else(|| device_mtu(&mut netlink, provider, connections));
        let present = Present::default();
        let mut block = shield::block(
            BLOCK_TABLE,
            &options.config,
            connections,
            &options.tun_name,
            &present,
        );
        block.passes_ipsec = options.backend == BackendChoice::Kernel;
        let was_blocked = block::is_installed(BLOCK_TABLE)?;
        let mechanism = block::install(&block)?;
        let undo = || undo_block(was_blocked);
        if let Some(problem) = too_weak(&block, &mechanism) {
            undo();
            return Err(problem.into());
        }
        if let BlockMechanism::UnreachableRoutes { because, .. } = &mechanism {
            tracing::warn!(
                "nf_tables can't be used ({because}); clear traffic is blocked by routes"
            );
        }
        let config = TunConfig::new(&options.tun_name).with_mtu(mtu);
        let device = match queues.create(config) {
            Ok(device) => device,
            Err(error) => {
                undo();
                return Err(error.into());
            }
        };
        let (tun, tun_name) = device
            .first()
            .map_or_else(Default::default, |tun| (tun.index(), tun.name().to_owned()));
        if device.len() < queues.count {
            tracing::warn!(
                "the device {tun_name} has one queue, so one thread seals what goes to it. Fix: end the gateway and `ip link del {tun_name}`, if it is left from something else"
            );
        }
        interfaces::note_shared(&mut netlink, tun)?;
        let kind = match options.backend {
            BackendChoice::Kernel => Kind::Xfrm,
            _ => Kind::Tun(queues),
        };
        let (interfaces, mut opened) =
            match Interfaces::prepare(&mut netlink, provider, connections, kind) {
                Ok(made) => made,
                Err(error) => {
                    undo();
                    return Err(error.into());
                }
            };
        let mut host = Self {
            netlink,
            connections: connections.to_vec(),
            block,
            mechanism,
            routes: Routes::default(),
            devices: interfaces.devices(tun),
            interfaces,
            tun_name,
            was_blocked,
            present,
            inner: Given::default(),
            led: true,
            in_kernel: options.backend == BackendChoice::Kernel,
            complaint: None,
        };
        if let Err(error) = host.install_routes() {
            host.abandon();
            return Err(error);
        }
        tracing::info!(
            "device {} with MTU {mtu}; clear traffic of {} tunnels is blocked by {}",
            host.tun_name,
            host.connections.len(),
            host.block_name()
        );
        host.warn_about_forwarding();
        host.warn_about_reverse_paths();
        let door = Door::SHARED;
        let queues = device;
        opened.push(Opened { door, queues });
        Ok((host, opened))
    }

    /// The numbers of the kernel's own interfaces of tunnels.
    #[must_use]
    pub fn if_ids(&self) -> BTreeMap<String, u32> {
        self.interfaces.if_ids()
    }

    /// What holds the block in place.
    #[must_use]
    pub fn block_name(&self) -> &'static str {
        name_of(&self.mechanism)
    }

    /// Whether clear traffic of a tunnel is blocked, all of it.
    #[must_use]
    pub fn is_blocked(&self, tunnel: &str) -> bool {
        let mut named = self.connections.iter().filter(|c| c.name == tunnel);
        let passes = |c: &Arc<Connection>| {
            let mut children = c.children.iter();
            children.any(|child| self.present.passes(c, &child.name))
        };
        !self.present.unblocked.contains(tunnel) && !named.any(passes)
    }

    /// The children of a tunnel whose traffic passes in clear now, since the tunnel is optional and they have no SA.
    #[must_use]
    pub fn passing(&self, connection: &Connection) -> Vec<String> {
        let children = connection.children.iter();
        let passing = children.filter(|child| self.present.passes(connection, &child.name));
        passing.map(|child| child.name.clone()).collect()
    }

    /// Whether the block is the packet filter's, which stops what it has to whatever becomes of routes and policies.
    #[must_use]
    pub fn blocks_by_filter(&self) -> bool {
        self.mechanism == BlockMechanism::PacketFilter
    }

    /// The tunnels whose traffic is protected: all but those that were unblocked.
    #[must_use]
    pub fn protected(&self) -> Vec<Arc<Connection>> {
        let is_protected = |c: &&Arc<Connection>| !self.present.unblocked.contains(&c.name);
        self.connections
            .iter()
            .filter(is_protected)
            .cloned()
            .collect()
    }

    /// Addresses that IKE and ESP pass to whatever the policies say.
    #[must_use]
    pub fn peers_let_through(&self) -> &[IpAddr] {
        &self.block.peers
    }

    /// UDP ports of IKE and of ESP in UDP.
    #[must_use]
    pub fn ike_ports(&self) -> &[u16] {
        &self.block.ike_ports
    }

    /// Our address that packets to `peer` are sent from now.
    ///
    /// # Errors
    /// When there is no route.
    pub fn source_for(&mut self, peer: IpAddr) -> Result<IpAddr, KernelError> {
        let way = self.netlink.own_route_to(peer)?;
        way.source.ok_or_else(|| {
            KernelError::own("find our address towards", peer, "the route names none")
        })
    }

    /// The addresses that others reach us at, those of our own device apart.
    ///
    /// # Errors
    /// When the kernel doesn't tell.
    pub fn addresses(&mut self) -> Result<Vec<IpAddr>, KernelError> {
        let all = self.netlink.addresses()?.into_iter();
        let outside = all.filter(|a| a.global && !a.tentative && !self.devices.has(Some(a.index)));
        Ok(outside.map(|a| a.net.addr()).collect())
    }

    /// The MTU of the link that packets to `peer` leave by, in octets.
    pub fn link_mtu_to(&mut self, peer: IpAddr) -> Option<u32> {
        let way = self.netlink.route_to(peer, None).ok()?;
        Some(self.netlink.link_by_index(way.device?).ok()?.mtu)
    }

    /// Makes sure that IKE and ESP to a peer aren't caught by a tunnel's route or the block. To be called for peers
    /// that were configured or have authenticated: anybody can claim an address, and one that gets a way of its own is
    /// out of the tunnel for everything else.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn keep_way_to(&mut self, peer: IpAddr) -> Result<(), KernelError> {
        if self.block.peers.contains(&peer) || self.block.peers.len() >= MOST_PEERS {
            return Ok(());
        }
        // Also what isn't led anywhere yet.
        let everything = Present {
            up: shield::all_children(&self.connections),
            ..self.present.clone()
        };
        let wanted = self.wanted_with(&everything)?;
        // With an interface, routes that aren't configured may lead there.
        if !routes::covers(&wanted, peer) && self.devices.own.is_empty() {
            return Ok(());
        }
        if routes::catches(&wanted, peer) {
            self.routes
                .keep_out(&mut self.netlink, peer, &self.devices)?;
        }
        self.block.peers.push(peer);
        self.mechanism = block::install(&self.block)?;
        Ok(())
    }

    /// Sets the addresses inside tunnels that peers gave us: the device has them, and local programs send from them what
    /// goes through that tunnel. An address that another device of the host has isn't touched.
    ///
    /// # Errors
    /// When the kernel refuses; what could be done is done, and [`Host::tend`] tries the rest again.
    pub fn set_inner_addresses(&mut self, given: ByTunnel) -> Result<(), GatewayError> {
        if !self.inner.want(given) {
            return Ok(());
        }
        self.settle_inner()
    }

    /// Brings addresses of the devices and routes from them to what peers gave us.
    fn settle_inner(&mut self) -> Result<(), GatewayError> {
        let (netlink, devices) = (&mut self.netlink, &self.devices);
        let added = self
            .inner
            .add(|tunnel, address| netlink.add_address(devices.of(tunnel), IpNet::from(address)));
        // Routes first: the kernel takes away those that name an address that goes.
        let led = self.lead();
        self.led = led.is_ok();
        let (netlink, devices) = (&mut self.netlink, &self.devices);
        let deleted = self.inner.delete(|tunnel, address| {
            netlink.delete_address(devices.of(tunnel), IpNet::from(address))
        });
        added?;
        led?;
        Ok(deleted?)
    }

    /// Says which children have SAs: what is optional is protected from then on, or passes again.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn set_up(&mut self, up: Children) -> Result<(), GatewayError> {
        if self.present.up == up {
            return Ok(());
        }
        let optional = |c: &Arc<Connection>| c.protection == Protection::Optional;
        if !self.connections.iter().any(optional) {
            self.present.up = up;
            return Ok(());
        }
        let before = shield::tunnels(&self.connections, &self.tun_name, &self.present);
        self.present.up = up;
        if shield::tunnels(&self.connections, &self.tun_name, &self.present) == before {
            return Ok(());
        }
        self.rebuild()
    }

    /// Lets the traffic of `tunnel` pass in clear.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn unblock(&mut self, tunnel: &str) -> Result<(), GatewayError> {
        self.present.unblocked.insert(tunnel.to_owned());
        self.rebuild()
    }

    /// Takes the traffic of `tunnel` under protection again.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn block_again(&mut self, tunnel: &str) -> Result<(), GatewayError> {
        if self.present.unblocked.remove(tunnel) {
            self.rebuild()?;
        }
        Ok(())
    }

    /// Leads the routes of a tunnel into the interface of another one, or back into its own. On failure they are as before.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn lead_over(&mut self, tunnel: &str, into: Option<String>) -> Result<(), GatewayError> {
        let before = self.present.over.clone();
        match into {
            Some(other) => self.present.over.insert(tunnel.to_owned(), other),
            None => self.present.over.remove(tunnel),
        };
        let led = self.lead();
        if led.is_err() {
            self.present.over = before;
            complain(self.lead());
        }
        led
    }

    /// Protects other connections from now on. What stays is never without block or route. On failure everything is as
    /// before.
    ///
    /// # Errors
    /// [`GatewayError`], as [`Host::prepare`].
    pub fn take_over(
        &mut self,
        options: &Options,
        provider: &Provider,
        connections: &[Arc<Connection>],
    ) -> Result<Vec<Opened>, GatewayError> {
        let interfaces = self.interfaces.clone();
        let changed = self
            .interfaces
            .change(&mut self.netlink, provider, connections);
        let opened = match changed {
            Ok(opened) => opened,
            Err(error) => {
                self.give_back(interfaces, provider);
                return Err(error.into());
            }
        };
        self.devices = self.interfaces.devices(self.devices.shared);
        let before = (
            std::mem::replace(&mut self.connections, connections.to_vec()),
            self.block.clone(),
            self.present.clone(),
        );
        let old_peers: Vec<IpAddr> = shield::peers(&before.0).collect();
        self.block.peers.retain(|peer| !old_peers.contains(peer));
        for peer in shield::peers(connections) {
            if !self.block.peers.contains(&peer) {
                self.block.peers.push(peer);
            }
        }
        self.block.ike_ports = shield::ike_ports(&options.config, connections);
        self.block.policies.clone_from(&options.config.policies);
        let configured = |name: &String| connections.iter().any(|c| c.name == *name);
        self.present.unblocked.retain(configured);
        self.present
            .over
            .retain(|tunnel, other| shield::fails_over(connections, tunnel, other));
        if let Err(error) = self.change() {
            (self.connections, self.block, self.present) = before;
            self.devices = interfaces.devices(self.devices.shared);
            complain(self.change());
            self.give_back(interfaces, provider);
            return Err(error);
        }
        // It holds from here on: what is left over can't make it another one's.
        if !self.present.over.is_empty() {
            // Interfaces were brought to what is configured, which isn't where these lead now.
            complain(self.routes.restore(&mut self.netlink));
        }
        complain(self.interfaces.retire(&mut self.netlink, connections));
        self.devices = self.interfaces.devices(self.devices.shared);
        if options.tun_mtu.is_none() {
            let mtu = device_mtu(&mut self.netlink, provider, connections);
            complain(self.netlink.set_link_mtu(self.devices.shared, mtu));
        }
        self.warn_about_forwarding();
        Ok(opened)
    }

    /// Brings the interfaces back to what they were. New ones go: nobody has their queues any more.
    fn give_back(&mut self, interfaces: Interfaces, provider: &Provider) {
        self.interfaces = interfaces;
        let (netlink, connections) = (&mut self.netlink, &self.connections);
        complain(self.interfaces.change(netlink, provider, connections));
        complain(self.interfaces.retire(netlink, connections));
    }

    /// Brings block and routes to what is configured; the block first, so that nothing leaves in clear meanwhile.
    fn change(&mut self) -> Result<(), GatewayError> {
        self.install_block()?;
        let policies = &self.block.policies;
        if let BlockMechanism::UnreachableRoutes { because, .. } = &self.mechanism
            && !policies.is_empty()
        {
            return Err(no_policies(because).into());
        }
        self.routes
            .clear_only(&mut self.netlink, policies, &self.devices)?;
        self.lead()
    }

    fn install_block(&mut self) -> Result<(), KernelError> {
        let addresses = self.netlink.addresses()?;
        self.present.links = shield::links(&addresses, &self.devices);
        self.block.tunnels = shield::tunnels(&self.connections, &self.tun_name, &self.present);
        self.mechanism = block::install(&self.block)?;
        Ok(())
    }

    /// Brings routes to what is wanted now; those that stay aren't touched.
    fn lead(&mut self) -> Result<(), GatewayError> {
        let wanted = self.wanted()?;
        self.keep_peers_out(&wanted)?;
        self.routes
            .lead_only(&mut self.netlink, &wanted, &self.devices)
    }

    /// Keeps what goes to peers out of tunnels, before and while `wanted` leads there.
    fn keep_peers_out(&mut self, wanted: &[Wanted]) -> Result<(), KernelError> {
        for peer in self.block.peers.clone() {
            if routes::catches(wanted, peer) || self.is_led_astray(wanted, peer) {
                self.routes
                    .keep_out(&mut self.netlink, peer, &self.devices)?;
            }
        }
        let own_way = Routes::needs_own_way(wanted, &self.devices);
        self.routes
            .own_way(&mut self.netlink, own_way, &self.devices)
    }

    /// Whether a route that isn't ours leads packets to a peer into the interface of a tunnel.
    fn is_led_astray(&mut self, wanted: &[Wanted], peer: IpAddr) -> bool {
        if self.devices.own.is_empty() || routes::covers(wanted, peer) {
            return false;
        }
        let way = self.netlink.route_to(peer, None);
        way.is_ok_and(|way| self.devices.has(way.device))
    }

    /// The host's routes, links or addresses may have changed: what goes by them follows.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn follow(&mut self) -> Result<(), KernelError> {
        let wanted = self.wanted()?;
        self.keep_peers_out(&wanted)?;
        self.routes.follow(&mut self.netlink, &self.devices)?;
        let addresses = self.netlink.addresses()?;
        if self.present.links != shield::links(&addresses, &self.devices) {
            self.install_block()?;
        }
        Ok(())
    }

    /// Puts back what others took away: a reloaded packet filter takes the block with it, a network manager or a
    /// device that goes down and up again takes the routes. Complains once about what can't be put back.
    pub fn tend(&mut self) {
        let complaint = match self.put_back() {
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        };
        if let Some(text) = complaint.as_ref().filter(|_| complaint != self.complaint) {
            tracing::warn!("{text}");
        }
        self.complaint = complaint;
    }

    /// Puts the block back if somebody has taken something out of it.
    pub fn keep_block(&mut self) {
        complain(self.put_block_back());
    }

    /// Removes routes. The device goes with its descriptor; the block stays.
    pub fn leave(&mut self) {
        self.routes.remove(&mut self.netlink, &self.devices);
        // What is optional is protected by SAs alone, and there are none any more.
        let optional = |c: &Arc<Connection>| c.protection == Protection::Optional;
        if !self.present.up.is_empty() && self.connections.iter().any(optional) {
            self.present.up.clear();
            complain(self.install_block());
        }
    }

    /// Undoes everything, for a gateway that couldn't start.
    pub fn abandon(mut self) {
        self.leave();
        self.interfaces.abandon(&mut self.netlink);
        undo_block(self.was_blocked);
    }

    fn put_back(&mut self) -> Result<(), GatewayError> {
        let settled = if self.led && self.inner.is_settled() {
            Ok(())
        } else {
            self.settle_inner()
        };
        self.put_block_back()?;
        self.interfaces.tend(&mut self.netlink)?;
        self.follow()?;
        let back = self.routes.restore(&mut self.netlink)?;
        if !back.is_empty() {
            let device = &self.tun_name;
            tracing::warn!("routes had gone and are back ({device}): {}", list(&back));
        }
        settled
    }

    fn put_block_back(&mut self) -> Result<(), KernelError> {
        let filters = self.mechanism == BlockMechanism::PacketFilter;
        let empty = self.block.tunnels.is_empty() && self.block.policies.is_empty();
        if filters && !empty && !block::is_whole(&self.block)? {
            self.mechanism = block::install(&self.block)?;
            tracing::warn!("somebody removed the block against clear traffic; it is back");
        }
        Ok(())
    }

    fn rebuild(&mut self) -> Result<(), GatewayError> {
        // While routes are changed, what is protected is blocked already, and what no longer is may still end in the
        // device: too much is held back for a moment, never too little.
        self.install_block()?;
        self.lead()
    }

    fn install_routes(&mut self) -> Result<(), GatewayError> {
        if !self.devices.own.is_empty() {
            // Our own links are known now, as far as they are there.
            self.install_block()?;
        }
        self.lead()?;
        let policies = &self.block.policies;
        self.routes
            .keep_in_clear(&mut self.netlink, policies, &self.devices)?;
        Ok(())
    }

    fn wanted(&mut self) -> Result<Vec<Wanted>, KernelError> {
        let present = self.present.clone();
        self.wanted_with(&present)
    }

    fn wanted_with(&mut self, present: &Present) -> Result<Vec<Wanted>, KernelError> {
        let addresses = self.netlink.addresses()?;
        let led = present.led(&self.connections);
        let usable = self.inner.usable();
        let mut wanted = routes::wanted(&led, &addresses, &usable, &self.devices);
        wanted.retain(|route| !(self.in_kernel && route.to_peer));
        Ok(wanted)
    }

    /// Strict reverse path filtering fits: every remote network is routed into the device. Only what the peer sends
    /// from its outer address through a tunnel for everything comes back by another way.
    fn warn_about_reverse_paths(&mut self) {
        let strict = sysctl::reverse_path_filter(&self.tun_name).is_ok_and(|mode| mode == 1);
        let Ok(wanted) = self.wanted() else {
            return;
        };
        if let Some(peer) = self
            .block
            .peers
            .iter()
            .find(|p| strict && routes::covers(&wanted, **p))
        {
            let device = &self.tun_name;
            tracing::warn!(
                "packets from {peer} through the tunnel are dropped by strict reverse path filtering. Fix: sysctl -w net.ipv4.conf.{device}.rp_filter=2"
            );
        }
    }

    fn warn_about_forwarding(&mut self) {
        let Ok(addresses) = self.netlink.addresses() else {
            return;
        };
        let ours = |ip: IpAddr| addresses.iter().any(|a| a.net.addr() == ip);
        let (v4, v6) = sysctl::forwarding();
        let has_lans = |c: &&Arc<Connection>| c.inner.wanted.is_empty();
        let lans = self.connections.iter().filter(has_lans).flat_map(|c| {
            c.children
                .iter()
                .flat_map(move |child| child.local_ts.iter().map(move |ts| (c, ts)))
        });
        for (connection, ts) in lans {
            let forwards = if ts.start.is_ipv4() { v4 } else { v6 };
            let own_host = ts.start == ts.end && ours(ts.start);
            if !forwards && !own_host {
                let setting = if ts.start.is_ipv4() {
                    "net.ipv4.ip_forward"
                } else {
                    "net.ipv6.conf.all.forwarding"
                };
                tracing::warn!(
                    "{}: {ts} has hosts behind this gateway, and the kernel doesn't forward their packets. Fix: sysctl -w {setting}=1",
                    connection.name
                );
            }
        }
    }
}

/// Lifts the block that a gateway left behind, if it left one, and takes its tunnels' interfaces away. A running gateway is
/// asked by its control socket instead.
///
/// # Errors
/// When a gateway runs in this network namespace, or CAP_NET_ADMIN is missing.
pub fn remove_left_block() -> Result<(), KernelError> {
    if let Some(pid) = claim::holder() {
        let hint =
            format!("a running gateway (pid {pid}) holds it; name its directory with --state");
        return Err(KernelError::own("lift", "the block", hint));
    }
    match xfrm::remove_left() {
        // A kernel without IPsec has nothing left of it.
        Err(error) if error.is_unsupported() => {}
        outcome => outcome?,
    }
    block::remove(BLOCK_TABLE)?;
    interfaces::remove_left(&mut Netlink::open()?).map(drop)
}

/// Puts up the block of a configuration where no gateway runs, as one would: before there is a network, or a gateway.
/// Returns what holds it in place. Where a gateway runs, nothing is changed: it keeps the block itself.
///
/// # Errors
/// When an interface of a tunnel is somebody else's, or the kernel refuses.
pub fn put_up_block(config: &Configuration, tun_name: &str) -> Result<BlockHolder, KernelError> {
    if let Some(pid) = claim::holder() {
        return Ok(BlockHolder::Gateway(pid));
    }
    let mut netlink = Netlink::open()?;
    let own = config
        .connections
        .iter()
        .filter_map(|c| c.interface.as_ref());
    for interface in own {
        if interfaces::is_foreign(&mut netlink, &interface.name)? {
            let hint = "there is an interface of that name that belongs to somebody else, and what a route leads into it would pass. Fix: another name in the tunnel's `interface`";
            return Err(KernelError::own("protect", &interface.name, hint));
        }
    }
    let connections: Vec<Arc<Connection>> =
        config.connections.iter().cloned().map(Arc::new).collect();
    let present = Present {
        links: shield::links(&netlink.addresses()?, &Devices::default()),
        ..Present::default()
    };
    let mut block = shield::block(BLOCK_TABLE, config, &connections, tun_name, &present);
    if config.gateway.backend == adit_config::Backend::Auto {
        block.passes_ipsec = xfrm::goes_on();
    }
    let mut mechanism = block::install(&block)?;
    if let BlockMechanism::UnreachableRoutes { uncovered, .. } = &mut mechanism {
        // There needn't be policies of the kernel's IPsec that hold back what routes can't.
        block.passes_ipsec = false;
        *uncovered = block::install_routes(&block)?;
    }
    if let Some(problem) = too_weak(&block, &mechanism) {
        return Err(problem);
    }
    Ok(BlockHolder::Kernel(name_of(&mechanism)))
}

/// What holds a block in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockHolder {
    /// The kernel: `nftables` or `routes`.
    Kernel(&'static str),
    /// The gateway with this process id, which keeps its own.
    Gateway(u32),
}

/// What routes can't do in the place of a packet filter.
fn too_weak(block: &PolicyBlock, mechanism: &BlockMechanism) -> Option<KernelError> {
    let BlockMechanism::UnreachableRoutes { because, uncovered } = mechanism else {
        return None;
    };
    if !block.policies.is_empty() {
        return Some(no_policies(because));
    }
    (!uncovered.is_empty()).then(|| {
        KernelError::own(
            "block clear traffic to",
            list(uncovered),
            format!(
                "neither a default route nor a peer's own address can be blocked without nf_tables ({because})"
            ),
        )
    })
}

fn name_of(mechanism: &BlockMechanism) -> &'static str {
    match mechanism {
        BlockMechanism::PacketFilter => "nftables",
        BlockMechanism::UnreachableRoutes { .. } => "routes",
    }
}

/// The tunnel's device that what the gateway itself sends to `peer` is routed into now, which must never be.
#[must_use]
pub fn led_into_tunnel(peer: IpAddr) -> Option<String> {
    let mut netlink = Netlink::open().ok()?;
    let device = netlink.own_route_to(peer).ok()?.device?;
    let link = netlink.link_by_index(device).ok()?;
    interfaces::leads_into_tunnel(&link).then_some(link.name)
}

/// What the block has stopped, by tunnel.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or the kernel has no nf_tables.
pub fn block_counters() -> Result<Vec<block::BlockCount>, KernelError> {
    block::read_counters(BLOCK_TABLE)
}

/// Routes can't tell what a policy tells apart.
fn no_policies(because: impl std::fmt::Display) -> KernelError {
    KernelError::own("enforce", "policies", because.to_string())
}

/// Takes away a block that wasn't there before.
fn undo_block(was_blocked: bool) {
    if !was_blocked {
        // The error that led here is the one to tell.
        let _ = block::remove(BLOCK_TABLE);
    }
}

/// The tightest tunnel without an interface decides.
fn device_mtu(netlink: &mut Netlink, provider: &Provider, connections: &[Arc<Connection>]) -> u32 {
    connections
        .iter()
        .filter(|connection| connection.interface.is_none())
        .map(|connection| mtu::of_tunnel(netlink, provider, connection))
        .min()
        .unwrap_or(1400)
}

/// For what isn't worth giving up for.
fn complain<T>(outcome: Result<T, impl std::fmt::Display>) {
    if let Err(error) = outcome {
        tracing::warn!("{error}");
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// The packet filter table of the block.
pub(crate) const BLOCK_TABLE: &str = "adit";
/// Peers that get a way of their own when no configuration names them.
const MOST_PEERS: usize = 256;
