//! Authentication.

mod auth_method_mismatch;
mod id_mismatch;
mod large_ike_auth_fragment_lost;
mod psk_mismatch;
mod psk_not_found;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &large_ike_auth_fragment_lost::RULE,
    &psk_mismatch::RULE,
    &id_mismatch::RULE,
    &psk_not_found::RULE,
    &auth_method_mismatch::RULE,
];
