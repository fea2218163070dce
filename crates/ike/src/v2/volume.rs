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
    inactivity: Duration,
    seen: PairCounters,
    active: Mono,
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

/// Sequence numbers of 32 bits end here (RFC 4303 3.3.3); well before, the pair is replaced.
const SEQUENCE_END: u64 = u32::MAX as u64;
const SEQUENCE_RENEW: u64 = SEQUENCE_END / 8 * 7;

impl Volume {
    pub fn new(cx: &Cx<'_>, life: &ChildLife, esn: bool) -> Self {
        let sequence = |limit: u64| (!esn).then_some(limit);
        let limit = |number: u64| (number > 0).then_some(number);
        let least = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
        Self {
            renew: Limit {
                octets: fewer(cx, life.rekey_bytes),
                packets: least(fewer(cx, life.rekey_packets), sequence(SEQUENCE_RENEW)),
            },
            end: Limit {
                octets: limit(life.lifetime_bytes),
                packets: limit(life.lifetime_packets),
            },
            inactivity: life.inactivity,
            seen: PairCounters::default(),
            active: cx.now.mono,
        }
    }

    /// How often the data plane's counters are needed: soon when something is configured that depends on them.
    pub fn interval(&self) -> Duration {
        let limited = self.renew.octets.is_some()
            || self
                .renew
                .packets
                .is_some_and(|limit| limit < SEQUENCE_RENEW)
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
        if self.renew.reached(counters).is_some() {
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
    }
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
