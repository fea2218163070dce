//! IP packets: what a tunnel needs to know about the packets it carries and the packets that carry it.
//!
//! [`IpPacket`] is the view of either version that policy lookup and forwarding use. [`Ipv4Header`] and
//! [`Ipv6Header`] are the headers as values, to build packets from.

mod packet;
mod v4;
mod v6;

pub use packet::{Fragment, IpPacket, Ports, set_traffic_class};
pub use v4::Ipv4Header;
pub use v6::Ipv6Header;

use crate::error::WireError;
use core::net::IpAddr;

/// IP protocol numbers that the rest of the code names.
pub mod protocol {
    /// IPv6 hop-by-hop options (RFC 8200 4.3).
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// IPv4 in IP.
    pub const IPV4: u8 = 4;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 in IP.
    pub const IPV6: u8 = 41;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// ESP.
    pub const ESP: u8 = 50;
    /// AH.
    pub const AH: u8 = 51;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
    /// Nothing follows.
    pub const NO_NEXT: u8 = 59;
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: u8 = 60;
    /// SCTP.
    pub const SCTP: u8 = 132;
}

/// TTL or hop limit of packets built here.
pub const DEFAULT_HOPS: u8 = 64;

/// Appends a whole IP packet around `payload` to `out`: DF set on IPv4, default hops, no options.
///
/// # Errors
/// The payload does not fit an IP packet, or the addresses are of different versions.
pub fn emit_packet(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            Ipv4Header::new(source, destination, protocol).emit(payload.len(), out)?;
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            Ipv6Header::new(source, destination, protocol).emit(payload.len(), out)?;
        }
        _ => {
            let reason = crate::Reason::BadValue {
                value: 4,
                expected: "addresses of one IP version",
            };
            return Err(WireError::new(out.len(), "IP version", reason));
        }
    }
    out.extend_from_slice(payload);
    Ok(())
}
