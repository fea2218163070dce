//! What a thread has carried, and drops at the edges, where no data plane knows of the packet.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};

use adit_model::drops::DropReason;

/// One thread's counters, on cache lines of their own. Only that thread writes, once a batch; anybody may read.
#[derive(Debug)]
#[repr(align(128))]
pub struct Counters {
    sealed: Carried,
    opened: Carried,
    drops: Box<[AtomicU64]>,
    thread: AtomicI32,
}

/// Packets and their octets, one way.
#[derive(Debug, Default)]
struct Carried {
    packets: AtomicU64,
    octets: AtomicU64,
}

/// Packets of a batch and the octets in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many.
    pub packets: u64,
    /// Octets of all of them.
    pub octets: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            sealed: Carried::default(),
            opened: Carried::default(),
            drops: DropReason::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            thread: AtomicI32::new(0),
        }
    }
}

impl Counters {
    /// Whose they are: the number that the host knows the thread by.
    pub fn belong_to(&self, thread: i32) {
        self.thread.store(thread, Relaxed);
    }

    /// That number, once the thread runs.
    pub fn thread(&self) -> Option<i32> {
        Some(self.thread.load(Relaxed)).filter(|thread| *thread != 0)
    }

    /// A batch was sealed.
    pub fn sealed(&self, batch: Batch) {
        self.sealed.add(batch);
    }

    /// A batch was opened.
    pub fn opened(&self, batch: Batch) {
        self.opened.add(batch);
    }

    /// All that was sealed, and all that was opened.
    pub fn carried(&self) -> [Batch; 2] {
        [self.sealed.read(), self.opened.read()]
    }

    /// Packets were dropped.
    pub fn dropped(&self, reason: DropReason, packets: u64) {
        if let Some(counter) = self.drops.get(reason as usize) {
            counter.fetch_add(packets, Relaxed);
        }
    }

    /// What was dropped.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        let all = DropReason::ALL.iter().zip(&self.drops);
        all.map(|(reason, counter)| (*reason, counter.load(Relaxed)))
            .filter(|(_, count)| *count > 0)
    }
}

impl Batch {
    /// One more packet.
    pub fn add(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }
}

impl Carried {
    fn add(&self, batch: Batch) {
        self.packets.fetch_add(batch.packets, Relaxed);
        self.octets.fetch_add(batch.octets, Relaxed);
    }

    fn read(&self) -> Batch {
        Batch {
            packets: self.packets.load(Relaxed),
            octets: self.octets.load(Relaxed),
        }
    }
}
