//! `ike-proposal-changed-at-rekey`: the IKE SA's successor is proposed with algorithms that the peer doesn't take.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ike-proposal-changed-at-rekey",
    recurs: false,
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
    let failed = s
        .signs_of(Sign::RekeyFailed)
        .filter(|x| x.value("what").is_some_and(|w| w.contains("IKE_SA")))
        .last();
    let (Some(seen), Some(told)) = (failed, s.told(notify::NO_PROPOSAL_CHOSEN, false)) else {
        return Judgement::Silent;
    };
    Found::by(seen, SYMPTOM + 0.1, "the IKE SA can't be rekeyed: the peer takes none of the IKE proposals of the rekey")
        .at(AtFault::Both)
        .with([told.fact])
        .because("The IKE SA is up, so one proposal fits; the list that the rekey offers lacks it, or the peer's was changed since.")
        .fix("write the same IKE proposals out on both sides, reload, and set the tunnel up anew")
        .done()
}
