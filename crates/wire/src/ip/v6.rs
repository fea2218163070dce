//! IPv6 header and the extension headers on the way to the upper layer (RFC 8200 3, 4).

use super::protocol;
use crate::error::{Reason, WireError};
use crate::view::{Cursor, length_u16};
use core::net::Ipv6Addr;

/// An IPv6 header; the payload length is computed when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv6Header {
    /// DSCP (high six bits) and ECN (low two).
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Type of the header that follows.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
}

impl Ipv6Header {
    /// Length in bytes.
    pub const LEN: usize = 40;

    /// A header with default hop limit.
    #[must_use]
    pub const fn new(source: Ipv6Addr, destination: Ipv6Addr, next_header: u8) -> Self {
        Self {
            traffic_class: 0,
            flow_label: 0,
            next_header,
            hop_limit: super::DEFAULT_HOPS,
            source,
            destination,
        }
    }

    /// Reads a packet and returns its header and payload, extension headers included. Bytes behind the payload
    /// length (link padding) are left out. Jumbograms are refused.
    ///
    /// # Errors
    /// The version is wrong or the packet shorter than it says.
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let mut cursor = Cursor::new(packet);
        let first = cursor.u32("IPv6 version")?;
        if first >> 28 != 6 {
            let reason = Reason::BadValue {
                value: u64::from(first >> 28),
                expected: "6",
            };
            return Err(WireError::new(0, "IPv6 version", reason));
        }
        let length = cursor.u16("IPv6 payload length")?;
        let header = Self {
            traffic_class: (first >> 20) as u8,
            flow_label: first & 0x000f_ffff,
            next_header: cursor.u8("IPv6 next header")?,
            hop_limit: cursor.u8("IPv6 hop limit")?,
            source: cursor.array::<16>("IPv6 source")?.into(),
            destination: cursor.array::<16>("IPv6 destination")?.into(),
        };
        Ok((header, cursor.take(usize::from(length), "IPv6 payload")?))
    }

    /// Appends the header of a packet with `payload_length` bytes behind it to `out`.
    ///
    /// # Errors
    /// The payload is too long.
    pub fn emit(&self, payload_length: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        let length = length_u16(payload_length, out, "IPv6 payload length")?;
        let first =
            0x6000_0000 | u32::from(self.traffic_class) << 20 | self.flow_label & 0x000f_ffff;
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&[self.next_header, self.hop_limit]);
        out.extend_from_slice(&self.source.octets());
        out.extend_from_slice(&self.destination.octets());
        Ok(())
    }
}

/// What lies behind the extension headers.
pub(super) struct Upper<'a> {
    pub(super) protocol: u8,
    pub(super) payload: &'a [u8],
    pub(super) fragment: Option<super::Fragment>,
}

/// Skips extension headers. Behind the fragment header of a later fragment nothing more is read: there is no upper
/// layer header there.
pub(super) fn upper(next_header: u8, payload: &[u8]) -> Result<Upper<'_>, WireError> {
    let mut cursor = Cursor::new(payload);
    let mut protocol = next_header;
    let mut fragment: Option<super::Fragment> = None;
    while fragment.is_none_or(|fragment| fragment.offset == 0) {
        match protocol {
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION_OPTIONS => {
                protocol = cursor.u8("IPv6 extension next header")?;
                let words = cursor.u8("IPv6 extension length")?;
                cursor.take(usize::from(words) * 8 + 6, "IPv6 extension")?;
            }
            protocol::FRAGMENT if fragment.is_none() => {
                protocol = cursor.u8("IPv6 fragment next header")?;
                cursor.u8("IPv6 fragment reserved")?;
                let place = cursor.u16("IPv6 fragment offset")?;
                let identification = cursor.u32("IPv6 fragment identification")?;
                fragment = Some(super::Fragment {
                    identification,
                    offset: place & 0xfff8,
                    more: place & 1 != 0,
                });
            }
            _ => break,
        }
    }
    Ok(Upper {
        protocol,
        payload: cursor.rest(),
        fragment,
    })
}
