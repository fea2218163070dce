//! What is known about NATs on the path. Not a fault; it bears on which ports must be open.

use adit_model::event::Happening;
use adit_model::fact::{Known, Side};

use crate::signals::Signals;

/// Who is behind a NAT, in local terms: us, the peer.
pub(crate) fn behind(s: &Signals<'_>) -> Option<(bool, bool)> {
    s.nat.last().map(|n| match n.side {
        Side::Local => (n.local_behind, n.remote_behind),
        Side::Remote => (n.remote_behind, n.local_behind),
    })
}

/// Whether a NAT was found, in the attempt in question or when the tunnel came up before it.
pub(crate) fn ever(s: &Signals<'_>) -> bool {
    s.case.facts.iter().any(|f| {
        matches!(
            &f.what,
            Known::Happened {
                happening: Happening::NatDetection { local_behind_nat, remote_behind_nat, .. }
            } if *local_behind_nat || *remote_behind_nat
        )
    })
}

/// Sentences about the NAT, for a finding and for the verdict.
pub(crate) fn notes(s: &Signals<'_>) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(n) = s.nat.last().filter(|n| !n.peer_supports) {
        out.push(
            match n.side {
                Side::Local => "the peer doesn't announce NAT traversal",
                Side::Remote => "the peer finds no NAT traversal announced by us",
            }
            .to_owned(),
        );
    } else if let Some(found) = behind(s) {
        out.push(
            match found {
                (false, false) => "there is no NAT on the path",
                (true, false) => "we are behind a NAT",
                (false, true) => "the peer is behind a NAT",
                (true, true) => "both sides are behind a NAT",
            }
            .to_owned(),
        );
    }
    if s.floated(Side::Local).is_some() || s.floated(Side::Remote).is_some() {
        out.push("the exchange moved to UDP 4500".to_owned());
    }
    out
}
