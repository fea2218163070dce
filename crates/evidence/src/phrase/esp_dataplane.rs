//! Sentences about packets in ESP.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[any(Sign::SpiUnknown, "received INVALID_SPI")];
