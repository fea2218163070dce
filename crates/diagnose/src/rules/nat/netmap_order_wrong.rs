//! `netmap-order-wrong`: translation inside the tunnel and selectors disagree.

use adit_model::fact::Side;
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::finding::CONFIGURED;
use crate::nat_rule::NatRule;
use crate::plane::Nets;
use crate::rule::{Found, Judgement, Need, Page, Rule};
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
    let nets = s.tunnel_networks();
    let mut mapped = None;
    for seen in s.signs_of(Sign::Masquerading) {
        let rule = NatRule::read(seen.value_or("rule", ""));
        if !rule.one_to_one || seen.side() == Side::Remote {
            continue;
        }
        mapped = Some(seen);
        let (Some(from), Some(into)) = (rule.from, rule.into) else {
            continue;
        };
        let lists =
            |nets: &[Selector], net: &Selector| nets.iter().any(|n| n.intersect(net).is_some());
        let wanted = |(_, theirs): &&Nets| rule.to.is_none_or(|to| lists(theirs, &to));
        let known: Vec<&Nets> = nets.iter().filter(wanted).collect();
        // One tunnel may list the one network, and another the other.
        if known.iter().any(|(ours, _)| lists(ours, &into)) {
            return Judgement::RuledOut(
                "the translated network is in the tunnel's selectors".to_owned(),
            );
        }
        if known.iter().any(|(ours, _)| lists(ours, &from)) {
            return Found::by(
                seen,
                CONFIGURED,
                format!(
                    "{} translates {from} into {into}, and the tunnel's selectors list {from}",
                    seen.who()
                ),
            )
            .because("Translation comes before the look-up of policies: what was translated isn't in the selectors any more.")
            .fix(format!("list {into} in the selectors of both sides in place of {from}, or don't translate"))
            .then("ip xfrm policy: dir out must have the translated network as src")
            .done();
        }
    }
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
