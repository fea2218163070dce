//! NAT boxes (RFC 4787 names the kinds).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use adit_model::Mono;
use adit_wire::icmp::{Family, IcmpMessage};
use adit_wire::ip::{IpPacket, protocol, set_traffic_class};
use adit_wire::udp::UdpDatagram;

use crate::packet;
use crate::rng::Rng;

/// On what a mapping depends, and so who may answer through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatKind {
    /// One public port per inside port; anybody may answer.
    EndpointIndependent,
    /// Another one for each remote address; only that address may answer.
    AddressDependent,
    /// Another one for each remote address and port, as Linux masquerading does; only that port may answer.
    PortDependent,
}

/// How a NAT box behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatSettings {
    /// On what mappings depend.
    pub kind: NatKind,
    /// Keep the inside port where it is free outside.
    pub preserve_ports: bool,
    /// How long a mapping without traffic lives.
    pub timeout: Duration,
}

impl Default for NatSettings {
    /// As Linux masquerades.
    fn default() -> Self {
        Self {
            kind: NatKind::PortDependent,
            preserve_ports: true,
            timeout: Duration::from_secs(30),
        }
    }
}

/// The translations of one box.
#[derive(Clone, Debug)]
pub(crate) struct Nat {
    settings: NatSettings,
    public: IpAddr,
    mappings: Vec<Mapping>,
    /// Public UDP ports that always lead to the same inside port.
    forwards: Vec<(u16, SocketAddr)>,
}

#[derive(Clone, Copy, Debug)]
struct Mapping {
    protocol: u8,
    inside: SocketAddr,
    public_port: u16,
    remote: SocketAddr,
    used: Mono,
}

/// The two ends of a packet; ICMP echoes have their identifier for a port on the inside and none outside.
#[derive(Clone, Copy)]
struct Ends {
    protocol: u8,
    from: SocketAddr,
    to: SocketAddr,
}

impl Nat {
    pub(crate) fn new(settings: NatSettings, public: IpAddr) -> Self {
        Self {
            settings,
            public,
            mappings: Vec::new(),
            forwards: Vec::new(),
        }
    }

    /// What comes to a public UDP port goes to `inside` from now on, whoever sends it.
    pub(crate) fn forward(&mut self, public_port: u16, inside: SocketAddr) {
        self.forwards.push((public_port, inside));
    }

    pub(crate) fn public(&self) -> IpAddr {
        self.public
    }

    /// Forgets every mapping, as a restart does.
    pub(crate) fn forget(&mut self) {
        self.mappings.clear();
    }

    /// A packet from the inside, with its public source; `None` for what has no ports to translate.
    pub(crate) fn outbound(&mut self, now: Mono, rng: &mut Rng, packet: &[u8]) -> Option<Vec<u8>> {
        self.expire(now);
        let ends = Ends::of(packet)?;
        let mut forwards = self.forwards.iter();
        if let Some((port, _)) =
            forwards.find(|(_, inside)| ends.protocol == protocol::UDP && *inside == ends.from)
        {
            return rewrite(packet, Some((self.public, *port).into()), None);
        }
        let kind = self.settings.kind;
        let known = self.mappings.iter_mut().find(|m| {
            m.protocol == ends.protocol && m.inside == ends.from && m.lets(kind, ends.to)
        });
        let public_port = if let Some(mapping) = known {
            mapping.used = now;
            mapping.public_port
        } else {
            let public_port = self.free_port(rng, ends);
            self.mappings.push(Mapping {
                protocol: ends.protocol,
                inside: ends.from,
                public_port,
                remote: ends.to,
                used: now,
            });
            public_port
        };
        let public = (self.public, public_port).into();
        rewrite(packet, Some(public), None)
    }

    /// A packet to the public address, with its inside destination; `None` when no mapping lets it in.
    pub(crate) fn inbound(&mut self, now: Mono, packet: &[u8]) -> Option<Vec<u8>> {
        self.expire(now);
        let kind = self.settings.kind;
        if let Some(ends) = Ends::of(packet) {
            let mut forwards = self.forwards.iter();
            if let Some((_, inside)) =
                forwards.find(|(port, _)| ends.protocol == protocol::UDP && *port == ends.to.port())
            {
                return rewrite(packet, None, Some(*inside));
            }
            let mapping = self.mappings.iter_mut().find(|m| {
                m.protocol == ends.protocol
                    && m.public_port == ends.to.port()
                    && m.lets(kind, ends.from)
            })?;
            mapping.used = now;
            return rewrite(packet, None, Some(mapping.inside));
        }
        self.inbound_error(packet)
    }

