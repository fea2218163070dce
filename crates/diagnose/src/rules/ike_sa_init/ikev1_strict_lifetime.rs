//! `ikev1-strict-lifetime`: a peer insists on its own lifetime.

use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "ikev1-strict-lifetime",
    recurs: false,
    page: Page {
        title: "The lifetimes differ, and the responder is strict about it",
        what: "IKEv1 offers a lifetime with each proposal. Most take the shorter; some refuse a longer one (racoon's proposal_check strict or exact, old firmware).",
        initiator: "NO_PROPOSAL_CHOSEN or silence, although all algorithms fit.",
        responder: "racoon: \"long lifetime proposed: my:… peer:…\", \"lifetime mismatched\".",
        look_alikes: &[(
            "ike-proposal-mismatch",
            "Do the algorithms fit and only the lifetime not?",
        )],
        fix: &[
            (
                "any",
                "The same lifetimes on both sides, for phase 1 and phase 2.",
            ),
            ("racoon", "`proposal_check obey;` or `claim`."),
        ],
        source: "RFC 2409 4.5; RFC 2407 4.5",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::LifetimeRefused) else {
        return Judgement::Silent;
    };
    let values = match (seen.value("offered"), seen.value("configured")) {
        (Some(offered), Some(own)) => format!(": {offered} s was offered, {own} s is configured"),
        _ => String::new(),
    };
    // That no proposal is suitable then follows from it, unless algorithms are refused by name.
    let named = s
        .signs_of(Sign::IkeProposalsRefused)
        .any(|x| x.fact.source.text.contains("rejected "));
    Found::by(
        seen,
        if named { SAID - 0.03 } else { SAID },
        format!("{} refuses the lifetime that is offered{values}", seen.who()),
    )
    .at(crate::verdict::AtFault::Both)
    .because("This side takes no proposal with another lifetime than its own, whatever the algorithms.")
    .fix("set the same lifetimes on both sides, or let this side take the peer's (racoon: proposal_check obey)")
    .done()
}
