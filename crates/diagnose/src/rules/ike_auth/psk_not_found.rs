//! `psk-not-found`: a side holds no key for the pair of identities.

use adit_model::connection::AuthKind;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use super::identity::unexplained;
use crate::finding::{CONDITION, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, name_of, notify, quote, who};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "psk-not-found",
    recurs: false,
    page: Page {
        title: "There is no pre-shared key for these identities",
        what: "A side has a connection for the peer and no key that goes with the two identities.",
        initiator: "AUTHENTICATION_FAILED, or the attempt ends before IKE_AUTH is sent.",
        responder: "strongSwan: \"no shared key found for …\"; Libreswan: \"no PSK found\".",
        look_alikes: &[(
            "psk-mismatch",
            "Was a key found and wrong, or was none found?",
        )],
        fix: &[
            ("any", "Add a key for exactly the two identities in use."),
            (
                "adit",
                "`auth = { psk_file = … }` of the tunnel: the file must exist and hold the key.",
            ),
            (
                "strongswan",
                "`secrets { ike-x { id-1 = … id-2 = … secret = … } }`, then `swanctl --load-creds`.",
            ),
        ],
        source: "RFC 7296 2.15",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let found = s.refusal(|r| match r {
        Refusal::NoKey { local, remote } => Some((local, remote)),
        _ => None,
    });
    if let Some((refused, (own, other))) = found {
        let at = who(refused.side);
        let (own, other) = (name_of(own), name_of(other));
        let add = format!("add a pre-shared key for {own} and {other}");
        let fix = match AtFault::from(refused.side) {
            AtFault::Local => Fix {
                local: add.clone(),
                remote: String::new(),
            },
            _ => Fix {
                local: String::new(),
                remote: add.clone(),
            },
        };
        return Found {
            confidence: 0.97,
            side: refused.side.into(),
            summary: format!("{at} holds no pre-shared key for {own} and {other}"),
            explanation: format!(
                "The connection and the identities fit, and {at} found no key that goes with them."
            ),
            evidence: quote([refused.fact]),
            message_for_peer: match AtFault::from(refused.side) {
                AtFault::Remote => format!(
                    "Your gateway has no pre-shared key for {own} and {other}. Please {add}."
                ),
                _ => format!("Our gateway had no pre-shared key for {own} and {other}; we add it."),
            },
            fix,
            next: Vec::new(),
        }
        .into();
    }
    if let Some(seen) = s.sign(Sign::PskNotFound) {
        let whose = match (seen.value("local"), seen.value("remote")) {
            (Some(own), Some(other)) => format!(" for {own} and {other}"),
            (None, Some(other)) => format!(" for {}", other.trim_end_matches('.')),
            _ => String::new(),
        };
        return Found::by(
            seen,
            SAID - 0.01,
            format!("{} holds no pre-shared key{whose}", seen.who()),
        )
        .because(
            "The connection is known, and no key goes with the identities or addresses in use.",
        )
        .fix(format!(
            "add a pre-shared key{whose}, under exactly these identities, and load it"
        ))
        .done();
    }
    let unread = s
        .sign(Sign::SecretsNoneLoaded)
        .filter(|_| s.calm() && s.case.happenings().next().is_none());
    if let Some(seen) = unread {
        let path = seen.value_or("path", "the file");
        return Found::by(
            seen,
            CONDITION,
            format!("{} has loaded no secret: {path} isn't there", seen.who()),
        )
        .because("The daemon's own file of secrets does nothing but include that one, and loading ended without a single secret. Nothing else in the evidence is wrong.")
        .fix(format!("write the secrets into {path} (or have it include the file that a program generates), readable by the daemon, and load them: `ipsec rereadsecrets`"))
        .then(format!("ls -l {path}; the lines `loaded … secret for …` after `ipsec rereadsecrets`"))
        .done();
    }
    if let Some((side, _)) = unexplained(s) {
        return Judgement::Possible {
            weight: 45,
            because: format!(
                "{} found no connection for an identity that one has, and looks for one among those only that have a key for the pair",
                who(side)
            ),
            separated_by: "whether the secrets hold a key for both ends of that connection",
        };
    }
    let signed = s.refused_proof().is_some_and(|kind| kind != AuthKind::Psk);
    if !signed
        && s.authenticated().is_none()
        && s.told(notify::AUTHENTICATION_FAILED, false).is_some()
    {
        return Judgement::Possible {
            weight: 30,
            because: "a responder without a key for the pair answers AUTHENTICATION_FAILED as well"
                .to_owned(),
            separated_by: "the responder's log says that it found no key",
        };
    }
    Judgement::Silent
}
