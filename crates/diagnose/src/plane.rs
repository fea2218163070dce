//! What listings and counters show of a tunnel's traffic, as rules ask for it, and what remains possible after it.

use std::net::{IpAddr, Ipv4Addr};

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::host::{Certificate, Flow, HostState, Listing, Route};
use adit_model::selector::Selector;
use adit_model::sign::Sign;
use adit_model::traffic::SaTraffic;

use crate::complaint::complained;
use crate::rule::{Found, Judgement};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::Evidence;

/// What one side's SAs carried.
#[derive(Clone)]
pub(crate) struct Carried<'a> {
    pub(crate) facts: Vec<&'a Fact>,
    pub(crate) sent: Option<u64>,
    pub(crate) received: Option<u64>,
}

impl Carried<'_> {
    /// It sent, and nothing came.
    pub(crate) fn only_sends(&self) -> bool {
        self.sent.is_some_and(|n| n > 0) && self.received == Some(0)
    }

    /// It received, and sent nothing.
    pub(crate) fn only_receives(&self) -> bool {
        self.received.is_some_and(|n| n > 0) && self.sent == Some(0)
    }

    /// Nothing went either way.
    pub(crate) fn idle(&self) -> bool {
        self.sent == Some(0) && self.received == Some(0)
    }

    /// The networks that it is for, ours first, as a listing writes them.
    pub(crate) fn networks(&self) -> Option<(&str, &str)> {
        self.facts.iter().find_map(|f| match &f.what {
            Known::Carried { traffic } => {
                let (ours, theirs) = traffic.networks.as_ref()?;
                Some((ours.as_str(), theirs.as_str()))
            }
            _ => None,
        })
    }

    /// It carried both ways.
    pub(crate) fn both(&self) -> bool {
        self.sent.is_some_and(|n| n > 0) && self.received.is_some_and(|n| n > 0)
    }
}

