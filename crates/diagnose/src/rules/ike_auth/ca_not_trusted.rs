//! `ca-not-trusted`: the verifier lacks the CA of the peer's certificate.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::reason::{CertificateProblem, Refusal};
use adit_model::sign::Sign;

use super::chain::{bad, consequences};
use super::validity::{Validity, validity};
use crate::finding::{SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, notify, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ca-not-trusted",
    recurs: false,
    page: Page {
        title: "The peer's certificate comes from a CA that isn't trusted here",
        what: "The side that verifies finds no chain from the peer's certificate to a CA that it trusts: the CA isn't installed, an intermediate is missing, or the peer was given a certificate of another CA.",
        initiator: "AUTHENTICATION_FAILED when the responder refuses; \"no trusted … public key found\" and an AUTHENTICATION_FAILED of our own when we do.",
        responder: "strongSwan: \"no issuer certificate found for …\", then \"no trusted RSA public key found\"; Libreswan: SEC_ERROR_UNKNOWN_ISSUER, \"no Certificate Authority in NSS Certificate DB\"; racoon: \"unable to get local issuer certificate\".",
        look_alikes: &[
            ("cert-san-mismatch", "Is the chain or the name the problem?"),
            (
                "auth-method-mismatch",
                "Does this side want certificates at all?",
            ),
            (
                "cert-expired",
                "Is a certificate of the chain out of its time?",
            ),
        ],
        fix: &[
            (
                "any",
                "Install the CA and each intermediate on the side that verifies; or have the peer send its whole chain.",
            ),
            (
                "strongswan",
                "the CA into /etc/swanctl/x509ca (ipsec.conf: /etc/ipsec.d/cacerts), then `swanctl --load-creds`; `swanctl --list-certs --type x509 --flag ca`. \"received N cert requests for an unknown ca\" tells that the peer trusts other CAs.",
            ),
            (
                "libreswan",
                "`certutil -A -n CA -t \"CT,,\" -i ca.pem -d sql:/var/lib/ipsec/nss`.",
            ),
            (
                "panos",
                "a certificate profile with the CA, set in the IKE gateway.",
            ),
        ],
        source: "RFC 5280 6.1; RFC 7296 3.6; RFC 4945 5.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "cert-expired",
        "cert-not-yet-valid",
        "clock-skew",
        "cert-revoked",
        "crl-unreachable",
        "cert-san-mismatch",
        "signature-or-keyusage-rejected",
        "auth-method-mismatch",
        "plugin-missing",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // A side that wants a pre-shared key looks for no certificate.
    let other_method = s
        .refusal(|r| matches!(r, Refusal::AuthMethod { .. }).then_some(()))
        .is_some();
    let unloaded = not_loaded(s).filter(|_| !other_method);
    match (unloaded, lacks_a_chain(s)) {
        (Some((file, extension)), true) => without_loaded(s, file, extension),
        (Some((file, _)), false) => match by_chain(s, other_method) {
            // A directory of CAs may hold old ones that no peer's certificate comes from.
            Judgement::Silent => Judgement::Possible {
                weight: 45,
                because: format!("{} can't load a CA's certificate", file.who()),
                separated_by: "whether the peer's certificate comes from that CA, and what is said when the peer authenticates",
            },
            other => other,
        },
        (None, _) => by_chain(s, other_method),
    }
}

/// Whether somewhere no chain was found, and nothing tells of another CA that is missing.
fn lacks_a_chain(s: &Signals<'_>) -> bool {
    let named = s
        .signs_of(Sign::IssuerUnknown)
        .any(|x| x.value("issuer").is_some());
    let untrusted = s
        .signs_of(Sign::PeerKeyUntrusted)
        .any(|x| x.value("of") != Some("tls"));
    !named && (untrusted || s.sign(Sign::IssuerUnknown).is_some())
}

/// The CA that the chain lacks is one that couldn't be loaded.
fn without_loaded(s: &Signals<'_>, file: Seen<'_>, extension: Seen<'_>) -> Judgement {
    Found::by(
            file,
            SYMPTOM,
            format!(
                "{} can't load a CA's certificate, which has a critical extension that it doesn't know: {}",
                file.who(),
                extension.value_or("extension", "")
            ),
        )
        .with([extension.fact])
        .with(s.signs_of(Sign::PeerKeyUntrusted).map(|x| x.fact))
        .because("A critical extension that isn't understood forbids the use of a certificate. Without that CA no chain leads from the peer's certificate to one that is trusted.")
        .fix("load a plugin that knows the extension (strongSwan: constraints and x509, before openssl), or issue the CA anew without it or without marking it critical")
        .then("openssl x509 -noout -text -in FILE | grep -A2 critical")
        .done()
}

/// Whether a certificate was refused for its time, in a line that doesn't tell whether it was too early or too late.
fn out_of_its_time(s: &Signals<'_>) -> bool {
    s.signs_of(Sign::CertificateOutsideValidity)
        .any(|seen| validity(s, seen) == Validity::NotEnded)
}

fn by_chain(s: &Signals<'_>, other_method: bool) -> Judgement {
    let untrusted = bad(s, &[Sign::IssuerUnknown], CertificateProblem::Untrusted)
        .filter(|bad| !authenticated_without(s, bad.fact));
    let (bad, confidence) = match untrusted {
        Some(bad) => (bad, SAID),
        None if other_method => return Judgement::Silent,
        // What is wrong with the certificate itself is told.
        None if super::chain::by_itself(s).is_some() || out_of_its_time(s) => {
            return Judgement::Silent;
        }
        None => match bad(s, &[Sign::PeerKeyUntrusted], CertificateProblem::Unknown)
            .filter(|bad| !authenticated_without(s, bad.fact))
        {
            Some(bad) if is_of_tls(s, bad.fact) => {
                return Judgement::Possible {
                    weight: 55,
                    because: format!(
                        "{} found no certificate in EAP's TLS whose CA it trusts and that names the identity of EAP",
                        who(bad.verifier)
                    ),
                    separated_by: "the [TLS] and [CFG] lines before (no issuer certificate found), and the names in the certificate beside the identity of EAP",
                };
            }
            // pluto says so of whatever is wrong with it.
            Some(_) if super::chain::unsaid(s).is_some() => {
                return super::chain::may_be(s, 55, "", "");
            }
            Some(bad) => (bad, SYMPTOM),
            None if asked_for_unknown(s) && s.calm() && !s.up => return without_ca(s),
            None => {
                return super::chain::may_be(
                    s,
                    55,
                    "a peer that doesn't trust the CA of our certificate refuses it in the same way",
                    "the peer's log says that it has no CA for our certificate, or lists those that it has",
                );
            }
        },
    };
    if is_of_tool(bad.fact) && s.refused_proof().is_none() && !refused_by_peer(s) {
        return Judgement::Possible {
            weight: 55,
            because: "somebody checked a certificate by hand, and its CA isn't known".to_owned(),
            separated_by: "whether it is the certificate of one of the gateways, checked against the CAs that the daemon has",
        };
    }
    let issuer = s
        .sign(Sign::IssuerUnknown)
        .and_then(|seen| seen.value("issuer"))
        .map_or(String::new(), |issuer| format!(" (its CA is {issuer})"));
    Found::on(
        bad.fact,
        confidence,
        AtFault::from(bad.verifier),
        format!(
            "{} trusts no CA that vouches for the certificate{} of {}{issuer}",
            who(bad.verifier),
            bad.named(),
            who(bad.verifier.other())
        ),
    )
    .with(consequences(s))
    .because("The certificate arrived, and no chain leads from it to a CA that is installed where it is verified. Without a trusted key the signature isn't even looked at.")
    .fix("install the CA that issued the other side's certificate, and each intermediate, and load them (strongSwan: /etc/swanctl/x509ca and swanctl --load-creds; Libreswan: certutil -A -t \"CT,,\")")
    .tell(format!(
        "{} doesn't know the CA of the certificate{} that {} presents. Please send us the CA certificate and its intermediates, or tell which CA it is; your gateway should also send its whole chain.",
        capital(who(bad.verifier)),
        bad.named(),
        who(bad.verifier.other())
    ))
    .then("openssl x509 -noout -subject -issuer -in CERT on the side that owns it, beside the list of CAs on the other")
    .done()
}

/// A CA's certificate that wasn't loaded for an extension, where nothing authenticated without it: the line about the file, and
/// the one about the extension.
pub(super) fn not_loaded<'a>(s: &Signals<'a>) -> Option<(Seen<'a>, Seen<'a>)> {
    if s.authenticated().is_some() || s.up {
        return None;
    }
    // A directory of CAs has files that are none.
    const NEAR: u64 = 8;
    let near = |a: &Fact, b: &Fact| {
        a.source.name == b.source.name
            && a.source
                .line
                .zip(b.source.line)
                .is_some_and(|(a, b)| a.abs_diff(b) <= NEAR)
    };
    let files = s
        .signs_of(Sign::ConfigUnreadable)
        .filter(|x| x.value("of") == Some("ca"));
    files.into_iter().find_map(|file| {
        let extension = s
            .signs_of(Sign::KeyUsageRefused)
            .find(|x| x.value("extension").is_some() && near(x.fact, file.fact))?;
        Some((file, extension))
    })
}

