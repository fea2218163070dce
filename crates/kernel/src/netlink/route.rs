//! Routes, and the kernel's own answer to "which way would this packet go?"

use std::net::IpAddr;

use ipnet::IpNet;

use super::Netlink;
use super::codec::{Answer, CREATE, EXCLUSIVE, Message, REPLACE, u32_at};
use super::link::{gone_is_fine, present_is_fine};
use crate::datagram::OWN_MARK;
use crate::error::{KernelError, Result};

/// The route protocol number that marks our own routes, so that a restart finds what a crash left.
pub const ADIT_PROTOCOL: u8 = 0xad;

/// The table that is looked up unless a rule says otherwise.
pub const MAIN_TABLE: u32 = 254;

/// What a route does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// Sends it out of a device or to the next hop.
    Unicast,
    /// Drops it and answers "host unreachable".
    Unreachable,
    /// Drops it silently.
    Blackhole,
    /// Drops it and answers "administratively prohibited".
    Prohibit,
    /// Delivers it to this host.
    Local,
    /// Any other `RTN_*` type.
    Other(u8),
}

impl RouteKind {
    fn number(self) -> u8 {
        match self {
            Self::Unicast => 1,
            Self::Local => 2,
            Self::Blackhole => 6,
            Self::Unreachable => 7,
            Self::Prohibit => 8,
            Self::Other(number) => number,
        }
    }

    fn of(number: u8) -> Self {
        match number {
            1 => Self::Unicast,
            2 => Self::Local,
            6 => Self::Blackhole,
            7 => Self::Unreachable,
            8 => Self::Prohibit,
            other => Self::Other(other),
        }
    }
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destination prefix.
    pub destination: IpNet,
    /// What it does.
    pub kind: RouteKind,
    /// Outgoing interface.
    pub device: Option<u32>,
    /// Next hop.
    pub via: Option<IpAddr>,
    /// Source address that local programs get.
    pub source: Option<IpAddr>,
    /// Preference among routes to the same prefix; lower wins. `None`: the kernel's default (IPv4 0, IPv6 1024).
    pub metric: Option<u32>,
    /// Largest packet on this route, bytes.
    pub mtu: Option<u32>,
    /// Routing table.
    pub table: u32,
    /// Who installed it (`RTPROT_*`).
    pub protocol: u8,
}

impl Route {
    /// A route of ours in the main table that leads out of `device`.
    pub fn through(destination: IpNet, device: u32) -> Self {
        Self {
            destination: destination.trunc(),
            kind: RouteKind::Unicast,
            device: Some(device),
            via: None,
            source: None,
            metric: None,
            mtu: None,
            table: MAIN_TABLE,
            protocol: ADIT_PROTOCOL,
        }
    }

    /// A route of ours in the main table to a next hop.
    pub fn to_gateway(destination: IpNet, via: IpAddr) -> Self {
        Self {
            device: None,
            via: Some(via),
            ..Self::through(destination, 0)
        }
    }

    /// A route of ours in the main table that refuses packets.
    pub fn unreachable(destination: IpNet, metric: u32) -> Self {
        Self {
            device: None,
            kind: RouteKind::Unreachable,
            metric: Some(metric),
            ..Self::through(destination, 0)
        }
    }
}

/// The kernel's decision about one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteLookup {
    /// What happens to the packet.
    pub kind: RouteKind,
    /// Outgoing interface.
    pub device: Option<u32>,
    /// Source address a local program would get.
    pub source: Option<IpAddr>,
    /// Next hop, when the destination isn't on the link.
    pub via: Option<IpAddr>,
    /// Path MTU the kernel has learned or a route has set, bytes.
    pub mtu: Option<u32>,
}

impl Netlink {
    /// All routes of all tables (the kernel's cache of path MTUs left out).
    ///
    /// # Errors
    /// When the kernel refuses the listing.
    pub fn routes(&mut self) -> Result<Vec<Route>> {
        let message = Message::new(RTM_GETROUTE, 0, &[0; HEADER]);
        let found = self.transport.dump("list the routes", "", &message)?;
        Ok(found
            .iter()
            .filter_map(|answer| parse(&answer.as_answer()))
            .collect())
    }

