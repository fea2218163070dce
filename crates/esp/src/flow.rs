//! What traffic selectors look at in an IP packet (RFC 4301 4.4.1.1).

use std::net::IpAddr;

use adit_model::selector::Selector;

/// Addresses, upper-layer protocol and ports of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Upper-layer protocol, behind any IPv6 extension headers.
    pub protocol: u8,
    /// Source port; for ICMP type and code (RFC 7296 3.13.1). `None` where the packet has none to show: other protocols,
    /// later fragments.
    pub source_port: Option<u16>,
    /// Destination port; for ICMP as `source_port`.
    pub destination_port: Option<u16>,
    /// Octets of the packet as its own header has it; what the buffer holds behind that isn't part of it.
    pub length: usize,
}

/// The bytes aren't an IP packet: wrong version, or lengths that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an IP packet, or its lengths contradict each other")]
pub struct NotIp;

/// Upper-layer header as far as selectors go.
struct Upper {
    protocol: u8,
    ports: Option<(u16, u16)>,
}

impl Flow {
    /// Reads the headers of an IPv4 or IPv6 packet.
    ///
    /// # Errors
    /// [`NotIp`].
    pub fn of(packet: &[u8]) -> Result<Self, NotIp> {
        match packet.first().map(|first| first >> 4) {
            Some(4) => Self::v4(packet),
            Some(6) => Self::v6(packet),
            _ => Err(NotIp),
        }
        .ok_or(NotIp)
    }

    /// Whether it goes from one of `from` to one of `to`.
    #[must_use]
    pub fn is_between(&self, from: &[Selector], to: &[Selector]) -> bool {
        from.iter()
            .any(|s| s.matches(self.protocol, self.source_port, self.source))
            && to
                .iter()
                .any(|s| s.matches(self.protocol, self.destination_port, self.destination))
    }

    fn v4(packet: &[u8]) -> Option<Self> {
        let header: &[u8; 20] = packet.first_chunk()?;
        let header_len = usize::from(header[0] & 0x0f) * 4;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header_len < header.len() {
            return None;
        }
        let body = packet.get(..length)?.get(header_len..)?;
        let first_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff == 0;
        let upper = Upper::read(header[9], body, first_fragment);
        let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
        Some(upper.flow([s0, s1, s2, s3].into(), [d0, d1, d2, d3].into(), length))
    }

    fn v6(packet: &[u8]) -> Option<Self> {
        let header: &[u8; 40] = packet.first_chunk()?;
        let length = header.len() + usize::from(u16::from_be_bytes([header[4], header[5]]));
        let body = packet.get(..length)?.get(header.len()..)?;
        let upper = behind_extensions(header[6], body)?;
        let source: [u8; 16] = *header[8..].first_chunk()?;
        let destination: [u8; 16] = *header[24..].first_chunk()?;
        Some(upper.flow(source.into(), destination.into(), length))
    }
}

/// Walks IPv6 extension headers (RFC 8200 4) to the upper-layer one.
fn behind_extensions(mut protocol: u8, mut body: &[u8]) -> Option<Upper> {
    let mut first_fragment = true;
    loop {
        let octets = match protocol {
            HOP_BY_HOP | ROUTING | DESTINATION => (usize::from(*body.get(1)?) + 1) * 8,
            FRAGMENT => {
                let offset = u16::from_be_bytes([*body.get(2)?, *body.get(3)?]) & 0xfff8;
                first_fragment = offset == 0;
                8
            }
            AUTHENTICATION => (usize::from(*body.get(1)?) + 2) * 4,
            _ => return Some(Upper::read(protocol, body, first_fragment)),
        };
        protocol = *body.first()?;
        body = body.get(octets..)?;
        if !first_fragment {
            return Some(Upper::read(protocol, body, false));
        }
    }
}

impl Upper {
    fn read(protocol: u8, body: &[u8], first_fragment: bool) -> Self {
        let ports = body
            .first_chunk()
            .filter(|_| first_fragment)
            .and_then(|&[a, b, c, d]| match protocol {
                TCP | UDP | DCCP | SCTP | UDP_LITE => {
                    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
                }
                ICMP | ICMPV6 => Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([a, b]))),
                _ => None,
            });
        Self { protocol, ports }
    }

    fn flow(self, source: IpAddr, destination: IpAddr, length: usize) -> Flow {
        Flow {
            source,
            destination,
            protocol: self.protocol,
            source_port: self.ports.map(|(port, _)| port),
            destination_port: self.ports.map(|(_, port)| port),
            length,
        }
    }
}

