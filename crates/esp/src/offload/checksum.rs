//! The Internet checksum (RFC 1071), in the machine's byte order: its sums are the same either way but for the order of
//! their octets, and whole words are quickly added.

use super::wide;

/// The sum of octets, a last odd one filled up with zero. Sums of pieces may be added if all but the last are even.
pub(crate) fn sum(octets: &[u8]) -> u64 {
    wide::sum(octets).unwrap_or_else(|| plain(octets))
}

/// As [`sum`], in whatever registers it is compiled for.
#[inline(always)]
pub(super) fn plain(octets: &[u8]) -> u64 {
    // Independent sums, so that the compiler keeps them in wide registers.
    let mut lanes = [0_u64; 8];
    let (blocks, rest) = octets.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<4>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane += u64::from(u32::from_ne_bytes(*word));
        }
    }
    let (words, last) = rest.as_chunks::<4>();
    let mut total: u64 = lanes.iter().sum();
    for word in words {
        total += u64::from(u32::from_ne_bytes(*word));
    }
    let mut word = [0; 4];
    for (to, from) in word.iter_mut().zip(last) {
        *to = *from;
    }
    total + u64::from(u32::from_ne_bytes(word))
}

/// The sum in sixteen bits.
pub(crate) fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// The sum of the pseudo header (RFC 793 3.1, RFC 8200 8.1) in front of `length` octets of `protocol`; `addresses` are
/// source and destination.
pub(crate) fn pseudo(addresses: &[u8], protocol: u8, length: usize) -> u64 {
    // Both numbers stand at the end of big-endian words.
    sum(addresses) + u64::from(u16::from(protocol).to_be()) + u64::from((length as u16).to_be())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As RFC 1071 defines it: sixteen bits at a time, in network order.
    fn plainly(octets: &[u8]) -> u16 {
        let words = octets.chunks(2).map(|pair| match *pair {
            [a, b] => u16::from_be_bytes([a, b]),
            _ => u16::from_be_bytes([pair[0], 0]),
        });
        let mut sum: u64 = words.map(u64::from).sum();
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn words_give_the_sum_that_octet_pairs_give() {
        let octets: Vec<u8> = (0..300_u32).map(|i| (i * 167 + 13) as u8).collect();
        for end in 0..octets.len() {
            let quick = fold(sum(&octets[..end]));
            assert_eq!(u16::from_be(quick), plainly(&octets[..end]), "{end} octets");
            assert_eq!(sum(&octets[..end]), plain(&octets[..end]), "{end} octets");
        }
        let full = vec![0xff; 65_535];
        for quick in [sum(&full), plain(&full)] {
            assert_eq!(u16::from_be(fold(quick)), plainly(&full));
        }
        assert_eq!(fold(u64::MAX), 0xffff);
    }
}
