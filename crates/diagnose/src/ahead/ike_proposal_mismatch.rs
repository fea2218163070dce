//! `ike-proposal-mismatch`: the peer took one of our later proposals, so what the two sides want isn't the same.

use adit_model::ahead::Ahead as Known;
use adit_model::proposal::{Proposal, Suite};

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "ike-proposal-mismatch",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    let Some(connection) = view.connection else {
        return;
    };
    for (fact, known) in view.all() {
        if let Known::AgreedIke { suite } = known
            && let Some(place) = place(&connection.ike, suite)
        {
            out.push(
                view.warn(
                    fact,
                    AtFault::Both,
                    format!(
                        "the IKE SA uses {suite}, number {place} of our {} proposals",
                        connection.ike.len()
                    ),
                )
                .note()
                .then("nothing, as long as neither side takes that one away")
                .fix("put first in `ike` what both sides are to use"),
            );
        }
    }
}

/// The place of the first proposal that holds `suite`, from 1, unless it is the first.
pub(super) fn place(configured: &[Proposal], suite: &Suite) -> Option<usize> {
    let ke = suite.ke.is_some();
    let agreed = Proposal::from(*suite);
    let holds = |p: &Proposal| p.common(&agreed, ke) == Some(*suite);
    let at = configured.iter().position(holds)?;
    (at > 0).then_some(at + 1)
}
