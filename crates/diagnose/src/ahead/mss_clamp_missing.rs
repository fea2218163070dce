//! `mss-clamp-missing`: the largest TCP segment that is let through is too long for the tunnel.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "mss-clamp-missing",
    judge,
};

/// IPv4 and TCP headers without options, in octets.
const HEADERS: u32 = 40;

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Room {
            child,
            fits,
            mss: Some(mss),
            ..
        } = known
        else {
            continue;
        };
        if u32::from(*mss) + HEADERS > *fits {
            let most = fits.saturating_sub(HEADERS);
            out.push(
                view.warn(fact, AtFault::Local, format!("TCP segments of {mss} octets are let through, and {most} fit"))
                    .of_child(child)
                    .then("TCP connections hang at their first long segment, where the ICMP messages that say so are filtered")
                    .fix(format!("take `mss` of child {child} away (it is found by itself), or set it to {most}")),
            );
        }
    }
}
