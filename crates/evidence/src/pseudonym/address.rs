//! Addresses under a key: what shares a prefix shares one afterwards, and what is private stays private.
//!
//! Each bit is turned or not by a keyed function of all bits before it (the way of Crypto-PAn), so two addresses of one
//! network stay in one network, however long its prefix is. Three things stay as they are, because a verdict hangs on them:
//!
//! - the leading bits that say of which kind a range is (private, link-local, shared, public, multicast), as far as they
//!   must: between none and sixteen for IPv4;
//! - the last octet of an IPv4 address and the last two of an IPv6 address: so `.0`, `.1`, `.255`, and what lies between
//!   two ends of a range, stay true;
//! - addresses that belong to nobody: unspecified, loopback, multicast, reserved, masks.
//!
//! The first bit that may be turned always is: no address of a host stays what it was.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Hash;

/// Ranges of IPv4 whose addresses stay among themselves: first address, length of the prefix.
const RANGES_V4: [(u32, u8); 8] = [
    (0, 8),
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc0a8_0000, 16),
    (0xe000_0000, 3),
];

/// The same for IPv6: global, the two halves of unique local, link-local, multicast, and what begins with a zero octet.
const RANGES_V6: [(u128, u8); 6] = [
    (0, 8),
    (0x2000 << 112, 3),
    (0xfc00 << 112, 8),
    (0xfd00 << 112, 8),
    (0xfe80 << 112, 64),
    (0xff00 << 112, 8),
];

/// Last bits that stay.
const LAST_V4: u8 = 8;
const LAST_V6: u8 = 16;
/// Where an IPv6 address's part of the host begins.
const HOST_V6: u8 = 64;

/// One family's address as a number of 128 bits, the address in its upper end.
#[derive(Clone, Copy)]
struct Bits {
    family: u8,
    value: u128,
}

impl Bits {
    fn bit(self, at: u8) -> bool {
        self.value >> (127 - at) & 1 == 1
    }

    /// The first `length` bits.
    fn head(self, length: u8) -> u128 {
        match length {
            0 => 0,
            _ => self.value & (u128::MAX << (128 - u32::from(length.min(128)))),
        }
    }
}

/// Translates addresses one way or the other.
#[derive(Clone, Copy)]
pub(super) struct Addresses<'k> {
    pub(super) hash: &'k Hash,
    /// From pseudonyms to what they stand for.
    pub(super) back: bool,
}

impl Addresses<'_> {
    /// One address.
    pub(super) fn address(self, address: IpAddr) -> IpAddr {
        let whole = if address.is_ipv4() { 32 } else { 128 };
        self.network(address, whole)
    }

    /// The first address of a network of this length: what follows the prefix isn't touched.
    pub(super) fn network(self, first: IpAddr, length: u8) -> IpAddr {
        match first {
            IpAddr::V4(v4) => self.v4(v4, length).into(),
            IpAddr::V6(v6) => self.v6(v6, length).into(),
        }
    }

    /// The ends of a range: a network's become a network's, and others keep their order and distance.
    pub(super) fn range(self, start: IpAddr, end: IpAddr) -> (IpAddr, IpAddr) {
        let length = match (start, end) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros(),
            _ => 0,
        };
        let length = u8::try_from(length).unwrap_or(128);
        (self.network(start, length), self.network(end, length))
    }

    fn v4(self, address: Ipv4Addr, length: u8) -> Ipv4Addr {
        if matches!(address.octets()[0], 0 | 127 | 224..) {
            return address;
        }
        let value = u128::from(u32::from(address)) << 96;
        let bits = Bits { family: 4, value };
        let from = free(bits, &RANGES_V4.map(|(n, l)| (u128::from(n) << 96, l)));
        let turned = self.turned(bits, from, length.min(32 - LAST_V4));
        Ipv4Addr::from(u32::try_from(turned >> 96).unwrap_or_default())
    }

    fn v6(self, address: Ipv6Addr, length: u8) -> Ipv6Addr {
        let value = u128::from(address);
        let inner = value >> 32;
        // IPv4 in IPv6: mapped, and translated by a NAT64.
        if inner == 0xffff || inner == (0x0064_ff9b << 64) {
            let last = Ipv4Addr::from(u32::try_from(value & 0xffff_ffff).unwrap_or_default());
            let last = self.v4(last, length.saturating_sub(96));
            return Ipv6Addr::from(inner << 32 | u128::from(u32::from(last)));
        }
        if matches!(address.octets()[0], 0 | 0xff) {
            return address;
        }
        let bits = Bits { family: 6, value };
        // `::1` of a network stays readable.
        let plain = value & (u128::from(u64::MAX) ^ 0xffff) == 0;
        let last = if plain { HOST_V6 } else { 128 - LAST_V6 };
        Ipv6Addr::from(self.turned(bits, free(bits, &RANGES_V6), length.min(last)))
    }

    /// The bits from `from` up to `to` turned as the key wants it.
    fn turned(self, bits: Bits, from: u8, to: u8) -> u128 {
        let mut original = bits;
        let mut out = bits.value;
        for at in from..to {
            let turn = at == from || self.turns(original.family, original.head(at), at);
            if turn {
                let mask = 1 << (127 - at);
                out ^= mask;
                if self.back {
                    // What comes next hangs on the original's bits.
                    original.value ^= mask;
                }
            }
        }
        out
    }

    fn turns(self, family: u8, head: u128, at: u8) -> bool {
        let octets = self
            .hash
            .of(&[b"address", &[family, at], &head.to_be_bytes()]);
        octets[0] & 1 == 1
    }
}

/// The first bit that may be turned without taking the address out of its range or into another.
fn free(bits: Bits, ranges: &[(u128, u8)]) -> u8 {
    let first = |(network, length): &(u128, u8)| {
        let other = Bits {
            family: bits.family,
            value: *network,
        };
        let common = (0..*length).find(|at| bits.bit(*at) != other.bit(*at));
        common.map_or(*length, |at| at + 1)
    };
    ranges.iter().map(first).max().unwrap_or_default()
}
