//! Packets in ESP, from the sender's policy to the receiver's.

mod acquire_pending_blackhole;
mod anti_replay_drops;
mod esp_both_directions_vm_fails;
mod esp_integrity_failure;
mod esp_spi_unknown;
mod inbound_policy_mismatch;
mod inner_address_outside_selector;
mod sa_desync_one_side_flushed;
mod sa_hard_expired;
mod seq_overflow_no_esn;
mod sha256_truncation_bug;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &acquire_pending_blackhole::RULE,
    &anti_replay_drops::RULE,
    &esp_both_directions_vm_fails::RULE,
    &esp_integrity_failure::RULE,
    &esp_spi_unknown::RULE,
    &inbound_policy_mismatch::RULE,
    &inner_address_outside_selector::RULE,
    &sa_desync_one_side_flushed::RULE,
    &sa_hard_expired::RULE,
    &seq_overflow_no_esn::RULE,
    &sha256_truncation_bug::RULE,
];
