//! `dynamic-ip-changed`: the address of one end changed.

use std::net::IpAddr;

use adit_model::fact::Side;
use adit_model::host::KernelPolicy;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, notify, who};
use crate::verdict::AtFault;
use crate::xfrm::words;

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
    if let Some(judgement) = left_behind(s).or_else(|| refused(s)) {
        return judgement;
    }
    let all: Vec<Seen<'_>> = s
        .ever(Sign::AddressChanged)
        .into_iter()
        .filter(|x| moved(*x))
        .collect();
    let Some(seen) = all.last() else {
        return gone(s).unwrap_or(Judgement::Silent);
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

/// One side moved, the other was told so by MOBIKE and doesn't follow it there (RFC 4555 3.5).
fn refused(s: &Signals<'_>) -> Option<Judgement> {
    const WHY: &str =
        "The addresses of one side changed, and it asked the other to go on between the new ones.";
    let refused = s.refusal(|r| match r {
        Refusal::Addresses { from, to, problem } => Some((from, to, problem)),
        _ => None,
    });
    let found = match (refused, s.told_at_all(notify::UNACCEPTABLE_ADDRESSES)) {
        (Some((r, (from, to, problem))), _) => Found::on(
            r.fact,
            SAID,
            AtFault::Both,
            format!(
                "{} doesn't go on from {from} to {to}: {problem}",
                who(r.side)
            ),
        ),
        (None, Some(told)) => Found::on(
            told.fact,
            SAID - 0.05,
            AtFault::Both,
            format!(
                "{} doesn't go on at the address that changed (UNACCEPTABLE_ADDRESSES)",
                who(told.side.other())
            ),
        ),
        (None, None) => return None,
    };
    Some(found.because(WHY)
        .fix("let the connection take the peer's other addresses (adit: remote = \"any\" or a name; identities that aren't addresses), or set the tunnel up anew between the new ones")
        .done())
}

/// Whether it is another address, not only another port, or the first one at all.
fn moved(seen: Seen<'_>) -> bool {
    match (
        seen.value("from").map(address),
        seen.value("to").map(address),
    ) {
        (Some(from), Some(to)) => from != to && !matches!(from, "0.0.0.0" | "%any" | "::"),
        _ => true,
    }
}

/// IKE follows an end to its new address, and the kernel's policies, listed after that, name the old one.
fn left_behind(s: &Signals<'_>) -> Option<Judgement> {
    let changes = [Sign::AddressChanged, Sign::NatMappingChanged];
    let seen = changes
        .into_iter()
        .flat_map(|sign| s.ever(sign))
        .rfind(|x| moved(*x) && x.value("from").is_some())?;
    let (from, to) = (address(seen.value("from")?), address(seen.value("to")?));
    let spd = s.kernel(seen.side())?;
    let names = |p: &KernelPolicy, a: &str| p.templates.iter().any(|t| t.from == a || t.to == a);
    let (fact, _) = spd.protecting("out").find(|(_, p)| names(p, from))?;
    let after =
        fact.source.name == seen.fact.source.name && fact.source.line > seen.fact.source.line;
    let moved = spd.protecting("out").any(|(_, p)| names(p, to));
    (after && !moved).then(|| {
        Found::by(
            seen,
            COUNTED,
            format!("an end of the tunnel moved from {from} to {to}, and the kernel's policies still name {from}"),
        )
        .with([fact])
        .because("IKE goes on with the new address, and what the tunnel carries is sent to the old one.")
        .fix("take the tunnel down and up again; use MOBIKE on both sides, so that the SAs and policies move too")
        .done()
    })
}

/// The policies name an address of this host that it doesn't have any more.
fn gone(s: &Signals<'_>) -> Option<Judgement> {
    let side = Side::Local;
    let spd = s.kernel(side)?;
    if let Some(((fact, policy), (sa_fact, sa))) = spd.other_peer().filter(|_| s.calm()) {
        return Some(
            Found::on(
                fact,
                SYMPTOM,
                side.into(),
                format!(
                    "the policy {} sends to another address than its SA, which goes to {}",
                    words(policy),
                    sa.to
                ),
            )
            .with([sa_fact])
            .because("Both have the same reqid and the same address of ours: the peer's address changed, and the policy wasn't moved with the SA.")
            .fix("take the tunnel down and up again; use MOBIKE on both sides, so that SAs and policies move together")
            .done(),
        );
    }
    let has = s.addresses(side)?;
    let (fact, policy) = spd.protecting("out").next()?;
    let template = policy.templates.first()?;
    let specified = |a: &str| a.parse::<IpAddr>().is_ok_and(|a| !a.is_unspecified());
    let all = spd
        .protecting("out")
        .flat_map(|(_, p)| &p.templates)
        .all(|t| specified(&t.from) && !has.contains(&t.from.as_str()));
    if !all || !s.calm() {
        return None;
    }
    // Two hosts may be pasted one after the other.
    if !s.same_host(side) {
        return Some(Judgement::Possible {
            weight: 40,
            because: format!(
                "the kernel's policies send from {}, which isn't in the list of addresses",
                template.from
            ),
            separated_by: "whether the policies and the addresses are the same host's",
        });
    }
    Some({
        Found::on(
            fact,
            SYMPTOM,
            side.into(),
            format!("the kernel's policies send from {}, which is no address of this host any more", template.from),
        )
        .because("The list of the host's addresses doesn't have it: it changed after the tunnel was set up.")
        .fix("set the tunnel up anew, and let the daemon follow addresses that change (MOBIKE, left=%defaultroute or local_addrs=%any)")
        .done()
    })
}

/// `192.0.2.1` of `192.0.2.1:4500` and of `192.0.2.1[4500]`.
fn address(text: &str) -> &str {
    let text = text.split('[').next().unwrap_or(text);
    match text.rsplit_once(':') {
        Some((head, port)) if !head.contains(':') && port.parse::<u16>().is_ok() => head,
        _ => text.trim_end_matches([',', '.']),
    }
}
