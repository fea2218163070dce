//! Refusals that a later attempt got past: the sides have proved themselves since, and what was refused then is the SA for
//! traffic. Why an earlier proof or proposal failed is history.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use crate::overcome::is_of_same;
use crate::rule::{Judgement, Rule};
use crate::seen::before;
use crate::signals::Signals;
use crate::verdict::Evidence;

/// Causes that keep the sides from proving themselves.
const BEFORE_PROOF: &[&str] = &[
    "auth-method-mismatch",
    "ca-not-trusted",
    "cert-expired",
    "cert-not-yet-valid",
    "cert-san-mismatch",
    "eap-xauth-failure",
    "id-mismatch",
    "id-type-mismatch",
    "ike-dh-group-mismatch",
    "ike-proposal-mismatch",
    "ike-version-mismatch",
    "ikev1-exchange-mode-mismatch",
    "invalid-ke-loop",
    "nat-private-ip-as-id",
    "no-matching-connection-on-responder",
    "private-key-missing",
    "psk-formatting",
    "psk-mismatch",
    "psk-not-found",
    "signature-or-keyusage-rejected",
];

/// What was found of an attempt before the proof is no more than possible where the same peer proved itself later and was
/// refused its SA for traffic.
pub(crate) fn outrun(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    let Judgement::Found(found) = judgement else {
        return judgement;
    };
    if !BEFORE_PROOF.contains(&rule.id) || !was_passed(s, &found.evidence) {
        return Judgement::Found(found);
    }
    Judgement::Possible {
        weight: 12,
        because: format!(
            "{}; a later attempt got further, and failed at the SA for traffic",
            found.summary
        ),
        separated_by: "whether the earlier failure comes again",
    }
}

fn was_passed(s: &Signals<'_>, lines: &[Evidence]) -> bool {
    let Some(refused) = child_refused(s) else {
        return false;
    };
    let quoted: Vec<&Fact> = s
        .case
        .facts
        .iter()
        .filter(|f| lines.iter().any(|line| line.is_of(f)))
        .collect();
    !quoted.is_empty()
        && s.case.facts.iter().any(|done| {
            proved(done)
                && before(done, refused)
                && quoted
                    .iter()
                    .all(|line| before(line, done) && is_of_same(done, line))
        })
}

/// The line that says that the sides have proved themselves.
fn proved(fact: &Fact) -> bool {
    matches!(
        &fact.what,
        Known::Happened {
            happening: Happening::IkeEstablished { .. }
        } | Known::Sign {
            sign: Sign::FirstPhaseDone,
            ..
        }
    )
}

/// The last line that says that an SA for traffic was refused.
fn child_refused<'a>(s: &Signals<'a>) -> Option<&'a Fact> {
    let refused = s
        .refused
        .iter()
        .filter(|r| r.about.starts_with("CHILD_SA") && !r.rekeying)
        .map(|r| r.fact);
    let told = s
        .told
        .iter()
        .filter(|t| t.child && !t.rekeying)
        .map(|t| t.fact);
    let said = s.signs.iter().filter_map(|seen| {
        matches!(
            seen.sign,
            Sign::TrafficRefused
                | Sign::EspProposalRefused
                | Sign::ChildRequestRefused
                | Sign::PfsDiffers
                | Sign::ModeDiffers
                | Sign::ChildFailed
                | Sign::AddressPoolExhausted
        )
        .then_some(seen.fact)
    });
    refused
        .chain(told)
        .chain(said)
        .reduce(|a, b| if before(a, b) { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::rule;

    #[test]
    fn every_cause_of_the_lists_has_a_rule() {
        for id in BEFORE_PROOF {
            assert!(rule(id).is_some(), "{id}");
        }
    }
}
