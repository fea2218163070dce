//! `cpu-crypto-bound`: the processors are busy with cryptography.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::plane::found;
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "cpu-crypto-bound",
    recurs: false,
    page: Page {
        title: "The processors are busy with cryptography",
        what: "Encryption, or the interrupts of packets, take all the processors have: throughput stops growing, delay and loss begin.",
        initiator: "Slow under load; round-trip times grow with it.",
        responder: "The same on the side that is weaker.",
        look_alikes: &[
            (
                "single-sa-single-core",
                "Is it one processor or all of them?",
            ),
            (
                "cipher-suboptimal",
                "Which cipher is it, and has the processor instructions for it?",
            ),
            (
                "link-saturated",
                "Is traffic outside of the tunnel slow too?",
            ),
        ],
        fix: &[
            (
                "any",
                "Use AES-GCM on processors with AES instructions, more or faster cores, several SAs; compress in the application.",
            ),
            (
                "linux",
                "`pcrypt`, receive packet steering (`/sys/class/net/IFACE/queues/rx-*/rps_cpus`), crypto offload of the network card.",
            ),
        ],
        source: "Linux networking, scaling",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let slow = s.throughput().next();
    let sure = if slow.is_some() { SYMPTOM } else { CONDITION };
    found(s, &[Sign::AllCoresBusy], sure, |seen, _| {
        format!(
            "every processor of {} is {} % busy",
            seen.who(),
            seen.value_or("percent", "100")
        )
    })
    .map_or(Judgement::Silent, |found| {
        found
            .with(slow.map(|(f, _)| f))
            .because("There is nothing left to encrypt more packets with.")
            .fix("use AES-GCM with AES instructions, more processors, or less that each packet passes through")
            .done()
    })
}
