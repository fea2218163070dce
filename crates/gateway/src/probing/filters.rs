//! What the packet filters of this host do with the tunnel's packets: those of IKE and ESP between the gateways, and those
//! that the tunnel carries. The rules are played on packets that are only described; nothing is sent.

use std::net::IpAddr;

use adit_kernel::KernelError;
use adit_kernel::ruleset::{self, Fate, Into, Packet, Place, Point, Ruleset, Tracked, Translated};
use adit_model::fact::Known;
use adit_model::probed::{Check, Outcome};
use adit_model::sign::Sign;

use super::ways::{Inside, Way, Ways};
use super::{Situation, sign};
use crate::host::BLOCK_TABLE;

/// Tests of the filters.
pub(super) fn checks(situation: &Situation, ways: &Ways) -> Vec<Check> {
    let rules = match ruleset::read() {
        Ok(rules) => rules.without(BLOCK_TABLE),
        Err(error) => return vec![unreadable(&error)],
    };
    let mut checks = Vec::new();
    if ruleset::has_legacy_rules() {
        checks.push(
            Check::new(
                "filters",
                Outcome::Unknown,
                "there are rules of iptables in its legacy form, which aren't shown by nf_tables and so aren't looked at",
            )
            .fix("iptables-legacy-save shows them"),
        );
    }
    let filters = Filters { rules };
    if filters.rules.is_idle() {
        checks.push(Check::new(
            "filters",
            Outcome::Well,
            "no rule of this host's packet filters looks at packets, except the gateway's own",
        ));
        return checks;
    }
    let before = checks.len();
    checks.extend(filters.between_gateways(situation, ways));
    for inside in &ways.inside {
        checks.extend(filters.inside(situation, ways, inside));
    }
    if checks.len() == before {
        checks.push(Check::new(
            "filters",
            Outcome::Well,
            "this host's packet filters let IKE, ESP and the tunnel's traffic pass untranslated",
        ));
    }
    checks
}

fn unreadable(error: &KernelError) -> Check {
    Check::new("filters", Outcome::Unknown, error.to_string())
}

struct Filters {
    rules: Ruleset,
}

/// What is between gateways.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outside {
    Udp(u16),
    /// Whether it is known to travel plainly, and not in UDP.
    Esp {
        spoken: bool,
    },
}

impl Outside {
    /// A check of what is dropped, with what a verdict makes of it, if it is known to be needed.
    fn judged(self, mut check: Check, fact: Known) -> Check {
        if self == (Outside::Esp { spoken: false }) {
            check.outcome = Outcome::Note;
            check
                .summary
                .push_str("; that matters unless ESP travels in UDP, as it does through a NAT");
            return check;
        }
        check.fact(fact)
    }
}

impl Filters {
    fn between_gateways(&self, situation: &Situation, ways: &Ways) -> Vec<Check> {
        let (Some(peer), Some(Ok(way))) = (situation.peer, &ways.peer) else {
            return Vec::new();
        };
        let local = situation.local.map(|local| local.ip());
        let Some(local) = local.or(situation.connection.local).or(way.source) else {
            return Vec::new();
        };
        // What isn't spoken can't fail.
        let in_udp = situation.in_udp == Some(true) || situation.connection.force_encap;
        let first = situation.connection.remote_port;
        let floated = in_udp
            || situation
                .local
                .is_some_and(|l| l.port() == situation.nat_port);
        let mut kinds = Vec::new();
        if !(situation.up && floated) {
            kinds.push((Outside::Udp(first), situation.ports.first().copied()));
        }
        if floated || !situation.up {
            kinds.push((Outside::Udp(4500), Some(situation.nat_port)));
        }
        if !in_udp {
            let spoken = situation.in_udp == Some(false);
            kinds.push((Outside::Esp { spoken }, None));
        }
        let mut checks = Vec::new();
        for (kind, our_port) in kinds {
            checks.extend(self.gateway_pair(kind, our_port, local, peer, way));
        }
        checks
    }

