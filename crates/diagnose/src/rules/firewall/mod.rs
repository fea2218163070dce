//! Filters on the path and on the hosts.

mod esp_blocked;
mod esp_blocked_one_way;
mod ip_fragments_dropped;
mod udp4500_blocked;
mod udp500_blocked;
mod udp500_reply_blocked;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &udp500_blocked::RULE,
    &udp500_reply_blocked::RULE,
    &udp4500_blocked::RULE,
    &esp_blocked::RULE,
    &esp_blocked_one_way::RULE,
    &ip_fragments_dropped::RULE,
];
