//! The configuration payload (RFC 7296 2.19, 3.15): what a client asks for, what it is given, and what of that counts.
//!
//! ```text
//! client  CP(CFG_REQUEST: ADDRESS, DNS, SUBNET), SAi2, TSi = everything, TSr  ──►
//!                           ◄──  CP(CFG_REPLY: ADDRESS, DNS, SUBNET), SAr2, TSi = that address, TSr  server
//! ```
//!
//! Nothing in a reply widens what is configured: an address has to be one of a host, and of a family that was asked for;
//! networks only count where they lie within the configured ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use adit_model::address::is_host_beyond_the_link;
use adit_model::connection::{self, Connection};
use adit_model::reason::AddressProblem;
use adit_model::selector::{Selector, narrow};
use adit_wire::iana::{CfgAttribute, CfgType};
use adit_wire::v2::{CpPayload, Payload, PayloadList};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::head::Head;
use crate::lease::Lease;
use crate::snapshot::Inner;
use crate::v2::narrow::Traffic;

/// Addresses that a request asks for: the first of each family.
pub(crate) fn asked(payloads: &PayloadList) -> Vec<IpAddr> {
    let request = payloads.cp().filter(|cp| cp.kind == CfgType::CFG_REQUEST);
    let mut found: Vec<IpAddr> = Vec::new();
    for (attribute, value) in request.iter().flat_map(|cp| &cp.attributes) {
        let address: IpAddr = match *attribute {
            CfgAttribute::INTERNAL_IP4_ADDRESS => {
                read_v4(value).unwrap_or(Ipv4Addr::UNSPECIFIED).into()
            }
            CfgAttribute::INTERNAL_IP6_ADDRESS => {
                read_v6(value).unwrap_or(Ipv6Addr::UNSPECIFIED).into()
            }
            _ => continue,
        };
        if found.iter().all(|a| a.is_ipv4() != address.is_ipv4()) {
            found.push(address);
        }
    }
    found
}

/// `CP(CFG_REQUEST)` for what is wanted; what we have `held` is asked for again.
pub(crate) fn request(connection: &Connection, held: &[IpAddr]) -> Option<Payload> {
    let wanted = &connection.inner.wanted;
    let mut attributes = Vec::new();
    for address in wanted {
        let again = held.iter().find(|a| a.is_ipv4() == address.is_ipv4());
        let value = match again.unwrap_or(address) {
            any if any.is_unspecified() => Vec::new(),
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => with_prefix(*v6, 128),
        };
        let [kind, dns, subnet] = kinds(address.is_ipv4());
        attributes.extend([(kind, value), (dns, Vec::new()), (subnet, Vec::new())]);
    }
    if attributes.is_empty() {
        return None;
    }
    Some(Payload::Cp(CpPayload {
        kind: CfgType::CFG_REQUEST,
        attributes,
    }))
}

/// `CP(CFG_REPLY)` with what a client is given.
pub(crate) fn reply(lease: &Lease) -> Payload {
    let value = |address: &IpAddr| match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let mut attributes = Vec::new();
    for address in &lease.addresses {
        let [kind, ..] = kinds(address.is_ipv4());
        let value = match address {
            IpAddr::V4(_) => value(address),
            IpAddr::V6(v6) => with_prefix(*v6, 128),
        };
        attributes.push((kind, value));
    }
    for server in &lease.dns {
        let [_, kind, _] = kinds(server.is_ipv4());
        attributes.push((kind, value(server)));
    }
    for net in &lease.split {
        let [_, _, kind] = kinds(net.addr().is_ipv4());
        let value = match net {
            IpNet::V4(net) => [net.network().octets(), net.netmask().octets()].concat(),
            IpNet::V6(net) => with_prefix(net.network(), net.prefix_len()),
        };
        attributes.push((kind, value));
    }
    Payload::Cp(CpPayload {
        kind: CfgType::CFG_REPLY,
        attributes,
    })
}

