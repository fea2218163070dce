//! IPv4 header (RFC 791 3.1).

use crate::checksum;
use crate::error::{Reason, WireError};
use crate::view::{Cursor, length_u16};
use core::net::Ipv4Addr;

/// An IPv4 header; length and checksum are computed when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// DSCP (high six bits) and ECN (low two).
    pub traffic_class: u8,
    /// Identification.
    pub identification: u16,
    /// The flag without a meaning, zero in what we send.
    pub reserved_flag: bool,
    /// Don't Fragment.
    pub dont_fragment: bool,
    /// More Fragments.
    pub more_fragments: bool,
    /// Fragment offset in units of eight bytes, 13 bits.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Options with their padding, a multiple of four bytes, at most 40; unchecked.
    pub options: Vec<u8>,
}

impl Ipv4Header {
    /// Length in bytes without options.
    pub const MIN_LEN: usize = 20;

    /// A header with DF set, default TTL and no options.
    #[must_use]
    pub const fn new(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> Self {
        Self {
            traffic_class: 0,
            identification: 0,
            reserved_flag: false,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            ttl: super::DEFAULT_HOPS,
            protocol,
            source,
            destination,
            options: Vec::new(),
        }
    }

    /// Reads a packet and returns its header and payload. Bytes behind the total length (link padding) are left out.
    ///
    /// # Errors
    /// Version, lengths or the header checksum are wrong.
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let (header_length, total_length) = lengths(packet)?;
        let mut whole = Cursor::new(packet).sub(total_length, "IPv4 total length")?;
        let header_bytes = whole.clone().take(header_length, "IPv4 header")?;
        let mut cursor = whole.sub(header_length, "IPv4 header")?;
        cursor.u8("IPv4 version")?;
        let traffic_class = cursor.u8("IPv4 traffic class")?;
        cursor.u16("IPv4 total length")?;
        let identification = cursor.u16("IPv4 identification")?;
        let flags = cursor.u16("IPv4 flags")?;
        let ttl = cursor.u8("IPv4 TTL")?;
        let protocol = cursor.u8("IPv4 protocol")?;
        let at = cursor.clone();
        let found = cursor.u16("IPv4 checksum")?;
        if checksum::of(header_bytes) != 0 {
            let mut copy = header_bytes.to_vec();
            let computed = write_checksum(&mut copy);
            return Err(at.error("IPv4 checksum", Reason::BadChecksum { found, computed }));
        }
        let header = Self {
            traffic_class,
            identification,
            reserved_flag: flags & 0x8000 != 0,
            dont_fragment: flags & 0x4000 != 0,
            more_fragments: flags & 0x2000 != 0,
            fragment_offset: flags & 0x1fff,
            ttl,
            protocol,
            source: cursor.array::<4>("IPv4 source")?.into(),
            destination: cursor.array::<4>("IPv4 destination")?.into(),
            options: cursor.rest().to_vec(),
        };
        Ok((header, whole.rest()))
    }

    /// Appends the header of a packet with `payload_length` bytes behind it to `out`.
    ///
    /// # Errors
    /// The packet is too long, or the options are too long or no multiple of four bytes.
    pub fn emit(&self, payload_length: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        let options = self.options.len();
        if options > 40 || !options.is_multiple_of(4) {
            let reason = Reason::BadLength {
                value: options,
                expected: "a multiple of 4, at most 40",
            };
            return Err(WireError::new(start, "IPv4 options", reason));
        }
        let header_length = Self::MIN_LEN + options;
        let total = length_u16(header_length + payload_length, out, "IPv4 total length")?;
        let flags = (self.fragment_offset & 0x1fff)
            | if self.reserved_flag { 0x8000 } else { 0 }
            | if self.dont_fragment { 0x4000 } else { 0 }
            | if self.more_fragments { 0x2000 } else { 0 };
        let words = (header_length / 4) as u8;
        out.extend_from_slice(&[0x40 | words, self.traffic_class]);
        out.extend_from_slice(&total.to_be_bytes());
        out.extend_from_slice(&self.identification.to_be_bytes());
        out.extend_from_slice(&flags.to_be_bytes());
        out.extend_from_slice(&[self.ttl, self.protocol, 0, 0]);
        out.extend_from_slice(&self.source.octets());
        out.extend_from_slice(&self.destination.octets());
        out.extend_from_slice(&self.options);
        write_checksum(out.get_mut(start..).unwrap_or_default());
        Ok(())
    }
}

/// Header length and total length of the IPv4 packet at the front of `packet`, checked against each other and the
/// bytes.
#[inline(always)]
pub(super) fn lengths(packet: &[u8]) -> Result<(usize, usize), WireError> {
    let mut cursor = Cursor::new(packet);
    let first = cursor.u8("IPv4 version")?;
    if first >> 4 != 4 {
        let reason = Reason::BadValue {
            value: u64::from(first >> 4),
            expected: "4",
        };
        return Err(WireError::new(0, "IPv4 version", reason));
    }
    let header_length = usize::from(first & 0x0f) * 4;
    if header_length < Ipv4Header::MIN_LEN {
        let reason = Reason::BadLength {
            value: header_length,
            expected: "at least 20",
        };
        return Err(WireError::new(0, "IPv4 header length", reason));
    }
    cursor.u8("IPv4 traffic class")?;
    let at = cursor.clone();
    let total_length = usize::from(cursor.u16("IPv4 total length")?);
    if total_length < header_length {
        let reason = Reason::BadLength {
            value: total_length,
            expected: "at least the header's length",
        };
        return Err(at.error("IPv4 total length", reason));
    }
    if packet.len() < total_length {
        let reason = Reason::Truncated {
            needed: total_length,
            available: packet.len(),
        };
        return Err(WireError::new(0, "IPv4 packet", reason));
    }
    Ok((header_length, total_length))
}

/// Computes the checksum over `header`, writes it into its place and returns it.
pub(super) fn write_checksum(header: &mut [u8]) -> u16 {
    if let Some(place) = header.get_mut(10..12) {
        place.fill(0);
    }
    let sum = checksum::of(header);
    if let Some(place) = header.get_mut(10..12) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    sum
}
