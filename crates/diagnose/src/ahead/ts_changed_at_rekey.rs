//! `ts-changed-at-rekey`, before the first rekey: one was tried, and its networks were refused.

use super::rekey_refused::{refusal, refused, when};
use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "ts-changed-at-rekey",
    judge,
};

/// How the peer says so.
pub(super) const NOTIFY: &str = "TS_UNACCEPTABLE";

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, child, _) in refused(view).filter(|(_, _, notify)| *notify == NOTIFY) {
        out.push(
            refusal(view, fact, child, AtFault::Both, format!("{child} can't be rekeyed: the peer takes its networks no more (TS_UNACCEPTABLE)"))
                .then(format!("the tunnel goes on with the keys that it has and dies at its first rekey, {}", when(view, child)))
                .fix(format!("write exactly those networks into child {child} that both sides have (adit show ipsec-sa shows what was agreed on)"))
                .fix_there("let a rekey ask for the networks that the tunnel has"),
        );
    }
}
