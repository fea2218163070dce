//! `mode-mismatch`: transport mode is configured, and tunnel mode was agreed on.

use adit_model::ahead::Ahead as Known;
use adit_model::connection::Mode;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "mode-mismatch",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        if let Known::Agreed {
            child,
            mode: Mode::Tunnel,
            ..
        } = known
            && view.child(child).is_some_and(|c| c.mode == Mode::Transport)
        {
            out.push(
                view.warn(fact, AtFault::Both, format!("{child} is configured for transport mode, and tunnel mode was agreed on"))
                    .of_child(child)
                    .note()
                    .then("packets are 20 octets longer (40 with IPv6); what counts on transport mode, such as L2TP or GRE, may not work")
                    .fix("mode = \"tunnel\", if that is what is meant")
                    .fix_there("allow transport mode for this tunnel"),
            );
        }
    }
}
