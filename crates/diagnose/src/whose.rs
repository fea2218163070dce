//! Whose a line is, by the name of the connection or gateway that it gives itself, and whether that is another one than
//! the one whose attempt fails.
//!
//! A gateway writes all its tunnels into one log. What a line says of one of them isn't why another one fails.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::sign::Sign;

use crate::rule::{Judgement, Rule};
use crate::seen::before;
use crate::signals::Signals;
use crate::verdict::Evidence;

/// Causes that are about two connections by themselves.
const OF_TWO: &[&str] = &[
    "duplicate-conn-or-reqid",
    "multi-subnet-one-sa-unsupported",
    "overlapping-subnets",
    "policy-order-wrong",
    "restart-affects-all-tunnels",
    "uniqueness-kicks-peer",
    "wrong-ike-config-selected",
];

/// A finding that rests on nothing but lines of other connections than the one that fails after them is no more than
/// possible.
pub(crate) fn of_another(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    let Judgement::Found(found) = judgement else {
        return judgement;
    };
    let other = || {
        let last = fails_last(s)?;
        let ours = owner(last)?;
        is_of_another(s, &found.evidence, last, ours).then_some(ours)
    };
    let Some(ours) = (!OF_TWO.contains(&rule.id)).then(other).flatten() else {
        return Judgement::Found(found);
    };
    Judgement::Possible {
        weight: 15,
        because: format!(
            "{}; it is said of another connection than {ours}, which fails after it",
            found.summary
        ),
        separated_by: "which of the connections is asked about",
    }
}

fn is_of_another(s: &Signals<'_>, lines: &[Evidence], last: &Fact, ours: &str) -> bool {
    let mut owned = false;
    for line in lines {
        if line.is_of(last) {
            continue;
        }
        let facts = || s.case.facts.iter().filter(|f| line.is_of(f));
        let Some(name) = facts().find_map(owner) else {
            continue;
        };
        if alike(name, ours)
            || line.text.contains(ours)
            || !facts().all(|f| f.side == last.side && before(f, last))
        {
            return false;
        }
        owned = true;
    }
    owned
}

/// The latest failure of an attempt of our own.
fn fails_last<'a>(s: &Signals<'a>) -> Option<&'a Fact> {
    s.case
        .of(Side::Local)
        .filter(|f| match &f.what {
            Known::Happened { happening } => match happening {
                Happening::GaveUp { .. } | Happening::UnprotectedNotify { .. } => true,
                Happening::PeerRefused { what, .. } => !crate::refused::is_rekeying(what),
                _ => false,
            },
            Known::Sign { sign, .. } => is_failure(*sign),
            _ => false,
        })
        .reduce(|a, b| if before(b, a) { a } else { b })
        .filter(|_| !s.up)
}

/// Whether a line tells that an attempt of our own failed, where exchanges aren't followed one by one.
pub(crate) fn is_failure(sign: Sign) -> bool {
    matches!(
        sign,
        Sign::FirstMessageUnanswered
            | Sign::LaterMessageUnanswered
            | Sign::NegotiationTimedOut
            | Sign::NegotiationFailed
            | Sign::AuthenticationRefusedByPeer
            | Sign::ProposalsRefusedByPeer
            | Sign::FirstProposalsRefusedByPeer
    )
}

/// The connection or gateway that a fact is about.
fn owner(fact: &Fact) -> Option<&str> {
    let named = fact
        .subject
        .as_deref()
        .filter(|_| matches!(&fact.what, Known::Happened { .. }));
    named
        .or_else(|| named_in(&fact.source.text))
        .filter(|name| !name.is_empty() && name.parse::<std::net::IpAddr>().is_err())
}

/// pluto's `"branch" #7:`, charon's `IKE_SA branch[7]`, Junos' `VPN: branch`, PAN-OS' `vpn branch ike-nego-…` and FortiOS'
/// `vpntunnel="branch"`.
fn named_in(text: &str) -> Option<&str> {
    let until = |words: &str, ends: &[char]| {
        let (_, rest) = text.split_once(words)?;
        rest.split(ends).next()
    };
    let quoted = || {
        let (_, rest) = text
            .split_once("]: \"")
            .or_else(|| Some(("", text.strip_prefix('"')?)))?;
        let (name, rest) = rest.split_once('"')?;
        let follows = [" #", "[", ":"].iter().any(|c| rest.starts_with(c));
        follows.then_some(name)
    };
    let panos = || {
        let (head, _) = text.split_once(" ike-nego-p")?;
        let (head, name) = head.trim_end().rsplit_once(' ')?;
        (head.trim_end().ends_with(" vpn")).then_some(name)
    };
    quoted()
        .or_else(|| until("IKE_SA ", &['[']).filter(|name| !name.contains(' ')))
        .or_else(|| until(", VPN: ", &[' ', ',']))
        .or_else(|| until("vpn name: ", &[' ', ',']))
        .or_else(panos)
        .or_else(|| until("vpntunnel=\"", &['"']).filter(|name| *name != "N/A"))
}

/// One connection's parts are called `branch/1x2` or `branch{7}`, and its instances `branch[3]`.
fn alike(one: &str, other: &str) -> bool {
    let base = |name: &str| -> usize { name.find(['/', '[', '{', ':']).unwrap_or(name.len()) };
    let (one, other) = (
        one.get(..base(one)).unwrap_or(one),
        other.get(..base(other)).unwrap_or(other),
    );
    one.starts_with(other) || other.starts_with(one)
}

#[cfg(test)]
mod tests {
    use super::{alike, named_in};

    #[test]
    fn a_line_names_its_connection() {
        for line in [
            "gw pluto[900]: \"branch\" #3: authentication failed",
            "\"branch\"[2] 198.51.100.20 #3: no acceptable proposal",
            "gw pluto[900]: \"branch\": added unoriented connection",
            "05[IKE] initiating IKE_SA branch[1] to 198.51.100.20",
            "KMD_VPN_TS_MISMATCH: Traffic-selector mismatch, vpn name: branch, Peer Proposed",
            "IKE negotiation failed with error: Timed out. IKE Version: 2, VPN: branch Gateway: gw",
            "2024/03/03 10:10:00 info vpn branch ike-nego-p1-fail-psk IKE phase-1",
            "2026/11/20 09:12:31 info     vpn            branch ike-nego-p1-fail 0  IKE phase-1",
            "remip=198.51.100.20 vpntunnel=\"branch\" status=\"failure\"",
        ] {
            assert_eq!(named_in(line), Some("branch"), "{line}");
        }
        for line in [
            "05[CFG] selected peer config \"branch\"",
            "vpntunnel=\"N/A\" status=negotiate_error",
            "establishing IKE_SA failed, peer not responding",
        ] {
            assert_eq!(named_in(line).filter(|n| *n != "N/A"), None, "{line}");
        }
    }

    #[test]
    fn parts_of_a_connection_are_its_own() {
        assert!(alike("branch/1x2", "branch"));
        assert!(alike("branch", "branch[3]"));
        assert!(!alike("branch-a", "office"));
    }
}
