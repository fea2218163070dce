//! Whether the threads that carry packets have time for all of them: what they had of the processors in the last seconds.
//!
//! A moment of much traffic isn't told: a thread is full when it had no time left in any interval of several seconds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use adit_crypto::Provider;
use adit_esp::PairReport;
use adit_kernel::load::{ThreadTime, overrun, time_of};
use adit_model::now::Mono;
use adit_model::proposal::Suite;

use crate::gateway::Gateway;

/// What a tunnel has had carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Packets, both ways.
    pub packets: u64,
    /// Inner octets of them.
    pub octets: u64,
}

/// A look at the threads.
#[derive(Clone, Debug, Default)]
struct Sample {
    at: Mono,
    threads: Vec<(i32, ThreadTime)>,
    /// Of each pair of SAs, by tunnel and the SPI of what it receives.
    pairs: BTreeMap<(String, u32), Work>,
    /// Packets that nobody had time for, since the kernel counts; looked at only where it may be so.
    lost: Option<u64>,
}

/// The looks of the last seconds.
#[derive(Debug, Default)]
pub struct Load(VecDeque<Sample>);

/// The threads have no time left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// For how long that has been so, as far as it is looked back.
    pub lasting: Duration,
    /// The fullest thread.
    pub thread: i32,
    /// How much of its time it was at work or waited for a processor, and how much it waited, in per cent.
    pub busy: u64,
    /// The latter alone.
    pub waits: u64,
    /// How many threads are full, and how many there are.
    pub full: usize,
    /// All of them.
    pub threads: usize,
    /// How long all of them were at work.
    pub ran: Duration,
    /// Packets that nobody had time for.
    pub lost: u64,
    /// What all tunnels had carried.
    pub all: Work,
    /// What this tunnel had.
    pub own: Work,
}

/// What it takes to tell why: a tunnel whose packets fill the threads.
#[derive(Clone, Debug)]
pub(crate) struct Burden {
    pub full: Full,
    /// The algorithms of its CHILD SAs.
    pub suite: Option<Suite>,
    pub provider: Provider,
}

impl Load {
    /// Notes how things are; `lost` is asked only where a thread seems to be full.
    fn take(&mut self, mut sample: Sample, lost: impl FnOnce() -> u64) {
        let seems = self.0.back().is_some_and(|last| {
            let shares = shares(last, &sample);
            shares.iter().any(|share| share.busy >= MEANWHILE)
        });
        sample.lost = seems.then(lost);
        let now = sample.at;
        self.0.push_back(sample);
        while self.0.len() > 1 && self.0.front().is_some_and(|s| s.at + KEPT < now) {
            self.0.pop_front();
        }
    }

    /// Whether the threads have had no time left for several seconds up to the last look, of which this tunnel's packets
    /// are a part.
    pub fn full(&self, tunnel: &str, now: Mono) -> Option<Full> {
        let last = self.0.back().filter(|last| last.at + STALE > now)?;
        let samples: Vec<&Sample> = self.0.iter().collect();
        // How many intervals up to now each thread had no time left in.
        let lasting = |thread: i32| {
            let pairs = samples.windows(2).rev();
            pairs
                .take_while(|pair| match pair {
                    [a, b] => shares(a, b)
                        .iter()
                        .any(|share| share.thread == thread && share.busy >= MEANWHILE),
                    _ => false,
                })
                .count()
        };
        let (thread, intervals) = last
            .threads
            .iter()
            .map(|(thread, _)| (*thread, lasting(*thread)))
            .max_by_key(|(_, intervals)| *intervals)?;
        let first = *samples.get(samples.len().checked_sub(intervals + 1)?)?;
        let lasted = last.at.since(first.at);
        if lasted < LONG_ENOUGH {
            return None;
        }
        let shares = shares(first, last);
        let of_it = |share: &&Share| share.thread == thread && share.busy >= FULL;
        let fullest = shares.iter().find(of_it)?;
        let carried = |of: &dyn Fn(&str) -> bool| {
            let mut sum = Work::default();
            for ((tunnel, spi), now) in last.pairs.iter().filter(|((name, _), _)| of(name)) {
                let before = first.pairs.get(&(tunnel.clone(), *spi));
                let before = before.copied().unwrap_or_default();
                sum.packets += now.packets.saturating_sub(before.packets);
                sum.octets += now.octets.saturating_sub(before.octets);
            }
            sum
        };
        let seen = samples.iter().filter(|s| s.at >= first.at);
        let baseline = seen.filter_map(|sample| sample.lost).next();
        Some(Full {
            lasting: lasted,
            thread,
            busy: fullest.busy,
            waits: fullest.waits,
            full: shares.iter().filter(|share| share.busy >= FULL).count(),
            threads: shares.len(),
            ran: shares.iter().map(|share| share.ran).sum(),
            lost: last
                .lost
                .zip(baseline)
                .map_or(0, |(now, before)| now.saturating_sub(before)),
            all: carried(&|_| true),
            own: carried(&|name| name == tunnel),
        })
    }
}

