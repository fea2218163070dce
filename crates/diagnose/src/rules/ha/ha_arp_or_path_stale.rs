//! `ha-arp-or-path-stale`: the network still sends to the node that was active before.

use adit_model::sign::Sign;

use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "ha-arp-or-path-stale",
    recurs: false,
    page: Page {
        title: "The network still sends to the old node",
        what: "After a failover the router or switch upstream keeps the old hardware address or route.",
        initiator: "Nothing comes back, though the new node is active and sends.",
        responder: "Answers go to the old node.",
        look_alikes: &[(
            "ha-transition-hook-wrong",
            "Is the SA well on the new node?",
        )],
        fix: &[
            (
                "any",
                "Gratuitous ARP at failover, a virtual hardware address, or a short ARP lifetime upstream.",
            ),
            (
                "linux",
                "`arping -U -I IFACE VIP`; keepalived: vrrp_garp_master_refresh.",
            ),
        ],
        source: "RFC 5798 6.4.3, 8.1",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let silent = s.nothing_came().is_some() || s.silence("INFORMATIONAL").is_some();
    let over = s
        .sign(Sign::NodeTookOver)
        .or_else(|| s.sign(Sign::NeighbourMoved));
    match over {
        Some(_) if silent && !s.up => Judgement::Possible {
            weight: 58,
            because: "a node took over, and the network may still send to the other one".to_owned(),
            separated_by: "whether the peer's answers arrive at the node that was active before",
        },
        _ => Judgement::Silent,
    }
}
