//! `sa-hard-expired`: an SA came to the end of its life without a successor.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED};
use crate::plane::found;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "sa-hard-expired",
    recurs: false,
    page: Page {
        title: "An SA came to the end of its life without a successor",
        what: "Rekeying failed, was switched off or came too late, so that the SA reached its hard lifetime and was removed.",
        initiator: "Traffic stops exactly one lifetime after the tunnel came up.",
        responder: "The same; perhaps a moment later.",
        look_alikes: &[
            (
                "rekey-failed-no-answer",
                "Was a rekey tried, and not answered?",
            ),
            (
                "rekey-disabled",
                "Is rekeying off on the side that should do it?",
            ),
            ("pfs-mismatch-at-rekey", "Was the rekey refused?"),
        ],
        fix: &[
            (
                "any",
                "Rekey before the end: switch it on, with a margin of several minutes, and repair what makes it fail.",
            ),
            (
                "strongswan",
                "`rekey_time` below `life_time`; `rekey_time = 0` switches it off.",
            ),
            ("libreswan", "`rekey=yes`, `rekeymargin=9m`."),
            (
                "illumos",
                "p2_softlife_secs below p2_lifetime_secs in the rule.",
            ),
        ],
        source: "RFC 4301 4.4.2.1; RFC 7296 2.8",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "rekey-failed-no-answer",
        "rekey-disabled",
        "rekey-refused",
        "pfs-mismatch-at-rekey",
        "idle-teardown",
        "lifetime-mismatch-flap",
        "peer-deleted-sa",
        "volume-lifetime-small",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((seen, count)) = s.kernel_drops(&["InStateExpired", "OutStateExpired"]) {
        return Found::by(
            seen,
            COUNTED,
            format!(
                "{count} packets met an SA of {} that had expired",
                seen.who()
            ),
        )
        .because("The SA was past its hard lifetime, and no other had taken its place.")
        .fix(CHANGE)
        .done();
    }
    let again = s.first_sign(&[
        Sign::RekeyFailed,
        Sign::RekeyRefused,
        Sign::RekeyUnanswered,
        Sign::IdleClosed,
        Sign::RekeyOff,
    ]);
    if s.up || again.is_some() {
        return Judgement::Silent;
    }
    found(s, &[Sign::SaExpired], CONDITION, |seen, times| {
        format!("an SA of {} expired and no other took its place{times}", seen.who())
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because("It reached the end of its life. Why it wasn't replaced, the lines before it tell, where there are any.")
            .fix(CHANGE)
            .then("look at what was logged a margin before the end: a rekey that fails, or none at all")
            .done()
    })
}

const CHANGE: &str = "switch rekeying on with a margin of several minutes before the hard lifetime, and repair what makes it fail";
