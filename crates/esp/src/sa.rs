//! A pair of SAs with everything that one packet needs, shared by all threads that seal or open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use adit_crypto::{EspCipher, Protection};
use adit_model::carriage::Carriage;
use adit_model::connection::Mode;
use adit_model::dataplane::{ChildSa, Path};
use adit_model::now::Mono;

use crate::budget::Budget;
use crate::counters::{Batch, ChildName, Drops, Traffic};
use crate::door::Door;
use crate::dress::Fit;
use crate::lane::Lane;
use crate::links::Links;
use crate::plane::ApplyError;
use crate::replay::ReplayWindow;
use crate::sequence::Sequence;
use crate::transport::Ends;
use crate::tuple::{Shown, Side};

/// What all SAs of one child share.
pub(crate) struct ChildState {
    pub(crate) name: Arc<ChildName>,
    pub(crate) drops: Drops,
    /// The [`Door`] that its packets come out of.
    door: AtomicU32,
}

impl ChildState {
    pub(crate) fn new(name: ChildName) -> Self {
        Self {
            name: Arc::new(name),
            // Drops that are known to be a child's are rare, and there may be thousands of children: all threads share.
            drops: Drops::new(0),
            door: AtomicU32::new(Door::SHARED.number()),
        }
    }

    pub(crate) fn door(&self) -> Door {
        Door::numbered(self.door.load(Relaxed))
    }

    pub(crate) fn set_door(&self, door: Door) {
        self.door.store(door.number(), Relaxed);
    }
}

/// A pair in use, and the path that its packets take now.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) pair: Arc<Pair>,
    pub(crate) path: Path,
    /// See [`DataPlaneRequest::Retire`](adit_model::dataplane::DataPlaneRequest::Retire).
    pub(crate) retired: bool,
    /// What fits on that path.
    pub(crate) fit: Fit,
}

impl Live {
    /// A new pair on its path.
    pub(crate) fn new(pair: Arc<Pair>, path: Path, links: &Links) -> Self {
        let fit = links.fit(&pair, &path);
        Self {
            pair,
            path,
            retired: false,
            fit,
        }
    }
}

/// Both SAs of a child.
pub(crate) struct Pair {
    pub(crate) child: Arc<ChildState>,
    pub(crate) spi_in: u32,
    pub(crate) spi_out: u32,
    /// See [`ChildSa::replaces`].
    pub(crate) replaces: Option<u32>,
    ts_local: Side,
    ts_remote: Side,
    /// In transport mode, the two hosts.
    pub(crate) transport: Option<Ends>,
    pub(crate) carriage: Carriage,
    /// [`Fit::inner`] of the path that the pair is on now.
    pub(crate) inner_mtu: AtomicUsize,
    /// When its hard lifetime is over, whoever else minds it.
    over: Mono,
    /// Counts go on for as long as anybody holds the pair, though it may be removed.
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) outbound: Outbound,
    pub(crate) inbound: Inbound,
}

/// The sending SA.
pub(crate) struct Outbound {
    pub(crate) cipher: EspCipher,
    pub(crate) sequence: Sequence,
    pub(crate) budget: Budget,
    esn: bool,
}

/// The receiving SA.
pub(crate) struct Inbound {
    pub(crate) cipher: EspCipher,
    pub(crate) window: ReplayWindow,
    pub(crate) budget: Budget,
    pub(crate) esn: bool,
    /// The last moment in which packets are taken, a [`Mono`]; `u64::MAX` while the pair is live.
    until: AtomicU64,
    /// Whether anything authentic has come: the peer has the pair.
    received: AtomicBool,
}

/// How long after it was removed a pair opens packets that were under way.
const DRAIN: Duration = Duration::from_secs(2);

