//! `policy-vs-route-based-mismatch`: one side has everything as selectors, the other a list of networks.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::config::Configs;
use crate::finding::SAID;
use crate::plane::Carried;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

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

/// It came up all the same, with the networks of the one that has a list, and carries nothing. What is lost on the way looks
/// the same.
fn narrowed(s: &Signals<'_>) -> Judgement {
    let all: Vec<Carried<'_>> = [Side::Local, Side::Remote]
        .into_iter()
        .flat_map(|side| s.each_carried(side))
        .collect();
    let one_way = all.iter().any(Carried::only_sends);
    let arrives = all.iter().any(|c| c.received != Some(0));
    if !one_way || arrives || !s.listed_up(true) || !Configs::of(s.case).interface_and_list() {
        return Judgement::Silent;
    }
    Judgement::Possible {
        weight: 66,
        because: "one side has a tunnel interface, the other a list of networks, and nothing of what is sent into the tunnel is taken in".to_owned(),
        separated_by: "whether packets arrive at the side that takes nothing in: tcpdump -ni IFACE 'udp port 4500 or esp' there, and /proc/net/xfrm_stat",
    }
}

/// A selector that takes every address, as products write it.
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
