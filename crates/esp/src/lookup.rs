//! Which pair of SAs takes a packet that wants out: exceptions, policies, pairs; and a memory of that for flows.

use adit_model::drops::DropReason;
use adit_wire::ip::IpPacket;

use crate::counters::Rejected;
use crate::door::Door;
use crate::lane::Lane;
use crate::policy::Policy;
use crate::sa::Live;
use crate::tuple::{Shown, Tuple};
use crate::view::{Sending, View};

/// The ways of the flows that one thread has seen last, so that packets of a known flow are not matched again. It is for
/// one data plane, and what it knows holds for one view: a change of policies or SAs is noticed by itself.
pub struct FlowCache(Box<[Option<Entry>]>);

#[derive(Clone, Copy)]
struct Entry {
    generation: u64,
    door: Door,
    tuple: Tuple,
    at: Place,
}

/// Where a view has a pair.
#[derive(Clone, Copy)]
struct Place {
    child: usize,
    pair: usize,
}

/// A pair that takes a packet.
struct Found<'v> {
    live: &'v Live,
    at: Place,
    /// It will be the same pair until the next change. It isn't while a peer that has a new pair hasn't used it yet.
    settled: bool,
}

/// A power of two.
const FLOWS: usize = 1024;

impl Default for FlowCache {
    fn default() -> Self {
        Self(vec![None; FLOWS].into_boxed_slice())
    }
}

impl FlowCache {
    #[inline]
    fn slot(&mut self, tuple: &Tuple) -> Option<&mut Option<Entry>> {
        let at = usize::try_from(tuple.hash()).ok()? & (FLOWS - 1);
        self.0.get_mut(at)
    }
}

impl View {
    /// The pair that takes a packet that isn't ICMP, as [`find`](Self::find) says, with the help of what is remembered.
    #[inline]
    pub(crate) fn find_by(
        &self,
        cache: &mut FlowCache,
        door: Door,
        lane: Lane,
        inner: &IpPacket<'_>,
    ) -> Result<&Live, Rejected> {
        let tuple = Tuple::of(inner);
        if let Some(Some(entry)) = cache.slot(&tuple)
            && entry.generation == self.generation
            && entry.tuple == tuple
            && entry.door == door
            && let Some(live) = self.live_at(entry.at)
        {
            return Ok(live);
        }
        let inner = *inner;
        self.find_and_remember(cache, door, lane, &inner)
    }

    #[cold]
    fn find_and_remember(
        &self,
        cache: &mut FlowCache,
        door: Door,
        lane: Lane,
        inner: &IpPacket<'_>,
    ) -> Result<&Live, Rejected> {
        let packet = Shown::of(inner);
        let found = self.look(door, lane, &packet)?;
        if let Some(slot) = cache.slot(&packet.tuple) {
            *slot = found.settled.then_some(Entry {
                generation: self.generation,
                door,
                tuple: packet.tuple,
                at: found.at,
            });
        }
        Ok(found.live)
    }

    /// The pair that takes a packet: unless an exception does, the first policy of the interface that takes it names a
    /// child, and of that child's pairs it is the newest that takes it.
    #[inline]
    pub(crate) fn find(&self, door: Door, lane: Lane, packet: &Shown) -> Result<&Live, Rejected> {
        Ok(self.look(door, lane, packet)?.live)
    }

    #[inline]
    fn live_at(&self, at: Place) -> Option<&Live> {
        self.children.get(at.child)?.pairs.get(at.pair)
    }

    fn look(&self, door: Door, lane: Lane, packet: &Shown) -> Result<Found<'_>, Rejected> {
        let tuple = &packet.tuple;
        let (local, remote) = (tuple.source, tuple.destination);
        let takes = |policy: &&Policy| tuple.is_between(&policy.local, &policy.remote);
        let mut exceptions = self.exceptions.candidates(Door::SHARED, local, remote);
        if !self.exceptions.is_empty() && exceptions.any(|policy| takes(&policy)) {
            return Err(self.reject(lane, DropReason::OutForbidden, None));
        }
        let mut taking = self.policies.candidates(door, local, remote).filter(takes);
        let first = taking.next();
        let (position, child) = first
            .or_else(|| self.policy_about(door, packet))
            .and_then(|policy| Some((policy.child, self.children.get(policy.child)?)))
            .ok_or_else(|| self.reject(lane, DropReason::OutNoPolicy, None))?;
        let mut others = taking.filter(|policy| policy.gives && first.is_some_and(|f| f.gives));
        child
            .pair_for(position, packet)
            .or_else(|| {
                others.find_map(|other| {
                    let child = self.children.get(other.child)?;
                    child.pair_for(other.child, packet)
                })
            })
            .ok_or_else(|| self.reject(lane, DropReason::OutNoSa, Some(&child.state)))
    }

    /// The first policy whose tunnel would have carried what an ICMP error is about.
    fn policy_about(&self, door: Door, error: &Shown) -> Option<&Policy> {
        let about = error.about?;
        self.policies
            .candidates(door, about.destination, about.source)
            .find(|policy| error.is_about(&policy.local, &policy.remote))
    }
}

impl Sending {
    /// The newest pair whose negotiated selectors take the packet, and that the peer can receive on. `child` is the
    /// position of this child.
    fn pair_for(&self, child: usize, packet: &Shown) -> Option<Found<'_>> {
        let newest_first = || {
            let pairs = self.pairs.iter().enumerate().rev();
            pairs.filter(|(_, live)| live.pair.takes_outbound(packet))
        };
        let found = |(pair, live), settled| Found {
            live,
            at: Place { child, pair },
            settled,
        };
        let mut current = newest_first().filter(|(_, live)| !live.retired);
        let Some(newest) = current.next() else {
            return newest_first().next().map(|last| found(last, true));
        };
        let pair = &newest.1.pair;
        if pair.replaces.is_none() || pair.has_received() {
            return Some(found(newest, true));
        }
        let older = current.find(|(_, old)| pair.replaces == Some(old.pair.spi_in));
        Some(found(older.unwrap_or(newest), false))
    }
}
