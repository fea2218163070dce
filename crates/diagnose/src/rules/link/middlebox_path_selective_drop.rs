//! `middlebox-path-selective-drop`: somebody between the two drops what goes between just these two.

use adit_model::event::Happening;
use adit_model::fact::Side;

use crate::finding::BOTH_SIDES;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "middlebox-path-selective-drop",
    recurs: false,
    page: Page {
        title: "The path drops packets between just these two",
        what: "A provider or a box on the way drops packets between the two gateways, though each of them is reached from elsewhere.",
        initiator: "Requests are repeated and never answered.",
        responder: "Nothing arrives, though other peers are served.",
        look_alikes: &[
            (
                "udp500-blocked",
                "Is only IKE lost, or every protocol between the two addresses?",
            ),
            ("peer-unreachable", "Do third parties reach both gateways?"),
        ],
        fix: &[(
            "any",
            "A matter for the provider: show it captures of both ends. Until then another path, or UDP encapsulation.",
        )],
        source: "RFC 7296 2.23",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &["peer-unreachable"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let kinds = |from: Side| {
        [
            s.crossed(from, false),
            s.crossed(from, true),
            s.crossed_ike(from),
        ]
    };
    let sum = |from: Side| {
        kinds(from).iter().fold((0, 0), |(sent, arrived), (c, _)| {
            (sent + c.sent, arrived + c.arrived)
        })
    };
    let fact = kinds(Side::Local)
        .iter()
        .find_map(|(_, facts)| facts.first().copied());
    if let (Some(fact), (3.., 0), (3.., 0)) = (fact, sum(Side::Local), sum(Side::Remote)) {
        return Found::on(
            fact,
            BOTH_SIDES,
            AtFault::Path,
            "nothing that leaves either gateway reaches the other: captures of both show it",
        )
        .because("Both captures show packets that leave and none that arrive.")
        .fix("ask the provider, with both captures; try another path meanwhile")
        .done();
    }
    let dead = s
        .happenings(Side::Local)
        .any(|(_, h)| matches!(h, Happening::IkeClosed { cause, .. } if cause == "dead-peer"));
    if s.nothing_came().is_some() || dead {
        return Judgement::Possible {
            weight: 10,
            because: "a box on the way may drop what goes between just these two addresses"
                .to_owned(),
            separated_by: "whether a third place reaches both gateways",
        };
    }
    Judgement::Silent
}
