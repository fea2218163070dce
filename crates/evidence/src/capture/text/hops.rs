//! Who printed a capture, by how far its packets have come: those of the capturing host have passed no router yet.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Hosts kept.
const MOST: usize = 256;

/// What hosts give a packet to begin with.
const FIRST: [u64; 3] = [64, 128, 255];

/// By host: packets that have passed no router, and those that have.
#[derive(Debug, Default)]
pub(super) struct Hops(BTreeMap<IpAddr, (u32, u32)>);

impl Hops {
    /// A packet of a host, with what is left of its time to live.
    pub(super) fn seen(&mut self, host: IpAddr, ttl: u64) {
        if self.0.len() >= MOST && !self.0.contains_key(&host) {
            return;
        }
        let (near, far) = self.0.entry(host).or_default();
        let count = if FIRST.contains(&ttl) { near } else { far };
        *count = count.saturating_add(1);
    }

    /// The hosts whose packets have passed no router, where those of others have.
    pub(super) fn own(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let any_far = self.0.values().any(|(near, far)| *near == 0 && *far > 0);
        self.0
            .iter()
            .filter(move |(_, (near, far))| any_far && *near > 0 && *far == 0)
            .map(|(host, _)| *host)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_host_whose_packets_have_passed_no_router_captured() {
        let (near, far): (IpAddr, IpAddr) = (
            "203.0.113.10".parse().unwrap(),
            "198.51.100.77".parse().unwrap(),
        );
        let mut hops = Hops::default();
        hops.seen(near, 64);
        hops.seen(near, 255);
        assert_eq!(hops.own().count(), 0, "nobody is farther away");
        hops.seen(far, 54);
        assert_eq!(hops.own().collect::<Vec<_>>(), [near]);
        // Between the two, neither is near.
        hops.seen(near, 61);
        assert_eq!(hops.own().count(), 0);
    }
}
