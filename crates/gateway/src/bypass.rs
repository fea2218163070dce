//! What a bypass policy keeps out of tunnels takes the routes that the host has beside the TUN device: they are copied
//! into a table of its own, which routing rules send that traffic to.

use adit_kernel::netlink::{ADIT_PROTOCOL, Flow, MAIN_TABLE, Route, RouteKind, Rule};
use adit_kernel::{KernelError, Netlink};
use adit_model::policy::{Action, Policy};

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

/// Makes the table hold what the main table has beside the device with index `tun`.
///
/// # Errors
/// When the kernel refuses.
pub fn copy_routes(netlink: &mut Netlink, tun: u32) -> Result<(), KernelError> {
    let routes = netlink.routes()?;
    let wanted: Vec<Route> = routes
        .iter()
        .filter(|r| r.table == MAIN_TABLE && r.kind == RouteKind::Unicast && r.device != Some(tun))
        .map(|r| Route {
            table: TABLE,
            protocol: ADIT_PROTOCOL,
            ..r.clone()
        })
        .collect();
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
