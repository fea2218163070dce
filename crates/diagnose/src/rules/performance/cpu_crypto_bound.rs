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

/// All of our own threads that carry packets have no time left. Where one alone does, that is another cause.
fn all_serve(full: FullThreads<'_>) -> Judgement {
    /// In per cent of their time.
    const OTHERS_HAVE_IT: u64 = 40;
    let held = full.processors > 1 && (full.allowed == 1 || full.threads == 1);
    if held || full.full < full.threads {
        return Judgement::Silent;
    }
    let (why, fix) = if full.waits >= OTHERS_HAVE_IT {
        (
            "They wait for a processor for much of it: other programs have them.",
            "stop or move what else runs on this host, or give it more processors",
        )
    } else {
        (
            "They are at work all the time.",
            "use AES-GCM with AES instructions, or more or faster processors",
        )
    };
    Found::by(
        full.seen,
        COUNTED,
        format!(
            "all {} threads that carry packets have no time left",
            full.threads
        ),
    )
    .at(AtFault::Local)
    .because(format!("{why} {}", full.lost()))
    .fix(fix)
    .then("top -H: which threads and programs have the processors")
    .done()
}
