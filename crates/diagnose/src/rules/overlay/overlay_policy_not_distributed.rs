//! `overlay-policy-not-distributed`: rules for a new node aren't on all nodes.

use adit_model::sign::Sign;

use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "overlay-policy-not-distributed",
    recurs: false,
    page: Page {
        title: "A node doesn't know the rules for another",
        what: "The overlay's IPsec rules weren't applied on every node after one was added.",
        initiator: "Requests go out and aren't answered, or are refused.",
        responder: "Requests come from a node that no rule names.",
        look_alikes: &[
            (
                "no-matching-connection-on-responder",
                "Is there a rule for the peer?",
            ),
            ("overlay-cleartext-4790", "Do packets leave in clear?"),
        ],
        fix: &[
            ("any", "Distribute the rules to all nodes."),
            (
                "illumos",
                "`esdc-overlay update`, then `ikeadm dump rule` on both nodes.",
            ),
        ],
        source: "RFC 7348 7",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    match s.sign(Sign::OverlayBlocked) {
        Some(_) => Judgement::Possible {
            weight: 40,
            because: "a node sends the overlay's packets in clear to one that expects IPsec: it may lack the rules".to_owned(),
            separated_by: "the IPsec rules of both nodes side by side",
        },
        None => Judgement::Silent,
    }
}