/// A series of pings.
pub(crate) struct Ping<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) to: &'a str,
    pub(crate) from: Option<&'a str>,
    pub(crate) size: u32,
    pub(crate) whole: bool,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl<'a> Signals<'a> {
    pub(crate) fn host(&self) -> impl Iterator<Item = (&'a Fact, &'a HostState)> + use<'a> {
        self.case.facts.iter().filter_map(|f| match &f.what {
            Known::Host { state } => Some((f, &**state)),
            _ => None,
        })
    }

    /// Pings, in the order in which they were made.
    pub(crate) fn pings(&self) -> impl Iterator<Item = Ping<'a>> + use<'a> {
        self.host().filter_map(|(fact, state)| match state {
            HostState::Ping {
                to,
                from,
                size,
                whole,
                sent,
                received,
            } => Some(Ping {
                fact,
                to,
                from: from.as_deref(),
                size: *size,
                whole: *whole,
                sent: *sent,
                received: *received,
            }),
            _ => None,
        })
    }

    /// Small packets pass and large ones to the same host don't: the largest that passed, and the smallest that didn't.
    pub(crate) fn size_matters(&self) -> Option<(Ping<'a>, Ping<'a>)> {
        let failed: Vec<Ping<'_>> = self.pings().filter(|p| p.received == 0).collect();
        failed
            .into_iter()
            .filter(|large| {
                // One that is as large and wasn't cut up got through.
                let as_large = |p: &Ping<'_>| {
                    p.received > 0 && p.whole && p.to == large.to && p.size >= large.size
                };
                !self.pings().any(|p| as_large(&p))
            })
            .filter_map(|large| {
                let small = self
                    .pings()
                    .filter(|p| p.received > 0 && p.to == large.to && p.size < large.size)
                    .max_by_key(|p| p.size)?;
                Some((small, large))
            })
            .min_by_key(|(_, large)| large.size)
    }

    /// The ways that a host says it takes to an address.
    pub(crate) fn ways(&self) -> impl Iterator<Item = (&'a Fact, &'a str, &'a Route)> + use<'a> {
        self.host().filter_map(|(fact, state)| match state {
            HostState::Way { to, route } => Some((fact, &**to, route)),
            _ => None,
        })
    }

    /// Routes of tables.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (&'a Fact, &'a Route)> + use<'a> {
        self.host().filter_map(|(fact, state)| match state {
            HostState::Route(route) => Some((fact, route)),
            _ => None,
        })
    }

    /// Rules that choose a table, of one side.
    pub(crate) fn table_rules(
        &self,
        side: Side,
    ) -> impl Iterator<Item = (&'a Fact, &'a str)> + use<'a> {
        self.host()
            .filter(move |(f, _)| f.side == side)
            .filter_map(|(fact, state)| match state {
                HostState::Rule { words, .. } => Some((fact, &**words)),
                _ => None,
            })
    }

    /// Links and their MTU.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&'a Fact, &'a str, u32)> + use<'a> {
        self.host().filter_map(|(fact, state)| match state {
            HostState::Link { name, mtu } => Some((fact, &**name, *mtu)),
            _ => None,
        })
    }

    /// IPv4 networks that one side's host is in, by interface.
    pub(crate) fn interface_networks(
        &self,
        side: Side,
    ) -> impl Iterator<Item = (&'a Fact, &'a str, String)> + use<'a> {
        self.host()
            .filter(move |(f, _)| f.side == side)
            .filter_map(|(fact, state)| match state {
                HostState::Address { interface, address } => {
                    let (address, bits) = address.split_once('/')?;
                    let address: Ipv4Addr = address.parse().ok()?;
                    let bits: u32 = bits.parse().ok().filter(|b| (1..32).contains(b))?;
                    let network =
                        Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << (32 - bits)));
                    Some((fact, &**interface, format!("{network}/{bits}")))
                }
                _ => None,
            })
    }

    /// All addresses of one side's host, without the lengths of their networks; `None` where the list isn't whole.
    pub(crate) fn addresses(&self, side: Side) -> Option<Vec<&'a str>> {
        let mine = || self.host().filter(move |(f, _)| f.side == side);
        mine().find(|(_, state)| {
            matches!(
                state,
                HostState::Listed {
                    what: Listing::Addresses,
                    ..
                }
            )
        })?;
        let all = mine().filter_map(|(_, state)| match state {
            HostState::Address { address, .. } => address.split('/').next(),
            _ => None,
        });
        Some(all.collect())
    }

    /// Addresses, the hardware addresses they are at, and whether the host that has them says so.
    pub(crate) fn hardware(
        &self,
    ) -> impl Iterator<Item = (&'a Fact, &'a str, &'a str, bool)> + use<'a> {
        self.host().filter_map(|(fact, state)| match state {
            HostState::Hardware {
                address,
                hardware,
                own,
            } => Some((fact, &**address, &**hardware, *own)),
            _ => None,
        })
    }

    /// Addresses that our side sends from, or to, as the lines about its messages name them.
    pub(crate) fn sends(&self, to: bool) -> Vec<IpAddr> {
        let word = if to { " to " } else { " from " };
        let mut all: Vec<IpAddr> = self
            .happenings(Side::Local)
            .filter(|(_, h)| matches!(h, Happening::Sent(_) | Happening::Retransmitted { .. }))
            .filter_map(|(f, _)| {
                let (_, rest) = f.source.text.split_once(word)?;
                let host = rest.split(['[', ' ', ',']).next()?;
                host.parse()
                    .ok()
                    .or_else(|| host.split(':').next()?.parse().ok())
            })
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The smallest packet size that tracepath found on a path.
    pub(crate) fn path_mtu(&self) -> Option<(&'a Fact, u32)> {
        self.host()
            .filter_map(|(fact, state)| match state {
                HostState::PathMtu { mtu } => Some((fact, *mtu)),
                _ => None,
            })
            .min_by_key(|(_, mtu)| *mtu)
    }

    /// Flows of IKE and of ESP in UDP that a filter remembers.
    pub(crate) fn remembered(&self) -> impl Iterator<Item = (&'a Fact, &'a Flow)> + use<'a> {
        self.host().filter_map(|(fact, state)| match state {
            HostState::Flow(flow) => Some((fact, flow)),
            _ => None,
        })
    }

    /// Certificates that tools printed.
    pub(crate) fn certificates(
        &self,
    ) -> impl Iterator<Item = (&'a Fact, &'a Certificate)> + use<'a> {
        self.host().filter_map(|(fact, state)| match state {
            HostState::Certificate(certificate) => Some((fact, certificate)),
            _ => None,
        })
    }

    /// Interfaces of tunnels of one side: name, kind and number.
    pub(crate) fn tunnel_interfaces(
        &self,
        side: Side,
    ) -> impl Iterator<Item = (&'a Fact, &'a str, &'a str, u32)> + use<'a> {
        self.host()
            .filter(move |(f, _)| f.side == side)
            .filter_map(|(fact, state)| match state {
                HostState::TunnelInterface { name, kind, number } => {
                    Some((fact, &**name, &**kind, *number))
                }
                _ => None,
            })
    }

    /// Measurements of throughput, in bits a second.
    pub(crate) fn throughput(&self) -> impl Iterator<Item = (&'a Fact, u64)> + use<'a> {
        self.host().filter_map(|(fact, state)| match state {
            HostState::Throughput { bits, .. } => Some((fact, *bits)),
            _ => None,
        })
    }

    /// Every SA whose counters a side shows, each once: by how much it grew where it is shown twice, else what it shows.
    pub(crate) fn each_carried(&self, side: Side) -> Vec<Carried<'a>> {
        let mut groups: Vec<(&SaTraffic, Vec<(&'a Fact, &'a SaTraffic)>)> = Vec::new();
        for fact in self.case.of(side) {
            let Known::Carried { traffic } = &fact.what else {
                continue;
            };
            match groups.iter_mut().find(|(first, _)| first.same(traffic)) {
                Some((_, all)) => all.push((fact, traffic)),
                None => groups.push((traffic, vec![(fact, traffic)])),
            }
        }
        groups
            .into_iter()
            .filter_map(|(first, all)| {
                let (_, last) = all.last()?;
                let grown = |first: Option<u64>, last: Option<u64>| match (first, last) {
                    (Some(a), Some(b)) if all.len() > 1 => Some(b.saturating_sub(a)),
                    (_, b) => b,
                };
                let sent = grown(first.sent(), last.sent());
                let received = grown(first.received(), last.received());
                let still = all.len() > 1 && sent == Some(0) && received == Some(0);
                Some(Carried {
                    facts: all.iter().map(|(f, _)| *f).collect(),
                    // Nothing moved between two listings: what they show is all there is.
                    sent: if still { last.sent() } else { sent },
                    received: if still { last.received() } else { received },
                })
            })
            .collect()
    }

    /// What all SAs of a side carried together; `None` when no listing of it shows any.
    pub(crate) fn carried(&self, side: Side) -> Option<Carried<'a>> {
        let all = self.each_carried(side);
        let sum = |part: fn(&Carried<'_>) -> Option<u64>| {
            all.iter().filter_map(part).reduce(u64::saturating_add)
        };
        let (sent, received) = (sum(|c| c.sent), sum(|c| c.received));
        (!all.is_empty()).then(|| Carried {
            facts: all.iter().flat_map(|c| c.facts.iter().copied()).collect(),
            sent,
            received,
        })
    }

    /// The kernel's IPsec error counter of these names that grew most, and how much. A counter that is small beside another
    /// one isn't what is wrong.
    pub(crate) fn kernel_drops(&self, names: &[&str]) -> Option<(Seen<'a>, u64)> {
        let counted = |seen: Seen<'a>| -> Option<(Seen<'a>, u64)> {
            Some((seen, seen.value("count")?.parse().ok()?))
        };
        let of_side = |side: Side| {
            self.signs_of(Sign::KernelDrops)
                .filter(move |seen| seen.side() == side)
                .filter_map(counted)
        };
        self.signs_of(Sign::KernelDrops)
            .filter(|seen| {
                seen.value("name")
                    .is_some_and(|name| names.iter().any(|n| name.ends_with(n)))
            })
            .filter_map(counted)
            .filter(|(seen, count)| {
                of_side(seen.side()).all(|(_, other)| count.saturating_mul(10) >= other)
            })
            .max_by_key(|(_, count)| *count)
    }

    /// Whether so many errors are what happens on any network: a handful, or few beside what arrived well.
    pub(crate) fn everyday(&self, seen: Seen<'a>) -> bool {
        let Some(count) = seen.value("count").and_then(|n| n.parse::<u64>().ok()) else {
            return false;
        };
        let well = self
            .carried(seen.side())
            .and_then(|c| c.received)
            .unwrap_or(0);
        count < 5 || well > count.saturating_mul(100)
    }

    /// The SAs that are listed carry both ways, and nobody says that anything is lost: what counters of the whole host have
    /// grown to since it runs is of other times.
    pub(crate) fn carries_well(&self) -> bool {
        let carried = self.carried(Side::Local);
        carried.is_some_and(|c| c.both()) && !self.traffic_suffers() && !complained(self)
    }

    /// Something shows that traffic doesn't get through, though the tunnel is up.
    pub(crate) fn traffic_suffers(&self) -> bool {
        let one_way = [Side::Local, Side::Remote]
            .into_iter()
            .filter_map(|side| self.carried(side))
            .any(|c| c.only_sends() || c.only_receives());
        one_way
            || self.size_matters().is_some()
            || self.unanswered().is_some()
            || self.lossy().is_some()
            || self.path_stops()
    }

    /// Test packets like the tunnel's own don't pass in some direction, or long ones don't.
    fn path_stops(&self) -> bool {
        let kinds = [false, true].map(|udp| self.test_packets(udp));
        let mut ways = kinds.into_iter().flatten().flatten();
        ways.any(|way| way.are_stopped()) || self.test_packets_vanish().is_some()
    }

    /// A ping that was never answered, to a host that no other ping reached.
    pub(crate) fn unanswered(&self) -> Option<Ping<'a>> {
        self.pings().find(|p| {
            p.sent > 0
                && p.received == 0
                && !self
                    .pings()
                    .any(|other| other.to == p.to && other.received > 0)
        })
    }

    /// A finding that begins with what a probe met, of a tunnel whose traffic shows that something is wrong.
    pub(crate) fn rests_on_a_probe(&self, evidence: &[Evidence]) -> bool {
        let probed = |e: &Evidence| {
            let mut facts = self.case.of(Side::Local);
            facts.any(|f| matches!(f.what, Known::Probed { .. }) && e.is_of(f))
        };
        self.traffic_suffers() && evidence.first().is_some_and(probed)
    }

    /// A finding that rests on a state or a counter, which a tunnel that is up can have as well.
    pub(crate) fn rests_on_a_state(&self, evidence: &[Evidence]) -> bool {
        let up = |f: &Fact| {
            matches!(
                f.what,
                Known::Happened {
                    happening: Happening::ChildEstablished { .. }
                }
            )
        };
        evidence.iter().enumerate().any(|(n, e)| {
            self.case.facts.iter().any(|f| {
                // That it is up, and with which networks, can be what is wrong.
                (n == 0 && up(f) || matches!(f.what, Known::Host { .. } | Known::Carried { .. }))
                    && e.is_of(f)
            })
        })
    }
}

