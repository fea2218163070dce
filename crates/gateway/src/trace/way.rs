//! A way as it is put together: step by step, until packets stay.

use adit_model::probed::Check;
use adit_model::traced::{Hop, HopOutcome, Stop};

/// The steps so far, and where packets stay.
#[derive(Default)]
pub(super) struct Way {
    pub(super) hops: Vec<Hop>,
    pub(super) stop: Option<Stop>,
}

impl Way {
    pub(super) fn hop(
        &mut self,
        back: bool,
        stage: &str,
        outcome: HopOutcome,
        text: impl Into<String>,
    ) {
        self.hops.push(Hop {
            back,
            stage: stage.to_owned(),
            outcome,
            text: text.into(),
        });
    }

    /// A test of the host's found who it is.
    pub(super) fn stopped_by(&mut self, back: bool, stage: &str, by: &str, check: &Check) {
        self.stop(back, stage, by, check.summary.clone(), check.fix.clone());
    }

    pub(super) fn stop(
        &mut self,
        back: bool,
        stage: &str,
        by: &str,
        reason: impl Into<String>,
        fix: Option<String>,
    ) {
        let reason = reason.into();
        self.hop(back, stage, HopOutcome::Stopped, reason.clone());
        self.stop = Some(Stop {
            back,
            stage: stage.to_owned(),
            by: by.to_owned(),
            reason,
            fix,
        });
    }
}
