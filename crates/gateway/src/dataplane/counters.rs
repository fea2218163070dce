//! Drops at the edges, where no data plane knows of the packet.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use adit_model::drops::DropReason;

/// One counter per reason, for all threads. Drops are rare, so they may share.
#[derive(Debug)]
pub struct EdgeDrops(Box<[AtomicU64]>);

impl Default for EdgeDrops {
    fn default() -> Self {
        Self(DropReason::ALL.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl EdgeDrops {
    /// Counts `packets`.
    pub fn add(&self, reason: DropReason, packets: u64) {
        if let Some(counter) = self.0.get(reason as usize) {
            counter.fetch_add(packets, Relaxed);
        }
    }

    /// What was counted.
    pub fn nonzero(&self) -> impl Iterator<Item = (DropReason, u64)> {
        let all = DropReason::ALL.iter().zip(&self.0);
        all.map(|(reason, counter)| (*reason, counter.load(Relaxed)))
            .filter(|(_, count)| *count > 0)
    }
}
