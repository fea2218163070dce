//! Filters on the way.

use std::net::IpAddr;

use adit_wire::ip::{IpPacket, protocol};

/// What a filter stops, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// UDP from or to this port.
    Udp(u16),
    /// ESP as IP protocol 50.
    Esp,
    /// ICMP and ICMPv6 altogether, errors and echoes.
    Icmp,
    /// IP fragments, as careless filters do.
    Fragments,
    /// Everything from or to an address.
    Host(IpAddr),
}

/// Whether a filter tells the sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// It doesn't.
    #[default]
    Silent,
    /// It answers with ICMP "administratively prohibited".
    Reject,
}

impl Block {
    pub(crate) fn stops(self, packet: &IpPacket<'_>) -> bool {
        let port = |port| {
            packet.protocol == protocol::UDP
                && packet
                    .ports()
                    .is_some_and(|p| p.source == port || p.destination == port)
        };
        match self {
            Block::Udp(number) => port(number),
            Block::Esp => packet.protocol == protocol::ESP,
            Block::Icmp => matches!(packet.protocol, protocol::ICMP | protocol::ICMPV6),
            Block::Fragments => packet.fragment.is_some(),
            Block::Host(address) => packet.source == address || packet.destination == address,
        }
    }
}
