//! `overlay-policy-not-distributed`: rules for a new node aren't on all nodes.

use std::net::IpAddr;

use adit_model::fact::{Known, Side};
use adit_model::peer_config::{Dialect, Place};
use adit_model::sign::Sign;

use crate::finding::CONFIGURED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
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
    if let Some(judgement) = no_rule(s) {
        return judgement;
    }
    match s.sign(Sign::OverlayBlocked) {
        Some(_) => Judgement::Possible {
            weight: 40,
            because: "a node sends the overlay's packets in clear to one that expects IPsec: it may lack the rules".to_owned(),
            separated_by: "the IPsec rules of both nodes side by side",
        },
        None => Judgement::Silent,
    }
}

/// The requests of one node aren't answered, and the rules of the other don't name it.
fn no_rule(s: &Signals<'_>) -> Option<Judgement> {
    let silence = s.nothing_came()?;
    let rules: Vec<_> = s
        .case
        .of(Side::Remote)
        .filter_map(|f| match &f.what {
            Known::PeerConfigured { connection } if connection.dialect == Dialect::Illumos => {
                Some((f, connection))
            }
            _ => None,
        })
        .collect();
    let (fact, _) = *rules.first()?;
    let ours: Vec<IpAddr> = s.sends(false);
    let named = |place: &Place| ours.iter().any(|a| Place::Address(*a).meets(place));
    if ours.is_empty() || rules.iter().any(|(_, c)| c.remote.value.iter().any(named)) {
        return None;
    }
    Some(
        Found::on(
            fact,
            CONFIGURED,
            Side::Remote.into(),
            "the other node's IKE rules don't name this node",
        )
        .with(silence.facts.iter().copied())
        .because("Its requests go out and aren't answered, and no rule of the other node is for its address.")
        .fix("distribute the overlay's rules to all nodes (esdc-overlay update), and load them: svcadm refresh ike policy")
        .then("ikeadm dump rule on both nodes")
        .done(),
    )
}
