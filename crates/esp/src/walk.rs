//! What becomes of chosen packets, step by step: for a person who asks why their traffic doesn't pass.
//!
//! While nobody asks, a run of packets pays one relaxed load for it. While somebody does, packets that the filter chooses leave
//! their steps in a list of bounded length, under a lock that other packets never touch.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_model::drops::DropReason;
use adit_model::selector::Selector;
use arc_swap::ArcSwapOption;

use crate::counters::ChildName;
use crate::latency::Direction;
use crate::plane::DataPlane;
use crate::tuple::{Side, Tuple};

/// Which packets are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkFilter {
    /// Our side of the traffic.
    pub local: Selector,
    /// The other side.
    pub remote: Selector,
}

/// One step of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Steps with the same number are of one packet, or of one run of packets of a flow.
    pub walk: u64,
    /// Which way it goes.
    pub direction: Direction,
    /// What happened.
    pub stage: Stage,
}

/// What happens to a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The policies, or the SA that it came by, say that it belongs to this child.
    Policy(Arc<ChildName>),
    /// The SA with this SPI takes it.
    Sa(u32),
    /// It has this sequence number.
    Sequence(u64),
    /// It was sealed; octets of the ESP packet.
    Sealed(usize),
    /// It was opened, and is within the selectors of its SA; octets of the inner packet.
    Opened(usize),
    /// It was dropped.
    Dropped(DropReason),
}

/// What was seen since it was last asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// In the order in which packets finished.
    pub steps: Vec<Step>,
    /// How many more there were than there was room for.
    pub lost: u64,
}

/// Shared by all views of a data plane.
#[derive(Default)]
pub(crate) struct Walks {
    /// Odd while packets are followed; moved on by each beginning and end.
    generation: AtomicU64,
    filter: ArcSwapOption<Chosen>,
    seen: Mutex<Seen>,
}

struct Chosen {
    local: Side,
    remote: Side,
}

#[derive(Default)]
struct Seen {
    steps: VecDeque<Step>,
    lost: u64,
    /// The number of the next walk.
    next: u64,
    /// Packets that are still to be followed.
    left: u64,
}

/// One packet, or run of a flow, that is followed.
pub(crate) struct Walk {
    generation: u64,
    direction: Direction,
    steps: Vec<Stage>,
}

/// Most steps that wait to be asked for.
const MOST_STEPS: usize = 4096;

impl Walks {
    /// Whether anybody asks. All that a run of packets pays while nobody does.
    #[inline]
    pub(crate) fn on(&self) -> bool {
        self.generation.load(Relaxed) & 1 == 1
    }

    /// Begins to follow a packet; whether it is one of the chosen is known at its end.
    #[cold]
    pub(crate) fn begin(&self, direction: Direction) -> Walk {
        Walk {
            generation: self.generation.load(Relaxed),
            direction,
            steps: Vec::new(),
        }
    }

    /// Keeps the steps of a packet, if it is one of the chosen and they are still being asked for.
    #[cold]
    pub(crate) fn end(&self, walk: Walk, packet: Packet<'_>) {
        let chosen = self.filter.load();
        let Some(chosen) = chosen.as_ref() else {
            return;
        };
        let is_chosen = match (packet, walk.direction) {
            (Packet::Shows(tuple), Direction::Out) => {
                tuple.is_between(&chosen.local, &chosen.remote)
            }
            (Packet::Shows(tuple), Direction::In) => {
                tuple.is_between(&chosen.remote, &chosen.local)
            }
            (Packet::Within(local, remote), _) => {
                local.meets(&chosen.local) && remote.meets(&chosen.remote)
            }
        };
        if !is_chosen {
            return;
        }
        let mut seen = self.seen();
        let ended = walk.generation & 1 == 0;
        if ended || self.generation.load(Relaxed) != walk.generation {
            return;
        }
        let number = seen.next;
        seen.next += 1;
        seen.left = seen.left.saturating_sub(1);
        if seen.left == 0 {
            self.generation.fetch_add(1, Relaxed);
        }
        for stage in walk.steps {
            if seen.steps.len() == MOST_STEPS {
                seen.lost += 1;
                continue;
            }
            seen.steps.push_back(Step {
                walk: number,
                direction: walk.direction,
                stage,
            });
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A list of steps is whole after every call, so a thread that died holding the lock has left nothing half done.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a packet.
#[derive(Clone, Copy)]
pub(crate) enum Packet<'a> {
    /// Its header.
    Shows(&'a Tuple),
    /// It can't be read, and its SA is for traffic between these, ours first.
    Within(&'a Side, &'a Side),
}

impl Walk {
    pub(crate) fn step(&mut self, stage: Stage) {
        if self.steps.len() < MOST_STEPS {
            self.steps.push(stage);
        }
    }
}

impl DataPlane {
    /// Begins to follow the packets that the filter chooses, in both directions, instead of those chosen before; so many of
    /// them, and then no more.
    pub fn walk(&mut self, filter: &WalkFilter, packets: u64) {
        self.stop_walk();
        if packets == 0 {
            return;
        }
        self.walks.seen().left = packets;
        self.walks.filter.store(Some(Arc::new(Chosen {
            local: Side::new(&[filter.local]),
            remote: Side::new(&[filter.remote]),
        })));
        self.walks.generation.fetch_add(1, Relaxed);
    }

    /// Follows no packets any more, and forgets what nobody has asked for.
    pub fn stop_walk(&mut self) {
        let mut seen = self.walks.seen();
        if self.walks.on() {
            self.walks.generation.fetch_add(1, Relaxed);
        }
        self.walks.filter.store(None);
        *seen = Seen::default();
    }

    /// Whether packets are being followed; not any more when there have been as many as were asked for.
    #[must_use]
    pub fn is_walking(&self) -> bool {
        self.walks.on()
    }

    /// What the chosen packets went through since the last call.
    pub fn steps(&mut self) -> Steps {
        let mut seen = self.walks.seen();
        Steps {
            steps: std::mem::take(&mut seen.steps).into(),
            lost: std::mem::take(&mut seen.lost),
        }
    }
}
