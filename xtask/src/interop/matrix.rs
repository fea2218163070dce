//! What other implementations' suites play, and how much of it is played here: `interop/matrix.toml`.
//!
//! A case of theirs is judged by our scenarios that say they play it; where none does, the file says what is missing.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::scenario::{Role, Scenario};
use super::{Outcome, Verdict};
use crate::workspace;

/// A scenario of another implementation's suite.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `group/name`, as they call it.
    pub name: String,
    /// What it takes: A the peer alone, B packets that the peer's data plane can't carry, A6 a newer peer.
    pub tier: String,
    /// What is missing here to play it.
    pub not_yet: Option<String>,
}

/// All cases, in the order of the file.
pub fn cases() -> Result<Vec<Case>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        case: Vec<Case>,
    }
    let path = workspace::root().join("interop/matrix.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let file: File = toml_edit::de::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(file.case)
}

/// The outcome of every case in both roles, from the outcomes of the scenarios that play it.
pub fn judge(cases: &[Case], scenarios: &[Scenario], played: &[Outcome]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for case in cases {
        for role in [Role::Initiator, Role::Responder] {
            let of_case: Vec<&Outcome> = played
                .iter()
                .filter(|outcome| outcome.role == role)
                .filter(|outcome| {
                    scenarios.iter().any(|scenario| {
                        scenario.name == outcome.name && scenario.plays.contains(&case.name)
                    })
                })
                .collect();
            outcomes.extend(one(case, role, &of_case));
        }
    }
    outcomes
}

/// `None` where the case is played, but not in this role or not in this run.
fn one(case: &Case, role: Role, played: &[&Outcome]) -> Option<Outcome> {
    let (result, reason, seconds) = match &case.not_yet {
        Some(missing) => (
            Verdict::NotYet,
            format!("tier {}, missing: {missing}", case.tier),
            0.0,
        ),
        None => {
            let worst = played.iter().max_by_key(|outcome| match outcome.result {
                Verdict::Pass => 0,
                Verdict::NotYet => 1,
                Verdict::UnsupportedByPeer => 2,
                Verdict::Fail => 3,
            })?;
            let reason = match worst.result {
                Verdict::Pass => format!("played by {}", worst.name),
                _ => format!("{}: {}", worst.name, worst.reason),
            };
            (
                worst.result,
                reason,
                played.iter().map(|outcome| outcome.seconds).sum(),
            )
        }
    };
    Some(Outcome {
        name: case.name.clone(),
        setting: String::new(),
        role,
        result,
        reason,
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::super::scenario;
    use super::*;

    #[test]
    fn every_case_is_played_or_says_what_is_missing() {
        let (cases, scenarios) = (cases().unwrap(), scenario::all().unwrap());
        for case in &cases {
            let played = scenarios.iter().any(|s| s.plays.contains(&case.name));
            assert!(
                played != case.not_yet.is_some(),
                "{}: played {played}, missing {:?}",
                case.name,
                case.not_yet
            );
            assert!(["A", "B", "A6"].contains(&case.tier.as_str()));
        }
        for name in scenarios.iter().flat_map(|s| &s.plays) {
            assert!(cases.iter().any(|c| c.name == *name), "{name}");
        }
        let mut names: Vec<_> = cases.iter().map(|c| &c.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), cases.len());
    }

    #[test]
    fn a_case_is_as_good_as_the_worst_that_plays_it() {
        let case = |not_yet: Option<&str>| Case {
            name: "ikev2/x".into(),
            tier: "A".into(),
            not_yet: not_yet.map(str::to_owned),
        };
        let outcome = |result| Outcome {
            name: "net/x".into(),
            setting: String::new(),
            role: Role::Initiator,
            result,
            reason: "why".into(),
            seconds: 1.0,
        };
        let (good, bad) = (outcome(Verdict::Pass), outcome(Verdict::Fail));
        let judged = one(&case(None), Role::Initiator, &[&good, &bad]).unwrap();
        assert_eq!((judged.result, judged.seconds), (Verdict::Fail, 2.0));
        assert!(one(&case(None), Role::Initiator, &[]).is_none());
        let missing = one(&case(Some("EAP")), Role::Initiator, &[]).unwrap();
        assert_eq!(missing.result, Verdict::NotYet);
        assert_eq!(missing.reason, "tier A, missing: EAP");
    }
}
