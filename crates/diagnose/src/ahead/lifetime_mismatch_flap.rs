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

/// The peer wants both sides to authenticate anew before we would have; we obey (RFC 4478).
fn sooner_anew(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Reauthentication {
            began: true,
            told_s: Some(seconds),
            ours_s,
            ours_at,
            now,
            ..
        } = known
        else {
            continue;
        };
        if *ours_s > 0 && u64::from(*seconds) >= *ours_s {
            continue;
        }
        let ours = match ours_s {
            0 => "which we wouldn't (`reauth` is off)".to_owned(),
            s => format!("and we would after {s} s"),
        };
        let at = ours_at.map_or_else(String::new, |at| format!(" {}", when(*now, at)));
        out.push(
            view.warn(fact, AtFault::Both, format!("the peer wants us to authenticate anew within {seconds} s (AUTH_LIFETIME), {ours}"))
                .note()
                .then(format!("we do so{at}, with all credentials as they are then; with make_before_break no packet is lost"))
                .fix(format!("set `reauth` to less than {seconds} s, so that both ends say the same"))
                .fix_there("the lifetime of the authentication as the other side has it, or none"),
        );
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
    fn a_peer_that_wants_us_to_authenticate_sooner_is_obeyed_and_told_of() {
        let told = |seconds, ours_s| {
            let now = adit_model::Wall(1_700_000_000_000);
            let known = Known::Reauthentication {
                began: true,
                told_s: Some(seconds),
                told_until: Some(adit_model::Wall(now.0 + u64::from(seconds) * 1000)),
                ours_s,
                ours_at: Some(adit_model::Wall(now.0 + u64::from(seconds) * 900)),
                end: None,
                now,
            };
            of(connection(), vec![known])
        };
        let sooner = told(3600, 86_400);
        assert_eq!(causes(&sooner), ["(lifetime-mismatch-flap)"]);
        assert!(sooner[0].consequence.contains("(in 3240 s)"), "{sooner:?}");
        assert_eq!(causes(&told(3600, 0)), ["(lifetime-mismatch-flap)"]);
        assert!(told(86_400, 3600).is_empty());
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
