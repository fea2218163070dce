//! What was carried and what was dropped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use adit_model::dataplane::PairCounters;
use adit_model::drops::DropReason;
use adit_model::now::Mono;

use crate::lane::{Lane, Lanes};

/// A configured child, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildName {
    /// The connection's name.
    pub connection: String,
    /// The child's name within it.
    pub child: String,
}

/// A packet that was refused and counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Rejected {
    /// Why.
    pub reason: DropReason,
    /// The child it belonged to, where that is known. With [`DropReason::OutNoSa`] it names the child to be set up.
    pub child: Option<Arc<ChildName>>,
    /// With [`DropReason::OutTooBig`]: the longest inner packet that would have passed, in octets, which its sender is to
    /// be told (see [`too_big`](crate::too_big)).
    pub fits: Option<usize>,
}

/// One number of packets per reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DropCounts(BTreeMap<DropReason, u64>);

impl DropCounts {
    /// Packets dropped for `reason`.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0.get(&reason).copied().unwrap_or(0)
    }

    /// Reasons that occurred, in declaration order.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        self.0.iter().map(|(reason, count)| (*reason, *count))
    }

    /// Packets dropped for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// As counted elsewhere: by the kernel, where that carries packets.
impl FromIterator<(DropReason, u64)> for DropCounts {
    fn from_iter<I: IntoIterator<Item = (DropReason, u64)>>(counts: I) -> Self {
        let mut all = BTreeMap::new();
        for (reason, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            *all.entry(reason).or_default() += count;
        }
        Self(all)
    }
}

/// Traffic of one live pair of SAs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairReport {
    /// Whose pair it is.
    pub child: Arc<ChildName>,
    /// SPI of received packets.
    pub spi_in: u32,
    /// SPI of sent packets.
    pub spi_out: u32,
    /// Inner octets and packets.
    pub counters: PairCounters,
}

/// Traffic and drops of one child over all SAs that it has had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildReport {
    /// The child.
    pub child: Arc<ChildName>,
    /// Live pairs of SAs.
    pub pairs: usize,
    /// Inner octets and packets since the data plane exists.
    pub counters: PairCounters,
    /// Drops of packets that were known to belong to it.
    pub drops: DropCounts,
}

/// Drop counters that several threads may bump.
pub(crate) struct Drops(Lanes<ByReason>);

struct ByReason([AtomicU64; DropReason::ALL.len()]);

impl Default for ByReason {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Drops {
    pub(crate) fn new(lanes: u16) -> Self {
        Self(Lanes::new(lanes))
    }

    pub(crate) fn bump(&self, lane: Lane, reason: DropReason) {
        let counter = self.0.of(lane).and_then(|by| by.0.get(reason as usize));
        if let Some(counter) = counter {
            counter.fetch_add(lane.packets().into(), Relaxed);
        }
    }

    pub(crate) fn read(&self) -> DropCounts {
        Self::sum(self.0.iter())
    }

    /// What one lane has counted.
    pub(crate) fn read_of(&self, lane: Lane) -> DropCounts {
        Self::sum(self.0.of(lane).into_iter())
    }

    fn sum<'a>(lanes: impl Iterator<Item = &'a ByReason> + Clone) -> DropCounts {
        let count = |at: usize| -> u64 {
            let counters = lanes.clone().filter_map(|lane| lane.0.get(at));
            counters.map(|counter| counter.load(Relaxed)).sum()
        };
        let counts = DropReason::ALL
            .iter()
            .map(|reason| (*reason, count(*reason as usize)));
        DropCounts(counts.filter(|(_, count)| *count > 0).collect())
    }
}

/// Traffic counters. Each packet that is carried counts here, and so without a lock where its thread has a [`Lane`].
pub(crate) struct Traffic(Lanes<Counted>);

#[derive(Default)]
struct Counted {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    packets_in: AtomicU64,
    packets_out: AtomicU64,
    last_in: AtomicU64,
}

/// Packets of a batch and the octets in them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) packets: u64,
    pub(crate) octets: u64,
}

impl Batch {
    pub(crate) fn add(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }
}

impl Traffic {
    pub(crate) fn new(lanes: u16) -> Self {
        Self(Lanes::new(lanes))
    }

    #[inline]
    pub(crate) fn received(&self, lane: Lane, at: Mono, batch: Batch) {
        if batch.packets == 0 {
            return;
        }
        if let Some(counted) = self.0.of(lane) {
            let writers = self.0.writers(lane);
            writers.add(&counted.bytes_in, batch.octets);
            writers.add(&counted.packets_in, batch.packets);
            writers.raise(&counted.last_in, at.0);
        }
    }

    #[inline]
    pub(crate) fn sent(&self, lane: Lane, batch: Batch) {
        if batch.packets == 0 {
            return;
        }
        if let Some(counted) = self.0.of(lane) {
            let writers = self.0.writers(lane);
            writers.add(&counted.bytes_out, batch.octets);
            writers.add(&counted.packets_out, batch.packets);
        }
    }

    pub(crate) fn read(&self) -> PairCounters {
        self.0
            .iter()
            .map(Counted::read)
            .fold(PairCounters::default(), sum)
    }
}

impl Counted {
    fn read(&self) -> PairCounters {
        let packets_in = self.packets_in.load(Relaxed);
        PairCounters {
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            packets_in,
            packets_out: self.packets_out.load(Relaxed),
            last_in: (packets_in > 0).then(|| Mono(self.last_in.load(Relaxed))),
            // The SA itself knows.
            numbers_out: 0,
        }
    }
}

/// The sum of two pairs' traffic.
pub(crate) fn sum(a: PairCounters, b: PairCounters) -> PairCounters {
    PairCounters {
        bytes_in: a.bytes_in + b.bytes_in,
        bytes_out: a.bytes_out + b.bytes_out,
        packets_in: a.packets_in + b.packets_in,
        packets_out: a.packets_out + b.packets_out,
        last_in: a.last_in.max(b.last_in),
        numbers_out: a.numbers_out + b.numbers_out,
    }
}
