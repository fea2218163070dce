//! Puts two sides' lists beside each other and finds the smallest change that makes them agree.

use std::collections::BTreeSet;

use adit_model::fact::{Fact, Known, Side};
use adit_model::proposal::{Proposal, TransformKind};
use adit_model::selector::{Selector, narrow};

use crate::signals::Signals;

/// Values of a list for a sentence.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "nothing".to_owned();
    }
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A side's list for a sentence. A list that nobody showed exists all the same.
pub(crate) fn shown<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "what isn't in the evidence".to_owned();
    }
    list(items)
}

/// A list as a value of Adit's configuration.
pub(crate) fn toml<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|i| format!("\"{}\"", i.to_string()))
        .collect();
    format!("[{}]", items.join(", "))
}

/// Kinds of transform for a sentence.
pub(crate) fn kinds(kinds: &[TransformKind]) -> String {
    let names: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => "several transforms together".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The change of one side's proposals after which the other side takes one.
pub(crate) struct Change {
    /// The proposal to add.
    pub(crate) add: Proposal,
    /// The side's whole list after it.
    pub(crate) all: Vec<Proposal>,
}

/// The smallest additions: to `mine`, and to `theirs`. `None` when a list is empty.
pub(crate) fn changes(
    mine: &[Proposal],
    theirs: &[Proposal],
    ke: bool,
) -> Option<(Change, Change)> {
    let (a, b, differs) = mine
        .iter()
        .flat_map(|a| theirs.iter().map(move |b| (a, b, a.differences(b, ke))))
        .min_by_key(|(_, _, differs)| differs.len())?;
    let change = |keep: &Proposal, take: &Proposal, list: &[Proposal]| {
        let add = merged(keep, take, &differs);
        let mut all = list.to_vec();
        all.push(add.clone());
        Change { add, all }
    };
    Some((change(a, b, mine), change(b, a, theirs)))
}

/// `keep` with the differing kinds taken over from `take`, and the rest cut down to what both have.
fn merged(keep: &Proposal, take: &Proposal, differs: &[TransformKind]) -> Proposal {
    fn part<T: Clone + PartialEq>(keep: &[T], take: &[T], differs: bool) -> Vec<T> {
        if differs {
            return take.to_vec();
        }
        let both: Vec<T> = keep.iter().filter(|k| take.contains(k)).cloned().collect();
        if both.is_empty() { keep.to_vec() } else { both }
    }
    let d = |kind| differs.contains(&kind);
    Proposal {
        encr: part(&keep.encr, &take.encr, d(TransformKind::Encryption)),
        prf: part(&keep.prf, &take.prf, d(TransformKind::Prf)),
        integ: part(&keep.integ, &take.integ, d(TransformKind::Integrity)),
        ke: part(&keep.ke, &take.ke, d(TransformKind::KeyExchange)),
        addke: core::array::from_fn(|at| {
            let of = |p: &Proposal| p.addke.get(at).cloned().unwrap_or_default();
            part(
                &of(keep),
                &of(take),
                d(TransformKind::AdditionalKeyExchange),
            )
        }),
        esn: part(&keep.esn, &take.esn, d(TransformKind::Esn)),
    }
}

/// What one list covers and the other doesn't, in the words of the lists.
pub(crate) fn only_in(a: &[Selector], b: &[Selector]) -> Vec<String> {
    let have: BTreeSet<String> = b.iter().map(ToString::to_string).collect();
    a.iter()
        .map(ToString::to_string)
        .filter(|s| !have.contains(s))
        .collect()
}

/// The peer's configuration, when it has what we ask for.
pub(crate) fn configured_over_there<'a>(
    s: &Signals<'a>,
    local: &[Selector],
    remote: &[Selector],
) -> Option<&'a Fact> {
    let meets = |asked: &[Selector], has: &[Option<Selector>]| {
        let has: Vec<Selector> = has.iter().copied().flatten().collect();
        !narrow(asked, &has).is_empty()
    };
    if local.is_empty() || remote.is_empty() {
        return None;
    }
    s.case.of(Side::Remote).find(|fact| match &fact.what {
        Known::PeerConfigured { connection } => connection.children.iter().any(|child| {
            let (ours, theirs) = (&child.local_ts.value, &child.remote_ts.value);
            meets(remote, ours) && meets(local, theirs)
                || connection.swappable && meets(remote, theirs) && meets(local, ours)
        }),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::proposal::{SaKind, choose};

    #[test]
    fn either_change_makes_the_sides_agree() {
        let read = |texts: &[&str]| -> Vec<Proposal> {
            texts
                .iter()
                .map(|t| Proposal::parse(t, SaKind::Ike).unwrap())
                .collect()
        };
        for (mine, theirs, add) in [
            (
                read(&["aes128gcm16-prfsha256-x25519"]),
                read(&["aes128gcm16-prfsha256-modp2048"]),
                "aes128gcm16-prfsha256-modp2048",
            ),
            (
                read(&["aes128gcm16-prfsha256-x25519"]),
                read(&["aes256-sha512-modp2048", "aes256-sha256-x25519"]),
                "aes256-sha256-prfsha256-x25519",
            ),
        ] {
            assert!(choose(&mine, &theirs, true).is_none());
            let (ours, others) = changes(&mine, &theirs, true).unwrap();
            assert_eq!(ours.add.to_string(), add);
            assert!(choose(&ours.all, &theirs, true).is_some());
            assert!(choose(&mine, &others.all, true).is_some());
        }
    }
}
