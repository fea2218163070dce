//! What threads see: everything that packets are matched with, as it was at one moment.
//!
//! A [`View`] never changes. Each change of the [`DataPlane`](crate::DataPlane) makes a new one and publishes it through
//! [`Shared`]; threads look at the newest once per batch. Who still holds an older one goes on safely: what moves with
//! packets (sequence numbers, replay windows, counters) is shared by all views of a pair of SAs, so no number is given
//! out twice and no packet counts twice, whichever view it went through. A view that is still held keeps a removed SA's
//! keys in memory; hold one for a batch, not for longer.

use std::ops::Deref;
use std::sync::Arc;

use adit_model::drops::DropReason;
use arc_swap::{ArcSwap, Guard};

use crate::chunked::Chunked;
use crate::counters::{DropCounts, Drops, Rejected};
use crate::index::Policies;
use crate::lane::Lane;
use crate::latency::Latencies;
use crate::sa::{ChildState, Live};
use crate::spi::BySpi;
use crate::walk::Walks;

/// Policies and SAs of one moment. [`seal`](Self::seal) and [`open`](Self::open) are what one packet needs; any number of
/// threads may use one view.
pub struct View {
    /// How many changes there were before; two views are the same if their numbers are.
    pub(crate) generation: u64,
    pub(crate) exceptions: Arc<Policies>,
    pub(crate) policies: Arc<Policies>,
    /// Policies name them by their position.
    pub(crate) children: Chunked<Arc<Sending>>,
    pub(crate) inbound: BySpi,
    /// SPIs of no SA, under which test packets of a path come.
    pub(crate) tests: Arc<[u32]>,
    pub(crate) drops: Arc<Drops>,
    pub(crate) latencies: Arc<Latencies>,
    pub(crate) walks: Arc<Walks>,
}

/// The pairs of one child that packets are sent on, oldest first.
pub(crate) struct Sending {
    pub(crate) state: Arc<ChildState>,
    pub(crate) pairs: Vec<Live>,
}

/// Where the newest [`View`] of a data plane is found, from any thread.
#[derive(Clone)]
pub struct Shared(Arc<ArcSwap<View>>);

/// A [`View`], kept alive for as long as this is held: once per batch.
pub struct Held(Guard<Arc<View>>);

impl Shared {
    pub(crate) fn new(view: Arc<View>) -> Self {
        Self(Arc::new(ArcSwap::new(view)))
    }

    pub(crate) fn publish(&self, view: Arc<View>) {
        self.0.store(view);
    }

    /// The newest view. Waits for nobody and allocates nothing.
    #[must_use]
    pub fn load(&self) -> Held {
        Held(self.0.load())
    }
}

impl Deref for Held {
    type Target = View;

    fn deref(&self) -> &View {
        &self.0
    }
}

impl View {
    /// How many changes of the data plane there were before this view: equal numbers, equal views. What was looked up
    /// in one view holds for others of the same number only.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// All drops since the data plane exists, whichever view they were counted through.
    #[must_use]
    pub fn drops(&self) -> DropCounts {
        self.drops.read()
    }

    #[cold]
    pub(crate) fn reject(
        &self,
        lane: Lane,
        reason: DropReason,
        child: Option<&Arc<ChildState>>,
    ) -> Rejected {
        self.drops.bump(lane, reason);
        if let Some(child) = child {
            child.drops.bump(lane, reason);
        }
        Rejected {
            reason,
            child: child.map(|child| Arc::clone(&child.name)),
            fits: None,
        }
    }
}
