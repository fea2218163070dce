//! What captures show of the traffic, as rules ask for it: by who sent it, whichever side captured it.

use std::net::IpAddr;

use adit_model::fact::{Fact, Known, Side, Wire};
use adit_model::now::Wall;

use crate::signals::Signals;
use crate::verdict::Evidence;

/// ESP or AH of one SA.
#[derive(Clone, Copy)]
pub(crate) struct Flow<'a> {
    pub(crate) fact: &'a Fact,
    /// Who sent it.
    pub(crate) from: Side,
    pub(crate) spi: u32,
    pub(crate) protocol: &'a str,
    pub(crate) udp: bool,
    pub(crate) packets: u64,
    pub(crate) replayed: u64,
    pub(crate) very_late: u64,
    pub(crate) classes: u32,
    pub(crate) restarted_at: Option<u32>,
    pub(crate) interleaved: u64,
    pub(crate) first: Wall,
    pub(crate) last: Wall,
}

/// Packets of one kind that left a gateway, and how many of them reached the other.
#[derive(Clone, Copy, Default)]
pub(crate) struct Crossed {
    pub(crate) sent: u64,
    pub(crate) arrived: u64,
    pub(crate) largest_sent: u64,
    pub(crate) largest_arrived: u64,
}

/// Packets in fragments.
#[derive(Clone, Copy)]
pub(crate) struct Fragments<'a> {
    pub(crate) fact: &'a Fact,
    /// Who sent them.
    pub(crate) from: Side,
    /// They were captured where they left.
    pub(crate) at_sender: bool,
    pub(crate) protocol: u8,
    pub(crate) complete: u64,
    pub(crate) incomplete: u64,
    pub(crate) only_first: u64,
}

/// Packets in clear.
#[derive(Clone, Copy)]
pub(crate) struct Clear<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) protocol: u8,
    pub(crate) port: Option<u16>,
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) outbound: Option<bool>,
    pub(crate) packets: u64,
    pub(crate) decrypted: u64,
    pub(crate) encrypted: u64,
    pub(crate) between_gateways: bool,
}

/// Traffic that is no longer answered.
#[derive(Clone, Copy)]
pub(crate) struct Stalled<'a> {
    pub(crate) fact: &'a Fact,
    /// Who still sends.
    pub(crate) from: Side,
    pub(crate) packets: u64,
    pub(crate) unanswered_requests: u64,
    pub(crate) heard: u64,
}

fn sender(fact: &Fact, outbound: bool) -> Side {
    if outbound {
        fact.side
    } else {
        fact.side.other()
    }
}

