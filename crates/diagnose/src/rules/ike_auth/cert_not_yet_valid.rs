//! `cert-not-yet-valid`: a certificate's time hasn't begun.

use adit_model::fact::Side;
use adit_model::reason::CertificateProblem;
use adit_model::sign::Sign;

use super::chain::{Bad, bad, consequences, is_own};
use super::printed;
use super::validity::{Validity, validity};
use crate::finding::{CONFIGURED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "cert-not-yet-valid",
    recurs: false,
    page: Page {
        title: "A certificate isn't valid yet",
        what: "The begin of a certificate lies in the future of the side that verifies it: it was made minutes ago on a host whose clock or zone is ahead, or is meant for later.",
        initiator: "AUTHENTICATION_FAILED, or our own refusal of the responder's certificate.",
        responder: "strongSwan: \"subject certificate invalid (valid from … to …)\" with a begin after the time of the line; Cisco: CERTIFICATE_INVALID_NOT_YET_VALID.",
        look_alikes: &[
            ("clock-skew", "Is the clock of the side that refuses right?"),
            (
                "cert-expired",
                "Is it the begin that hasn't come, or has the end passed?",
            ),
        ],
        fix: &[(
            "any",
            "Set both clocks by NTP; wait, or issue the certificate with a begin in the past.",
        )],
        source: "RFC 5280 4.1.2.5, 6.1.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["clock-skew"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let stated = bad(
        s,
        &[Sign::CertificateNotYetValid],
        CertificateProblem::NotYetValid,
    );
    let dated = s
        .signs_of(Sign::CertificateOutsideValidity)
        .filter(|seen| validity(s, *seen) == Validity::NotYet)
        .last();
    let Some(bad) = dated.map(Bad::from).or(stated) else {
        if let Some(found) = own(s) {
            return found.done();
        }
        return super::chain::may_be(
            s,
            20,
            "a peer whose clock is behind refuses a new certificate in the same way",
            "the peer's log says from when on the certificate is valid; compare both clocks",
        );
    };
    let owner = if is_own(bad.fact) {
        bad.verifier
    } else {
        bad.verifier.other()
    };
    let from = dated
        .and_then(|seen| seen.value("from"))
        .map_or(String::new(), |from| format!(", it begins {from}"));
    Found::on(
        bad.fact,
        SAID - 0.01,
        AtFault::from(owner),
        format!(
            "a certificate{} of {} isn't valid yet by the clock of {}{from}",
            bad.named(),
            who(owner),
            who(bad.verifier)
        ),
    )
    .with(consequences(s))
    .because("The side that verifies compares the certificate's begin with its own clock, and the begin hasn't come.")
    .fix("compare date -u of both sides and set the clocks by NTP; if both are right, wait for the begin or issue the certificate anew")
    .done()
}

/// Our own certificate begins later than now, and authentication by it is refused.
fn own(s: &Signals<'_>) -> Option<Found> {
    let (fact, certificate, now) = printed::outside(s, false).filter(|_| !s.up)?;
    let ours = fact.side == Side::Local && printed::clock(s).is_some();
    if !ours || !printed::refused(s) || !printed::used(s, certificate) {
        return None;
    }
    Some(
        Found::on(
            fact,
            CONFIGURED,
            AtFault::Local,
            format!("our certificate {} isn't valid yet by our own clock", certificate.subject),
        )
        .with([now])
        .with(consequences(s))
        .because("Its begin hasn't come, and the peer refuses the authentication by it.")
        .fix("compare date -u with another clock and set it by NTP; if it is right, wait for the begin or issue the certificate anew"),
    )
}
