//! `cpu-crypto-bound`: the processors are busy with cryptography.

use adit_model::sign::Sign;

use super::full::{FullThreads, full_threads};
use crate::finding::{CONDITION, COUNTED, SYMPTOM};
use crate::plane::found;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

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
    if let Some(full) = full_threads(s) {
        return all_serve(full);
    }
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

/// All of our own threads that carry packets have no time left, or something else has it. Where one alone does, that is
/// another cause.
fn all_serve(full: FullThreads<'_>) -> Judgement {
    let single = full.configured && full.threads == 1 && full.processors > 1;
    let (summary, why, fix) = if full.by_quota() {
        (
            "the gateway may use no more processor time than a quota grants, and has used it up"
                .to_owned(),
            "A quota of its control group keeps it from running for much of the time.",
            "raise the quota (CPUQuota= of its service, --cpus of its container)",
        )
    } else if full.held() {
        return Judgement::Silent;
    } else if full.others_have_it() {
        (
            "the threads that carry packets have no time left: other programs have the processors"
                .to_owned(),
            "They wait for a processor for much of the time, while others are at work on it.",
            "stop or move what else runs on this host, or give it more processors",
        )
    } else if single || full.full < full.threads {
        return Judgement::Silent;
    } else {
        (
            match full.threads {
                0 | 1 => "the thread that carries packets has no time left".to_owned(),
                several => format!("all {several} threads that carry packets have no time left"),
            },
            "They are at work all the time.",
            "use AES-GCM with AES instructions, or more or faster processors",
        )
    };
    Found::by(full.seen, COUNTED, summary)
        .at(AtFault::Local)
        .because(format!("{why} {}", full.lost()))
        .fix(fix)
        .then("top -H: which threads and programs have the processors")
        .done()
}
