//! `proposal-list-too-long`: the responder looks at the first proposals only.

use adit_model::proposal::{Proposal, choose};
use adit_model::reason::Refusal;

use crate::compare::list;
use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

/// Fewer than this were never too many for anybody.
const LONG: usize = 6;

pub(crate) static RULE: Rule = Rule {
    id: "proposal-list-too-long",
    recurs: false,
    page: Page {
        title: "The fitting proposal stands too far down the list",
        what: "A responder that evaluates only so many proposals or transforms misses the one that fits. In the other direction, where it offers its short list, the tunnel comes up.",
        initiator: "NO_PROPOSAL_CHOSEN although both sides have a proposal in common.",
        responder: "No proposal chosen, with lists that do meet.",
        look_alikes: &[(
            "ike-proposal-mismatch",
            "Does it work when the other side begins?",
        )],
        fix: &[
            ("any", "Offer one or two proposals, the agreed one first."),
            (
                "strongswan",
                "`proposals = aes256-sha256-modp2048` without `default`.",
            ),
        ],
        source: "RFC 7296 3.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

/// Whether the lists of a refusal meet after all, so that nothing but their length can be wrong.
pub(super) fn too_long(offered: &[Proposal], configured: &[Proposal]) -> bool {
    offered.len() >= LONG && choose(configured, offered, true).is_some()
}

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s.refusal(|r| match r {
        Refusal::NoIkeProposal {
            offered,
            configured,
            ..
        } if too_long(offered, configured) => Some((offered.len(), configured)),
        _ => None,
    });
    let Some((refused, (offered, configured))) = refused else {
        return Judgement::Silent;
    };
    let asker = refused.side.other();
    Found::on(
        refused.fact,
        SYMPTOM,
        asker.into(),
        format!("{} offers {offered} proposals, and the one that fits stands too far down", who(asker)),
    )
    .because(format!("The two lists have a proposal in common ({}), and it was refused all the same: the responder doesn't look at all of them.", list(configured)))
    .fix("offer one or two proposals only, the agreed one first")
    .done()
}
