//! `reauth-wrong-initiator`: both sides have to authenticate anew, and who has to begin it doesn't.
//!
//! Who set the IKE SA up begins (RFC 7296 2.8.3). A peer that has begun and doesn't obey what we told it (RFC 4478) is late: we end
//! the IKE SA. Before that nothing is wrong. What it says of its own time has no meaning from that side, and is only noted.

use adit_model::ahead::{Ahead as Known, when};

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "reauth-wrong-initiator",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Reauthentication {
            began: false,
            told_s,
            told_until,
            given_until,
            end,
            now,
            ..
        } = known
        else {
            continue;
        };
        let now = *now;
        if let (Some(seconds), Some(until)) = (told_s, told_until)
            && now < *until
        {
            out.push(
                view.warn(fact, AtFault::Remote, format!("the peer, which has set the IKE SA up, tells us that it keeps what was authenticated for {seconds} s (AUTH_LIFETIME): from that side it has no meaning (RFC 4478), and we can't authenticate anew in its place"))
                    .note()
                    .then(format!("nothing, if it authenticates anew itself; should it end the IKE SA instead, {}, the tunnel is down until it sets it up again", when(now, *until)))
                    .fix_there("authenticate anew yourself, or not at all and rekey instead (strongSwan: reauth_time = 0 and rekey_time; ipsec.conf: reauth=no)"),
            );
        }
        let late = known.late_from().is_some_and(|late| now > late);
        if let (Some(until), Some(end), true) = (given_until, end, late) {
            out.push(
                view.warn(fact, AtFault::Remote, format!("the peer should have authenticated anew {} and hasn't; it was told so (AUTH_LIFETIME), and nobody else can", when(now, *until)))
                    .then(format!("we end the IKE SA {}, and the tunnel is down until the peer sets it up again", when(now, *end)))
                    .fix("reauth = \"off\" on this side, for a peer that can't; a rekey makes new keys as well")
                    .fix_there("authenticate anew before the time is over that the responder tells (RFC 4478), which is the side's business that has set the tunnel up"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;
    use adit_model::Wall;
    use core::time::Duration;

    const START: u64 = 1_700_000_000_000;

    /// An IKE SA whose peer was told `given` seconds, `passed` seconds after both had proved themselves.
    fn given(given: u64, passed: u64) -> Known {
        let after = |seconds: u64| Wall(START + seconds * 1000);
        Known::Reauthentication {
            began: false,
            proved: after(0),
            told_s: None,
            told_until: None,
            planned: None,
            ours_at: None,
            given_until: Some(after(given)),
            end: Some(after(given + given / 10)),
            now: after(passed),
        }
    }

    fn told(by_them: bool, passed: u64) -> Vec<Forewarning> {
        let known = Known::Reauthentication {
            began: !by_them,
            proved: Wall(START),
            told_s: Some(7200),
            told_until: Some(Wall(START + 7_200_000)),
            planned: None,
            ours_at: None,
            given_until: None,
            end: None,
            now: Wall(START + passed * 1000),
        };
        of(connection(), vec![known])
    }

    #[test]
    fn a_lifetime_from_who_has_to_begin_is_a_note_as_long_as_it_lasts() {
        let found = told(true, 0);
        assert_eq!(causes(&found), ["(reauth-wrong-initiator)"]);
        let until = "2023-11-15T00:13:20Z (in 7200 s)";
        assert!(found[0].consequence.contains(until), "{found:?}");
        assert_eq!(causes(&told(true, 7199)), ["(reauth-wrong-initiator)"]);
        // It is over, and the tunnel is up: nothing came of it, and nothing will.
        assert!(told(true, 7200).is_empty());
        assert!(told(true, 90_000).is_empty());
        assert!(told(false, 0).iter().all(|f| f.cause != RULE.id));
    }

    #[test]
    fn a_peer_that_was_told_is_late_only_after_that() {
        let judged = |passed| causes(&of(connection(), vec![given(3600, passed)]));
        for passed in [0, 1800, 3599, 3605, 3610] {
            assert!(judged(passed).is_empty(), "after {passed} s");
        }
        assert_eq!(judged(3611), ["reauth-wrong-initiator"]);
        let late = of(connection(), vec![given(3600, 3720)]);
        assert!(late[0].summary.contains("(120 s ago)"), "{late:?}");
        assert!(late[0].consequence.contains("(in 240 s)"), "{late:?}");
    }

    /// What is configured by now is nothing of what the peer was told.
    #[test]
    fn a_configuration_that_came_later_makes_nobody_late() {
        for now_s in [0, 60, 86_400, u64::MAX] {
            let mut connection = connection();
            connection.life.reauth = Duration::from_secs(now_s);
            assert!(of(connection.clone(), vec![given(3600, 600)]).is_empty());
            let late = of(connection, vec![given(3600, 3700)]);
            assert_eq!(causes(&late), ["reauth-wrong-initiator"], "{now_s}");
        }
    }

    #[test]
    fn a_short_time_leaves_room_to_be_late_in() {
        let judged = |passed| causes(&of(connection(), vec![given(60, passed)]));
        assert!(judged(63).is_empty());
        assert_eq!(judged(64), ["reauth-wrong-initiator"]);
    }
}
