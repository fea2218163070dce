//! Overlay networks.

mod overlay_cleartext_4790;
mod overlay_guest_config;
mod overlay_policy_not_distributed;
mod overlay_short_lifetime_noise;
mod overlay_wrong_interface_sniffed;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &overlay_cleartext_4790::RULE,
    &overlay_wrong_interface_sniffed::RULE,
    &overlay_guest_config::RULE,
    &overlay_policy_not_distributed::RULE,
    &overlay_short_lifetime_noise::RULE,
];
