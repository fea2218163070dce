//! `psk-mismatch`: the two sides hold different pre-shared keys.

use adit_model::connection::AuthKind;
use adit_model::fact::{Fact, Side};
use adit_model::product::Product;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, Told, name_of, notify, quote, who};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "psk-mismatch",
    recurs: false,
    page: Page {
        title: "The pre-shared keys differ",
        what: "Both sides found a key for each other's identity, and the keys aren't the same octets. Often one side has a space, a line break or quotes in its key, or reads it in another encoding.",
        initiator: "AUTHENTICATION_FAILED in the answer to IKE_AUTH, and nothing else: the notify is the same for a wrong identity.",
        responder: "The AUTH value of the peer doesn't verify. strongSwan: \"tried 1 shared key for … but MAC mismatched\"; Libreswan: \"computed hash does not match\".",
        look_alikes: &[
            (
                "id-mismatch",
                "Did the responder get as far as comparing AUTH values, or did it find no connection for the identities?",
            ),
            (
                "psk-not-found",
                "Was a key found and wrong, or was none found?",
            ),
            (
                "auth-method-mismatch",
                "Do both sides use pre-shared keys at all?",
            ),
        ],
        fix: &[
            (
                "any",
                "Write the key anew on both sides, copied from one place; hex or base64 avoids spaces and encodings. Never send a key, or a plain digest of one that a person chose: a digest can be tried against word lists.",
            ),
            (
                "adit",
                "The file in `auth = { psk_file = … }`; one line break at its end doesn't count.",
            ),
            (
                "strongswan",
                "`secrets { ike-x { id-1 = … secret = \"…\" } }` in swanctl.conf, then `swanctl --load-creds`.",
            ),
            (
                "libreswan",
                "The line of both identities in /etc/ipsec.secrets, then `ipsec whack --rereadsecrets`.",
            ),
        ],
        source: "RFC 7296 2.15, 2.21.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let compared = s.refusal(|r| match r {
        Refusal::AuthValue { claimed, method: 2 } => Some(claimed),
        _ => None,
    });
    if let Some((refused, claimed)) = compared {
        let told = s
            .told
            .iter()
            .filter(|t| t.side != refused.side && t.notify == notify::AUTHENTICATION_FAILED);
        let refuser = who(refused.side);
        let claimed = name_of(claimed);
        return Found {
            confidence: 0.97,
            side: AtFault::Both,
            summary: format!("the pre-shared keys of the two sides differ: {refuser} holds another key for {claimed} than the one that was used"),
            explanation: format!("The identities fit: {refuser} knows {claimed} and has a key for it. The AUTH value that came was made with another key. Which of the two keys is the wrong one can't be told from either side."),
            evidence: quote(core::iter::once(refused.fact).chain(told.map(|t| t.fact))),
            fix: Fix {
                local: write_anew(s.product(Side::Local)),
                remote: write_anew(s.product(Side::Remote)),
            },
            message_for_peer: format!("The pre-shared keys of {} differ: identities, addresses and algorithms fit, and the AUTH value of {claimed} doesn't verify. Let us set a fresh random key on both sides, handed over on a channel that we both trust (not this one); please look out for spaces, quotes and line breaks around it.", s.gateways()),
            next: vec!["make a fresh key (`openssl rand -base64 32`), hand it over on a channel that both trust, and set it on both sides".to_owned()],
        }
        .into();
    }
    // Without a connection for the identity no key is compared, whatever the line after it says.
    let unknown = |seen: &Seen<'_>| {
        s.signs_of(Sign::NoConnectionForIdentity)
            .any(|x| x.side() == seen.side())
    };
    // Words that stand for every method are about the certificate where one was refused.
    // So are they about the key that wasn't there to compare with.
    let signed = |seen: &Seen<'_>| {
        seen.value("method") == Some("any")
            && (s.first_sign(CERTIFICATE_REFUSED))
                .or_else(|| s.sign(Sign::PskNotFound))
                .is_some_and(|x| x.side() == seen.side())
    };
    let said = s
        .sign(Sign::PskDiffers)
        .filter(|x| !unknown(x) && !signed(x));
    if let Some(seen) = said.or_else(|| s.nonsense()) {
        if seen.value("sender").is_some() {
            return Judgement::Possible {
                weight: 40,
                because: "a message made no sense, from whom isn't said: scanners send such too"
                    .to_owned(),
                separated_by: "the address that it came from: is it the peer's?",
            };
        }
        let peer = seen.value("peer").map_or(String::new(), |peer| {
            format!(" of {}", peer.trim_matches('\''))
        });
        let how = if seen.sign == Sign::PskDiffers {
            "The side that compared says that its key doesn't fit what came."
        } else {
            "IKEv1 derives the keys of its messages from the pre-shared key. A message that decrypts to nonsense was encrypted with other keys, so the pre-shared keys differ."
        };
        return found(
            s,
            seen.fact,
            seen.side(),
            &format!(
                "the key{peer} that {} holds isn't the one that was used",
                seen.who()
            ),
            how,
        );
    }
    if let Some(fact) = s.authenticated() {
        return Judgement::RuledOut(format!("both sides authenticated: {}", fact.source.text));
    }
    if let Some(told) = s
        .told_v1_auth(notify::PAYLOAD_MALFORMED)
        .or_else(|| s.told_v1_auth(notify::INVALID_HASH_INFORMATION))
    {
        return unreadable(s, told).into();
    }
    if s.v1_auth_silent().is_some() {
        return Judgement::Possible {
            weight: 60,
            because: "with another key the peer can't read our first encrypted message of IKEv1, and often says nothing".to_owned(),
            separated_by: "the peer's log: a message that can't be read or decrypted, or none that arrives",
        };
    }
    let signed = s.refused_proof().is_some_and(|kind| kind != AuthKind::Psk);
    let read = s
        .signs_of(Sign::AuthenticationRefusedByPeer)
        .find(|x| x.value("method") == Some("psk"));
    if let Some(seen) = read
        .filter(|_| !signed && s.refused.is_empty() && s.first_sign(CERTIFICATE_REFUSED).is_none())
    {
        return Found::by(
            seen,
            CONDITION,
            "the gateway's own diagnosis of its log is that the shared keys differ",
        )
        .at(AtFault::Both)
        .because("The connection of such a gateway proves itself by a shared key, and the other side doesn't accept the proof.")
        .fix("set the same shared key at the connection of the cloud and at the device")
        .then("make a fresh key (`openssl rand -base64 32`), hand it over on a channel that both trust, and set it on both sides")
        .done();
    }
    if !signed
        && (s.told(notify::AUTHENTICATION_FAILED, false).is_some()
            || s.sign(Sign::AuthenticationRefusedByPeer).is_some())
    {
        return Judgement::Possible {
            weight: 60,
            because: "AUTHENTICATION_FAILED is the answer to a wrong key".to_owned(),
            separated_by: "the responder compared AUTH values and they differ (strongSwan: \"MAC mismatched\")",
        };
    }
    Judgement::Silent
}