    /// An ICMP error about a packet that left through here: both its destination and what it quotes are translated.
    fn inbound_error(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let outer = IpPacket::parse(packet).ok()?;
        let family = Family::of(outer.source, outer.destination);
        if outer.protocol != family.protocol() {
            return None;
        }
        let IcmpMessage::Unreachable {
            code,
            detail,
            mut quoted,
        } = IcmpMessage::parse(family, outer.payload()).ok()?
        else {
            return None;
        };
        let (ends, port_at) = quoted_ends(&quoted)?;
        let kind = self.settings.kind;
        let mapping = self.mappings.iter().find(|m| {
            m.protocol == ends.protocol
                && m.public_port == ends.from.port()
                && m.lets(kind, ends.to)
        })?;
        let IpAddr::V4(inside) = mapping.inside.ip() else {
            return None;
        };
        quoted.get_mut(12..16)?.copy_from_slice(&inside.octets());
        quoted
            .get_mut(port_at..port_at + 2)?
            .copy_from_slice(&mapping.inside.port().to_be_bytes());
        let message = IcmpMessage::Unreachable {
            code,
            detail,
            quoted,
        };
        packet::icmp(outer.source, mapping.inside.ip(), &message)
    }

    fn expire(&mut self, now: Mono) {
        let timeout = self.settings.timeout;
        self.mappings.retain(|m| now.since(m.used) < timeout);
    }

    fn free_port(&self, rng: &mut Rng, ends: Ends) -> u16 {
        let taken = |port| {
            self.mappings
                .iter()
                .any(|m| m.protocol == ends.protocol && m.public_port == port)
        };
        if self.settings.preserve_ports && !taken(ends.from.port()) {
            return ends.from.port();
        }
        loop {
            let port = 1024 + rng.below(60_000) as u16;
            if !taken(port) {
                return port;
            }
        }
    }
}

impl Mapping {
    /// Whether the mapping is for this remote end.
    fn lets(&self, kind: NatKind, remote: SocketAddr) -> bool {
        match kind {
            NatKind::EndpointIndependent => true,
            NatKind::AddressDependent => self.remote.ip() == remote.ip(),
            NatKind::PortDependent => self.remote == remote,
        }
    }
}

impl Ends {
    fn of(packet: &[u8]) -> Option<Self> {
        let ip = IpPacket::parse(packet).ok()?;
        let (source_port, destination_port) = match ip.protocol {
            protocol::UDP => {
                let ports = ip.ports()?;
                (ports.source, ports.destination)
            }
            protocol::ICMP => match IcmpMessage::parse(Family::V4, ip.payload()).ok()? {
                IcmpMessage::EchoRequest(echo) => (echo.identifier, 0),
                IcmpMessage::EchoReply(echo) => (0, echo.identifier),
                _ => return None,
            },
            _ => return None,
        };
        Some(Self {
            protocol: ip.protocol,
            from: (ip.source, source_port).into(),
            to: (ip.destination, destination_port).into(),
        })
    }
}

/// The ends of the IPv4 packet whose start an ICMP error quotes, and where in it the source's port is.
fn quoted_ends(quoted: &[u8]) -> Option<(Ends, usize)> {
    if let Some((from, to)) = packet::quoted_udp(quoted) {
        let protocol = protocol::UDP;
        let at = usize::from(quoted.first()? & 15) * 4;
        return Some((Ends { protocol, from, to }, at));
    }
    let header: &[u8; 20] = quoted.first_chunk()?;
    let at = usize::from(header[0] & 15) * 4 + 4;
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    let identifier = u16::from_be_bytes(*quoted.get(at..)?.first_chunk()?);
    let ends = Ends {
        protocol: header[9],
        from: (IpAddr::from([s0, s1, s2, s3]), identifier).into(),
        to: (IpAddr::from([d0, d1, d2, d3]), 0).into(),
    };
    (ends.protocol == protocol::ICMP).then_some((ends, at))
}

