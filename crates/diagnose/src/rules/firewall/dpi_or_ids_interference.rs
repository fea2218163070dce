//! `dpi-or-ids-interference`: a box on the way changes or stops IKE by its contents.

use adit_model::sign::Sign;

use crate::finding::{BOTH_SIDES, COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

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
    if let Some(seen) = s.sign(Sign::InspectionDropped)
        && !s.up
    {
        return Found::by(
            seen,
            if s.silences.is_empty() { SYMPTOM } else { COUNTED },
            match seen.value("rule") {
                Some(rule) => format!("an inspection stops packets of the tunnel ({})", rule.trim()),
                None => "an inspection stops packets of the tunnel".to_owned(),
            },
        )
        .at(AtFault::Path)
        .because("The box that looks into packets says itself that it dropped one of IKE or ESP.")
        .fix("exempt UDP 500, UDP 4500 and ESP between the two gateways from inspection, application control and ALGs")
        .done();
    }
    if let Some((fact, what)) = s.altered() {
        return Found::on(
            fact,
            BOTH_SIDES,
            AtFault::Path,
            format!("a box on the way changes the contents of packets ({what})"),
        )
        .because("The captures of both sides have the same packet by its header, and its contents differ: a NAT changes addresses and ports only.")
        .fix("exempt UDP 500, UDP 4500 and ESP between the two gateways from inspection, application control and ALGs")
        .done();
    }
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
