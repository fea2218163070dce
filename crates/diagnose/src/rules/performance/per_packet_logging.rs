//! `per-packet-logging`: every packet is logged.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::plane::{found, possible};
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "per-packet-logging",
    recurs: false,
    page: Page {
        title: "Every packet is logged",
        what: "A rule of a filter logs each packet that it lets pass. Writing the log costs more than forwarding.",
        initiator: "Slow; the log is full of lines about packets that pass.",
        responder: "The same, where the rule is there.",
        look_alikes: &[
            (
                "cpu-crypto-bound",
                "Do the processors write the log, or do they encrypt?",
            ),
            (
                "debug-or-test-rule-left",
                "Was the rule left over from a test?",
            ),
        ],
        fix: &[
            (
                "any",
                "Take the log option off rules that let packets pass, or limit its rate.",
            ),
            ("linux", "`-m limit --limit 5/min` before `-j LOG`."),
            ("vyatta", "`delete security firewall name NAME rule N log`."),
            ("vyos", "`delete firewall ipv4 name NAME rule N log`."),
        ],
        source: "IBM Cloud, VRA troubleshooting: throughput",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::PacketsLogged) else {
        return Judgement::Silent;
    };
    let what = format!(
        "rule {} logs every packet that it lets pass ({} lines here)",
        seen.value_or("rule", "of a filter"),
        seen.value_or("count", "many")
    );
    let slow = s.throughput().next().is_some()
        || s.first_sign(&[Sign::AllCoresBusy, Sign::CoreBusy])
            .is_some()
        || s.complains(Complaint::Slow).is_some();
    // A few lines are of a packet that somebody follows.
    let few = seen
        .value("count")
        .and_then(|n| n.parse().ok())
        .is_some_and(|n: u64| n < 20);
    if !slow && few {
        return Judgement::Silent;
    }
    if !slow {
        return possible(
            30,
            what,
            "whether throughput grows when the log option is off",
        );
    }
    found(s, &[Sign::PacketsLogged], CONDITION + 0.02, |_, _| {
        what.clone()
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because("A line of log for each packet costs more than the packet.")
            .fix("take the log option off rules that let packets pass")
            .done()
    })
}
