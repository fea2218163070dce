//! What the rules about certificates have in common.

use adit_model::certificate_reason::CertificateReason;
use adit_model::connection::AuthKind;
use adit_model::fact::{Fact, Side};
use adit_model::reason::{CertificateProblem, Refusal};
use adit_model::sign::Sign;

use crate::rule::Judgement;
use crate::seen::Seen;
use crate::signals::{Signals, notify};

/// A certificate that isn't accepted, as the line says that tells it.
pub(super) struct Bad<'a> {
    pub(super) fact: &'a Fact,
    /// Who verified it.
    pub(super) verifier: Side,
    subject: Option<String>,
}

impl Bad<'_> {
    /// Whose it is, behind the word certificate; nothing where that isn't told.
    pub(super) fn named(&self) -> String {
        self.subject
            .as_ref()
            .map_or(String::new(), |subject| format!(" {subject}"))
    }
}

impl<'a> From<Seen<'a>> for Bad<'a> {
    fn from(seen: Seen<'a>) -> Self {
        let subject = seen.value("subject").or(seen.value("peer"));
        Bad {
            fact: seen.fact,
            verifier: seen.side(),
            subject: subject.map(|s| s.trim_matches(['\'', '"', ',']).to_owned()),
        }
    }
}

/// The certificate of which one of the signs is told, or for which an exchange was refused with this problem.
pub(super) fn bad<'a>(
    s: &Signals<'a>,
    signs: &[Sign],
    problem: CertificateProblem,
) -> Option<Bad<'a>> {
    if let Some(seen) = s.first_sign(signs) {
        return Some(Bad::from(seen));
    }
    s.refused.iter().rev().find_map(|r| match r.refusal {
        Refusal::Certificate {
            peer,
            problem: is,
            detail,
        } if *is == problem => Some(Bad {
            fact: r.fact,
            verifier: r.side,
            // It may be a CA's certificate that isn't accepted.
            subject: detail
                .as_ref()
                .map(|refused| refused.subject.clone())
                .filter(|subject| !subject.is_empty())
                .or_else(|| Some(peer.to_string())),
        }),
        _ => None,
    })
}

/// A certificate that isn't taken for what it is itself, whoever issued it.
pub(super) fn by_itself<'a>(s: &Signals<'a>) -> Option<(&'a Fact, Side, String)> {
    let found = s.refusal(|r| match r {
        Refusal::Certificate {
            problem: CertificateProblem::Usage | CertificateProblem::Unknown,
            detail: Some(refused),
            ..
        } if refused.reason != CertificateReason::Missing => Some(refused.to_string()),
        Refusal::Certificate {
            problem: problem @ CertificateProblem::Usage,
            detail: None,
            ..
        } => Some(problem.to_string()),
        _ => None,
    });
    found.map(|(r, what)| (r.fact, r.side, what))
}

/// What follows from a certificate that isn't accepted: no key is trusted, authentication fails.
pub(super) fn consequences<'a>(s: &Signals<'a>) -> Vec<&'a Fact> {
    let told = s
        .told
        .iter()
        .filter(|t| t.notify == notify::AUTHENTICATION_FAILED)
        .map(|t| t.fact);
    s.signs_of(Sign::PeerKeyUntrusted)
        .map(|seen| seen.fact)
        .chain(told)
        .collect()
}

/// Whether the line speaks of the certificate of the side that says it, as when a connection is loaded.
pub(super) fn is_own(fact: &Fact) -> bool {
    let text = fact.source.text.to_ascii_lowercase();
    ["left certificate", "right certificate", "own certificate"]
        .iter()
        .any(|words| text.contains(words))
}

/// The peer's certificate was refused, and the line that says why isn't there.
pub(super) fn unsaid<'a>(s: &Signals<'a>) -> Option<Seen<'a>> {
    s.signs_of(Sign::PeerKeyUntrusted)
        .find(|seen| seen.value("of") == Some("unsaid"))
}

/// The peer refused us and we have shown it a certificate, or a certificate was refused and nothing says why: it may be
/// this.
pub(super) fn may_be(
    s: &Signals<'_>,
    weight: u8,
    because: &str,
    separated_by: &'static str,
) -> Judgement {
    if let Some(seen) = unsaid(s) {
        return Judgement::Possible {
            weight,
            because: format!(
                "{} refused a certificate, and the line that says why isn't there",
                seen.who()
            ),
            separated_by: "the line before it, which names the error",
        };
    }
    let shown = s.refused_proof() == Some(AuthKind::Certificate) && s.authenticated().is_none();
    if !shown {
        return Judgement::Silent;
    }
    Judgement::Possible {
        weight,
        because: because.to_owned(),
        separated_by,
    }
}
