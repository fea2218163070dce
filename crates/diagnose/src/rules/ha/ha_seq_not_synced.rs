//! `ha-seq-not-synced`: the node that took over goes on with old counters.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

pub(crate) static RULE: Rule = Rule {
    id: "ha-seq-not-synced",
    recurs: false,
    page: Page {
        title: "Counters are behind after a failover",
        what: "The new node goes on with ESP sequence numbers or IKE message IDs that the peer has seen already; the peer drops them as replays.",
        initiator: "Sent octets grow, nothing answers.",
        responder: "Drops by replay (XfrmInStateSeqError, %ASA-4-402119).",
        look_alikes: &[("anti-replay-drops", "Did it begin at a failover?")],
        fix: &[(
            "any",
            "Rekey at failover, synchronise counters, or no replay window on pairs that can't.",
        )],
        source: "RFC 6311; RFC 4303 3.4.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((flow, from)) = s.counts_anew() {
        return Found::on(
            flow.fact,
            0.8,
            flow.from.into(),
            format!(
                "{} begins to count anew under the same SA, after {from}: the receiver drops all of it as replays",
                who(flow.from)
            ),
        )
        .because("The sequence number of one SPI fell back to the beginning while its contents are new packets. A node that took over without the counters does that, and a machine that was set back to an earlier state.")
        .fix("rekey the tunnel now; synchronise the counters in the cluster, or rekey at every failover")
        .then("ip -s xfrm state (or the product's SA list) on the receiver: does its replay counter grow?")
        .done();
    }
    let replays = s
        .signs_of(Sign::KernelDrops)
        .filter(|seen| seen.value_or("name", "").contains("SeqError"))
        .last();
    let over = s
        .sign(Sign::NodeTookOver)
        .filter(|seen| seen.value("state").is_none());
    match (over, replays) {
        (Some(over), Some(replays)) => Found::by(
            replays,
            SYMPTOM,
            "after a failover packets are dropped as replays: the node that took over counts from behind",
        )
        .with([over.fact])
        .because("The counter of sequence errors grew, and a node took over.")
        .fix("rekey the tunnel at failover, or synchronise the counters")
        .done(),
        _ if s.sign(Sign::SequenceBehind).is_some() => Judgement::Possible {
            weight: 30,
            because: "the cluster brings the counters of an SA into step by a rekey".to_owned(),
            separated_by: "whether the peer counts replays since the failover",
        },
        _ => Judgement::Silent,
    }
}
