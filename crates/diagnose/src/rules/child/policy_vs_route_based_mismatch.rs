//! `policy-vs-route-based-mismatch`: one side has everything as selectors, the other a list of networks.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::config::Configs;
use crate::finding::{CONDITION, SAID};
use crate::plane::Carried;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "policy-vs-route-based-mismatch",
    recurs: false,
    page: Page {
        title: "One side is route-based (everything), the other policy-based (a list of networks)",
        what: "A route-based gateway asks for 0.0.0.0/0 on both ends and lets routes decide; a policy-based one has a list of networks and wants exactly those. Some products narrow, others refuse.",
        initiator: "TS_UNACCEPTABLE, INVALID_ID_INFORMATION, or a delete at once.",
        responder: "ASA: \"no matching crypto map entry for remote proxy 0.0.0.0/0.0.0.0/0/0 local proxy 0.0.0.0/0.0.0.0/0/0\".",
        look_alikes: &[("ts-mismatch", "Is one side 0.0.0.0/0 on both ends?")],
        fix: &[
            (
                "any",
                "One model for both: networks (proxy IDs) on the route-based side, or a virtual tunnel interface on the other.",
            ),
            (
                "panos",
                "Proxy IDs in the IPsec tunnel, one per pair of networks.",
            ),
            ("azure", "UsePolicyBasedTrafficSelectors on the connection."),
            (
                "fortigate",
                "`src-subnet` and `dst-subnet` of phase 2 instead of 0.0.0.0/0.",
            ),
            (
                "cisco",
                "a tunnel interface (VTI) instead of the crypto map, or networks at the peer.",
            ),
            (
                "aws",
                "0.0.0.0/0 at both ends, or one pair of networks at the customer gateway.",
            ),
        ],
        source: "RFC 7296 2.9",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let found = s.signs_of(Sign::TrafficRefused).find(|x| {
        x.value("local").is_some_and(everything) && x.value("remote").is_some_and(everything)
    });
    let Some(seen) = found else {
        return narrowed(s);
    };
    Found::by(
        seen,
        SAID,
        format!("the other side asks for everything (0.0.0.0/0 on both ends), and {} has a list of networks", seen.who()),
    )
    .at(AtFault::Both)
    .because("A route-based gateway meets a policy-based one, which finds no entry for everything.")
    .fix("use one model on both sides: the same networks (proxy IDs) at the route-based side, or a tunnel interface with 0.0.0.0/0 at the policy-based one")
    .done()
}

/// A selector that takes every address, as products write it.
/// It came up all the same, with the networks of the one that has a list, and carries nothing through the other's interface.
fn narrowed(s: &Signals<'_>) -> Judgement {
    let sides = [Side::Local, Side::Remote];
    let all: Vec<Carried<'_>> = sides
        .into_iter()
        .flat_map(|side| s.each_carried(side))
        .collect();
    let Some(sending) = all.iter().find(|c| c.only_sends()) else {
        return Judgement::Silent;
    };
    // What arrives nowhere may be lost on the way as well, which a single side can't tell.
    if all.len() < 2 || all.iter().any(|c| c.received != Some(0)) || !s.listed_up(true) {
        return Judgement::Silent;
    }
    let Some(lines) = Configs::of(s.case).interface_and_list() else {
        return Judgement::Silent;
    };
    Found {
        confidence: CONDITION,
        side: AtFault::Both,
        summary: "the SAs stand and nothing arrives: one side has a tunnel interface, the other a list of networks".to_owned(),
        explanation: "The two agreed on the networks of the list. What comes through the SA of a tunnel interface is taken in only as far as its selectors and its mark let it.".to_owned(),
        evidence: quote(sending.facts.iter().copied())
            .into_iter()
            .chain(lines)
            .collect(),
        fix: Fix {
            local: "use one model on both sides: a tunnel interface with 0.0.0.0/0 and routes, or the same list of networks".to_owned(),
            remote: "the same".to_owned(),
        },
        message_for_peer: "Our SAs stand, and what one of us sends isn't taken in by the other. One of us has a tunnel interface (VTI), the other a list of networks. Can you use the same as we do?".to_owned(),
        next: vec!["on the side that receives nothing: ip -s xfrm state, /proc/net/xfrm_stat and tcpdump -ni IFACE 'udp port 4500 or esp'".to_owned()],
    }
    .into()
}

fn everything(selector: &str) -> bool {
    [
        "0.0.0.0/0.0.0.0",
        "0.0.0.0/0",
        "0.0.0.0-255.255.255.255",
        "::/0",
    ]
    .iter()
    .any(|all| selector.trim().starts_with(all))
}
