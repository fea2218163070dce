//! `lifetime-mismatch-flap`: the peer ends SAs before we renew them.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "lifetime-mismatch-flap",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::PeerLife {
            child,
            seconds,
            renewed,
            times,
        } = known
        else {
            continue;
        };
        let Some(ours) = view.child(child).map(|c| c.life.rekey.as_secs()) else {
            continue;
        };
        let sooner = ours == 0 || *seconds < ours;
        if !renewed && sooner && *times > 1 {
            out.push(
                view.warn(fact, AtFault::Both, format!("the peer deletes {child} after {seconds} s instead of renewing it, and we would renew it after {}", time(ours)))
                    .of_child(child)
                    .then(format!("the tunnel is cut every {seconds} s"))
                    .fix(format!("set `rekey` of child {child} to less than {seconds} s"))
                    .fix_there("rekey before the lifetime ends, or let SAs live longer than the other side's rekey time"),
            );
        } else if *renewed && ours > 0 && seconds.saturating_mul(4) < ours {
            out.push(
                view.warn(
                    fact,
                    AtFault::Both,
                    format!(
                        "the peer renews {child} after {seconds} s, and we would after {ours} s"
                    ),
                )
                .of_child(child)
                .note()
                .then("nothing, while the peer renews in time; should it not, ours comes too late")
                .fix(format!("set `rekey` of child {child} to about {seconds} s")),
            );
        }
    }
}

fn time(seconds: u64) -> String {
    match seconds {
        0 => "no time (`rekey` is off)".to_owned(),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn told(seconds: u64, renewed: bool, times: u32) -> Vec<String> {
        let life = Known::PeerLife {
            child: "lan".to_owned(),
            seconds,
            renewed,
            times,
        };
        causes(&of(connection(), vec![life]))
    }

    #[test]
    fn a_peer_that_deletes_sooner_than_we_renew_cuts_the_tunnel_again_and_again() {
        assert_eq!(told(1800, false, 2), ["lifetime-mismatch-flap"]);
        assert!(told(1800, false, 1).is_empty(), "once may be anything");
        assert!(told(7200, false, 3).is_empty());
        assert!(told(1800, true, 3).is_empty());
        assert_eq!(told(300, true, 1), ["(lifetime-mismatch-flap)"]);
    }
}
