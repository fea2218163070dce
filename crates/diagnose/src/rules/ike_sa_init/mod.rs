//! The first exchange.

mod algorithm_not_available;
mod both_ends_passive;
mod cookie_challenge_fails;
mod half_open_limit;
mod ike_dh_group_mismatch;
mod ike_port_nonstandard;
mod ike_proposal_mismatch;
mod ike_proposal_mismatch_silent;
mod ike_version_mismatch;
mod ikev1_exchange_mode_mismatch;
mod ikev1_strict_lifetime;
mod invalid_ke_loop;
mod no_matching_connection_on_responder;
mod nothing_triggers_initiation;
mod proposal_list_too_long;
mod wrong_ike_config_selected;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &ike_version_mismatch::RULE,
    &ike_proposal_mismatch::RULE,
    &proposal_list_too_long::RULE,
    &ike_proposal_mismatch_silent::RULE,
    &ike_dh_group_mismatch::RULE,
    &invalid_ke_loop::RULE,
    &no_matching_connection_on_responder::RULE,
    &ikev1_exchange_mode_mismatch::RULE,
    &ikev1_strict_lifetime::RULE,
    &both_ends_passive::RULE,
    &nothing_triggers_initiation::RULE,
    &half_open_limit::RULE,
    &cookie_challenge_fails::RULE,
    &algorithm_not_available::RULE,
    &wrong_ike_config_selected::RULE,
    &ike_port_nonstandard::RULE,
];
