//! `anti-replay-drops`: packets fall out of the anti-replay window.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::complaint::complained;
use crate::finding::{COUNTED, SYMPTOM};
use crate::plane::{found, possible};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "anti-replay-drops",
    recurs: false,
    page: Page {
        title: "Packets fall out of the anti-replay window",
        what: "The receiver remembers the last sequence numbers (32, 64 or more). A packet that comes later than that, because of QoS, several paths, several processors or fragments, or that comes twice, is dropped as a replay.",
        initiator: "Loss of a part of the packets, more under load.",
        responder: "Counters of replays grow: XfrmInStateSeqError, `replay N` in `ip -s xfrm state`, PKT_REPLAY_ERR.",
        look_alikes: &[
            (
                "esp-integrity-failure",
                "Is it the sequence or the check value?",
            ),
            ("ha-seq-not-synced", "Did it begin with a failover?"),
            (
                "qos-after-encryption",
                "Do packets of one SA carry different DSCP values?",
            ),
        ],
        fix: &[
            (
                "any",
                "Make the window larger on the receiver (1024 or more), and keep packets of one SA in order: classify before encryption, one path for one SA.",
            ),
            ("strongswan", "`replay_window = 1024` in the child."),
            ("libreswan", "`replay-window=1024`."),
            (
                "cisco-ios",
                "`crypto ipsec security-association replay window-size 1024`.",
            ),
            (
                "cisco-asa",
                "`crypto ipsec security-association replay window-size 1024`.",
            ),
            (
                "juniper",
                "`set security vpn ipsec vpn NAME ike anti-replay-window-size 512`.",
            ),
            ("fortigate", "`set replay disable` in phase 2 as a test."),
        ],
        source: "RFC 4303 3.4.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "ha-seq-not-synced",
        "ha-both-active",
        "qos-after-encryption",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((seen, count)) = s.kernel_drops(&["InStateSeqError"]) {
        if s.everyday(seen) {
            return possible(
                36,
                format!(
                    "{} counted {count} of these, which may be nothing",
                    seen.who()
                ),
                "whether the counter grows with each packet that is lost",
            );
        }
        return Found::by(
            seen,
            COUNTED,
            format!("{count} ESP packets were dropped as replays at {}", seen.who()),
        )
        .because("XfrmInStateSeqError counts packets left of the replay window and packets that came twice.")
        .fix(CHANGE)
        .done();
    }
    if let Some(few) = s.sign(Sign::EspReplayed).filter(|x| s.everyday(*x)) {
        return possible(
            34,
            format!("few packets were taken for replays at {}", few.who()),
            "whether the counter grows with each packet that is lost",
        );
    }
    if let Some(one) = single(s) {
        return possible(
            34,
            format!("one packet was taken for a replay at {}", one.who()),
            "whether the line comes again, and what is lost when it does",
        );
    }
    let arriving = [Side::Local, Side::Remote]
        .into_iter()
        .flat_map(|by| s.flows(by).filter(move |f| f.from != by))
        .max_by_key(|f| f.very_late + f.replayed)
        .filter(|f| f.very_late + f.replayed > 0);
    if let Some(flow) = arriving
        && s.sign(Sign::EspReplayed).is_none()
    {
        return possible(
            if flow.very_late * 100 > flow.packets {
                60
            } else {
                30
            },
            format!(
                "of {} packets of one SA, {} came more than 64 numbers late and {} came again",
                flow.packets, flow.very_late, flow.replayed
            ),
            "the receiver's replay window and its counter of replays",
        );
    }
    found(s, &[Sign::EspReplayed], SYMPTOM, |seen, times| {
        format!("ESP packets are dropped as replays at {}{times}", seen.who())
    })
    .map_or(Judgement::Silent, |found| {
        found
            .at(AtFault::Path)
            .because("They came later than the window reaches back, or twice: they are reordered on the way, by QoS, or by several processors of the sender.")
            .fix(CHANGE)
            .done()
    })
}

/// A router logs one packet, and nobody says that anything is lost: one that comes late or twice is no fault.
fn single<'a>(s: &Signals<'a>) -> Option<Seen<'a>> {
    let seen = s.sign(Sign::EspReplayed)?;
    let of_packet = [
        "PKT_REPLAY_ERR",
        "replay check failed",
        "anti-replay checking",
    ]
    .iter()
    .any(|words| seen.fact.source.text.contains(words));
    let lines: Vec<_> = s.signs_of(Sign::EspReplayed).collect();
    // The message may go on in the next line.
    let one = lines.len() == 1
        || lines.len() == 2
            && lines
                .iter()
                .any(|x| !x.fact.source.text.contains("PKT_REPLAY_ERR"));
    (of_packet && one && !complained(s)).then_some(seen)
}

const CHANGE: &str = "make the anti-replay window larger (1024 packets), and keep the packets of one SA in order on the way";
