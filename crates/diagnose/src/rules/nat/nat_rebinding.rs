//! `nat-rebinding`: the peer's address or port behind its NAT changes while the tunnel is up.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "nat-rebinding",
    recurs: false,
    page: Page {
        title: "The NAT gave the peer another address or port",
        what: "A NAT restarts or moves a flow; the peer then comes from another address or port. A side that doesn't follow goes on sending to the old one.",
        initiator: "Nothing comes back until it sets the tunnel up anew.",
        responder: "ESP comes from a new port, and what is sent goes to the old one.",
        look_alikes: &[
            (
                "nat-mapping-timeout",
                "Did the port change, or did the mapping vanish?",
            ),
            ("dynamic-ip-changed", "Did the peer's own address change?"),
        ],
        fix: &[
            (
                "any",
                "MOBIKE or an implementation that follows address changes, dead peer detection on both sides, a fixed mapping at the NAT.",
            ),
            ("strongswan", "mobike = yes."),
            ("libreswan", "mobike=yes."),
        ],
        source: "RFC 7296 2.23; RFC 4555",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::NatMappingNotFollowed) {
        return Found::by(
            seen,
            SYMPTOM,
            "the peer came from another address or port behind its NAT, and this IKE SA can't follow it",
        )
        .because("The daemon noticed the change and says that it can't update the IKE SA; what it sends goes to the old address.")
        .fix("use IKEv2 with MOBIKE, dead peer detection on both sides, and a fixed mapping at the NAT")
        .done();
    }
    if let Some((fact, moved, [before, now])) = s.rebound() {
        return Found::on(
            fact,
            COUNTED,
            AtFault::Path,
            format!("the NAT before {} gave it another port ({now}), and ESP to it goes on to the old one ({before})", who(moved)),
        )
        .because("The other side's ESP comes from the new port under the same SPI; what is sent to the old one is dropped at the NAT.")
        .fix("MOBIKE or dead peer detection on both sides, so that the new port is learnt; a NAT keepalive shorter than the mapping's life (20 s)")
        .done();
    }
    let changed = s
        .signs_of(Sign::NatMappingChanged)
        .chain(s.signs_of(Sign::AddressChanged));
    let moved = changed.filter(|seen| {
        // Moving from 500 to 4500 is how NAT traversal begins.
        !seen
            .value_or("from", "")
            .trim_end_matches([',', '.'])
            .ends_with(":500")
    });
    let moved: Vec<_> = moved.collect();
    let times = moved.len();
    match s.silence("INFORMATIONAL").is_some() || s.sign(Sign::PeerDeclaredDead).is_some() {
        true if times > 0 => Judgement::Possible {
            weight: 42,
            because: "the peer's address or port behind its NAT changed before it fell silent"
                .to_owned(),
            separated_by: "whether ESP goes on arriving from a new port while ours goes to the old one",
        },
        false if times > 0 && s.calm() && !s.up => Judgement::Possible {
            weight: if times > 1 { 45 } else { 20 },
            because: "the peer's address or port behind its NAT changed".to_owned(),
            separated_by: "whether traffic stops each time, and ours goes to the old port",
        },
        _ => Judgement::Silent,
    }
}
