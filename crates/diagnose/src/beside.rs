//! What is true and has nothing to do with the tunnel: refusals of whoever isn't its peer, in a log that shows who is, and
//! counters of the host's whole life beside SAs that carry.
//!
//! A gateway on the Internet turns somebody away every hour. Beside a tunnel that came up with one peer, or that is being
//! set up with it, a refusal of another one's first message is no verdict on the tunnel, unless it comes again and again.

use std::net::IpAddr;

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::listed::Stage;
use adit_model::peer_config::Place;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::complaint::{complained, content};
use crate::pinned::pinned_down;
use crate::rule::{Judgement, Rule};
use crate::seen::{before, hosts};
use crate::signals::Signals;
use crate::stranger::neighbours;
use crate::verdict::Evidence;

/// What somebody is turned away for who has shown nothing of himself yet.
const AT_THE_DOOR: &[&str] = &[
    "algorithm-not-available",
    "auth-method-mismatch",
    "cookie-challenge-fails",
    "dpi-or-ids-interference",
    "esp-blocked",
    "esp-spi-unknown",
    "half-open-limit",
    "host-inbound-ike-not-allowed",
    "ike-dh-group-mismatch",
    "ike-proposal-mismatch",
    "ike-version-mismatch",
    "ikev1-exchange-mode-mismatch",
    "ip-fragments-dropped",
    "no-matching-connection-on-responder",
    "psk-mismatch",
    "psk-not-found",
    "reboot-no-initial-contact",
    "udp4500-blocked",
    "udp500-blocked",
];

/// What only shows with packets of some size.
const OF_SIZE: &[&str] = &[
    "container-or-overlay-mtu-too-high",
    "icmp-fragneeded-filtered",
    "mss-clamp-missing",
    "pmtu-blackhole",
];

/// Who is refused more often than this means it: scanners ask once or a few times.
const A_FEW: usize = 3;

/// A finding that rests on nothing but lines about hosts with which the tunnel has nothing to do is no more than possible.
pub(crate) fn beside(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    let Judgement::Found(found) = judgement else {
        return judgement;
    };
    if content(s) && !pinned_down(s) {
        return Judgement::Possible {
            weight: 20,
            because: format!("{}; whoever shows it says that all is well", found.summary),
            separated_by: "whether anything fails",
        };
    }
    if s.carries_well() && is_counted(s, &found.evidence) {
        return Judgement::Possible {
            weight: 30,
            because: format!(
                "{}; the tunnel carries both ways, so it may be of another time",
                found.summary
            ),
            separated_by: "whether the counter grows with each packet that is lost",
        };
    }
    if is_counted(s, &found.evidence) && is_one_of_many(s, &found.evidence) && !complained(s) {
        return Judgement::Possible {
            weight: 25,
            because: format!(
                "{}; other counters of the host are as high, as after a long time",
                found.summary
            ),
            separated_by: "which of the counters grows with each packet that is lost",
        };
    }
    let first_told = s.told.iter().any(|t| t.init && t.side == Side::Local);
    if OF_SIZE.contains(&rule.id) && !s.up && first_told {
        return Judgement::Possible {
            weight: 15,
            because: format!(
                "{}; the first exchange, which is refused, has small messages",
                found.summary
            ),
            separated_by: "whether it still shows once the tunnel is up",
        };
    }
    if !AT_THE_DOOR.contains(&rule.id) || !is_strange(s, &found.evidence) {
        return Judgement::Found(found);
    }
    Judgement::Possible {
        weight: 20,
        because: format!(
            "{}; it is said of a host that isn't the one with which the tunnel is set up",
            found.summary
        ),
        separated_by: "whether that host is the tunnel's peer",
    }
}

/// Whether the finding rests on counters that the whole host has had since it runs.
fn is_counted(s: &Signals<'_>, lines: &[Evidence]) -> bool {
    let counted =
        |fact: &Fact| matches!(fact.what, Known::Sign { sign, .. } if sign == Sign::KernelDrops);
    !lines.is_empty() && lines.iter().all(|line| facts_of(s, line).any(counted))
}

