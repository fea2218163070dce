//! `invalid-ke-loop`: the first exchange turns in a circle.

use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

/// One retry with another group is normal, and a cookie may come before it.
const TOO_MANY: usize = 4;

pub(crate) static RULE: Rule = Rule {
    id: "invalid-ke-loop",
    recurs: false,
    page: Page {
        title: "The first exchange turns in a circle",
        what: "The responder asks for another group (INVALID_KE_PAYLOAD) or a cookie again and again, and the initiator never brings what is wanted: it doesn't change its group, alternates between two, or loses the cookie.",
        initiator: "IKE_SA_INIT is sent over and over with growing numbers of tries; \"giving up after N retries\".",
        responder: "INVALID_KE_PAYLOAD or COOKIE is answered each time.",
        look_alikes: &[
            (
                "ike-dh-group-mismatch",
                "Does the initiator's configuration contain the group that is asked for?",
            ),
            (
                "cookie-challenge-fails",
                "Is it a cookie that is asked for?",
            ),
        ],
        fix: &[(
            "any",
            "Put the group that the peer asks for first in the proposals, on both sides the same; update the product that doesn't follow.",
        )],
        source: "RFC 7296 1.2, 2.6, 2.7",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["ike-dh-group-mismatch"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    const WHY: &str = "One retry with the wanted group is normal. Here the same is asked for again and again, so the initiator doesn't bring it.";
    const FIX: &str = "put the wanted group first in the IKE proposals of both sides, and update the side that doesn't follow";
    if let Some(seen) = s.sign(Sign::FirstExchangeLoops) {
        return Found::by(
            seen,
            SAID - 0.05,
            "the first exchange turns in a circle: what the responder asks for never comes",
        )
        .at(AtFault::Both)
        .because(WHY)
        .fix(FIX)
        .done();
    }
    for side in [Side::Local, Side::Remote] {
        let asked: Vec<_> = s
            .happenings(side)
            .filter(|(_, h)| matches!(h, Happening::KeRetry { .. }))
            .map(|(fact, _)| fact)
            .collect();
        // Who asks again for what it was just given will ask so for ever.
        let same = s.happenings(side).find(|(_, h)| {
            // A capture may not show which.
            matches!(h, Happening::KeRetry { from, to, .. } if to != "?" && from.eq_ignore_ascii_case(to))
        });
        if let Some((fact, Happening::KeRetry { to, .. })) = same {
            return Found::on(
                fact,
                COUNTED,
                AtFault::Both,
                format!("key exchange group {to} was refused, and the same asked for"),
            )
            .because(WHY)
            .fix(FIX)
            .done();
        }
        if asked.len() >= TOO_MANY
            && let Some(last) = asked.last()
        {
            return Found::on(
                last,
                COUNTED,
                AtFault::Both,
                format!(
                    "another key exchange group was asked for {} times in one attempt",
                    asked.len()
                ),
            )
            .with(asked.iter().copied())
            .because(WHY)
            .fix(FIX)
            .done();
        }
    }
    to_and_fro(s).unwrap_or(Judgement::Silent)
}

/// The group that was asked for is brought, refused, and the first one asked for: each request begins an attempt of its
/// own in some logs.
fn to_and_fro(s: &Signals<'_>) -> Option<Judgement> {
    let asked: Vec<_> = s
        .case
        .happenings()
        .filter_map(|(fact, h)| match h {
            Happening::KeRetry { from, to, .. } => Some((fact, from, to)),
            _ => None,
        })
        .collect();
    let [.., (earlier, a, b), (later, from, to)] = asked.as_slice() else {
        return None;
    };
    let agreed = s
        .case
        .of(later.side)
        .skip_while(|fact| !core::ptr::eq(*fact, *later))
        .any(|fact| {
            matches!(
                &fact.what,
                Known::Happened {
                    happening: Happening::IkeProposalChosen { .. }
                        | Happening::IkeEstablished { .. }
                }
            )
        });
    if agreed || s.up || *to == "?" || earlier.side != later.side || (a, b) != (to, from) {
        return None;
    }
    Some(
        Found::on(
            later,
            COUNTED,
            AtFault::Both,
            format!("key exchange group {from} was asked for, brought and refused for {to}"),
        )
        .with([*earlier])
        .because("The responder asks for a group, and refuses it when it comes: two of its connections, or of its proposals, want different ones.")
        .fix("configure one group alone, the same on both sides")
        .done(),
    )
}
