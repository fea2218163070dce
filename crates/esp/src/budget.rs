//! What a pair of SAs may still carry in one direction before its hard lifetime is over (RFC 4301 4.4.2.1).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use adit_model::carriage::HardLimits;

/// What is left. The packet that uses up the octets still passes, so that who counts what was carried sees that the limit
/// is reached; after it nothing does, whatever number of threads are at it.
pub(crate) struct Budget {
    octets: Option<AtomicU64>,
    packets: Option<AtomicU64>,
}

impl Budget {
    pub(crate) fn new(limits: HardLimits) -> Self {
        let left = |limit: u64| (limit > 0).then(|| AtomicU64::new(limit));
        Self {
            octets: left(limits.bytes),
            packets: left(limits.packets),
        }
    }

    /// Whether a packet of so many octets may pass, which then counts. Costs nothing where there is no limit.
    #[inline]
    pub(crate) fn spend(&self, octets: usize) -> bool {
        let take = |left: &Option<AtomicU64>, count: u64| {
            let Some(left) = left else { return true };
            left.fetch_update(Relaxed, Relaxed, |left| {
                (left > 0).then(|| left.saturating_sub(count))
            })
            .is_ok()
        };
        take(&self.octets, octets as u64) && take(&self.packets, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_once_a_limit_is_reached() {
        let octets = Budget::new(HardLimits {
            bytes: 1000,
            ..HardLimits::default()
        });
        assert!(
            octets.spend(600) && octets.spend(600),
            "reached by this one"
        );
        assert!(!octets.spend(1) && !octets.spend(0));
        let packets = Budget::new(HardLimits {
            packets: 2,
            ..HardLimits::default()
        });
        assert!(packets.spend(9000) && packets.spend(9000));
        assert!(!packets.spend(1));
        let free = Budget::new(HardLimits::default());
        assert!((0..10_000).all(|_| free.spend(usize::MAX)));
    }
}
