//! Sentences about replacing SAs.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[any(Sign::RekeyFailed, "CHILD_SA rekeying failed")];