    fn gateway_pair(
        &self,
        kind: Outside,
        our_port: Option<u16>,
        local: IpAddr,
        peer: IpAddr,
        way: &Way,
    ) -> Vec<Check> {
        let packet = |out: bool| {
            let (from, to) = if out { (local, peer) } else { (peer, local) };
            let mut packet = Packet::between(from, to);
            let nowhere = Some((0, String::new()));
            (packet.input, packet.output) = if out {
                (nowhere, way.device.clone())
            } else {
                (way.device.clone(), nowhere)
            };
            packet.from_ipsec = Some(false);
            match kind {
                Outside::Esp { .. } => packet.of(50),
                Outside::Udp(port) => {
                    let ours = our_port.unwrap_or(port);
                    let packet = packet.of(17);
                    if out {
                        packet.ports(ours, port)
                    } else {
                        packet.ports(port, ours)
                    }
                }
            }
        };
        let named = match kind {
            Outside::Esp { .. } => "ESP".to_owned(),
            Outside::Udp(port) => format!("UDP {port}"),
        };
        let port = match kind {
            Outside::Esp { .. } => String::new(),
            Outside::Udp(port) => port.to_string(),
        };
        let (peer_text, id) = (peer.to_string(), "filter-outside");
        let mut checks = Vec::new();
        match self.both(&packet(true), &OUT) {
            Both::Dropped(place) => {
                let rule = place.to_string();
                let signs = match kind {
                    Outside::Esp { .. } => {
                        sign(Sign::EspDropped, &[("source", &peer_text), ("rule", &rule)])
                    }
                    Outside::Udp(_) => sign(
                        Sign::SendForbidden,
                        &[("address", &peer_text), ("port", &port), ("rule", &rule)],
                    ),
                };
                let summary = format!("this host's filter drops {named} to {peer}: {rule}");
                checks.push(kind.judged(dropped(id, summary, &place), signs));
            }
            Both::Perhaps(place) => checks.push(perhaps(id, &format!("{named} to {peer}"), &place)),
            Both::FirstOnly(_) | Both::Passes => {}
        }
        match self.both(&packet(false), &IN) {
            Both::Dropped(place) => {
                let rule = place.to_string();
                let signs = match kind {
                    Outside::Esp { .. } => {
                        sign(Sign::EspDropped, &[("source", &peer_text), ("rule", &rule)])
                    }
                    Outside::Udp(_) => sign(
                        Sign::UdpDropped,
                        &[("port", &port), ("source", &peer_text), ("rule", &rule)],
                    ),
                };
                let summary = format!("this host's filter drops {named} from {peer}: {rule}");
                checks.push(kind.judged(dropped(id, summary, &place), signs));
            }
            Both::FirstOnly(place) => {
                let rule = place.to_string();
                let summary = format!(
                    "this host's filter takes {named} from {peer} only as an answer, so only this side can begin: {rule}"
                );
                let mut check = Check::new(id, Outcome::Note, summary)
                    .fix(open(&place))
                    .value("rule", &rule);
                if let Outside::Udp(_) = kind {
                    check = check.fact(sign(
                        Sign::PortNotPermitted,
                        &[("port", &port), ("rule", &rule), ("answers", "yes")],
                    ));
                }
                checks.push(check);
            }
            Both::Perhaps(place) => {
                checks.push(perhaps(id, &format!("{named} from {peer}"), &place));
            }
            Both::Passes => {}
        }
        // Into the address that it has already is no translation.
        let first = packet(true).tracked(Tracked::New);
        let out = self
            .rules
            .passage(&first, Point::Postrouting)
            .source_translated;
        let other = |t: &Translated| matches!(t.into, Into::Address(into) if into != local);
        let incoming = packet(false).tracked(Tracked::New);
        let into = self
            .rules
            .passage(&incoming, Point::Prerouting)
            .destination_translated;
        let away = |t: &Translated| matches!(t.into, Into::Address(into) if into != local);
        let told = [
            (out.filter(other), "gives another source to", "to"),
            (into.filter(away), "sends elsewhere", "from"),
        ];
        for (translated, does, way) in told {
            if let Some(Translated { place, .. }) = translated {
                let rule = place.to_string();
                let summary = format!("this host {does} its own {named} {way} {peer}: {rule}");
                let fact = sign(Sign::IkeTranslated, &[("rule", &rule)]);
                checks.push(kind.judged(dropped("translation", summary, &place), fact));
            }
        }
        checks
    }

