//! What a packet shows to selectors, and selectors made for comparing (RFC 4301 4.4.1.1).

use std::net::IpAddr;

use adit_model::selector::Selector;
use adit_wire::ip::IpPacket;

/// The five things that selectors look at, read once. Packets with equal ones go the same way, ICMP errors excepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tuple {
    pub(crate) source: Number,
    pub(crate) destination: Number,
    v6: bool,
    pub(crate) protocol: u8,
    /// Source above destination. Later fragments, and protocols without them, show none; type and code of ICMP stand in
    /// both. In one word, because they are written here and read again at once.
    ports: Option<u32>,
}

/// A packet as policies and SAs see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) tuple: Tuple,
    /// For an ICMP error, whoever reports it: the packet that it is about, if the error goes back to who sent that. It
    /// went the other way, and its tunnel takes the error too (RFC 4301 6).
    pub(crate) about: Option<Tuple>,
}

/// An address without its family: comparing it is comparing a number.
pub(crate) type Number = u128;

/// Selectors of one side of a tunnel.
#[derive(Clone, Debug)]
pub(crate) struct Side(Box<[Term]>);

#[derive(Clone, Copy, Debug)]
struct Term {
    start: Number,
    end: Number,
    v6: bool,
    protocol: u8,
    ports: (u16, u16),
}

#[inline]
fn number(address: IpAddr) -> Number {
    match address {
        IpAddr::V4(v4) => Number::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl Tuple {
    #[inline(always)]
    pub(crate) fn of(packet: &IpPacket<'_>) -> Self {
        Self {
            source: number(packet.source),
            destination: number(packet.destination),
            // Both are of one family, as they come from one header.
            v6: packet.source.is_ipv6(),
            protocol: packet.protocol,
            ports: packet
                .ports()
                .map(|p| u32::from(p.source) << 16 | u32::from(p.destination)),
        }
    }

    /// Spreads flows. Who chooses ports so that two flows collide slows down those two.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        let ports = self.ports.map_or(0, u64::from);
        let fold = |address: Number| (address >> 64) as u64 ^ address as u64;
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
        let source_port = self.ports.map(|ports| (ports >> 16) as u16);
        let destination_port = self.ports.map(|ports| ports as u16);
        from.takes(self.protocol, source_port, self.v6, self.source)
            && to.takes(self.protocol, destination_port, self.v6, self.destination)
    }
}

impl Shown {
    #[inline(always)]
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
            start: number(s.start),
            end: number(s.end),
            v6: s.start.is_ipv6(),
            protocol: s.protocol,
            ports: s.ports,
        };
        Self(selectors.iter().map(term).collect())
    }

    /// First and last address of each selector, of whatever family.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (Number, Number)> {
        self.0.iter().map(|term| (term.start, term.end))
    }

    /// Whether some address is in both.
    pub(crate) fn meets(&self, other: &Side) -> bool {
        self.0.iter().any(|a| {
            let meets = |b: &Term| a.v6 == b.v6 && a.start <= b.end && b.start <= a.end;
            other.0.iter().any(meets)
        })
    }

    #[inline]
    fn takes(&self, protocol: u8, port: Option<u16>, v6: bool, address: Number) -> bool {
        self.0.iter().any(|term| {
            term.v6 == v6
                && term.start <= address
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
            prop_assert_eq!(Side::new(&selectors).takes(protocol, port, address.is_ipv6(), number(address)), any);
        }
    }
}
