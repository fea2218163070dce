//! Sentences about CHILD SAs.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // charon
    any(
        Sign::VirtualAddressMissing,
        "expected a virtual IP request, sending FAILED_CP_REQUIRED",
    ),
];
