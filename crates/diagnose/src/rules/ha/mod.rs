//! Clusters.

mod ha_arp_or_path_stale;
mod ha_both_active;
mod ha_seq_not_synced;
mod ha_transition_hook_wrong;
mod ha_vip_not_owned;
mod restart_affects_all_tunnels;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &ha_transition_hook_wrong::RULE,
    &ha_vip_not_owned::RULE,
    &ha_seq_not_synced::RULE,
    &ha_both_active::RULE,
    &ha_arp_or_path_stale::RULE,
    &restart_affects_all_tunnels::RULE,
];
