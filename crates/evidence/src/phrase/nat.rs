//! Sentences about address translation.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[any(
    Sign::NatTraversalOff,
    "NAT-Traversal support [disabled]",
)];
