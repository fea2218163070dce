//! The security policies: which configured child a packet belongs to (RFC 4301 4.4.1).

use adit_model::selector::Selector;
use adit_wire::ip::{IpPacket, protocol};

use crate::door::Door;
use crate::tuple::Side;

/// One child's selectors. Policies are searched in order; the first that takes a packet has it. Only among children that
/// give addresses out of the same ranges it is who has the address that does.
pub(crate) struct Policy {
    /// Position of the child in the data plane's list.
    pub(crate) child: usize,
    /// The interface whose packets it is about.
    pub(crate) door: Door,
    pub(crate) local: Side,
    pub(crate) remote: Side,
    /// The other side's addresses are given to it, one by one.
    pub(crate) gives: bool,
}

/// Whether a packet goes from one of `from` to one of `to`: what a tunnel with these selectors would carry. Later fragments have no ports to show, so only selectors
/// for any port take them (RFC 4301 7).
#[must_use]
pub fn is_between(packet: &IpPacket<'_>, from: &[Selector], to: &[Selector]) -> bool {
    let ports = packet.ports();
    let (source, destination) = (ports.map(|p| p.source), ports.map(|p| p.destination));
    from.iter()
        .any(|s| s.matches(packet.protocol, source, packet.source))
        && to
            .iter()
            .any(|s| s.matches(packet.protocol, destination, packet.destination))
}

/// The narrowest selectors that take a packet and those that follow it, from its source and to its destination: what an
/// SA is asked for with because of it (RFC 7296 2.9). An answer to an ICMP message is another type, so all types are in.
#[must_use]
pub fn flow(packet: &IpPacket<'_>) -> (Selector, Selector) {
    let ports = match packet.protocol {
        protocol::ICMP | protocol::ICMPV6 => None,
        _ => packet.ports(),
    };
    let side = |address, port: Option<u16>| Selector {
        protocol: packet.protocol,
        ports: port.map_or((0, u16::MAX), |port| (port, port)),
        ..Selector::host(address)
    };
    (
        side(packet.source, ports.map(|p| p.source)),
        side(packet.destination, ports.map(|p| p.destination)),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_wire::ip::emit_packet;

    fn of(number: u8, payload: &[u8]) -> (String, String) {
        let mut packet = Vec::new();
        let host = |n| [10, n, 0, 7].into();
        emit_packet(host(1), host(2), number, payload, &mut packet).unwrap();
        let (from, to) = flow(&IpPacket::parse(&packet).unwrap());
        (from.to_string(), to.to_string())
    }

    #[test]
    fn a_packet_shows_what_it_belongs_to() {
        let both = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            of(protocol::TCP, &[0x9c, 0x40, 0, 22]),
            both("10.1.0.7/32[tcp/40000]", "10.2.0.7/32[tcp/22]")
        );
        assert_eq!(
            of(protocol::ICMP, &[8, 0, 0, 0]),
            both("10.1.0.7/32[icmp]", "10.2.0.7/32[icmp]")
        );
        assert_eq!(of(47, &[]), both("10.1.0.7/32[47]", "10.2.0.7/32[47]"));
    }
}
