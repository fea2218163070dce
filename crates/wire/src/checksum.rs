//! The Internet checksum (RFC 1071) and the pseudo headers of UDP, TCP and ICMPv6 (RFC 768, RFC 8200 8.1).

use core::net::IpAddr;

/// A running ones' complement sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// An empty sum.
    #[must_use]
    pub const fn new() -> Self {
        Self(0)
    }

    /// The sum of the pseudo header in front of `length` bytes of an upper-layer `protocol`. IPv4 and IPv6 give the
    /// same arithmetic.
    #[must_use]
    pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Self {
        [source, destination]
            .into_iter()
            .fold(Self::new(), |sum, address| match address {
                IpAddr::V4(address) => sum.bytes(&address.octets()),
                IpAddr::V6(address) => sum.bytes(&address.octets()),
            })
            .add_number(u64::from(protocol))
            .add_number(length as u64)
    }

    /// Adds bytes, as big-endian 16-bit words; an odd last byte is filled up with zero, so only the last piece of
    /// several may have an odd length.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (words, last) = bytes.as_chunks::<2>();
        let sum: u64 = words
            .iter()
            .map(|word| u64::from(u16::from_be_bytes(*word)))
            .sum();
        let odd = last.first().map_or(0, |byte| u64::from(*byte) << 8);
        self.add_number(sum).add_number(odd)
    }

    const fn add_number(self, number: u64) -> Self {
        Self((self.0 & 0xffff_ffff) + (self.0 >> 32) + (number & 0xffff_ffff) + (number >> 32))
    }

    /// The checksum: the complement of the folded sum. Zero when the summed bytes contain their right checksum.
    #[must_use]
    pub const fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The checksum of some bytes.
#[must_use]
pub fn of(bytes: &[u8]) -> u16 {
    Sum::new().bytes(bytes).finish()
}