    /// What the tunnel carries, between a host of ours and one of the peer's.
    fn inside(&self, situation: &Situation, ways: &Ways, inside: &Inside) -> Vec<Check> {
        let tunnel = match (situation.carrier.device(), situation.carrier.is_kernel()) {
            (Some(name), _) => ways.index(name).map(|index| (index, name.to_owned())),
            (None, true) => ways.outside().cloned(),
            (None, false) => None,
        };
        let Some(tunnel) = tunnel else {
            return Vec::new();
        };
        let here = inside.is_this_host();
        if !here && inside.lan().is_none() {
            return Vec::new();
        }
        let nowhere = Some((0, String::new()));
        let lan = inside.lan().cloned();
        // Where local hosts may be anywhere, so may be the device.
        let (ours, theirs) = situation.known_bits(&inside.child, inside.local.is_ipv4());
        let ours = if here { u8::MAX } else { ours };
        let lan = lan.filter(|_| ours > 0);
        let kernel = situation.carrier.is_kernel();
        let mut out = Packet::between(inside.local, inside.remote).of_networks(ours, theirs);
        out.input = if here { nowhere.clone() } else { lan.clone() };
        out.output = Some(tunnel.clone());
        out.from_ipsec = Some(false);
        let mut back = Packet::between(inside.remote, inside.local).of_networks(theirs, ours);
        back.input = Some(tunnel);
        back.output = if here { nowhere } else { lan };
        back.from_ipsec = Some(kernel);
        let (out_points, in_points): (&[Point], &[Point]) = if here {
            (&OUT, &IN)
        } else {
            (&THROUGH, &THROUGH)
        };
        let (to, from) = (self.both(&out, out_points), self.both(&back, in_points));
        let mut checks = Vec::new();
        let pair = (inside.local, inside.remote);
        match (&to, &from) {
            // A connection that either side may begin, or both, is as somebody may want it.
            (Both::FirstOnly(place), Both::FirstOnly(_)) => {
                checks.push(stopped(
                    pair,
                    &format!("{} and {}, whoever begins", pair.0, pair.1),
                    place,
                ));
            }
            (Both::FirstOnly(place), _) => checks.push(one_way(pair.0, pair.1, place)),
            (_, Both::FirstOnly(place)) => checks.push(one_way(pair.1, pair.0, place)),
            _ => {}
        }
        for (fate, (from, to)) in [(&to, pair), (&from, (pair.1, pair.0))] {
            match fate {
                Both::Dropped(place) => {
                    checks.push(stopped((from, to), &format!("{from} to {to}"), place));
                }
                Both::Perhaps(place) => checks.push(perhaps(
                    "filter-inside",
                    &format!("packets from {from} to {to}"),
                    place,
                )),
                Both::FirstOnly(_) | Both::Passes => {}
            }
        }
        checks.extend(self.translation(situation, ways, inside, &out));
        checks
    }

    /// Whether packets for the tunnel get a source that it doesn't take.
    fn translation(
        &self,
        situation: &Situation,
        ways: &Ways,
        inside: &Inside,
        out: &Packet,
    ) -> Option<Check> {
        let first = out.clone().tracked(Tracked::New);
        let Translated { place, into } = self
            .rules
            .passage(&first, Point::Postrouting)
            .source_translated?;
        let into = match into {
            Into::Address(address) => vec![address],
            Into::Device => {
                let device = out.output.as_ref().map_or(0, |(index, _)| *index);
                masquerade(&ways.addresses, device, inside.local.is_ipv4())
            }
            Into::Unknown => Vec::new(),
        };
        let taken = into.iter().filter(|into| situation.is_ours(**into)).count();
        let rule = place.to_string();
        let about = format!("packets from {} to {}", inside.local, inside.remote);
        let told: Vec<String> = into.iter().map(ToString::to_string).collect();
        let told = told.join(" or ");
        let (outcome, how) = match (into.len(), taken) {
            (0, _) => (
                Outcome::Unknown,
                "another source, and into which can't be read".to_owned(),
            ),
            (all, taken) if taken == all => (
                Outcome::Note,
                format!("the source {told}, which the tunnel takes"),
            ),
            (_, 0) => (
                Outcome::Finding,
                format!("the source {told}, which the tunnel doesn't take"),
            ),
            _ => (
                Outcome::Unknown,
                format!("the source {told}, of which the tunnel doesn't take all"),
            ),
        };
        let mut check = Check::new("translation", outcome, format!("{about} get {how}: {rule}"))
            .value("rule", &rule);
        if outcome == Outcome::Finding {
            check = check
                .fix(format!(
                    "exempt {} from translation before that rule",
                    inside.remote
                ))
                .fact(sign(Sign::TunnelTranslated, &[("rule", &rule)]));
        }
        Some(check)
    }

    /// What becomes of the first packet of a connection, and of those that follow.
    fn both(&self, packet: &Packet, points: &[Point]) -> Both {
        let of = |tracked| self.way(&packet.clone().tracked(tracked), points);
        match (of(Tracked::New), of(Tracked::Established)) {
            (Fate::Dropped(place), Fate::Dropped(_)) => Both::Dropped(place),
            (Fate::Dropped(place), Fate::Passes) => Both::FirstOnly(place),
            // Answers that are dropped are as bad as everything.
            (Fate::Passes, Fate::Dropped(place)) => Both::Dropped(place),
            (Fate::Perhaps(place), _) | (_, Fate::Perhaps(place)) => Both::Perhaps(place),
            (Fate::Passes, Fate::Passes) => Both::Passes,
        }
    }

