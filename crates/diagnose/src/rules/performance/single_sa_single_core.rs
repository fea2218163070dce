//! `single-sa-single-core`: one SA is served by one processor.

use adit_model::sign::Sign;

use super::full::{FullThreads, full_threads};
use crate::finding::{CONDITION, COUNTED, SYMPTOM};
use crate::plane::{found, possible};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

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
            (
                "adit",
                "One thread for each processor that the gateway may use: no `threads` in `[gateway]`, no CPUAffinity or taskset.",
            ),
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
    if let Some(full) = full_threads(s)
        && let Some(judgement) = one_serves(full)
    {
        return judgement;
    }
    let slow = s.throughput().next();
    let sure = if slow.is_some() { SYMPTOM } else { CONDITION };
    let of_programs = |seen: &Seen<'_>| seen.value("of") == Some("programs");
    if s.sign(Sign::CoreBusy).is_some() && s.signs_of(Sign::CoreBusy).all(|seen| of_programs(&seen))
    {
        return possible(
            15,
            "one processor is busy with programs; packets are dealt with beside them",
            "which process has it, and what softirq gets (top, mpstat -P ALL)",
        );
    }
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

/// One thread, or one processor, has all to do, while there are others.
fn one_serves(full: FullThreads<'_>) -> Option<Judgement> {
    if full.by_quota() || (full.others_have_it() && !full.held()) {
        return None;
    }
    let (summary, because, fix) = if full.held() {
        (
            format!(
                "the gateway may use one of {} processors, and has no time left on it",
                full.processors
            ),
            "The threads that carry packets are held to one processor (taskset, CPUAffinity=, a cpuset), which they share with whatever else runs there.",
            format!(
                "let the gateway use all {} processors (take CPUAffinity=, taskset or the cpuset away)",
                full.processors
            ),
        )
    } else if full.configured && full.threads == 1 && full.processors > 1 {
        (
            format!(
                "one thread carries all packets, and has no time left; the host has {} processors",
                full.processors
            ),
            "With `threads = 1` the other processors carry nothing.",
            "leave `threads` out of [gateway], so that there is one for each processor".to_owned(),
        )
    } else if full.full < full.threads {
        (
            match full.full {
                0 | 1 => format!("one of {} threads has no time left while others have", full.threads),
                several => format!("{several} of {} threads have no time left while others have", full.threads),
            },
            "A flow is sealed, and an SA is opened, by one thread, so that its packets stay in order; some have more of them than they have time for.",
            "spread the traffic: several flows, several SAs or tunnels for it, or a cipher that costs less".to_owned(),
        )
    } else {
        return None;
    };
    Some(
        Found::by(full.seen, COUNTED, summary)
            .at(AtFault::Local)
            .because(format!("{because} {}", full.lost()))
            .fix(fix)
            .then("adit status: what each thread carries")
            .done(),
    )
}
