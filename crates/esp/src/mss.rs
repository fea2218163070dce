//! The largest segment of TCP connections through a tunnel, kept within what the tunnel carries.
//!
//! Both ends of a connection name the largest segment that they take in their first packet. Lowered there, no segment is
//! ever too long for the tunnel, also where the ICMP messages that would say so are filtered (RFC 4459 3.2).

use adit_model::carriage::Mss;
use adit_wire::ip::{IpPacket, Ipv6Header, protocol};
use adit_wire::tcp::TcpHeader;

/// Whether an IP packet that begins like this may be the first of a TCP connection, which is all that has to be known of
/// the others.
#[inline]
pub(crate) fn begins_connection(packet: &[u8]) -> bool {
    match packet {
        // Whether it is a later fragment is for who looks closer.
        [first, ..] if first >> 4 == 4 => {
            let header = usize::from(first & 0x0f) * 4;
            packet.get(9) == Some(&protocol::TCP) && is_syn(packet.get(header + FLAGS))
        }
        _ if packet.get(6) == Some(&protocol::TCP) => is_syn(packet.get(Ipv6Header::LEN + FLAGS)),
        // Behind extension headers it isn't seen: connections don't begin like that.
        _ => false,
    }
}

fn is_syn(flags: Option<&u8>) -> bool {
    flags.is_some_and(|flags| flags & TcpHeader::SYN != 0)
}

/// Keeps the largest segment that a packet names within what `mss` says, where inner packets of `fits` octets are the longest.
/// Tells whether it changed anything.
#[cold]
pub(crate) fn keep_within(packet: &mut [u8], mss: Mss, fits: usize) -> bool {
    let Some((at, most)) = IpPacket::parse(packet).ok().and_then(|ip| {
        let begins = ip.protocol == protocol::TCP && !ip.is_later_fragment();
        let most = most(mss, fits, ip.source.is_ipv4())?;
        begins.then_some((ip.header_length, most))
    }) else {
        return false;
    };
    packet
        .get_mut(at..)
        .is_some_and(|segment| clamp(segment, most))
}

/// The largest segment that `mss` allows in packets of `inner_mtu` octets; `None` when segments stay as they are.
fn most(mss: Mss, inner_mtu: usize, is_ipv4: bool) -> Option<u16> {
    match mss {
        Mss::Off => None,
        Mss::AtMost(octets) => Some(octets),
        Mss::Auto => {
            let headers = if is_ipv4 { 20 } else { Ipv6Header::LEN } + TCP_HEADER;
            u16::try_from(inner_mtu.saturating_sub(headers)).ok()
        }
    }
    .map(|most| most.max(LEAST))
}

/// Lowers the largest segment that a TCP segment names to `most`, and mends its checksum (RFC 1624). Tells whether it did.
/// Where no segment is named, none is added: 536 octets hold then (1220 in IPv6), which fit.
fn clamp(segment: &mut [u8], most: u16) -> bool {
    let Some((at, named)) = find(segment) else {
        return false;
    };
    if named <= most {
        return false;
    }
    let Some(place) = segment.get_mut(at..at + 2) else {
        return false;
    };
    place.copy_from_slice(&most.to_be_bytes());
    // At an odd offset the octets count for the other half of a word each.
    let turned = |value: u16| {
        if at % 2 == 0 {
            value
        } else {
            value.swap_bytes()
        }
    };
    if let Some(place) = segment.get_mut(CHECKSUM..CHECKSUM + 2) {
        let before = u16::from_be_bytes([place[0], place[1]]);
        let after = adjusted(before, turned(named), turned(most));
        place.copy_from_slice(&after.to_be_bytes());
    }
    true
}

