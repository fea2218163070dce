//! What the gateway changes on its host: the block, the TUN device, routes. All in one place, so that it can be undone
//! in one place.
//!
//! The block goes up first and outlives the process, however that ends: packets that policy protects find no other way
//! out. It is taken away by an explicit act only ([`Host::unblock`], or [`remove_left_block`] when no gateway runs).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use adit_crypto::Provider;
use adit_kernel::{
    BlockMechanism, KernelError, Netlink, PolicyBlock, ProtectedTunnel, Tun, TunConfig, block,
    sysctl,
};
use adit_model::connection::{Connection, Remote};
use adit_model::policy::{Action, Policy};
use ipnet::IpNet;

use crate::bypass;
use crate::claim;
use crate::error::GatewayError;
use crate::given::{ByTunnel, Given};
use crate::mtu;
use crate::options::Options;
use crate::routes::{self, Routes, Wanted};

/// The host as this gateway has changed it.
pub struct Host {
    netlink: Netlink,
    connections: Vec<Arc<Connection>>,
    block: PolicyBlock,
    mechanism: BlockMechanism,
    routes: Routes,
    tun: u32,
    tun_name: String,
    /// Whether a block was there before this gateway.
    was_blocked: bool,
    /// Tunnels that were taken down and may pass in clear.
    unblocked: BTreeSet<String>,
    /// Addresses inside tunnels that peers gave us.
    inner: Given,
    /// Whether routes go by them.
    led: bool,
    /// What [`Host::tend`] last complained about.
    complaint: Option<String>,
}

