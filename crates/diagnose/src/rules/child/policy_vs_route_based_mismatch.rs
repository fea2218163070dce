//! `policy-vs-route-based-mismatch`: one side has everything as selectors, the other a list of networks.

use adit_model::sign::Sign;

use crate::finding::SAID;
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
        return Judgement::Silent;
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
