//! What a bypass policy keeps out of tunnels, and what the gateway itself sends to peers, takes the routes that the host
//! has beside the tunnels' devices: they are copied into a table of its own, which routing rules send that traffic to. So
//! whatever leads into a tunnel, and whoever added it, the tunnel's own packets never go there.

use std::net::{Ipv4Addr, Ipv6Addr};

use adit_kernel::netlink::{ADIT_PROTOCOL, Flow, MAIN_TABLE, Route, RouteKind, Rule};
use adit_kernel::{KernelError, Netlink, OWN_MARK};
use adit_model::policy::{Action, Policy};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::interfaces::Devices;

/// The rules that send the traffic of bypass policies to [`TABLE`].
#[must_use]
pub fn rules(policies: &[Policy]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for policy in policies.iter().filter(|p| p.action == Action::Bypass) {
        for (local, remote) in policy.pairs() {
            let ports = |ports| (ports != (0, u16::MAX)).then_some(ports);
            let protocol = local.protocol.max(remote.protocol);
            let flow = Flow {
                protocol: (protocol != 0).then_some(protocol),
                source: ports(local.ports),
                destination: ports(remote.ports),
            };
            for from in local.nets() {
                for to in remote.nets() {
                    rules.push(Rule {
                        priority: PRIORITY,
                        from: Some(from),
                        to,
                        mark: None,
                        flow,
                        table: TABLE,
                    });
                }
            }
        }
    }
    rules
}

/// The rules that send what the gateway itself sends to [`TABLE`].
#[must_use]
pub fn own_rules() -> [Rule; 2] {
    EVERYTHING.map(|to| Rule {
        priority: OWN_PRIORITY,
        from: None,
        to,
        mark: Some(OWN_MARK),
        flow: Flow::default(),
        table: TABLE,
    })
}

/// Makes the table hold what the main table has beside the tunnels' `devices`. Where that leads nowhere, the table says so:
/// no other one is looked up then.
///
/// # Errors
/// When the kernel refuses.
pub fn copy_routes(netlink: &mut Netlink, devices: &Devices) -> Result<(), KernelError> {
    let routes = netlink.routes()?;
    let beside: Vec<&Route> = routes
        .iter()
        .filter(|r| r.table == MAIN_TABLE && r.kind == RouteKind::Unicast && !devices.has(r.device))
        .collect();
    // With several next hops, which aren't told one by one, there is nothing to copy, and the main table has to decide.
    let plain = |r: &&Route| r.device.is_some() || r.via.is_some();
    let ends = EVERYTHING.into_iter().filter(|all| {
        let of_family = |r: &&&Route| r.destination.addr().is_ipv4() == all.addr().is_ipv4();
        beside.iter().filter(of_family).all(plain)
    });
    let mut wanted: Vec<Route> = beside
        .iter()
        .filter(|r| plain(r))
        .map(|r| Route {
            table: TABLE,
            protocol: ADIT_PROTOCOL,
            ..(*r).clone()
        })
        .collect();
    wanted.extend(ends.map(|all| Route {
        table: TABLE,
        ..Route::unreachable(all, LAST)
    }));
    for stale in routes.iter().filter(|r| r.table == TABLE) {
        if !wanted.contains(stale) {
            netlink.delete_route(stale)?;
        }
    }
    for route in wanted.iter().filter(|route| !routes.contains(route)) {
        if let Err(error) = netlink.add_route(route) {
            // A route by way of another one can only follow it; the next look tries again.
            tracing::debug!("{error}");
        }
    }
    Ok(())
}

/// Removes what [`copy_routes`] has made.
///
/// # Errors
/// When the kernel refuses.
pub fn remove_routes(netlink: &mut Netlink) -> Result<(), KernelError> {
    for route in netlink.routes()?.iter().filter(|r| r.table == TABLE) {
        netlink.delete_route(route)?;
    }
    Ok(())
}

/// The table with the routes beside the TUN device.
pub const TABLE: u32 = 5208;
/// Before the rules of tunnels.
const PRIORITY: u32 = 5190;
/// What the gateway itself sends, before whatever leads into tunnels.
const OWN_PRIORITY: u32 = 5195;
/// The worst of metrics but one, which marks the routes of the block.
const LAST: u32 = 0xff00_ad16;
const EVERYTHING: [IpNet; 2] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0)),
];
