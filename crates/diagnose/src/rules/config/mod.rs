//! Configuration that isn't what its author thinks.

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[];
