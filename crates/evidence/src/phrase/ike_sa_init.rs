//! Sentences about the first exchange.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // charon
    any(
        Sign::HalfOpenLimit,
        "ignoring IKE_SA setup from {peer}, per-IP half-open IKE_SA limit of {limit:n} reached",
    ),
];
