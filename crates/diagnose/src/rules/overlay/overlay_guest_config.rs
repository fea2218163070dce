//! `overlay-guest-config`: the guest is configured wrongly, and tunnel and overlay are well.

use adit_model::fact::Side;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "overlay-guest-config",
    recurs: false,
    page: Page {
        title: "The guest is configured wrongly",
        what: "Overlay and IPsec work; a guest's address, VLAN or filter is wrong.",
        initiator: "The nodes reach each other through the overlay, and a guest isn't reached.",
        responder: "ESP passes both ways; the guest is silent.",
        look_alikes: &[
            (
                "esp-both-directions-vm-fails",
                "Does the guest receive anything?",
            ),
            (
                "endpoint-host-firewall",
                "Does the guest's own filter refuse?",
            ),
        ],
        fix: &[("any", "Correct the guest's address, VLAN or filter.")],
        source: "RFC 7348 4",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // The overlay's own address of the other node answers, ESP goes both ways, and a guest doesn't answer.
    let node = s
        .pings()
        .find(|p| p.received > 0 && p.to.contains("overlay"));
    let guest = s.unanswered().filter(|p| !p.to.contains("overlay"));
    if let (Some(node), Some(guest)) = (&node, &guest) {
        let both = |side: Side| {
            let from = |from: Side| s.flows(side).find(move |f| f.from == from);
            Some([from(Side::Local)?.fact, from(Side::Remote)?.fact])
        };
        if let Some(flows) = both(Side::Local).filter(|_| s.calm()) {
            return Found::on(
                guest.fact,
                SYMPTOM,
                AtFault::Unknown,
                format!("the nodes reach each other through the overlay, and the guest {} doesn't answer", guest.to),
            )
            .with([node.fact])
            .with(flows)
            .because("ESP passes both ways and the overlay's address of the other node answers: what is wrong is in the guest, its address, its VLAN or its filter.")
            .fix("compare the guest's address, VLAN and nictag with those of a guest that is reached; look at its own filter")
            .then("snoop in the guest while it is pinged: do requests arrive, and do answers leave?")
            .done();
        }
    }
    if s.inner_echo(false).is_some() && s.inner_echo(true).is_some() && s.up {
        return Judgement::Possible {
            weight: 40,
            because: "one host behind the tunnel answers and another doesn't".to_owned(),
            separated_by: "whether the silent one receives the requests",
        };
    }
    Judgement::Silent
}
