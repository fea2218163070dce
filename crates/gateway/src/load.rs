//! Whether the threads that carry packets have time for all of them: what they had of the processors in the last seconds.
//!
//! A moment of much traffic isn't told: a thread is full when it had no time left in any interval of several seconds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use adit_crypto::Provider;
use adit_esp::PairReport;
use adit_kernel::load::{ThreadTime, overrun, throttled, time_of};
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_model::proposal::Suite;

use crate::gateway::Gateway;

/// What a tunnel has had carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Packets, both ways.
    pub packets: u64,
    /// Those of them that came.
    pub came: u64,
    /// Inner octets of them.
    pub octets: u64,
}

/// What is counted at a look, since the gateway runs.
#[derive(Debug, Default)]
struct Counts {
    at: Mono,
    threads: Vec<(i32, ThreadTime)>,
    /// Of each pair of SAs, by the SPI of what it receives.
    pairs: BTreeMap<u32, (String, Work)>,
    /// Packets that no tunnel carried.
    refused: u64,
}

/// What was counted besides where a thread seems to be full.
#[derive(Clone, Copy, Debug, Default)]
struct Want {
    /// Packets that nobody had time for, since the kernel counts.
    lost: u64,
    /// For how long a quota kept the gateway from its processors, since it was set.
    throttled: Duration,
}

/// The time between two looks.
#[derive(Debug)]
struct Interval {
    from: Mono,
    to: Mono,
    shares: Vec<Share>,
    /// What was carried, by tunnel, and in all; counted only where a thread seems to be full.
    carried: BTreeMap<String, Work>,
    all: Work,
    refused: u64,
    /// At its end.
    want: Option<Want>,
}

/// The looks of the last seconds.
#[derive(Debug, Default)]
pub struct Load {
    last: Option<Counts>,
    intervals: VecDeque<Interval>,
}

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
    /// How long all of them were at work or waited for a processor.
    pub wanted: Duration,
    /// Packets that nobody had time for.
    pub lost: u64,
    /// Packets that no tunnel carried.
    pub refused: u64,
    /// For how long a quota kept the gateway from its processors.
    pub throttled: Duration,
    /// What all tunnels had carried.
    pub all: Work,
    /// What this tunnel had.
    pub own: Work,
}

/// What it takes to tell why: a tunnel whose packets fill the threads.
#[derive(Clone, Debug)]
pub(crate) struct Burden {
    pub full: Full,
    /// The algorithms of its CHILD SAs, where all have the same.
    pub suite: Option<Suite>,
    /// Whether the number of threads is configured.
    pub configured: bool,
    pub provider: Provider,
}

impl Load {
    /// Notes how things are; `want` is asked only where a thread seems to be full.
    fn take(&mut self, counts: Counts, want: impl FnOnce() -> Want) {
        let now = counts.at;
        if let Some(last) = &self.last {
            let shares = shares(last, &counts);
            let seems = shares.iter().any(|share| share.busy() >= MEANWHILE);
            let mut carried: BTreeMap<String, Work> = BTreeMap::new();
            let mut all = Work::default();
            for (spi, (tunnel, work)) in counts.pairs.iter().filter(|_| seems) {
                let before = last.pairs.get(spi).map(|(_, work)| *work);
                let done = work.since(before.unwrap_or_default());
                all.add(done);
                carried.entry(tunnel.clone()).or_default().add(done);
            }
            self.intervals.push_back(Interval {
                from: last.at,
                to: now,
                shares,
                carried,
                all,
                refused: counts.refused.saturating_sub(last.refused),
                want: seems.then(want),
            });
        }
        self.last = Some(counts);
        while self.intervals.front().is_some_and(|i| i.from + KEPT < now) {
            self.intervals.pop_front();
        }
    }