/// Whether other counters of the same host, four of them or more, are as high or higher: what fails now raises one.
fn is_one_of_many(s: &Signals<'_>, lines: &[Evidence]) -> bool {
    const MANY: usize = 4;
    let Some(fact) = lines.iter().find_map(|line| facts_of(s, line).next()) else {
        return false;
    };
    let count = |fact: &Fact| match &fact.what {
        Known::Sign { sign, values } if *sign == Sign::KernelDrops => {
            values.get("count")?.parse::<u64>().ok()
        }
        _ => None,
    };
    let Some(own) = count(fact) else {
        return false;
    };
    let counts = || s.case.of(fact.side).filter_map(count);
    counts().count() > MANY
        && counts()
            .filter(|other| other.saturating_mul(2) > own)
            .count()
            > 1
}

/// The facts that a quoted line gave.
fn facts_of<'a>(s: &Signals<'a>, line: &'a Evidence) -> impl Iterator<Item = &'a Fact> {
    s.case.facts.iter().filter(|f| line.is_of(f))
}

fn is_strange(s: &Signals<'_>, lines: &[Evidence]) -> bool {
    let Some(side) = lines.iter().find_map(|line| side_of(s, line)) else {
        return false;
    };
    let known = known(s, side);
    let up = || {
        let done =
            |f: &Fact| matches!(f.what, Known::Sign { sign, .. } if sign == Sign::SecondPhaseDone);
        s.case.of(side).any(done)
    };
    if known.is_empty() && !(up() && lines.iter().all(|line| is_nameless(&line.text))) {
        return are_scanners(s, side) || another_died(s, side, lines);
    }
    // Somebody who can't connect may be the one who is turned away.
    let complains = [Complaint::NeverConnects, Complaint::Fails]
        .into_iter()
        .any(|c| s.complains(c).is_some());
    let configured = configured(s, side);
    let near = |host: &IpAddr| {
        configured.contains(host) || known.iter().any(|own| neighbours(*own, *host))
    };
    let of_stranger = |line: &Evidence| match asker(&line.text) {
        // FortiOS names the tunnel that a peer is configured for.
        Some(_) if names_a_tunnel(&line.text) => Some(false),
        // Of an arrow's two ends either may be ours.
        Some(_) if line.text.contains(" -> ") => Some(!hosts(&line.text).iter().any(near)),
        Some(host) => Some(!near(&host)),
        None => match called_by_address(s, line) {
            Some(host) if !complains && !asks_again(s, line) => Some(!near(&host)),
            _ => is_nameless(&line.text).then_some(true),
        },
    };
    let mut told = lines
        .iter()
        .filter_map(|line| Some((line, of_stranger(line)?)));
    let Some((first, true)) = told.next() else {
        return false;
    };
    told.all(|(_, strange)| strange) && times(s, first) <= A_FEW && !is_cut_out(s, first)
}

/// Whether a peer that was up is given up after the one refusal of somebody: whom we turn away we ask nothing.
fn another_died(s: &Signals<'_>, side: Side, lines: &[Evidence]) -> bool {
    let [line] = lines else {
        return false;
    };
    let Some(refused) = facts_of(s, line).next() else {
        return false;
    };
    let died = |f: &Fact| match &f.what {
        Known::Happened {
            happening: Happening::GaveUp { exchange, .. },
        } => matches!(exchange.as_str(), "INFORMATIONAL" | "unknown"),
        Known::Sign { sign, .. } => *sign == Sign::PeerDeclaredDead,
        _ => false,
    };
    matches!(
        refused.what,
        Known::Happened {
            happening: Happening::Refused { .. }
        } | Known::Sign { .. }
    ) && asker(&line.text).is_some()
        && times(s, line) == 1
        && s.case.of(side).any(|f| died(f) && before(refused, f))
}

