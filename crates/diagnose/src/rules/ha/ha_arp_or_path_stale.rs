//! `ha-arp-or-path-stale`: the network still sends to the node that was active before.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

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
        .filter(|seen| seen.value("state").is_none())
        .or_else(|| s.sign(Sign::NeighbourMoved));
    let told = over.map(|seen| seen.fact);
    if let Some((own, known, address)) = elsewhere(s) {
        let what = format!(
            "a neighbour still has {address} at another hardware address than the node that holds it now"
        );
        let Some(told) = told else {
            return Judgement::Possible {
                weight: 50,
                because: what,
                separated_by: "whether a node took over, and which node has the hardware address that the neighbour knows",
            };
        };
        return Found::on(known, COUNTED, AtFault::Path, what)
            .with([own, told])
            .because("After a node took over, its neighbours must learn its hardware address; until then they send to the other node.")
            .fix("remove the entry at the neighbour (ip neigh flush, clear arp), and have the node that takes over send gratuitous ARP (keepalived: garp_master_repeat, garp_master_refresh)")
            .then("tcpdump -eni IFACE arp, on the neighbour, during the next change of nodes")
            .done();
    }
    match over {
        Some(_) if silent && !s.up => Judgement::Possible {
            weight: 58,
            because: "a node took over, and the network may still send to the other one".to_owned(),
            separated_by: "whether the peer's answers arrive at the node that was active before",
        },
        _ => Judgement::Silent,
    }
}

/// An address of a host, and what somebody else knows of it.
fn elsewhere<'a>(s: &Signals<'a>) -> Option<(&'a Fact, &'a Fact, &'a str)> {
    let all: Vec<_> = s.hardware().collect();
    all.iter().find_map(|(own_fact, address, hardware, own)| {
        let (known, ..) = all
            .iter()
            .find(|(_, of, at, own)| !*own && of == address && at != hardware && !of_a_group(at))?;
        // Somebody who knows it right has learned since.
        let right = all
            .iter()
            .any(|(_, of, at, own)| !*own && of == address && at == hardware);
        (*own && !right).then_some((*own_fact, *known, *address))
    })
}

/// A hardware address that the nodes of a group share (VRRP, RFC 9568 7.3; HSRP; GLBP): it differs from the node's own by design.
fn of_a_group(hardware: &str) -> bool {
    const GROUPS: [&str; 5] = [
        "00005e0001",
        "00005e0002",
        "00000c07ac",
        "00000c9ff",
        "0007b4",
    ];
    let digits: String = hardware
        .chars()
        .filter(char::is_ascii_hexdigit)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    GROUPS.iter().any(|head| digits.starts_with(head))
}
