//! What a CHILD SA has carried, against what it may carry.

use core::time::Duration;

use adit_model::Mono;
use adit_model::dataplane::PairCounters;
use adit_model::life::ChildLife;

use crate::cx::Cx;
use crate::v2::lifespan::fewer;

/// Limits of one pair of SAs, and what the data plane counted last.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    renew: Limit,
    end: Limit,
    numbers: Numbers,
    inactivity: Duration,
    seen: PairCounters,
    active: Mono,
}

/// How far the numbers of the sending SA go (RFC 4303 3.3.3).
#[derive(Clone, Copy, Debug)]
struct Numbers {
    last: u64,
    /// How many may be used up before the pair is rekeyed; `None` when they are.
    most: Option<u64>,
}

/// A limit of octets and one of packets, each for either direction.
#[derive(Clone, Copy, Debug)]
struct Limit {
    octets: Option<u64>,
    packets: Option<u64>,
}

/// What a count means for a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Fine,
    /// It is to be rekeyed.
    Renew,
    /// It has reached this limit, in words.
    End(String),
    /// It hasn't carried anything for so long.
    Idle(Duration),
}

impl Numbers {
    /// Well before the last one the pair is replaced.
    fn new(esn: bool) -> Self {
        let last = if esn { u64::MAX } else { u64::from(u32::MAX) };
        let most = Some(last / 8 * 7);
        Self { last, most }
    }

    /// Whether so many are a reason to rekey: the first time when few are left, once more when none is.
    fn reached(&mut self, used: u64) -> bool {
        let reached = self.most.is_some_and(|most| used >= most);
        if reached {
            self.renewing(used);
        }
        reached
    }

    /// It is being rekeyed. If that comes to nothing, the last number is a reason of its own.
    fn renewing(&mut self, used: u64) {
        self.most = (used < self.last).then_some(self.last);
    }
}

impl Volume {
    pub fn new(cx: &Cx<'_>, life: &ChildLife, esn: bool) -> Self {
        let limit = |number: u64| (number > 0).then_some(number);
        Self {
            renew: Limit {
                octets: fewer(cx, life.rekey_bytes),
                packets: fewer(cx, life.rekey_packets),
            },
            end: Limit {
                octets: limit(life.lifetime_bytes),
                packets: limit(life.lifetime_packets),
            },
            numbers: Numbers::new(esn),
            inactivity: life.inactivity,
            seen: PairCounters::default(),
            active: cx.now.mono,
        }
    }

    /// How often the data plane's counters are needed: soon when something is configured that depends on them.
    pub fn interval(&self) -> Duration {
        let limited = self.renew.octets.is_some()
            || self.renew.packets.is_some()
            || used(&self.seen) > self.numbers.last / 2
            || self.end.octets.is_some()
            || self.end.packets.is_some()
            || !self.inactivity.is_zero();
        Duration::from_secs(if limited { 1 } else { 60 })
    }

    /// The data plane has counted so much.
    pub fn counted(&mut self, now: Mono, counters: &PairCounters) -> Verdict {
        let packets = |c: &PairCounters| (c.packets_in, c.packets_out);
        if packets(counters) != packets(&self.seen) {
            self.active = now;
        }
        self.seen = *counters;
        if let Some(limit) = self.end.reached(counters) {
            return Verdict::End(limit);
        }
        if !self.inactivity.is_zero() && self.active + self.inactivity <= now {
            return Verdict::Idle(self.inactivity);
        }
        // Each of them is asked, so that one reason isn't given twice.
        let few_left = self.numbers.reached(used(counters));
        if self.renew.reached(counters).is_some() || few_left {
            return Verdict::Renew;
        }
        Verdict::Fine
    }

    /// It is being renewed: that needs no second reason.
    pub fn renewing(&mut self) {
        self.renew = Limit {
            octets: None,
            packets: None,
        };
        self.numbers.renewing(used(&self.seen));
    }
}

