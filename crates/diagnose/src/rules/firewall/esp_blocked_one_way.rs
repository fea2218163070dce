//! `esp-blocked-one-way`: ESP passes in one direction only.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::BOTH_SIDES;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "esp-blocked-one-way",
    recurs: false,
    page: Page {
        title: "ESP passes in one direction only",
        what: "A stateless filter, an asymmetric route or a provider lets the ESP of one gateway through and drops that of the other.",
        initiator: "One side receives nothing though the other sends.",
        responder: "The SA of one direction counts packets, that of the other stays at 0.",
        look_alikes: &[
            (
                "asymmetric-routing-bypass",
                "Does the sending gateway really emit ESP with that SPI?",
            ),
            (
                "esp-spi-unknown",
                "Does it arrive, and fail the lookup of its SPI (XfrmInNoStates)?",
            ),
            ("esp-blocked", "Does ESP pass in the other direction?"),
        ],
        fix: &[(
            "any",
            "Permit IP protocol 50 in the direction that is missing, or force UDP encapsulation.",
        )],
        source: "RFC 4303 2",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(found) = counted(s) {
        return found;
    }
    for udp in [false, true] {
        let (out, sent) = s.crossed(Side::Local, udp);
        let (back, answered) = s.crossed(Side::Remote, udp);
        for (from, lost, passes, facts) in [
            (Side::Local, out, back, &sent),
            (Side::Remote, back, out, &answered),
        ] {
            let Some(first) = facts.first() else {
                continue;
            };
            if lost.sent < 2 || lost.arrived > 0 || passes.arrived == 0 {
                continue;
            }
            return Found::on(
                first,
                BOTH_SIDES,
                AtFault::Path,
                format!(
                    "ESP of {} is lost on the way ({} packets left, none arrived), and that of the other side arrives",
                    who(from),
                    lost.sent
                ),
            )
            .with(sent.iter().chain(&answered).copied())
            .because("Both captures were made at the same time. What one gateway sends is in both, what the other sends only in its own.")
            .fix("permit ESP in the missing direction on every filter between the gateways, or force UDP encapsulation")
            .done();
        }
    }
    for side in [Side::Local, Side::Remote] {
        let sum = |from: Side| {
            s.flows(side)
                .filter(|f| f.from == from)
                .map(|f| f.packets)
                .sum::<u64>()
        };
        let (out, back) = (sum(side), sum(side.other()));
        let (sent, heard) = if out >= 2 && back == 0 {
            (side, side.other())
        } else if back >= 2 && out == 0 {
            (side.other(), side)
        } else {
            continue;
        };
        return Judgement::Possible {
            weight: 55,
            because: format!(
                "the capture has ESP of {} and none of {}",
                who(sent),
                who(heard)
            ),
            separated_by: "a capture at the other gateway at the same time",
        };
    }
    Judgement::Silent
}

/// Both gateways have counted test packets, and one side's alone have arrived.
fn counted(s: &Signals<'_>) -> Option<Judgement> {
    // A filter that is known by its rule is named by that.
    if s.sign(Sign::EspDropped).is_some() {
        return None;
    }
    let (udp, out, back) = [false, true].into_iter().find_map(|udp| {
        let [out, back] = s.test_packets(udp);
        Some((udp, out?, back?))
    })?;
    let (from, lost, passes) = match (out.are_stopped(), back.are_stopped()) {
        (true, false) if back.arrived > 0 => (Side::Local, out, back),
        (false, true) if out.arrived > 0 => (Side::Remote, back, out),
        _ => return None,
    };
    let kind = if udp { "UDP 4500" } else { "IP protocol 50" };
    let fix = if !udp && s.other_kind_passes(false) {
        "force UDP encapsulation, which passes both ways (`force_encap = true` in the tunnel), or permit IP protocol 50 in the missing direction".to_owned()
    } else {
        format!("permit {kind} in the missing direction on every filter between the gateways")
    };
    let found = Found::on(
        lost.fact,
        BOTH_SIDES,
        AtFault::Path,
        format!(
            "ESP of {} is lost on the way (of {} test packets none arrived), and that of the other side arrives",
            who(from),
            lost.sent
        ),
    );
    Some(
        found
            .with([passes.fact])
            .because("Both gateways sent test packets to each other and counted what came, while they spoke with each other over IKE.")
            .fix(fix)
            .then("adit probe of the tunnel, after each change of a filter")
            .done(),
    )
}
