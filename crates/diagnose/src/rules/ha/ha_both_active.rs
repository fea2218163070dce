//! `ha-both-active`: two nodes use the same address or identity at once.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ha-both-active",
    recurs: false,
    page: Page {
        title: "Both nodes are active",
        what: "The nodes of a cluster don't hear each other, and both hold the address and the tunnels.",
        initiator: "The tunnel comes and goes.",
        responder: "Two IKE SAs of the same identity take turns.",
        look_alikes: &[(
            "uniqueness-kicks-peer",
            "Is it one box, or two with one identity?",
        )],
        fix: &[(
            "any",
            "Mend the heartbeat (VRRP, multicast, cluster link) between the nodes.",
        )],
        source: "RFC 5798 8.2.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

/// Two senders are seen at work, and nobody says that there are two.
const INFERRED: f64 = 0.85;

fn judge(s: &Signals<'_>) -> Judgement {
    const FIX: &str = "mend what the nodes hear each other by (VRRP, multicast, cluster link), so that one of them steps back";
    if let Some(seen) = s.sign(Sign::ClusterSplit) {
        return Found::by(seen, COUNTED, "both nodes of the cluster are active")
            .because(if seen.value("tables").is_some() {
                "Two nodes list themselves as master of one group."
            } else {
                "The cluster itself says so."
            })
            .fix(FIX)
            .done();
    }
    if let Some(seen) = s.sign(Sign::ReplacedSends) {
        let turns = seen.value_or("turns", "several");
        if seen.value("began").is_some() {
            return Judgement::Possible {
                weight: 45,
                because: format!(
                    "packets go on coming on {} IKE SAs that were replaced",
                    seen.value_or("replaced", "several")
                ),
                separated_by: "on both nodes of the peer: which one has the shared address, and which state its cluster says it is in",
            };
        }
        // Nobody says so: it is what remains of ways in which this comes about.
        return Found::by(
            seen,
            INFERRED,
            format!("two gateways are active as {} at once: {turns} IKE SAs with it took turns, and both go on sending", s.peer()),
        )
        .at(AtFault::Remote)
        .because("Each IKE SA was set up with the same identity and key, and took the place of the one before. A gateway that had begun anew would have forgotten the older SAs; here packets go on coming on them, so the one that holds them doesn't know of the other: both nodes of a cluster take themselves for the active one, or a machine was copied.")
        .fix(FIX)
        .then("on both nodes of the peer: which one has the shared address, and which state its cluster says it is in (VRRP: master on both)")
        .done();
    }
    if let Some(flow) = s.counts_twice() {
        return Found::on(
            flow.fact,
            INFERRED,
            flow.from.into(),
            format!("two senders use one SA of {} at once", who(flow.from)),
        )
        .because("Under one SPI two counts of sequence numbers go on side by side, with different packets under the same numbers: both nodes of a cluster, or a copied machine, hold the keys and send.")
        .fix(FIX)
        .done();
    }
    match s.sign(Sign::AddressDuplicate) {
        Some(seen) if !s.refused_or_told() && seen.value("of").is_none() => Found::by(
            seen,
            SYMPTOM,
            format!("two hosts use the address {}", seen.value_or("address", "of the gateway").trim_end_matches([',', ':', '!'])),
        )
        .because("A neighbour answers for the same address; packets of the tunnel reach now one host, now the other.")
        .fix(FIX)
        .done(),
        _ => Judgement::Silent,
    }
}
