//! `overlay-short-lifetime-noise`: lifetimes are so short that negotiating all the time is normal.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "overlay-short-lifetime-noise",
    recurs: false,
    page: Page {
        title: "Frequent negotiation is configured",
        what: "With lifetimes of a few minutes the gateways negotiate all the time; that is no flap.",
        initiator: "An exchange every few minutes, and ESP in between.",
        responder: "The same.",
        look_alikes: &[(
            "lifetime-mismatch-flap",
            "Is it configured so on both sides?",
        )],
        fix: &[
            ("any", "Nothing, or longer lifetimes."),
            (
                "illumos",
                "p2_lifetime_secs, p2_softlife_secs in /etc/inet/ike/config.",
            ),
        ],
        source: "RFC 2407 4.5; ike.config(4)",
    },
    needs: &[Need::Attempt],
    depends_on: &[],
    judge,
};

/// Below this many seconds a lifetime makes itself felt.
const SHORT: u32 = 900;

fn judge(s: &Signals<'_>) -> Judgement {
    let short = s
        .signs_of(Sign::LifetimeShort)
        .filter(|seen| {
            seen.value("seconds")
                .and_then(|n| n.parse::<u32>().ok())
                .is_some_and(|n| n < SHORT)
        })
        .last();
    let Some(seen) = short.filter(|_| s.silences.is_empty() && !s.refused_or_told()) else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        CONDITION,
        format!(
            "lifetimes are set to {} seconds, so an exchange every few minutes is normal",
            seen.value_or("seconds", "few")
        ),
    )
    .because("The negotiation that shows isn't a fault: it is how often keys are to be replaced.")
    .fix("raise the lifetimes if the exchanges are too many; otherwise nothing")
    .done()
}
