//! Dummy packets (RFC 4303 2.6): with them an idle tunnel doesn't look idle, and they mean nothing to who opens them. That
//! there is more traffic at times they don't hide.
//!
//! The control side draws when one is due and how long it is; lengths tell no dummies from packets where all packets are
//! as long as the path takes. Whoever carries packets seals them ([`View::seal_dummy`]). They use up sequence numbers, as
//! all that is sealed does. They are nobody's traffic: no counter of packets or octets knows of them, and so no lifetime
//! and no idle timer.

use std::sync::Arc;
use std::time::Duration;

use adit_crypto::Random;
use adit_model::carriage::{Carriage, Df, Tfc};
use adit_model::now::Mono;
use adit_wire::esp::NEXT_HEADER_NONE;

use crate::lane::Lane;
use crate::plane::DataPlane;
use crate::sa::Live;
use crate::seal::Sealed;
use crate::traffic_class;
use crate::turn::Turn;
use crate::view::{Sending, View};

/// A dummy packet that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dummy {
    /// The place of its child.
    child: usize,
    /// The SA that it is to be sealed by, by the SPI of its pair's other half.
    spi_in: u32,
    /// Octets to be sealed.
    octets: usize,
}

/// The shortest packet: a header of IPv4.
const SHORTEST: usize = 20;
/// The longest: that of most links.
const LONGEST: usize = 1500;
static NOTHING: [u8; LONGEST] = [0; LONGEST];

impl DataPlane {
    /// When dummy packets are next due.
    #[must_use]
    pub fn dummies_due(&self) -> Option<Mono> {
        self.dummies_due
    }

    /// The dummy packets that are due `now`, at most one of each child.
    pub fn dummies(&mut self, now: Mono) -> Vec<Dummy> {
        if self.dummies_due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        let random = Arc::clone(&self.provider.random);
        let mut dummies = Vec::new();
        for (at, child) in self.children.iter_mut().enumerate() {
            if child.dummy_at.is_none_or(|due| due > now) {
                continue;
            }
            let Some(live) = child.sending.current() else {
                child.dummy_at = None;
                continue;
            };
            let carriage = &live.pair.carriage;
            let octets = length(carriage, live, draw(&*random));
            dummies.push(Dummy {
                child: at,
                spi_in: live.pair.spi_in,
                octets,
            });
            child.dummy_at = Some(now + spread(carriage.dummies, draw(&*random)));
        }
        self.plan_dummies(now);
        dummies
    }

    /// Children may have got SAs, or lost them.
    pub(crate) fn plan_dummies(&mut self, now: Mono) {
        for child in &mut self.children {
            let every = child
                .sending
                .current()
                .map(|live| live.pair.carriage.dummies);
            child.dummy_at = every
                .filter(|every| !every.is_zero())
                .map(|every| child.dummy_at.unwrap_or(now + every));
        }
        self.dummies_due = self
            .children
            .iter()
            .filter_map(|child| child.dummy_at)
            .min();
    }
}

impl View {
    /// Seals a dummy packet and appends it to `out`; `None` when its SA is gone, at its end, or without a sequence number
    /// that is left. The thread has no [`Turn`], and what was sealed is sent in the one that it gets here.
    pub fn seal_dummy(
        &self,
        lane: Lane,
        now: Mono,
        dummy: Dummy,
        out: &mut Vec<u8>,
    ) -> Option<(Turn, Sealed)> {
        let child = self.children.get(dummy.child)?;
        let live = child
            .pairs
            .iter()
            .find(|live| live.pair.spi_in == dummy.spi_in)?;
        let pair = &live.pair;
        if pair.is_over(now) {
            return None;
        }
        let content = NOTHING.get(..dummy.octets)?;
        let turn = Turn::new(pair, lane);
        let number = pair.outbound.sequence.claim(lane, 1).ok()?.next()?;
        let start = out.len();
        // More than any cipher adds.
        out.resize(start + content.len() + 512, 0);
        let place = out.get_mut(start..).unwrap_or_default();
        let sealed = pair.outbound.write(
            pair.spi_out,
            number,
            NEXT_HEADER_NONE,
            [content, &[]],
            place,
        );
        out.truncate(start + sealed.unwrap_or(0));
        let sealed = Sealed {
            path: live.path,
            spi_out: pair.spi_out,
            tos: traffic_class::outer(&pair.carriage, 0),
            df: pair.carriage.df == Df::Set,
            each: sealed.ok()?,
        };
        Some((turn, sealed))
    }
}

impl Sending {
    /// The newest pair that the peer can receive on.
    fn current(&self) -> Option<&Live> {
        let mut current = self.pairs.iter().rev().filter(|live| !live.retired);
        let newest = current.next()?;
        let pair = &newest.pair;
        if pair.replaces.is_none() || pair.has_received() {
            return Some(newest);
        }
        let older = current.find(|old| pair.replaces == Some(old.pair.spi_in));
        Some(older.unwrap_or(newest))
    }
}

/// How long a dummy is: as other packets are where all have one of a few lengths, else any length.
fn length(carriage: &Carriage, live: &Live, drawn: u64) -> usize {
    let most = live.fit.inner.clamp(SHORTEST, LONGEST);
    let one_of = |count: usize| usize::try_from(drawn % count.max(1) as u64).unwrap_or(0);
    match carriage.tfc {
        Tfc::Mtu => most,
        Tfc::Multiple(of) => {
            let of = usize::from(of.max(1));
            ((1 + one_of(most / of)) * of).min(most)
        }
        Tfc::Off => SHORTEST + one_of(most - SHORTEST + 1),
    }
}

/// Up to a quarter more or less.
fn spread(every: Duration, drawn: u64) -> Duration {
    every * 3 / 4 + (every / 2).mul_f64((drawn % 1024) as f64 / 1024.0)
}

fn draw(random: &dyn Random) -> u64 {
    let mut octets = [0; 8];
    random.fill(&mut octets);
    u64::from_be_bytes(octets)
}
