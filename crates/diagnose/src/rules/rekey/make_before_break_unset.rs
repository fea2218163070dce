//! `make-before-break-unset`: Vyatta reauthenticates with a gap because one line isn't configured.

use adit_model::fact::{Known, Side};
use adit_model::peer_config::Dialect;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "make-before-break-unset",
    recurs: true,
    page: Page {
        title: "Vyatta without make-before-break loses the tunnel at each reauthentication",
        what: "A Vyatta router with IKEv2 sets the IKE SA up anew at the end of its lifetime. Without `security vpn ike make-before-break` it deletes the old one first: an outage with each IKE lifetime.",
        initiator: "\"reauthenticating IKE_SA X[n]\", a delete, then IKE_SA_INIT.",
        responder: "A delete and a new IKE SA, at regular times.",
        look_alikes: &[(
            "reauth-break-before-make",
            "Is the product Vyatta, and is the line missing?",
        )],
        fix: &[
            (
                "any",
                "Make before break, or rekey instead of reauthenticating.",
            ),
            ("vyatta", "`set security vpn ike make-before-break`"),
        ],
        source: "IBM Cloud, Virtual Router Appliance; RFC 7296 2.8.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let again = s.ever(Sign::Reauthenticating);
    let Some(seen) = again.last().filter(|x| x.side() == Side::Local) else {
        return Judgement::Silent;
    };
    let router = s.case.of(Side::Local).find(|f| match &f.what {
        Known::PeerConfigured { connection } => {
            connection.dialect == Dialect::Vyatta && connection.versions.value.v2
        }
        _ => false,
    });
    let set = s.ever(Sign::MakeBeforeBreak);
    let (Some(router), true) = (router, set.is_empty()) else {
        return Judgement::Silent;
    };
    Found::by(
        *seen,
        SYMPTOM + 0.02,
        "the router sets the tunnel up anew with each IKE lifetime and takes the old one down first",
    )
    .with([router])
    .with(again.iter().map(|x| x.fact))
    .because("It reauthenticates, and the configuration has no `security vpn ike make-before-break`.")
    .fix("set security vpn ike make-before-break")
    .done()
}
