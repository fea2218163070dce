//! One view for packets of either IP version.

use super::{Ipv6Header, protocol, v4, v6};
use crate::error::{Reason, WireError};
use crate::view::Cursor;
use core::net::{IpAddr, Ipv6Addr};

/// The fields of an IP packet that policy lookup, tunnels and observers use.
///
/// The header checksum of IPv4 is not checked here: a packet from the kernel or out of a tunnel has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpPacket<'a> {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Protocol of the upper layer, behind any IPv6 extension headers.
    pub protocol: u8,
    /// DSCP (high six bits) and ECN (low two).
    pub traffic_class: u8,
    /// TTL or hop limit.
    pub hops: u8,
    /// Whether routers must not fragment the packet: DF of IPv4, always so for IPv6.
    pub dont_fragment: bool,
    /// Its place in the original packet, if it is a fragment.
    pub fragment: Option<Fragment>,
    /// Length of header, options and IPv6 extension headers in bytes.
    pub header_length: usize,
    /// The packet, without anything behind its total length.
    pub packet: &'a [u8],
}

/// Place of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// What the fragments of one packet share.
    pub identification: u32,
    /// Offset in bytes.
    pub offset: u16,
    /// Whether more fragments follow.
    pub more: bool,
}

/// Ports of UDP, TCP or SCTP; for ICMP, as a traffic selector has it, type and code as one number in `source` and in
/// `destination` (RFC 4301 4.4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
}

/// What is read of an IPv6 packet.
struct V6 {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    protocol: u8,
    traffic_class: u8,
    hops: u8,
    fragment: Option<Fragment>,
    header_length: usize,
    /// Not above the length of what it was read from.
    total_length: usize,
}

#[inline(never)]
fn parse_v6(bytes: &[u8]) -> Result<V6, WireError> {
    let (header, payload) = Ipv6Header::parse(bytes)?;
    let upper =
        v6::upper(header.next_header, payload).map_err(|error| error.shifted(Ipv6Header::LEN))?;
    let total_length = Ipv6Header::LEN + payload.len();
    Cursor::new(bytes).take(total_length, "IPv6 packet")?;
    Ok(V6 {
        source: header.source,
        destination: header.destination,
        protocol: upper.protocol,
        traffic_class: header.traffic_class,
        hops: header.hop_limit,
        fragment: upper.fragment,
        header_length: total_length - upper.payload.len(),
        total_length,
    })
}

impl<'a> IpPacket<'a> {
    /// Reads a packet of either version.
    ///
    /// # Errors
    /// Version or lengths are wrong, or an IPv6 extension header is cut off.
    // What is returned is spread over registers then. Written to memory in small pieces and copied in large ones, it would
    // have each packet wait until the pieces have left the store buffer.
    #[inline(always)]
    pub fn parse(packet: &'a [u8]) -> Result<Self, WireError> {
        match packet.first().map(|first| first >> 4) {
            Some(4) => Self::parse_v4(packet),
            Some(6) => Ok(Self::of_v6(parse_v6(packet)?, packet)),
            Some(version) => {
                let reason = Reason::BadValue {
                    value: u64::from(version),
                    expected: "4 or 6",
                };
                Err(WireError::new(0, "IP version", reason))
            }
            None => Err(WireError::new(
                0,
                "IP version",
                Reason::Truncated {
                    needed: 1,
                    available: 0,
                },
            )),
        }
    }

    #[inline(always)]
    fn parse_v4(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (header_length, total_length) = v4::lengths(bytes)?;
        let packet = Cursor::new(bytes).take(total_length, "IPv4 packet")?;
        Self::of_v4(packet, header_length)
    }

    #[inline(always)]
    fn of_v4(packet: &'a [u8], header_length: usize) -> Result<Self, WireError> {
        let fixed = Cursor::new(packet).array::<20>("IPv4 header")?;
        let [_, traffic_class, _, _, i0, i1, f0, f1, hops, protocol, ..] = fixed;
        let [.., s0, s1, s2, s3, d0, d1, d2, d3] = fixed;
        let identification = u16::from_be_bytes([i0, i1]);
        let flags = u16::from_be_bytes([f0, f1]);
        let source = IpAddr::from([s0, s1, s2, s3]);
        let destination = IpAddr::from([d0, d1, d2, d3]);
        let fragment = Fragment {
            identification: u32::from(identification),
            offset: (flags & 0x1fff) << 3,
            more: flags & 0x2000 != 0,
        };
        Ok(Self {
            source,
            destination,
            protocol,
            traffic_class,
            hops,
            dont_fragment: flags & 0x4000 != 0,
            fragment: (fragment.more || fragment.offset != 0).then_some(fragment),
            header_length,
            packet,
        })
    }

