//! `seq-overflow-no-esn`: the sequence numbers of an SA are used up.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::plane::found;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "seq-overflow-no-esn",
    recurs: false,
    page: Page {
        title: "The sequence numbers of an SA are used up",
        what: "Without extended sequence numbers an SA can send 2^32 packets. After that the sender must stop; at ten gigabits a second with small packets that is minutes.",
        initiator: "Traffic stops after a long time at high rate; XfrmOutStateSeqError grows.",
        responder: "Nothing arrives any more.",
        look_alikes: &[
            (
                "sa-hard-expired",
                "Does it end after a time, or after a number of packets?",
            ),
            (
                "anti-replay-drops",
                "Is it the sender or the receiver that drops?",
            ),
        ],
        fix: &[
            (
                "any",
                "Negotiate extended sequence numbers, or let the SA be replaced sooner (by packets or by time).",
            ),
            (
                "strongswan",
                "`esp_proposals = aes256gcm16-esn`, `rekey_packets = 2000000000`.",
            ),
            ("libreswan", "`esn=yes`, `ipsec-max-packets=`."),
            ("linux", "`ip -s xfrm state`: `oseq` near 0xffffffff."),
        ],
        source: "RFC 4303 3.3.3, 2.2.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((seen, count)) = s.kernel_drops(&["OutStateSeqError"]) {
        return Found::by(
            seen,
            COUNTED,
            format!(
                "{count} packets weren't sent by {}: the SA's sequence numbers are used up",
                seen.who()
            ),
        )
        .because("XfrmOutStateSeqError counts packets for which no sequence number was left.")
        .fix(CHANGE)
        .done();
    }
    found(s, &[Sign::SequenceExhausted], SYMPTOM, |seen, times| {
        format!(
            "the sequence numbers of an SA of {} are used up{times}",
            seen.who()
        )
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because("The counter is at its end, and an SA mustn't use a number twice.")
            .fix(CHANGE)
            .done()
    })
}

const CHANGE: &str =
    "negotiate extended sequence numbers (ESN), or have the SA replaced before 2^32 packets";
