//! `algorithm-not-available`: what was agreed on is weak, and current versions of many products leave it out.

use adit_model::ahead::Ahead as Known;
use adit_model::proposal::Proposal;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "algorithm-not-available",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let (suite, child) = match known {
            Known::Agreed { child, suite, .. } => (suite, Some(child)),
            Known::AgreedIke { suite } => (suite, None),
            _ => continue,
        };
        let weak = Proposal::from(*suite).weak();
        if weak.is_empty() {
            continue;
        }
        let of = child.map_or("the IKE SA".to_owned(), |c| c.clone());
        let (key, what) = match child {
            Some(_) => ("esp", "ESP"),
            None => ("ike", "IKE"),
        };
        let mut warning = view
            .warn(fact, AtFault::Both, format!("{of} uses {}, which is weak: what the peer has chosen of our proposals is {suite}", weak.join(" and ")))
            .then("after an update of the peer's software it may be refused, and until then it protects badly")
            .fix(format!("take the weak words out of `{key}` once the peer has better ones"))
            .fix_there(format!("put a proposal with aes256gcm16 and x25519, ecp256 or modp2048 first for {what}"));
        warning.child = child.cloned();
        out.push(warning);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    #[test]
    fn a_weak_suite_is_told_and_a_good_one_is_not() {
        let told = |text: &str| {
            let suite = text.to_owned().try_into().unwrap();
            causes(&of(connection(), vec![Known::AgreedIke { suite }]))
        };
        assert!(told("aes256gcm16-prfsha256-x25519").is_empty());
        let weak = told("3des-sha1-modp1024");
        assert!(
            weak.contains(&"algorithm-not-available".to_owned()),
            "{weak:?}"
        );
    }
}
