//! `debug-or-test-rule-left`: a setting for tests is still on.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "debug-or-test-rule-left",
    recurs: false,
    page: Page {
        title: "A setting for tests is still on",
        what: "A rule or a switch that was set to find a fault (protocol ICMP only, all networks, a test port, `impair`) is still there and shapes what the tunnel does.",
        initiator: "Odd selectors, odd messages, or a port that is open to nobody's use.",
        responder: "The same.",
        look_alikes: &[
            ("overbroad-remote-selector", "Was it meant to last?"),
            (
                "implementation-bug",
                "Was the odd message asked for by a switch?",
            ),
        ],
        fix: &[
            (
                "any",
                "Remove the rule or the switch, and compare with the configuration of record.",
            ),
            ("libreswan", "`ipsec whack --impair none`."),
            (
                "illumos",
                "`ipsecconf -l`; remove the rule from ipsecinit.conf and refresh the service.",
            ),
        ],
        source: "the configuration of record",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::TestSettingOn) else {
        return Judgement::Silent;
    };
    let what = seen.value_or("what", "a rule for tests");
    // A switch that breaks messages on purpose is most often part of somebody's test of something else.
    if !s.calm()
        || seen
            .fact
            .source
            .text
            .to_ascii_lowercase()
            .contains("impair")
    {
        return Judgement::Possible {
            weight: 10,
            because: format!("a setting for tests is on: {what}"),
            separated_by: "whether the fault stays when it is off",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!("a setting for tests is still on at {}: {what}", seen.who()),
    )
    .because("It was made to find a fault and wasn't removed.")
    .fix("remove the rule or the switch, and load the configuration again")
    .done()
}
