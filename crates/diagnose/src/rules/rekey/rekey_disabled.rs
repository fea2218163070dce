//! `rekey-disabled`: nobody replaces the SA before it expires.

use adit_model::complaint::Complaint;
use adit_model::fact::Known;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

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
        return told(s);
    };
    if expired.side() != off.side() {
        return Judgement::Silent;
    }
    // An ISAKMP SA ends so at every responder; what carries traffic lives on.
    let lives_on = s
        .signs_of(Sign::SaExpired)
        .all(|x| x.value("what").is_some_and(|what| what.contains("ISAKMP")));
    let ended = [Sign::PeerDeclaredDead, Sign::DeathEndsTunnel]
        .into_iter()
        .any(|sign| s.sign(sign).is_some());
    if lives_on && !ended {
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

/// Somebody tells that it ends with its lifetime, and that nobody replaces it.
fn told(s: &Signals<'_>) -> Judgement {
    if !s.calm() {
        return Judgement::Silent;
    }
    let Some(told) = s.complains(Complaint::EndsWithoutRekey) else {
        return if is_configured(s) {
            Judgement::Possible {
                weight: 35,
                because: "rekeying is switched off, and it ends with a lifetime".to_owned(),
                separated_by: "whether the other side replaces SAs, and what the log says when they end",
            }
        } else {
            Judgement::Silent
        };
    };
    Found::on(
        told,
        CONDITION,
        AtFault::Unknown,
        "the SA ends with its lifetime: rekeying is switched off",
    )
    .because("With rekeying switched off a side leaves it to the other to replace SAs; where the other doesn't either, all ends with the lifetime.")
    .fix("switch rekeying on (Libreswan: rekey=yes; strongSwan: rekey_time above 0), at least on the side that initiates")
    .done()
}

/// It ends after a lifetime of a configuration that leaves it to the other side to replace SAs. That side may do so, and something
/// else may come at such times.
fn is_configured(s: &Signals<'_>) -> bool {
    let after = s.case.facts.iter().find_map(|f| match f.what {
        Known::Complained {
            complaint: Complaint::Periodic,
            after_s,
        } => after_s,
        _ => None,
    });
    let near = |life: u64| after.is_some_and(|after| after.abs_diff(life) <= life / 20);
    s.case.facts.iter().any(|f| match &f.what {
        Known::PeerConfigured { connection } => {
            let ike = connection.ike_life.value.map(|life| life.as_secs());
            let of_children = || {
                connection
                    .children
                    .iter()
                    .any(|child| child.life.value.is_some_and(|life| near(life.as_secs())))
            };
            !connection.rekey.value && (ike.is_some_and(near) || of_children())
        }
        _ => false,
    })
}
