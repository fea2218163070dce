//! `boot-gap-cleartext`: the block has stopped what would have left in clear, which is the gap that it closes.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "boot-gap-cleartext",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        if let Known::Clear { stopped, .. } = known
            && *stopped > 0
        {
            out.push(
                view.warn(fact, AtFault::Local, format!("{stopped} packets of this tunnel would have left in clear, and the block stopped them"))
                    .note()
                    .then("nothing, while the block holds: they would pass after adit unblock, or where a host starts without adit-block.service")
                    .fix("systemctl enable adit-block.service; adit probe NAME says whether routes lead round the tunnel"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    #[test]
    fn what_left_is_a_warning_and_what_was_stopped_a_note() {
        let told = |left, came, stopped| {
            let clear = Known::Clear {
                left,
                came,
                stopped,
            };
            causes(&of(connection(), vec![clear]))
        };
        assert!(told(0, 0, 0).is_empty());
        assert_eq!(told(0, 0, 3), ["(boot-gap-cleartext)"]);
        assert_eq!(told(0, 2, 0), ["cleartext-leak-no-policy"]);
        assert_eq!(
            told(7, 0, 1),
            ["cleartext-leak-no-policy", "(boot-gap-cleartext)"]
        );
    }
}
