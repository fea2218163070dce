//! Configuration that isn't what its author thinks.

mod bypass_too_broad;
mod cleartext_leak_no_policy;
mod config_line_lost;
mod config_syntax_rejected;
mod debug_or_test_rule_left;
mod duplicate_conn_or_reqid;
mod failure_policy_passthrough;
mod global_vs_rule_setting_conflict;
mod not_understood;
mod plugin_missing;
mod subnet_config_wrong_or_missing_node;
mod template_or_yaml_error;
mod vendor_incompatibility;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &template_or_yaml_error::RULE,
    &config_syntax_rejected::RULE,
    &plugin_missing::RULE,
    &config_line_lost::RULE,
    &subnet_config_wrong_or_missing_node::RULE,
    &cleartext_leak_no_policy::RULE,
    &bypass_too_broad::RULE,
    &failure_policy_passthrough::RULE,
    &duplicate_conn_or_reqid::RULE,
    &global_vs_rule_setting_conflict::RULE,
    &debug_or_test_rule_left::RULE,
    &vendor_incompatibility::RULE,
];
