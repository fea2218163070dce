//! CHILD SAs.

pub(crate) mod esp_proposal_mismatch;
pub(crate) mod ts_mismatch;
