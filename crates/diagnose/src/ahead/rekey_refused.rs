//! `rekey-refused`, before the first rekey: one was tried, and refused for something that isn't its proposal.

use adit_model::ahead::{Ahead as Known, TrialOutcome};
use adit_model::fact::Fact;

use super::view::View;
use super::{Ahead, Forewarning, no_additional_sas, pfs_mismatch_at_rekey, ts_changed_at_rekey};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "rekey-refused",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    let others = [ts_changed_at_rekey::NOTIFY, no_additional_sas::NOTIFY];
    for (fact, child, notify) in refused(view) {
        if !pfs_mismatch_at_rekey::NOTIFIES.contains(&notify) && !others.contains(&notify) {
            out.push(
                refusal(
                    view,
                    fact,
                    child,
                    AtFault::Remote,
                    format!("{child} can't be rekeyed: the peer answers {notify}"),
                )
                .then(format!(
                    "the tunnel goes on with the keys that it has and dies at its first rekey, {}",
                    when(view, child)
                ))
                .fix_there(format!(
                    "find in the log why the rekey of this tunnel was answered with {notify}"
                )),
            );
        }
    }
}

/// Every trial.
pub(super) fn trials<'a>(
    view: &View<'a>,
) -> impl Iterator<Item = (&'a Fact, &'a str, &'a TrialOutcome)> + use<'a> {
    let all: Vec<_> = view.all().collect();
    all.into_iter().filter_map(|(fact, known)| match known {
        Known::Trial { child, outcome } => Some((fact, child.as_str(), outcome)),
        _ => None,
    })
}

/// Every trial that the peer refused, with the notify.
pub(super) fn refused<'a>(
    view: &View<'a>,
) -> impl Iterator<Item = (&'a Fact, &'a str, &'a str)> + use<'a> {
    trials(view).filter_map(|(fact, child, outcome)| match outcome {
        TrialOutcome::RefusedByPeer { notify, .. } => Some((fact, child, notify.as_str())),
        _ => None,
    })
}

/// A warning about the first rekey of a child.
pub(super) fn refusal(
    view: &View<'_>,
    fact: &Fact,
    child: &str,
    side: AtFault,
    summary: String,
) -> Forewarning {
    view.warn(fact, side, summary).of_child(child)
}

/// When the first rekey is, as far as this side decides it.
pub(super) fn when(view: &View<'_>, child: &str) -> String {
    match view.child(child).map(|c| c.life.rekey.as_secs()) {
        None | Some(0) => "when the peer wants it".to_owned(),
        Some(seconds) => format!("after {seconds} s at the latest"),
    }
}