/// The causes that the four counters leave, heaviest first: what A sent, what B received, what B sent, what A received.
/// A is the side that complains; only causes with a rule are named.
pub(crate) fn suspects(s: &Signals<'_>) -> Vec<(&'static str, u8, String)> {
    let (a, b) = (s.carried(Side::Local), s.carried(Side::Remote));
    let (row, why) = match (&a, &b) {
        (Some(a), Some(b)) if a.idle() && b.idle() => (
            NEVER_ENTERS,
            "no SA of either side has carried a packet: they never come to the policy",
        ),
        (Some(a), Some(b)) if a.only_sends() && b.idle() => (
            LOST_ON_THE_WAY,
            "our side sends into the tunnel, and the peer's has received nothing",
        ),
        (Some(a), Some(b)) if b.only_sends() && a.idle() => (
            LOST_ON_THE_WAY,
            "the peer sends into the tunnel, and our side has received nothing",
        ),
        (Some(a), Some(b)) if a.only_sends() && b.only_receives() => (
            NOTHING_RETURNS,
            "the peer decrypts what we send, and nothing comes back into the tunnel there",
        ),
        (Some(a), Some(b)) if a.only_receives() && b.only_sends() => (
            NOTHING_RETURNS,
            "our side decrypts what the peer sends, and nothing comes back into the tunnel here",
        ),
        (Some(a), Some(b)) if a.only_sends() && b.both() => (
            LOST_ON_THE_WAY,
            "both sides send, and what the peer sends doesn't reach us",
        ),
        (Some(a), Some(b)) if b.only_sends() && a.both() => (
            LOST_ON_THE_WAY,
            "both sides send, and what we send doesn't reach the peer",
        ),
        (Some(a), Some(b)) if a.both() && b.both() && s.unanswered().is_some() => (
            BEHIND,
            "both sides send and receive: what is lost is lost behind a gateway",
        ),
        (Some(a), None) | (None, Some(a)) if a.only_sends() => (
            SENDS_ONLY,
            "one side sends into the tunnel and nothing comes back; the other side's counters aren't known",
        ),
        (Some(a), None) | (None, Some(a)) if a.only_receives() => (
            NOTHING_RETURNS,
            "one side decrypts what the other sends, and sends nothing into the tunnel",
        ),
        (Some(a), None) | (None, Some(a)) if a.idle() && s.unanswered().is_some() => (
            NEVER_ENTERS,
            "the SAs have carried nothing, and pings go unanswered",
        ),
        _ => (&[] as &[&str], ""),
    };
    let mut out: Vec<(&str, u8, String)> = row
        .iter()
        .zip((18..=48).rev().step_by(3))
        .map(|(id, weight)| (*id, weight, why.to_owned()))
        .collect();
    out.extend(walk(s));
    if let Some((small, large)) = s.size_matters() {
        let why = format!(
            "{} octets pass and {} don't",
            small.size + 28,
            large.size + 28
        );
        for (id, weight) in [
            ("icmp-fragneeded-filtered", 34),
            ("mss-clamp-missing", 33),
            ("ip-fragments-dropped", 30),
            ("reassembly-failure", 26),
        ] {
            out.push((id, weight, why.clone()));
        }
    }
    out
}

