//! In what way the identity that came isn't the one that is expected.

use std::net::{IpAddr, Ipv4Addr};

use adit_model::fact::{Fact, Known, Side};
use adit_model::peer_config::{PeerId, Place};
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::seen::Seen;
use crate::signals::Signals;

/// The kinds that have causes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody else.
    Other,
    /// The same text of another type.
    Type,
    /// A private address, where a public one is expected.
    Private,
}

/// An identity that wasn't accepted.
pub(super) struct Mismatch<'a> {
    pub(super) fact: &'a Fact,
    /// Who refused.
    pub(super) refusing: Side,
    /// Who came.
    pub(super) received: String,
    /// Who may come, as far as it is told.
    pub(super) expected: Vec<String>,
    pub(super) kind: Kind,
}

/// VPP tells how the identity compares with each profile: that it differs from one means nothing when another fits.
pub(super) fn fits_one(s: &Signals<'_>) -> bool {
    s.signs_of(Sign::PeerIdentityUnexpected).any(|x| {
        x.value("each").is_some()
            && x.value("received")
                .is_some_and(|id| x.value("expected") == Some(id))
    })
}

/// A connection of the side that refused, in a file or a status, whose end is just the identity that came: who it is isn't
/// what keeps it out.
fn configured_there<'a>(s: &Signals<'a>, refusing: Side, received: &str) -> Option<&'a Fact> {
    let came = bare(received);
    // What stands for any address says nothing of which.
    if came.chars().all(|c| matches!(c, 'x' | 'X' | '*' | '.')) {
        return None;
    }
    let same = |text: &str| bare(text).eq_ignore_ascii_case(came);
    let end = |id: &Option<PeerId>, places: &[Place]| match id {
        Some(PeerId::Is(id)) => same(&id.to_string()),
        Some(_) => false,
        None => places.iter().any(|place| match place {
            Place::Address(address) => same(&address.to_string()),
            Place::Name(name) => same(name),
            _ => false,
        }),
    };
    s.case.of(refusing).find(|fact| match &fact.what {
        Known::PeerConfigured { connection: c } => {
            end(&c.remote_id.value, &c.remote.value)
                || c.swappable && end(&c.local_id.value, &c.local.value)
        }
        _ => false,
    })
}

/// A side found no connection for an identity, though one has just that end: whose, and the connection.
pub(super) fn unexplained<'a>(s: &Signals<'a>) -> Option<(Side, &'a Fact)> {
    let refused = s.refused.iter().rev().find_map(|r| match r.refusal {
        Refusal::PeerIdentity { received, expected } => Some((r.side, received, expected)),
        _ => None,
    });
    let (side, received, expected) = refused?;
    let configured = configured_there(s, side, &received.to_string())?;
    expected.is_empty().then_some((side, configured))
}

/// A line says that nobody is known by an identity, and one connection has just that end.
pub(super) fn known_after_all<'a>(s: &Signals<'a>, seen: Seen<'_>) -> Option<&'a Fact> {
    let of_whom = seen.sign == Sign::NoConnectionForIdentity;
    let received = seen.value("remote").filter(|_| of_whom)?;
    let came = bare(received);
    let listed = s.signs_of(Sign::IdentityListed).find(|x| {
        x.side() == seen.side()
            && x.value("id")
                .is_some_and(|id| bare(id).eq_ignore_ascii_case(came))
    });
    configured_there(s, seen.side(), received).or(listed.map(|x| x.fact))
}

/// The last identity that wasn't accepted, by an exchange or by a line about it.
pub(super) fn mismatch<'a>(s: &Signals<'a>) -> Option<Mismatch<'a>> {
    let refused = s.refused.iter().rev().find_map(|r| match r.refusal {
        Refusal::PeerIdentity { received, expected } => Some((
            r.fact,
            r.side,
            received.to_string(),
            expected.iter().map(ToString::to_string).collect(),
        )),
        _ => None,
    });
    let said = || {
        let seen = s
            .sign(Sign::PeerIdentityUnexpected)
            .filter(|_| !fits_one(s))?;
        let received = seen.value("received")?;
        let expected = seen.value("expected").map(ToOwned::to_owned);
        Some((
            seen.fact,
            seen.side(),
            received.to_owned(),
            expected.into_iter().collect(),
        ))
    };
    let (fact, refusing, received, expected): (_, _, String, Vec<String>) =
        refused.or_else(said)?;
    Some(Mismatch {
        kind: kind(&received, &expected),
        fact,
        refusing,
        received,
        expected,
    })
}

fn kind(received: &str, expected: &[String]) -> Kind {
    let came = bare(received);
    let mut wanted = expected.iter().map(|e| bare(e));
    if wanted.clone().any(|w| w.eq_ignore_ascii_case(came)) {
        return Kind::Type;
    }
    if expected.is_empty() && received.starts_with('@') && came.parse::<IpAddr>().is_ok() {
        return Kind::Type;
    }
    let private = came.parse().is_ok_and(|a: Ipv4Addr| a.is_private());
    let public = wanted.any(|w| w.parse().is_ok_and(|a: Ipv4Addr| !a.is_private()));
    if private && public {
        return Kind::Private;
    }
    Kind::Other
}

/// The identity without its type and quotes.
fn bare(text: &str) -> &str {
    let text = text.trim().trim_matches(['\'', '"']);
    let text = text.split_once(':').map_or(text, |(kind, rest)| {
        match kind.to_ascii_lowercase().as_str() {
            "fqdn" | "keyid" | "ipv4" | "ipv6" | "email" | "rfc822" | "userfqdn" | "dns" | "@" => {
                rest.trim_start()
            }
            _ => text,
        }
    });
    let text = text
        .strip_prefix("@[")
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    text.trim_start_matches('@').trim_start_matches('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_told_by_text_and_type() {
        for (received, expected, want) in [
            ("192.168.1.2", "@192.168.1.2", Kind::Type),
            ("keyid:gw", "gw", Kind::Type),
            ("192.168.1.2", "203.0.113.5", Kind::Private),
            ("192.168.1.2", "@gw.example.org", Kind::Other),
            ("gw.example.org", "hub.example.org", Kind::Other),
            ("203.0.113.9", "203.0.113.5", Kind::Other),
            ("FQDN: gw.example.org", "gw.example.org", Kind::Type),
        ] {
            assert_eq!(
                kind(received, &[expected.to_owned()]),
                want,
                "{received} {expected}"
            );
        }
        assert_eq!(kind("@192.0.2.1", &[]), Kind::Type);
        // Phones behind a NAT identify themselves so, and servers take it: it may be the other identity that is wrong.
        assert_eq!(kind("10.0.0.2", &[]), Kind::Other);
    }
}
