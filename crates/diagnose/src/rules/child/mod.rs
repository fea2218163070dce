//! CHILD SAs and their selectors.

mod esp_proposal_mismatch;
mod ts_mismatch;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[&esp_proposal_mismatch::RULE, &ts_mismatch::RULE];
