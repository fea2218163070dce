//! Replacing SAs.

mod delete_lost_stale_sa;
mod ike_proposal_changed_at_rekey;
mod ikev1_phase1_expiry_kills_phase2;
mod lifetime_mismatch_flap;
mod make_before_break_unset;
mod pfs_mismatch_at_rekey;
mod reauth_break_before_make;
mod reauth_wrong_initiator;
mod rekey_collision;
mod rekey_disabled;
mod rekey_failed_no_answer;
mod rekey_refused;
mod ts_changed_at_rekey;
mod volume_lifetime_small;

use adit_model::event::Happening;
use adit_model::fact::Fact;

use crate::refused::is_rekeying;
use crate::rule::Rule;
use crate::signals::{Signals, notify};

pub(crate) static RULES: &[&Rule] = &[
    &pfs_mismatch_at_rekey::RULE,
    &ts_changed_at_rekey::RULE,
    &ike_proposal_changed_at_rekey::RULE,
    &rekey_refused::RULE,
    &rekey_failed_no_answer::RULE,
    &rekey_disabled::RULE,
    &rekey_collision::RULE,
    &reauth_wrong_initiator::RULE,
    &make_before_break_unset::RULE,
    &reauth_break_before_make::RULE,
    &lifetime_mismatch_flap::RULE,
    &ikev1_phase1_expiry_kills_phase2::RULE,
    &delete_lost_stale_sa::RULE,
    &volume_lifetime_small::RULE,
];

/// A rekey that was refused.
struct Refusal<'a> {
    /// Number of the notify, where it is known.
    number: Option<u16>,
    name: &'a str,
}

/// Every rekey that was refused, at any time: what came up again in between is broken all the same.
fn refusals<'a>(s: &Signals<'a>) -> impl Iterator<Item = (&'a Fact, Refusal<'a>)> + use<'a> {
    s.case.happenings().filter_map(|(f, h)| match h {
        Happening::PeerRefused {
            what,
            notify: number,
            name,
            ..
        } if is_rekeying(what) || *number == notify::STATE_NOT_FOUND => Some((
            f,
            Refusal {
                number: Some(*number),
                name,
            },
        )),
        Happening::Refused {
            what, notify: told, ..
        } if is_rekeying(what) || what == "IKE_FOLLOWUP_KE" => Some((
            f,
            Refusal {
                number: match told.as_deref() {
                    Some("TS_UNACCEPTABLE") => Some(notify::TS_UNACCEPTABLE),
                    Some("TEMPORARY_FAILURE") => Some(notify::TEMPORARY_FAILURE),
                    _ => None,
                },
                name: told.as_deref().unwrap_or("a refusal"),
            },
        )),
        _ => None,
    })
}
