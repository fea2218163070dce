//! Five private network namespaces and the cables between them.
//!
//! Nothing here touches the host's network: the process has left it before (see [`adit_kernel::sandbox`]).

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use adit_kernel::netlink::{Netlink, Route, VethEnd};
use adit_kernel::netns::NetNs;
use adit_kernel::sysctl;
use anyhow::{Context, Result};

use super::plan;

/// The namespaces, each a host of the story.
pub struct Topology {
    /// The host behind west.
    pub west_lan: NetNs,
    /// The near gateway.
    pub west: NetNs,
    /// The NAT box.
    pub nat: NetNs,
    /// The far gateway.
    pub east: NetNs,
    /// The host behind east.
    pub east_lan: NetNs,
}

/// A virtual cable usually carries packets at once, and after a second at the latest.
const CARRIER_LIMIT: Duration = Duration::from_secs(5);
/// The NAT box's interface towards east, where the wire is watched.
pub const NAT_OUT: &str = "out";
/// The NAT box's interface towards west.
pub const NAT_IN: &str = "in";
/// The gateways' interface towards each other.
pub const WAN: &str = "wan";

impl Topology {
    /// Makes and wires everything.
    pub fn build() -> Result<Self> {
        let make = || NetNs::create().context("making a network namespace");
        let net = Topology {
            west_lan: make()?,
            west: make()?,
            nat: make()?,
            east: make()?,
            east_lan: make()?,
        };
        for ns in [&net.west_lan, &net.west, &net.nat, &net.east, &net.east_lan] {
            ns.run(sysctl::skip_duplicate_address_detection)??;
            inside(ns, |nl| {
                let loopback = nl.link("lo")?.index;
                Ok(nl.set_link_up(loopback, true)?)
            })?;
        }
        let cables = [
            ((&net.west_lan, "eth0"), (&net.west, "lan")),
            ((&net.west, WAN), (&net.nat, NAT_IN)),
            ((&net.nat, NAT_OUT), (&net.east, WAN)),
            ((&net.east, "lan"), (&net.east_lan, "eth0")),
        ];
        for (near, far) in cables {
            cable(near, far)?;
        }

        addresses(&net.west_lan, "eth0", &lan_nets(plan::WEST_HOST))?;
        addresses(&net.west, "lan", &lan_nets(plan::WEST_LAN))?;
        addresses(&net.west, WAN, &[format!("{}/24", plan::WEST)])?;
        addresses(&net.nat, NAT_IN, &[format!("{}/24", plan::NAT_INSIDE)])?;
        addresses(&net.nat, NAT_OUT, &[format!("{}/24", plan::NAT_OUTSIDE)])?;
        addresses(&net.east, WAN, &[format!("{}/24", plan::EAST)])?;
        addresses(&net.east, "lan", &lan_nets(plan::EAST_LAN))?;
        addresses(&net.east_lan, "eth0", &lan_nets(plan::EAST_HOST))?;

        for (ns, link) in cables.into_iter().flat_map(|(near, far)| [near, far]) {
            inside(ns, |nl| {
                let index = nl.link(link)?.index;
                Ok(nl.wait_until_ready(index, CARRIER_LIMIT)?)
            })?;
        }

        default_routes(&net.west_lan, &plan::WEST_LAN)?;
        default_routes(&net.west, &[plan::NAT_INSIDE])?;
        // East can't reach behind the NAT box and has somewhere to send strangers' packets, as on a real uplink:
        // without a default route nothing could leak and the proof would prove nothing.
        default_routes(&net.east, &[plan::NAT_OUTSIDE])?;
        default_routes(&net.east_lan, &plan::EAST_LAN)?;

        for ns in [&net.west, &net.nat, &net.east] {
            ns.run(sysctl::enable_forwarding)??;
        }
        Ok(net)
    }
}

/// Runs `work` with a netlink conversation inside a namespace.
pub fn inside<T: Send>(
    ns: &NetNs,
    work: impl FnOnce(&mut Netlink) -> Result<T> + Send,
) -> Result<T> {
    ns.run(|| work(&mut Netlink::open()?))?
}

fn cable(near: (&NetNs, &str), far: (&NetNs, &str)) -> Result<()> {
    Netlink::open()?
        .add_veth(
            VethEnd {
                name: near.1,
                namespace: Some(near.0.as_fd()),
            },
            VethEnd {
                name: far.1,
                namespace: Some(far.0.as_fd()),
            },
        )
        .with_context(|| format!("connecting {} and {}", near.1, far.1))?;
    for (ns, name) in [near, far] {
        inside(ns, |nl| {
            let index = nl.link(name)?.index;
            if name != "lan" && name != "eth0" {
                // The outside speaks IPv4 alone; on the LANs routers need a link-local address to find hosts.
                nl.disable_link_local(index)?;
            }
            Ok(nl.set_link_up(index, true)?)
        })?;
    }
    Ok(())
}

fn lan_nets(addresses: [&str; 2]) -> [String; 2] {
    [
        format!("{}/24", addresses[0]),
        format!("{}/64", addresses[1]),
    ]
}

fn addresses(ns: &NetNs, link: &str, nets: &[String]) -> Result<()> {
    inside(ns, |nl| {
        let index = nl.link(link)?.index;
        for net in nets {
            nl.add_address(
                index,
                net.parse()
                    .with_context(|| format!("the plan's address {net}"))?,
            )?;
        }
        Ok(())
    })
}

fn default_routes(ns: &NetNs, gateways: &[&str]) -> Result<()> {
    inside(ns, |nl| {
        for gateway in gateways {
            let via: IpAddr = gateway
                .parse()
                .with_context(|| format!("the plan's gateway {gateway}"))?;
            let everything = if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            nl.add_route(&Route::to_gateway(
                everything.parse().context("default route")?,
                via,
            ))?;
        }
        Ok(())
    })
}
