//! `dpd-disabled-stale-sa`: nothing would notice that the peer is gone.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "dpd-disabled-stale-sa",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        if let Known::Watched {
            dpd_s: 0,
            monitored: false,
        } = known
        {
            out.push(
                view.warn(fact, AtFault::Local, "nothing asks whether the peer is alive: `dpd` is off, and no monitor asks through the tunnel")
                    .then("if the peer restarts or loses its SAs, the tunnel shows as up and carries nothing until the next rekey")
                    .fix("take `dpd = \"off\"` away (the default is 30 s), or add `monitor`"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    #[test]
    fn either_of_the_two_is_enough() {
        let told =
            |dpd_s, monitored| causes(&of(connection(), vec![Known::Watched { dpd_s, monitored }]));
        assert_eq!(told(0, false), ["dpd-disabled-stale-sa"]);
        assert!(told(0, true).is_empty());
        assert!(told(30, false).is_empty());
    }
}
