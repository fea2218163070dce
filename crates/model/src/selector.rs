//! Traffic selectors (RFC 7296 2.9 and 3.13; RFC 4301 4.4.1).

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use adit_wire::v2::TrafficSelector;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// One traffic selector: a protocol, a port range and an address range of a single family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    /// IP protocol number; 0 is any.
    pub protocol: u8,
    /// First and last port, inclusive; `(0, 65535)` is any, `(65535, 0)` is OPAQUE (RFC 7296 3.13.1).
    pub ports: (u16, u16),
    /// First address.
    pub start: IpAddr,
    /// Last address, same family, not below `start`.
    pub end: IpAddr,
}

impl Selector {
    /// All protocols and ports of a network.
    #[must_use]
    pub fn net(net: IpNet) -> Self {
        Self {
            protocol: 0,
            ports: (0, 65535),
            start: net.network(),
            end: net.broadcast(),
        }
    }

    /// An address range; `None` when the families differ or the range is empty.
    #[must_use]
    pub fn range(protocol: u8, ports: (u16, u16), start: IpAddr, end: IpAddr) -> Option<Self> {
        (start.is_ipv4() == end.is_ipv4() && start <= end).then_some(Self {
            protocol,
            ports,
            start,
            end,
        })
    }

    /// What a traffic selector of the wire says (RFC 7296 3.13.1); `None` for one of an unknown type, and for one whose
    /// addresses or ports hold nothing.
    #[must_use]
    pub fn from_wire(wire: &TrafficSelector) -> Option<Self> {
        let (protocol, ports, start, end): (_, _, IpAddr, IpAddr) = match *wire {
            TrafficSelector::Ipv4 {
                protocol,
                start_port,
                end_port,
                start,
                end,
            } => (protocol, (start_port, end_port), start.into(), end.into()),
            TrafficSelector::Ipv6 {
                protocol,
                start_port,
                end_port,
                start,
                end,
            } => (protocol, (start_port, end_port), start.into(), end.into()),
            TrafficSelector::Unknown { .. } => return None,
        };
        let opaque = ports == (65535, 0);
        (ports.0 <= ports.1 || opaque).then(|| Self::range(protocol, ports, start, end))?
    }

