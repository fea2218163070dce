//! Sentences about authentication.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // charon
    any(
        Sign::IssuerUnknown,
        "no issuer certificate found for \"{subject}\"",
    ),
];
