//! `proto-port-selector-mismatch`: the selectors agree in addresses and differ in protocol or port.

use adit_model::sign::Sign;

use super::ts_mismatch;
use crate::compare::list;
use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "proto-port-selector-mismatch",
    recurs: false,
    page: Page {
        title: "The selectors agree in addresses and differ in protocol or port",
        what: "Selectors may be restricted to a protocol and a port: 17/1701 for L2TP, 47 for GRE. If only one side restricts, or each to something else, they don't fit although the networks do.",
        initiator: "TS_UNACCEPTABLE, or INVALID_ID_INFORMATION with IKEv1.",
        responder: "The asked and the configured selectors: equal addresses, another protocol or port. Libreswan: \"peer returned port doesn't match my proposal - us: 1701 vs them: 0\".",
        look_alikes: &[("ts-mismatch", "Are the addresses the same?")],
        fix: &[
            (
                "any",
                "The same protocol and port on both sides, or none on both.",
            ),
            (
                "strongswan",
                "`local_ts = dynamic[udp/1701]`, `remote_ts = dynamic[udp/1701]`; ipsec.conf: `leftprotoport=17/1701`",
            ),
            (
                "libreswan",
                "`leftprotoport=17/1701`, `rightprotoport=17/%any`",
            ),
            (
                "vyos",
                "`set vpn ipsec site-to-site peer X tunnel N protocol` and `local port`, `remote port`",
            ),
        ],
        source: "RFC 7296 2.9, 3.13.1; RFC 3193 3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(a) = ts_mismatch::apart(s).filter(ts_mismatch::Apart::ports_alone) {
        let summary = format!(
            "the networks agree and their protocol or port doesn't: {} to {} here, {} to {} at the peer",
            list(&a.our_local),
            list(&a.our_remote),
            list(&a.their_local),
            list(&a.their_remote)
        );
        return Found {
            confidence: SAID,
            side: AtFault::Both,
            explanation: "Each side restricts the tunnel to a protocol or a port, and not to the same.".to_owned(),
            evidence: a.evidence,
            fix: Fix {
                local: format!("local_net = {}, remote_net = {}", list(&a.their_remote), list(&a.their_local)),
                remote: format!("local_ts = {}, remote_ts = {}", list(&a.our_remote), list(&a.our_local)),
            },
            message_for_peer: format!("IKE is up between {}; {summary}. Please use the same protocol and port as we do, or tell us yours.", s.gateways()),
            next: Vec::new(),
            summary,
        }
        .into();
    }
    let Some(seen) = s.sign(Sign::SelectorPortDiffers) else {
        return Judgement::Silent;
    };
    let values = match (seen.value("ours"), seen.value("theirs")) {
        (Some(ours), Some(theirs)) => format!(": {ours} here, {theirs} there"),
        _ => String::new(),
    };
    Found::by(seen, SAID, format!("the peer's selector has another protocol or port than ours{values}"))
        .at(AtFault::Both)
        .with(s.signs_of(Sign::SelectorPortDiffers).map(|x| x.fact))
        .because("The tunnel is restricted to a protocol and a port, and the two sides don't mean the same.")
        .fix("set the same protocol and port for the tunnel on both sides (for L2TP: 17/1701, with 17/%any for clients)")
        .done()
}
