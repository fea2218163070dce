//! `ts-narrowed`: the SA is up for less than is configured.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::compare::{list, only_in};
use crate::complaint::carries_nothing;
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
        return written(s, up, child, ts_local, ts_remote);
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

/// A file that is shown has a larger network than the SA that came of it.
fn written(
    s: &Signals<'_>,
    up: &Fact,
    name: &str,
    ts_local: &[Selector],
    ts_remote: &[Selector],
) -> Judgement {
    let ([ours], [theirs]) = (ts_local, ts_remote) else {
        return Judgement::Silent;
    };
    let one = |networks: &[Option<Selector>]| match networks {
        [one] => *one,
        _ => None,
    };
    // The whole address space is written by those who leave the choice to the other side.
    let cut = |written: Selector, agreed: &Selector| {
        (written != *agreed && !written.start.is_unspecified()).then_some(written)
    };
    let found = s.case.of(Side::Local).find_map(|fact| {
        let Known::PeerConfigured { connection: c } = &fact.what else {
            return None;
        };
        let child = c.children.iter().find(|child| child.name == name)?;
        if c.virtual_ip.is_some() {
            return None;
        }
        let (a, b) = (one(&child.local_ts.value)?, one(&child.remote_ts.value)?);
        let (a, b) = if a.contains(ours) && b.contains(theirs) {
            (a, b)
        } else if c.swappable && b.contains(ours) && a.contains(theirs) {
            (b, a)
        } else {
            return None;
        };
        Some((fact, cut(a, ours).or_else(|| cut(b, theirs))?))
    });
    let Some((fact, whole)) = found else {
        return Judgement::Silent;
    };
    let summary =
        format!("the SA carries {ours} to {theirs} only, and the configuration has all of {whole}");
    if !carries_nothing(s) {
        return Judgement::Possible {
            weight: 30,
            because: summary,
            separated_by: "whether hosts of the rest of that network are to be reached",
        };
    }
    Found::on(up, CONDITION, AtFault::Both, summary)
        .with([fact])
        .because("A responder takes the part of the networks that it has itself; what it doesn't have isn't carried.")
        .fix("write the same networks on both sides")
        .done()
}
