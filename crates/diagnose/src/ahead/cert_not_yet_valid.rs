//! `cert-not-yet-valid`: a certificate that the tunnel is to use isn't valid yet.

use adit_model::ahead::Ahead as Known;
use adit_model::fact::Side;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "cert-not-yet-valid",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Certificate {
            used_as,
            subject,
            not_before,
            now,
            ..
        } = known
        else {
            continue;
        };
        if *not_before > *now && fact.side == Side::Local {
            out.push(
                view.warn(fact, AtFault::Local, format!("{used_as} {subject} isn't valid yet, by our clock"))
                    .then("who compares it with the time refuses it: the tunnel isn't set up, or authenticated anew")
                    .fix("look whether this host's clock is right (timedatectl); else wait, or have the certificate issued anew"),
            );
        }
    }
}