/// A checksum after one of the words it covers has changed (RFC 1624 3).
fn adjusted(checksum: u16, from: u16, to: u16) -> u16 {
    let sum = u32::from(!checksum) + u32::from(!from) + u32::from(to);
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

/// Where in the segment the option's value lies, and the value.
fn find(segment: &[u8]) -> Option<(usize, u16)> {
    let header = usize::from(segment.get(12)? >> 4) * 4;
    let mut at = TCP_HEADER;
    while at < header {
        match (*segment.get(at)?, segment.get(at + 1).copied()) {
            (END, _) => return None,
            (NO_OPERATION, _) => at += 1,
            (MSS, Some(4)) if at + 4 <= header => {
                let value = segment.get(at + 2..at + 4)?;
                return Some((at + 2, u16::from_be_bytes(value.try_into().ok()?)));
            }
            (_, Some(length @ 2..)) => at += usize::from(length),
            _ => return None,
        }
    }
    None
}

const TCP_HEADER: usize = 20;
const FLAGS: usize = 13;
const CHECKSUM: usize = 16;
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
/// Nothing smaller is of use to TCP, whatever the path.
const LEAST: u16 = 88;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::IpAddr;

    use adit_wire::checksum::Sum;
    use adit_wire::ip::emit_packet;

    use super::*;

    const WEST: [u8; 4] = [10, 1, 0, 7];
    const EAST: [u8; 4] = [10, 2, 0, 9];

    /// A TCP segment with a right checksum.
    fn segment(flags: u8, options: &[u8]) -> Vec<u8> {
        let mut s = vec![0x9c, 0x40, 0, 22, 0, 0, 0, 1, 0, 0, 0, 0];
        s.push(((5 + options.len() / 4) << 4) as u8);
        s.extend([flags, 0xff, 0xff, 0, 0, 0, 0]);
        s.extend(options);
        let sum = checksum(&s);
        s[16..18].copy_from_slice(&sum.to_be_bytes());
        s
    }

    fn checksum(segment: &[u8]) -> u16 {
        let (from, to): (IpAddr, IpAddr) = (WEST.into(), EAST.into());
        Sum::pseudo_header(from, to, protocol::TCP, segment.len())
            .bytes(segment)
            .finish()
    }

    #[test]
    fn a_segment_too_large_is_lowered_and_the_checksum_stays_right() {
        for (options, odd) in [
            (vec![2, 4, 0x05, 0xb4], false),
            (vec![1, 2, 4, 0x05, 0xb4, 1, 1, 0], true),
            (vec![3, 3, 7, 2, 4, 0x05, 0xb4, 0], true),
            (vec![4, 2, 2, 4, 0x05, 0xb4, 0, 0], false),
        ] {
            let mut s = segment(TcpHeader::SYN, &options);
            assert_eq!(find(&s).unwrap().0 % 2 == 1, odd);
            assert!(clamp(&mut s, 1300));
            assert_eq!(TcpHeader::parse(&s).unwrap().mss, Some(1300));
            assert_eq!(checksum(&s), 0, "{options:?}");
            assert!(!clamp(&mut s, 1300), "it is low enough now");
        }
    }

    #[test]
    fn what_is_small_missing_or_broken_stays() {
        for options in [
            &[2, 4, 2, 24][..],
            &[],
            &[1, 1, 1, 0],
            &[2, 3, 0x05, 0xb4],
            &[9, 0, 0, 0],
            &[9, 1, 2, 4],
            &[0, 2, 4, 0x05],
        ] {
            let before = segment(TcpHeader::SYN, options);
            let mut after = before.clone();
            assert!(!clamp(&mut after, 1300));
            assert_eq!(after, before, "{options:?}");
        }
        let whole = segment(TcpHeader::SYN, &[2, 4, 0x05, 0xb4]);
        for end in 0..whole.len() {
            let mut cut = whole[..end].to_vec();
            assert!(!clamp(&mut cut, 1300), "{end}");
        }
    }

    #[test]
    fn only_first_packets_of_connections_are_looked_at() {
        let packet = |flags| {
            let mut p = Vec::new();
            let body = segment(flags, &[2, 4, 0x05, 0xb4]);
            emit_packet(WEST.into(), EAST.into(), protocol::TCP, &body, &mut p).unwrap();
            p
        };
        let kept = |mut packet: Vec<u8>| {
            let before = packet.clone();
            let looked = begins_connection(&packet);
            let changed = looked && keep_within(&mut packet, Mss::AtMost(1300), 9000);
            assert_eq!(packet != before, changed);
            (looked, changed)
        };
        let syn = packet(TcpHeader::SYN);
        assert_eq!(kept(syn.clone()), (true, true));
        assert_eq!(kept(packet(TcpHeader::SYN | TcpHeader::ACK)), (true, true));
        assert_eq!(kept(packet(TcpHeader::ACK)), (false, false));
        let mut later = syn;
        later[7] = 1;
        assert_eq!(
            kept(later),
            (true, false),
            "a later fragment has no such header"
        );
        for end in 0..40 {
            assert!(!keep_within(
                &mut packet(TcpHeader::SYN)[..end],
                Mss::Auto,
                1280
            ));
        }
    }

    #[test]
    fn the_tunnels_mtu_says_how_large() {
        assert_eq!(most(Mss::Auto, 1438, true), Some(1398));
        assert_eq!(most(Mss::Auto, 1438, false), Some(1378));
        assert_eq!(most(Mss::AtMost(1200), 1438, true), Some(1200));
        assert_eq!(most(Mss::Off, 1438, true), None);
        assert_eq!(most(Mss::Auto, 0, true), Some(LEAST), "never nonsense");
        assert_eq!(most(Mss::Auto, 1 << 20, true), None, "no limit is known");
    }
}
