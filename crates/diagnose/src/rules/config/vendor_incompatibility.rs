//! `vendor-incompatibility`: the two products don't work together here.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "vendor-incompatibility",
    recurs: false,
    page: Page {
        title: "The two products don't work together here",
        what: "Both sides do what they were told, and one of them does it in a way that the other's version can't take: a known defect or a reading of the standard of its own.",
        initiator: "An exchange fails in an odd way, or a rekeying does, with settings that fit.",
        responder: "The same.",
        look_alikes: &[
            (
                "implementation-bug",
                "Does one side's daemon contradict itself?",
            ),
            (
                "esp-integrity-failure",
                "Is it a documented difference (truncation of SHA-256, IDs of NAT)?",
            ),
        ],
        fix: &[(
            "any",
            "Choose another algorithm, IKE version or option that both products have proved to share, or update; both sides' release notes name such pairs.",
        )],
        source: "both products' release notes",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::VendorDiffers) else {
        return Judgement::Silent;
    };
    if !s.calm() {
        return Judgement::Possible {
            weight: 15,
            because: "an incompatibility of the two products is named".to_owned(),
            separated_by: "whether another algorithm or version works",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!("an incompatibility of the two products is named at {}", seen.who()),
    )
    .because("Settings that fit on paper fail where one product reads the standard in its own way.")
    .fix("take an algorithm, an IKE version or an option that both products have proved to share, or update one of them")
    .done()
}
