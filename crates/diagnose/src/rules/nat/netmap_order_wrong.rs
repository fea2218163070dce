//! `netmap-order-wrong`: translation inside the tunnel and selectors disagree.

use adit_model::sign::Sign;

use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "netmap-order-wrong",
    recurs: false,
    page: Page {
        title: "Translation in the tunnel is on the wrong side of the policy",
        what: "Where both sides use the same network, addresses are translated one to one for the tunnel. If the policy is looked up before the translation, or lists the untranslated network, packets don't fit.",
        initiator: "The tunnel is up; packets aren't taken, or the peer drops them.",
        responder: "Decrypted packets have addresses that aren't in the selectors.",
        look_alikes: &[
            ("ts-mismatch", "Did negotiation fail, or only the traffic?"),
            (
                "inner-address-outside-selector",
                "Is a translation meant for the tunnel?",
            ),
        ],
        fix: &[(
            "any",
            "Translate first, and list the translated network in the selectors; the special rule stands before the general one.",
        )],
        source: "RFC 4301 5.1",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let mapped = s
        .signs_of(Sign::Masquerading)
        .filter(|seen| {
            let rule = seen.value_or("rule", "").to_ascii_lowercase();
            rule.contains("netmap")
        })
        .last();
    match mapped {
        Some(_) if s.up => Judgement::Possible {
            weight: 45,
            because:
                "networks are translated one to one; the selectors may list the untranslated ones"
                    .to_owned(),
            separated_by: "whether the selectors of the SA are the translated networks",
        },
        _ => Judgement::Silent,
    }
}
