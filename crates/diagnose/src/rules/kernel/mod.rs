//! What the kernel can, does and refuses.

mod rp_filter_drop;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[&rp_filter_drop::RULE];
