//! Address translation.

mod encap_type_mismatch;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[&encap_type_mismatch::RULE];
