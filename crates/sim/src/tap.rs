//! What an observer on the wire sees.

use adit_model::Now;
use adit_wire::ip::{IpPacket, protocol};
use adit_wire::udp::UdpDatagram;
use adit_wire::udp_encap::{Encapsulated, classify};
use ipnet::IpNet;

use crate::world::NodeId;

/// One packet on a tapped link, as its sender put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// When.
    pub at: Now,
    /// Who put it on the link.
    pub sender: NodeId,
    /// The IP packet.
    pub packet: Vec<u8>,
}

/// What kind of traffic a packet is, to an observer without keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// An IKE message.
    Ike,
    /// ESP, bare or in UDP.
    Esp,
    /// A NAT keepalive.
    Keepalive,
    /// ICMP between hosts that aren't protected.
    Icmp,
    /// A later fragment: only the first one says of what.
    Fragment,
    /// Traffic of a protected network that anybody can read.
    Clear,
    /// Anything else.
    Other,
}

impl Observed {
    /// What it is, when `protected` are the networks whose traffic must not be seen in clear.
    #[must_use]
    pub fn seen(&self, protected: &[IpNet]) -> Seen {
        let Ok(ip) = IpPacket::parse(&self.packet) else {
            return Seen::Other;
        };
        let is_protected = |address| protected.iter().any(|net| net.contains(&address));
        if is_protected(ip.source) || is_protected(ip.destination) {
            return Seen::Clear;
        }
        if ip.is_later_fragment() {
            return Seen::Fragment;
        }
        match ip.protocol {
            protocol::ESP => Seen::Esp,
            protocol::ICMP | protocol::ICMPV6 => Seen::Icmp,
            protocol::UDP => seen_in_udp(&ip),
            _ => Seen::Other,
        }
    }
}

fn seen_in_udp(ip: &IpPacket<'_>) -> Seen {
    let Some(ports) = ip.ports() else {
        return Seen::Other;
    };
    if ports.source == 500 || ports.destination == 500 {
        return Seen::Ike;
    }
    if ports.source != 4500 && ports.destination != 4500 {
        return Seen::Other;
    }
    // A first fragment is shorter than its UDP length says.
    let payload = UdpDatagram::parse(None, ip.payload()).map_or_else(
        |_| ip.payload().get(UdpDatagram::HEADER_LEN..).unwrap_or(&[]),
        |datagram| datagram.payload,
    );
    match classify(payload) {
        Ok(Encapsulated::Ike(_)) => Seen::Ike,
        Ok(Encapsulated::Esp(_)) => Seen::Esp,
        Ok(Encapsulated::Keepalive) => Seen::Keepalive,
        Err(_) => Seen::Other,
    }
}

/// A capture file (pcap, nanoseconds, raw IP) of the packets.
#[must_use]
pub fn pcap<'a>(packets: impl IntoIterator<Item = &'a Observed>) -> Vec<u8> {
    const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
    const LINKTYPE_RAW: u32 = 101;
    let mut out = Vec::new();
    for word in [MAGIC_NANOSECONDS, 0x0004_0002, 0, 0, 65_535, LINKTYPE_RAW] {
        out.extend(word.to_le_bytes());
    }
    for observed in packets {
        let wall = observed.at.wall.0;
        // Below the millisecond the monotonic clock tells packets apart.
        let nanoseconds = wall % 1000 * 1_000_000 + observed.at.mono.0 % 1_000_000;
        let octets = observed.packet.len() as u32;
        for word in [(wall / 1000) as u32, nanoseconds as u32, octets, octets] {
            out.extend(word.to_le_bytes());
        }
        out.extend_from_slice(&observed.packet);
    }
    out
}
