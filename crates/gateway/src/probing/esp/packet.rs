//! Test packets: what they say of themselves, and how they are read.
//!
//! ```text
//! SPI (4) | number (4) | token (16) | may be cut (1) | octets of the IP packet (2) | filling
//! ```
//!
//! The first eight octets are those of ESP (RFC 4303 2), which is all that anybody on the path can look at. The token, agreed on
//! inside the IKE SA, makes sure that nobody else's packets count.

use serde::{Deserialize, Serialize};

/// One test packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Shot {
    /// In UDP, or plain.
    #[serde(rename = "u")]
    pub udp: bool,
    /// Octets of the IP packet.
    #[serde(rename = "o")]
    pub octets: u16,
    /// Routers mustn't cut it.
    #[serde(rename = "w")]
    pub whole: bool,
}

/// What a test is known by.
pub(crate) type Token = [u8; 16];

const NUMBER: usize = 4;
const AFTER_TOKEN: usize = NUMBER + 16;
const HEAD: usize = AFTER_TOKEN + 3;
/// Octets of the SPI.
const SPI: usize = 4;
/// The shortest packet, in octets: it has room for what it says in either family and encapsulation.
pub(crate) const SHORTEST: u16 = 120;

/// The content behind the SPI of a packet whose IP and UDP headers have so many octets; `None` if it is too short for that.
pub(super) fn content(shot: Shot, token: &Token, number: u32, headers: usize) -> Option<Vec<u8>> {
    let length = usize::from(shot.octets).checked_sub(headers + SPI)?;
    if length < HEAD {
        return None;
    }
    let mut content = Vec::with_capacity(length);
    content.extend(number.to_be_bytes());
    content.extend(token);
    content.push(u8::from(!shot.whole));
    content.extend(shot.octets.to_be_bytes());
    // Nothing that a link could compress.
    let filling = token.iter().cycle().zip(1_u8..=251).map(|(a, b)| a ^ b);
    content.extend(filling.cycle().take(length - HEAD));
    Some(content)
}

/// The packets in what a socket had, with their numbers: one, or several of one flow that the kernel has put together (GRO).
pub(super) fn read(
    mut octets: &[u8],
    token: &Token,
    udp: bool,
    headers: usize,
) -> Vec<(u32, Shot)> {
    let mut shots = Vec::new();
    while let Some((shot, rest)) = first(octets, token, udp, headers) {
        let number = octets.first_chunk().copied().unwrap_or_default();
        shots.push((u32::from_be_bytes(number), shot));
        octets = rest.get(SPI..).unwrap_or_default();
    }
    shots
}

fn first<'a>(
    octets: &'a [u8],
    token: &Token,
    udp: bool,
    headers: usize,
) -> Option<(Shot, &'a [u8])> {
    if octets.get(NUMBER..AFTER_TOKEN)? != token {
        return None;
    }
    let &[cut, high, low] = octets.get(AFTER_TOKEN..HEAD)? else {
        return None;
    };
    let shot = Shot {
        udp,
        octets: u16::from_be_bytes([high, low]),
        whole: cut == 0,
    };
    if shot.octets < SHORTEST {
        return None;
    }
    // What is shorter than it says was cut short by somebody, and hasn't arrived.
    let length = usize::from(shot.octets).checked_sub(headers + SPI)?;
    Some((shot, octets.get(length.max(HEAD)..)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TOKEN: Token = *b"0123456789abcdef";

    fn shot(octets: u16, whole: bool) -> Shot {
        Shot {
            udp: true,
            octets,
            whole,
        }
    }

    #[test]
    fn a_packet_is_as_long_as_it_says_and_is_read_alone_and_put_together() {
        let one = content(shot(1500, true), &TOKEN, 1, 28).unwrap();
        assert_eq!(one.len(), 1500 - 28 - 4);
        assert_eq!(read(&one, &TOKEN, true, 28), [(1, shot(1500, true))]);
        let two = content(shot(SHORTEST, false), &TOKEN, 2, 28).unwrap();
        let both = [&one[..], &[0; 4], &two].concat();
        let shots = [(1, shot(1500, true)), (2, shot(SHORTEST, false))];
        assert_eq!(read(&both, &TOKEN, true, 28), shots);
        // The shortest has room in IPv6 and UDP.
        assert!(content(shot(SHORTEST, true), &TOKEN, 3, 48).is_some());
    }

    #[test]
    fn what_is_anothers_or_cut_short_does_not_count() {
        let one = content(shot(300, true), &TOKEN, 1, 20).unwrap();
        assert_eq!(read(&one, b"another's token.", true, 20), []);
        assert_eq!(read(&one[..one.len() - 1], &TOKEN, true, 20), []);
        for end in 0..HEAD {
            assert_eq!(read(&one[..end], &TOKEN, true, 20), []);
        }
        // A length that no test packet has.
        for length in [0, 20 + 4, SHORTEST - 1] {
            let mut none = one.clone();
            none[AFTER_TOKEN + 1..HEAD].copy_from_slice(&length.to_be_bytes());
            assert_eq!(read(&none, &TOKEN, true, 20), []);
        }
    }
}
