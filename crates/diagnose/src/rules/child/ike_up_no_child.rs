//! `ike-up-no-child`: the IKE SA is there and nothing that carries traffic.

use adit_model::fact::Known;
use adit_model::listed::{Layer, Stage};
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::childless::childless;
use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Refused, Signals};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ike-up-no-child",
    recurs: false,
    page: Page {
        title: "IKE is up, and there is no SA for the traffic",
        what: "The sides authenticated each other and no CHILD SA (phase 2) stands: it was refused, it was deleted, or nobody asked for one. What lies behind it is one of the causes below; without the line that says which, only this can be told.",
        initiator: "An IKE SA in the list and no CHILD SA below it. strongSwan: \"failed to establish CHILD_SA, keeping IKE_SA\".",
        responder: "The same, with the reason some lines before it.",
        look_alikes: &[
            (
                "ts-mismatch",
                "Is there a notify about networks (TS_UNACCEPTABLE, INVALID_ID_INFORMATION)?",
            ),
            (
                "esp-proposal-mismatch",
                "Is there a notify NO_PROPOSAL_CHOSEN after authentication?",
            ),
            ("idle-teardown", "Was the CHILD SA there before?"),
        ],
        fix: &[(
            "any",
            "Bring the child up by hand and read the responder's lines of that minute: `swanctl --initiate --child X`, `ipsec auto --up X`.",
        )],
        source: "RFC 7296 1.2, 1.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let said = s
        .signs_of(Sign::ChildFailed)
        // Of a time that ran out no more is known.
        .filter(|x| matches!(x.value("problem"), None | Some("negotiation" | "timeout")))
        .last();
    let Some(seen) = said.filter(|_| !s.up) else {
        if let Some(found) = listed_alone(s) {
            return found;
        }
        return match childless(s) {
            Some(fact) => Judgement::Possible {
                weight: 40,
                because: format!(
                    "another tunnel is up, and this IKE SA is listed without an SA for traffic: {}",
                    fact.source.text.trim()
                ),
                separated_by: "whether that tunnel shares the IKE SA of the other one (Libreswan), or has its own networks and no SA for them",
            },
            None => Judgement::Silent,
        };
    };
    let text = &seen.fact.source.text;
    // A daemon says before or after it why; a provider says no more than this.
    let explicit = s
        .signs_of(Sign::ChildFailed)
        .any(|x| x.value("phase").is_some() || x.value("payloads").is_some());
    let refused = |r: &Refused<'_>| !matches!(r.refusal, Refusal::Local { .. });
    let named = s.refused.iter().any(refused) || !s.told.is_empty();
    // A daemon that contradicts itself over the answer says nothing of why the answer has no child.
    let others = s
        .signs
        .iter()
        .any(|x| !matches!(x.sign, Sign::ChildFailed | Sign::ContradictionSurvived));
    if !explicit || named || others {
        return Judgement::Possible {
            weight: 30,
            because: format!("phase 2 fails: {text}"),
            separated_by: "what the side that refused says in that minute",
        };
    }
    Found::by(
        seen,
        CONDITION,
        "IKE is up, and the SA for the traffic can't be set up",
    )
    .at(AtFault::Both)
    .because("The line says that the child failed and not why.")
    .fix("compare ESP proposals, PFS group and networks with the other side's")
    .then("read the refusing side's lines of that minute")
    .done()
}

/// Whatever tells why counts for more.
const LISTED: f64 = 0.705;

/// A status has the IKE SA whole, and no SA for traffic below it.
fn listed_alone(s: &Signals<'_>) -> Option<Judgement> {
    let standing = s.stands().filter(|x| {
        x.layer == Layer::Child
            && x.stage == Stage::Absent
            && s.signs_of(Sign::ChildFailed).next().is_none()
    })?;
    // Whether a list was cut behind the IKE SA, only what follows it tells.
    let whole = standing.facts.iter().any(|f| {
        matches!(&f.what, Known::Listed { sa } if sa.layer == Layer::Child && sa.word != "none")
    });
    let fact = *standing.facts.first().filter(|_| whole)?;
    Some(
        Found::on(
            fact,
            LISTED,
            AtFault::Unknown,
            "IKE is up, and the status has no SA for the traffic",
        )
        .with(standing.facts.iter().copied().skip(1))
        .because("A status lists the children below their IKE SA, and there is none. Why none was made, or where it went, stands in the log of the minute in which the IKE SA came up.")
        .fix("bring the child up by hand and read what is answered (swanctl --initiate --child NAME, ipsec up NAME)")
        .then("the log of both sides from that minute: a refusal (NO_PROPOSAL_CHOSEN, TS_UNACCEPTABLE), or no request at all")
        .done(),
    )
}
