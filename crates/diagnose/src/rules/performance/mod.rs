//! Size and speed.

mod cipher_suboptimal;
mod container_or_overlay_mtu_too_high;
mod cpu_crypto_bound;
mod esp_fragmented_on_wire;
mod full;
mod icmp_fragneeded_filtered;
mod link_saturated;
mod mss_clamp_missing;
mod per_packet_logging;
mod pmtu_blackhole;
mod qos_after_encryption;
mod reassembly_failure;
mod single_sa_single_core;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &cipher_suboptimal::RULE,
    &container_or_overlay_mtu_too_high::RULE,
    &cpu_crypto_bound::RULE,
    &esp_fragmented_on_wire::RULE,
    &icmp_fragneeded_filtered::RULE,
    &link_saturated::RULE,
    &mss_clamp_missing::RULE,
    &per_packet_logging::RULE,
    &pmtu_blackhole::RULE,
    &qos_after_encryption::RULE,
    &reassembly_failure::RULE,
    &single_sa_single_core::RULE,
];
