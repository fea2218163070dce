//! Packets of the virtual world: real IP packets, as bytes.

use std::net::{IpAddr, SocketAddr};

use adit_esp::Sealed;
use adit_wire::checksum;
use adit_wire::icmp::{
    Family, IcmpMessage, V4_CODE_FRAGMENTATION_NEEDED, V4_CODE_PORT, V6_CODE_PORT,
};
use adit_wire::ip::{IpPacket, Ipv4Header, Ipv6Header, protocol, set_traffic_class};
use adit_wire::udp::UdpDatagram;

/// Most octets of a packet that an ICMP error quotes (RFC 1812 4.3.2.3: as much as fits into 576).
const QUOTE: usize = 548;

/// A whole IP packet; `None` when the addresses are of two families or the payload is too long.
pub(crate) fn ip(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: &[u8],
    id: u16,
    dont_fragment: bool,
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(payload.len() + Ipv6Header::LEN);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Ipv4Header {
            identification: id,
            dont_fragment,
            ..Ipv4Header::new(source, destination, protocol)
        }
        .emit(payload.len(), &mut out),
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            Ipv6Header::new(source, destination, protocol).emit(payload.len(), &mut out)
        }
        _ => return None,
    }
    .ok()?;
    out.extend_from_slice(payload);
    Some(out)
}

/// A UDP packet that routers may fragment.
pub(crate) fn udp(from: SocketAddr, to: SocketAddr, payload: &[u8], id: u16) -> Option<Vec<u8>> {
    let mut datagram = Vec::with_capacity(payload.len() + UdpDatagram::HEADER_LEN);
    UdpDatagram {
        source_port: from.port(),
        destination_port: to.port(),
        payload,
    }
    .emit(from.ip(), to.ip(), &mut datagram)
    .ok()?;
    ip(from.ip(), to.ip(), protocol::UDP, &datagram, id, false)
}

/// The outer packet around an ESP packet.
pub(crate) fn esp(sealed: &Sealed, esp: &[u8], id: u16) -> Option<Vec<u8>> {
    let (from, to) = (sealed.path.local, sealed.path.remote);
    let mut datagram = Vec::new();
    let (protocol, payload) = if sealed.path.udp_encap {
        UdpDatagram {
            source_port: from.port(),
            destination_port: to.port(),
            payload: esp,
        }
        .emit(from.ip(), to.ip(), &mut datagram)
        .ok()?;
        (protocol::UDP, datagram.as_slice())
    } else {
        (protocol::ESP, esp)
    };
    let mut packet = ip(from.ip(), to.ip(), protocol, payload, id, sealed.df)?;
    set_traffic_class(&mut packet, sealed.tos);
    Some(packet)
}

/// An ICMP message of the family of its addresses.
pub(crate) fn icmp(from: IpAddr, to: IpAddr, message: &IcmpMessage) -> Option<Vec<u8>> {
    let family = Family::of(from, to);
    let mut body = Vec::new();
    message.emit(family, &mut body).ok()?;
    ip(from, to, family.protocol(), &body, 0, true)
}

/// Why a packet goes no further, as routers and hosts tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    Port,
    Protocol,
    Host,
    Net,
    Prohibited,
    TooBig(usize),
}

/// The ICMP error about `packet`; `None` for what must not be answered with an error: ICMP errors themselves and later
/// fragments (RFC 1122 3.2.2).
pub(crate) fn unreachable(from: IpAddr, packet: &[u8], why: Unreachable) -> Option<Vec<u8>> {
    let about = IpPacket::parse(packet).ok()?;
    if about.is_later_fragment() || is_icmp_error(&about) {
        return None;
    }
    let quoted = packet.get(..QUOTE).unwrap_or(packet).to_vec();
    let v4 = from.is_ipv4();
    let message = |v4_code, v6_code| IcmpMessage::Unreachable {
        code: if v4 { v4_code } else { v6_code },
        detail: 0,
        quoted: quoted.clone(),
    };
    let message = match why {
        Unreachable::Port => message(V4_CODE_PORT, V6_CODE_PORT),
        Unreachable::Protocol => message(2, 4),
        Unreachable::Host => message(1, 3),
        Unreachable::Net => message(0, 0),
        Unreachable::Prohibited => message(13, 1),
        Unreachable::TooBig(mtu) if v4 => IcmpMessage::Unreachable {
            code: V4_CODE_FRAGMENTATION_NEEDED,
            detail: u32::try_from(mtu).ok()?,
            quoted,
        },
        Unreachable::TooBig(mtu) => IcmpMessage::PacketTooBig {
            mtu: u32::try_from(mtu).ok()?,
            quoted,
        },
    };
    icmp(from, about.source, &message)
}

fn is_icmp_error(packet: &IpPacket<'_>) -> bool {
    match (packet.protocol, packet.payload().first()) {
        (protocol::ICMP, Some(kind)) => !matches!(kind, 0 | 8),
        (protocol::ICMPV6, Some(kind)) => *kind < 128,
        _ => false,
    }
}

