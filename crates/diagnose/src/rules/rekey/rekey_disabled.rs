//! `rekey-disabled`: nobody replaces the SA before it expires.

use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "rekey-disabled",
    recurs: false,
    page: Page {
        title: "SAs expire because rekeying is switched off",
        what: "With rekey=no a side leaves replacing SAs to the other. When the other doesn't either, the SA ends with its lifetime.",
        initiator: "Libreswan: \"CHILD SA expired (--dontrekey)\"; status: DONT_REKEY; strongSwan: \"rekeying disabled\".",
        responder: "The same, or a delete.",
        look_alikes: &[
            (
                "sa-hard-expired",
                "Was rekeying configured, and did it fail?",
            ),
            ("pfs-mismatch-at-rekey", "Was a rekey tried and refused?"),
        ],
        fix: &[
            (
                "any",
                "Let at least one side rekey, best the one that initiates.",
            ),
            (
                "strongswan",
                "`rekey_time` above 0; ipsec.conf: `rekey=yes`",
            ),
            ("libreswan", "`rekey=yes`"),
        ],
        source: "RFC 7296 2.8",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["pfs-mismatch-at-rekey"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let (Some(expired), Some(off)) = (s.sign(Sign::SaExpired), s.sign(Sign::RekeyOff)) else {
        return Judgement::Silent;
    };
    if expired.side() != off.side() {
        return Judgement::Silent;
    }
    // An ISAKMP SA ends so at every responder; what carries traffic lives on.
    let lives_on = s
        .signs_of(Sign::SaExpired)
        .all(|x| x.value("what").is_some_and(|what| what.contains("ISAKMP")));
    if lives_on && s.sign(Sign::PeerDeclaredDead).is_none() {
        return Judgement::Possible {
            weight: 25,
            because: "an ISAKMP SA ended and isn't replaced from here".to_owned(),
            separated_by: "whether the SA for the traffic ended with it, and whether the other side begins anew",
        };
    }
    Found::by(expired, SAID, format!("the SA expired, and {} doesn't replace SAs: rekeying is switched off", expired.who()))
        .with([off.fact])
        .because("The SA reached its lifetime with nobody to replace it.")
        .fix("switch rekeying on (Libreswan: rekey=yes; strongSwan: rekey_time above 0), at least on the side that initiates")
        .done()
}