/// Lines that tell of a certificate or its signature, and what is wrong with them.
const CERTIFICATE_REFUSED: &[Sign] = &[
    Sign::PeerSigns,
    Sign::PeerKeyUntrusted,
    Sign::IssuerUnknown,
    Sign::CertificateExpired,
    Sign::CertificateNotYetValid,
    Sign::CertificateOutsideValidity,
    Sign::CertificateNameMismatch,
    Sign::CertificateRevoked,
    Sign::RevocationUnavailable,
    Sign::RevocationRequired,
    Sign::SignatureRefused,
    Sign::KeyUsageRefused,
];

/// Where a product keeps the key.
fn write_anew(product: Option<Product>) -> String {
    let place = match product {
        Some(Product::Adit) => "into the file that `auth = { psk_file = … }` names",
        Some(Product::Libreswan) => {
            "for these two identities in /etc/ipsec.secrets, then `ipsec auto --rereadsecrets`"
        }
        Some(Product::Strongswan) => {
            "for these two identities (secrets in swanctl.conf, then `swanctl --load-creds`; /etc/ipsec.secrets, then `ipsec rereadsecrets`)"
        }
        Some(Product::Racoon) => {
            "for the peer's identity in the file that `path pre_shared_key` names, which only root may read"
        }
        _ => {
            "for these two identities (strongSwan: secrets in swanctl.conf, then `swanctl --load-creds`; Libreswan: /etc/ipsec.secrets; Adit: the file of `psk_file`)"
        }
    };
    format!("write the agreed key anew {place}")
}

/// In IKEv1 the pre-shared key goes into the keys of phase 1 (RFC 2409 5.4): with another key a message is noise.
fn unreadable(s: &Signals<'_>, told: &Told<'_>) -> Found {
    let (reader, writer) = (who(told.side.other()), who(told.side));
    Found {
        confidence: 0.88,
        side: AtFault::Both,
        summary: format!("the pre-shared keys of the two sides differ: {reader} can't make sense of the encrypted message of {writer}"),
        explanation: format!("Proposals and public values were exchanged. The first message that is encrypted with keys made of the pre-shared key was answered with {}: decrypted with another key it is noise.", told.name),
        evidence: quote([told.fact]),
        fix: Fix {
            local: "write the agreed key anew for the two identities or addresses of this tunnel".to_owned(),
            remote: "write the agreed key anew for the two identities or addresses of this tunnel (Libreswan: /etc/ipsec.secrets, then `ipsec auto --rereadsecrets`)".to_owned(),
        },
        message_for_peer: format!("The pre-shared keys of {} differ: the first encrypted message of phase 1 can't be read by the other side. Let us set a fresh random key on both sides, handed over on a channel that we both trust (not this one).", s.gateways()),
        next: vec!["make a fresh key (`openssl rand -base64 32`), and set it on both sides".to_owned()],
    }
}

fn found(s: &Signals<'_>, fact: &Fact, side: Side, which: &str, how: &str) -> Judgement {
    let told = s
        .told
        .iter()
        .filter(|t| t.side != side && t.notify == notify::AUTHENTICATION_FAILED);
    Found::on(
        fact,
        SAID - 0.01,
        AtFault::Both,
        format!("the pre-shared keys of the two sides differ: {which}"),
    )
    .with(told.map(|t| t.fact))
    .because(how)
    .fix("write the agreed key anew on this side, copied from one place, and load it")
    .tell(format!("The pre-shared keys of {} differ. Let us set a fresh random key on both sides, handed over on a channel that we both trust (not this one); please look out for spaces, quotes and line breaks around it.", s.gateways()))
    .then("make a fresh key (`openssl rand -base64 32`), hand it over on a channel that both trust, and set it on both sides")
    .done()
}
