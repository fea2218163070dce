//! `rekey-disabled`: nothing renews the SAs of this side, and they have an end.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "rekey-disabled",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Agreed { child, .. } = known else {
            continue;
        };
        let Some(life) = view.child(child).map(|c| &c.life) else {
            continue;
        };
        let renewed_by_peer = view.all().any(
            |(_, known)| matches!(known, Known::PeerLife { child: of, renewed: true, .. } if of == child),
        );
        if life.rekey.is_zero() && !life.lifetime.is_zero() && !renewed_by_peer {
            let end = life.lifetime.as_secs();
            out.push(
                view.warn(fact, AtFault::Local, format!("we never rekey {child} (`rekey` is off), and it ends after {end} s"))
                    .of_child(child)
                    .then(format!("unless the peer renews it before, the tunnel dies every {end} s"))
                    .fix(format!("set `rekey` of child {child} to less than its `lifetime`, or take `lifetime` away")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::super::testing::{causes, connection, net, of};
    use super::*;
    use adit_model::connection::Mode;

    #[test]
    fn an_end_without_a_renewal_is_told_unless_the_peer_renews() {
        let agreed = || Known::Agreed {
            child: "lan".to_owned(),
            suite: "aes256gcm16".to_owned().try_into().unwrap(),
            mode: Mode::Tunnel,
            ts_local: vec![net("10.1.0.0/24")],
            ts_remote: vec![net("10.2.0.0/24")],
        };
        assert!(of(connection(), vec![agreed()]).is_empty());
        let mut off = connection();
        off.children[0].life.rekey = Duration::ZERO;
        assert_eq!(causes(&of(off.clone(), vec![agreed()])), ["rekey-disabled"]);
        let renews = Known::PeerLife {
            child: "lan".to_owned(),
            seconds: 3000,
            renewed: true,
            times: 1,
        };
        assert!(
            !causes(&of(off.clone(), vec![agreed(), renews]))
                .contains(&"rekey-disabled".to_owned())
        );
        off.children[0].life.lifetime = Duration::ZERO;
        assert!(of(off, vec![agreed()]).is_empty());
    }
}
