//! `wrong-ike-config-selected`: another connection to the same peer is taken.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "wrong-ike-config-selected",
    recurs: false,
    page: Page {
        title: "Another connection than the meant one is taken",
        what: "Several connections share the peer's address (or `%any`). A responder must choose by address first and learns the identity later; it takes the first that fits, and its proposal, key or method is the wrong one.",
        initiator: "A proposal or authentication failure that doesn't fit the own configuration.",
        responder: "strongSwan: \"selected peer config 'other'\", \"selected peer config … unacceptable\", \"no alternative config found\"; Libreswan: \"switched from … to …\".",
        look_alikes: &[
            (
                "id-mismatch",
                "Is the wrong one taken because the right one's identity doesn't fit?",
            ),
            ("auth-method-mismatch", "Does the method differ?"),
        ],
        fix: &[
            (
                "any",
                "Distinguish connections by identity, and give all that share an address the same IKE proposals; remove the ones that aren't used.",
            ),
            (
                "strongswan",
                "`remote { id = … }` in each; the more exact one wins.",
            ),
        ],
        source: "RFC 7296 2.15",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "auth-method-mismatch",
        "id-mismatch",
        "id-type-mismatch",
        "cert-san-mismatch",
        "ca-not-trusted",
        "crl-unreachable",
        "signature-or-keyusage-rejected",
        "eap-xauth-failure",
        "psk-mismatch",
        "cert-expired",
        "ike-proposal-mismatch",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ConnectionUnsuitable) else {
        return Judgement::Silent;
    };
    let connection = seen
        .value("connection")
        .map_or(String::new(), |c| format!(" {c}"));
    let problem = seen
        .value("problem")
        .map_or(String::new(), |p| format!(": {p}"));
    let none_left = s.sign(Sign::NoOtherConnection);
    // What was checked is said in the lines before; without them it may be the identity, the method or the certificate.
    if problem.contains("constraint check") || problem.contains("non-matching auth") {
        return Judgement::Possible {
            weight: 55,
            because: format!(
                "{} took the connection{connection} for the peer, and it doesn't fit{problem}",
                seen.who()
            ),
            separated_by: "the lines before it: which constraint wasn't met",
        };
    }
    let confidence = if none_left.is_some() {
        SYMPTOM
    } else {
        CONDITION
    };
    Found::by(
        seen,
        confidence,
        format!("{} took the connection{connection} for the peer, and it doesn't fit{problem}", seen.who()),
    )
    .with(none_left.map(|x| x.fact))
    .because("The connection is chosen by addresses and identities before the rest is known. The chosen one asks for something that the peer doesn't do.")
    .fix("give each connection to this address its own remote identity, and the same IKE proposals; remove the ones that aren't meant")
    .done()
}