    /// Adds a route; says whether it is new.
    ///
    /// # Errors
    /// When its device is down or its next hop isn't on a link, or CAP_NET_ADMIN is missing.
    pub fn add_route(&mut self, route: &Route) -> Result<bool> {
        let message = message(RTM_NEWROUTE, CREATE | EXCLUSIVE, route);
        present_is_fine(
            self.transport
                .request("add the route to", route.destination, message),
        )
    }

    /// Adds a route or puts it in the place of the one with the same prefix, table and metric.
    ///
    /// # Errors
    /// As for [`Self::add_route`].
    pub fn replace_route(&mut self, route: &Route) -> Result<()> {
        let message = message(RTM_NEWROUTE, CREATE | REPLACE, route);
        self.transport
            .request("replace the route to", route.destination, message)
    }

    /// Deletes a route; says whether it was there.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn delete_route(&mut self, route: &Route) -> Result<bool> {
        let message = message(RTM_DELROUTE, 0, route);
        gone_is_fine(
            self.transport
                .request("delete the route to", route.destination, message),
        )
    }

    /// Where a packet to `destination` (from `source`, if given) would go now.
    ///
    /// # Errors
    /// `ENETUNREACH` when there is no route; `EHOSTUNREACH` or `EACCES` for a refusing one.
    pub fn route_to(&mut self, destination: IpAddr, source: Option<IpAddr>) -> Result<RouteLookup> {
        self.look_up(destination, source, None)
    }

    /// Where what the gateway itself sends to `destination` would go now: with its mark.
    ///
    /// # Errors
    /// As [`Self::route_to`].
    pub fn own_route_to(&mut self, destination: IpAddr) -> Result<RouteLookup> {
        self.look_up(destination, None, Some(OWN_MARK))
    }

    /// The same from an address of ours.
    ///
    /// # Errors
    /// As [`Self::route_to`], and when the address isn't ours.
    pub fn own_route_from(&mut self, source: IpAddr, destination: IpAddr) -> Result<RouteLookup> {
        self.look_up(destination, Some(source), Some(OWN_MARK))
    }

    fn look_up(
        &mut self,
        destination: IpAddr,
        source: Option<IpAddr>,
        mark: Option<u32>,
    ) -> Result<RouteLookup> {
        let what = "find a route to";
        let mut header = [0; HEADER];
        header[0] = family_of(destination);
        header[1] = address_bits(destination);
        header[2] = source.map_or(0, address_bits);
        let mut message = Message::new(RTM_GETROUTE, 0, &header);
        message.put(RTA_DST, &address_bytes(destination));
        if let Some(source) = source {
            message.put(RTA_SRC, &address_bytes(source));
        }
        if let Some(mark) = mark {
            message.put_u32(RTA_MARK, mark);
        }
        let answer = self.transport.query(what, destination, message)?;
        let route = parse_any(&answer.as_answer()).ok_or_else(|| {
            KernelError::own(what, destination, "the kernel's answer makes no sense")
        })?;
        Ok(RouteLookup {
            kind: route.kind,
            device: route.device,
            source: route.source,
            via: route.via,
            mtu: route.mtu,
        })
    }
}

