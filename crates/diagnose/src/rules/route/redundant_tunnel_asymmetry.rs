//! `redundant-tunnel-asymmetry`: two tunnels, and each side prefers another one.

use adit_model::fact::Side;

use crate::finding::SYMPTOM;
use crate::plane::Carried;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "redundant-tunnel-asymmetry",
    recurs: false,
    page: Page {
        title: "Two tunnels, and each side prefers another one",
        what: "With two tunnels to the same place (a cloud's pair, equal-cost paths) one side sends by the first and the other answers by the second. Something that keeps state, or a strict reverse path filter, drops the answers.",
        initiator: "Out on tunnel 1, in on tunnel 2.",
        responder: "The mirror image.",
        look_alikes: &[(
            "asymmetric-routing-bypass",
            "Do the answers come by the other tunnel, or outside of any?",
        )],
        fix: &[
            (
                "any",
                "Let both sides prefer the same tunnel (MED, prepending, local preference, distance), or allow asymmetry (loose reverse path filter, one zone for both).",
            ),
            (
                "aws",
                "a lower MED or a shorter AS path on one tunnel; ECMP needs a transit gateway.",
            ),
        ],
        source: "RFC 3704 2.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

/// The networks below the counters of `ipsec statusall` are those of one gateway and of the other: what is counted isn't
/// two tunnels but the two ends of one.
fn two_ends(all: &[Carried<'_>]) -> bool {
    let pairs: Vec<(&str, &str)> = all.iter().filter_map(Carried::networks).collect();
    pairs
        .iter()
        .any(|(ours, theirs)| ours != theirs && pairs.contains(&(*theirs, *ours)))
}

fn judge(s: &Signals<'_>) -> Judgement {
    for side in [Side::Local, Side::Remote] {
        let all = s.each_carried(side);
        if two_ends(&all) {
            continue;
        }
        let sends: Vec<_> = all.iter().filter(|c| c.only_sends()).collect();
        let receives: Vec<_> = all.iter().filter(|c| c.only_receives()).collect();
        // Of a pair each sends what the other receives: who answers none of many peers has another fault.
        if sends.len() != receives.len() {
            continue;
        }
        if let (Some(out), Some(back)) = (sends.first(), receives.first())
            && let Some(first) = out.facts.last()
        {
            return Found::on(
                first,
                SYMPTOM,
                AtFault::Both,
                "one tunnel only sends and another only receives: each side prefers another one",
            )
            .with(back.facts.iter().copied())
            .because("Together they carry both directions. What keeps state on the way, or a strict reverse path filter, drops the answers.")
            .fix("let both sides prefer the same tunnel, or allow asymmetry (loose reverse path filter, one zone for both tunnels)")
            .done();
        }
    }
    Judgement::Silent
}
