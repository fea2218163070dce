//! `qos-after-encryption`: packets of one SA are reordered by their class.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "qos-after-encryption",
    recurs: false,
    page: Page {
        title: "Packets of one SA are reordered by their class",
        what: "Quality of service treats packets of one SA by different DSCP values, or several paths share them: they arrive out of order, and the receiver takes the late ones for replays.",
        initiator: "Jitter; a part of the packets is lost.",
        responder: "Counters of replays grow.",
        look_alikes: &[("anti-replay-drops", "Do DSCP values differ within one SPI?")],
        fix: &[
            (
                "any",
                "Classify before encryption and give each class an SA of its own, or one class for all; a larger replay window.",
            ),
            ("strongswan", "`copy_dscp = no`, `replay_window = 1024`."),
            (
                "cisco-ios",
                "`qos pre-classify`, `crypto ipsec security-association replay window-size 1024`.",
            ),
        ],
        source: "RFC 4301 4.1; RFC 4303 3.4.3",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let dropped =
        s.sign(Sign::EspReplayed).is_some() || s.kernel_drops(&["InStateSeqError"]).is_some();
    let overtaken = s
        .all_flows()
        .filter(|f| f.classes > 1 && f.very_late > 0)
        .max_by_key(|f| f.very_late);
    if let Some(flow) = overtaken {
        return Found::on(
            flow.fact,
            match (dropped, flow.very_late) {
                (true, _) => SYMPTOM + 0.15,
                (false, 3..) => CONDITION,
                _ => 0.6,
            },
            AtFault::Path,
            format!("packets of one SA bear {} classes of service, and {} of them were overtaken by more than 64 others", flow.classes, flow.very_late),
        )
        .because("Queues on the way sort by class, behind the encryption: packets of one SA overtake each other, and the receiver's replay window drops the late ones.")
        .fix("classify before encryption (an SA for each class), don't copy the class to the outer header, or make the replay window larger (1024)")
        .then("ip -s xfrm state (or the product's SA list) on the receiver: does its replay counter grow?")
        .done();
    }
    let counted = s.kernel_drops(&["InStateSeqError"]).map(|(seen, _)| seen);
    let Some(late) = s
        .sign(Sign::EspReplayed)
        .or(counted)
        .filter(|seen| !s.everyday(*seen))
    else {
        return Judgement::Silent;
    };
    let sorted = s
        .sign(Sign::ClassesDiffer)
        .map(|seen| {
            (
                seen,
                SYMPTOM + 0.12,
                "packets of one SA are marked differently and come out of order".to_owned(),
            )
        })
        .or_else(|| {
            let seen = s.sign(Sign::QueuesSorted)?;
            let what = format!(
                "{} sorts packets at {} by class ({})",
                seen.who(),
                seen.value_or("interface", "its outside interface"),
                seen.value_or("kind", "queueing")
            );
            Some((seen, CONDITION, what))
        });
    if let Some((seen, confidence, what)) = sorted {
        return Found::by(
            seen,
            confidence,
            format!("{what}, and late ones are dropped as replays"),
        )
        .at(AtFault::Path)
        .with([late.fact])
        .because("Sequence numbers are given before the queue. A packet of a lower class that waits longer than the window is wide counts as a replay.")
        .fix("widen the replay window (replay_window = 1024 or more), classify before encryption into an SA of its own per class, or don't copy DSCP to the outer header (copy_dscp = no)")
        .then("tc -s qdisc show dev IFACE; XfrmInStateSeqError with and without load")
        .done();
    }
    possible(
        25,
        "packets arrive so late that they count as replays",
        "DSCP values and sequence numbers of one SPI at the receiver",
    )
}
