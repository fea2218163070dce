//! ICMP errors that quote IKE or ESP (RFC 792, RFC 4443): somebody on the path says why a packet didn't arrive.

use std::net::{IpAddr, SocketAddr};

use adit_model::event::PathProblem;
use adit_wire::ip::{IpPacket, protocol};
use adit_wire::udp::UdpDatagram;
use serde::Serialize;

use super::ip::whole;
use super::stamp::Stamp;

/// An ICMP error about an IPsec packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathError {
    /// Frame number.
    pub frame: u64,
    /// When.
    pub at: Stamp,
    /// Who reports it.
    pub reporter: IpAddr,
    /// What is reported.
    pub problem: PathProblem,
    /// Who sent the packet that didn't arrive; port 0 for ESP and AH.
    pub from: SocketAddr,
    /// Where it should have gone.
    pub to: SocketAddr,
    /// What it was: `udp`, `esp` or `ah`.
    pub about: &'static str,
}

/// What an ICMP message that is an error quotes; `None` for echoes and the like.
pub(super) fn error(packet: &IpPacket<'_>) -> Option<(PathProblem, IpQuote)> {
    let (&[kind, code, _, _, a, b, c, d], quoted) = packet.payload().split_first_chunk::<8>()?;
    let detail = u32::from_be_bytes([a, b, c, d]);
    let problem = match (packet.protocol, kind, code) {
        (protocol::ICMP, 3, 0 | 6) | (protocol::ICMPV6, 1, 0) => PathProblem::NetUnreachable,
        (protocol::ICMP, 3, 1 | 7) | (protocol::ICMPV6, 1, 3) => PathProblem::HostUnreachable,
        (protocol::ICMP, 3, 3) | (protocol::ICMPV6, 1, 4) => PathProblem::PortUnreachable,
        (protocol::ICMP, 3, 4) => PathProblem::FragmentationNeeded(detail & 0xffff),
        (protocol::ICMPV6, 2, _) => PathProblem::FragmentationNeeded(detail),
        (protocol::ICMP, 3, 9 | 10 | 13) | (protocol::ICMPV6, 1, 1 | 5 | 6) => {
            PathProblem::AdminProhibited
        }
        (protocol::ICMP, 3 | 4 | 11 | 12, _) | (protocol::ICMPV6, 1 | 3 | 4, _) => {
            PathProblem::Other(kind, code)
        }
        _ => return None,
    };
    let (bytes, _) = whole(quoted);
    let inner = IpPacket::parse(&bytes).ok()?;
    let ports = UdpDatagram::parse(None, inner.payload())
        .ok()
        .filter(|_| inner.protocol == protocol::UDP)
        .map_or((0, 0), |u| (u.source_port, u.destination_port));
    let quote = IpQuote {
        protocol: inner.protocol,
        from: SocketAddr::new(inner.source, ports.0),
        to: SocketAddr::new(inner.destination, ports.1),
    };
    Some((problem, quote))
}

/// The packet that an error is about.
pub(super) struct IpQuote {
    pub(super) protocol: u8,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
}
