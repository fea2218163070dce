//! Both sides' readings as one case.

use std::collections::BTreeMap;
use std::net::IpAddr;

use adit_model::event::Happening;
use adit_model::fact::{Case, Fact, Known, Side};
use adit_model::now::Wall;
use adit_model::peer_config::Dialect;
use adit_model::phase::Phase;
use adit_model::product::Product;
use adit_model::reason::Refusal;

use crate::capture::{Captured, join};
use crate::clock;
use crate::reading::Reading;

/// Makes a case of readings: [`case_of`], without an address.
#[must_use]
pub fn case(tunnel: Option<&str>, readings: Vec<Reading>) -> Case {
    case_of(tunnel, readings, None)
}

/// Makes a case of readings. `tunnel` names the connection in question; without it, it is the one of the local side
/// that failed last, or else the one that was spoken of last.
///
/// Facts of other connections are left out. A side counts as covered when one of its logs spans the time of the other
/// side's facts, or, alone, its own.
///
/// `address` is the local gateway's, which captures are looked at from; without it, it is guessed: from the logs, from what
/// the capture says about the capturing host, from who begins.
#[must_use]
pub fn case_of(tunnel: Option<&str>, mut readings: Vec<Reading>, address: Option<IpAddr>) -> Case {
    let captures: Vec<Captured> = readings
        .iter_mut()
        .filter_map(|r| {
            r.capture.take().map(|capture| Captured {
                name: r.name.clone(),
                side: r.side,
                capture,
            })
        })
        .collect();
    let windows: Vec<(Side, Option<(Wall, Wall)>)> =
        readings.iter().map(|r| (r.side, r.window)).collect();
    let products: BTreeMap<Side, Product> = readings
        .iter()
        .filter_map(|r| Some((r.side, r.gateway?)))
        .collect();
    // Configurations, states and people's complaints have no time and belong to no attempt.
    let (timeless, all): (Vec<Fact>, Vec<Fact>) = readings
        .into_iter()
        .flat_map(|r| r.facts)
        .partition(|f| is_timeless(&f.what));
    let mut subject = tunnel.map(ToOwned::to_owned);
    let mut facts: Vec<Fact> = Vec::with_capacity(all.len());
    for side in [Side::Local, Side::Remote] {
        let mut own: Vec<Fact> = all.iter().filter(|f| f.side == side).cloned().collect();
        // Pieces of one log may be given in any order; within a piece, the reader's order is the order of things.
        own.sort_by_key(|f| f.source.name.clone());
        if own.iter().all(|f| f.at.is_some()) {
            own.sort_by_key(|f| f.at);
        }
        let wanted = tunnel
            .filter(|name| own.iter().any(|f| f.subject.as_deref() == Some(*name)))
            .map(ToOwned::to_owned)
            .or_else(|| in_question(&own));
        if let Some(name) = &wanted {
            let beside = answered_beside(&own, name).map(ToOwned::to_owned);
            // Who names a tunnel doesn't ask about others' peers.
            let turned_away = tunnel.is_none() && is_turned_away_at_once(&own, name);
            own.retain(|f| {
                f.subject.is_none()
                    || f.subject.as_ref() == Some(name)
                    || f.subject == beside
                    || turned_away && is_peer_of_ours(f)
            });
        }
        if subject.is_none() {
            subject = wanted;
        }
        facts.extend(own);
        // A file says more than a status, which shows part of the same.
        let written: Vec<Dialect> = timeless
            .iter()
            .filter(|f| f.side == side)
            .filter_map(|f| dialect(&f.what, false))
            .collect();
        let kept = |f: &&Fact| {
            f.side == side
                && dialect(&f.what, true)
                    .is_none_or(|listed| !written.iter().any(|file| one_gateway(listed, *file)))
        };
        facts.extend(timeless.iter().filter(kept).cloned());
    }
    let clock_offset_ms = clock::align(&mut facts);
    let ours = |at: Wall, side| match (side, clock_offset_ms) {
        (Side::Remote, Some(ms)) => Wall(at.0.saturating_add_signed(-ms)),
        _ => at,
    };
    let mut covered = BTreeMap::new();
    for (side, window) in windows {
        if let Some((first, last)) = window {
            let window = (ours(first, side), ours(last, side));
            *covered.entry(side).or_insert(false) |= spans(window, &facts, side);
        }
    }
    let case = Case {
        subject: subject.unwrap_or_default(),
        facts,
        covered,
        products,
        clock_offset_ms,
    };
    join(case, &captures, address)
}

fn is_timeless(what: &Known) -> bool {
    matches!(
        what,
        Known::PeerConfigured { .. }
            | Known::PeerKey { .. }
            | Known::ConfigLint { .. }
            | Known::Listed { .. }
            | Known::Complained { .. }
            | Known::PinnedDown { .. }
            | Known::TriedInVain { .. }
    )
}

/// In whose language a connection is, that a status lists or a file has.
fn dialect(what: &Known, listed: bool) -> Option<Dialect> {
    match what {
        Known::PeerConfigured { connection } if connection.listed == listed => {
            Some(connection.dialect)
        }
        _ => None,
    }
}