    /// Whether the threads have had no time left for several seconds up to the last look, of which this tunnel's packets
    /// are a part.
    pub fn full(&self, tunnel: &str, now: Mono) -> Option<Full> {
        let last = self.intervals.back().filter(|last| last.to + STALE > now)?;
        // How many intervals up to now each thread had no time left in.
        let lasting = |thread: i32| {
            let no_time = |i: &&Interval| {
                let mut shares = i.shares.iter();
                shares.any(|share| share.thread == thread && share.busy() >= MEANWHILE)
            };
            self.intervals.iter().rev().take_while(no_time).count()
        };
        let (thread, count) = last
            .shares
            .iter()
            .map(|share| (share.thread, lasting(share.thread)))
            .max_by_key(|(_, count)| *count)?;
        let run = self.intervals.iter();
        let run = run.skip(self.intervals.len() - count);
        let lasted = last.to.since(run.clone().next()?.from);
        if lasted < LONG_ENOUGH {
            return None;
        }
        // Of those that are there now.
        let mut shares = last.shares.clone();
        for share in &mut shares {
            let all = run.clone().flat_map(|i| &i.shares);
            let own = all.filter(|other| other.thread == share.thread);
            (share.ran, share.waited) = own.fold(
                Default::default(),
                |(ran, waited): (Duration, Duration), other| {
                    (ran + other.ran, waited + other.waited)
                },
            );
            share.of = lasted;
        }
        let of_it = |share: &&Share| share.thread == thread && share.busy() >= FULL;
        let fullest = shares.iter().find(of_it)?;
        let (mut all, mut own) = (Work::default(), Work::default());
        for interval in run.clone() {
            all.add(interval.all);
            own.add(interval.carried.get(tunnel).copied().unwrap_or_default());
        }
        let baseline = run.clone().find_map(|interval| interval.want);
        let (before, now) = (baseline.unwrap_or_default(), last.want.unwrap_or_default());
        Some(Full {
            lasting: lasted,
            thread,
            busy: fullest.busy(),
            waits: fullest.waits(),
            full: shares.iter().filter(|share| share.busy() >= FULL).count(),
            threads: shares.len(),
            wanted: shares.iter().map(|share| share.ran + share.waited).sum(),
            lost: now.lost.saturating_sub(before.lost),
            refused: run.map(|interval| interval.refused).sum(),
            throttled: now.throttled.saturating_sub(before.throttled),
            all,
            own,
        })
    }
}

impl Work {
    fn since(self, before: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(before.packets),
            came: self.came.saturating_sub(before.came),
            octets: self.octets.saturating_sub(before.octets),
        }
    }

    fn add(&mut self, more: Self) {
        self.packets += more.packets;
        self.came += more.came;
        self.octets += more.octets;
    }
}

/// A thread's part of a time.
#[derive(Clone, Debug)]
struct Share {
    thread: i32,
    ran: Duration,
    waited: Duration,
    of: Duration,
}

impl Share {
    fn per_cent(&self, part: Duration) -> u64 {
        let share = part.as_micros() * 100 / self.of.as_micros().max(1);
        u64::try_from(share).unwrap_or(u64::MAX).min(100)
    }

    fn busy(&self) -> u64 {
        self.per_cent(self.ran + self.waited)
    }

    fn waits(&self) -> u64 {
        self.per_cent(self.waited)
    }
}

fn shares(first: &Counts, last: &Counts) -> Vec<Share> {
    let before: BTreeMap<i32, ThreadTime> = first.threads.iter().copied().collect();
    let share = |(thread, now): &(i32, ThreadTime)| {
        let before = before.get(thread)?;
        Some(Share {
            thread: *thread,
            ran: now.ran.saturating_sub(before.ran),
            waited: now.waited.saturating_sub(before.waited),
            of: last.at.since(first.at),
        })
    };
    last.threads.iter().filter_map(share).collect()
}

