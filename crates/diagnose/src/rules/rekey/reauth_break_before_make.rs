//! `reauth-break-before-make`: reauthentication takes the tunnel down before the new one is up.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rhythm::rhythm;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "reauth-break-before-make",
    recurs: true,
    page: Page {
        title: "Reauthentication takes the tunnel down before the new one is up",
        what: "Reauthentication sets the IKE SA up anew. Unless both sides do make-before-break, the old one is deleted first: an outage with every IKE lifetime, and a long one when the new attempt fails.",
        initiator: "strongSwan: \"reauthenticating IKE_SA X[n]\", then a delete, then IKE_SA_INIT.",
        responder: "A delete and a new IKE SA, at regular times.",
        look_alikes: &[
            (
                "lifetime-mismatch-flap",
                "Does a line speak of reauthentication?",
            ),
            ("rekey-refused", "Is the IKE SA rekeyed or set up anew?"),
        ],
        fix: &[
            (
                "any",
                "Rekey instead of reauthenticating, or make before break where both sides can.",
            ),
            (
                "strongswan",
                "`reauth_time = 0` with `rekey_time`; or `charon.make_before_break = yes` on both sides",
            ),
            ("libreswan", "`reauth=no`"),
            ("vyatta", "`set security vpn ike make-before-break`"),
        ],
        source: "RFC 7296 2.8.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["reauth-wrong-initiator", "make-before-break-unset"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let all = s.ever(Sign::Reauthenticating);
    let Some(seen) = all.last() else {
        return Judgement::Silent;
    };
    match rhythm(all.iter().map(|x| x.fact)) {
        Some(r) => Found::by(*seen, SYMPTOM, format!("the tunnel is taken down and set up anew every {} by reauthentication", r.every()))
            .with(all.iter().map(|x| x.fact))
            .because("Each time the IKE SA is deleted before its successor is up.")
            .fix("rekey instead of reauthenticating (strongSwan: reauth_time = 0; ipsec.conf: reauth=no), or switch make-before-break on at both sides")
            .done(),
        None if !s.up => Judgement::Possible {
            weight: 25,
            because: format!("the tunnel was being set up anew: {}", seen.said()),
            separated_by: "whether the outages come with the IKE lifetime",
        },
        None => Judgement::Silent,
    }
}
