//! What the kernel can, does and refuses.

mod pcap_misread_linux_outbound;
mod rp_filter_drop;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[&rp_filter_drop::RULE, &pcap_misread_linux_outbound::RULE];
