//! `no-additional-sas`: the peer takes no further CHILD SA on this IKE SA.

use adit_model::feature::Feature;
use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "no-additional-sas",
    recurs: false,
    page: Page {
        title: "The peer takes no further CHILD SA on this IKE SA",
        what: "Some implementations have one CHILD SA per IKE SA, or a limit, and answer a further one, or the replacement of the first, with NO_ADDITIONAL_SAS.",
        initiator: "NO_ADDITIONAL_SAS in answer to CREATE_CHILD_SA.",
        responder: "A limit was reached, or CREATE_CHILD_SA isn't supported at all.",
        look_alikes: &[
            ("esp-proposal-mismatch", "Which notify is it?"),
            (
                "rekey-refused",
                "Was it a further CHILD SA, or the replacement of one?",
            ),
        ],
        fix: &[
            (
                "any",
                "One IKE SA per child, and reauthentication in place of rekeying.",
            ),
            (
                "strongswan",
                "one connection per child; `reauth_time` instead of `rekey_time`",
            ),
        ],
        source: "RFC 7296 1.3, 3.10.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let limit = s.unsupported(|f| matches!(f, Feature::ManyChildren { .. }));
    if let Some((refused, feature)) = limit {
        let told = s.told(notify::NO_ADDITIONAL_SAS, false).map(|t| t.fact);
        return Found::on(
            refused.fact,
            SAID,
            refused.side.into(),
            format!("{} takes no further CHILD SA: {feature}", who(refused.side)),
        )
        .with(told)
        .because("Each pair of networks, and each packet of a narrowed child, has a CHILD SA of its own; there are as many as are allowed.")
        .fix("let a child carry several networks, or larger ones, so that fewer CHILD SAs do")
        .done();
    }
    let found = match (
        s.told(notify::NO_ADDITIONAL_SAS, false),
        s.sign(Sign::NoMoreChildren),
    ) {
        (Some(told), _) => Found::on(told.fact, SAID, told.side.other().into(), SUMMARY),
        (None, Some(seen)) => Found::by(seen, SAID, SUMMARY).at(AtFault::Remote),
        (None, None) => return Judgement::Silent,
    };
    found
        .because("NO_ADDITIONAL_SAS: it allows no CHILD SA beyond the ones that are there.")
        .fix("allow several CHILD SAs per IKE SA; or use one IKE SA (connection) per pair of networks, and reauthentication in place of rekeying, on the side that asks")
        .done()
}

const SUMMARY: &str = "the peer takes no further CHILD SA on this IKE SA (NO_ADDITIONAL_SAS)";
