//! `nat-t-disabled`: a NAT lies between the gateways, and one of them does no NAT traversal.

use std::net::IpAddr;

use adit_model::event::Happening;
use adit_model::fact::Known;
use adit_model::reason::Refusal;
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::compare::list;
use crate::finding::{SAID, SYMPTOM};
use crate::nat;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, notify, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "nat-t-disabled",
    recurs: false,
    page: Page {
        title: "NAT traversal is off, and there is a NAT",
        what: "A NAT can't translate ESP, and changes the addresses that IKE authenticates. With NAT traversal both sides notice it and put everything into UDP 4500; one of them has it switched off or doesn't know it.",
        initiator: "IKE may get through, and ESP (protocol 50) never comes back; or the exchange stops after the first messages.",
        responder: "IKE comes from the NAT's address, and ESP doesn't come.",
        look_alikes: &[
            (
                "udp4500-blocked",
                "Does IKE move to UDP 4500, or stay on 500?",
            ),
            (
                "esp-blocked",
                "Is there a NAT at all: does the source address differ between the two captures?",
            ),
        ],
        fix: &[
            ("any", "Switch NAT traversal on at both sides."),
            ("openswan", "nat_traversal=yes in `config setup`."),
            (
                "libreswan",
                "nothing to switch since 3.x; encapsulation=yes forces it.",
            ),
            ("vyos", "force-udp-encapsulation where detection fails."),
            (
                "cisco",
                "`crypto ipsec nat-transparency udp-encapsulation`; ASA: `crypto isakmp nat-traversal 20`.",
            ),
            ("fortinet", "set nattraversal enable."),
            ("pan-os", "IKE gateway, Advanced: Enable NAT Traversal."),
            ("racoon", "nat_traversal on;"),
            ("juniper", "delete no-nat-traversal."),
        ],
        source: "RFC 3947; RFC 3948; RFC 7296 2.23",
    },
    needs: &[Need::TwoSidedCapture, Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(judgement) = forbidden(s) {
        return judgement;
    }
    let found = nat::behind(s).is_some_and(|(us, peer)| us || peer);
    let off = s.sign(Sign::NatTraversalOff);
    let unsupported = s
        .nat
        .iter()
        .rev()
        .find(|n| !n.peer_supports && (n.local_behind || n.remote_behind));
    if let Some(found) = off.and_then(|off| host_behind(s, off)) {
        return found;
    }
    match (off, unsupported) {
        (Some(seen), _) if found && !s.up => Found::by(
            seen,
            SAID,
            format!("{} does no NAT traversal, and there is a NAT on the path", seen.who()),
        )
        .with(s.nat.last().map(|n| n.fact))
        .because("Behind a NAT everything after the first messages has to travel in UDP 4500, which needs NAT traversal on both sides.")
        .fix("switch NAT traversal on (Openswan: nat_traversal=yes; FortiGate: set nattraversal enable; Cisco: crypto isakmp nat-traversal)")
        .done(),
        (None, Some(nat)) if !s.up && !s.refused_or_told() => Found::on(
            nat.fact,
            SYMPTOM,
            crate::verdict::AtFault::from(nat.side.other()),
            "there is a NAT on the path, and one side doesn't announce NAT traversal",
        )
        .because("A NAT was found, and the other side's first messages don't announce NAT traversal.")
        .fix("switch NAT traversal on")
        .done(),
        (Some(seen), _) if !s.up && !s.refused_or_told() && nat::behind_router(s).is_some() => Found::by(
            seen,
            SYMPTOM,
            format!("{} does no NAT traversal, and a router with a private address stands between it and the peer", seen.who()),
        )
        .with(nat::behind_router(s))
        .because("The way to the peer leads to a next hop with a private address, and the peer's own isn't private: somebody on the way translates (a cloud's public address, a provider's router). Behind a NAT everything after the first messages has to travel in UDP 4500.")
        .fix("switch NAT traversal on (FortiGate: set nattraversal enable; Openswan: nat_traversal=yes; Cisco: crypto isakmp nat-traversal), bind the tunnel to the interface's own address, and write our public address as our identity")
        .then("the interface's own address, and the source address of our packets as they arrive at the peer")
        .done(),
        (Some(seen), _) if !s.up && !s.refused_or_told() => Judgement::Possible {
            weight: 35,
            because: format!("NAT traversal is off at {}; with a NAT on the path nothing works without it", seen.who()),
            separated_by: "whether there is a NAT: whether packets arrive from the address that they leave from",
        },
        _ => Judgement::Silent,
    }
}

/// An SA with a peer whose own address is a private one, and none of ours that is: it is behind a NAT, and ESP doesn't go
/// in UDP.
fn host_behind(s: &Signals<'_>, off: Seen<'_>) -> Option<Judgement> {
    let private = |of: &[Selector]| {
        of.iter()
            .any(|x| x.start == x.end && matches!(x.start, IpAddr::V4(a) if a.is_private()))
    };
    let public = |of: &[Selector]| {
        of.iter()
            .any(|x| x.start == x.end && matches!(x.start, IpAddr::V4(a) if !a.is_private()))
    };
    let up = s.case.facts.iter().rfind(|f| match &f.what {
        Known::Happened {
            happening:
                Happening::ChildEstablished {
                    ts_local,
                    ts_remote,
                    udp_encap: false,
                    ..
                },
        } => private(ts_remote) && (ts_local.is_empty() || public(ts_local)),
        _ => false,
    })?;
    s.refused.is_empty().then(|| {
        Found::by(
            off,
            SYMPTOM,
            format!("{} does no NAT traversal, and the peer is behind a NAT: the host in the SA has a private address", off.who()),
        )
        .with([up])
        .because("The SA is for the peer's own address, which isn't the one that its packets come from. Without NAT traversal ESP goes without UDP, and the NAT doesn't let it through.")
        .fix("switch NAT traversal on (Openswan: nat_traversal=yes; FortiGate: set nattraversal enable; Cisco: crypto isakmp nat-traversal)")
        .done()
    })
}

/// One side forbids translation (NO_NATS_ALLOWED, RFC 4555 3.9), as who has no NAT traversal has to, and there is a NAT.
fn forbidden(s: &Signals<'_>) -> Option<Judgement> {
    let refused = s.refusal(|r| match r {
        Refusal::Translated { sent, seen } => Some((list(sent), list(seen))),
        _ => None,
    });
    let found = match (refused, s.told_at_all(notify::UNEXPECTED_NAT_DETECTED)) {
        (Some((r, (sent, seen))), _) => Found::on(
            r.fact,
            SAID,
            AtFault::Both,
            format!(
                "no NAT is allowed between the gateways, and there is one: what was sent between {sent} came to {} between {seen}",
                who(r.side)
            ),
        ),
        (None, Some(told)) => Found::on(
            told.fact,
            SAID,
            AtFault::Both,
            format!(
                "no NAT is allowed between the gateways, and {} found one (UNEXPECTED_NAT_DETECTED)",
                who(told.side.other())
            ),
        ),
        (None, None) => return None,
    };
    Some(
        found
            .because("A gateway whose peer does no NAT traversal takes addresses that change on the way for an attack.")
            .fix("switch NAT traversal on at both sides, or take the NAT away from between them")
            .done(),
    )
}
