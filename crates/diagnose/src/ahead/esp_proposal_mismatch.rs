//! `esp-proposal-mismatch`: the peer took one of our later proposals, so what the two sides want isn't the same.

use adit_model::ahead::Ahead as Known;

use super::ike_proposal_mismatch::place;
use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "esp-proposal-mismatch",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Agreed { child, suite, .. } = known else {
            continue;
        };
        let Some(esp) = view.child(child).map(|c| &c.esp) else {
            continue;
        };
        if let Some(place) = place(esp, suite) {
            out.push(
                view.warn(
                    fact,
                    AtFault::Both,
                    format!(
                        "{child} uses {suite}, number {place} of our {} proposals",
                        esp.len()
                    ),
                )
                .of_child(child)
                .note()
                .then("nothing, as long as neither side takes that one away")
                .fix("put first in `esp` what both sides are to use"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, net, of};
    use super::*;
    use adit_model::connection::Mode;

    #[test]
    fn a_later_proposal_is_a_note() {
        let told = |text: &str| {
            let agreed = Known::Agreed {
                child: "lan".to_owned(),
                suite: text.to_owned().try_into().unwrap(),
                mode: Mode::Tunnel,
                ts_local: vec![net("10.1.0.0/24")],
                ts_remote: vec![net("10.2.0.0/24")],
            };
            causes(&of(connection(), vec![agreed]))
        };
        assert!(told("aes256gcm16").is_empty(), "made in IKE_AUTH");
        assert!(told("aes256gcm16-x25519").is_empty());
        assert_eq!(told("aes128gcm16"), ["(esp-proposal-mismatch)"]);
    }
}
