//! `qos-after-encryption`: packets of one SA are reordered by their class.

use adit_model::sign::Sign;

use crate::plane::possible;
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

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
    if s.sign(Sign::EspReplayed).is_none() && s.kernel_drops(&["InStateSeqError"]).is_none() {
        return Judgement::Silent;
    }
    possible(
        25,
        "packets arrive so late that they count as replays",
        "DSCP values and sequence numbers of one SPI at the receiver",
    )
}
