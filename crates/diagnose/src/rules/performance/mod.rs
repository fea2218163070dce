//! Size and speed.

mod esp_fragmented_on_wire;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[&esp_fragmented_on_wire::RULE];
