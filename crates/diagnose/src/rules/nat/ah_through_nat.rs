//! `ah-through-nat`: AH is used across a NAT.

use adit_model::fact::Side;

use crate::finding::SYMPTOM;
use crate::nat;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ah-through-nat",
    recurs: false,
    page: Page {
        title: "AH can't pass a NAT",
        what: "AH authenticates the addresses of the outer header; a NAT changes them, so every packet fails.",
        initiator: "The tunnel is up and nothing arrives.",
        responder: "Packets of protocol 51 fail their integrity check.",
        look_alikes: &[("esp-integrity-failure", "Is it AH or ESP that fails?")],
        fix: &[("any", "Use ESP with NAT traversal.")],
        source: "RFC 4302 1; RFC 3715 2.1",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let ah = [Side::Local, Side::Remote]
        .into_iter()
        .find_map(|by| s.flows(by).find(|f| f.protocol == "ah" && f.packets > 0));
    match (ah, nat::behind(s)) {
        (Some(flow), Some((us, peer))) if us || peer => Found::on(
            flow.fact,
            SYMPTOM,
            AtFault::Both,
            "AH is used across a NAT, where each packet's integrity check fails",
        )
        .with(s.nat.last().map(|n| n.fact))
        .because("AH covers the outer addresses, and the NAT changes them.")
        .fix("use ESP instead of AH")
        .done(),
        _ => Judgement::Silent,
    }
}
