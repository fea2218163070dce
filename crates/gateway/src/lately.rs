//! What tunnels carried and dropped in the last seconds: whether a tunnel that is up does its work is told by counters that
//! grow, and not by their values.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use adit_esp::{ChildReport, PairReport};
use adit_model::dataplane::PairCounters;
use adit_model::drops::DropReason;
use adit_model::fact::{Fact, Known, Side, Source};
use adit_model::now::Mono;
use adit_model::sign::Sign;
use adit_model::traffic::SaTraffic;

/// What the counters were.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When.
    pub at: Mono,
    /// Of every live pair of SAs.
    pub pairs: Vec<PairReport>,
    /// Of every child.
    pub children: Vec<ChildReport>,
    /// Drops of the whole gateway.
    pub totals: BTreeMap<DropReason, u64>,
    /// Packets that came in clear and were stopped, by the tunnel whose they should have been.
    pub clear_in: BTreeMap<String, u64>,
    /// Packets under an SPI that nobody knows, by the tunnel whose peer they came from.
    pub strays: BTreeMap<String, u64>,
}

/// The samples of the last seconds.
#[derive(Debug, Default)]
pub struct Lately {
    samples: VecDeque<Sample>,
    strays: BTreeMap<String, u64>,
}

impl Lately {
    /// When the next sample is to be taken.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        self.samples.back().map(|sample| sample.at + EVERY)
    }

    /// Takes a sample, and forgets those that are older than the last seconds.
    pub fn take(&mut self, sample: Sample) {
        let now = sample.at;
        self.samples.push_back(sample);
        while self.samples.len() > 1 && self.samples.front().is_some_and(|s| s.at + LATELY < now) {
            self.samples.pop_front();
        }
    }

    /// A packet under an SPI that nobody knows came from the peer of a tunnel.
    pub fn stray(&mut self, tunnel: &str) {
        match self.strays.get_mut(tunnel) {
            Some(count) => *count += 1,
            None => drop(self.strays.insert(tunnel.to_owned(), 1)),
        }
    }

    /// How many did, ever.
    #[must_use]
    pub fn strays(&self) -> BTreeMap<String, u64> {
        self.strays.clone()
    }

    /// Begins anew: what came before was our own doing, in part.
    pub fn restart(&mut self, sample: Sample) {
        self.samples.clear();
        self.take(sample);
    }

    /// Whether the tunnel sends, and nothing has come back, lately or ever.
    #[must_use]
    pub fn unanswered(&self, tunnel: &str, now: &Sample) -> bool {
        let total = self
            .grown(tunnel, now)
            .iter()
            .fold((0, 0), |(out, back), (_, first, last)| {
                (
                    out + last.packets_out.saturating_sub(first.packets_out),
                    back + last.packets_in.saturating_sub(first.packets_in),
                )
            });
        total.0 >= SEVERAL && total.1 == 0
    }

    /// What this tells of a tunnel.
    #[must_use]
    pub fn facts(&self, tunnel: &str, now: &Sample) -> Vec<Fact> {
        let grown = self.grown(tunnel, now);
        let several = |first: &PairCounters, last: &PairCounters| {
            last.packets_out.saturating_sub(first.packets_out) >= SEVERAL
                || last.packets_in.saturating_sub(first.packets_in) >= SEVERAL
        };
        // Of a tunnel that carried next to nothing lately all is told that it ever carried.
        let moved = grown.iter().any(|(_, first, last)| several(first, last));
        let mut facts = Vec::new();
        let ever = grown
            .iter()
            .any(|(_, _, last)| several(&PairCounters::default(), last));
        for (pair, first, last) in grown.iter().filter(|_| moved || ever) {
            if moved {
                facts.push(carried(tunnel, pair, first));
            }
            facts.push(carried(tunnel, pair, last));
        }
        facts.extend(self.dropped(tunnel, now));
        facts.extend(self.came_in_clear(tunnel, now));
        facts
    }

    /// That packets of the tunnel came outside of it, and were stopped.
    fn came_in_clear(&self, tunnel: &str, now: &Sample) -> Option<Fact> {
        let oldest = self.samples.front()?;
        let of = |sample: &Sample| sample.clear_in.get(tunnel).copied();
        let count = of(now)?.saturating_sub(of(oldest)?);
        let seconds = now.at.since(oldest.at).as_secs().max(1);
        (count >= SEVERAL).then(|| {
            let text = format!(
                "{count} packets in {seconds} s came in clear from networks of the tunnel, and were stopped"
            );
            let values = BTreeMap::from([("count".to_owned(), count.to_string())]);
            let sign = Sign::ClearTrafficArrived;
            fact(tunnel, text, Known::Sign { sign, values })
        })
    }

    /// The sample since which a tunnel has sent several packets, the newest of those that are long enough ago for answers
    /// to have come; else the oldest. What was before a fault doesn't hide it then.
    fn since(&self, tunnel: &str, now: &Sample) -> Option<&Sample> {
        let sent = |sample: &Sample| -> u64 {
            let mine = |p: &&PairReport| p.child.connection == tunnel;
            let pairs = now.pairs.iter().filter(mine);
            pairs
                .map(|pair| {
                    let then = sample.pairs.iter().find(|p| p.spi_in == pair.spi_in);
                    let before = then.map_or(0, |p| p.counters.packets_out);
                    pair.counters.packets_out.saturating_sub(before)
                })
                .sum()
        };
        let long_ago = |sample: &&Sample| sample.at + ANSWERED_BY <= now.at;
        let mut recent = self.samples.iter().rev().filter(long_ago);
        let enough = recent.find(|sample| sent(sample) >= SEVERAL);
        enough.or(self.samples.front())
    }

    /// The pairs of a tunnel, with the first counters that count and those of now. A pair that is younger began with
    /// nothing.
    fn grown(&self, tunnel: &str, now: &Sample) -> Vec<(PairReport, PairCounters, PairCounters)> {
        let Some(oldest) = self.since(tunnel, now) else {
            return Vec::new();
        };
        let mine = now
            .pairs
            .iter()
            .filter(|pair| pair.child.connection == tunnel);
        mine.map(|pair| {
            let then = oldest.pairs.iter().find(|p| p.spi_in == pair.spi_in);
            let first = then.map_or_else(PairCounters::default, |p| p.counters);
            (pair.clone(), first, pair.counters)
        })
        .collect()
    }

    /// Drops that grew, in the words of other products' counters.
    fn dropped(&self, tunnel: &str, now: &Sample) -> Vec<Fact> {
        let Some(oldest) = self.samples.front() else {
            return Vec::new();
        };
        // What belongs to no tunnel is this one's where there is no other that it could be.
        let others = |sample: &Sample| {
            let mut children = sample.children.iter();
            children.any(|report| report.child.connection != tunnel)
        };
        let alone = !others(oldest) && !others(now);
        let of = |sample: &Sample, reason: DropReason| -> u64 {
            let drops = |mine: bool| -> u64 {
                let children = sample.children.iter();
                children
                    .filter(|report| (report.child.connection == tunnel) == mine)
                    .map(|report| report.drops.of(reason))
                    .sum()
            };
            let stray = match reason {
                DropReason::EspUnknownSpi => sample.strays.get(tunnel).copied().unwrap_or(0),
                _ => 0,
            };
            if !alone {
                return drops(true) + stray;
            }
            let total = sample.totals.get(&reason).copied().unwrap_or(0);
            total.saturating_sub(drops(false))
        };
        SIGNS
            .iter()
            .filter_map(|(reason, sign)| {
                let count = of(now, *reason).saturating_sub(of(oldest, *reason));
                (count > 0).then(|| {
                    let seconds = now.at.since(oldest.at).as_secs().max(1);
                    let text = format!("{count} packets in {seconds} s: {}", reason.meaning());
                    let mut values = BTreeMap::from([("count".to_owned(), count.to_string())]);
                    if *reason == DropReason::EspMisaligned {
                        values.insert("misaligned".to_owned(), "yes".to_owned());
                    }
                    fact(
                        tunnel,
                        text,
                        Known::Sign {
                            sign: *sign,
                            values,
                        },
                    )
                })
            })
            .collect()
    }
}

