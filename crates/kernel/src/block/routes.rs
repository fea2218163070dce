//! The block as `unreachable` routes, for kernels without nf_tables.
//!
//! Such a route has the worst of metrics: while the TUN's route to the same network exists, that one wins; when it
//! vanishes with its process, the packet finds this one instead of the default route.

use ipnet::IpNet;

use super::PolicyBlock;
use crate::error::Result;
use crate::netlink::{ADIT_PROTOCOL, Netlink, Route, RouteKind};

/// The metric that marks the block's routes, worse than any a gateway or an operator uses.
pub const BLOCK_METRIC: u32 = 0xff00_ad17;

pub(super) fn install(block: &PolicyBlock) -> Result<Vec<IpNet>> {
    let mut netlink = Netlink::open()?;
    let mut uncovered = Vec::new();
    let mut wanted: Vec<IpNet> = Vec::new();
    // A route can't count what it lets pass, but it needn't be there.
    let required = block.required();
    for remote in required.tunnels.iter().flat_map(|tunnel| &tunnel.remote) {
        if remote.prefix_len() == 0 {
            // The host's own default route would have the better metric.
            uncovered.push(*remote);
        } else if is_peer(block, remote) {
            // A route would stop the gateway's own packets too. The kernel's IPsec, where it carries them, has policies that
            // hold back what isn't protected.
            if !block.passes_ipsec {
                uncovered.push(*remote);
            }
        } else {
            wanted.push(remote.trunc());
        }
    }
    for net in &wanted {
        netlink.add_route(&Route::unreachable(*net, BLOCK_METRIC))?;
    }
    for old in installed(&mut netlink)? {
        if !wanted.contains(&old.destination) {
            netlink.delete_route(&old)?;
        }
    }
    Ok(uncovered)
}

/// Whether it is the address of a peer and nothing else.
fn is_peer(block: &PolicyBlock, net: &IpNet) -> bool {
    net.prefix_len() == net.max_prefix_len() && block.peers.contains(&net.addr())
}

pub(super) fn is_installed() -> Result<bool> {
    Ok(!installed(&mut Netlink::open()?)?.is_empty())
}

pub(super) fn remove() -> Result<bool> {
    let mut netlink = Netlink::open()?;
    let mut found = false;
    for route in installed(&mut netlink)? {
        found |= netlink.delete_route(&route)?;
    }
    Ok(found)
}

fn installed(netlink: &mut Netlink) -> Result<Vec<Route>> {
    let mut routes = netlink.routes()?;
    routes.retain(|route| {
        route.protocol == ADIT_PROTOCOL
            && route.kind == RouteKind::Unreachable
            && route.metric == Some(BLOCK_METRIC)
    });
    Ok(routes)
}
