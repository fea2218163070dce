//! `cert-expired`: a certificate is past its end.

use adit_model::connection::AuthKind;
use adit_model::fact::Known;
use adit_model::reason::CertificateProblem;
use adit_model::sign::Sign;

use super::chain::{bad, consequences, is_own};
use super::printed;
use super::validity::{Validity, validity};
use crate::complaint::complained;
use crate::finding::{CONDITION, CONFIGURED, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "cert-expired",
    recurs: false,
    page: Page {
        title: "A certificate has expired",
        what: "A certificate of the chain (the gateway's own, an intermediate's or the CA's) is past its end. Tunnels that are up go on until they authenticate again; then all that use it fail, often without anything having been changed.",
        initiator: "AUTHENTICATION_FAILED when the responder refuses our certificate; otherwise our own refusal of the responder's.",
        responder: "strongSwan: \"subject certificate invalid (valid from … to …)\"; Libreswan: SEC_ERROR_EXPIRED_CERTIFICATE; Cisco: %PKI-3-CERTIFICATE_INVALID_EXPIRED; racoon: \"certificate has expired(10)\".",
        look_alikes: &[
            ("clock-skew", "Is the clock of the side that refuses right?"),
            (
                "cert-not-yet-valid",
                "Is it the end that has passed, or hasn't the begin come?",
            ),
        ],
        fix: &[
            (
                "any",
                "Renew the certificate, install it with its chain on the side that it belongs to, and load it; watch the end of each from now on.",
            ),
            (
                "strongswan",
                "put the new certificate in place; `swanctl --load-creds` (ipsec.conf: `ipsec reread all; ipsec reload`).",
            ),
            (
                "libreswan",
                "`certutil -D -n NAME -d sql:/var/lib/ipsec/nss`, `ipsec import new.p12`, `ipsec auto --replace NAME`.",
            ),
        ],
        source: "RFC 5280 4.1.2.5, 6.1.3; RFC 4945 5.1.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["clock-skew"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let stated = bad(s, &[Sign::CertificateExpired], CertificateProblem::Expired);
    let dated = s
        .signs_of(Sign::CertificateOutsideValidity)
        .filter(|seen| matches!(validity(s, *seen), Validity::Expired | Validity::Unknown))
        .last();
    let Some(bad) = stated.or_else(|| dated.map(super::chain::Bad::from)) else {
        return printed_one(s).unwrap_or_else(|| {
            super::chain::may_be(
                s,
                50,
                "a peer refuses a certificate that is past its end in the same way",
                "the peer's log says which certificate expired when; adit cert inspect shows the end of ours",
            )
        });
    };
    // A listing shows every certificate that is at hand, also those that nothing uses.
    let listed = bad.fact.source.text.contains("not after");
    if listed && !s.calm() {
        return Judgement::Silent;
    }
    // Who proves himself by a shared key has most likely a peer that does too.
    let by_key = s.refused_proof() == Some(AuthKind::Psk)
        && matches!(bad.fact.what, Known::Sign { .. })
        && s.sign(Sign::PeerKeyUntrusted).is_none();
    if by_key {
        return Judgement::Possible {
            weight: 25,
            because: format!(
                "a certificate{} has expired, and the attempt that was refused used a shared key",
                bad.named()
            ),
            separated_by: "how the peer proves itself, and what that certificate is for",
        };
    }
    // The side that verifies compares dates once it has a chain, and it says when they don't fit.
    if let Some(seen) = s.sign(Sign::IssuerUnknown).filter(|_| listed) {
        return Judgement::Possible {
            weight: 35,
            because: format!(
                "a certificate that is listed has expired, and what is said of the peer's isn't its end: {}",
                seen.said()
            ),
            separated_by: "whether that certificate is part of the peer's chain",
        };
    }
    // Beside one that hasn't ended, nobody knows which is used.
    let others = s.certificates().filter(|(_, c)| !c.authority).count();
    if listed && others > 1 && !complained(s) {
        return Judgement::Possible {
            weight: 40,
            because: "one of several certificates that are listed has expired".to_owned(),
            separated_by: "which of them is shown to the peer, and whether authentication fails",
        };
    }
    let known = dated.is_none_or(|seen| validity(s, seen) == Validity::Expired);
    let owner = if is_own(bad.fact) {
        bad.verifier
    } else {
        bad.verifier.other()
    };
    let until = dated
        .and_then(|seen| seen.value("until"))
        .map_or(String::new(), |until| format!(", its end was {until}"));
    Found::on(
        bad.fact,
        match (listed, known) {
            (true, _) => CONDITION,
            (false, true) => SAID,
            (false, false) => SYMPTOM + 0.1,
        },
        AtFault::from(owner),
        format!(
            "a certificate{} of {} has expired{until}",
            bad.named(),
            who(owner)
        ),
    )
    .with(consequences(s))
    .because("The side that verifies compares the certificate's end with its own clock, and the end has passed. That the peer's key isn't trusted, or that authentication fails, follows from it.")
    .fix("renew the certificate (openssl x509 -noout -subject -dates -in FILE shows which), install it with its chain, and load it")
    .then("date -u on both sides: a clock that is wrong makes a good certificate look expired")
    .done()
}

/// A certificate that a tool printed had ended when authentication failed.
fn printed_one(s: &Signals<'_>) -> Option<Judgement> {
    let (fact, certificate, then) = printed::outside(s, true).filter(|_| !s.up)?;
    let what = format!(
        "the certificate {} had expired at the time of the log",
        certificate.subject
    );
    // Who shows the clock beside a certificate's dates shows what is wrong.
    if !printed::refused(s) && printed::clock(s).is_some() && s.calm() {
        return Some(
            Found::on(
                fact,
                CONDITION,
                fact.side.into(),
                format!("the certificate {} has expired", certificate.subject),
            )
            .with([then])
            .because("Its end lies before what the host's own clock says.")
            .fix("renew the certificate, install it with its chain, and load it")
            .done(),
        );
    }
    if !printed::refused(s) || !printed::used(s, certificate) {
        return Some(Judgement::Possible {
            weight: 40,
            because: what,
            separated_by: "whether authentication by this certificate fails, and which side refuses",
        });
    }
    Some(
        Found::on(fact, CONFIGURED, fact.side.into(), what)
            .with([then])
            .with(consequences(s))
            .because("Its end lies before the attempt, and authentication failed.")
            .fix("renew the certificate, install it with its chain, and load it")
            .done(),
    )
}