    /// The single host `address`.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self {
            protocol: 0,
            ports: (0, 65535),
            start: address,
            end: address,
        }
    }

    /// Whether a packet's side with these values falls under the selector. `port` is `None` where the packet
    /// has none to show (other protocols, later fragments): only an any-port or an OPAQUE selector takes it.
    #[must_use]
    pub fn matches(&self, protocol: u8, port: Option<u16>, address: IpAddr) -> bool {
        (self.protocol == 0 || self.protocol == protocol)
            && self.start.is_ipv4() == address.is_ipv4()
            && self.start <= address
            && address <= self.end
            && match port {
                Some(port) => self.ports.0 <= port && port <= self.ports.1,
                None => matches!(self.ports, (0, 65535) | (65535, 0)),
            }
    }

    /// The traffic that both selectors take, or `None`.
    #[must_use]
    pub fn intersect(&self, other: &Selector) -> Option<Selector> {
        let protocol = match (self.protocol, other.protocol) {
            (0, p) | (p, 0) => p,
            (p, q) if p == q => p,
            _ => return None,
        };
        let opaque = (65535, 0);
        let any = (0, 65535);
        let ports = if self.ports == other.ports || other.ports == any {
            self.ports
        } else if self.ports == any {
            other.ports
        } else if self.ports == opaque || other.ports == opaque {
            return None;
        } else {
            (
                self.ports.0.max(other.ports.0),
                self.ports.1.min(other.ports.1),
            )
        };
        if ports != opaque && ports.0 > ports.1 {
            return None;
        }
        if self.start.is_ipv4() != other.start.is_ipv4() {
            return None;
        }
        Selector::range(
            protocol,
            ports,
            self.start.max(other.start),
            self.end.min(other.end),
        )
    }

    /// Whether every packet that `other` takes is taken by `self` too.
    #[must_use]
    pub fn contains(&self, other: &Selector) -> bool {
        self.intersect(other) == Some(*other)
    }

    /// The smallest set of networks that covers the address range exactly.
    #[must_use]
    pub fn nets(&self) -> Vec<IpNet> {
        match (self.start, self.end) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                ipnet::Ipv4Subnets::new(a, b, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                ipnet::Ipv6Subnets::new(a, b, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Intersects two lists pairwise, dropping what another result already covers: the narrowing of RFC 7296 2.9.
/// The order is that of `offered`.
#[must_use]
pub fn narrow(offered: &[Selector], configured: &[Selector]) -> Vec<Selector> {
    let mut out: Vec<Selector> = Vec::new();
    for o in offered {
        for both in configured.iter().filter_map(|c| o.intersect(c)) {
            if !out.iter().any(|have| have.contains(&both)) {
                out.retain(|have| !both.contains(have));
                out.push(both);
            }
        }
    }
    out
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nets().as_slice() {
            [net] => write!(f, "{net}")?,
            _ => write!(f, "{}-{}", self.start, self.end)?,
        }
        if self.protocol != 0 || self.ports != (0, 65535) {
            match self.protocol {
                0 => f.write_str("[any")?,
                1 => f.write_str("[icmp")?,
                6 => f.write_str("[tcp")?,
                17 => f.write_str("[udp")?,
                58 => f.write_str("[icmpv6")?,
                p => write!(f, "[{p}")?,
            }
            match self.ports {
                (0, 65535) => {}
                (65535, 0) => f.write_str("/opaque")?,
                (a, b) if a == b => write!(f, "/{a}")?,
                (a, b) => write!(f, "/{a}-{b}")?,
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

/// Why a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` isn't a traffic selector: write a network such as 10.1.0.0/24, an address, a range a-b, each with an optional [tcp/443]"
)]
pub struct SelectorError(pub String);

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let bad = || SelectorError(text.to_owned());
        let (addresses, rest) = match text.trim().split_once('[') {
            Some((a, rest)) => (a, Some(rest.strip_suffix(']').ok_or_else(bad)?)),
            None => (text.trim(), None),
        };
        let mut out = if let Ok(net) = addresses.parse::<IpNet>() {
            Selector::net(net)
        } else if let Ok(host) = addresses.parse::<IpAddr>() {
            Selector::host(host)
        } else {
            let (a, b) = addresses.split_once('-').ok_or_else(bad)?;
            Selector::range(
                0,
                (0, 65535),
                a.parse().map_err(|_| bad())?,
                b.parse().map_err(|_| bad())?,
            )
            .ok_or_else(bad)?
        };
        if let Some(rest) = rest {
            let (protocol, ports) = rest
                .split_once('/')
                .map_or((rest, None), |(p, q)| (p, Some(q)));
            out.protocol = match protocol {
                "any" | "" => 0,
                "icmp" => 1,
                "tcp" => 6,
                "udp" => 17,
                "icmpv6" => 58,
                n => n.parse().map_err(|_| bad())?,
            };
            out.ports = match ports {
                None => (0, 65535),
                Some("opaque") => (65535, 0),
                Some(p) => match p.split_once('-') {
                    Some((a, b)) => (a.parse().map_err(|_| bad())?, b.parse().map_err(|_| bad())?),
                    None => p.parse().map(|p| (p, p)).map_err(|_| bad())?,
                },
            };
            if out.ports.0 > out.ports.1 && out.ports != (65535, 0) {
                return Err(bad());
            }
        }
        Ok(out)
    }
}

impl TryFrom<String> for Selector {
    type Error = SelectorError;
    fn try_from(text: String) -> Result<Self, SelectorError> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(s: Selector) -> String {
        s.to_string()
    }
}

/// The whole IPv4 address space.
pub const ANY_V4: Selector = Selector {
    protocol: 0,
    ports: (0, 65535),
    start: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    end: IpAddr::V4(Ipv4Addr::BROADCAST),
};

/// The whole IPv6 address space.
pub const ANY_V6: Selector = Selector {
    protocol: 0,
    ports: (0, 65535),
    start: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    end: IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn s(text: &str) -> Selector {
        text.parse().unwrap()
    }

    #[test]
    fn text_forms_read_back() {
        for text in [
            "10.1.0.0/24",
            "10.1.0.2/32",
            "fd00::/64",
            "10.0.0.1-10.0.0.9",
            "10.1.0.0/24[tcp/443]",
            "0.0.0.0/0[any/opaque]",
            "::/0[icmpv6]",
        ] {
            assert_eq!(s(text).to_string(), text);
        }
        assert_eq!(s("0.0.0.0/0"), ANY_V4);
        assert_eq!(s("::/0"), ANY_V6);
        for bad in [
            "",
            "10.1.0.0/33",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1-fd00::1",
            "10.0.0.0/8[tcp/9-1]",
            "10.0.0.0/8[tcp",
        ] {
            assert!(bad.parse::<Selector>().is_err(), "{bad}");
        }
    }

    #[test]
    fn narrowing_keeps_what_both_sides_take() {
        assert_eq!(
            narrow(&[s("10.2.0.0/16")], &[s("10.2.0.0/24")]),
            [s("10.2.0.0/24")]
        );
        assert_eq!(
            narrow(&[s("10.2.0.2/32"), s("10.2.0.0/16")], &[s("10.2.0.0/24")]),
            [s("10.2.0.0/24")]
        );
        assert_eq!(narrow(&[s("10.9.0.0/24")], &[s("10.2.0.0/24")]), []);
        assert_eq!(
            narrow(&[s("10.2.0.0/24[tcp]")], &[s("10.2.0.0/24[any/80-90]")]),
            [s("10.2.0.0/24[tcp/80-90]")]
        );
        assert_eq!(
            narrow(
                &[s("::/0"), s("0.0.0.0/0")],
                &[s("fd00:1::/64"), s("10.1.0.0/24")]
            ),
            [s("fd00:1::/64"), s("10.1.0.0/24")]
        );
    }

    #[test]
    fn packets_without_ports_match_only_any_port() {
        let tcp443 = s("10.1.0.0/24[tcp/443]");
        let host = "10.1.0.7".parse().unwrap();
        assert!(tcp443.matches(6, Some(443), host));
        assert!(!tcp443.matches(6, None, host));
        let opaque = s("10.1.0.0/24[tcp/opaque]");
        assert!(opaque.matches(6, None, host));
        assert!(!opaque.matches(6, Some(443), host));
        assert!(!tcp443.matches(17, Some(443), host));
        assert!(s("10.1.0.0/24").matches(1, None, host));
    }
}
