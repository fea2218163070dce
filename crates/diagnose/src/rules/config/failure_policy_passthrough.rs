//! `failure-policy-passthrough`: traffic passes in clear while negotiation fails.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "failure-policy-passthrough",
    recurs: false,
    page: Page {
        title: "Traffic passes in clear while negotiation fails",
        what: "The policy for the time without an SA says to let traffic through (`failureshunt=passthrough`, `%pass`, level *use*): whenever negotiation fails, packets leave in clear.",
        initiator: "It works, unencrypted, and IKE fails again and again.",
        responder: "Packets in clear between attempts.",
        look_alikes: &[
            (
                "cleartext-leak-no-policy",
                "Is there a policy, and does it say *pass* on failure?",
            ),
            (
                "bypass-too-broad",
                "Is it a rule of its own, or what follows a failure?",
            ),
        ],
        fix: &[
            (
                "any",
                "Let failure block: drop in place of pass, *require* in place of *use*.",
            ),
            (
                "libreswan",
                "`failureshunt=drop`, `negotiationshunt=hold`; remove opportunistic groups that fall back to clear.",
            ),
            (
                "adit",
                "`policy = \"required\"`, which is the default; \"optional\" is for the time of a roll-out.",
            ),
            (
                "racoon",
                "level `require` or `unique` in setkey's policies.",
            ),
        ],
        source: "RFC 4301 4.4.1; ipsec.conf(5), failureshunt",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let chosen = |x: &Seen<'_>| x.value("of") == Some("anybody");
    let mut clear = s.signs_of(Sign::ClearOnFailure);
    let Some(first) = clear.next() else {
        return Judgement::Silent;
    };
    // Connections for whoever may come do without where nobody answers: that is what they are for.
    let other = core::iter::once(first).chain(clear).find(|x| !chosen(x));
    let seen = other.unwrap_or(first);
    if !s.calm() || chosen(&seen) {
        return Judgement::Possible {
            weight: 15,
            because: "traffic is let through in clear while there is no SA".to_owned(),
            separated_by: "why there is no SA, and what the failure policy is",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!("{} lets traffic pass in clear while there is no SA", seen.who()),
    )
    .because("A failed negotiation then looks like a tunnel that works, and nothing is protected.")
    .fix("let a failed negotiation block the traffic (Libreswan: failureshunt=drop; setkey: level require)")
    .then("`ipsec shuntstatus`, `ip xfrm policy`")
    .done()
}
