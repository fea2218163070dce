//! `ike-proposal-changed-at-rekey`: the IKE SA's successor is proposed with algorithms that the peer doesn't take.

use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::compare::{kinds, list};
use crate::finding::{SAID, SYMPTOM};
use crate::refused::REKEYING_IKE;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ike-proposal-changed-at-rekey",
    recurs: true,
    page: Page {
        title: "The IKE SA is rekeyed with a proposal that the peer doesn't take",
        what: "The IKE SA came up with one proposal, and the request that replaces it carries another list: defaults of the daemon, a configuration that was changed since, or a list in which the chosen one is missing.",
        initiator: "strongSwan: \"IKE_SA rekeying failed, trying again in … seconds\" after NO_PROPOSAL_CHOSEN.",
        responder: "Offered and configured IKE proposals at the time of the rekey.",
        look_alikes: &[(
            "pfs-mismatch-at-rekey",
            "Is it the IKE SA or a CHILD SA that is replaced?",
        )],
        fix: &[(
            "any",
            "Write the proposals out on both sides instead of relying on defaults; reload after a change and set the tunnel up anew.",
        )],
        source: "RFC 7296 1.3.2, 2.18",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let told = s.told.iter().rev().find(|t| {
        t.ike
            && matches!(
                t.notify,
                notify::NO_PROPOSAL_CHOSEN | notify::INVALID_KE_PAYLOAD
            )
    });
    let refused = s
        .refusal(|r| match r {
            Refusal::NoIkeProposal {
                offered,
                configured,
                differs,
            } => Some(format!(
                ": offered was {}, {{}} has {}; they differ in {}",
                list(offered),
                list(configured),
                kinds(differs)
            )),
            Refusal::KeMethod { received, wanted } => {
                Some(format!(": the group {received} came, {{}} wants {wanted}"))
            }
            _ => None,
        })
        .filter(|(r, _)| r.rekeying && r.about == REKEYING_IKE);
    if let Some((r, values)) = refused {
        let values = values.replace("{}", who(r.side));
        return found(
            Found::on(
                r.fact,
                SAID,
                AtFault::Both,
                format!("the IKE SA can't be rekeyed{values}"),
            )
            .with(told.map(|t| t.fact)),
        );
    }
    let failed = s
        .signs_of(Sign::RekeyFailed)
        .filter(|x| x.value("what").is_some_and(|w| w.contains("IKE_SA")))
        .last();
    const TOLD: &str =
        "the IKE SA can't be rekeyed: the peer takes none of the IKE proposals of the rekey";
    match (told, failed, s.told(notify::NO_PROPOSAL_CHOSEN, false)) {
        (Some(told), ..) => found(Found::on(told.fact, SYMPTOM + 0.1, AtFault::Both, TOLD)),
        (None, Some(seen), Some(told)) => found(
            Found::by(seen, SYMPTOM + 0.1, TOLD)
                .at(AtFault::Both)
                .with([told.fact]),
        ),
        _ => Judgement::Silent,
    }
}

fn found(found: Found) -> Judgement {
    found
        .because("The IKE SA is up, so one proposal fits; the list that the rekey offers lacks it, or the peer's was changed since.")
        .fix("write the same IKE proposals out on both sides, reload, and set the tunnel up anew")
        .done()
}
