//! `nat-ipsec-passthrough`: a NAT that means to help with IPsec gets in the way.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "nat-ipsec-passthrough",
    recurs: false,
    page: Page {
        title: "A NAT with IPsec passthrough is in the way",
        what: "Some routers know IPsec: they keep UDP port 500, follow one client's SPIs, and so break NAT traversal or allow one client only.",
        initiator: "A second client behind the same NAT breaks the first; or the exchange stops where it should move to 4500.",
        responder: "The peer is behind a NAT and still comes from port 500. Openswan: \"IPsec-passthrough NAT device suspected\".",
        look_alikes: &[
            (
                "uniqueness-kicks-peer",
                "Is it the same address, or the same identity?",
            ),
            ("udp4500-blocked", "Does anything arrive on UDP 4500?"),
        ],
        fix: &[(
            "any",
            "Switch IPsec passthrough (IPsec ALG) off in the router, so that UDP 4500 is used.",
        )],
        source: "RFC 3947 4; RFC 3715",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s
        .sign(Sign::NatPassthrough)
        .filter(|_| !s.up && !s.refused_or_told())
    else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        CONDITION,
        "a NAT on the path handles IPsec itself: the peer is behind it and still comes from port 500",
    )
    .at(crate::verdict::AtFault::Path)
    .because("A NAT that only translates would have changed the port, and both sides would move to 4500. This one follows IPsec on its own, which NAT traversal doesn't survive.")
    .fix("switch IPsec passthrough (IPsec ALG) off in the NAT router of the side behind it")
    .done()
}