/// A thread's part of a time.
struct Share {
    thread: i32,
    busy: u64,
    waits: u64,
    ran: Duration,
}

fn shares(first: &Sample, last: &Sample) -> Vec<Share> {
    let time = last.at.since(first.at).as_micros().max(1);
    let per_cent = |part: Duration| {
        let share = part.as_micros() * 100 / time;
        u64::try_from(share).unwrap_or(u64::MAX).min(100)
    };
    let share = |(thread, now): &(i32, ThreadTime)| {
        let before = first.threads.iter().find(|(other, _)| other == thread)?.1;
        let ran = now.ran.saturating_sub(before.ran);
        let waited = now.waited.saturating_sub(before.waited);
        Some(Share {
            thread: *thread,
            busy: per_cent(ran + waited),
            waits: per_cent(waited),
            ran,
        })
    };
    last.threads.iter().filter_map(share).collect()
}

impl Gateway {
    /// Looks at the threads that carry packets.
    pub(crate) fn look_at_load(&mut self, pairs: &[PairReport]) {
        let threads = self.backend.threads();
        if threads.is_empty() {
            return;
        }
        let work = |pair: &PairReport| Work {
            packets: pair.counters.packets_in + pair.counters.packets_out,
            octets: pair.counters.bytes_in + pair.counters.bytes_out,
        };
        let name = |pair: &PairReport| (pair.child.connection.clone(), pair.spi_in);
        let sample = Sample {
            // As late as the threads' times are read.
            at: self.clock.now().mono,
            threads: threads
                .into_iter()
                .filter_map(|thread| Some((thread, time_of(thread)?)))
                .collect(),
            pairs: pairs.iter().map(|pair| (name(pair), work(pair))).collect(),
            lost: None,
        };
        let (options, tunnels, port) = (&self.options, &self.tunnels, self.nat_port);
        self.load.take(sample, || {
            let own = tunnels
                .values()
                .filter_map(|t| t.connection.interface.as_ref());
            let own = own.map(|interface| interface.name.clone());
            let devices: Vec<String> = own.chain([options.tun_name.clone()]).collect();
            overrun(&devices, port)
        });
    }
}

/// A thread that is at work, or waits for a processor, for so much of its time has none left, in per cent.
const FULL: u64 = 88;
/// The least of that between two looks: on a host without time they are taken late.
const MEANWHILE: u64 = 70;
/// Shorter than this it is a moment's.
const LONG_ENOUGH: Duration = Duration::from_millis(5500);
/// How far it is looked back.
const KEPT: Duration = Duration::from_secs(14);
/// Looks that are older tell nothing of now.
const STALE: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Every two seconds, for each thread how many milliseconds it ran and waited.
    fn load(looks: &[&[(u64, u64)]]) -> Load {
        let mut load = Load::default();
        let threads = looks.first().map_or(0, |first| first.len());
        let mut times = vec![ThreadTime::default(); threads];
        for (nth, look) in (0_u64..).zip(looks) {
            for (time, (ran, waited)) in times.iter_mut().zip(*look) {
                time.ran += Duration::from_millis(*ran);
                time.waited += Duration::from_millis(*waited);
            }
            let work = Work {
                packets: nth * 1000,
                octets: nth * 1_000_000,
            };
            let sample = Sample {
                at: Mono(0) + Duration::from_secs(2 * nth),
                threads: (7..).zip(times.iter().copied()).collect(),
                pairs: BTreeMap::from([(("office".to_owned(), 1), work)]),
                lost: None,
            };
            load.take(sample, || nth * 100);
        }
        load
    }

    fn now(looks: usize) -> Mono {
        Mono(0) + Duration::from_secs(2 * looks as u64)
    }

    #[test]
    fn a_thread_without_time_for_seconds_is_full() {
        let busy: &[(u64, u64)] = &[(1300, 650), (100, 10)];
        let full = load(&[busy; 5]).full("office", now(4)).unwrap();
        assert_eq!((full.busy, full.waits), (97, 32));
        assert_eq!((full.full, full.threads, full.thread), (1, 2, 7));
        assert_eq!((full.own.packets, full.all.packets), (4000, 4000));
        assert_eq!(full.lasting, Duration::from_secs(8));
        assert_eq!(full.ran, Duration::from_millis(4 * 1400));
        assert_eq!(full.lost, 300);
        let other = load(&[busy; 5]).full("branch", now(4)).unwrap();
        assert_eq!(other.own, Work::default());
    }

    #[test]
    fn a_burst_is_not() {
        let (idle, busy): (&[_], &[_]) = (&[(50, 20)], &[(1950, 0)]);
        assert_eq!(load(&[idle, idle, busy, busy]).full("office", now(3)), None);
        assert_eq!(
            load(&[busy, busy, busy, busy, idle]).full("office", now(4)),
            None
        );
        assert_eq!(
            load(&[busy, busy, idle, busy, busy]).full("office", now(4)),
            None
        );
        // Nor what was seen last a while ago.
        assert_eq!(load(&[busy; 5]).full("office", now(9)), None);
        assert_eq!(Load::default().full("office", now(0)), None);
    }
}
