//! How many half-open IKE SAs there are, in all and by whose they are (RFC 8019 4.2).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::v2::Phase;

/// Counts of half-open IKE SAs.
#[derive(Default)]
pub(super) struct HalfOpen {
    all: u32,
    by_source: BTreeMap<IpAddr, u32>,
}

impl HalfOpen {
    pub fn all(&self) -> u32 {
        self.all
    }

    /// How many of them are from where `address` is.
    pub fn of(&self, address: IpAddr) -> u32 {
        self.by_source.get(&source(address)).copied().unwrap_or(0)
    }

    /// An IKE SA is filed, in this phase.
    pub fn add(&mut self, phase: &Phase) {
        if let Some(source) = half_open_from(phase) {
            self.all += 1;
            *self.by_source.entry(source).or_default() += 1;
        }
    }

    /// An IKE SA that was filed in this phase is taken out.
    pub fn remove(&mut self, phase: &Phase) {
        let Some(source) = half_open_from(phase) else {
            return;
        };
        self.all = self.all.saturating_sub(1);
        if let Some(count) = self.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
    }
}

fn half_open_from(phase: &Phase) -> Option<IpAddr> {
    let head = phase.head().filter(|_| phase.is_half_open())?;
    Some(source(head.path.remote.ip()))
}

/// What is likely one host's: who has an IPv6 address has the 64 bits behind its network's.
fn source(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}
