//! `ppk-required-mismatch`: a post-quantum pre-shared key is missing on one side.

use adit_model::reason::{PpkProblem, Refusal};
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify};

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
        return refused_with_ppk(s);
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
