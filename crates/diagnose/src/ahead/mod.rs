//! What will fail: rules over facts of a tunnel that may be up and well.
//!
//! A [`Forewarning`] is no finding of a verdict: it says what hasn't happened yet, or what nobody suffers from yet, with the
//! cause that it will have. [`foresee`] is asked by whoever holds a case; [`diagnose`](crate::diagnose) adds what it says to each
//! verdict, so that all commands share it. Each rule is one file with the cause's name, whose page is that of the rule by the same id.

mod addresses;
mod algorithm_not_available;
mod boot_gap_cleartext;
mod both_ends_passive;
mod cert_expired;
mod cert_not_yet_valid;
mod cleartext_leak_no_policy;
mod clock_skew;
mod crl_unreachable;
mod dpd_disabled_stale_sa;
mod esp_proposal_mismatch;
mod ike_proposal_mismatch;
mod lifetime_mismatch_flap;
mod mode_mismatch;
mod mss_clamp_missing;
mod nat_mapping_timeout;
mod nat_t_disabled;
mod no_additional_sas;
mod overbroad_remote_selector;
mod overlapping_subnets;
mod pfs_mismatch_at_rekey;
mod pmtu_blackhole;
mod reauth_wrong_initiator;
mod rekey_disabled;
mod rekey_refused;
mod shutdown_order_cuts_network;
#[cfg(test)]
mod testing;
mod ts_changed_at_rekey;
mod ts_narrowed;
mod view;
mod warning;

use adit_model::ahead::Weight;
use adit_model::fact::Case;

pub use warning::{Forewarning, Premortem, TunnelAhead};

use view::View;

/// One cause that can be told ahead.
pub(crate) struct Ahead {
    /// The cause.
    pub id: &'static str,
    /// Judges what is known.
    pub judge: fn(&View<'_>, &mut Vec<Forewarning>),
}

static RULES: [&Ahead; 27] = [
    &pfs_mismatch_at_rekey::RULE,
    &rekey_refused::RULE,
    &ts_changed_at_rekey::RULE,
    &no_additional_sas::RULE,
    &rekey_disabled::RULE,
    &lifetime_mismatch_flap::RULE,
    &reauth_wrong_initiator::RULE,
    &cert_expired::RULE,
    &cert_not_yet_valid::RULE,
    &crl_unreachable::RULE,
    &clock_skew::RULE,
    &overbroad_remote_selector::RULE,
    &overlapping_subnets::RULE,
    &cleartext_leak_no_policy::RULE,
    &boot_gap_cleartext::RULE,
    &both_ends_passive::RULE,
    &dpd_disabled_stale_sa::RULE,
    &nat_t_disabled::RULE,
    &nat_mapping_timeout::RULE,
    &pmtu_blackhole::RULE,
    &mss_clamp_missing::RULE,
    &shutdown_order_cuts_network::RULE,
    &ts_narrowed::RULE,
    &mode_mismatch::RULE,
    &algorithm_not_available::RULE,
    &ike_proposal_mismatch::RULE,
    &esp_proposal_mismatch::RULE,
];

/// Causes that are told ahead.
pub fn foreseen_causes() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.id)
}

/// What will fail, as far as this side's facts tell; warnings before notes.
#[must_use]
pub fn foresee(case: &Case) -> Vec<Forewarning> {
    let view = View::new(case);
    let mut found = Vec::new();
    for rule in RULES {
        let before = found.len();
        (rule.judge)(&view, &mut found);
        for warning in found.iter_mut().skip(before) {
            warning.cause = rule.id.to_owned();
        }
    }
    found.sort_by_key(|warning| (warning.weight != Weight::Warning, warning.days));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_page_and_is_judged_once() {
        let mut ids: Vec<&str> = foreseen_causes().collect();
        for id in &ids {
            assert!(crate::explain(id).is_some(), "{id}");
        }
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[test]
    fn nothing_known_is_nothing_foreseen() {
        assert!(foresee(&Case::default()).is_empty());
    }
}