/// What a reply gives us, and what of it doesn't count, each with a reason.
pub(crate) fn given(
    head: &Head,
    payloads: &PayloadList,
) -> Result<(Inner, Vec<String>), AddressProblem> {
    let connection = &*head.connection;
    let outer = [head.path.local.ip(), head.path.remote.ip()];
    let wanted = &connection.inner.wanted;
    let reply = payloads.cp().filter(|cp| cp.kind == CfgType::CFG_REPLY);
    let mut inner = Inner::default();
    let (mut ignored, mut others) = (Vec::new(), Vec::new());
    for (attribute, value) in reply.iter().flat_map(|cp| &cp.attributes) {
        let unreadable = || format!("{attribute} of {} octets", value.len());
        let v4 = || read_v4(value).map(IpAddr::from);
        let v6 = || read_v6(value).map(IpAddr::from);
        match *attribute {
            CfgAttribute::INTERNAL_IP4_ADDRESS | CfgAttribute::INTERNAL_IP6_ADDRESS => {
                let read = if *attribute == CfgAttribute::INTERNAL_IP4_ADDRESS {
                    v4()
                } else {
                    v6()
                };
                let Some(address) = read else {
                    ignored.push(unreadable());
                    continue;
                };
                let of_family = |a: &&IpAddr| a.is_ipv4() == address.is_ipv4();
                if !wanted.iter().any(|a| of_family(&a)) {
                    others.push(address);
                } else if !is_host_beyond_the_link(address) || outer.contains(&address) {
                    let given = address.to_string();
                    return Err(AddressProblem::Unusable { given });
                } else if inner.ours.iter().any(|a| of_family(&a)) {
                    ignored.push(format!("{address}: one address of a family is enough"));
                } else {
                    inner.ours.push(address);
                }
            }
            CfgAttribute::INTERNAL_IP4_DNS | CfgAttribute::INTERNAL_IP6_DNS => {
                let read = if *attribute == CfgAttribute::INTERNAL_IP4_DNS {
                    v4()
                } else {
                    v6()
                };
                match read.filter(|a| is_host_beyond_the_link(*a)) {
                    Some(server) if inner.dns.len() < MOST_KEPT => inner.dns.push(server),
                    Some(_) => ignored.push(format!("more than {MOST_KEPT} name servers")),
                    None => ignored.push(unreadable()),
                }
            }
            CfgAttribute::INTERNAL_IP4_SUBNET | CfgAttribute::INTERNAL_IP6_SUBNET => {
                match read_net(*attribute, value) {
                    Some(net) => subnet(connection, net, &mut inner, &mut ignored),
                    None => ignored.push(format!("{} that is no network", unreadable())),
                }
            }
            // A netmask says nothing about an address behind which nobody else is (3.15.1); the rest wasn't asked for.
            _ => {}
        }
        ignored.truncate(MOST_KEPT);
        others.truncate(MOST_KEPT);
    }
    match (inner.ours.is_empty(), others.is_empty()) {
        (false, _) => {
            ignored.extend(others.iter().map(|a| format!("{a}: nobody asked for it")));
            Ok((inner, ignored))
        }
        (true, true) => Err(AddressProblem::NotGiven {
            asked: wanted.clone(),
        }),
        (true, false) => Err(AddressProblem::OtherFamily {
            asked: wanted.clone(),
            given: others,
        }),
    }
}

/// A network counts as far as it is configured.
fn subnet(connection: &Connection, net: IpNet, inner: &mut Inner, ignored: &mut Vec<String>) {
    let configured = connection.children.iter().flat_map(|c| &c.remote_ts);
    let within = configured
        .into_iter()
        .any(|ts| ts.intersect(&Selector::net(net)).is_some());
    if !within {
        ignored.push(format!("network {net}: not within what is configured"));
    } else if inner.split.len() >= MOST_KEPT {
        ignored.push(format!("more than {MOST_KEPT} networks"));
    } else if !inner.split.contains(&net) {
        inner.split.push(net);
    }
}

