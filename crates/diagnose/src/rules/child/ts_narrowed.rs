//! `ts-narrowed`: the SA is up for less than is configured.

use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::sign::Sign;

use crate::compare::{list, only_in};
use crate::finding::{CONDITION, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ts-narrowed",
    recurs: true,
    page: Page {
        title: "The SA is up for a part of the networks only",
        what: "A responder may narrow the networks that an initiator asks for to those it has itself. The tunnel comes up, and what was cut off doesn't pass.",
        initiator: "Some networks work and others don't; the established line names less than the configuration.",
        responder: "The same.",
        look_alikes: &[
            (
                "ts-mismatch",
                "Does none of the networks work, or a part of them?",
            ),
            (
                "multi-subnet-one-sa-unsupported",
                "Is exactly the first network left?",
            ),
        ],
        fix: &[(
            "any",
            "Make both lists mirror images, or make one child per pair of networks.",
        )],
        source: "RFC 7296 2.9",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::SelectorsNarrowed) {
        return Found::by(seen, SAID, "the SA is up for less than is configured")
            .at(AtFault::Both)
            .because("The responder took a part of the networks that were asked for.")
            .fix("make both lists of networks the mirror image of the other side's")
            .done();
    }
    let Some(up) = s.was_up().filter(|f| f.side == Side::Local) else {
        return Judgement::Silent;
    };
    let Known::Happened {
        happening:
            Happening::ChildEstablished {
                child,
                ts_local,
                ts_remote,
                narrowed,
                ..
            },
    } = &up.what
    else {
        return Judgement::Silent;
    };
    let configured = s.configured(Side::Local).and_then(|(fact, c)| {
        let child = c.children.iter().find(|x| &x.name == child)?;
        Some((fact, child))
    });
    let Some((fact, wanted)) = configured.filter(|_| *narrowed) else {
        return Judgement::Silent;
    };
    let missing: Vec<String> = only_in(&wanted.local_ts, ts_local)
        .into_iter()
        .chain(only_in(&wanted.remote_ts, ts_remote))
        .collect();
    Found::on(
        up,
        CONDITION,
        AtFault::Both,
        format!(
            "the SA carries {} to {} only; {} is cut off",
            list(ts_local),
            list(ts_remote),
            list(&missing)
        ),
    )
    .with([fact])
    .because("The responder took a part of the networks that were asked for.")
    .fix("make both lists of networks the mirror image of the other side's")
    .done()
}
