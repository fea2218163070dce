//! Sentences about clusters.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[any(Sign::ClusterSplit, "split-brain")];