/// The same packet with other ends and right checksums.
fn rewrite(packet: &[u8], from: Option<SocketAddr>, to: Option<SocketAddr>) -> Option<Vec<u8>> {
    let ip = IpPacket::parse(packet).ok()?;
    let source = from.map_or(ip.source, |from| from.ip());
    let destination = to.map_or(ip.destination, |to| to.ip());
    let id = u16::from_be_bytes(*packet.get(4..)?.first_chunk()?);
    let mut out = if ip.protocol == protocol::UDP {
        let mut datagram = UdpDatagram::parse(None, ip.payload()).ok()?;
        datagram.source_port = from.map_or(datagram.source_port, |from| from.port());
        datagram.destination_port = to.map_or(datagram.destination_port, |to| to.port());
        let mut octets = Vec::new();
        datagram.emit(source, destination, &mut octets).ok()?;
        let whole = ip.dont_fragment;
        packet::ip(source, destination, protocol::UDP, &octets, id, whole)?
    } else {
        let message = match IcmpMessage::parse(Family::V4, ip.payload()).ok()? {
            IcmpMessage::EchoRequest(mut echo) => {
                echo.identifier = from?.port();
                IcmpMessage::EchoRequest(echo)
            }
            IcmpMessage::EchoReply(mut echo) => {
                echo.identifier = to?.port();
                IcmpMessage::EchoReply(echo)
            }
            _ => return None,
        };
        packet::icmp(source, destination, &message)?
    };
    // A new header starts with full hops; this packet has come a way already.
    packet::set_hops(&mut out, ip.hops);
    set_traffic_class(&mut out, ip.traffic_class);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    fn send(nat: &mut Nat, now: u64, from: &str, to: &str) -> SocketAddr {
        let packet = packet::udp(at(from), at(to), b"x", 3).unwrap_or_default();
        let out = nat
            .outbound(Mono(now), &mut Rng::new(1), &packet)
            .unwrap_or_default();
        Ends::of(&out).map_or(at(from), |ends| ends.from)
    }

    fn answer(nat: &mut Nat, now: u64, from: &str, to: SocketAddr) -> Option<SocketAddr> {
        let packet = packet::udp(at(from), to, b"y", 3)?;
        Ends::of(&nat.inbound(Mono(now), &packet)?).map(|ends| ends.to)
    }

    fn nat(kind: NatKind, preserve_ports: bool) -> Nat {
        let settings = NatSettings {
            kind,
            preserve_ports,
            ..NatSettings::default()
        };
        Nat::new(settings, at("203.0.113.1:0").ip())
    }

    #[test]
    fn the_kinds_differ_in_mapping_and_in_who_may_answer() {
        let inside = "192.168.1.1:500";
        for (kind, same_port, same_host, anybody) in [
            (NatKind::EndpointIndependent, true, true, true),
            (NatKind::AddressDependent, true, true, false),
            (NatKind::PortDependent, false, false, false),
        ] {
            let mut nat = nat(kind, false);
            let first = send(&mut nat, 0, inside, "203.0.113.2:500");
            assert_eq!(send(&mut nat, 1, inside, "203.0.113.2:500"), first);
            let second = send(&mut nat, 2, inside, "203.0.113.2:4500");
            assert_eq!(second == first, same_port, "{kind:?}");
            assert_eq!(
                answer(&mut nat, 3, "203.0.113.2:500", first),
                Some(at(inside))
            );
            assert_eq!(
                answer(&mut nat, 3, "203.0.113.2:9", first).is_some(),
                same_host,
                "{kind:?}"
            );
            assert_eq!(
                answer(&mut nat, 3, "203.0.113.9:500", first).is_some(),
                anybody,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn an_idle_mapping_goes_and_a_new_one_looks_different() {
        let mut nat = nat(NatKind::PortDependent, false);
        let first = send(&mut nat, 0, "192.168.1.1:4500", "203.0.113.2:4500");
        let later = 31_000_000_000;
        assert_eq!(answer(&mut nat, later, "203.0.113.2:4500", first), None);
    }

    #[test]
    fn ports_are_preserved_where_they_are_free() {
        let mut nat = nat(NatKind::PortDependent, true);
        let first = send(&mut nat, 0, "192.168.1.1:500", "203.0.113.2:500");
        assert_eq!(first, at("203.0.113.1:500"));
        let other = send(&mut nat, 0, "192.168.1.2:500", "203.0.113.2:500");
        assert_ne!(other.port(), 500);
    }
}
