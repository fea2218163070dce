//! `cert-revoked`: a certificate is revoked.

use adit_model::reason::CertificateProblem;
use adit_model::sign::Sign;

use super::chain::{bad, consequences};
use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

pub(crate) static RULE: Rule = Rule {
    id: "cert-revoked",
    recurs: false,
    page: Page {
        title: "A certificate is revoked",
        what: "The CA has put a certificate of the chain on its revocation list, or its OCSP responder says so.",
        initiator: "AUTHENTICATION_FAILED, or our own refusal of the responder's certificate.",
        responder: "strongSwan: \"certificate was revoked on …, reason: …\"; Libreswan: SEC_ERROR_REVOKED_CERTIFICATE.",
        look_alikes: &[(
            "crl-unreachable",
            "Is it revoked, or is its status unknown?",
        )],
        fix: &[(
            "any",
            "Issue a new certificate. If it was revoked by mistake and put on hold only, have the CA take it off, and fetch the list anew.",
        )],
        source: "RFC 5280 5; RFC 6960",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(bad) = bad(s, &[Sign::CertificateRevoked], CertificateProblem::Revoked) else {
        return super::chain::may_be(
            s,
            25,
            "a peer that found our certificate on a revocation list refuses it in the same way",
            "the peer's log names the serial number and the list",
        );
    };
    let reason = s
        .sign(Sign::CertificateRevoked)
        .and_then(|seen| seen.value("reason"))
        .map_or(String::new(), |reason| format!(" (reason: {reason})"));
    let owner = bad.verifier.other();
    Found::on(
        bad.fact,
        SAID,
        owner.into(),
        format!("the certificate of {} is revoked{reason}", who(owner)),
    )
    .with(consequences(s))
    .because("The side that verifies found the certificate on a revocation list, or was told so by OCSP.")
    .fix("have a new certificate issued and load it")
    .done()
}
