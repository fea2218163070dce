//! How long packets stay in the gateway, from samples.
//!
//! The clock belongs to the edge. It asks a [`Sampler`] whether the next packet, or run of packets, is to be timed; that is
//! one of 256, so reading the clock twice costs nothing that could be measured. What it took goes to
//! [`View::took`](crate::View::took), and all that threads have told is read by
//! [`DataPlane::latency`](crate::DataPlane::latency).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::lane::{Lane, Lanes};
use crate::view::View;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the host's network to the peer, sealed.
    Out,
    /// From the peer, opened.
    In,
}

/// Says which packets a thread times.
#[derive(Clone, Debug, Default)]
pub struct Sampler(u8);

impl Sampler {
    /// Whether the next is to be timed: the first, and then one of 256.
    #[inline]
    pub fn due(&mut self) -> bool {
        let due = self.0 == 0;
        self.0 = self.0.wrapping_add(1);
        due
    }
}

/// Four for each doubling, from 1 ns to 2^32 ns, which is 4 s.
const BUCKETS: usize = 128;

/// Samples of all threads, by direction.
pub(crate) struct Latencies {
    out: Lanes<Buckets>,
    back: Lanes<Buckets>,
}

struct Buckets([AtomicU64; BUCKETS]);

impl Default for Buckets {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Latencies {
    pub(crate) fn new(lanes: u16) -> Self {
        Self {
            out: Lanes::new(lanes),
            back: Lanes::new(lanes),
        }
    }

    fn of(&self, direction: Direction) -> &Lanes<Buckets> {
        match direction {
            Direction::Out => &self.out,
            Direction::In => &self.back,
        }
    }

    pub(crate) fn read(&self, direction: Direction) -> Histogram {
        let mut counts = [0; BUCKETS];
        for lane in self.of(direction).iter() {
            for (count, bucket) in counts.iter_mut().zip(&lane.0) {
                *count += bucket.load(Relaxed);
            }
        }
        Histogram(counts)
    }
}

impl View {
    /// A packet that a [`Sampler`] chose was in the gateway for so long.
    pub fn took(&self, lane: Lane, direction: Direction, time: Duration) {
        let buckets = self.latencies.of(direction).of(lane);
        if let Some(bucket) = buckets.and_then(|buckets| buckets.0.get(bucket_of(time))) {
            bucket.fetch_add(1, Relaxed);
        }
    }
}

/// Sampled times, sorted into ranges of which each is about a fifth longer than the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram([u64; BUCKETS]);

impl Histogram {
    /// Each range that a sample fell into: its longest time, and how many.
    pub fn ranges(&self) -> impl Iterator<Item = (Duration, u64)> {
        let all = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        all.map(|(at, count)| (end_of(at), *count))
    }

    /// Samples.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The time that this share of all samples (0.5 for the median) didn't exceed, rounded up to the end of its range;
    /// `None` without samples.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let samples = self.samples();
        let wanted = (share.clamp(0.0, 1.0) * samples as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let at = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(end_of(at))
    }
}

/// The position of the highest bit, and the two bits behind it.
fn bucket_of(time: Duration) -> usize {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(4);
    let octave = nanos.ilog2();
    let quarter = (nanos >> (octave - 2)) & 3;
    let at = (octave as usize * 4) + quarter as usize;
    at.min(BUCKETS - 1)
}

/// The longest time of a bucket.
fn end_of(bucket: usize) -> Duration {
    let (octave, quarter) = (bucket / 4, bucket % 4);
    let next = (4 + quarter as u64 + 1) << octave >> 2;
    Duration::from_nanos(next.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_256_is_timed_and_the_first_is() {
        let mut sampler = Sampler::default();
        let timed: Vec<usize> = (0..1024).filter(|_| sampler.due()).collect();
        assert_eq!(timed, [0, 256, 512, 768]);
    }

    #[test]
    fn every_time_is_within_its_range_and_ranges_are_narrow() {
        for nanos in (4..5000).chain((5000..4_000_000_000).step_by(997_001)) {
            let time = Duration::from_nanos(nanos);
            let end = end_of(bucket_of(time));
            assert!(time <= end, "{nanos}");
            assert!(
                end.as_nanos() as f64 <= nanos as f64 * 1.26,
                "{nanos} in {end:?}"
            );
        }
        assert_eq!(
            bucket_of(Duration::ZERO),
            bucket_of(Duration::from_nanos(4))
        );
        assert_eq!(bucket_of(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_of_all_lanes_and_of_one_direction() {
        let latencies = Latencies::new(2);
        let plane = crate::DataPlane::with_lanes(adit_crypto::provider::fake(1), 2);
        let view = plane.shared().load();
        for n in 1..=100_u64 {
            let lane = Lane::new((n % 3) as u16);
            view.took(lane, Direction::Out, Duration::from_micros(n));
        }
        let out = plane.latency(Direction::Out);
        assert_eq!(out.samples(), 100);
        assert_eq!(out.ranges().map(|(_, count)| count).sum::<u64>(), 100);
        assert!(out.ranges().map(|(end, _)| end).is_sorted());
        let near = |share, micros: u64| {
            let found = out.quantile(share).unwrap_or_default();
            let exact = Duration::from_micros(micros);
            assert!(
                exact <= found && found < exact * 5 / 4,
                "{share}: {found:?}"
            );
        };
        near(0.5, 50);
        near(0.99, 99);
        near(0.0, 1);
        near(1.0, 100);
        assert_eq!(plane.latency(Direction::In).quantile(0.5), None);
        assert_eq!(latencies.read(Direction::Out).samples(), 0);
    }
}
