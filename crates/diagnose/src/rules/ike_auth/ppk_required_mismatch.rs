//! `ppk-required-mismatch`: a post-quantum pre-shared key is missing on one side.

use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::reason::{PpkProblem, Refusal};
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify};
use crate::waiting;

pub(crate) static RULE: Rule = Rule {
    id: "ppk-required-mismatch",
    recurs: false,
    page: Page {
        title: "A post-quantum pre-shared key is required and missing",
        what: "With RFC 8784 both sides mix an additional key (PPK) into the IKE SA. One side insists on it, and the other has none, another identity for it, or doesn't support it.",
        initiator: "AUTHENTICATION_FAILED, or our own end with \"PPK required but peer does not support PPK\".",
        responder: "strongSwan: \"PPK required but no PPK found for …\"; Libreswan: \"connection requires a valid PPK\".",
        look_alikes: &[(
            "psk-mismatch",
            "Is USE_PPK in the first messages of both sides?",
        )],
        fix: &[
            (
                "any",
                "Set the same PPK with the same PPK_ID on both sides, or make it optional on both until it is rolled out.",
            ),
            (
                "adit",
                "`ppk = { id = …, file = …, required = false }` until both sides have it.",
            ),
            (
                "strongswan",
                "`ppk_id`, `ppk_required`, `secrets { ppk-x { id = … secret = … } }`.",
            ),
            (
                "libreswan",
                "`ppk=yes|insist`, a PPKS line in ipsec.secrets.",
            ),
        ],
        source: "RFC 8784 3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s.refusal(|r| match r {
        Refusal::Ppk { problem, .. } => Some((*problem, r.to_string())),
        _ => None,
    });
    if let Some((r, (problem, said))) = refused {
        let side = match problem {
            PpkProblem::NoKey => r.side.into(),
            _ => crate::verdict::AtFault::Both,
        };
        return Found::on(r.fact, SAID, side, said)
            .because("One side mixes an additional pre-shared key in (RFC 8784), and the two don't have it in common.")
            .fix("set the same PPK under the same PPK_ID on both sides, or don't require it")
            .done();
    }
    let Some(seen) = s.sign(Sign::PpkMissing) else {
        return offered_in_vain(s).unwrap_or_else(|| refused_with_ppk(s));
    };
    let id = seen
        .value("id")
        .map_or(String::new(), |id| format!(" {id}"));
    Found::by(
        seen,
        SAID,
        format!("{} requires the post-quantum key{id}, and the two sides don't have it in common", seen.who()),
    )
    .at(crate::verdict::AtFault::Both)
    .because("This side insists on mixing an additional pre-shared key in (RFC 8784) and found none that both sides hold.")
    .fix("set the same PPK under the same PPK_ID on both sides, or don't require it")
    .done()
}

/// We have no additional key. A peer that insists on one ends the attempt: as the responder it says
/// AUTHENTICATION_FAILED, as the initiator it doesn't go on after an answer without USE_PPK (RFC 8784 3).
fn offered_in_vain(s: &Signals<'_>) -> Option<Judgement> {
    s.configured(Side::Local).filter(|(_, c)| c.ppk.is_none())?;
    if let Some(fact) = s.received_message(Side::Local, "IKE_SA_INIT", false)
        && waiting::unfinished(s).is_some()
        && let Known::Happened {
            happening: Happening::Received(message),
        } = &fact.what
        && message.payloads.iter().any(|p| p == "N(USE_PPK)")
    {
        return Some(
            Found::on(
                fact,
                SYMPTOM,
                crate::verdict::AtFault::Both,
                "the peer wants to mix a post-quantum key in, we have none, and it doesn't go on after our answer",
            )
            .because("Its IKE_SA_INIT has USE_PPK and our answer hasn't; a peer that requires the additional key gives up there (RFC 8784 3).")
            .fix("set the same PPK under the same PPK_ID on both sides (`ppk`), or don't require it at the peer")
            .done(),
        );
    }
    s.told(notify::AUTHENTICATION_FAILED, false)?;
    Some(Judgement::Possible {
        weight: 6,
        because:
            "a peer that requires a post-quantum key beside the others refuses in the same way"
                .to_owned(),
        separated_by: "whether the peer's connection has a PPK that is required",
    })
}

/// The peer refused an authentication into which the additional key was mixed; the key itself, or that it was mixed in,
/// is what the peers most likely don't have in common.
fn refused_with_ppk(s: &Signals<'_>) -> Judgement {
    let (Some(used), Some(told)) = (
        s.sign(Sign::PpkUsed),
        s.told(notify::AUTHENTICATION_FAILED, false),
    ) else {
        return Judgement::Silent;
    };
    if !s.refused.is_empty() {
        return Judgement::Silent;
    }
    Found::by(
        used,
        CONDITION,
        "the peer refuses an authentication into which the post-quantum key was mixed",
    )
    .with([told.fact])
    .at(crate::verdict::AtFault::Both)
    .because("AUTH was computed with the additional pre-shared key (RFC 8784). A peer that doesn't use it, or holds another one under this PPK_ID, refuses it; so does one whose ordinary pre-shared key differs, which its log would tell.")
    .fix("set the same PPK under the same PPK_ID on both sides, or leave it out on both")
    .then("the responder's log of the attempt")
    .done()
}
