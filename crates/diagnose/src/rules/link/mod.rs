//! The line between the gateways, and their addresses.

mod local_address_missing;
mod middlebox_path_selective_drop;
mod peer_address_wrong;
mod peer_dns_unresolvable;
mod peer_unreachable;
mod underlay_loss_or_flap;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &local_address_missing::RULE,
    &peer_dns_unresolvable::RULE,
    &peer_unreachable::RULE,
    &underlay_loss_or_flap::RULE,
    &peer_address_wrong::RULE,
    &middlebox_path_selective_drop::RULE,
];