    fn way(&self, packet: &Packet, points: &[Point]) -> Fate {
        let mut worst = Fate::Passes;
        for point in points {
            match self.rules.passage(packet, *point).fate {
                Fate::Passes => {}
                Fate::Perhaps(place) => worst = Fate::Perhaps(place),
                dropped @ Fate::Dropped(_) => return dropped,
            }
        }
        worst
    }
}

/// Which sources a packet may get by the device that it leaves by: the device's own, and where it has none, one of the
/// others'.
fn masquerade(addresses: &[(u32, IpAddr)], device: u32, v4: bool) -> Vec<IpAddr> {
    let of_family = addresses.iter().copied().filter(|(_, a)| a.is_ipv4() == v4);
    let (own, others): (Vec<_>, Vec<_>) = of_family.partition(|(index, _)| *index == device);
    let taken = if own.is_empty() { others } else { own };
    taken.into_iter().map(|(_, address)| address).collect()
}

/// What becomes of the packets of a connection.
enum Both {
    Passes,
    /// None passes.
    Dropped(Place),
    /// The first of a connection doesn't pass, and what answers does.
    FirstOnly(Place),
    Perhaps(Place),
}

fn dropped(id: &str, summary: String, place: &Place) -> Check {
    let mut check = Check::new(id, Outcome::Finding, summary)
        .fix(open(place))
        .value("rule", place);
    if let Some(packets) = place.packets {
        check = check.value("packets", packets);
    }
    check
}

fn stopped((from, to): (IpAddr, IpAddr), between: &str, place: &Place) -> Check {
    let rule = place.to_string();
    let summary =
        format!("this host's filter drops what the tunnel carries between {between}: {rule}");
    dropped("filter-inside", summary, place).fact(sign(
        Sign::ForwardDropped,
        &[
            ("source", &from.to_string()),
            ("destination", &to.to_string()),
            ("rule", &rule),
            ("inside", "yes"),
        ],
    ))
}

fn one_way(from: IpAddr, to: IpAddr, place: &Place) -> Check {
    let summary = format!(
        "packets from {from} to {to} pass only in connections that {to} has begun, which may be meant so: {place}"
    );
    Check::new("filter-inside", Outcome::Note, summary).value("rule", place)
}

fn perhaps(id: &str, what: &str, place: &Place) -> Check {
    let summary = format!(
        "{what} may be dropped, which this rule decides by more than is known here: {place}"
    );
    Check::new(id, Outcome::Unknown, summary).value("rule", place)
}

/// How a rule is got out of the way.
fn open(place: &Place) -> String {
    match place.deletion() {
        Some(deletion) => format!("accept these packets before that rule, or: {deletion}"),
        None => format!(
            "accept these packets in chain {} of table {} {} before its end",
            place.chain, place.family, place.table
        ),
    }
}

const OUT: [Point; 2] = [Point::Output, Point::Postrouting];
const IN: [Point; 3] = [Point::Ingress, Point::Prerouting, Point::Input];
const THROUGH: [Point; 4] = [
    Point::Ingress,
    Point::Prerouting,
    Point::Forward,
    Point::Postrouting,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masquerade_gives_an_address_of_the_device_that_packets_leave_by() {
        let v4 = |last: u8| IpAddr::from([192, 0, 2, last]);
        let v6: IpAddr = std::net::Ipv6Addr::LOCALHOST.into();
        let all = [(2, v4(2)), (2, v6), (3, v4(3)), (3, v4(33)), (4, v6)];
        assert_eq!(masquerade(&all, 2, true), [v4(2)]);
        assert_eq!(masquerade(&all, 3, true), [v4(3), v4(33)]);
        assert_eq!(masquerade(&all, 4, true), [v4(2), v4(3), v4(33)]);
    }

    #[test]
    fn a_filter_of_plain_esp_is_a_fact_only_where_that_is_spoken() {
        let judged = |spoken| {
            let fact = sign(Sign::EspDropped, &[]);
            let check = Check::new("filter-outside", Outcome::Finding, "ESP is dropped");
            Outside::Esp { spoken }.judged(check, fact)
        };
        assert_eq!(judged(true).outcome, Outcome::Finding);
        assert_eq!(judged(true).facts.len(), 1);
        assert_eq!(judged(false).outcome, Outcome::Note);
        assert!(judged(false).facts.is_empty());
    }
}
