//! Which connection of one end is meant for which of the other.

use adit_model::peer_config::{PeerConnection, Place};
use adit_model::selector::{Selector, narrow};

/// Pairs of connections: index into `ours`, index into `theirs`, and whether left and right of each are to be
/// exchanged so that both speak of the same tunnel. Each connection is in one pair at most; a single connection on
/// each side is a pair whatever it says.
#[must_use]
pub fn pair(
    ours: &[PeerConnection],
    theirs: &[PeerConnection],
) -> Vec<(PeerConnection, PeerConnection)> {
    let mut scored: Vec<(i32, usize, usize, PeerConnection, PeerConnection)> = Vec::new();
    for (i, a) in ours.iter().enumerate() {
        for (j, b) in theirs.iter().enumerate() {
            let (score, a, b) = oriented(a, b);
            scored.push((score, i, j, a, b));
        }
    }
    let alone = ours.len() == 1 && theirs.len() == 1;
    scored.sort_by_key(|(score, i, j, ..)| (core::cmp::Reverse(*score), *i, *j));
    let (mut used_a, mut used_b) = (Vec::new(), Vec::new());
    let mut out = Vec::new();
    for (score, i, j, a, b) in scored {
        let good = alone || score > 0;
        if good && !used_a.contains(&i) && !used_b.contains(&j) {
            used_a.push(i);
            used_b.push(j);
            out.push((i, a, b));
        }
    }
    out.sort_by_key(|(i, ..)| *i);
    out.into_iter().map(|(_, a, b)| (a, b)).collect()
}

/// The two connections that mirror each other best, however badly that is; left and right of each as in [`pair`].
/// `None` only if one side has none.
#[must_use]
pub fn best_pair(
    ours: &[PeerConnection],
    theirs: &[PeerConnection],
) -> Option<(PeerConnection, PeerConnection)> {
    let all = ours
        .iter()
        .flat_map(|a| theirs.iter().map(|b| oriented(a, b)));
    // Of equals the first.
    let best = all.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, a, b)| (a, b))
}

/// The two with left and right so that they mirror each other best, and how well that is.
pub(crate) fn oriented(
    a: &PeerConnection,
    b: &PeerConnection,
) -> (i32, PeerConnection, PeerConnection) {
    let mut best: Option<(i32, PeerConnection, PeerConnection)> = None;
    let turns = |c: &PeerConnection| {
        let mut all = vec![c.clone()];
        if c.swappable {
            all.push(c.clone().swapped());
        }
        all
    };
    for x in turns(a) {
        for y in turns(b) {
            let score = mirror(&x, &y);
            if best.as_ref().is_none_or(|(s, ..)| score > *s) {
                best = Some((score, x.clone(), y));
            }
        }
    }
    // There is at least one turn of each.
    best.unwrap_or_else(|| (0, a.clone(), b.clone()))
}

/// How well one is the mirror image of the other; above zero means that they speak of each other.
pub(crate) fn mirror(a: &PeerConnection, b: &PeerConnection) -> i32 {
    let mut score = 0;
    for (mine, yours) in [(&a.local, &b.remote), (&a.remote, &b.local)] {
        score += places(&mine.value, &yours.value);
    }
    for (mine, yours) in [
        (a.effective_local_id(), b.effective_remote_id()),
        (a.effective_remote_id(), b.effective_local_id()),
    ] {
        if let (Some(mine), Some(yours)) = (mine, yours) {
            score += match mine.satisfies(&yours) {
                Some(true) if mine == yours => 3,
                Some(true) | None => 0,
                Some(false) => -1,
            };
        }
    }
    let mut meets = false;
    for x in &a.children {
        for y in &b.children {
            let here = meet(&networks(&x.local_ts.value), &networks(&y.remote_ts.value));
            let there = meet(&networks(&x.remote_ts.value), &networks(&y.local_ts.value));
            meets |= here && there;
        }
    }
    if meets {
        score += 2;
    }
    // A host that is on both ends' own side is the same end.
    for (mine, yours) in [(&a.local, &b.local), (&a.remote, &b.remote)] {
        if places(&mine.value, &yours.value) > 0 {
            score -= 3;
        }
    }
    if a.name == b.name && score > 0 {
        score += 1;
    }
    score
}

fn places(a: &[Place], b: &[Place]) -> i32 {
    let same = a.iter().any(|x| !matches!(x, Place::Any) && b.contains(x));
    let addresses = |list: &[Place]| list.iter().all(|p| p.address().is_some());
    if same {
        4
    } else if addresses(a) && addresses(b) {
        -2
    } else {
        0
    }
}

fn meet(a: &[Selector], b: &[Selector]) -> bool {
    !a.is_empty() && !b.is_empty() && !narrow(a, b).is_empty()
}

/// The networks that are written; those that stand for the end's own address are left out.
pub(crate) fn networks(list: &[Option<Selector>]) -> Vec<Selector> {
    list.iter().copied().flatten().collect()
}