impl Host {
    /// Prepares the host for `connections`: block, device, routes. On failure everything is as before, except that a
    /// block which was there already stays.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn prepare(
        options: &Options,
        provider: &Provider,
        connections: &[Arc<Connection>],
    ) -> Result<(Self, Tun), GatewayError> {
        let mut netlink = Netlink::open()?;
        Routes::clean(&mut netlink, connections)?;
        let mtu = options
            .tun_mtu
            .unwrap_or_else(|| device_mtu(&mut netlink, provider, connections));
        let mut block = PolicyBlock::new(BLOCK_TABLE);
        block.peers = peers(connections).collect();
        block.ike_ports = ports(options, connections);
        block.policies.clone_from(&options.config.policies);
        block.tunnels = protected(connections, &options.tun_name, &BTreeSet::new());
        let was_blocked = block::is_installed(BLOCK_TABLE)?;
        let mechanism = block::install(&block)?;
        let undo = || undo_block(was_blocked);
        if let BlockMechanism::UnreachableRoutes { because, uncovered } = &mechanism {
            if !block.policies.is_empty() {
                undo();
                return Err(no_policies(because).into());
            }
            if !uncovered.is_empty() {
                let error = KernelError::own(
                    "block clear traffic to",
                    list(uncovered),
                    format!("a default route can't be blocked without nf_tables ({because})"),
                );
                undo();
                return Err(error.into());
            }
            tracing::warn!(
                "nf_tables can't be used ({because}); clear traffic is blocked by routes"
            );
        }
        let config = TunConfig::new(&options.tun_name).with_mtu(mtu);
        let tun = match Tun::create(&config) {
            Ok(tun) => tun,
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
            tun: tun.index(),
            tun_name: tun.name().to_owned(),
            was_blocked,
            unblocked: BTreeSet::new(),
            inner: Given::default(),
            led: true,
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
        Ok((host, tun))
    }

    /// What holds the block in place.
    #[must_use]
    pub fn block_name(&self) -> &'static str {
        match self.mechanism {
            BlockMechanism::PacketFilter => "nftables",
            BlockMechanism::UnreachableRoutes { .. } => "routes",
        }
    }

    /// Whether clear traffic of a tunnel is blocked.
    #[must_use]
    pub fn is_blocked(&self, tunnel: &str) -> bool {
        !self.unblocked.contains(tunnel)
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
        let way = self.netlink.route_to(peer, None)?;
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
        let outside = all.filter(|a| a.global && !a.tentative && a.index != self.tun);
        Ok(outside.map(|a| a.net.addr()).collect())
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
        let wanted = self.wanted()?;
        if !routes::covers(&wanted, peer) {
            return Ok(());
        }
        if routes::catches(&wanted, peer) {
            self.routes.keep_out(&mut self.netlink, peer, self.tun)?;
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

    /// Brings addresses of the device and routes from them to what peers gave us.
    fn settle_inner(&mut self) -> Result<(), GatewayError> {
        let (netlink, tun) = (&mut self.netlink, self.tun);
        let added = self
            .inner
            .add(|address| netlink.add_address(tun, IpNet::from(address)));
        // Routes first: the kernel takes away those that name an address that goes.
        let led = self.lead();
        self.led = led.is_ok();
        let netlink = &mut self.netlink;
        let deleted = self
            .inner
            .delete(|address| netlink.delete_address(tun, IpNet::from(address)));
        added?;
        led?;
        Ok(deleted?)
    }

    /// Lets the traffic of `tunnel` pass in clear.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn unblock(&mut self, tunnel: &str) -> Result<(), GatewayError> {
        self.unblocked.insert(tunnel.to_owned());
        self.rebuild()
    }

    /// Takes the traffic of `tunnel` under protection again.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn block_again(&mut self, tunnel: &str) -> Result<(), GatewayError> {
        if self.unblocked.remove(tunnel) {
            self.rebuild()?;
        }
        Ok(())
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
    ) -> Result<(), GatewayError> {
        let before = (
            std::mem::replace(&mut self.connections, connections.to_vec()),
            self.block.clone(),
            self.unblocked.clone(),
        );
        let old_peers: Vec<IpAddr> = peers(&before.0).collect();
        self.block.peers.retain(|peer| !old_peers.contains(peer));
        for peer in peers(connections) {
            if !self.block.peers.contains(&peer) {
                self.block.peers.push(peer);
            }
        }
        self.block.ike_ports = ports(options, connections);
        self.block.policies.clone_from(&options.config.policies);
        let configured = |name: &String| connections.iter().any(|c| c.name == *name);
        self.unblocked.retain(configured);
        if let Err(error) = self.change() {
            (self.connections, self.block, self.unblocked) = before;
            if let Err(worse) = self.change() {
                tracing::warn!("{worse}");
            }
            return Err(error);
        }
        if options.tun_mtu.is_none() {
            let mtu = device_mtu(&mut self.netlink, provider, connections);
            self.netlink.set_link_mtu(self.tun, mtu)?;
        }
        self.warn_about_forwarding();
        Ok(())
    }

    /// Brings block and routes to what is configured; the block first, so that nothing leaves in clear meanwhile.
    fn change(&mut self) -> Result<(), GatewayError> {
        self.block.tunnels = protected(&self.connections, &self.tun_name, &self.unblocked);
        self.mechanism = block::install(&self.block)?;
        let policies = &self.block.policies;
        if let BlockMechanism::UnreachableRoutes { because, .. } = &self.mechanism
            && !policies.is_empty()
        {
            return Err(no_policies(because).into());
        }
        self.routes
            .clear_only(&mut self.netlink, policies, self.tun)?;
        self.lead()
    }

    /// Brings routes to what is wanted now; those that stay aren't touched.
    fn lead(&mut self) -> Result<(), GatewayError> {
        let wanted = self.wanted()?;
        for peer in self.block.peers.clone() {
            if routes::catches(&wanted, peer) {
                self.routes.keep_out(&mut self.netlink, peer, self.tun)?;
            }
        }
        self.routes.lead_only(&mut self.netlink, &wanted, self.tun)
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

    /// Removes routes. The device goes with its descriptor; the block stays.
    pub fn leave(&mut self) {
        self.routes.remove(&mut self.netlink);
    }

    /// Undoes everything, for a gateway that couldn't start.
    pub fn abandon(mut self) {
        self.leave();
        undo_block(self.was_blocked);
    }

    fn put_back(&mut self) -> Result<(), GatewayError> {
        let settled = if self.led && self.inner.is_settled() {
            Ok(())
        } else {
            self.settle_inner()
        };
        let filters = self.mechanism == BlockMechanism::PacketFilter;
        let empty = self.block.tunnels.is_empty() && self.block.policies.is_empty();
        if filters && !empty && !block::is_installed(BLOCK_TABLE)? {
            self.mechanism = block::install(&self.block)?;
            tracing::warn!("somebody removed the block against clear traffic; it is back");
        }
        let bypass = |policy: &Policy| policy.action == Action::Bypass;
        if self.block.policies.iter().any(bypass) {
            bypass::copy_routes(&mut self.netlink, self.tun)?;
        }
        let back = self.routes.restore(&mut self.netlink)?;
        if !back.is_empty() {
            let device = &self.tun_name;
            tracing::warn!("routes had gone and are back ({device}): {}", list(&back));
        }
        settled
    }

    fn rebuild(&mut self) -> Result<(), GatewayError> {
        self.block.tunnels = protected(&self.connections, &self.tun_name, &self.unblocked);
        // While routes are changed, what is protected is blocked already, and what no longer is may still end in the
        // device: too much is held back for a moment, never too little.
        self.mechanism = block::install(&self.block)?;
        self.routes.remove(&mut self.netlink);
        self.install_routes()
    }

    fn install_routes(&mut self) -> Result<(), GatewayError> {
        let wanted = self.wanted()?;
        for peer in self.block.peers.clone() {
            if routes::catches(&wanted, peer) {
                self.routes.keep_out(&mut self.netlink, peer, self.tun)?;
            }
        }
        self.routes
            .lead_into(&mut self.netlink, &wanted, self.tun)?;
        let policies = &self.block.policies;
        self.routes
            .keep_in_clear(&mut self.netlink, policies, self.tun)?;
        Ok(())
    }

    fn wanted(&mut self) -> Result<Vec<Wanted>, KernelError> {
        let addresses = self.netlink.addresses()?;
        let protected: Vec<_> = self
            .connections
            .iter()
            .filter(|c| !self.unblocked.contains(&c.name))
            .cloned()
            .collect();
        Ok(routes::wanted(&protected, &addresses, &self.inner.usable()))
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

/// Lifts the block that a gateway left behind, if it left one. A running gateway is asked by its control socket
/// instead.
///
/// # Errors
/// When a gateway runs in this network namespace, or CAP_NET_ADMIN is missing.
pub fn remove_left_block() -> Result<(), KernelError> {
    if let Some(pid) = claim::holder() {
        let hint =
            format!("a running gateway (pid {pid}) holds it; name its directory with --state");
        return Err(KernelError::own("lift", "the block", hint));
    }
    block::remove(BLOCK_TABLE).map(drop)
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

fn protected(
    connections: &[Arc<Connection>],
    device: &str,
    unblocked: &BTreeSet<String>,
) -> Vec<ProtectedTunnel> {
    connections
        .iter()
        .filter(|c| !unblocked.contains(&c.name))
        .flat_map(|connection| {
            connection.children.iter().map(move |child| {
                let nets = |list: &[adit_model::selector::Selector]| {
                    list.iter().flat_map(|ts| ts.nets()).collect()
                };
                ProtectedTunnel::new(
                    &connection.name,
                    nets(&child.local_ts),
                    nets(&child.remote_ts),
                    device,
                )
            })
        })
        .collect()
}

fn peers(connections: &[Arc<Connection>]) -> impl Iterator<Item = IpAddr> {
    connections.iter().flat_map(|c| routes::possible_peers(c))
}

fn ports(options: &Options, connections: &[Arc<Connection>]) -> Vec<u16> {
    let gateway = &options.config.gateway;
    let mut ports: Vec<u16> = connections.iter().map(|c| c.remote_port).collect();
    ports.extend([gateway.ike_port, gateway.nat_t_port]);
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The tightest tunnel decides; a peer that isn't known yet counts as behind the widest guess, 1500 octets.
fn device_mtu(netlink: &mut Netlink, provider: &Provider, connections: &[Arc<Connection>]) -> u32 {
    connections
        .iter()
        .map(|connection| {
            let (link, v6) = match connection.remote {
                Remote::Address(peer) => (link_mtu(netlink, peer), peer.is_ipv6()),
                Remote::Name(_) | Remote::Any => (None, true),
            };
            mtu::inner_mtu(provider, connection, link.unwrap_or(1500), v6)
        })
        .min()
        .unwrap_or(1400)
}

fn link_mtu(netlink: &mut Netlink, peer: IpAddr) -> Option<u32> {
    let way = netlink.route_to(peer, None).ok()?;
    let device = netlink.link_by_index(way.device?).ok()?;
    Some(way.mtu.map_or(device.mtu, |known| known.min(device.mtu)))
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// The packet filter table of the block.
const BLOCK_TABLE: &str = "adit";
/// Peers that get a way of their own when no configuration names them.
const MOST_PEERS: usize = 256;