// IANA protocol numbers.
const HOP_BY_HOP: u8 = 0;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const DCCP: u8 = 33;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
const DESTINATION: u8 = 60;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn v4(protocol: u8, fragment: u16, body: &[u8]) -> Vec<u8> {
        let mut p = vec![0x45, 0, 0, (20 + body.len()) as u8, 0, 0];
        p.extend(fragment.to_be_bytes());
        p.extend([64, protocol, 0, 0, 10, 1, 0, 1, 10, 2, 0, 2]);
        p.extend(body);
        p
    }

    fn v6(next: u8, body: &[u8]) -> Vec<u8> {
        let mut p = vec![0x60, 0, 0, 0, 0, body.len() as u8, next, 64];
        p.extend([0xfd; 16]);
        p.extend([0xfe; 16]);
        p.extend(body);
        p
    }

    #[test]
    fn ipv4_shows_addresses_and_ports() {
        let flow = Flow::of(&v4(6, 0, &[0x01, 0xbb, 0x10, 0x00])).unwrap();
        assert_eq!(
            (flow.source, flow.destination),
            ([10, 1, 0, 1].into(), [10, 2, 0, 2].into())
        );
        assert_eq!(
            (flow.protocol, flow.source_port, flow.destination_port),
            (6, Some(443), Some(4096))
        );
        assert_eq!(flow.length, 24);
    }

    #[test]
    fn icmp_shows_type_and_code_on_both_sides() {
        let flow = Flow::of(&v4(1, 0, &[8, 0, 0, 0])).unwrap();
        assert_eq!(
            (flow.source_port, flow.destination_port),
            (Some(0x0800), Some(0x0800))
        );
    }

    #[test]
    fn later_fragments_show_no_ports() {
        assert_eq!(
            Flow::of(&v4(17, 1, &[0; 8])).unwrap().destination_port,
            None
        );
        let first = v6(44, &[17, 0, 0, 1, 0, 0, 0, 0, 0, 53, 0, 53]);
        assert_eq!(Flow::of(&first).unwrap().destination_port, Some(53));
        let later = v6(44, &[17, 0, 0, 9, 0, 0, 0, 0, 0, 53, 0, 53]);
        let flow = Flow::of(&later).unwrap();
        assert_eq!((flow.protocol, flow.destination_port), (17, None));
    }

    #[test]
    fn ipv6_extension_headers_are_walked() {
        let mut body = vec![60, 0, 0, 0, 0, 0, 0, 0]; // hop-by-hop, then
        body.extend([6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // destination options of 16 octets, then
        body.extend([0, 80, 0, 81]); // TCP
        let flow = Flow::of(&v6(0, &body)).unwrap();
        assert_eq!(
            (flow.protocol, flow.source_port, flow.destination_port),
            (6, Some(80), Some(81))
        );
    }

    #[test]
    fn contradictory_lengths_are_refused() {
        let good = v4(17, 0, &[0; 8]);
        for n in 0..good.len() {
            assert_eq!(Flow::of(&good[..n]), Err(NotIp), "prefix of {n}");
        }
        let mut short_header = good.clone();
        short_header[0] = 0x44;
        assert_eq!(Flow::of(&short_header), Err(NotIp));
        let mut total_below_header = good.clone();
        total_below_header[3] = 19;
        assert_eq!(Flow::of(&total_below_header), Err(NotIp));
        assert_eq!(
            Flow::of(&v6(0, &[6, 200])),
            Err(NotIp),
            "an extension header beyond the end"
        );
        assert_eq!(Flow::of(&[0x50; 60]), Err(NotIp), "version 5");
    }

    #[test]
    fn what_lies_behind_the_packet_is_not_part_of_it() {
        let mut padded = v4(17, 0, &[0; 8]);
        padded.extend([0; 30]);
        assert_eq!(Flow::of(&padded).unwrap().length, 28);
    }
}