/// What the step that a packet didn't take leaves.
fn walk(s: &Signals<'_>) -> Vec<(&'static str, u8, String)> {
    if let Some(seen) = s.sign(Sign::TraceEnds) {
        // The last hop that answers has let the packet pass: the next one didn't, or its answer was lost.
        let why = format!(
            "nothing answers a traceroute to {} after {}; that hop let it pass, so look at what comes after it and at the way back",
            seen.value_or("destination", "the other side"),
            seen.value_or("at", "a hop")
        );
        return BEHIND
            .iter()
            .zip((14..=32).rev().step_by(3))
            .map(|(id, weight)| (*id, weight, why.clone()))
            .collect();
    }
    let Some(seen) = s.sign(Sign::WalkEnds) else {
        return Vec::new();
    };
    let packet = format!(
        "a packet from {} to {}",
        seen.value_or("source", "one side"),
        seen.value_or("destination", "the other")
    );
    let (row, why): (&[&str], String) = match seen.value("at") {
        Some("arrived") => (DROPPED_HERE, format!("{packet} arrives and never leaves")),
        Some("left") => (
            BEHIND,
            format!("{packet} leaves to the inside, and no answer comes from there"),
        ),
        _ => (
            ANSWER_LOST,
            format!("the answer to {packet} comes from the inside and never goes into the tunnel"),
        ),
    };
    row.iter()
        .zip((20..=48).rev().step_by(3))
        .map(|(id, weight)| (*id, weight, why.clone()))
        .collect()
}

