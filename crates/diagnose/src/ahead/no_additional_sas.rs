//! `no-additional-sas`, before the first rekey: the peer makes no CHILD SA but the first, so it can't be replaced either.

use super::rekey_refused::{refusal, refused, when};
use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "no-additional-sas",
    judge,
};

/// How the peer says so.
pub(super) const NOTIFY: &str = "NO_ADDITIONAL_SAS";

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, child, _) in refused(view).filter(|(_, _, notify)| *notify == NOTIFY) {
        out.push(
            refusal(view, fact, child, AtFault::Remote, format!("{child} can't be rekeyed: the peer makes no CHILD SA but the first (NO_ADDITIONAL_SAS)"))
                .then(format!("instead of a rekey the whole tunnel is set up anew, {}", when(view, child)))
                .fix_there("allow more than one CHILD SA on an IKE SA"),
        );
    }
}
