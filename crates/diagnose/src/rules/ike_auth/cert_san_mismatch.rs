//! `cert-san-mismatch`: the certificate doesn't hold the identity.

use adit_model::fact::{Fact, Known};
use adit_model::reason::CertificateProblem;
use adit_model::sign::Sign;

use super::chain::{Bad, bad, consequences};
use super::printed;
use crate::finding::{CONFIGURED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "cert-san-mismatch",
    recurs: false,
    page: Page {
        title: "The certificate doesn't hold the identity that is used",
        what: "An identity must be confirmed by the certificate: as its whole subject, or as one of its subjectAltNames of the same type. A CN alone confirms no host name. strongSwan replaces an own identity that the certificate doesn't hold by the subject.",
        initiator: "AUTHENTICATION_FAILED; or at loading \"id … not confirmed by certificate, defaulting to …\".",
        responder: "strongSwan: \"constraint check failed: certificate does not confirm identity\"; Libreswan: \"certificate subjectAltName extension does not match …\"; racoon: \"ID mismatched with subjectAltName\".",
        look_alikes: &[
            ("id-mismatch", "Is the identity itself the expected one?"),
            ("ca-not-trusted", "Is the chain trusted?"),
        ],
        fix: &[
            (
                "any",
                "Issue the certificate with the identity as subjectAltName (type included), or use the subject as identity on both sides.",
            ),
            (
                "strongswan",
                "`local { id = … }` as in `swanctl --list-certs` under altNames.",
            ),
            (
                "libreswan",
                "`leftid=%fromcert`; `require-id-on-certificate=no` only as a stopgap.",
            ),
        ],
        source: "RFC 7296 3.5; RFC 4945 3.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["private-key-missing"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // Of the own certificate it is said when it is loaded, and the subject is used instead: what the peer's certificate
    // lacks isn't that. Without an identity (`%any`) it says nothing.
    let elsewhere = s
        .first_sign(&[Sign::IssuerUnknown, Sign::PeerKeyUntrusted])
        .is_some();
    let of_own =
        |bad: &Bad<'_>| marked(bad.fact, "replaced") && (elsewhere || marked(bad.fact, "anybody"));
    let Some(bad) = bad(
        s,
        &[Sign::CertificateNameMismatch],
        CertificateProblem::Name,
    )
    .filter(|bad| !of_own(bad)) else {
        return printed_one(s).unwrap_or_else(|| {
            super::chain::may_be(
                s,
                45,
                "a peer that doesn't find our identity in our certificate refuses it in the same way",
                "the peer's log lists the names in the certificate; adit cert inspect shows those of ours",
            )
        });
    };
    let identity = s
        .sign(Sign::CertificateNameMismatch)
        .and_then(|seen| seen.value("identity"))
        .map_or(String::new(), |id| format!(" {}", id.trim_matches('\'')));
    // A name is replaced by the subject in the own certificate, when it is loaded.
    let own = marked(bad.fact, "own") || marked(bad.fact, "replaced");
    let owner = if own {
        bad.verifier
    } else {
        bad.verifier.other()
    };
    Found::on(
        bad.fact,
        if own { 0.85 } else { SAID },
        AtFault::from(owner),
        format!(
            "the certificate of {} doesn't hold the identity{identity} that it is used with",
            crate::signals::who(owner)
        ),
    )
    .with(consequences(s))
    .because("An identity counts only when the certificate says the same: in its subject as a whole or in a subjectAltName of the same type.")
    .fix("issue the certificate with that identity as subjectAltName, or set the identity to one that it holds (openssl x509 -noout -subject -ext subjectAltName -in CERT)")
    .done()
}

/// A certificate that a tool printed doesn't hold the identity that is configured with it.
fn printed_one(s: &Signals<'_>) -> Option<Judgement> {
    let (fact, certificate, id) = printed::other_name(s).filter(|_| !s.up)?;
    let what = format!(
        "the certificate {} doesn't hold the identity {id} that is configured",
        certificate.subject
    );
    if !printed::refused(s) {
        return Some(Judgement::Possible {
            weight: 40,
            because: what,
            separated_by: "whether authentication fails, and which side refuses",
        });
    }
    Some(
        Found::on(fact, CONFIGURED, fact.side.into(), what)
            .with(consequences(s))
            .because("An identity counts only when the certificate says the same: in its subject as a whole or in a subjectAltName of the same type.")
            .fix("issue the certificate with that identity as subjectAltName, or set the identity to one that it holds")
            .done(),
    )
}

/// Whether a line's meaning has that value beside it.
fn marked(fact: &Fact, name: &str) -> bool {
    matches!(&fact.what, Known::Sign { values, .. } if values.contains_key(name))
}
