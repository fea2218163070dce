//! `ts-changed-at-rekey`: the SA that replaces another asks for other traffic.

use adit_model::sign::Sign;

use super::refusals;
use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ts-changed-at-rekey",
    recurs: true,
    page: Page {
        title: "The rekey asks for other networks than the SA has",
        what: "A rekey should ask for at least what the SA that it replaces carries. A peer that asks for its configured networks after it narrowed them, or for one pair out of several, is refused.",
        initiator: "TS_UNACCEPTABLE in answer to CREATE_CHILD_SA with REKEY_SA.",
        responder: "Libreswan: \"Traffic Selectors for rekey do not match the established IPsec SA\".",
        look_alikes: &[
            (
                "pfs-mismatch-at-rekey",
                "Is the notify about networks or about the proposal?",
            ),
            ("ts-mismatch", "Was the tunnel up before?"),
        ],
        fix: &[(
            "any",
            "Mirror the networks exactly, so that nothing is narrowed; one child per pair of networks.",
        )],
        source: "RFC 7296 2.8, 2.9.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let found = if let Some(seen) = s.ever(Sign::TrafficChanged).last() {
        Found::by(*seen, SAID, SUMMARY)
    } else if let Some((fact, _)) = refusals(s)
        .filter(|(_, r)| r.number == Some(notify::TS_UNACCEPTABLE))
        .last()
    {
        Found::on(fact, 0.95, AtFault::Both, SUMMARY)
    } else {
        return Judgement::Silent;
    };
    found
        .at(AtFault::Both)
        .because("The SA came up with networks that both sides took; those of the rekey weren't taken.")
        .fix("make both lists of networks the mirror image of the other side's, so that nothing is narrowed")
        .done()
}

const SUMMARY: &str = "the rekey asks for other networks than the SA has, and is refused";