/// Sequence numbers that are used up; the peer's, at least as many as packets have come.
fn used(counters: &PairCounters) -> u64 {
    counters
        .numbers_out
        .max(counters.packets_out)
        .max(counters.packets_in)
}

impl Limit {
    fn reached(&self, counters: &PairCounters) -> Option<String> {
        let octets = counters.bytes_in.max(counters.bytes_out);
        let packets = counters.packets_in.max(counters.packets_out);
        let over = |limit: Option<u64>, count: u64| limit.filter(|limit| count >= *limit);
        match (over(self.octets, octets), over(self.packets, packets)) {
            (Some(limit), _) => Some(format!("{limit} octets")),
            (None, Some(limit)) => Some(format!("{limit} packets")),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(renew: u64, end: u64, inactivity: u64) -> Volume {
        Volume {
            renew: Limit {
                octets: None,
                packets: Some(renew),
            },
            end: Limit {
                octets: Some(end),
                packets: None,
            },
            numbers: Numbers::new(false),
            inactivity: Duration::from_secs(inactivity),
            seen: PairCounters::default(),
            active: Mono(0),
        }
    }

    #[test]
    fn either_direction_counts() {
        let mut volume = limits(10, 1000, 0);
        let mut counters = PairCounters::default();
        assert_eq!(volume.counted(Mono(1), &counters), Verdict::Fine);
        counters.packets_in = 10;
        assert_eq!(volume.counted(Mono(2), &counters), Verdict::Renew);
        volume.renewing();
        assert_eq!(volume.counted(Mono(3), &counters), Verdict::Fine);
        counters.bytes_out = 1000;
        let end = Verdict::End("1000 octets".to_owned());
        assert_eq!(volume.counted(Mono(4), &counters), end);
    }

    /// RFC 4303 3.3.3: numbers count, not packets; and the last one asks for new keys once more.
    #[test]
    fn abuse_86_claimed_numbers_renew_a_pair_and_the_last_one_does_so_again() {
        let none = Limit {
            octets: None,
            packets: None,
        };
        let mut volume = Volume {
            renew: none,
            end: none,
            ..limits(1, 1, 0)
        };
        let counters = |numbers_out| PairCounters {
            packets_out: 1,
            numbers_out,
            ..PairCounters::default()
        };
        let last = u64::from(u32::MAX);
        let counted = |volume: &mut Volume, numbers| volume.counted(Mono(1), &counters(numbers));
        assert_eq!(volume.interval(), Duration::from_secs(60));
        assert_eq!(counted(&mut volume, last / 4 * 3), Verdict::Fine);
        let often = Duration::from_secs(1);
        assert_eq!(volume.interval(), often, "they go fast");
        assert_eq!(counted(&mut volume, last / 8 * 7), Verdict::Renew);
        volume.renewing();
        assert_eq!(counted(&mut volume, last - 1), Verdict::Fine, "under way");
        assert_eq!(counted(&mut volume, last), Verdict::Renew, "none is left");
        volume.renewing();
        assert_eq!(counted(&mut volume, last), Verdict::Fine, "said once");
        let mut extended = Numbers::new(true);
        assert!(!extended.reached(last * 1000) && extended.reached(u64::MAX));
    }

    #[test]
    fn a_pair_is_idle_when_no_count_moves() {
        let second = |n: u64| Mono(n * 1_000_000_000);
        let mut volume = limits(1000, 1000, 10);
        let mut counters = PairCounters::default();
        assert_eq!(volume.counted(second(9), &counters), Verdict::Fine);
        counters.packets_out = 1;
        assert_eq!(volume.counted(second(10), &counters), Verdict::Fine);
        assert_eq!(volume.counted(second(19), &counters), Verdict::Fine);
        let idle = Verdict::Idle(Duration::from_secs(10));
        assert_eq!(volume.counted(second(20), &counters), idle);
    }
}