fn message(kind: u16, flags: u16, route: &Route) -> Message {
    let mut header = [0; HEADER];
    header[0] = family_of(route.destination.addr());
    header[1] = route.destination.prefix_len();
    header[4] = u8::try_from(route.table).unwrap_or(0);
    header[5] = route.protocol;
    header[6] = match (kind, route.kind, route.via) {
        // A deletion with scope "nowhere" matches whatever scope the route has.
        (RTM_DELROUTE, ..) => SCOPE_NOWHERE,
        (_, RouteKind::Unicast, None) => SCOPE_LINK,
        _ => 0,
    };
    header[7] = route.kind.number();
    let mut message = Message::new(kind, flags, &header);
    message.put(RTA_DST, &address_bytes(route.destination.network()));
    if let Some(device) = route.device {
        message.put_u32(RTA_OIF, device);
    }
    if let Some(via) = route.via {
        message.put(RTA_GATEWAY, &address_bytes(via));
    }
    if let Some(source) = route.source {
        message.put(RTA_PREFSRC, &address_bytes(source));
    }
    if let Some(metric) = route.metric {
        message.put_u32(RTA_PRIORITY, metric);
    }
    message.put_u32(RTA_TABLE, route.table);
    if let Some(mtu) = route.mtu {
        message.nest(RTA_METRICS, |metrics| {
            metrics.put_u32(RTAX_MTU, mtu);
        });
    }
    message
}

fn parse(answer: &Answer<'_>) -> Option<Route> {
    let flags = u32_at(answer.body, 8)?;
    (flags & CLONED == 0).then(|| parse_any(answer)).flatten()
}

fn parse_any(answer: &Answer<'_>) -> Option<Route> {
    if answer.kind != RTM_NEWROUTE {
        return None;
    }
    let attributes = answer.attributes(HEADER);
    let address = |kind| attributes.find(kind).and_then(parse_address);
    let number = |kind| attributes.find(kind).and_then(|value| u32_at(value, 0));
    let any: IpAddr = match i32::from(*answer.body.first()?) {
        libc::AF_INET => [0; 4].into(),
        libc::AF_INET6 => [0; 16].into(),
        _ => return None,
    };
    let prefix = *answer.body.get(1)?;
    Some(Route {
        destination: IpNet::new(address(RTA_DST).unwrap_or(any), prefix).ok()?,
        kind: RouteKind::of(*answer.body.get(7)?),
        device: number(RTA_OIF),
        via: address(RTA_GATEWAY),
        source: address(RTA_PREFSRC),
        metric: number(RTA_PRIORITY),
        mtu: attributes
            .nested(RTA_METRICS)
            .and_then(|metrics| metrics.find(RTAX_MTU))
            .and_then(|value| u32_at(value, 0)),
        table: number(RTA_TABLE)
            .unwrap_or_else(|| answer.body.get(4).copied().map_or(0, u32::from)),
        protocol: *answer.body.get(5)?,
    })
}

/// Address family number of an address.
pub(super) fn family_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => libc::AF_INET as u8,
        IpAddr::V6(_) => libc::AF_INET6 as u8,
    }
}

/// Length of an address in bits.
pub(super) fn address_bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// An address in network order.
pub(crate) fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// An address from its network-order bytes.
pub(crate) fn parse_address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

const HEADER: usize = 12;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MARK: u16 = 16;
const RTA_TABLE: u16 = 15;
const RTAX_MTU: u16 = 2;
const SCOPE_LINK: u8 = 253;
const SCOPE_NOWHERE: u8 = 255;
const CLONED: u32 = 0x200;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::codec::messages;
    use super::*;

    fn round_trip(route: &Route) -> Route {
        let bytes = message(RTM_NEWROUTE, 0, route).finish(1);
        parse(&messages(&bytes).next().unwrap()).unwrap()
    }

    #[test]
    fn routes_read_back_as_written() {
        let mut through = Route::through("10.2.0.0/16".parse().unwrap(), 4);
        through.source = Some("10.1.0.1".parse().unwrap());
        through.mtu = Some(1400);
        through.table = 1000;
        let wanted = [
            through,
            Route::to_gateway("0.0.0.0/0".parse().unwrap(), "192.0.2.1".parse().unwrap()),
            Route::unreachable("2001:db8:2::/48".parse().unwrap(), 4_278_198_272),
        ];
        for route in wanted {
            assert_eq!(round_trip(&route), route);
        }
    }

    #[test]
    fn host_bits_of_a_destination_are_dropped() {
        let route = Route::through("10.2.3.4/16".parse().unwrap(), 4);
        assert_eq!(route.destination.to_string(), "10.2.0.0/16");
    }
}