/// The child as it is for these peers: given addresses take the place of placeholders.
pub(crate) fn effective(head: &Head, config: &connection::Child) -> connection::Child {
    let mut child = config.clone();
    let hosts = |addresses: &[IpAddr]| -> Vec<Selector> {
        addresses.iter().copied().map(Selector::host).collect()
    };
    let (inner, configured) = (&head.inner, &head.connection.inner);
    if !configured.wanted.is_empty() {
        child.local_ts = narrow(&child.local_ts, &hosts(&inner.ours));
        child.remote_ts = split(child.remote_ts, &inner.split);
    }
    if !configured.pools.is_empty() {
        child.remote_ts = narrow(&child.remote_ts, &hosts(&inner.theirs));
        child.local_ts = split(child.local_ts, &inner.split);
    }
    child
}

/// What a client asks for its side of a CHILD SA stands for the address that it is given.
pub(crate) fn without_placeholder(head: &Head, mut offered: Traffic) -> Traffic {
    if !head.connection.inner.pools.is_empty() {
        let hosts: Vec<Selector> = head
            .inner
            .theirs
            .iter()
            .copied()
            .map(Selector::host)
            .collect();
        offered.remote = narrow(&offered.remote, &hosts);
        offered.local = split(offered.local, &head.inner.split);
    }
    offered
}

/// What of the server's networks lies within those that it told; all of a family where it told none that does.
fn split(configured: Vec<Selector>, told: &[IpNet]) -> Vec<Selector> {
    let told: Vec<Selector> = told.iter().copied().map(Selector::net).collect();
    let less = narrow(&configured, &told);
    let has = |v4: bool| less.iter().any(|ts| ts.start.is_ipv4() == v4);
    let whole = configured.into_iter().filter(|ts| !has(ts.start.is_ipv4()));
    whole
        .collect::<Vec<_>>()
        .into_iter()
        .chain(less.clone())
        .collect()
}

/// Attributes for address, name server and network of a family.
fn kinds(v4: bool) -> [CfgAttribute; 3] {
    if v4 {
        [
            CfgAttribute::INTERNAL_IP4_ADDRESS,
            CfgAttribute::INTERNAL_IP4_DNS,
            CfgAttribute::INTERNAL_IP4_SUBNET,
        ]
    } else {
        [
            CfgAttribute::INTERNAL_IP6_ADDRESS,
            CfgAttribute::INTERNAL_IP6_DNS,
            CfgAttribute::INTERNAL_IP6_SUBNET,
        ]
    }
}

fn read_v4(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

/// Sixteen octets, with or without the length of a prefix behind them.
fn read_v6(value: &[u8]) -> Option<Ipv6Addr> {
    let (address, rest) = value.split_first_chunk::<16>()?;
    (rest.len() <= 1).then(|| Ipv6Addr::from(*address))
}

/// A network; masks with holes make none.
fn read_net(kind: CfgAttribute, value: &[u8]) -> Option<IpNet> {
    if kind == CfgAttribute::INTERNAL_IP4_SUBNET {
        let (address, mask) = value.split_first_chunk::<4>()?;
        let mask = <[u8; 4]>::try_from(mask).ok()?;
        let net = Ipv4Net::with_netmask((*address).into(), mask.into()).ok()?;
        return Some(IpNet::V4(net.trunc()));
    }
    let (address, prefix) = value.split_first_chunk::<16>()?;
    let [prefix] = <[u8; 1]>::try_from(prefix).ok()?;
    let net = Ipv6Net::new((*address).into(), prefix).ok()?;
    Some(IpNet::V6(net.trunc()))
}

fn with_prefix(address: Ipv6Addr, prefix: u8) -> Vec<u8> {
    let mut value = address.octets().to_vec();
    value.push(prefix);
    value
}

/// Most name servers, networks, and things to be ignored that are kept.
const MOST_KEPT: usize = 32;