impl Gateway {
    /// Looks at the threads that carry packets.
    pub(crate) fn look_at_load(&mut self, pairs: &[PairReport], drops: &BTreeMap<DropReason, u64>) {
        let threads = self.backend.threads();
        if threads.is_empty() {
            return;
        }
        let work = |pair: &PairReport| Work {
            packets: pair.counters.packets_in + pair.counters.packets_out,
            came: pair.counters.packets_in,
            octets: pair.counters.bytes_in + pair.counters.bytes_out,
        };
        let of = |pair: &PairReport| {
            let tunnel = pair.child.connection.clone();
            (pair.spi_in, (tunnel, work(pair)))
        };
        let refused = NOT_CARRIED
            .iter()
            .map(|reason| drops.get(reason).copied().unwrap_or(0));
        let counts = Counts {
            // As late as the threads' times are read.
            at: self.clock.now().mono,
            threads: threads
                .into_iter()
                .filter_map(|thread| Some((thread, time_of(thread)?)))
                .collect(),
            pairs: pairs.iter().map(of).collect(),
            refused: refused.sum(),
        };
        let (options, tunnels, port) = (&self.options, &self.tunnels, self.nat_port);
        self.load.take(counts, || {
            let own = tunnels
                .values()
                .filter_map(|t| t.connection.interface.as_ref());
            let own = own.map(|interface| interface.name.clone());
            let devices: Vec<String> = own.chain([options.tun_name.clone()]).collect();
            Want {
                lost: overrun(&devices, port),
                throttled: throttled().unwrap_or_default(),
            }
        });
    }
}

/// Packets that take time and that no tunnel carries.
const NOT_CARRIED: &[DropReason] = &[
    DropReason::EspTooShort,
    DropReason::EspUnknownSpi,
    DropReason::EspReplay,
    DropReason::EspTooOld,
    DropReason::EspAuthenticity,
    DropReason::EspMisaligned,
    DropReason::EspPadding,
    DropReason::EspInnerMalformed,
    DropReason::EspInboundPolicy,
    DropReason::UdpEncapMalformed,
    DropReason::OutMalformed,
    DropReason::OutNoPolicy,
    DropReason::OutLinkScope,
    DropReason::OutNoSa,
    DropReason::OutForbidden,
    DropReason::OutTranslated,
    DropReason::IkeOverrun,
];
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
                came: nth * 600,
                octets: nth * 1_000_000,
            };
            let counts = Counts {
                at: Mono(0) + Duration::from_secs(2 * nth),
                threads: (7..).zip(times.iter().copied()).collect(),
                pairs: BTreeMap::from([(1, ("office".to_owned(), work))]),
                refused: nth * 10,
            };
            load.take(counts, || Want {
                lost: nth * 100,
                throttled: Duration::from_millis(nth * 50),
            });
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
        assert_eq!(full.wanted, Duration::from_millis(4 * 2060));
        assert_eq!(full.own.came, 2400);
        assert_eq!((full.lost, full.refused), (300, 40));
        assert_eq!(full.throttled, Duration::from_millis(150));
        let other = load(&[busy; 5]).full("branch", now(4)).unwrap();
        assert_eq!(other.own, Work::default());
    }

    #[test]
    fn what_renewed_sas_carried_is_the_tunnels() {
        let mut load = Load::default();
        for nth in 0..5_u64 {
            let time = ThreadTime {
                ran: Duration::from_secs(2 * nth),
                waited: Duration::ZERO,
            };
            let work = |packets| Work {
                packets,
                ..Work::default()
            };
            // Another SA each time, of which nothing had been carried before, and one of another tunnel.
            let own = (u32::try_from(nth).unwrap(), ("office".to_owned(), work(70)));
            let other = (99, ("branch".to_owned(), work(nth * 5)));
            let counts = Counts {
                at: Mono(0) + Duration::from_secs(2 * nth),
                threads: vec![(7, time)],
                pairs: BTreeMap::from([own, other]),
                refused: 0,
            };
            load.take(counts, Want::default);
        }
        let full = load.full("office", now(4)).unwrap();
        assert_eq!((full.own.packets, full.all.packets), (280, 300));
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
