//! Children that the other end has no counterpart for: they never come up, and the others do.

use adit_model::peer_config::{PeerChild, PeerConnection};

use super::{Difference, Outcome, Value, both, ends, meet, negotiated, quoted, resolved};
use crate::config::words::Topic;
use crate::verdict::AtFault;

/// One difference for each such child, beside the `pairs` that were found.
pub(super) fn found(
    a: &PeerConnection,
    b: &PeerConnection,
    pairs: &[(&PeerChild, &PeerChild)],
) -> Vec<Difference> {
    let paired = |child: &PeerChild| {
        let is = |other: &PeerChild| core::ptr::eq(other, child);
        pairs.iter().any(|(x, y)| is(x) || is(y))
    };
    let mut out = Vec::new();
    for (ours, own, other) in [(true, a, b), (false, b, a)] {
        for child in negotiated(own).into_iter().filter(|child| !paired(child)) {
            out.extend(lonely(ours, (own, child), other));
        }
    }
    out
}

fn lonely(
    ours: bool,
    (own, child): (&PeerConnection, &PeerChild),
    other: &PeerConnection,
) -> Option<Difference> {
    // One that is wider holds this one as well, and of an address that isn't known nothing can be said.
    for theirs in negotiated(other) {
        if meet(&ends((own, child), (other, theirs))?) {
            return None;
        }
    }
    let local = resolved(&child.local_ts.value, &own.local.value)?;
    let remote = resolved(&child.remote_ts.value, &own.remote.value)?;
    if local.is_empty() || remote.is_empty() {
        return None;
    }
    let networks = format!("{} to {}", quoted(&local), quoted(&remote));
    let mirrored = format!("local {}, remote {}", quoted(&remote), quoted(&local));
    let same = format!("local {}, remote {}", quoted(&local), quoted(&remote));
    let (who, whom) = if ours {
        ("we", "the peer")
    } else {
        ("the peer", "we")
    };
    let value = Some(Value::of(&child.local_ts, networks.clone()));
    let (has, lacks) = if ours {
        ("have", "has")
    } else {
        ("has", "have")
    };
    let (a, b, for_us, for_them) = if ours {
        (own, other, &same, &mirrored)
    } else {
        (other, own, &mirrored, &same)
    };
    Some(Difference {
        cause: "ts-mismatch",
        outcome: Outcome::Warning,
        confidence: 0.8,
        side: AtFault::Both,
        summary: format!(
            "{who} {has} the child {} for {networks}, and {whom} {lacks} none that fits",
            child.name
        ),
        explanation:
            "It never comes up: whoever is asked for it refuses. The other children don't suffer."
                .to_owned(),
        ours: value.clone().filter(|_| ours),
        theirs: value.filter(|_| !ours),
        fix: both(a, b, Topic::Networks, for_us, for_them),
        message_for_peer: if ours {
            format!(
                "We have a tunnel for {networks}, for which you have none; please add one with {mirrored}."
            )
        } else {
            format!("You have a tunnel for {networks}, for which we have none; is it still needed?")
        },
    })
}
