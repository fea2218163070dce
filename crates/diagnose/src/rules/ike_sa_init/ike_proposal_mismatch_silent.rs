//! `ike-proposal-mismatch-silent`: no IKE proposal in common, and the responder says nothing.

use adit_model::event::Happening;
use adit_model::fact::Side;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::BOTH_SIDES;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ike-proposal-mismatch-silent",
    recurs: false,
    page: Page {
        title: "No IKE proposal in common, and the responder keeps silent about it",
        what: "As ike-proposal-mismatch; but the responder drops the request without NO_PROPOSAL_CHOSEN, as some firewalls do towards strangers. From outside it looks like a blocked port.",
        initiator: "No answer to the first message, however often it is repeated.",
        responder: "Its log has the two lists of proposals, or \"no acceptable Oakley Transform\", and nothing is sent.",
        look_alikes: &[
            (
                "udp500-blocked",
                "Does the responder's daemon log anything for the packet?",
            ),
            (
                "ike-proposal-mismatch",
                "Does the responder answer with NO_PROPOSAL_CHOSEN?",
            ),
        ],
        fix: &[(
            "any",
            "Write one common proposal on both sides; look for the reason in the responder's log, never in the initiator's.",
        )],
        source: "RFC 7296 2.21.1, 3.3",
    },
    needs: &[Need::PeerReceives, Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(silence) = s.nothing_came() else {
        return Judgement::Silent;
    };
    let untold = s.happenings(Side::Remote).find_map(|(fact, h)| match h {
        Happening::Refused {
            refusal: Refusal::NoIkeProposal { .. },
            notify: None,
            ..
        } => Some(fact),
        _ => None,
    });
    let said = s
        .signs_of(Sign::IkeProposalsRefused)
        .find(|seen| seen.side() == Side::Remote)
        .map(|seen| seen.fact);
    match untold.or(said) {
        Some(fact) => Found::on(
            fact,
            BOTH_SIDES,
            AtFault::Both,
            "the peer accepts none of our IKE proposals and drops our requests without an answer",
        )
        .with(silence.facts.iter().copied())
        .because("Our requests go unanswered, and the peer's log shows that they arrive and that no proposal is acceptable to it.")
        .fix("write one IKE proposal that both sides have (such as aes256-sha256-modp2048)")
        .done(),
        None => Judgement::Possible {
            weight: 8,
            because: "some products say nothing to a proposal that they don't accept".to_owned(),
            separated_by: "the responder's log shows that the request arrived and why it was dropped",
        },
    }
}
