//! How many packets were dropped, by reason.

use adit_model::drops::DropReason;

/// Counters by [`DropReason`], in packets since the endpoint was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropCounters(Vec<u64>);

impl Default for DropCounters {
    fn default() -> Self {
        Self(vec![0; DropReason::ALL.len()])
    }
}

impl DropCounters {
    /// Packets dropped for `reason`.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// Packets dropped for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons that have counted anything.
    pub fn nonzero(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL
            .iter()
            .map(|reason| (*reason, self.get(*reason)))
            .filter(|(_, count)| *count > 0)
    }

    pub(crate) fn count(&mut self, reason: DropReason) {
        if let Some(counter) = self.0.get_mut(reason as usize) {
            *counter += 1;
        }
    }
}