fn carried(tunnel: &str, pair: &PairReport, counters: &PairCounters) -> Fact {
    let (sent, received) = (counters.packets_out, counters.packets_in);
    let text = format!(
        "{}: {sent} packets sent, {received} received",
        pair.child.child
    );
    let traffic = SaTraffic {
        name: Some(pair.child.child.clone()),
        spi_in: Some(pair.spi_in),
        spi_out: Some(pair.spi_out),
        packets_in: Some(received),
        packets_out: Some(sent),
        octets_in: Some(counters.bytes_in),
        octets_out: Some(counters.bytes_out),
        ..SaTraffic::default()
    };
    let traffic = Box::new(traffic);
    fact(tunnel, text, Known::Carried { traffic })
}

fn fact(tunnel: &str, text: String, what: Known) -> Fact {
    Fact {
        source: Source {
            name: "counters".to_owned(),
            line: None,
            text,
        },
        at: None,
        side: Side::Local,
        subject: Some(tunnel.to_owned()),
        role: None,
        what,
    }
}

/// Drops that say something about a tunnel that is up, and the sign that other products' counters of the same are.
const SIGNS: &[(DropReason, Sign)] = &[
    (DropReason::EspMisaligned, Sign::EspIntegrityFailed),
    (DropReason::EspAuthenticity, Sign::EspIntegrityFailed),
    (DropReason::EspReplay, Sign::EspReplayed),
    (DropReason::EspTooOld, Sign::EspReplayed),
    (DropReason::EspUnknownSpi, Sign::SpiUnknown),
    (DropReason::EspInboundPolicy, Sign::InnerOutsideSelectors),
    (DropReason::OutNoPolicy, Sign::OutsideSelectors),
];

