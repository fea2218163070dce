//! The host that the daemon runs on.

mod app_cluster_split_brain;
mod conntrack_table_full;
mod disk_or_log_full;
mod implementation_bug;
mod port_500_in_use;
mod selinux_apparmor_or_caps;
mod updown_script_failure;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &selinux_apparmor_or_caps::RULE,
    &port_500_in_use::RULE,
    &implementation_bug::RULE,
    &disk_or_log_full::RULE,
    &conntrack_table_full::RULE,
    &updown_script_failure::RULE,
    &app_cluster_split_brain::RULE,
];
