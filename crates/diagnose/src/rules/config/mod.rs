//! Configuration that isn't what its author thinks.

mod cleartext_leak_no_policy;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[&cleartext_leak_no_policy::RULE];
