//! Filters on the path and on the hosts.

mod anti_spoof_drop;
mod decrypted_traffic_blocked;
mod dpi_or_ids_interference;
mod endpoint_host_firewall;
mod esp_blocked;
mod esp_blocked_one_way;
mod host_inbound_ike_not_allowed;
mod ip_fragments_dropped;
mod stale_conntrack;
mod udp4500_blocked;
mod udp500_blocked;
mod udp500_reply_blocked;
mod vti_firewall_direction_wrong;
mod zone_policy_missing;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &udp500_blocked::RULE,
    &udp500_reply_blocked::RULE,
    &udp4500_blocked::RULE,
    &host_inbound_ike_not_allowed::RULE,
    &esp_blocked::RULE,
    &esp_blocked_one_way::RULE,
    &ip_fragments_dropped::RULE,
    &decrypted_traffic_blocked::RULE,
    &zone_policy_missing::RULE,
    &vti_firewall_direction_wrong::RULE,
    &endpoint_host_firewall::RULE,
    &stale_conntrack::RULE,
    &dpi_or_ids_interference::RULE,
    &anti_spoof_drop::RULE,
];
