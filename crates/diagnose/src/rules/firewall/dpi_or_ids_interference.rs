//! `dpi-or-ids-interference`: a box on the way changes or stops IKE by its contents.

use adit_model::sign::Sign;

use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "dpi-or-ids-interference",
    recurs: false,
    page: Page {
        title: "Packet inspection interferes",
        what: "An intrusion filter, an application gateway or IPsec passthrough changes or stops IKE by what is in it.",
        initiator: "Messages that can't be read, or silence after some of them.",
        responder: "The same.",
        look_alikes: &[
            (
                "nat-ipsec-passthrough",
                "Is there a consumer's NAT with an IPsec helper?",
            ),
            (
                "udp4500-blocked",
                "Is everything on the port lost, or some messages?",
            ),
        ],
        fix: &[("any", "Switch inspection off for UDP 500 and 4500.")],
        source: "RFC 7296 2.23",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let mangled = s
        .signs_of(Sign::MangledIke)
        .filter(|seen| s.names(seen.value_or("peer", "")))
        .last();
    match mangled {
        Some(_) if !s.up => Judgement::Possible {
            weight: 35,
            because: "a message of the peer couldn't be read; a box on the way may have changed it"
                .to_owned(),
            separated_by: "captures of both sides: whether the same message is the same at both",
        },
        _ => Judgement::Silent,
    }
}
