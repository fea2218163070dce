//! Sentences about size and speed.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[any(
    Sign::PacketTooBig,
    "error writing to socket: Message too long",
)];
