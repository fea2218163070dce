//! `nat-t-disabled`: a NAT lies between the gateways, and one of them does no NAT traversal.

use adit_model::sign::Sign;

use crate::finding::{SAID, SYMPTOM};
use crate::nat;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

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
    let found = nat::behind(s).is_some_and(|(us, peer)| us || peer);
    let off = s.sign(Sign::NatTraversalOff);
    let unsupported = s
        .nat
        .iter()
        .rev()
        .find(|n| !n.peer_supports && (n.local_behind || n.remote_behind));
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
        (Some(seen), _) if !s.up && !s.refused_or_told() => Judgement::Possible {
            weight: 35,
            because: format!("NAT traversal is off at {}; with a NAT on the path nothing works without it", seen.who()),
            separated_by: "whether there is a NAT: whether packets arrive from the address that they leave from",
        },
        _ => Judgement::Silent,
    }
}
