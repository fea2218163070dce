//! Strangers: whoever asks a gateway that has no connection for him.
//!
//! Scanners ask every gateway of the Internet, day and night. What a log says of them isn't what is wrong with the
//! tunnel whose exchange fails in the same log, with a peer that is elsewhere.

use std::net::IpAddr;

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known};
use adit_model::reason::Refusal;

use crate::seen::{Seen, hosts};

/// The latest failure of a connection of this side's, if its peers are known and `remote` is none of them, nor near one.
/// `facts` are all of one side's.
pub(crate) fn fails_elsewhere<'a>(
    facts: impl Iterator<Item = &'a Fact>,
    remote: IpAddr,
) -> Option<&'a Fact> {
    if remote.is_unspecified() {
        return None;
    }
    let named: Vec<&Fact> = facts
        .filter(|f| {
            f.subject
                .as_ref()
                .is_some_and(|name| !is_address(name, remote))
                && matches!(f.what, Known::Happened { .. })
        })
        .collect();
    let failed = named.iter().rev().copied().find(|f| fails(f))?;
    let shown: Vec<IpAddr> = named.iter().flat_map(|f| hosts(&f.source.text)).collect();
    (!shown.is_empty() && !shown.iter().any(|own| neighbours(*own, remote))).then_some(failed)
}

/// Whether who has no better name is called by this address.
fn is_address(name: &str, address: IpAddr) -> bool {
    name.parse() == Ok(address)
}

fn fails(fact: &Fact) -> bool {
    match &fact.what {
        Known::Happened { happening } => match happening {
            Happening::Refused { refusal, .. } => !matches!(refusal, Refusal::NoConnection { .. }),
            Happening::PeerRefused { .. }
            | Happening::GaveUp { .. }
            | Happening::UnprotectedNotify { .. } => true,
            _ => false,
        },
        _ => false,
    }
}

/// One side's happenings without those of strangers, beside whom a connection of its own fails.
pub(crate) fn without_strangers(all: Vec<&Fact>) -> Vec<&Fact> {
    let strange = |f: &Fact| match &f.what {
        Known::Happened {
            happening:
                Happening::Refused {
                    refusal: Refusal::NoConnection { remote, .. },
                    ..
                },
        } => {
            f.subject
                .as_ref()
                .is_none_or(|name| is_address(name, *remote))
                && fails_elsewhere(all.iter().copied(), *remote).is_some()
        }
        _ => false,
    };
    // The request that was refused is told by the same line.
    let lines: Vec<_> = all
        .iter()
        .filter(|f| strange(f))
        .map(|f| (f.source.name.as_str(), f.source.line))
        .collect();
    if lines.is_empty() {
        return all;
    }
    all.iter()
        .copied()
        .filter(|f| !lines.contains(&(f.source.name.as_str(), f.source.line)))
        .collect()
}

/// The sender whom a line about a packet names that belongs to no connection.
pub(crate) fn sender(seen: Seen<'_>) -> Option<IpAddr> {
    let (_, rest) = seen.fact.source.text.split_once("packet from ")?;
    hosts(rest).first().copied()
}

/// One host's addresses, and those of a mesh, are often of one network.
pub(crate) fn neighbours(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}
