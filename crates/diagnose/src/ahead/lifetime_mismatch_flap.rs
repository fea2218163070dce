//! `lifetime-mismatch-flap`: the peer ends SAs before we renew them.

use adit_model::ahead::{Ahead as Known, when};

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "lifetime-mismatch-flap",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    sooner_anew(view, out);
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

/// The peer wants both sides to authenticate anew well before we would have; we obey (RFC 4478).
fn sooner_anew(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Reauthentication {
            began: true,
            proved,
            told_until: Some(until),
            planned,
            ours_at,
            now,
            ..
        } = known
        else {
            continue;
        };
        // What it tells is what is left, and it takes something random off, as we do: whole times are compared, with room.
        let whole = until.0.saturating_sub(proved.0);
        let ours = planned.map(|at| at.0.saturating_sub(proved.0));
        if ours.is_some_and(|ours| whole.saturating_add(ours / 4) >= ours) {
            continue;
        }
        let seconds = whole / 1000;
        let ours = match ours {
            None => "which we wouldn't by ourselves (`reauth` was off)".to_owned(),
            Some(ours) => format!("and we would by ourselves after {} s", ours / 1000),
        };
        let at = ours_at.map_or_else(String::new, |at| format!(" {}", when(*now, at)));
        let mut note = view.warn(fact, AtFault::Both, format!("the peer wants us to authenticate anew within {seconds} s from the set-up (AUTH_LIFETIME), {ours}"))
            .note()
            .then(format!("we do so{at}, with all credentials as they are then; with make_before_break no packet is lost"))
            .fix_there("the lifetime of the authentication as the other side has it, or none");
        if seconds > LEAST {
            note = note.fix(format!(
                "set `reauth` to about {seconds} s, so that both ends say the same"
            ));
        }
        out.push(note);
    }
}

/// The shortest `reauth` that can be configured, in seconds.
const LEAST: u64 = 10;

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

    /// What is foreseen where the peer told `told` seconds after `passed`, and we would by ourselves after `planned`.
    fn anew(passed: u64, told: u32, planned: Option<u64>) -> Vec<Forewarning> {
        let after = |seconds: u64| adit_model::Wall(1_700_000_000_000 + seconds * 1000);
        let until = after(passed + u64::from(told));
        let known = Known::Reauthentication {
            began: true,
            proved: after(0),
            told_s: Some(told),
            told_until: Some(until),
            planned: planned.map(after),
            ours_at: Some(until),
            given_until: None,
            end: None,
            now: after(passed),
        };
        of(connection(), vec![known])
    }

    #[test]
    fn a_peer_that_wants_us_to_authenticate_much_sooner_is_obeyed_and_told_of() {
        let sooner = anew(0, 3600, Some(86_400));
        assert_eq!(causes(&sooner), ["(lifetime-mismatch-flap)"]);
        assert!(sooner[0].consequence.contains("(in 3600 s)"), "{sooner:?}");
        assert!(sooner[0].fix.local.contains("3600 s"), "{sooner:?}");
        assert_eq!(causes(&anew(0, 3600, None)), ["(lifetime-mismatch-flap)"]);
        assert!(anew(0, 86_400, Some(3600)).is_empty());
    }

    /// Both say 3600 s: either takes up to a tenth off, and what is told later is what is left of it.
    #[test]
    fn ends_that_are_configured_the_same_are_told_of_nothing() {
        for told in [3240, 3400, 3600] {
            for planned in [3240, 3600] {
                assert!(anew(0, told, Some(planned)).is_empty(), "{told} {planned}");
            }
        }
        assert!(anew(3000, 600, Some(3500)).is_empty(), "the rest of it");
        assert!(anew(3200, 40, Some(3600)).is_empty());
    }

    #[test]
    fn what_is_left_is_no_value_to_configure() {
        let late = anew(3000, 600, None);
        assert!(late[0].fix.local.contains("3600 s"), "{late:?}");
        assert!(late[0].summary.contains("within 3600 s from"), "{late:?}");
        let at_once = anew(5, 0, Some(3600));
        assert_eq!(causes(&at_once), ["(lifetime-mismatch-flap)"]);
        assert_eq!(at_once[0].fix.local, "", "nothing can be set as low");
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
