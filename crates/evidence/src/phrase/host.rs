//! Sentences about the host that the daemon runs on.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[any(
    Sign::PortInUse,
    "unable to bind socket: Address already in use",
)];
