//! The header in front of packets on a TUN device.

/// `struct virtio_net_hdr` of Linux in the machine's byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketHeader {
    /// [`Self::NEEDS_CHECKSUM`] and others.
    pub flags: u8,
    /// How the packet is to be cut: [`Self::TCP_V4`] and others; 0 not at all.
    pub kind: u8,
    /// Octets of all headers; a hint.
    pub header_length: u16,
    /// Octets of payload of each segment but the last.
    pub segment: u16,
    /// Where the checksum's coverage starts.
    pub checksum_start: u16,
    /// Where the checksum is, from there.
    pub checksum_offset: u16,
}

impl PacketHeader {
    /// Length in octets.
    pub const LEN: usize = 10;
    /// Flag: the checksum field holds the sum of the pseudo header, and the rest is to be added.
    pub const NEEDS_CHECKSUM: u8 = 1;
    /// Kind: TCP over IPv4.
    pub const TCP_V4: u8 = 1;
    /// Kind: TCP over IPv6.
    pub const TCP_V6: u8 = 4;
    /// Kind: UDP over either, datagrams of one length but for the last.
    pub const UDP: u8 = 5;
    /// Beside a kind of TCP: the first segment tells the peer of congestion (CWR), the others don't.
    pub const ECN: u8 = 0x80;

    /// Splits what was read from the device; `None` when it is shorter than the header.
    #[must_use]
    pub fn split(octets: &[u8]) -> Option<(Self, &[u8])> {
        let (head, packet) = octets.split_first_chunk::<{ Self::LEN }>()?;
        let [flags, kind, a, b, c, d, e, f, g, h] = *head;
        let header = Self {
            flags,
            kind,
            header_length: u16::from_ne_bytes([a, b]),
            segment: u16::from_ne_bytes([c, d]),
            checksum_start: u16::from_ne_bytes([e, f]),
            checksum_offset: u16::from_ne_bytes([g, h]),
        };
        Some((header, packet))
    }

    /// The header's octets.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b] = self.header_length.to_ne_bytes();
        let [c, d] = self.segment.to_ne_bytes();
        let [e, f] = self.checksum_start.to_ne_bytes();
        let [g, h] = self.checksum_offset.to_ne_bytes();
        [self.flags, self.kind, a, b, c, d, e, f, g, h]
    }

    /// Whether a checksum is to be completed.
    #[must_use]
    pub fn needs_checksum(&self) -> bool {
        self.flags & Self::NEEDS_CHECKSUM != 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_round_trip() {
        let header = PacketHeader {
            flags: 1,
            kind: 0x81,
            header_length: 52,
            segment: 1398,
            checksum_start: 20,
            checksum_offset: 16,
        };
        let mut octets = header.to_bytes().to_vec();
        octets.extend(b"packet");
        let (read, packet) = PacketHeader::split(&octets).unwrap();
        assert_eq!((read, packet), (header, &b"packet"[..]));
        assert_eq!(PacketHeader::split(&octets[..9]), None);
    }
}
