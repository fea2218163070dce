//! What older versions of a daemon did with the same configuration.
//!
//! What both sides have set is the same then as it was when it worked: it may still be refused for what a new version does
//! differently, but not because it doesn't fit. Where values are shown that don't fit, they count for more.

use adit_model::complaint::Complaint;
use adit_model::reason::Refusal;

use crate::rule::{Judgement, Rule};
use crate::signals::Signals;

/// Causes that lie in what is configured, and that no version sets by itself.
const CONFIGURED: &[&str] = &[
    "ts-mismatch",
    "mode-mismatch",
    "id-mismatch",
    "psk-mismatch",
];

/// Leaves them as possible, where somebody tells that the versions before don't do it.
pub(crate) fn regressed(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    match judgement {
        Judgement::Found(found)
            if CONFIGURED.contains(&rule.id)
                && s.complains(Complaint::WorksInOlderVersions).is_some()
                && !values_differ(s) =>
        {
            Judgement::Possible {
                weight: 30,
                because: format!("{}; older versions are said not to do so", found.summary),
                separated_by: "whether an older version takes the same configuration of both sides today",
            }
        }
        other => other,
    }
}

/// Whether a refusal shows what was wanted and what came.
fn values_differ(s: &Signals<'_>) -> bool {
    s.refusal(|r| {
        let shown = match r {
            Refusal::TrafficSelectors {
                offered_local,
                configured_local,
                ..
            } => !offered_local.is_empty() && !configured_local.is_empty(),
            Refusal::PeerIdentity { expected, .. } => !expected.is_empty(),
            Refusal::AuthValue { .. } | Refusal::Mode { .. } => true,
            _ => false,
        };
        shown.then_some(())
    })
    .is_some()
}
