//! A packet that is only described; what isn't said is open.

use std::net::IpAddr;

/// A packet, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the same family.
    pub destination: IpAddr,
    /// How many leading bits of both addresses are known, where not all are: the others may be anything.
    pub known_bits: (u8, u8),
    /// IP protocol.
    pub protocol: Option<u8>,
    /// Source port; for ICMP its type.
    pub source_port: Option<u16>,
    /// Destination port.
    pub destination_port: Option<u16>,
    /// The device that it came in by. An empty name: none, this host has made it.
    pub input: Option<(u32, String)>,
    /// The device that it leaves by.
    pub output: Option<(u32, String)>,
    /// Its mark.
    pub mark: Option<u32>,
    /// What connection tracking says of it.
    pub tracked: Option<Tracked>,
    /// Whether the kernel's own IPsec has opened it.
    pub from_ipsec: Option<bool>,
}

/// What connection tracking says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tracked {
    /// It is the first of its connection.
    New,
    /// Its connection has seen packets both ways.
    Established,
}

impl Packet {
    /// A packet of which only the addresses are known.
    #[must_use]
    pub fn between(source: IpAddr, destination: IpAddr) -> Self {
        Self {
            source,
            destination,
            known_bits: (u8::MAX, u8::MAX),
            protocol: None,
            source_port: None,
            destination_port: None,
            input: None,
            output: None,
            mark: None,
            tracked: None,
            from_ipsec: None,
        }
    }

    /// The same of this protocol.
    #[must_use]
    pub fn of(mut self, protocol: u8) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// The same between these ports.
    #[must_use]
    pub fn ports(mut self, source: u16, destination: u16) -> Self {
        self.source_port = Some(source);
        self.destination_port = Some(destination);
        self
    }

    /// Any packet between two networks: only so many leading bits of source and destination are known.
    #[must_use]
    pub fn of_networks(mut self, source: u8, destination: u8) -> Self {
        self.known_bits = (source, destination);
        self
    }

    /// The same as connection tracking knows it.
    #[must_use]
    pub fn tracked(mut self, tracked: Tracked) -> Self {
        self.tracked = Some(tracked);
        self
    }

    pub(crate) fn is_v4(&self) -> bool {
        self.source.is_ipv4()
    }
}

/// Octets of which some bits are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bits {
    pub(crate) value: u8,
    /// Which bits of the value are known.
    pub(crate) known: u8,
}

impl Bits {
    pub(crate) const OPEN: Self = Self { value: 0, known: 0 };

    pub(crate) fn of(value: u8) -> Self {
        Self { value, known: 0xff }
    }
}

/// Known octets.
pub(crate) fn known(octets: &[u8]) -> Vec<Bits> {
    octets.iter().copied().map(Bits::of).collect()
}

/// An address of which the leading bits are known.
fn partly(octets: &[u8], bits: u8) -> Vec<Bits> {
    let mut left = u32::from(bits);
    let partly = octets.iter().map(|octet| {
        let known = !u8::MAX.checked_shr(left).unwrap_or(0);
        left = left.saturating_sub(8);
        Bits {
            value: octet & known,
            known,
        }
    });
    partly.collect()
}

/// Octets of which nothing is known.
pub(crate) fn open(length: usize) -> Vec<Bits> {
    vec![Bits::OPEN; length]
}

impl Packet {
    /// The IP header, as far as it is known. Packets in question aren't fragments and have no options.
    pub(crate) fn network_header(&self) -> Vec<Bits> {
        let protocol = self.protocol.map_or(Bits::OPEN, Bits::of);
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let mut header = open(20);
                header[0] = Bits::of(0x45);
                // Neither offset nor "more": the bit for "don't" is open.
                header[6] = Bits {
                    value: 0,
                    known: 0x3f,
                };
                header[7] = Bits::of(0);
                header[9] = protocol;
                header.splice(12..16, partly(&source.octets(), self.known_bits.0));
                header.splice(16..20, partly(&destination.octets(), self.known_bits.1));
                header
            }
            (source, destination) => {
                let mut header = open(40);
                header[0] = Bits {
                    value: 0x60,
                    known: 0xf0,
                };
                header[6] = protocol;
                for (at, address, bits) in [
                    (8, source, self.known_bits.0),
                    (24, destination, self.known_bits.1),
                ] {
                    if let IpAddr::V6(address) = address {
                        header.splice(at..at + 16, partly(&address.octets(), bits));
                    }
                }
                header
            }
        }
    }

    /// What follows the IP header, as far as it is known.
    pub(crate) fn transport_header(&self) -> Vec<Bits> {
        let mut header = open(20);
        match self.protocol {
            Some(1 | 58) => {
                if let Some([_, kind]) = self.source_port.map(u16::to_be_bytes) {
                    header[0] = Bits::of(kind);
                    header[1] = Bits::of(0);
                }
            }
            Some(6 | 17 | 132 | 136) => {
                for (at, port) in [(0, self.source_port), (2, self.destination_port)] {
                    if let Some(port) = port {
                        header.splice(at..at + 2, known(&port.to_be_bytes()));
                    }
                }
            }
            _ => {}
        }
        // What is known of the protocol decides what an octet means; without it nothing is.
        header
    }
}