/// Where the ESP packet went whose start an ICMP error quotes, and under which SPI.
pub(crate) fn quoted_esp(quoted: &[u8]) -> Option<(IpAddr, u32)> {
    let (destination, number, payload): (IpAddr, u8, &[u8]) = match quoted.first()? >> 4 {
        4 => {
            let header: &[u8; 20] = quoted.first_chunk()?;
            let [.., d0, d1, d2, d3] = *header;
            let payload = quoted.get(usize::from(header[0] & 15) * 4..)?;
            ([d0, d1, d2, d3].into(), header[9], payload)
        }
        6 => {
            let header: &[u8; 40] = quoted.first_chunk()?;
            let destination: [u8; 16] = *header.get(24..)?.first_chunk()?;
            (destination.into(), header[6], quoted.get(40..)?)
        }
        _ => return None,
    };
    let esp = match number {
        protocol::ESP => payload,
        protocol::UDP => payload.get(UdpDatagram::HEADER_LEN..)?,
        _ => return None,
    };
    Some((destination, u32::from_be_bytes(*esp.first_chunk()?)))
}

/// Addresses and ports of the UDP packet whose start an ICMP error quotes.
pub(crate) fn quoted_udp(quoted: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (source, destination, rest): (IpAddr, IpAddr, &[u8]) = match quoted.first()? >> 4 {
        4 => {
            let header: &[u8; 20] = quoted.first_chunk()?;
            let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
            let rest = quoted.get(usize::from(header[0] & 15) * 4..)?;
            let is_udp = header[9] == protocol::UDP;
            is_udp.then_some(([s0, s1, s2, s3].into(), [d0, d1, d2, d3].into(), rest))?
        }
        6 => {
            let header: &[u8; 40] = quoted.first_chunk()?;
            let source: [u8; 16] = *header.get(8..)?.first_chunk()?;
            let destination: [u8; 16] = *header.get(24..)?.first_chunk()?;
            let is_udp = header[6] == protocol::UDP;
            is_udp.then_some((source.into(), destination.into(), quoted.get(40..)?))?
        }
        _ => return None,
    };
    let [a, b, c, d] = *rest.first_chunk()?;
    Some((
        (source, u16::from_be_bytes([a, b])).into(),
        (destination, u16::from_be_bytes([c, d])).into(),
    ))
}

/// Counts down the time to live; `false` when it has run out.
pub(crate) fn hop(packet: &mut [u8]) -> bool {
    let at = match packet.first().map(|first| first >> 4) {
        Some(4) => 8,
        Some(6) => 7,
        _ => return false,
    };
    match packet.get_mut(at) {
        Some(hops) if *hops > 1 => *hops -= 1,
        _ => return false,
    }
    if at == 8 {
        fix_header_checksum(packet);
    }
    true
}

/// Sets the time to live.
pub(crate) fn set_hops(packet: &mut [u8], hops: u8) {
    let is_v4 = packet.first().is_some_and(|first| first >> 4 == 4);
    if let Some(place) = packet.get_mut(if is_v4 { 8 } else { 7 }) {
        *place = hops;
    }
    if is_v4 {
        fix_header_checksum(packet);
    }
}

fn fix_header_checksum(packet: &mut [u8]) {
    let len = packet
        .first()
        .map_or(0, |first| usize::from(first & 15) * 4);
    if let Some(header) = packet.get_mut(..len)
        && let Some(place) = header.get_mut(10..12)
    {
        place.fill(0);
        let sum = checksum::of(header);
        if let Some(place) = header.get_mut(10..12) {
            place.copy_from_slice(&sum.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn an_error_quotes_what_it_is_about_and_errors_beget_none() {
        for (from, to, router) in [
            ("192.0.2.1:500", "198.51.100.2:4500", "203.0.113.1"),
            ("[fd00::1]:500", "[fd00::2]:4500", "fd00::9"),
        ] {
            let packet = udp(at(from), at(to), &[7; 900], 1).unwrap_or_default();
            let router = router.parse().unwrap_or_else(|e| panic!("{e}"));
            let error = unreachable(router, &packet, Unreachable::Port).unwrap_or_default();
            let outer = IpPacket::parse(&error).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(outer.destination, at(from).ip());
            let family = Family::of(outer.source, outer.destination);
            match IcmpMessage::parse(family, outer.payload()) {
                Ok(IcmpMessage::Unreachable { quoted, .. }) => {
                    assert_eq!(quoted_udp(&quoted), Some((at(from), at(to))));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(unreachable(router, &error, Unreachable::Host), None);
        }
    }

    #[test]
    fn hops_are_counted_down_to_one() {
        let mut packet = udp(at("192.0.2.1:1"), at("192.0.2.2:2"), &[], 0).unwrap_or_default();
        let mut hops = 0;
        while hop(&mut packet) {
            hops += 1;
            assert!(Ipv4Header::parse(&packet).is_ok(), "checksum");
        }
        assert_eq!(hops, 63);
    }
}
