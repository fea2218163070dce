//! `encap-type-mismatch`: one gateway wraps ESP in UDP, and the other doesn't.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;
use crate::wire::Flow;

pub(crate) static RULE: Rule = Rule {
    id: "encap-type-mismatch",
    recurs: false,
    page: Page {
        title: "ESP in UDP meets an SA without it, or the other way round",
        what: "Whether ESP travels in UDP is a property of the SA. A gateway whose SA is plain throws away ESP that comes in UDP, and one whose SA is encapsulated throws away plain ESP.",
        initiator: "ESP arrives and octets in stay at 0.",
        responder: "The same.",
        look_alikes: &[(
            "esp-spi-unknown",
            "Which counter grows, XfrmInNoStates or XfrmInStateMismatch?",
        )],
        fix: &[
            ("any", "The same encapsulation policy on both sides."),
            (
                "libreswan",
                "remove `encapsulation=no`, or set it on both sides.",
            ),
            (
                "strongswan",
                "`encap`/`forceencaps` as the other side has it.",
            ),
        ],
        source: "RFC 3948; RFC 7296 2.23",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    for by in [Side::Local, Side::Remote] {
        let newest = |from: Side| {
            s.flows(by)
                .filter(|f| f.from == from && f.protocol == "esp" && f.packets > 1)
                .max_by_key(|f| f.last)
        };
        let (Some(ours), Some(theirs)) = (newest(Side::Local), newest(Side::Remote)) else {
            continue;
        };
        let (wrapped, plain): (Flow<'_>, Flow<'_>) = match (ours.udp, theirs.udp) {
            (true, false) => (ours, theirs),
            (false, true) => (theirs, ours),
            _ => continue,
        };
        if wrapped.last < plain.first || plain.last < wrapped.first {
            continue;
        }
        return Found::on(
            wrapped.fact,
            COUNTED,
            AtFault::Both,
            format!(
                "{} sends ESP in UDP, and {} sends plain ESP: each throws away what the other sends",
                who(wrapped.from),
                who(plain.from)
            ),
        )
        .with([plain.fact])
        .because("Both directions were captured at the same time, and a pair of SAs is either encapsulated or not.")
        .fix("set the same encapsulation on both sides: remove encapsulation=no, or force UDP encapsulation on both")
        .then("ip -d xfrm state: `encap type espinudp` must be at both SAs or at none; XfrmInStateMismatch in /proc/net/xfrm_stat grows otherwise")
        .done();
    }
    for side in [Side::Local, Side::Remote] {
        let Some([wrapped, plain]) = s.kernel(side).and_then(|spd| spd.half_in_udp()) else {
            continue;
        };
        return Found::on(
            wrapped.0,
            COUNTED,
            side.into(),
            format!(
                "of the two SAs between {} and {} one is in UDP and the other isn't",
                wrapped.1.from, wrapped.1.to
            ),
        )
        .with([plain.0])
        .because(
            "A pair of SAs is either encapsulated or not; the peer wraps both ways, or neither.",
        )
        .fix("set the encapsulation of both SAs alike, and let the daemon install them anew")
        .then("ip -d xfrm state: `encap type espinudp` must be at both SAs or at none")
        .done();
    }
    let counted = s
        .signs_of(Sign::KernelDrops)
        .filter(|seen| seen.value_or("name", "").contains("InStateMismatch"))
        .filter(|_| !s.refused_or_told())
        .last();
    match counted {
        Some(seen) => Found::by(
            seen,
            SYMPTOM,
            format!("the kernel of {} drops packets whose encapsulation isn't their SA's", seen.who()),
        )
        .because("XfrmInStateMismatch counts packets for which an SA was found that doesn't fit them: plain ESP for an SA in UDP, or the other way round.")
        .fix("set the same encapsulation on both sides: remove encapsulation=no, or force UDP encapsulation on both")
        .then("ip -d xfrm state: `encap type espinudp` must be at both SAs or at none")
        .done(),
        None => Judgement::Silent,
    }
}
