//! `reassembly-failure`: the receiver cannot put fragments together.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::plane::{found, possible};
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "reassembly-failure",
    recurs: false,
    page: Page {
        title: "The receiver cannot put fragments together",
        what: "Fragments arrive and some are missing, come too late, or exceed the memory that is set aside for them; the whole packet is lost.",
        initiator: "Large packets fail.",
        responder: "Counters of failed reassembly grow (IpReasmFails).",
        look_alikes: &[
            (
                "ip-fragments-dropped",
                "Do all fragments reach the network card?",
            ),
            ("esp-fragmented-on-wire", "Why is it fragmented at all?"),
        ],
        fix: &[
            (
                "any",
                "Lower the MTU of the tunnel so that nothing is fragmented; raise the limits of reassembly.",
            ),
            (
                "linux",
                "`sysctl net.ipv4.ipfrag_high_thresh=8388608`, `net.ipv4.ipfrag_time`.",
            ),
        ],
        source: "RFC 791 3.2; RFC 8900",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["ip-fragments-dropped"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ReassemblyFailed) else {
        return Judgement::Silent;
    };
    let count: u64 = seen
        .value("count")
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let large = s.size_matters().is_some() || s.fragments().next().is_some();
    if count < 20 || !large {
        // A host on the Internet always has some.
        return if large || s.traffic_suffers() {
            possible(
                30,
                format!("{count} packets couldn't be put together"),
                "whether the counter grows with each large packet: nstat IpReasmFails before and after",
            )
        } else {
            Judgement::Silent
        };
    }
    found(s, &[Sign::ReassemblyFailed], SYMPTOM, |seen, _| {
        format!("{count} fragmented packets couldn't be put together at {}", seen.who())
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because("Large packets fail, they come in fragments, and the receiver doesn't have all of them in time.")
            .fix("lower the MTU of the tunnel so that nothing is fragmented, or raise the limits of reassembly")
            .done()
    })
}
