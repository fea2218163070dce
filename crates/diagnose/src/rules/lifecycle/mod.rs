//! Daemons and SAs that come and go.

mod boot_gap_cleartext;
mod cloud_endpoint_maintenance;
mod config_not_loaded;
mod config_not_persistent;
mod daemon_not_running;
mod dpd_action_clear;
mod dpd_disabled_stale_sa;
mod dpd_too_aggressive;
mod dpd_unsupported_or_onesided;
mod dynamic_ip_changed;
mod idle_teardown;
mod no_autostart_after_reboot;
pub(crate) mod peer_deleted_sa;
mod reboot_no_initial_contact;
mod service_crash_loop;
mod shutdown_order_cuts_network;
mod tunnel_monitor_bad_target;
mod tunnel_monitor_wrong_source;
mod uniqueness_kicks_peer;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &daemon_not_running::RULE,
    &service_crash_loop::RULE,
    &config_not_loaded::RULE,
    &no_autostart_after_reboot::RULE,
    &config_not_persistent::RULE,
    &reboot_no_initial_contact::RULE,
    &dpd_too_aggressive::RULE,
    &dpd_action_clear::RULE,
    &dpd_disabled_stale_sa::RULE,
    &dpd_unsupported_or_onesided::RULE,
    &idle_teardown::RULE,
    &tunnel_monitor_wrong_source::RULE,
    &tunnel_monitor_bad_target::RULE,
    &uniqueness_kicks_peer::RULE,
    &cloud_endpoint_maintenance::RULE,
    &dynamic_ip_changed::RULE,
    &shutdown_order_cuts_network::RULE,
    &boot_gap_cleartext::RULE,
    &peer_deleted_sa::RULE,
];
