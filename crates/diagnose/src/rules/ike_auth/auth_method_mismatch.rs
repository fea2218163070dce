//! `auth-method-mismatch`: a pre-shared key on one end, certificates or EAP on the other.

use adit_model::connection::AuthKind;
use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::feature::Feature;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use super::identity::unexplained;
use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::before;
use crate::signals::{Signals, notify, quote, who};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "auth-method-mismatch",
    recurs: false,
    page: Page {
        title: "The two sides authenticate in different ways",
        what: "One side uses a pre-shared key and the other wants certificates or EAP, or the other way round.",
        initiator: "AUTHENTICATION_FAILED, as with a wrong key; a peer that announces what it takes (SUPPORTED_AUTH_METHODS) has said so before.",
        responder: "strongSwan: \"constraint requires public key authentication, but pre-shared key was used\"; Libreswan: \"peer attempted PSK authentication but we want …\".",
        look_alikes: &[("psk-mismatch", "Do both sides use the same method?")],
        fix: &[
            ("any", "Set the same method on both sides."),
            (
                "strongswan",
                "`auth = psk` in `local` and `remote` of the connection.",
            ),
            ("libreswan", "`authby=secret`."),
        ],
        source: "RFC 7296 2.15, 3.8; RFC 9593",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

/// AUTH methods by number (RFC 7296 3.8, RFC 7427).
fn method(number: u16) -> String {
    match number {
        0 => "EAP".to_owned(),
        1 => "an RSA signature".to_owned(),
        2 => "a pre-shared key".to_owned(),
        3 => "a DSS signature".to_owned(),
        9..=11 => "an ECDSA signature".to_owned(),
        14 => "a digital signature".to_owned(),
        65_001 | 65_002 => "a pre-shared key and XAUTH".to_owned(),
        65_005 | 65_006 => "an RSA signature and XAUTH".to_owned(),
        n => format!("method {n}"),
    }
}

/// IKEv1 offers the method with the algorithms, and nothing else of the offer was found to differ.
fn of_an_offer(s: &Signals<'_>) -> Option<Judgement> {
    let (seen, refused) = crate::refused::method_alone(s)?;
    Some(
        Found::by(
            seen,
            SYMPTOM,
            "the offer for the IKE SA (phase 1) is refused for its method of authentication",
        )
        .at(AtFault::Both)
        .with([refused.fact])
        .because("In IKEv1 the method (pre-shared key or signature) is a part of the proposal. Encryption, hash and group were compared before it, and nothing was said of them.")
        .fix("have both sides authenticate in the same way: a pre-shared key for each other's address, or certificates (IOS: `authentication` of the isakmp policy, and the key or trustpoint for the peer)")
        .done(),
    )
}

fn judge(s: &Signals<'_>) -> Judgement {
    let found = s.refusal(|r| match r {
        Refusal::AuthMethod { received, expected } => Some((method(*received), method(*expected))),
        _ => None,
    });
    if let Some((refused, (received, expected))) = found {
        let (refuser, other) = (who(refused.side), who(refused.side.other()));
        let (to_expected, to_received) = (
            format!("authenticate with {expected}"),
            format!("expect {received}"),
        );
        let fix = match refused.side {
            Side::Local => Fix {
                local: to_received,
                remote: to_expected,
            },
            Side::Remote => Fix {
                local: to_expected,
                remote: to_received,
            },
        };
        return Found {
            confidence: 0.97,
            side: AtFault::Both,
            summary: format!("{other} authenticates with {received}, and {refuser} expects {expected}"),
            explanation: "The identities fit; the way of proving them doesn't.".to_owned(),
            evidence: quote([refused.fact]),
            message_for_peer: format!("Our two gateways authenticate in different ways: one with {received}, the other with {expected}. Let us agree on one method."),
            fix,
            next: Vec::new(),
        }
        .into();
    }
    if let Some(found) = unannounced(s).or_else(|| of_an_offer(s)) {
        return found;
    }
    if let Some((refused, feature)) =
        s.unsupported(|f| matches!(f, Feature::Eap | Feature::FurtherAuthentication))
    {
        let (refuser, other) = (who(refused.side), who(refused.side.other()));
        let wants = match feature {
            Feature::Eap => "wants to authenticate by EAP",
            _ => "wants to authenticate more than once",
        };
        return Found::on(
            refused.fact,
            SAID,
            AtFault::Both,
            format!("{other} {wants}, and {refuser} doesn't do that"),
        )
        .because("The message that should prove an identity doesn't do so at once, as a pre-shared key or a certificate does.")
        .fix("let both sides authenticate by certificates or by a pre-shared key, once")
        .done();
    }
    if let Some(seen) = method_sign(s) {
        let values = match (seen.value("received"), seen.value("expected")) {
            (Some(received), None) => format!(": {received} isn't allowed"),
            (Some(received), Some(expected)) => {
                format!(": {expected} is wanted, {received} was used")
            }
            _ => String::new(),
        };
        // Two configurations that differ say less than a gateway that refuses.
        let configured = seen.said().trim_start().starts_with("authentication ");
        return Found::by(
            seen,
            if configured { CONDITION } else { SAID - 0.01 },
            format!("the two sides authenticate in different ways{values}"),
        )
        .at(AtFault::Both)
        .because("The identities fit a connection; the way of proving them is another than it asks for (a key, certificates, EAP, XAUTH).")
        .fix("set the same way of authenticating on both sides (strongSwan: auth = psk, pubkey or eap-… in local and remote; Libreswan: authby=)")
        .done();
    }
    if let Some((side, _)) = unexplained(s) {
        return Judgement::Possible {
            weight: 40,
            because: format!(
                "{} found no connection for an identity that one has, and looks among those only that authenticate in the way that was agreed on",
                who(side)
            ),
            separated_by: "the way of authenticating of that connection, and the one that was agreed on",
        };
    }
    if s.authenticated().is_none() && s.told(notify::AUTHENTICATION_FAILED, false).is_some() {
        return Judgement::Possible {
            weight: 25,
            because: "a responder that wants another method answers AUTHENTICATION_FAILED as well"
                .to_owned(),
            separated_by: "the responder's log names the method it wanted",
        };
    }
    Judgement::Silent
}

/// Who refused our proof had announced before which proofs it takes (RFC 9593), and ours is of none of these kinds.
fn unannounced(s: &Signals<'_>) -> Option<Judgement> {
    let (told, used) = s.facts.iter().rev().find_map(|f| match &f.what {
        Known::Happened {
            happening: Happening::PeerRefused {
                notify: n, asked, ..
            },
        } if *n == notify::AUTHENTICATION_FAILED => Some((*f, asked.auth?)),
        _ => None,
    })?;
    let side = told.side;
    let (heard, announced) = s.announced_before(told)?;
    if announced.admits(used) {
        return None;
    }
    let (prover, refuser) = (who(side), who(side.other()));
    let other_way = match used {
        AuthKind::Psk => "by certificate (auth = { cert = …, key = …, ca = […] })",
        AuthKind::Certificate | AuthKind::PublicKey => {
            "with a pre-shared key (auth = { psk_file = … })"
        }
    };
    let change = format!(
        "authenticate in a way that the other side takes: {announced}; in general {other_way}"
    );
    let admit = format!(
        "take {used} from this peer (strongSwan: `auth` in `remote` of its connection; Libreswan: `rightauth`)"
    );
    let fix = match side {
        Side::Local => Fix {
            local: change,
            remote: admit,
        },
        Side::Remote => Fix {
            local: admit,
            remote: change,
        },
    };
    let found = Found {
        confidence: 0.95,
        side: AtFault::Both,
        summary: format!("{prover} authenticates with {used}, and {refuser} announces that it takes only {announced}"),
        explanation: "A gateway announces before authentication which proofs it takes (SUPPORTED_AUTH_METHODS, RFC 9593), for all of its connections that may be meant. The one that was used isn't among them, and it was refused.".to_owned(),
        evidence: quote([heard, told]),
        message_for_peer: format!("Our two gateways authenticate in different ways: one uses {used}, and the other announces only {announced} (RFC 9593). Let us agree on one method."),
        fix,
        next: Vec::new(),
    };
    Some(found.into())
}

/// A line that says so. That no main mode connection allows a method is one, too.
fn method_sign<'a>(s: &Signals<'a>) -> Option<crate::seen::Seen<'a>> {
    // pluto says it of one transform; another may have been taken, and the exchange gone on.
    let of_all = |seen: &crate::seen::Seen<'_>| {
        let text = &seen.fact.source.text;
        // charon goes on to the next connection; what fails there is another matter.
        let of_connection = text.contains("insufficient authentication rounds");
        if of_connection && s.sign(Sign::UserAuthenticationFailed).is_some() {
            return false;
        }
        let of_one = of_connection
            || text.contains("policy does not allow")
            || text.contains("policy mandates");
        !of_one || !(s.refused_or_told() || s.went_on(*seen) || s.was_up().is_some())
    };
    // Where a responder went on with another connection, the last one is what counts.
    let went_over = |seen: &crate::seen::Seen<'_>| {
        let then = |sign| {
            s.signs_of(sign)
                .any(|next| next.side() == seen.side() && before(seen.fact, next.fact))
        };
        // Who has no such method names others, and the server takes one of those.
        let another = s.signs_of(Sign::EapRequested).any(|next| {
            before(seen.fact, next.fact) && next.value("method") != seen.value("method")
        });
        then(Sign::NextConnectionTried) && !then(Sign::NoOtherConnection) || another
    };
    let unexpected = s
        .sign(Sign::AuthMethodUnexpected)
        .filter(of_all)
        .filter(|seen| s.refused_or_told() || !went_over(seen));
    unexpected.or_else(|| {
        s.sign(Sign::ExchangeModeRefused)
            .filter(|seen| seen.fact.source.text.contains("authentication using Main"))
    })
}
