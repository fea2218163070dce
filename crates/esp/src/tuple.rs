//! What a packet shows to selectors, and selectors made for comparing (RFC 4301 4.4.1.1).

use std::net::IpAddr;

use adit_model::selector::Selector;
use adit_wire::ip::IpPacket;

/// The five things that selectors look at, read once. Packets with equal ones go the same way, ICMP errors excepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tuple {
    pub(crate) source: Address,
    pub(crate) destination: Address,
    pub(crate) protocol: u8,
    /// Later fragments, and protocols without them, show none; type and code of ICMP stand in both.
    ports: Option<(u16, u16)>,
}

/// A packet as policies and SAs see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) tuple: Tuple,
    /// For an ICMP error, whoever reports it: the packet that it is about, if the error goes back to who sent that. It
    /// went the other way, and its tunnel takes the error too (RFC 4301 6).
    pub(crate) about: Option<Tuple>,
}

/// An address as a number: families are told apart first, then order is that of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    v6: bool,
    number: u128,
}

/// Selectors of one side of a tunnel.
#[derive(Clone, Debug)]
pub(crate) struct Side(Box<[Term]>);

#[derive(Clone, Copy, Debug)]
struct Term {
    start: Address,
    end: Address,
    protocol: u8,
    ports: (u16, u16),
}

impl From<IpAddr> for Address {
    #[inline]
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self {
                v6: false,
                number: u128::from(v4.to_bits()),
            },
            IpAddr::V6(v6) => Self {
                v6: true,
                number: v6.to_bits(),
            },
        }
    }
}

impl Address {
    /// The address behind this one, of the same family; `None` behind the last.
    pub(crate) fn next(self) -> Option<Self> {
        let last = if self.v6 {
            u128::MAX
        } else {
            u128::from(u32::MAX)
        };
        (self.number < last).then(|| Self {
            number: self.number + 1,
            ..self
        })
    }
}

impl Tuple {
    #[inline]
    pub(crate) fn of(packet: &IpPacket<'_>) -> Self {
        Self {
            source: packet.source.into(),
            destination: packet.destination.into(),
            protocol: packet.protocol,
            ports: packet.ports().map(|p| (p.source, p.destination)),
        }
    }

    /// Spreads flows. Who chooses ports so that two flows collide slows down those two.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        let ports = self
            .ports
            .map_or(0, |(a, b)| u64::from(a) << 16 | u64::from(b));
        let fold = |address: Address| (address.number >> 64) as u64 ^ address.number as u64;
        let mix = |seed: u64, word: u64| (seed ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = mix(
            mix(
                mix(0, fold(self.source)).rotate_left(23),
                fold(self.destination),
            )
            .rotate_left(23),
            ports,
        );
        (hash ^ u64::from(self.protocol)) >> 40
    }

    /// Whether it goes from one side to the other.
    #[inline]
    pub(crate) fn is_between(&self, from: &Side, to: &Side) -> bool {
        let (source_port, destination_port) = (self.ports.map(|p| p.0), self.ports.map(|p| p.1));
        from.takes(self.protocol, source_port, self.source)
            && to.takes(self.protocol, destination_port, self.destination)
    }
}

impl Shown {
    #[inline]
    pub(crate) fn of(packet: &IpPacket<'_>) -> Self {
        let returns = |about: &IpPacket<'_>| about.source == packet.destination;
        Self {
            tuple: Tuple::of(packet),
            about: packet
                .quoted()
                .filter(returns)
                .map(|about| Tuple::of(&about)),
        }
    }

    /// Whether it is about a packet that went from `to` to `from`.
    #[inline]
    pub(crate) fn is_about(&self, from: &Side, to: &Side) -> bool {
        self.about.is_some_and(|about| about.is_between(to, from))
    }
}

impl Side {
    pub(crate) fn new(selectors: &[Selector]) -> Self {
        let term = |s: &Selector| Term {
            start: s.start.into(),
            end: s.end.into(),
            protocol: s.protocol,
            ports: s.ports,
        };
        Self(selectors.iter().map(term).collect())
    }

    /// First and last address of each selector.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (Address, Address)> {
        self.0.iter().map(|term| (term.start, term.end))
    }

    /// Whether some address is in both.
    pub(crate) fn meets(&self, other: &Side) -> bool {
        let ranges = || other.ranges();
        self.ranges()
            .any(|(start, end)| ranges().any(|(from, to)| start <= to && from <= end))
    }

    #[inline]
    fn takes(&self, protocol: u8, port: Option<u16>, address: Address) -> bool {
        self.0.iter().any(|term| {
            term.start <= address
                && address <= term.end
                && (term.protocol == 0 || term.protocol == protocol)
                && match port {
                    Some(port) => term.ports.0 <= port && port <= term.ports.1,
                    None => matches!(term.ports, (0, 65535) | (65535, 0)),
                }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address() -> impl Strategy<Value = IpAddr> {
        let near = [0u32, 1, 5, 0x0a00_0000, 0x0a00_00ff, u32::MAX - 1, u32::MAX];
        let v6 = [0u128, 1, 0x0a00_0000, u128::MAX - 1, u128::MAX];
        prop_oneof![
            proptest::sample::select(near.to_vec()).prop_map(|n| IpAddr::V4(n.into())),
            proptest::sample::select(v6.to_vec()).prop_map(|n| IpAddr::V6(n.into())),
        ]
    }

    fn port() -> impl Strategy<Value = u16> {
        proptest::sample::select(vec![0, 53, 80, 65534, 65535])
    }

    fn selector() -> impl Strategy<Value = Selector> {
        let protocol = proptest::sample::select(vec![0, 6, 17]);
        (address(), address(), protocol, port(), port()).prop_filter_map(
            "an empty range",
            |(a, b, protocol, first, last)| {
                Selector::range(protocol, (first, last), a.min(b), a.max(b))
            },
        )
    }

    proptest! {
        /// The same answers as the selectors that people see.
        #[test]
        fn a_side_takes_what_its_selectors_match(
            selectors in proptest::collection::vec(selector(), 0..4),
            protocol in proptest::sample::select(vec![0u8, 1, 6, 17]),
            port in proptest::option::of(port()),
            address in address(),
        ) {
            let any = selectors.iter().any(|s| s.matches(protocol, port, address));
            prop_assert_eq!(Side::new(&selectors).takes(protocol, port, address.into()), any);
        }
    }
}
