//! Sentences about overlay networks.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[any(
    Sign::OverlayInClear,
    "overlay traffic is not encrypted",
)];