/// How often a sample is taken.
const EVERY: Duration = Duration::from_secs(2);
/// How far back samples go.
const LATELY: Duration = Duration::from_secs(12);
/// Within this answers have come, if any do.
const ANSWERED_BY: Duration = Duration::from_secs(4);
/// Fewer packets than these say nothing: an answer may be on its way.
const SEVERAL: u64 = 3;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use adit_esp::ChildName;

    use super::*;

    fn sample(seconds: u64, counters: &[(u32, u64, u64)], replays: u64) -> Sample {
        let pair = |(spi_in, packets_out, packets_in): &(u32, u64, u64)| PairReport {
            child: Arc::new(ChildName {
                connection: "office".to_owned(),
                child: "lan".to_owned(),
            }),
            spi_in: *spi_in,
            spi_out: *spi_in + 1,
            counters: PairCounters {
                packets_in: *packets_in,
                packets_out: *packets_out,
                ..PairCounters::default()
            },
        };
        Sample {
            at: Mono(0) + Duration::from_secs(seconds),
            pairs: counters.iter().map(pair).collect(),
            children: Vec::new(),
            totals: BTreeMap::from([(DropReason::EspReplay, replays)]),
            clear_in: BTreeMap::new(),
            strays: BTreeMap::new(),
        }
    }

    /// A child of a tunnel, without drops of its own.
    fn child(tunnel: &str) -> ChildReport {
        ChildReport {
            child: Arc::new(ChildName {
                connection: tunnel.to_owned(),
                child: "lan".to_owned(),
            }),
            pairs: 1,
            counters: PairCounters::default(),
            drops: Default::default(),
        }
    }

    #[test]
    fn drops_that_belong_to_no_tunnel_convict_none_of_several() {
        let mut lately = Lately::default();
        let of = |seconds, replays, tunnels: &[&str]| Sample {
            children: tunnels.iter().map(|tunnel| child(tunnel)).collect(),
            ..sample(seconds, &[], replays)
        };
        lately.take(of(0, 0, &["office"]));
        assert_eq!(lately.facts("office", &of(4, 9, &["office"])).len(), 1);
        let both = of(4, 9, &["office", "branch"]);
        assert!(lately.facts("office", &both).is_empty());
        assert!(lately.facts("branch", &both).is_empty());
        // Whose peer sends what nobody knows, has it.
        let mut lately = Lately::default();
        lately.take(of(0, 0, &["office", "branch"]));
        lately.stray("branch");
        let now = Sample {
            strays: lately.strays(),
            ..both
        };
        assert_eq!(lately.facts("branch", &now).len(), 1);
        assert!(lately.facts("office", &now).is_empty());
    }

    fn shown(facts: &[Fact]) -> Vec<&str> {
        facts.iter().map(|f| f.source.text.as_str()).collect()
    }

    #[test]
    fn a_tunnel_that_sends_and_hears_nothing_any_more_is_told_by_what_grew() {
        let mut lately = Lately::default();
        lately.take(sample(0, &[(1, 100, 90)], 0));
        let now = sample(4, &[(1, 120, 90)], 0);
        assert!(lately.unanswered("office", &now));
        assert!(!lately.unanswered("another", &now));
        assert_eq!(
            shown(&lately.facts("office", &now)),
            [
                "lan: 100 packets sent, 90 received",
                "lan: 120 packets sent, 90 received"
            ]
        );
    }

    #[test]
    fn what_was_carried_before_a_fault_does_not_hide_it() {
        let mut lately = Lately::default();
        lately.take(sample(0, &[(1, 0, 0)], 0));
        lately.take(sample(4, &[(1, 40, 40)], 0));
        let now = |seconds, out| sample(seconds, &[(1, out, 40)], 0);
        // An answer may be on its way.
        assert!(!lately.unanswered("office", &now(6, 60)));
        assert!(lately.unanswered("office", &now(8, 80)));
        // Hardly anything was sent since.
        assert!(!lately.unanswered("office", &now(8, 42)));
    }

    #[test]
    fn a_packet_or_two_on_their_way_say_nothing() {
        let mut lately = Lately::default();
        lately.take(sample(0, &[], 0));
        let now = sample(1, &[(1, 2, 0)], 0);
        assert!(!lately.unanswered("office", &now));
        assert_eq!(lately.facts("office", &now), []);
    }

    #[test]
    fn answers_over_the_pair_that_is_being_replaced_are_answers() {
        let mut lately = Lately::default();
        lately.take(sample(0, &[(1, 100, 100)], 0));
        let now = sample(4, &[(1, 100, 110), (7, 10, 0)], 0);
        assert!(!lately.unanswered("office", &now));
    }

    #[test]
    fn drops_count_while_they_grow() {
        let mut lately = Lately::default();
        lately.take(sample(0, &[], 40));
        assert_eq!(lately.facts("office", &sample(4, &[], 40)), []);
        let told = lately.facts("office", &sample(4, &[], 49));
        assert_eq!(
            shown(&told),
            ["9 packets in 4 s: A sequence number that was already received."]
        );
    }

    #[test]
    fn packets_in_clear_count_while_they_come() {
        let at = |seconds, clear: u64| Sample {
            clear_in: BTreeMap::from([("office".to_owned(), clear)]),
            ..sample(seconds, &[], 0)
        };
        let mut lately = Lately::default();
        lately.take(at(0, 7));
        assert_eq!(lately.facts("office", &at(4, 7)), []);
        assert_eq!(lately.facts("office", &at(4, 9)), []);
        assert_eq!(lately.facts("branch", &at(4, 90)), []);
        assert_eq!(
            shown(&lately.facts("office", &at(4, 27))),
            ["20 packets in 4 s came in clear from networks of the tunnel, and were stopped"]
        );
        // Of a tunnel that is new nothing is known.
        let mut lately = Lately::default();
        lately.take(sample(0, &[], 0));
        assert_eq!(lately.facts("office", &at(4, 27)), []);
    }

    #[test]
    fn only_the_last_seconds_are_kept() {
        let mut lately = Lately::default();
        for seconds in [0, 2, 4, 30] {
            lately.take(sample(seconds, &[(1, seconds, 0)], 0));
        }
        assert_eq!(lately.samples.len(), 1);
        assert_eq!(lately.due(), Some(Mono(0) + Duration::from_secs(32)));
    }
}
