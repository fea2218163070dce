//! Counting what was seen and not shown.

use std::collections::BTreeMap;

use serde::Serialize;

/// How often something was met, by what it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// Different entries kept; the rest is counted together, so that a hostile file can't fill the memory.
    const MOST: usize = 200;

    pub(super) fn add(&mut self, what: &str) {
        self.add_many(what, 1);
    }

    pub(super) fn add_many(&mut self, what: &str, count: u64) {
        if let Some(have) = self.0.get_mut(what) {
            *have = have.saturating_add(count);
            return;
        }
        let key = if self.0.len() < Self::MOST {
            what
        } else {
            "anything else"
        };
        let have = self.0.entry(key.to_owned()).or_default();
        *have = have.saturating_add(count);
    }

    /// What was met, and how often, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(what, count)| (what.as_str(), *count))
    }

    /// How often in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().copied().fold(0, u64::saturating_add)
    }

    /// Whether nothing was met.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
