//! `ip-fragments-dropped`: something on the path throws IP fragments away.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{BOTH_SIDES, COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;
use crate::wire::Fragments;

pub(crate) static RULE: Rule = Rule {
    id: "ip-fragments-dropped",
    recurs: false,
    page: Page {
        title: "IP fragments are dropped on the path",
        what: "A packet larger than the path's MTU travels in IP fragments, of which only the first has ports. A filter or a NAT that can't tell where the others belong drops them, so large packets vanish: IKE_AUTH with certificates, ESP of full size.",
        initiator: "Small packets pass and large ones don't: IKE_AUTH times out, or large pings and downloads hang.",
        responder: "It receives the first fragment only, or none.",
        look_alikes: &[
            (
                "pmtu-blackhole",
                "Are the packets fragmented (MF), or too large with DF set?",
            ),
            (
                "large-ike-auth-fragment-lost",
                "Is only IKE_AUTH concerned, or all that is large?",
            ),
        ],
        fix: &[
            (
                "any",
                "Let IKE fragment by itself on both sides (RFC 7383), let fragments through, or lower the MTU and the MSS inside of the tunnel.",
            ),
            ("strongswan", "`fragmentation = yes`."),
            ("libreswan", "`fragmentation=yes`."),
            (
                "linux",
                "`nft add rule … tcp flags syn tcp option maxseg size set rt mtu`.",
            ),
        ],
        source: "RFC 7383; RFC 8900",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s
        .signs_of(Sign::FragmentDropped)
        .find(|x| x.value("path").is_some())
    {
        return Found::by(
            seen,
            COUNTED,
            format!(
                "packets of {} octets, whose ESP travels in IP fragments, don't arrive, and smaller ones do",
                seen.value_or("octets", "many")
            ),
        )
        .at(AtFault::Path)
        .because("Packets that are one piece with the ESP around them pass both ways; those that are cut only then are lost, however often they are sent.")
        .fix(CHANGE)
        .done();
    }
    if let Some(seen) = s.sign(Sign::FragmentDropped) {
        return Found::by(
            seen,
            SYMPTOM,
            format!("the filter of {} drops IP fragments", seen.who()),
        )
        .because("Its own record says so. Messages bigger than the path's MTU travel in fragments, and are lost with one of them.")
        .fix(CHANGE)
        .done();
    }
    let all: Vec<Fragments<'_>> = s.fragments().collect();
    for side in [Side::Local, Side::Remote] {
        let of = |at_sender: bool| {
            all.iter()
                .filter(move |f| f.from == side && f.at_sender == at_sender)
        };
        let left: u64 = of(true).map(|f| f.complete).sum();
        let arrived: u64 = of(false).map(|f| f.complete).sum();
        let torn: u64 = of(false).map(|f| f.incomplete).sum();
        // Both captures: all fragments left, and not all came.
        if left >= 1
            && arrived == 0
            && s.captured(side.other())
            && (torn > 0 || vanished(s, side))
            && let Some(first) = of(true).next()
        {
            return Found::on(
                first.fact,
                BOTH_SIDES,
                AtFault::Path,
                format!(
                    "packets of {} that travel in IP fragments don't arrive: {left} left whole, {}",
                    who(side),
                    if torn > 0 {
                        format!("{torn} arrived with fragments missing")
                    } else {
                        "none of them arrived".to_owned()
                    }
                ),
            )
            .with(of(false).map(|f| f.fact))
            .because("The sender's capture has every fragment, the receiver's hasn't, and smaller packets arrive.")
            .fix(CHANGE)
            .done();
        }
        // Only the receiver's.
        let filtered = of(false).all(|f| f.only_first == f.incomplete && f.protocol == 17);
        if torn >= 2
            && arrived == 0
            && let Some(first) = of(false).find(|f| f.incomplete > 0)
        {
            if filtered {
                return Judgement::Possible {
                    weight: 60,
                    because: format!(
                        "of {torn} packets only the first fragment is in the capture; a capture filter that asks for ports leaves the others out"
                    ),
                    separated_by: "the same capture with the filter `host PEER`",
                };
            }
            return Found::on(
                first.fact,
                SYMPTOM,
                AtFault::Path,
                format!("IP fragments from {} are lost on the way: of {torn} packets fragments are missing, and none came whole", who(side)),
            )
            .because("Fragments arrive, and never all of them.")
            .fix(CHANGE)
            .done();
        }
    }
    Judgement::Silent
}

const CHANGE: &str = "let IP fragments through on every filter between the gateways, switch IKE fragmentation on (fragmentation=yes), and lower the MTU or clamp the MSS inside of the tunnel";

/// The receiver has smaller packets of that side and not the largest.
fn vanished(s: &Signals<'_>, from: Side) -> bool {
    let kinds = [
        s.crossed(from, false).0,
        s.crossed(from, true).0,
        s.crossed_ike(from).0,
    ];
    kinds
        .iter()
        .any(|c| c.arrived > 0 && c.arrived < c.sent && c.largest_arrived < c.largest_sent)
}
