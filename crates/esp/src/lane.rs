//! Counters that threads don't fight over.

use std::ops::Deref;

/// Which copy of every counter a thread writes to. Threads with different lanes write to different cache lines as long
/// as there are no more threads than lanes ([`DataPlane::with_lanes`](crate::DataPlane::with_lanes)); more threads than
/// that share them, and still nothing is lost. Who has but one thread uses the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    thread: u16,
    /// See [`Self::standing_for`].
    packets: u16,
}

impl Default for Lane {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Lane {
    /// The lane of the thread with this number.
    #[must_use]
    pub const fn new(thread: u16) -> Self {
        Self { thread, packets: 1 }
    }

    /// The same, for a packet that stands for so many and counts as so many where it is refused: one that the host hasn't
    /// cut yet.
    #[must_use]
    pub const fn standing_for(self, packets: u16) -> Self {
        let packets = if packets == 0 { 1 } else { packets };
        Self { packets, ..self }
    }

    /// For how many packets one stands.
    pub(crate) const fn packets(self) -> u16 {
        self.packets
    }
}

/// One `T` for each lane, on cache lines of its own.
pub(crate) struct Lanes<T>(Box<[OwnLines<T>]>);

/// Alone on its cache lines: 128 octets, because processors fetch lines in pairs.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct OwnLines<T>(pub(crate) T);

impl<T> Deref for OwnLines<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default> Lanes<T> {
    /// At least one; rounded up to a power of two.
    pub(crate) fn new(lanes: u16) -> Self {
        let lanes = usize::from(lanes.max(1)).next_power_of_two();
        Self((0..lanes).map(|_| OwnLines::default()).collect())
    }
}

impl<T> Lanes<T> {
    #[inline]
    pub(crate) fn of(&self, lane: Lane) -> Option<&T> {
        let at = usize::from(lane.thread) & (self.0.len() - 1);
        self.0.get(at).map(Deref::deref)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.0.iter().map(Deref::deref)
    }
}