const DROPPED_HERE: &[&str] = &[
    "decrypted-traffic-blocked",
    "endpoint-host-firewall",
    "zone-policy-missing",
    "ip-forward-disabled",
    "rp-filter-drop",
    "inbound-policy-mismatch",
];
const ANSWER_LOST: &[&str] = &[
    "route-to-remote-subnet-missing",
    "zone-policy-missing",
    "vti-firewall-direction-wrong",
    "snat-before-ipsec",
    "asymmetric-routing-bypass",
];
const NEVER_ENTERS: &[&str] = &[
    "route-to-remote-subnet-missing",
    "source-address-outside-selectors",
    "snat-before-ipsec",
    "zone-policy-missing",
    "stale-policy-steals-traffic",
    "if-id-or-mark-mismatch",
    "policy-route-table-220-lost",
    "overlapping-subnets",
];
const LOST_ON_THE_WAY: &[&str] = &[
    "esp-blocked-one-way",
    "esp-blocked",
    "esp-spi-unknown",
    "esp-integrity-failure",
    "nat-mapping-timeout",
    "encap-type-mismatch",
    "anti-replay-drops",
];
const NOTHING_RETURNS: &[&str] = &[
    "return-route-missing-behind-gateway",
    "asymmetric-routing-bypass",
    "decrypted-traffic-blocked",
    "endpoint-host-firewall",
    "ip-forward-disabled",
    "rp-filter-drop",
    "nat-exemption-missing-on-peer",
    "source-dest-check",
    "inbound-policy-mismatch",
];
const SENDS_ONLY: &[&str] = &[
    "esp-blocked-one-way",
    "esp-blocked",
    "return-route-missing-behind-gateway",
    "asymmetric-routing-bypass",
    "decrypted-traffic-blocked",
    "esp-spi-unknown",
    "endpoint-host-firewall",
    "nat-exemption-missing-on-peer",
    "ip-forward-disabled",
    "source-dest-check",
];
const BEHIND: &[&str] = &[
    "decrypted-traffic-blocked",
    "endpoint-host-firewall",
    "return-route-missing-behind-gateway",
    "inner-address-outside-selector",
];

