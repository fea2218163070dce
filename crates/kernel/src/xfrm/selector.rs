//! Which packets a policy or a state is for, in the kernel's terms: two networks, a protocol, and masked ports.

use std::fmt;

use adit_model::selector::Selector as Traffic;
use ipnet::IpNet;

/// A selector of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    /// Where packets come from.
    pub source: IpNet,
    /// Where they go.
    pub destination: IpNet,
    /// IP protocol; 0 is any.
    pub protocol: u8,
    /// Source ports; for ICMP the type.
    pub source_ports: Ports,
    /// Destination ports; for ICMP the code.
    pub destination_ports: Ports,
    /// Index of the interface that the packet is routed to; 0 is any.
    pub device: u32,
}

/// Ports that agree with `port` in the bits of `mask`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ports {
    /// The bits that must agree.
    pub port: u16,
    /// Which bits count; 0 takes any port.
    pub mask: u16,
}

impl Ports {
    /// Every port, and packets without ports.
    pub const ANY: Self = Self { port: 0, mask: 0 };

    /// One port.
    #[must_use]
    pub const fn one(port: u16) -> Self {
        Self {
            port,
            mask: u16::MAX,
        }
    }

    /// The fewest that take exactly the ports from the first to the last; [`Ports::ANY`] for all of them. An opaque
    /// selector (RFC 4301 4.4.1.1) is one that doesn't look at ports either.
    #[must_use]
    pub fn range((first, last): (u16, u16)) -> Vec<Self> {
        if (first, last) == (0, u16::MAX) || first > last {
            return vec![Self::ANY];
        }
        let (mut at, end) = (u32::from(first), u32::from(last));
        let mut found = Vec::new();
        while at <= end {
            // The largest block that begins here and doesn't go beyond the end.
            let mut size = if at == 0 {
                1 << 15
            } else {
                1u32 << at.trailing_zeros().min(15)
            };
            while at + size - 1 > end {
                size >>= 1;
            }
            found.push(Self {
                port: at as u16,
                mask: !((size - 1) as u16),
            });
            at += size;
        }
        found
    }
}

impl Selector {
    /// Everything between two networks.
    #[must_use]
    pub const fn between(source: IpNet, destination: IpNet) -> Self {
        Self {
            source,
            destination,
            protocol: 0,
            source_ports: Ports::ANY,
            destination_ports: Ports::ANY,
            device: 0,
        }
    }

    /// The fewest that take exactly what goes from `from` to `to`; none when no packet can: addresses of two families, or
    /// two protocols. The ports of ICMP are type and code in one number (RFC 7296 3.13.1).
    #[must_use]
    pub fn of_traffic(from: &Traffic, to: &Traffic) -> Vec<Self> {
        let protocol = from.protocol.max(to.protocol);
        let differ = from.protocol != to.protocol && from.protocol.min(to.protocol) != 0;
        if differ || from.start.is_ipv4() != to.start.is_ipv4() {
            return Vec::new();
        }
        let ports = if matches!(protocol, ICMP | ICMPV6) {
            icmp_ports(from.ports)
        } else {
            let all = |source: Ports| {
                let to = Ports::range(to.ports).into_iter();
                to.map(move |destination| (source, destination))
            };
            Ports::range(from.ports).into_iter().flat_map(all).collect()
        };
        let mut found = Vec::new();
        for source in from.nets() {
            for destination in to.nets() {
                for &(source_ports, destination_ports) in &ports {
                    found.push(Self {
                        source,
                        destination,
                        protocol,
                        source_ports,
                        destination_ports,
                        device: 0,
                    });
                }
            }
        }
        found
    }

    /// The same traffic in the other direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        if matches!(self.protocol, ICMP | ICMPV6) {
            return Self {
                source: self.destination,
                destination: self.source,
                ..self
            };
        }
        Self {
            source: self.destination,
            destination: self.source,
            source_ports: self.destination_ports,
            destination_ports: self.source_ports,
            ..self
        }
    }

    /// As traffic selectors: whole port ranges where the ports are a mask that is none.
    #[must_use]
    pub fn traffic(&self) -> (Traffic, Traffic) {
        let side = |net: IpNet, ports: Ports| {
            let mut side = Traffic::net(net);
            side.protocol = self.protocol;
            if ports.mask == u16::MAX && !matches!(self.protocol, ICMP | ICMPV6) {
                side.ports = (ports.port, ports.port);
            }
            side
        };
        (
            side(self.source, self.source_ports),
            side(self.destination, self.destination_ports),
        )
    }
}

/// A range of types, all of their codes with it; a single type and code; or, for what masks can't say, everything.
fn icmp_ports((first, last): (u16, u16)) -> Vec<(Ports, Ports)> {
    let (from, to) = ((first >> 8, first & 0xff), (last >> 8, last & 0xff));
    if first == last {
        return vec![(Ports::one(from.0), Ports::one(from.1))];
    }
    if (first, last) == (0, u16::MAX) || first > last || from.1 != 0 || to.1 != 0xff {
        return vec![(Ports::ANY, Ports::ANY)];
    }
    let types = Ports::range((from.0, to.0)).into_iter();
    types.map(|kind| (kind, Ports::ANY)).collect()
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = self.traffic();
        write!(f, "{from} to {to}")
    }
}

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn takes(ports: &[Ports], port: u16) -> usize {
        ports.iter().filter(|p| port & p.mask == p.port).count()
    }

    #[test]
    fn port_ranges_are_taken_exactly_and_once() {
        for range in [
            (22, 22),
            (1, 65535),
            (1000, 2000),
            (0, 1023),
            (0, 65534),
            (65535, 65535),
            (80, 443),
        ] {
            let ports = Ports::range(range);
            assert!(ports.len() <= 30, "{range:?}: {}", ports.len());
            for port in 0..=u16::MAX {
                let within = range.0 <= port && port <= range.1;
                assert_eq!(takes(&ports, port), usize::from(within), "{range:?} {port}");
            }
        }
        assert_eq!(Ports::range((0, 65535)), [Ports::ANY]);
        assert_eq!(Ports::range((65535, 0)), [Ports::ANY]);
    }

    #[test]
    fn traffic_of_two_families_or_protocols_is_none() {
        let of = |a: &str, b: &str| Selector::of_traffic(&a.parse().unwrap(), &b.parse().unwrap());
        assert_eq!(of("10.1.0.0/16", "fd00::/64"), []);
        assert_eq!(of("10.1.0.0/16[tcp]", "10.2.0.0/16[udp]"), []);
        let one = of("10.1.0.0/16[tcp]", "10.2.0.0/16[tcp/22]");
        assert_eq!(one.len(), 1);
        assert_eq!(
            (one[0].protocol, one[0].destination_ports),
            (6, Ports::one(22))
        );
        assert_eq!(one[0].reversed().source_ports, Ports::one(22));
        assert_eq!(
            one[0].to_string(),
            "10.1.0.0/16[tcp] to 10.2.0.0/16[tcp/22]"
        );
    }

    #[test]
    fn icmp_has_type_and_code_where_others_have_ports() {
        assert_eq!(icmp_ports((0, 65535)), [(Ports::ANY, Ports::ANY)]);
        assert_eq!(
            icmp_ports((0x0800, 0x0800)),
            [(Ports::one(8), Ports::one(0))]
        );
        assert_eq!(
            icmp_ports((0x0800, 0x08ff)),
            [(
                Ports {
                    port: 8,
                    mask: 0xffff
                },
                Ports::ANY
            )]
        );
    }
}
