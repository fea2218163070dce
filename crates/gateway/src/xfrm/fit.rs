//! What the kernel's IPsec can't do, and so is left to our own data plane.

use adit_kernel::xfrm::Protection;
use adit_model::carriage::{Df, Dscp, Mss, Tfc};
use adit_model::connection::{Child, Connection, Mode};
use adit_model::proposal::{NO_ADDITIONAL, Suite};

/// The first thing in `connections` that the kernel can't carry, as half a sentence; `None` when it carries all.
#[must_use]
pub fn obstacle<'a>(connections: impl IntoIterator<Item = &'a Connection>) -> Option<String> {
    connections.into_iter().find_map(|connection| {
        let of_child = |child| of_child(child).map(|why| format!("`{}`, {why}", child.name));
        let why = if connection.interface.is_some() {
            Some("an interface of its own".to_owned())
        } else {
            connection.children.iter().find_map(of_child)
        };
        why.map(|why| format!("tunnel `{}` has {why}", connection.name))
    })
}

fn of_child(child: &Child) -> Option<String> {
    let carriage = &child.carriage;
    if matches!(carriage.dscp, Dscp::Fixed(value) if value != 0) {
        return Some("a DSCP of its own outside".to_owned());
    }
    if carriage.df == Df::Set {
        return Some("DF set always".to_owned());
    }
    if matches!(carriage.mss, Mss::AtMost(_)) {
        return Some("an MSS of its own".to_owned());
    }
    if matches!(carriage.tfc, Tfc::Multiple(_)) {
        return Some("padding to multiples of a length".to_owned());
    }
    if !carriage.dummies.is_zero() {
        return Some("dummy packets".to_owned());
    }
    let whole = |list: &[adit_model::selector::Selector]| {
        list.iter()
            .any(|ts| ts.nets().iter().any(|net| net.prefix_len() == 0))
    };
    if child.mode == Mode::Tunnel && whole(&child.local_ts) && whole(&child.remote_ts) {
        return Some("selectors for everything on both sides".to_owned());
    }
    suites(child)
        .find(|suite| Protection::of(suite).is_none())
        .map(|suite| format!("an algorithm that the kernel lacks ({suite})"))
}

fn suites(child: &Child) -> impl Iterator<Item = Suite> {
    child.esp.iter().flat_map(|proposal| {
        proposal.encr.iter().flat_map(move |encr| {
            let integ: Vec<_> = if encr.is_aead() || proposal.integ.is_empty() {
                vec![None]
            } else {
                proposal.integ.iter().copied().map(Some).collect()
            };
            integ.into_iter().map(move |integ| Suite {
                encr: *encr,
                prf: None,
                integ,
                ke: None,
                addke: NO_ADDITIONAL,
                esn: false,
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_usual_is_carried_and_the_unusual_is_named() {
        let usual = sample::connection("office");
        assert_eq!(obstacle([&usual]), None);

        let mut dressed = usual.clone();
        dressed.children[0].carriage.dscp = Dscp::Fixed(46);
        let said = obstacle([&usual, &dressed]);
        assert_eq!(
            said.as_deref(),
            Some("tunnel `office` has `lan`, a DSCP of its own outside")
        );

        let mut all = usual;
        let any = adit_model::selector::ANY_V4;
        (all.children[0].local_ts, all.children[0].remote_ts) = (vec![any], vec![any]);
        assert!(obstacle([&all]).is_some_and(|why| why.contains("both sides")));
    }
}
