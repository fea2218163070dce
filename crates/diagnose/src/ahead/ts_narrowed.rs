//! `ts-narrowed`: the peer grants less traffic than is configured; the rest of it goes nowhere.

use adit_model::ahead::Ahead as Known;
use adit_model::connection::{Mode, Remote};
use adit_model::selector::Selector;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "ts-narrowed",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    // Where one side gives addresses to the other, less is what is meant; and who is anybody has only his own.
    let meant = view.connection.is_none_or(|c| {
        !c.inner.wanted.is_empty() || !c.inner.pools.is_empty() || c.remote == Remote::Any
    });
    for (fact, known) in view.all() {
        let Known::Agreed {
            child,
            mode: Mode::Tunnel,
            ts_local,
            ts_remote,
            ..
        } = known
        else {
            continue;
        };
        let Some(configured) = view.child(child).filter(|_| !meant) else {
            continue;
        };
        for (which, wanted, granted) in [
            ("local_net", &configured.local_ts, ts_local),
            ("remote_net", &configured.remote_ts, ts_remote),
        ] {
            let lost: Vec<String> = wanted
                .iter()
                .filter(|w| !granted.iter().any(|g| g.contains(w)))
                .map(ToString::to_string)
                .collect();
            if lost.is_empty() || covers(granted, wanted) {
                continue;
            }
            let texts: Vec<String> = granted.iter().map(ToString::to_string).collect();
            out.push(
                view.warn(fact, AtFault::Both, format!("{child} carries less than is configured: of `{which}` {} the peer grants {}", lost.join(", "), texts.join(", ")))
                    .of_child(child)
                    .then("packets of the rest find no SA: they are dropped, or bring about one more negotiation that ends the same")
                    .fix(format!("write into `{which}` of child {child} what the peer has, if that is what is meant"))
                    .fix_there(format!("add {} to the networks of this tunnel", lost.join(", "))),
            );
        }
    }
}

/// Whether what was granted holds all that was wanted, in pieces.
fn covers(granted: &[Selector], wanted: &[Selector]) -> bool {
    let nets = |all: &[Selector]| -> u128 {
        all.iter()
            .flat_map(Selector::nets)
            .map(|n| {
                1_u128
                    .checked_shl(u32::from(n.max_prefix_len() - n.prefix_len()))
                    .unwrap_or(u128::MAX)
            })
            .fold(0, u128::saturating_add)
    };
    let within = |g: &Selector| wanted.iter().any(|w| w.contains(g));
    granted.iter().all(within) && nets(granted) >= nets(wanted)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, net, of};
    use super::*;

    fn told(
        local: &[&str],
        remote: &[&str],
        change: impl Fn(&mut adit_model::connection::Connection),
    ) -> Vec<String> {
        let mut c = connection();
        change(&mut c);
        let all = |texts: &[&str]| texts.iter().map(|t| net(t)).collect();
        let agreed = Known::Agreed {
            child: "lan".to_owned(),
            suite: "aes256gcm16".to_owned().try_into().unwrap(),
            mode: Mode::Tunnel,
            ts_local: all(local),
            ts_remote: all(remote),
        };
        causes(&of(c, vec![agreed]))
    }

    #[test]
    fn less_is_told_and_the_same_in_pieces_is_not() {
        let same = |_: &mut _| ();
        assert!(told(&["10.1.0.0/24"], &["10.2.0.0/24"], same).is_empty());
        assert_eq!(
            told(&["10.1.0.0/24"], &["10.2.0.0/25"], same),
            ["ts-narrowed"]
        );
        assert!(told(&["10.1.0.0/25", "10.1.0.128/25"], &["10.2.0.0/24"], same).is_empty());
        assert!(
            told(&["10.1.0.7/32"], &["10.2.0.0/24"], |c| c.remote =
                Remote::Any)
            .is_empty()
        );
    }
}
