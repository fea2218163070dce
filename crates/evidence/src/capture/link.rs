//! From a captured frame to the IP packet in it.

use std::borrow::Cow;

/// What is in a frame.
pub(super) enum Inside<'a> {
    /// An IP packet of either version, and perhaps padding behind it.
    Ip(&'a [u8]),
    /// Something else, by name.
    Other(Cow<'static, str>),
    /// Nothing that can be told.
    Unread(Cow<'static, str>),
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_PPPOE: u16 = 0x8864;
/// 802.1Q, 802.1ad, and what some switches used before it.
const ETHERTYPES_VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// Looks into a frame of link type `link` (<https://www.tcpdump.org/linktypes.html>).
pub(super) fn inside(link: u16, frame: &[u8]) -> Inside<'_> {
    match link {
        0 | 108 => null(frame),
        1 => ethertype(frame, 12),
        // PPP in HDLC-like framing, with or without address and control.
        9 | 50 => ppp(frame.strip_prefix(&[0xff, 0x03]).unwrap_or(frame)),
        12 | 14 | 101 | 228 | 229 => bare(frame, 0),
        113 => ethertype(frame, 14),
        276 => match be16(frame, 0) {
            Some(protocol) => by_ethertype(protocol, frame, 20),
            None => short(),
        },
        other => Inside::Unread(format!("link type {other} isn't known").into()),
    }
}

/// Whether the host that captured sent a packet or received it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// It sent it.
    Sent,
    /// It was addressed to it.
    Received,
}

/// What Linux's cooked frames say about their direction.
pub(super) fn direction(link: u16, frame: &[u8]) -> Option<Direction> {
    let kind = match link {
        113 => be16(frame, 0)?,
        276 => u16::from(*frame.get(10)?),
        _ => return None,
    };
    match kind {
        0 => Some(Direction::Received),
        4 => Some(Direction::Sent),
        _ => None,
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|two| u16::from_be_bytes(*two))
}

fn short<'a>() -> Inside<'a> {
    Inside::Unread("a frame shorter than its header".into())
}

fn bare(frame: &[u8], at: usize) -> Inside<'_> {
    match frame.get(at..) {
        Some(packet) if !packet.is_empty() => Inside::Ip(packet),
        _ => short(),
    }
}

/// BSD's loopback: the address family in the order of the host that captured; in OpenBSD's in network order. The IP
/// version says the same and has no order.
fn null(frame: &[u8]) -> Inside<'_> {
    match frame.get(4).map(|first| first >> 4) {
        Some(4 | 6) => bare(frame, 4),
        Some(_) => Inside::Other("not IP (loopback)".into()),
        None => short(),
    }
}

fn ppp(frame: &[u8]) -> Inside<'_> {
    match be16(frame, 0) {
        Some(0x0021 | 0x0057) => bare(frame, 2),
        Some(other) => Inside::Other(format!("not IP (PPP {other:#06x})").into()),
        None => short(),
    }
}

/// Follows the type at `at` through VLAN tags.
fn ethertype(frame: &[u8], at: usize) -> Inside<'_> {
    match be16(frame, at) {
        Some(kind) => by_ethertype(kind, frame, at + 2),
        None => short(),
    }
}

fn by_ethertype(mut kind: u16, frame: &[u8], mut at: usize) -> Inside<'_> {
    while ETHERTYPES_VLAN.contains(&kind) {
        let Some(next) = be16(frame, at + 2) else {
            return short();
        };
        (kind, at) = (next, at + 4);
    }
    match kind {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => bare(frame, at),
        ETHERTYPE_PPPOE => frame.get(at + 6..).map_or_else(short, ppp),
        0x0806 => Inside::Other("ARP".into()),
        ..0x0600 => Inside::Other("not IP (IEEE 802.3 frame)".into()),
        other => Inside::Other(format!("not IP (ethertype {other:#06x})").into()),
    }
}