/// A device that only a tunnel of IPsec has.
pub(crate) fn tunnel_device(name: &str) -> bool {
    ["vti", "xfrm", "ipsec", "st0", "tunnel.", "Tunnel", "adit"]
        .iter()
        .any(|head| name.starts_with(head))
}

/// A device that another agent made: a user-space VPN.
pub(crate) fn foreign_device(name: &str) -> bool {
    [
        "tun",
        "utun",
        "wg",
        "tailscale",
        "zt",
        "nordlynx",
        "CloudflareWARP",
        "gpd",
        "cscotun",
        "tap",
    ]
    .iter()
    .any(|head| {
        name.strip_prefix(head).is_some_and(|rest| {
            rest.bytes().all(|b| b.is_ascii_alphanumeric()) && !rest.starts_with("nel")
        })
    })
}

/// The beginning of a finding on the first of these signs that was seen, with all lines that say the same.
pub(crate) fn found(
    s: &Signals<'_>,
    signs: &[Sign],
    confidence: f64,
    summary: impl Fn(&Seen<'_>, String) -> String,
) -> Option<Found> {
    let seen = s.first_sign(signs)?;
    let count = s.signs_of(seen.sign).count() as u64;
    let told: u64 = s
        .signs_of(seen.sign)
        .filter_map(|x| x.value("count")?.parse::<u64>().ok())
        .max()
        .unwrap_or(0);
    let times = match count.max(told) {
        0 | 1 => String::new(),
        n => format!(" ({n} times)"),
    };
    let summary = summary(&seen, times);
    Some(Found::by(seen, confidence, summary).with(s.signs_of(seen.sign).take(3).map(|x| x.fact)))
}

/// A judgement that the evidence fits and doesn't decide.
pub(crate) fn possible(
    weight: u8,
    because: impl Into<String>,
    separated_by: &'static str,
) -> Judgement {
    Judgement::Possible {
        weight,
        because: because.into(),
        separated_by,
    }
}

impl Signals<'_> {
    /// Whether an address or a network belongs to the peer's side of the tunnel; `None` when the networks aren't known.
    pub(crate) fn protected_by_selectors(&self, to: &str) -> Option<bool> {
        self.within(to, |(_, theirs)| theirs)
    }

    /// Whether an address belongs to our side of the tunnel.
    pub(crate) fn ours_by_selectors(&self, address: &str) -> Option<bool> {
        self.within(address, |(ours, _)| ours)
    }

    /// Whether an address is that of the other gateway: the one that is configured, or one that IKE speaks with.
    pub(crate) fn is_peer(&self, address: &str) -> bool {
        let spoken = |text: &str| {
            text.match_indices(address).any(|(at, _)| {
                let digit = |c: char| c.is_ascii_alphanumeric() || c == '.';
                let before = text.get(..at).and_then(|t| t.chars().next_back());
                let after = text
                    .get(at + address.len()..)
                    .and_then(|t| t.chars().next());
                !before.is_some_and(digit) && !after.is_some_and(|c| digit(c) || c == '/')
            })
        };
        let by_kernel = self.kernel(Side::Local).is_some_and(|spd| {
            spd.protecting("out")
                .any(|(_, p)| p.templates.iter().any(|t| t.to == address))
                || spd.between(address)
        });
        self.peer() == address
            || by_kernel && self.protected_by_selectors(address) != Some(true)
            || self
                .case
                .facts
                .iter()
                .any(|f| matches!(f.what, Known::Happened { .. }) && spoken(&f.source.text))
                && self.protected_by_selectors(address) != Some(true)
    }

    fn within(&self, to: &str, pick: fn(Nets) -> Vec<Selector>) -> Option<bool> {
        let to: Selector = to.parse().ok()?;
        let nets: Vec<Selector> = self.networks().into_iter().flat_map(pick).collect();
        (!nets.is_empty()).then(|| nets.iter().any(|net| net.contains(&to)))
    }

    /// The networks of both ends, as agreed, installed or configured, ours first. Where a configuration doesn't tell which
    /// end is ours, it is there both ways.
    pub(crate) fn tunnel_networks(&self) -> Vec<Nets> {
        let mut all = self.networks();
        for fact in self.case.of(Side::Local) {
            let Known::PeerConfigured { connection } = &fact.what else {
                continue;
            };
            for child in &connection.children {
                let known = |nets: &[Option<Selector>]| -> Vec<Selector> {
                    nets.iter().copied().flatten().collect()
                };
                let (ours, theirs) = (known(&child.local_ts.value), known(&child.remote_ts.value));
                if connection.swappable {
                    all.push((theirs.clone(), ours.clone()));
                }
                all.push((ours, theirs));
            }
        }
        all.retain(|(ours, theirs)| !ours.is_empty() && !theirs.is_empty());
        all
    }

    /// The networks of either side, as agreed, or as the kernel has them; the local side's view.
    fn networks(&self) -> Vec<Nets> {
        let installed = self.kernel(Side::Local).into_iter().flat_map(|spd| {
            let nets = |(_, p): (&Fact, &adit_model::host::KernelPolicy)| {
                Some((vec![p.from.parse().ok()?], vec![p.to.parse().ok()?]))
            };
            spd.protecting("out")
                .filter_map(nets)
                .collect::<Vec<Nets>>()
        });
        self.case
            .of(Side::Local)
            .filter_map(|f| match &f.what {
                Known::Happened {
                    happening:
                        Happening::ChildEstablished {
                            ts_local,
                            ts_remote,
                            ..
                        },
                } => Some((ts_local.clone(), ts_remote.clone())),
                _ => None,
            })
            .chain(installed)
            .collect()
    }
}

/// Our networks and the peer's.
pub(crate) type Nets = (Vec<Selector>, Vec<Selector>);
