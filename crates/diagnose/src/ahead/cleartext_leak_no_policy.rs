//! `cleartext-leak-no-policy`: traffic of the tunnel has left in clear, measured.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "cleartext-leak-no-policy",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Clear { left, came, .. } = known else {
            continue;
        };
        if left + came > 0 {
            out.push(
                view.warn(fact, AtFault::Local, format!("{left} packets of this tunnel have left in clear and {came} have come in, because `policy` is \"optional\""))
                    .then("whenever the tunnel is down, its traffic can be read and changed on the way")
                    .fix("policy = \"required\", as soon as both ends have the tunnel"),
            );
        }
    }
}