/// Whether a status and a file can be of one gateway. Of the products that come with both, pluto isn't charon.
fn one_gateway(listed: Dialect, file: Dialect) -> bool {
    let charon = |d| matches!(d, Dialect::StrongswanStroke | Dialect::Swanctl);
    let pluto = |d| matches!(d, Dialect::Libreswan | Dialect::Openswan);
    !(charon(listed) && pluto(file) || pluto(listed) && charon(file))
}

/// The connection that a person who shows this log asks about: the one that failed last and hasn't come up since.
///
/// A connection's name counts before a mere address, which may be a stranger's: hosts on the Internet are probed all day.
pub(crate) fn in_question(facts: &[Fact]) -> Option<String> {
    let named = |f: &Fact| {
        f.subject
            .as_ref()
            .is_some_and(|s| s.parse::<IpAddr>().is_err())
    };
    let last_that = |pick: &dyn Fn(usize, &Fact) -> bool| {
        facts
            .iter()
            .enumerate()
            .rev()
            .find(|(at, f)| f.subject.is_some() && pick(*at, f))
            .and_then(|(_, f)| f.subject.clone())
    };
    let open = |at: usize, f: &Fact| fails(f) && !comes_up_after(facts, at, f);
    last_that(&|at, f| named(f) && open(at, f))
        .or_else(|| last_that(&open))
        .or_else(|| last_that(&|_, f| fails(f)))
        .or_else(|| last_that(&|_, _| true))
}

/// Whether it is a mere address, and all that is known of it is that there is no connection for it.
fn is_turned_away(facts: &[Fact], refused: &str) -> bool {
    let mut failures = facts
        .iter()
        .filter(|f| f.subject.as_deref() == Some(refused) && fails(f))
        .peekable();
    let turned_away = |f: &Fact| {
        matches!(
            &f.what,
            Known::Happened {
                happening: Happening::Refused {
                    refusal: Refusal::NoConnection { .. },
                    ..
                }
            }
        )
    };
    refused.parse::<IpAddr>().is_ok() && failures.peek().is_some() && failures.all(turned_away)
}

/// Whether it is a mere address, and no more is known of it than that its first message is refused, for whatever.
fn is_turned_away_at_once(facts: &[Fact], refused: &str) -> bool {
    let first = |f: &Fact| match &f.what {
        Known::Happened {
            happening: Happening::Refused { what, refusal, .. },
        } => {
            matches!(refusal, Refusal::NoConnection { .. })
                || matches!(what.as_str(), "IKE_SA_INIT" | "IKEv1 phase 1")
        }
        _ => false,
    };
    let mut failures = facts
        .iter()
        .filter(|f| f.subject.as_deref() == Some(refused) && fails(f))
        .peekable();
    refused.parse::<IpAddr>().is_ok() && failures.peek().is_some() && failures.all(first)
}

/// Whether it shows who the peer of a connection with a name is.
fn is_peer_of_ours(fact: &Fact) -> bool {
    let named = fact
        .subject
        .as_ref()
        .is_some_and(|s| s.parse::<IpAddr>().is_err());
    named
        && matches!(
            &fact.what,
            Known::Happened {
                happening: Happening::IkeEstablished { .. }
            }
        )
}

/// The last peer without a name whose first message was answered and who never came up, where `refused` is a mere address
/// that was turned away for want of a connection: either may be a stranger.
fn answered_beside<'f>(facts: &'f [Fact], refused: &str) -> Option<&'f str> {
    let happened = |f: &'f Fact| match &f.what {
        Known::Happened { happening } => Some(happening),
        _ => None,
    };
    if !is_turned_away(facts, refused) {
        return None;
    }
    let up = |who: &str| {
        facts
            .iter()
            .filter(|f| f.subject.as_deref() == Some(who))
            .filter_map(happened)
            .any(|h| {
                matches!(
                    h,
                    Happening::IkeEstablished { .. } | Happening::ChildEstablished { .. }
                )
            })
    };
    let answered = |h: &Happening| match h {
        Happening::Sent(m) => {
            m.response
                && m.phase() == Some(Phase::First)
                && !m.payloads.iter().any(|p| p.contains("NO_PROP"))
        }
        _ => false,
    };
    facts
        .iter()
        .rev()
        .filter(|f| happened(f).is_some_and(answered))
        .filter_map(|f| f.subject.as_deref())
        .find(|who| *who != refused && who.parse::<IpAddr>().is_ok() && !up(who))
}

fn fails(fact: &Fact) -> bool {
    matches!(
        &fact.what,
        Known::Happened {
            happening: Happening::Refused { .. }
                | Happening::PeerRefused { .. }
                | Happening::GaveUp { .. }
        }
    )
}

fn comes_up_after(facts: &[Fact], at: usize, failed: &Fact) -> bool {
    facts.iter().skip(at + 1).any(|f| {
        f.subject == failed.subject
            && matches!(
                &f.what,
                Known::Happened {
                    happening: Happening::ChildEstablished { .. }
                }
            )
    })
}

fn spans((first, last): (Wall, Wall), facts: &[Fact], side: Side) -> bool {
    let others = |f: &&Fact| f.side == side.other();
    let mut times = facts.iter().filter(others).filter_map(|f| f.at).peekable();
    times.peek().is_none() || times.any(|at| first <= at && at <= last)
}