/// Whether those who are turned away are several, from all over the Internet, none more than twice: no peer of a tunnel asks
/// once and for all.
fn are_scanners(s: &Signals<'_>, side: Side) -> bool {
    const SEVERAL: usize = 3;
    const TWICE: usize = 2;
    let turned_away = |f: &&Fact| match &f.what {
        Known::Sign { .. } => true,
        Known::Happened { happening } => matches!(happening, Happening::Refused { .. }),
        _ => false,
    };
    let mut lines: Vec<(Option<u64>, IpAddr)> = s
        .case
        .of(side)
        .filter(turned_away)
        .filter_map(|f| Some((f.source.line, asker(&f.source.text)?)))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    let mut hosts: Vec<IpAddr> = lines.into_iter().map(|(_, host)| host).collect();
    hosts.sort_unstable();
    // Sorted, whoever asks again stands beside himself, and neighbours stand beside each other.
    let again = hosts.windows(TWICE + 1).any(|w| w.first() == w.last());
    hosts.dedup();
    let near = |pair: &[IpAddr]| matches!(pair, [one, other] if neighbours(*one, *other));
    let public = |host: &IpAddr| match host {
        IpAddr::V4(a) => !a.is_private() && !a.is_loopback(),
        IpAddr::V6(_) => true,
    };
    hosts.len() >= SEVERAL && !again && !hosts.windows(2).any(near) && hosts.iter().all(public)
}

/// Whether an SA came up moments before or after the line: who cuts so little out of a log shows what it is about.
fn is_cut_out(s: &Signals<'_>, line: &Evidence) -> bool {
    const MOMENTS_MS: u64 = 60_000;
    const LINES: u64 = 8;
    let Some(fact) = facts_of(s, line).next() else {
        return false;
    };
    // Whom no connection is meant for, any scanner is.
    let meant = !matches!(
        &fact.what,
        Known::Happened {
            happening: Happening::Refused {
                refusal: Refusal::NoConnection { .. },
                ..
            }
        } | Known::Sign {
            sign: Sign::NoConnectionForPeer,
            ..
        }
    );
    let close = |other: &Fact| match (fact.at, other.at, fact.source.line, other.source.line) {
        (Some(a), Some(b), ..) => a.0.abs_diff(b.0) < MOMENTS_MS,
        // Without times only the order tells: what came up is followed by what is shown.
        (None, None, Some(refused), Some(up)) => {
            meant
                && fact.source.name == other.source.name
                && refused.checked_sub(up).is_some_and(|n| n <= LINES)
        }
        _ => false,
    };
    s.case
        .of(fact.side)
        .any(|other| is_up(other) && close(other))
}

/// `vpntunnel="branch2"`, but not `vpntunnel="N/A"`.
fn names_a_tunnel(text: &str) -> bool {
    text.split_once("vpntunnel=\"")
        .is_some_and(|(_, name)| !name.starts_with("N/A") && !name.starts_with('"'))
}

/// Who asks, where a line names him: alone, behind *from* or *remote*, or as the second of a pair of ours and theirs.
fn asker(text: &str) -> Option<IpAddr> {
    let behind = |words: &str| {
        let (_, rest) = text.split_once(words)?;
        hosts(rest).first().copied()
    };
    let mut named = hosts(text);
    named.dedup();
    if let [one] = named.as_slice() {
        return Some(*one);
    }
    if text.contains(" -> ") {
        return named.first().copied();
    }
    if text.contains("...") || text.contains("<=>") {
        return named.last().copied();
    }
    [
        "Remote:",
        "p1_remote=",
        "packet from ",
        "peer IP ",
        " from ",
        "remip=",
        "src=",
        "SRC=",
        "src: ",
        "source: ",
    ]
    .into_iter()
    .find_map(behind)
}

/// Who is refused in a line without addresses, where nothing is known of him but the address he asks from.
fn called_by_address(s: &Signals<'_>, line: &Evidence) -> Option<IpAddr> {
    let fact = s.case.facts.iter().find(|f| line.is_of(f))?;
    fact.subject.as_ref()?.parse().ok()
}

/// Whether somebody without a better name than his address is refused the same more than once: scanners ask once.
fn asks_again(s: &Signals<'_>, line: &Evidence) -> bool {
    let Some(fact) = facts_of(s, line).next() else {
        return false;
    };
    let alike = |other: &&Fact| match (&fact.what, &other.what) {
        (
            Known::Happened {
                happening: Happening::Refused { what: a, .. },
            },
            Known::Happened {
                happening: Happening::Refused { what: b, .. },
            },
        ) => a == b && fact.subject == other.subject,
        _ => false,
    };
    s.case.of(fact.side).filter(alike).count() > 1
}

