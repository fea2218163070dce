//! Sentences about daemons that come and go.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    any(
        Sign::DaemonNotRunning,
        "Checking that pluto is running [FAILED]",
    ),
    any(Sign::DaemonCrashed, "ASSERTION FAILED: {problem}"),
];
