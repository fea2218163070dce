//! What the kernel can, does and refuses.

mod hw_offload_fault;
mod icmp_redirects_bypass;
mod ip_forward_disabled;
mod kernel_module_or_algo_missing;
mod kernel_policy_conflict;
mod pcap_misread_linux_outbound;
mod rp_filter_drop;
mod vti_disable_policy_missing;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &kernel_module_or_algo_missing::RULE,
    &kernel_policy_conflict::RULE,
    &hw_offload_fault::RULE,
    &ip_forward_disabled::RULE,
    &rp_filter_drop::RULE,
    &vti_disable_policy_missing::RULE,
    &icmp_redirects_bypass::RULE,
    &pcap_misread_linux_outbound::RULE,
];
