//! Sentences about configuration that isn't what its author thinks.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // addconn of Libreswan.
    any(
        Sign::ConfigSyntax,
        "cannot load config '{}': {path:w}:{line:n}: syntax error {problem}",
    ),
];
