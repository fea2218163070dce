//! `crl-unreachable`: whether a certificate is revoked can't be found out, and it must be.

use adit_model::reason::CertificateProblem;
use adit_model::sign::Sign;

use super::chain::{bad, consequences};
use crate::finding::{CONDITION, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify, who};

pub(crate) static RULE: Rule = Rule {
    id: "crl-unreachable",
    recurs: false,
    page: Page {
        title: "Revocation can't be checked, and must be",
        what: "Strict revocation checking refuses a certificate whose status it can't find out. The list or the OCSP responder isn't reachable (often only through the very tunnel that is being set up), the list is older than its next update, or no program for fetching is installed.",
        initiator: "AUTHENTICATION_FAILED, often after a delay of ten seconds or more.",
        responder: "strongSwan: \"crl fetching failed\", \"certificate status is not available\", \"crl is stale\"; Libreswan: \"missing or expired CRL in strict mode\".",
        look_alikes: &[
            ("cert-revoked", "Is there an explicit revocation?"),
            (
                "plugin-missing",
                "Does the daemon say \"no capable fetcher found\"?",
            ),
        ],
        fix: &[
            (
                "any",
                "Make the distribution point reachable outside the tunnel, publish a fresh list, or relax the check.",
            ),
            (
                "strongswan",
                "`revocation = relaxed` in `remote` (ipsec.conf: `strictcrlpolicy=no`); for fetching, the plugin curl or files.",
            ),
            (
                "libreswan",
                "`crl-strict=no`, `ocsp-strict=no`; `ipsec crls`.",
            ),
        ],
        source: "RFC 5280 4.2.1.13, 6.3; RFC 6960",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["plugin-missing", "cert-revoked", "cert-expired"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let required = bad(
        s,
        &[Sign::RevocationRequired],
        CertificateProblem::StatusUnknown,
    );
    let unavailable = s.sign(Sign::RevocationUnavailable);
    let (fact, side, confidence) = match (&required, unavailable) {
        (Some(bad), _) => (bad.fact, bad.verifier, SAID),
        (None, None) => {
            return super::chain::may_be(
                s,
                15,
                "a peer that insists on knowing whether our certificate is revoked, and can't find out, answers in the same way",
                "the peer's log says which list or answer it looked for",
            );
        }
        (None, Some(seen)) => {
            // Most configurations only warn. What the peer refused has another reason.
            let by_peer = s.told(notify::AUTHENTICATION_FAILED, false).is_some();
            let by_us =
                s.sign(Sign::PeerKeyUntrusted).is_some() && s.sign(Sign::IssuerUnknown).is_none();
            if by_peer || !by_us {
                return Judgement::Possible {
                    weight: 30,
                    because: "the status of a certificate couldn't be found out, which strict checking refuses".to_owned(),
                    separated_by: "whether revocation is strict on that side",
                };
            }
            (seen.fact, seen.side(), CONDITION)
        }
    };
    Found::on(
        fact,
        confidence,
        side.into(),
        format!(
            "{} can't find out whether the peer's certificate is revoked",
            who(side)
        ),
    )
    .with(unavailable.map(|seen| seen.fact))
    .with(consequences(s))
    .because("The revocation list or the OCSP answer couldn't be had, or is out of date, and this side refuses a certificate whose status it doesn't know.")
    .fix("make the list's address reachable without the tunnel (curl it from the gateway), or relax the check (strongSwan: revocation = relaxed; Libreswan: crl-strict=no)")
    .done()
}
