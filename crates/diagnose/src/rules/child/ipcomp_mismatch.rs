//! `ipcomp-mismatch`: one side compresses and the other doesn't.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ipcomp-mismatch",
    recurs: false,
    page: Page {
        title: "One side wants compression and the other doesn't",
        what: "IP compression (IPComp) is negotiated beside ESP. With one side only it is left out, or, with some pairs, half of it is set up and packets of protocol 108 are dropped.",
        initiator: "strongSwan: \"peer didn't accept our proposed IPComp transforms, IPComp is disabled\".",
        responder: "strongSwan: \"received IPCOMP_SUPPORTED notify but IPComp is disabled, ignoring\".",
        look_alikes: &[(
            "decrypted-traffic-blocked",
            "Does a filter drop IP protocol 108?",
        )],
        fix: &[
            (
                "any",
                "The same on both sides; better off: most traffic is compressed or encrypted already.",
            ),
            ("strongswan", "`ipcomp = no` (`compress=no`)"),
            ("libreswan", "`compress=no`"),
        ],
        source: "RFC 7296 2.22; RFC 3173",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "esp-proposal-mismatch",
        "ts-mismatch",
        "pfs-mismatch",
        "mode-mismatch",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::CompressionRefused).filter(|_| !s.up) else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        CONDITION,
        "one side wants compression (IPComp) and the other doesn't",
    )
    .at(AtFault::Both)
    .because("It is the only thing that the evidence shows the sides to disagree on.")
    .fix("switch compression off on both sides")
    .done()
}
