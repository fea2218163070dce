//! The host that the daemon runs on.

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[];
