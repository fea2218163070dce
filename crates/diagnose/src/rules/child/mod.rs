//! CHILD SAs and their selectors.

mod esn_mismatch;
mod esp_proposal_mismatch;
mod if_id_or_mark_mismatch;
pub(crate) mod ike_up_no_child;
mod ipcomp_mismatch;
mod mode_mismatch;
mod multi_subnet_one_sa_unsupported;
mod no_additional_sas;
pub(crate) mod pfs_mismatch;
mod policy_order_wrong;
mod policy_vs_route_based_mismatch;
mod proto_port_selector_mismatch;
mod stale_policy_steals_traffic;
mod ts_mismatch;
mod ts_narrowed;
mod virtual_ip_or_cp_failure;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &esp_proposal_mismatch::RULE,
    &pfs_mismatch::RULE,
    &ts_mismatch::RULE,
    &policy_vs_route_based_mismatch::RULE,
    &proto_port_selector_mismatch::RULE,
    &multi_subnet_one_sa_unsupported::RULE,
    &ts_narrowed::RULE,
    &mode_mismatch::RULE,
    &esn_mismatch::RULE,
    &virtual_ip_or_cp_failure::RULE,
    &no_additional_sas::RULE,
    &ipcomp_mismatch::RULE,
    &policy_order_wrong::RULE,
    &stale_policy_steals_traffic::RULE,
    &if_id_or_mark_mismatch::RULE,
    &ike_up_no_child::RULE,
];