impl Pair {
    /// Installed `now`, for a child, with counters for so many lanes.
    pub(crate) fn new(
        now: Mono,
        sa: ChildSa,
        protection: &Protection,
        (child, lanes): (Arc<ChildState>, u16),
    ) -> Result<Self, ApplyError> {
        let esn = sa.suite.esn;
        let over = match sa.limits.seconds {
            0 => Mono(u64::MAX),
            seconds => Mono(now.0.saturating_add(seconds.saturating_mul(1_000_000_000))),
        };
        Ok(Self {
            child,
            over,
            outbound: Outbound {
                cipher: EspCipher::new(protection, sa.key_out.expose())?,
                sequence: Sequence::new(if esn { u64::MAX } else { u64::from(u32::MAX) }, lanes),
                budget: Budget::new(sa.limits),
                esn,
            },
            inbound: Inbound {
                budget: Budget::new(sa.limits),
                cipher: EspCipher::new(protection, sa.key_in.expose())?,
                window: ReplayWindow::new(sa.replay_window, esn),
                esn,
                until: AtomicU64::new(u64::MAX),
                received: AtomicBool::new(false),
            },
            traffic: Arc::new(Traffic::new(lanes)),
            spi_in: sa.spi_in,
            spi_out: sa.spi_out,
            replaces: sa.replaces,
            carriage: sa.carriage,
            inner_mtu: AtomicUsize::new(usize::MAX),
            transport: (sa.mode == Mode::Transport).then(|| Ends::of(&sa.path)),
            ts_local: Side::new(&sa.ts_local),
            ts_remote: Side::new(&sa.ts_remote),
        })
    }

    pub(crate) fn mode(&self) -> Mode {
        if self.transport.is_some() {
            Mode::Transport
        } else {
            Mode::Tunnel
        }
    }

    /// Whether a packet has arrived on this pair: the peer has it.
    #[inline]
    pub(crate) fn has_received(&self) -> bool {
        self.inbound.received.load(Relaxed)
    }

    /// The peer has shown that it has this pair.
    pub(crate) fn is_known_to_the_peer(&self) {
        self.inbound.received.store(true, Relaxed);
    }

    /// Counts packets that were opened at `now`.
    #[inline]
    pub(crate) fn received(&self, lane: Lane, now: Mono, batch: Batch) {
        self.traffic.received(lane, now, batch);
        if batch.packets > 0 && !self.has_received() {
            self.is_known_to_the_peer();
        }
    }

    /// Whether its hard lifetime is over: nothing is sealed or opened by it any more (RFC 4301 4.4.2.1).
    #[inline]
    pub(crate) fn is_over(&self, now: Mono) -> bool {
        now >= self.over
    }

    /// It was removed `now`: from now on it takes only what comes soon.
    pub(crate) fn drain(&self, now: Mono) {
        self.inbound.until.store((now + DRAIN).0, Relaxed);
    }

    #[inline]
    pub(crate) fn receives_at(&self, now: Mono) -> bool {
        now.0 <= self.inbound.until.load(Relaxed)
    }

    /// What it was agreed on for: our side and the peer's.
    pub(crate) fn sides(&self) -> (&Side, &Side) {
        (&self.ts_local, &self.ts_remote)
    }

    #[inline]
    pub(crate) fn takes_outbound(&self, packet: &Shown) -> bool {
        self.takes(packet, &self.ts_local, &self.ts_remote)
    }

    #[inline]
    pub(crate) fn takes_inbound(&self, packet: &Shown) -> bool {
        self.takes(packet, &self.ts_remote, &self.ts_local)
    }

    #[inline]
    fn takes(&self, packet: &Shown, from: &Side, to: &Side) -> bool {
        packet.tuple.is_between(from, to) || self.carries_errors() && packet.is_about(from, to)
    }

    /// Whether ICMP errors that others report have room: transport mode has none for their addresses.
    fn carries_errors(&self) -> bool {
        self.transport.is_none()
    }
}

impl Outbound {
    /// The part of the sequence number that is authenticated and not sent.
    pub(crate) fn esn_high(&self, sequence: u64) -> Option<u32> {
        self.esn.then_some((sequence >> 32) as u32)
    }
}

#[cfg(test)]
impl Pair {
    /// As if everything up to `sequence` had been sent.
    pub(crate) fn skip_to(&self, sequence: u64) {
        self.outbound.sequence.skip_to(sequence);
    }
}
