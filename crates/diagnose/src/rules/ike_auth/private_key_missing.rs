//! `private-key-missing`: the own private key is missing, or isn't the certificate's.

use adit_model::event::Happening;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::{SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, who};

pub(crate) static RULE: Rule = Rule {
    id: "private-key-missing",
    recurs: false,
    page: Page {
        title: "The private key of the own certificate is missing",
        what: "A side that authenticates by certificate has no private key that goes with it: it isn't loaded, belongs to another certificate, can't be read, or needs a passphrase.",
        initiator: "IKE_AUTH is never sent, or ends with our own AUTHENTICATION_FAILED.",
        responder: "AUTHENTICATION_FAILED is sent though nothing is wrong with the initiator. strongSwan: \"no private key found for …\"; Libreswan: \"unable to locate my private key\", \"certificate … not found in the NSS database\"; racoon: \"failed to get my CERT\".",
        look_alikes: &[
            (
                "ca-not-trusted",
                "Who fails: the side that signs, or the one that verifies?",
            ),
            (
                "cert-san-mismatch",
                "Does the certificate hold the configured identity, so that key and identity meet?",
            ),
        ],
        fix: &[
            (
                "any",
                "Install the key that belongs to the certificate (compare the public keys), readable by the daemon and with its passphrase; then load it.",
            ),
            (
                "strongswan",
                "/etc/swanctl/private (rsa, ecdsa, pkcs8) and `swanctl --load-creds`; ipsec.secrets: `: RSA file.pem \"passphrase\"`; the certificate must hold the identity, or the key isn't found for it.",
            ),
            (
                "libreswan",
                "`ipsec import file.p12`; `certutil -K -d sql:/var/lib/ipsec/nss` lists keys.",
            ),
        ],
        source: "RFC 7296 2.15; RFC 4945 3.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "config-not-loaded",
        "plugin-missing",
        "selinux-apparmor-or-caps",
        "signature-or-keyusage-rejected",
        "algorithm-not-available",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s.refusal(|r| match r {
        Refusal::NoPrivateKey { identity } => Some(identity.to_string()),
        _ => None,
    });
    // A key that didn't load when the daemon started may be another connection's.
    let loaded_only = refused.is_none()
        && s.signs_of(Sign::PrivateKeyMissing)
            .all(|seen| seen.value("identity").is_none() && of_loading(&seen.fact.source.text));
    // What is refused before a proof is made, or isn't even answered, doesn't fail for a key.
    let went_on =
        s.refused_or_told() || s.authenticated().is_some() || s.silence("IKE_SA_INIT").is_some();
    if loaded_only && went_on && s.sign(Sign::PrivateKeyMissing).is_some() {
        return Judgement::Possible {
            weight: 30,
            because: "a private key didn't load".to_owned(),
            separated_by: "whether that key belongs to the connection that fails",
        };
    }
    // A server may ask for a certificate that it doesn't need, as it does in EAP-TTLS and EAP-PEAP.
    let needless = |x: &Seen<'_>| x.value("optional").is_some() && !proves_by_tls(s);
    let missing = s
        .signs_of(Sign::PrivateKeyMissing)
        .filter(|x| !needless(x))
        .last();
    let asked_for = s.signs_of(Sign::PrivateKeyMissing).find(|x| needless(x));
    if let Some(seen) = asked_for.filter(|_| missing.is_none() && refused.is_none()) {
        return Judgement::Possible {
            weight: 30,
            because: format!(
                "a server asked {} within EAP for a certificate, and none with a key was found",
                seen.who()
            ),
            separated_by: "the EAP method: EAP-TLS needs the certificate, EAP-TTLS and EAP-PEAP mostly don't",
        };
    }
    let (fact, side, whose) = match (missing, refused) {
        (Some(seen), _) => {
            let whose = seen.value("identity").or(seen.value("path"));
            (
                seen.fact,
                seen.side(),
                whose.map_or(String::new(), |w| format!(" for {w}")),
            )
        }
        (None, Some((r, identity))) => (r.fact, r.side, format!(" for {identity}")),
        (None, None) => return unsigned(s),
    };
    Found::on(
        fact,
        SAID,
        side.into(),
        format!("{} has no private key{whose}", who(side)),
    )
    .because("This side must sign with the key of its certificate, and no loaded key belongs to it. What the other side sent plays no part.")
    .fix("install the private key of that certificate and load it (compare openssl x509 -noout -pubkey with openssl pkey -pubout), and see that the certificate holds the configured identity")
    .done()
}

/// Whether EAP-TLS is what is spoken, or what a user was refused in: there he proves himself by a certificate.
fn proves_by_tls(s: &Signals<'_>) -> bool {
    let by_tls = |method: &str| method.trim_start_matches("EAP_") == "TLS";
    let spoken = s.case.happenings().any(|(_, h)| match h {
        Happening::Received(message) | Happening::Sent(message) => message
            .payloads
            .iter()
            .any(|p| p.starts_with("EAP/") && p.ends_with("/TLS")),
        _ => false,
    });
    spoken
        || s.signs_of(Sign::UserAuthenticationFailed)
            .any(|x| x.value("method").is_some_and(by_tls))
        || s.refused
            .iter()
            .any(|r| matches!(r.refusal, Refusal::User { method, .. } if by_tls(method)))
}

/// Whether a line is about a file that holds a key, and not about a connection that wants one.
fn of_loading(text: &str) -> bool {
    const LOADING: [&str; 9] = [
        "loading ",
        "CRED_PRIVATE_KEY",
        "PKCS#12",
        "PKCS#11 module",
        "C_Initialize()",
        "key integrity tests",
        " engine",
        "no TPM 2.0 found",
        " invalid, ",
    ];
    LOADING.iter().any(|words| text.contains(words))
}

/// Signing failed and nothing says why: mostly there is no usable key.
fn unsigned(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s
        .sign(Sign::OwnSignatureFailed)
        .filter(|_| s.authenticated().is_none())
    else {
        return Judgement::Silent;
    };
    let whose = seen
        .value("identity")
        .map_or(String::new(), |id| format!(" as {id}"));
    if let Some(scheme) = seen.value("scheme") {
        return Judgement::Possible {
            weight: 30,
            because: format!("a key was found, and didn't make its {scheme}"),
            separated_by: "whether the key can be used: a token that asks for a PIN, or a key of another kind",
        };
    }
    Found::by(
        seen,
        SYMPTOM,
        format!("{} can't sign{whose} with its own key", seen.who()),
    )
    .because("This side fails at making its own signature, before anything of the peer's is looked at: the key is missing or unusable, belongs to another certificate, or its signature is forbidden by a crypto policy.")
    .fix("load the private key of the certificate in use, and see that the system's crypto policy allows its signature (SHA-1 is often forbidden)")
    .done()
}
