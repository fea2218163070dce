//! What is known about NATs on the path. Not a fault; it bears on which ports must be open.

use std::net::Ipv4Addr;

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::host::HostState;
use adit_model::peer_config::Place;
use adit_model::sign::Sign;

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

/// Whether the first message got no answer, as far as is told: a NAT doesn't keep that one back.
fn first_unanswered(s: &Signals<'_>) -> bool {
    s.nothing_came().is_some() || s.sign(Sign::FirstMessageUnanswered).is_some()
}

/// The default route of our side, where its next hop has a private address, our side none that is public as far as is
/// shown, and the peer none that is private: somebody between us translates.
pub(crate) fn behind_router<'a>(s: &Signals<'a>) -> Option<&'a Fact> {
    let private = |text: &str| {
        let address = text.split('/').next().unwrap_or_default();
        address
            .parse()
            .ok()
            .map(|a: Ipv4Addr| a.is_private() || a.is_loopback() || a.is_link_local())
    };
    let (fact, _) = s.routes().find(|(fact, route)| {
        fact.side == Side::Local
            && route.network == "0.0.0.0/0"
            && route.table.is_none()
            && route.via.as_deref().and_then(private) == Some(true)
    })?;
    let public_here = s.host().any(|(f, state)| {
        f.side == Side::Local
            && matches!(state, HostState::Address { address, .. } if private(address) == Some(false))
    });
    let mut peers = s.case.of(Side::Local).filter_map(|f| match &f.what {
        Known::PeerConfigured { connection } => Some(&connection.remote.value),
        _ => None,
    });
    let far = |places: &Vec<Place>| {
        !places.is_empty()
            && places.iter().all(|p| {
                matches!(p, Place::Address(_) | Place::Name(_))
                    && private(&p.to_string()) != Some(true)
            })
    };
    let outside = peers.next().is_some_and(far) && peers.all(far);
    (outside && !public_here && !first_unanswered(s)).then_some(fact)
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