fn side_of(s: &Signals<'_>, line: &Evidence) -> Option<Side> {
    facts_of(s, line).next().map(|fact| fact.side)
}

/// The addresses of those with whom an SA came up, of those whom the side asks itself, and of those who don't answer it any
/// more.
fn known(s: &Signals<'_>, side: Side) -> Vec<IpAddr> {
    let asks = |fact: &Fact| {
        matches!(
            &fact.what,
            Known::Happened {
                happening: Happening::Initiating { .. }
            }
        )
    };
    s.case
        .of(side)
        .filter(|f| asks(f) || is_up(f) || misses(f))
        .flat_map(|f| hosts(&f.source.text))
        .filter(|host| !host.is_unspecified())
        .collect()
}

/// The addresses of those for whom the side has a connection.
fn configured(s: &Signals<'_>, side: Side) -> Vec<IpAddr> {
    s.case
        .of(side)
        .flat_map(|f| match &f.what {
            Known::PeerConfigured { connection } => connection.remote.value.as_slice(),
            _ => &[],
        })
        .filter_map(|place| match place {
            Place::Address(address) => Some(*address),
            _ => None,
        })
        .collect()
}

/// Whether it says that a peer doesn't answer.
fn misses(fact: &Fact) -> bool {
    matches!(&fact.what, Known::Sign { sign, .. }
        if *sign == Sign::PeerDeclaredDead
            || matches!(sign, Sign::FirstMessageUnanswered | Sign::NegotiationTimedOut))
}

/// Whether it says that an SA came up, or is.
fn is_up(fact: &Fact) -> bool {
    match &fact.what {
        Known::Happened { happening } => matches!(happening, Happening::IkeEstablished { .. }),
        Known::Sign { sign, .. } => matches!(sign, Sign::FirstPhaseDone | Sign::SecondPhaseDone),
        Known::Listed { sa } => sa.stage == Stage::Up,
        _ => false,
    }
}

/// How often the same is said of the same host.
fn times(s: &Signals<'_>, line: &Evidence) -> usize {
    let Some(fact) = facts_of(s, line).next() else {
        return 0;
    };
    let of = hosts(&line.text);
    let alike = |other: &&Fact| match (&fact.what, &other.what) {
        (Known::Sign { sign: a, .. }, Known::Sign { sign: b, .. }) => a == b,
        (
            Known::Happened {
                happening: Happening::Refused { what: a, .. },
            },
            Known::Happened {
                happening: Happening::Refused { what: b, .. },
            },
        ) => a == b,
        _ => false,
    };
    s.case
        .of(fact.side)
        .filter(alike)
        .filter(|other| hosts(&other.source.text) == of)
        .count()
}

/// FortiOS names who asks by the cookies of his request, as long as it knows no tunnel for him.
fn is_nameless(text: &str) -> bool {
    text.contains("/0000000000000000:") && text.contains("ike ")
}

#[cfg(test)]
mod tests {
    use super::asker;

    #[test]
    fn a_line_names_who_asks() {
        let asks = Some("198.51.100.9".parse().unwrap_or([0, 0, 0, 0].into()));
        for line in [
            "list OUTSIDE denied 50 198.51.100.9 -> 192.0.2.1, 1 packet",
            "remip=198.51.100.9 locip=192.0.2.1 reason=\"peer SA proposal not match local policy\"",
            "no IKE config found for 192.0.2.1...198.51.100.9, sending NO_PROPOSAL_CHOSEN",
            "packet from 198.51.100.9:500: initial Main Mode message received on 192.0.2.1:500",
            "phase1 negotiation failed due to time up 192.0.2.1[500]<=>198.51.100.9[500]",
            "IP = 198.51.100.9, All SA proposals found unacceptable",
            "No proposal chosen. Local: 192.0.2.1/500, Remote: 198.51.100.9/500",
            "request for peer IP 198.51.100.9[500].",
        ] {
            assert_eq!(asker(line), asks, "{line}");
        }
        // Neither is said to ask.
        let pair = "no shared key found for 192.0.2.1 - 198.51.100.9";
        assert_eq!(asker(pair), None);
    }
}
