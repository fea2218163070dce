//! `reauth-wrong-initiator`: both sides have to authenticate anew, and nobody will.
//!
//! Who set the IKE SA up begins (RFC 7296 2.8.3). A peer that wants it otherwise can only end the IKE SA when its time is over
//! (RFC 4478).

use adit_model::Wall;
use adit_model::ahead::{Ahead as Known, when};

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "reauth-wrong-initiator",
    judge,
};

/// How long before its end who has to authenticate anew should have done so, in milliseconds.
const LATE: u64 = 10_000;

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Reauthentication {
            began: false,
            told_s,
            told_until,
            ours_s,
            end,
            now,
            ..
        } = known
        else {
            continue;
        };
        if let (Some(seconds), Some(until)) = (told_s, told_until) {
            out.push(
                view.warn(fact, AtFault::Remote, format!("the peer wants us to authenticate anew within {seconds} s (AUTH_LIFETIME), and nobody will: the peer has set the IKE SA up, and only that side can (RFC 4478)"))
                    .then(format!("the peer ends the IKE SA {}, and the tunnel is down until it sets it up again", when(*now, *until)))
                    .fix("let this side set the tunnel up (start = \"auto\", and passive there), or have the peer leave it")
                    .fix_there("authenticate anew yourself, or not at all and rekey instead (strongSwan: reauth_time = 0 and rekey_time; ipsec.conf: reauth=no)"),
            );
        }
        if let Some(end) = end {
            out.push(ends(view, fact, *ours_s, *end, *now));
        }
    }
}

/// We end the IKE SA unless the peer acts, which has been told.
fn ends(
    view: &View<'_>,
    fact: &adit_model::fact::Fact,
    ours_s: u64,
    end: Wall,
    now: Wall,
) -> Forewarning {
    // We have told it `reauth`, and wait a tenth longer.
    let wanted = Wall(end.0.saturating_sub(ours_s * 100));
    let there = "authenticate anew before the time is over that the responder tells (RFC 4478), which is the side's business that has set the tunnel up";
    if now.0 > wanted.0.saturating_add(LATE) {
        return view
            .warn(fact, AtFault::Remote, format!("the peer should have authenticated anew {} and hasn't", when(now, wanted)))
            .then(format!("we end the IKE SA {}, and the tunnel is down until the peer sets it up again", when(now, end)))
            .fix("reauth = \"off\" on this side, for a peer that can't; a rekey makes new keys as well")
            .fix_there(there);
    }
    view.warn(fact, AtFault::Remote, format!("the peer has to authenticate anew, until {}; it was told so (AUTH_LIFETIME), and nobody else can", when(now, wanted)))
        .note()
        .then(format!("nothing, if it does; else we end the IKE SA {}", when(now, end)))
        .fix_there(there)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn told(began: bool, told_s: Option<u32>, end_in_s: Option<u64>) -> Vec<Forewarning> {
        let after = |seconds: u64| Wall(NOW + seconds * 1000);
        let known = Known::Reauthentication {
            began,
            told_s,
            told_until: told_s.map(|s| after(s.into())),
            ours_s: 3600,
            ours_at: None,
            end: end_in_s.map(after),
            now: Wall(NOW),
        };
        of(connection(), vec![known])
    }

    #[test]
    fn a_peer_that_set_the_tunnel_up_and_waits_for_us_is_told_of() {
        let found = told(false, Some(7200), None);
        assert_eq!(causes(&found), ["reauth-wrong-initiator"]);
        assert!(
            found[0].consequence.contains("at 00:13:20 UTC (in 7200 s)"),
            "{found:?}"
        );
        assert!(
            told(true, Some(7200), None)
                .iter()
                .all(|f| f.cause != RULE.id)
        );
    }

    #[test]
    fn a_peer_that_was_told_has_until_its_time_is_over() {
        // `reauth` is an hour, of which half an hour is left, and six minutes more.
        let found = told(false, None, Some(1800 + 360));
        assert_eq!(causes(&found), ["(reauth-wrong-initiator)"]);
        assert!(found[0].summary.contains("(in 1800 s)"), "{found:?}");
        let late = told(false, None, Some(120));
        assert_eq!(causes(&late), ["reauth-wrong-initiator"]);
        assert!(late[0].consequence.contains("(in 120 s)"), "{late:?}");
    }
}
