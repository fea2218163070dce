//! Captures together with what logs tell: one case.
//!
//! A side's log knows what is inside of the encryption, so of IKE a capture of the same side tells nothing that the log
//! didn't tell better: it adds what the wire alone shows, the traffic and the errors on the path. Where there is no log,
//! the capture tells it all.

use std::net::IpAddr;

use adit_model::event::Happening;
use adit_model::fact::{Case, Fact, Known, Side};
use adit_model::host::HostState;

use super::facts::tell;
use super::{Capture, Vantage, clear, cross, pairs, segments};

/// A capture among the evidence.
pub(crate) struct Captured {
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) capture: Box<Capture>,
}

/// Adds captures to a case of logs. `address` is the local gateway's, where it is known.
pub(crate) fn join(mut case: Case, captures: &[Captured], address: Option<IpAddr>) -> Case {
    let logs = |side: Side| {
        case.of(side)
            .any(|f| matches!(f.what, Known::Happened { .. }))
    };
    let logged = [logs(Side::Local), logs(Side::Remote)];
    let has_log = |side| logged[usize::from(side == Side::Remote)];
    let mut more: Vec<Fact> = Vec::new();
    let mut seats: Vec<cross::Seat<'_>> = Vec::new();
    let mut subject = None;
    for one in captures {
        more.extend(segments::facts(&one.capture, &one.name, one.side));
        let Some((local, peer)) = vantage(one, &case.facts, address) else {
            continue;
        };
        seats.push(cross::Seat {
            captured: one,
            own: local,
        });
        let vantage = Vantage {
            local,
            peer,
            file: &one.name,
        };
        let told = tell(&one.capture, &vantage);
        let mut facts = told.path;
        facts.extend(told.traffic);
        if !has_log(one.side) {
            facts.extend(told.ike);
            facts.sort_by_key(|f| f.source.line);
            facts.extend(told.up);
            *case.covered.entry(one.side).or_default() |= told.covered;
        }
        for fact in &mut facts {
            if one.side == Side::Remote {
                fact.side = fact.side.other();
            }
            fact.subject = None;
        }
        more.extend(facts);
        if one.side == Side::Local {
            subject.get_or_insert_with(|| one.capture.name(peer));
        } else {
            subject.get_or_insert_with(|| one.capture.name(local));
        }
    }
    let of = |side| seats.iter().copied().find(|s| s.captured.side == side);
    if let (Some(ours), Some(theirs)) = (of(Side::Local), of(Side::Remote)) {
        more.extend(cross::facts(ours, theirs));
    }
    case.facts.extend(more);
    if case.subject.is_empty() {
        case.subject = subject.unwrap_or_default();
    }
    case
}

/// The gateway beside which a capture was made, and the other one.
fn vantage(one: &Captured, facts: &[Fact], address: Option<IpAddr>) -> Option<(IpAddr, IpAddr)> {
    let capture = &*one.capture;
    let mut ends = pairs(capture);
    if ends.is_empty() {
        ends.extend(overlays(capture));
    }
    let both: Vec<(IpAddr, IpAddr)> = ends.iter().flat_map(|&(a, b)| [(a, b), (b, a)]).collect();
    // The address that was given is the local gateway's.
    let given = both.iter().copied().find(|&(own, other)| {
        let here = if one.side == Side::Local { own } else { other };
        Some(here) == address
    });
    if given.is_some() {
        return given;
    }
    // A log that tells of the same messages knows who sent them.
    let fits = both
        .iter()
        .map(|&way| (score(capture, way, facts, one.side), way))
        .filter(|(score, _)| *score > 0)
        .max_by_key(|(score, _)| *score);
    if let Some((_, way)) = fits {
        return Some(way);
    }
    // So does the kernel of the side that captured, by its policies for what leaves.
    if let Some(way) =
        by_policies(facts, one.side).find(|way| both.is_empty() || both.contains(way))
    {
        return Some(way);
    }
    let pair = troubled(capture, &ends, &one.name)?;
    let swapped = (pair.1, pair.0);
    let seen = |a: IpAddr| capture.own_addresses.get(&a).copied().unwrap_or(0);
    if seen(pair.0) != seen(pair.1) {
        return Some(if seen(pair.0) > seen(pair.1) {
            pair
        } else {
            swapped
        });
    }
    // Behind a NAT there is one private address.
    if is_private(pair.1) && !is_private(pair.0) {
        return Some(swapped);
    }
    // What is shown in clear right behind ESP was decrypted here, so who sent that ESP is the other one.
    let decrypted_of = |peer: IpAddr| {
        let behind = capture.clear.iter().filter(|c| c.esp_from == Some(peer));
        behind.map(|c| c.behind_esp).sum::<u64>()
    };
    if decrypted_of(pair.0) > 0 && decrypted_of(pair.1) == 0 {
        return Some(swapped);
    }
    Some(pair)
}

/// The ends of a side's tunnels, its own first, by the kernel's policies.
fn by_policies(facts: &[Fact], side: Side) -> impl Iterator<Item = (IpAddr, IpAddr)> + '_ {
    facts
        .iter()
        .filter(move |f| f.side == side)
        .filter_map(|f| match &f.what {
            Known::Host { state } => match &**state {
                HostState::Policy(policy) if policy.direction == "out" => Some(&policy.templates),
                _ => None,
            },
            _ => None,
        })
        .flatten()
        .filter_map(|t| Some((t.from.parse().ok()?, t.to.parse().ok()?)))
        .filter(|(own, peer): &(IpAddr, IpAddr)| !own.is_unspecified() && !peer.is_unspecified())
}

/// How many messages of a log the capture has too, when `own` is the gateway of `side`.
fn score(capture: &Capture, (own, peer): (IpAddr, IpAddr), facts: &[Fact], side: Side) -> usize {
    facts
        .iter()
        .filter(|f| {
            let Known::Happened { happening } = &f.what else {
                return false;
            };
            let (m, sent) = match happening {
                Happening::Sent(m) => (m, true),
                Happening::Received(m) => (m, false),
                _ => return false,
            };
            // What one side sent comes from it on the other's wire too.
            let ends = if sent == (f.side == side) {
                (own, peer)
            } else {
                (peer, own)
            };
            capture
                .conversations
                .iter()
                .flat_map(|c| &c.messages)
                .any(|seen| {
                    (seen.from.ip(), seen.to.ip()) == ends
                        && seen.exchange == m.exchange
                        && seen.message_id == m.message_id
                        && seen.response.is_none_or(|r| r == m.response)
                        && (m.octets == 0 || seen.octets == 0 || m.octets == seen.octets)
                })
        })
        .take(1000)
        .count()
}

/// The pair of gateways that a person who shows this capture asks about: the first that isn't up.
fn troubled(capture: &Capture, pairs: &[(IpAddr, IpAddr)], file: &str) -> Option<(IpAddr, IpAddr)> {
    const MOST_JUDGED: usize = 64;
    pairs
        .iter()
        .take(MOST_JUDGED)
        .copied()
        .find(|&(local, peer)| tell(capture, &Vantage { local, peer, file }).up.is_none())
        .or_else(|| pairs.first().copied())
}

/// Hosts between which an overlay goes.
fn overlays(capture: &Capture) -> Option<(IpAddr, IpAddr)> {
    capture
        .clear
        .iter()
        .find(|c| c.port.is_some_and(clear::is_overlay))
        .map(|c| (c.from, c.to))
}

pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_private() || a.octets()[0] == 100 && a.octets()[1] & 0xc0 == 64,
        IpAddr::V6(a) => a.is_unique_local(),
    }
}