impl<'a> Signals<'a> {
    fn wire(&self) -> impl Iterator<Item = (&'a Fact, &'a Wire)> + use<'a> {
        self.case.facts.iter().filter_map(|fact| match &fact.what {
            Known::Wire { seen } => Some((fact, seen)),
            _ => None,
        })
    }

    /// Whether one of these lines is what a capture shows of the traffic.
    pub(crate) fn rests_on_the_wire(&self, evidence: &[Evidence]) -> bool {
        evidence.iter().any(|e| {
            self.wire()
                .any(|(f, _)| f.source.name == e.source && f.source.text == e.text)
        })
    }

    /// Whether there is a capture of a side.
    pub(crate) fn captured(&self, side: Side) -> bool {
        self.wire().any(|(f, _)| f.side == side)
    }

    /// Protected traffic that the capture of `by` has.
    pub(crate) fn flows(&self, by: Side) -> impl Iterator<Item = Flow<'a>> + use<'a> {
        self.wire()
            .filter(move |(f, _)| f.side == by)
            .filter_map(|(fact, seen)| match seen {
                Wire::Flow {
                    protocol,
                    spi,
                    outbound,
                    udp,
                    packets,
                    replayed,
                    very_late,
                    classes,
                    restarted_at,
                    interleaved,
                    first,
                    last,
                    ..
                } => Some(Flow {
                    fact,
                    from: sender(fact, *outbound),
                    spi: *spi,
                    protocol,
                    udp: *udp,
                    packets: *packets,
                    replayed: *replayed,
                    very_late: *very_late,
                    classes: *classes,
                    restarted_at: *restarted_at,
                    interleaved: *interleaved,
                    first: *first,
                    last: *last,
                }),
                _ => None,
            })
    }

    /// Protected traffic whose sender fell back to the beginning of its numbers, and from which.
    pub(crate) fn counts_anew(&self) -> Option<(Flow<'a>, u32)> {
        self.all_flows()
            .filter(|f| f.interleaved == 0)
            .find_map(|f| f.restarted_at.map(|from| (f, from)))
    }

    /// Protected traffic with two senders.
    pub(crate) fn counts_twice(&self) -> Option<Flow<'a>> {
        const SEVERAL: u64 = 3;
        self.all_flows().find(|f| f.interleaved >= SEVERAL)
    }

    /// Packets that arrived with other contents than they left with.
    pub(crate) fn altered(&self) -> Option<(&'a Fact, &'a str)> {
        self.wire().find_map(|(fact, seen)| match seen {
            Wire::Altered { what, .. } => Some((fact, what.as_str())),
            _ => None,
        })
    }

    /// The port of a side changed at a NAT, and packets went on to the old one: whose, the old one and the new one.
    pub(crate) fn rebound(&self) -> Option<(&'a Fact, Side, [u16; 2])> {
        self.wire().find_map(|(fact, seen)| match seen {
            Wire::Rebound {
                ours, before, now, ..
            } => Some((fact, sender(fact, *ours), [*before, *now])),
            _ => None,
        })
    }

    /// A first message came again and again though it was answered: who asked, whether the capture is known to be made beside
    /// the one who answered, and how often.
    pub(crate) fn repeated_in_vain(&self) -> Option<(&'a Fact, Side, bool, u64)> {
        self.wire().find_map(|(fact, seen)| match seen {
            Wire::RepeatedInVain { ours, known, times } => {
                Some((fact, sender(fact, *ours), *known && !*ours, *times))
            }
            _ => None,
        })
    }

    /// IKE goes to a port of a side from which none of its own comes: whose, the one that it comes from, and the other.
    pub(crate) fn wrong_port(&self) -> Option<(&'a Fact, Side, [u16; 2])> {
        self.wire().find_map(|(fact, seen)| match seen {
            Wire::WrongPort { ours, from, to, .. } => {
                Some((fact, sender(fact, *ours), [*from, *to]))
            }
            _ => None,
        })
    }

    pub(crate) fn all_flows(&self) -> impl Iterator<Item = Flow<'a>> + use<'a> {
        self.flows(Side::Local).chain(self.flows(Side::Remote))
    }

    /// What left `from` as ESP or AH, and how much of it reached the other side, by captures of both.
    pub(crate) fn crossed(&self, from: Side, udp: bool) -> (Crossed, Vec<&'a Fact>) {
        let kind = |what: &str| {
            if udp {
                what == "esp in udp"
            } else {
                what == "esp" || what == "ah"
            }
        };
        self.sum_crossings(from, kind)
    }

    /// What left `from` as IKE, and how much of it reached the other side.
    pub(crate) fn crossed_ike(&self, from: Side) -> (Crossed, Vec<&'a Fact>) {
        self.sum_crossings(from, |what| !what.starts_with("esp") && what != "ah")
    }

    fn sum_crossings(&self, of: Side, kind: impl Fn(&str) -> bool) -> (Crossed, Vec<&'a Fact>) {
        let mut sum = Crossed::default();
        let mut facts = Vec::new();
        for (fact, seen) in self.wire() {
            if let Wire::Crossing {
                what,
                sent,
                arrived,
                largest_arrived,
                largest_sent,
            } = seen
                && fact.side == of
                && kind(what)
            {
                sum.sent += sent;
                sum.arrived += arrived;
                sum.largest_arrived = sum.largest_arrived.max(*largest_arrived);
                sum.largest_sent = sum.largest_sent.max(*largest_sent);
                facts.push(fact);
            }
        }
        (sum, facts)
    }

    /// Packets between the gateways that came in IP fragments.
    pub(crate) fn fragments(&self) -> impl Iterator<Item = Fragments<'a>> + use<'a> {
        self.wire().filter_map(|(fact, seen)| match seen {
            Wire::Fragments {
                protocol,
                outbound,
                complete,
                incomplete,
                only_first,
            } => Some(Fragments {
                fact,
                from: sender(fact, *outbound),
                at_sender: *outbound,
                protocol: *protocol,
                complete: *complete,
                incomplete: *incomplete,
                only_first: *only_first,
            }),
            _ => None,
        })
    }

    /// Packets in clear.
    pub(crate) fn clear(&self) -> impl Iterator<Item = Clear<'a>> + use<'a> {
        self.wire().filter_map(|(fact, seen)| match seen {
            Wire::Clear {
                protocol,
                port,
                from,
                to,
                outbound,
                packets,
                decrypted,
                encrypted,
                between_gateways,
            } => Some(Clear {
                fact,
                protocol: *protocol,
                port: *port,
                from: *from,
                to: *to,
                outbound: *outbound,
                packets: *packets,
                decrypted: *decrypted,
                encrypted: *encrypted,
                between_gateways: *between_gateways,
            }),
            _ => None,
        })
    }

    /// Protected traffic that was answered, and then no more.
    pub(crate) fn stalled(&self) -> Option<Stalled<'a>> {
        self.wire().find_map(|(fact, seen)| match seen {
            Wire::Stalled {
                outbound,
                packets,
                unanswered_requests,
                heard,
                ..
            } => Some(Stalled {
                fact,
                from: sender(fact, *outbound),
                packets: *packets,
                unanswered_requests: *unanswered_requests,
                heard: *heard,
            }),
            _ => None,
        })
    }
}