/// The peer that answers asks for certificates of a CA that isn't known here. Who begins asks for all that it trusts, which
/// with Windows is all that came with it.
fn asked_for_unknown(s: &Signals<'_>) -> bool {
    s.sign(Sign::RequestedCaUnknown)
        .is_some_and(|seen| s.sent_message(seen.side(), "IKE_AUTH", false).is_some())
}

/// The peer asks for certificates of a CA that isn't known here, and we ask for none, which who trusts any CA does: the
/// certificate that it shows can't be verified.
fn without_ca(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::RequestedCaUnknown) else {
        return Judgement::Silent;
    };
    let side = seen.side();
    let message = |response: bool, f: &'_ Fact, h: &Happening| match h {
        Happening::Sent(m) | Happening::Received(m) => {
            m.exchange == "IKE_AUTH" && m.response == response && f.side == side
        }
        _ => false,
    };
    let holds = |h: &Happening, payload: &str| match h {
        Happening::Sent(m) | Happening::Received(m) => m.payloads.iter().any(|p| p == payload),
        _ => false,
    };
    let asked = s
        .happenings(side)
        .find(|(f, h)| matches!(h, Happening::Sent(_)) && message(false, f, h));
    let shown = s.happenings(side).last().filter(|(f, h)| {
        matches!(h, Happening::Received(_)) && message(true, f, h) && holds(h, "CERT")
    });
    match (asked.filter(|(_, h)| !holds(h, "CERTREQ")), shown) {
        (Some((asked, _)), Some((shown, _))) if !pinned(s, side) && !tried(s, side) => Found::by(
            seen,
            SYMPTOM,
            format!("{} has no CA to verify the peer's certificate with", seen.who()),
        )
        .with([asked, shown])
        .because("The peer asks for a certificate of a CA that isn't known here, and our own request asks for none (no CERTREQ): no CA is loaded. The answer brings the peer's certificate, and the log ends where it would be verified.")
        .fix("install the CA of the peer's certificate and load it (ipsec.d/cacerts or swanctl/x509ca), and see in the daemon's log that it isn't refused when it is loaded")
        .then("the next lines of the log; swanctl --list-certs --flag ca, ipsec listcacerts")
        .done(),
        _ => Judgement::Possible {
            weight: 30,
            because: format!("the peer trusts a CA that isn't known here: {}", seen.said()),
            separated_by: "the CAs that are loaded (swanctl --list-certs --flag ca, ipsec listcacerts), and the CA of the peer's certificate",
        },
    }
}

