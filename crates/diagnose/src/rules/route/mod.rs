//! Routes on and behind the gateways.

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[];
