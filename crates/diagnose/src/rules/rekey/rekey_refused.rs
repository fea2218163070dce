//! `rekey-refused`: the peer answers the rekey with a refusal.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::sign::Sign;

use super::refusals;
use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::{Seen, before};
use crate::signals::{Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "rekey-refused",
    recurs: true,
    page: Page {
        title: "The peer refuses to replace the SA",
        what: "The request to replace an SA is answered with an error: NO_ADDITIONAL_SAS from a peer that can't rekey, TEMPORARY_FAILURE from one that is busy with a rekey or a delete of its own, CHILD_SA_NOT_FOUND from one that has lost the SA.",
        initiator: "strongSwan: \"CHILD_SA rekeying failed, trying again in … seconds\"; Libreswan: \"CREATE_CHILD_SA (rekey Child SA) failed with error notification …\".",
        responder: "What it refused, and why.",
        look_alikes: &[
            ("pfs-mismatch-at-rekey", "Is the error NO_PROPOSAL_CHOSEN?"),
            ("ts-changed-at-rekey", "Is the error TS_UNACCEPTABLE?"),
            (
                "rekey-collision",
                "Is it TEMPORARY_FAILURE, and does the next try succeed?",
            ),
        ],
        fix: &[(
            "any",
            "Compare ESP proposals with PFS group, and networks; let only one side rekey; reauthenticate instead of rekeying with a peer that can't.",
        )],
        source: "RFC 7296 1.3.3, 2.8, 2.25",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "pfs-mismatch-at-rekey",
        "ts-changed-at-rekey",
        "rekey-collision",
        "pfs-mismatch",
        "no-additional-sas",
        "ike-proposal-changed-at-rekey",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = refusals(s)
        .filter(|(_, r)| {
            // A passing state unless it is the last word.
            r.number != Some(notify::TEMPORARY_FAILURE) || !s.up
        })
        .last();
    let found = if let Some((fact, refusal)) = refused {
        Found::on(
            fact,
            SYMPTOM + 0.05,
            AtFault::Both,
            format!("replacing the SA was refused with {}", refusal.name),
        )
    } else if let Some(seen) = s
        .ever(Sign::RekeyRefused)
        .iter()
        .rfind(|seen| !done_otherwise(s, **seen))
    {
        let problem = seen.value_or("problem", "an error");
        Found::by(
            *seen,
            SYMPTOM,
            format!("the peer refuses to replace the SA: {problem}"),
        )
        .at(AtFault::Both)
    } else if let Some(seen) = s.sign(Sign::RekeyFailed) {
        return Judgement::Possible {
            weight: 50,
            because: format!("replacing the SA fails: {}", seen.said()),
            separated_by: "what the peer answers to CREATE_CHILD_SA, or whether it does",
        };
    } else {
        return Judgement::Silent;
    };
    found
        .because("The SA was up; the request for its successor was answered with an error, so it ends with its lifetime.")
        .fix("compare ESP proposals (PFS group included) and networks with the other side's; if it can't rekey, reauthenticate before the lifetime ends")
        .then("read the peer's lines at the time of the rekey")
        .done()
}

/// Whether an SA was set up anew in place of the one that couldn't be replaced, and nobody says that this is what hurts.
fn done_otherwise(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    let hurts = [Complaint::AtRekey, Complaint::Periodic];
    seen.value("then") == Some("reauthentication")
        && !hurts.iter().any(|c| s.complains(*c).is_some())
        && s.case
            .happenings()
            .any(|(f, h)| matches!(h, Happening::ChildEstablished { .. }) && before(seen.fact, f))
}