    #[inline(always)]
    fn of_v6(read: V6, bytes: &'a [u8]) -> Self {
        Self {
            source: IpAddr::V6(read.source),
            destination: IpAddr::V6(read.destination),
            protocol: read.protocol,
            traffic_class: read.traffic_class,
            hops: read.hops,
            dont_fragment: true,
            fragment: read.fragment,
            header_length: read.header_length,
            packet: bytes.get(..read.total_length).unwrap_or(bytes),
        }
    }

    /// What follows the header, options and IPv6 extension headers.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.packet.get(self.header_length..).unwrap_or_default()
    }

    /// The beginning of the packet that an ICMP error is about, as far as the error quotes it (RFC 792, RFC 4443 2.4);
    /// `None` if this is no ICMP error, or quotes nothing that can be told.
    #[inline]
    #[must_use]
    pub fn quoted(&self) -> Option<IpPacket<'a>> {
        match self.protocol {
            protocol::ICMP | protocol::ICMPV6 => Self::quoted_by(*self),
            _ => None,
        }
    }

    #[inline(never)]
    fn quoted_by(self) -> Option<IpPacket<'a>> {
        let error = match (self.protocol, self.payload().first()?) {
            // Destination unreachable, source quench, time exceeded, parameter problem; redirects aren't errors.
            (protocol::ICMP, kind) => matches!(kind, 3 | 4 | 11 | 12),
            (protocol::ICMPV6, kind) => *kind < 128,
            _ => false,
        };
        if !error || self.is_later_fragment() {
            return None;
        }
        let quote = self.payload().get(8..)?;
        let first = *quote.first()?;
        match first >> 4 {
            4 => {
                let header_length = usize::from(first & 0x0f) * 4;
                let whole = (20..=quote.len()).contains(&header_length);
                whole.then(|| Self::of_v4(quote, header_length).ok())?
            }
            6 => {
                let mut cursor = Cursor::new(quote);
                let head = cursor.array::<8>("IPv6 header").ok()?;
                let [_, _, _, _, _, _, next_header, hops] = head;
                let source = cursor.array::<16>("IPv6 source").ok()?;
                let destination = cursor.array::<16>("IPv6 destination").ok()?;
                let payload = quote.get(Ipv6Header::LEN..)?;
                let upper = v6::upper(next_header, payload).ok()?;
                Some(Self {
                    source: IpAddr::V6(source.into()),
                    destination: IpAddr::V6(destination.into()),
                    protocol: upper.protocol,
                    traffic_class: 0,
                    hops,
                    dont_fragment: true,
                    fragment: upper.fragment,
                    header_length: quote.len() - upper.payload.len(),
                    packet: quote,
                })
            }
            _ => None,
        }
    }

    /// Total length in bytes.
    #[inline]
    #[must_use]
    pub const fn total_length(&self) -> usize {
        self.packet.len()
    }

    /// Whether the packet is a fragment other than the first, which has no upper layer header.
    #[inline]
    #[must_use]
    pub const fn is_later_fragment(&self) -> bool {
        matches!(self.fragment, Some(Fragment { offset: 1.., .. }))
    }

    /// The ports that a traffic selector compares, where the packet has them.
    #[inline]
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        if self.is_later_fragment() {
            return None;
        }
        match (self.protocol, self.payload()) {
            (protocol::TCP | protocol::UDP | protocol::SCTP, &[a, b, c, d, ..]) => Some(Ports {
                source: u16::from_be_bytes([a, b]),
                destination: u16::from_be_bytes([c, d]),
            }),
            (protocol::ICMP | protocol::ICMPV6, &[kind, code, ..]) => {
                let number = u16::from_be_bytes([kind, code]);
                Some(Ports {
                    source: number,
                    destination: number,
                })
            }
            _ => None,
        }
    }

    /// DSCP, six bits.
    #[must_use]
    pub const fn dscp(&self) -> u8 {
        self.traffic_class >> 2
    }

    /// ECN, two bits (RFC 3168 5): 0 not capable, 1 and 2 capable, 3 congestion experienced.
    #[must_use]
    pub const fn ecn(&self) -> u8 {
        self.traffic_class & 3
    }
}

/// Replaces DSCP and ECN of the packet at the front of `packet`, and its IPv4 checksum. Anything but an IP packet is
/// left alone.
pub fn set_traffic_class(packet: &mut [u8], traffic_class: u8) {
    match packet.first().map(|first| first >> 4) {
        Some(4) => {
            let Ok((header_length, _)) = v4::lengths(packet) else {
                return;
            };
            if let Some(header) = packet.get_mut(..header_length) {
                if let Some(place) = header.get_mut(1) {
                    *place = traffic_class;
                }
                v4::write_checksum(header);
            }
        }
        Some(6) => {
            if let Some([first, second]) = packet.first_chunk_mut::<2>() {
                *first = 0x60 | traffic_class >> 4;
                *second = traffic_class << 4 | *second & 0x0f;
            }
        }
        _ => {}
    }
}
