//! The fail-closed block: what policy protects never leaves or enters in clear, whether or not a gateway is alive.
//!
//! A TUN device and its routes vanish with the process that holds them, and packets then follow the default route in
//! clear. So the block doesn't live in the process: it is a table of the packet filter that decides *after* routing, by
//! outgoing interface, for forwarded and local packets of both IP versions. What it stops, it counts.
//!
//! Inbound, packets of a protected remote network that arrive in clear are stopped too (RFC 4301 section 5.2).

mod exceptions;
mod plan;
mod routes;

use std::net::IpAddr;

use adit_model::policy::Policy;
use ipnet::IpNet;

pub use routes::BLOCK_METRIC;

use crate::error::{KernelError, Result};
use crate::nft::{self, Count};

/// What to protect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyBlock {
    /// Name of the packet filter table; one gateway, one table.
    pub table: String,
    /// The tunnels whose traffic is protected, up or down.
    pub tunnels: Vec<ProtectedTunnel>,
    /// Addresses of the peers. IKE and ESP from this host to them pass, so that a tunnel for all addresses doesn't cut its
    /// own path; so does what the gateway sends from its own sockets, to whomever. What is forwarded gets no such way.
    pub peers: Vec<IpAddr>,
    /// Policies that go before the tunnels. What a drop policy stops is counted as `policy-NAME`.
    pub policies: Vec<Policy>,
    /// UDP ports of IKE and of ESP in UDP, ours or the peers'.
    pub ike_ports: Vec<u16>,
    /// Those of them that are ours: whoever sends there speaks IKE or ESP, which protect themselves.
    pub own_ports: Vec<u16>,
    /// Whether what the kernel's own IPsec will protect, or has opened, passes: by which device it goes says nothing then.
    pub passes_ipsec: bool,
}

impl PolicyBlock {
    /// A block of table `table` that protects nothing yet, with IKE's ports 500 and 4500.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            tunnels: Vec::new(),
            peers: Vec::new(),
            policies: Vec::new(),
            ike_ports: vec![500, 4500],
            own_ports: vec![500, 4500],
            passes_ipsec: false,
        }
    }

    /// The same without what may pass for now.
    fn required(&self) -> Self {
        let mut required = self.clone();
        required.tunnels.retain(|tunnel| !tunnel.optional);
        required
    }
}

/// The traffic of one tunnel. Protocols and ports of its selectors are disregarded: the block is never narrower than
/// the policy; what is to pass all the same needs a bypass policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedTunnel {
    /// Name, which also names the counters `clear-out-NAME` and `clear-in-NAME`.
    pub name: String,
    /// Networks on our side.
    pub local: Vec<IpNet>,
    /// Networks behind the peer.
    pub remote: Vec<IpNet>,
    /// The interfaces this traffic may use.
    pub devices: Vec<String>,
    /// Whether packets to the remote networks are stopped whatever their source. A gateway that lost its TUN sends its
    /// own packets from its outside address, so this is on unless `remote` has a default route, where it would cut
    /// the gateway itself off from the world.
    pub any_source: bool,
    /// Whether the traffic may pass in clear for now, and is only counted (`optional-out-NAME`, `optional-in-NAME`).
    pub optional: bool,
}

impl ProtectedTunnel {
    /// The traffic between `local` and `remote`, which may use `device`.
    pub fn new(
        name: impl Into<String>,
        local: Vec<IpNet>,
        remote: Vec<IpNet>,
        device: impl Into<String>,
    ) -> Self {
        let any_source = remote.iter().all(|net| net.prefix_len() > 0);
        Self {
            name: name.into(),
            local,
            remote,
            devices: vec![device.into()],
            any_source,
            optional: false,
        }
    }
}

/// How the block is held in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockMechanism {
    /// By nf_tables: outbound and inbound, counted.
    PacketFilter,
    /// By `unreachable` routes, since this kernel has no nf_tables: outbound only, not counted, and only where no more
    /// specific route leads elsewhere.
    UnreachableRoutes {
        /// Why not by nf_tables.
        because: KernelError,
        /// Remote networks routes can't protect (default routes, addresses of peers). A gateway that isn't to leak must refuse them.
        uncovered: Vec<IpNet>,
    },
}

/// What the block has stopped for one tunnel since it was first installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockCount {
    /// The tunnel.
    pub tunnel: String,
    /// Packets that would have left in clear.
    pub clear_out: Count,
    /// Packets that arrived in clear.
    pub clear_in: Count,
    /// Packets that left in clear because the tunnel is optional.
    pub optional_out: Count,
    /// Packets that were let in in clear because the tunnel is optional.
    pub optional_in: Count,
    /// Packets that the kernel's IPsec was about to protect, until the host's own source NAT gave them a source that no
    /// policy takes. Stopped.
    pub translated: Count,
}

/// The gateway's own packets that a route led into the device of a tunnel, where they would have been sealed again.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub fn read_caught(table: &str) -> Result<Count> {
    let counters = nft::read_counters(table)?;
    let caught = counters.into_iter().find(|(name, _)| name == plan::CAUGHT);
    Ok(caught.map_or_else(Count::default, |(_, count)| count))
}

/// Puts the block in place in the calling thread's network namespace, at once and as a whole: replacing an older one
/// of the same table leaves no gap, and counters of tunnels that stay go on. Falls back to routes where the kernel has no nf_tables.
///
/// # Errors
/// When CAP_NET_ADMIN is missing, or a name can't be used.
pub fn install(block: &PolicyBlock) -> Result<BlockMechanism> {
    match plan::install(block) {
        Ok(()) => {
            routes::remove()?;
            Ok(BlockMechanism::PacketFilter)
        }
        Err(because) if because.is_unsupported() => {
            let uncovered = install_routes(block)?;
            Ok(BlockMechanism::UnreachableRoutes { because, uncovered })
        }
        Err(error) => Err(error),
    }
}

/// Puts the weaker block of `unreachable` routes in place; returns the remote networks it can't cover.
///
/// # Errors
/// When CAP_NET_ADMIN is missing.
pub fn install_routes(block: &PolicyBlock) -> Result<Vec<IpNet>> {
    routes::install(block)
}

/// What the block of `table` has stopped, by tunnel; empty when it isn't installed.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub fn read_counters(table: &str) -> Result<Vec<BlockCount>> {
    Ok(plan::by_tunnel(nft::read_counters(table)?))
}

/// Whether a block is in place, whichever way it is held; also one that an earlier gateway left behind.
///
/// # Errors
/// When CAP_NET_ADMIN is missing.
pub fn is_installed(table: &str) -> Result<bool> {
    let filter = match nft::read_counters(table) {
        Ok(counters) => !counters.is_empty(),
        Err(error) if error.is_unsupported() => false,
        Err(error) => return Err(error),
    };
    Ok(filter || routes::is_installed()?)
}

/// Whether all of a block is in place that the packet filter holds: somebody may have taken its rules and left the rest.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub fn is_whole(block: &PolicyBlock) -> Result<bool> {
    Ok(nft::count_rules(&block.table)? >= plan::rules(block) && is_installed(&block.table)?)
}

/// Takes the block away, whichever way it is held; says whether there was one.
///
/// # Errors
/// When CAP_NET_ADMIN is missing.
pub fn remove(table: &str) -> Result<bool> {
    let routes = routes::remove()?;
    match nft::delete_table(table) {
        Ok(filter) => Ok(filter || routes),
        Err(error) if error.is_unsupported() => Ok(routes),
        Err(error) => Err(error),
    }
}
