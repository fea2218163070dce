//! `dynamic-ip-changed`: the address of one end changed.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "dynamic-ip-changed",
    recurs: true,
    page: Page {
        title: "The address of one end changed",
        what: "A dynamic address changed (DHCP, PPPoE, mobile). With MOBIKE the tunnel moves along; without it the peer goes on sending to the old address until it notices.",
        initiator: "strongSwan: \"old path is not available anymore, try to find another\", \"local endpoint changed from A to B\".",
        responder: "IKE from an address that isn't known.",
        look_alikes: &[
            (
                "nat-rebinding",
                "Did our own address change, or the one that a NAT gives?",
            ),
            ("peer-address-wrong", "Was the address ever right?"),
        ],
        fix: &[
            (
                "any",
                "MOBIKE; an identity that isn't the address; a name with dynamic DNS at the peer.",
            ),
            (
                "strongswan",
                "`mobike = yes`, `remote_addrs = name or %any`, identities by name",
            ),
            ("libreswan", "`mobike=yes`, `right=%any`, `rightid=@name`"),
        ],
        source: "RFC 4555",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["peer-unreachable"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let all: Vec<Seen<'_>> = s
        .ever(Sign::AddressChanged)
        .into_iter()
        .filter(|x| moved(*x))
        .collect();
    let Some(seen) = all.last() else {
        return Judgement::Silent;
    };
    // MOBIKE did what it is for.
    if s.up {
        return Judgement::Silent;
    }
    let change = match (seen.value("from"), seen.value("to")) {
        (Some(from), Some(to)) => format!(" from {from} to {to}"),
        _ => String::new(),
    };
    Found::by(*seen, SYMPTOM, format!("an address of the tunnel's ends changed{change}, and the tunnel didn't come along"))
        .with(all.iter().map(|x| x.fact))
        .because("After the change there is no tunnel: the other side still has the old address.")
        .fix("use MOBIKE where both sides can, identities that aren't addresses, and a name with dynamic DNS for the side whose address changes")
        .done()
}

/// Whether it is another address, not only another port, or the first one at all.
fn moved(seen: Seen<'_>) -> bool {
    let address = |name| seen.value(name).map(|v| v.split('[').next().unwrap_or(v));
    match (address("from"), address("to")) {
        (Some(from), Some(to)) => from != to && !matches!(from, "0.0.0.0" | "%any" | "::"),
        _ => true,
    }
}
