//! Addresses inside a tunnel that one side gives to the other (RFC 7296 2.19, 3.15).

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::selector::Selector;

/// What a connection has to do with given addresses. A side either asks or gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InnerAddresses {
    /// What we ask the peer for, at most one address of each family; an unspecified address stands for any of its
    /// family. The networks of our side of the children are then placeholders for what we are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<IpAddr>,
    /// Names of the pools that a peer is given an address from, the first one with a free address of a family first. A
    /// peer that doesn't ask for one is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<String>,
}

/// Addresses to be given to peers, and what they are told along with one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Ranges of addresses, for any protocol and port.
    pub addresses: Vec<Selector>,
    /// Name servers.
    pub dns: Vec<IpAddr>,
    /// Networks that are reached through the tunnel; none says nothing about it.
    pub split: Vec<IpNet>,
    /// Most addresses that one identity of a connection holds at a time.
    pub per_identity: u32,
}

impl Pool {
    /// Addresses that an identity may hold where nothing else is configured.
    pub const PER_IDENTITY: u32 = 1;

    /// How many addresses of a family it can give.
    #[must_use]
    pub fn size(&self, v4: bool) -> u64 {
        let ranges = self.addresses.iter().filter_map(usable);
        ranges
            .filter(|(first, _)| first.is_ipv4() == v4)
            .map(|(first, last)| match (first, last) {
                (IpAddr::V4(a), IpAddr::V4(b)) => {
                    u64::from(b.to_bits()) - u64::from(a.to_bits()) + 1
                }
                (IpAddr::V6(a), IpAddr::V6(b)) => u64::try_from(b.to_bits() - a.to_bits())
                    .unwrap_or(u64::MAX)
                    .saturating_add(1),
                _ => 0,
            })
            .fold(0, u64::saturating_add)
    }

    /// Whether an address is one that it can give.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let mut ranges = self.addresses.iter().filter_map(usable);
        ranges.any(|(first, last)| {
            first.is_ipv4() == address.is_ipv4() && first <= address && address <= last
        })
    }

    /// Addresses of a family that it can give, in order.
    pub fn iter(&self, v4: bool) -> impl Iterator<Item = IpAddr> {
        let ranges = self.addresses.iter().filter_map(usable);
        ranges
            .filter(move |(first, _)| first.is_ipv4() == v4)
            .flat_map(|(first, last)| core::iter::successors(Some(first), move |a| next(*a, last)))
    }
}

/// The first and last address of a range that a host can have: not those that name an IPv4 network or all of its hosts,
/// nor the one of an IPv6 network that means its routers (RFC 4291 2.6.1).
fn usable(range: &Selector) -> Option<(IpAddr, IpAddr)> {
    let (mut first, mut last) = (range.start, range.end);
    if let [net] = range.nets().as_slice()
        && net.max_prefix_len() - net.prefix_len() > 1
    {
        first = next(first, last)?;
        if let IpAddr::V4(v4) = last {
            last = IpAddr::V4(v4.to_bits().checked_sub(1)?.into());
        }
    }
    (first <= last).then_some((first, last))
}

fn next(address: IpAddr, last: IpAddr) -> Option<IpAddr> {
    if address >= last {
        return None;
    }
    Some(match address {
        IpAddr::V4(v4) => IpAddr::V4(v4.to_bits().checked_add(1)?.into()),
        IpAddr::V6(v6) => IpAddr::V6(v6.to_bits().checked_add(1)?.into()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pool(ranges: &[&str]) -> Pool {
        Pool {
            name: "p".to_owned(),
            addresses: ranges.iter().map(|r| r.parse().unwrap()).collect(),
            dns: Vec::new(),
            split: Vec::new(),
            per_identity: Pool::PER_IDENTITY,
        }
    }

    #[test]
    fn addresses_of_hosts_are_given_and_no_others() {
        let net = pool(&["10.3.0.0/29", "fd00:3::/126"]);
        assert_eq!((net.size(true), net.size(false)), (6, 3));
        let given: Vec<String> = net.iter(true).map(|a| a.to_string()).collect();
        assert_eq!(given.first().unwrap(), "10.3.0.1");
        assert_eq!(given.last().unwrap(), "10.3.0.6");
        let given: Vec<String> = net.iter(false).map(|a| a.to_string()).collect();
        assert_eq!(given, ["fd00:3::1", "fd00:3::2", "fd00:3::3"]);
        assert!(net.has("10.3.0.6".parse().unwrap()));
        assert!(!net.has("10.3.0.7".parse().unwrap()) && !net.has("10.3.0.0".parse().unwrap()));
    }

    #[test]
    fn a_range_is_taken_as_written_and_large_ones_are_no_work() {
        assert_eq!(pool(&["10.3.0.10-10.3.0.13"]).iter(true).count(), 4);
        assert_eq!(pool(&["10.3.0.9"]).size(true), 1);
        let large = pool(&["fd00::/16", "0.0.0.0/0"]);
        assert_eq!(large.size(false), u64::MAX);
        assert_eq!(large.iter(false).take(2).count(), 2);
        assert_eq!(large.size(true), (1 << 32) - 2);
    }
}