/// Whether a configuration has the peer's certificate itself, which needs no CA.
fn pinned(s: &Signals<'_>, side: Side) -> bool {
    s.case.of(side).any(|f| match &f.what {
        Known::PeerConfigured { connection } => connection.remote_certificate.is_some(),
        _ => false,
    })
}

/// Whether the log goes on after the answer, and says nothing against the certificate.
fn tried(s: &Signals<'_>, side: Side) -> bool {
    s.signs_of(Sign::PeerCertificateTried)
        .any(|seen| seen.side() == side)
}

/// Whether it was said of EAP's TLS, which also wants the name of the user in the certificate.
fn is_of_tls(s: &Signals<'_>, line: &Fact) -> bool {
    s.signs_of(Sign::PeerKeyUntrusted)
        .any(|x| core::ptr::eq(x.fact, line) && x.value("of") == Some("tls"))
}

/// Whether `openssl verify` or `s_client` says it: the daemons have a time or a name before it.
fn is_of_tool(line: &Fact) -> bool {
    let text = line.source.text.trim_start();
    text.starts_with("error ") && text.contains(" depth lookup")
        || text.starts_with("verify error:")
}

/// Whether the peer didn't take what was to prove us.
fn refused_by_peer(s: &Signals<'_>) -> bool {
    s.told(notify::AUTHENTICATION_FAILED, false).is_some()
        || s.sign(Sign::AuthenticationRefusedByPeer).is_some()
}

/// Whether the peer authenticated right after the line: its key was known without a chain.
fn authenticated_without(s: &Signals<'_>, line: &Fact) -> bool {
    const NEAR: u64 = 3;
    let at = |fact: &Fact| fact.source.line;
    s.case.of(line.side).any(|fact| {
        matches!(
            fact.what,
            Known::Happened {
                happening: Happening::IkeEstablished { .. }
            }
        ) && fact.source.name == line.source.name
            && at(line)
                .zip(at(fact))
                .is_some_and(|(line, fact)| fact > line && fact - line <= NEAR)
    })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}
