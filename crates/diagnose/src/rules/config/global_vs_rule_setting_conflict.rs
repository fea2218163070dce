//! `global-vs-rule-setting-conflict`: the setting for all peers and the one for this peer differ.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "global-vs-rule-setting-conflict",
    recurs: false,
    page: Page {
        title: "The setting for all peers and the one for this peer differ",
        what: "A value is given for all and another for some peers (`p2_pfs 2` for all, `p2_pfs 5` in a rule): peers without a rule of their own get the first one.",
        initiator: "Some peers work and others don't.",
        responder: "The same.",
        look_alikes: &[
            ("pfs-mismatch", "Which rule matched the peer?"),
            (
                "wrong-ike-config-selected",
                "Is it the peer's own rule that was taken?",
            ),
        ],
        fix: &[
            (
                "any",
                "Give each peer its values in its own rule, or make both the same.",
            ),
            (
                "illumos",
                "`ikeadm get defaults`, `ikeadm dump rule`; after a change `ikeadm read rule FILE` or `svcadm refresh ike`.",
            ),
        ],
        source: "ike.config(4)",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::DefaultOverridden) else {
        return Judgement::Silent;
    };
    let other = s
        .signs_of(Sign::DefaultOverridden)
        .find(|x| x.side() == seen.side() && x.value("setting") != seen.value("setting"));
    let Some(other) = other else {
        return Judgement::Silent;
    };
    let (first, second) = (
        other.value_or("setting", "?"),
        seen.value_or("setting", "?"),
    );
    if !s.calm() {
        return Judgement::Possible {
            weight: 40,
            because: format!(
                "the group of phase 2 is {first} in one place and {second} in another"
            ),
            separated_by: "which rule matched the peer",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!(
            "the group of phase 2 at {} is {first} in one place and {second} in another",
            seen.who()
        ),
    )
    .with([other.fact])
    .because("A peer without a rule of its own gets the value for all.")
    .fix("give each rule the value that its peer has, or make both values the same")
    .then("`ikeadm dump rule`")
    .done()
}
