//! Sentences about filters.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[any(
    Sign::SendForbidden,
    "error writing to socket: Operation not permitted",
)];
