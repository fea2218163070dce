//! `single-sa-single-core`: one SA is served by one processor.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::plane::found;
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "single-sa-single-core",
    recurs: false,
    page: Page {
        title: "One SA is served by one processor",
        what: "All packets of an SA pass through one queue and one processor, since their numbers must stay in order. That processor is full while the others rest.",
        initiator: "Throughput stops at one to three gigabits a second.",
        responder: "The same at the receiver.",
        look_alikes: &[
            ("cpu-crypto-bound", "Are all processors busy?"),
            (
                "cipher-suboptimal",
                "Would another cipher leave that processor time?",
            ),
        ],
        fix: &[
            ("any", "Several SAs for the traffic, or several tunnels."),
            ("strongswan", "`per_cpu_sas = yes` (6.0)."),
            ("libreswan", "`nic-offload=`, `clones=`, several subnets."),
            ("linux", "`pcrypt`, receive packet steering."),
        ],
        source: "RFC 9611",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "cpu-crypto-bound",
        "cipher-suboptimal",
        "per-packet-logging",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let slow = s.throughput().next();
    let sure = if slow.is_some() { SYMPTOM } else { CONDITION };
    found(s, &[Sign::CoreBusy], sure, |seen, _| {
        format!(
            "one processor of {} is {} % busy while others rest",
            seen.who(),
            seen.value_or("percent", "100")
        )
    })
    .map_or(Judgement::Silent, |found| {
        found
            .with(slow.map(|(f, _)| f))
            .because("The packets of one SA are decrypted by one processor, and that one has no time left.")
            .fix("use several SAs (per_cpu_sas, several tunnels), or a cipher that costs less")
            .done()
    })
}
