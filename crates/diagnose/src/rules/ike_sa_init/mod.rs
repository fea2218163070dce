//! The first exchange.

mod ike_dh_group_mismatch;
mod ike_proposal_mismatch;
mod ike_version_mismatch;
mod no_matching_connection_on_responder;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &ike_version_mismatch::RULE,
    &ike_proposal_mismatch::RULE,
    &ike_dh_group_mismatch::RULE,
    &no_matching_connection_on_responder::RULE,
];
