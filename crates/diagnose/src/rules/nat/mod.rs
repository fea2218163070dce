//! Address translation on the path and on the gateways.

mod ah_through_nat;
mod encap_type_mismatch;
mod nat_exemption_missing_on_peer;
mod nat_ipsec_passthrough;
mod nat_mapping_timeout;
mod nat_rebinding;
mod nat_return_mapping_lost;
mod nat_t_disabled;
mod netmap_order_wrong;
mod snat_before_ipsec;
mod snat_of_ike;
mod transport_mode_through_nat;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &nat_t_disabled::RULE,
    &snat_before_ipsec::RULE,
    &nat_exemption_missing_on_peer::RULE,
    &nat_mapping_timeout::RULE,
    &nat_rebinding::RULE,
    &nat_return_mapping_lost::RULE,
    &nat_ipsec_passthrough::RULE,
    &encap_type_mismatch::RULE,
    &ah_through_nat::RULE,
    &transport_mode_through_nat::RULE,
    &snat_of_ike::RULE,
    &netmap_order_wrong::RULE,
];
