//! `underlay-loss-or-flap`: the path worked, and then it didn't.

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "underlay-loss-or-flap",
    page: Page {
        title: "The path between the gateways lost packets or went away",
        what: "The tunnel was up and carried traffic; then the network under it stopped carrying packets, for a moment or for good, in one direction or both. Liveness checks fail and the tunnel is taken down, or set up anew when the path is back.",
        initiator: "Traffic and liveness checks go unanswered from one moment on.",
        responder: "The same, or the peer's requests repeated though they were answered.",
        look_alikes: &[
            ("peer-unreachable", "Did the peer ever answer?"),
            (
                "udp4500-blocked",
                "Does IKE_SA_INIT to UDP 500 still get an answer while UDP 4500 doesn't?",
            ),
            (
                "daemon-not-running",
                "Does the peer's host still answer a ping?",
            ),
        ],
        fix: &[(
            "any",
            "Find where packets are lost: ping with timestamps and mtr both ways while it happens, counters of the interfaces and the provider; set liveness checks to restart the tunnel (dpd restart, closeaction).",
        )],
        source: "RFC 7296 2.4; RFC 3706",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &["peer-unreachable", "daemon-not-running", "udp4500-blocked"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(stalled) = s.stalled() else {
        return Judgement::Silent;
    };
    if stalled.packets < 2 || stalled.unanswered_requests == 0 {
        return Judgement::Silent;
    }
    let whose = who(stalled.from);
    let direction = if stalled.heard > 0 {
        format!("what {whose} sends no longer gets through, and the other direction still does")
    } else {
        format!("nothing answers what {whose} sends any more")
    };
    Found::on(
        stalled.fact,
        SYMPTOM,
        AtFault::Path,
        format!("the path between the gateways failed under a tunnel that worked: {direction}"),
    )
    .because("ESP went both ways, then only one way, and from the same moment on IKE requests are unanswered too: it isn't one protocol or one SA that fails, but what carries both.")
    .fix("look for loss on the path: a filter or a NAT that was changed, a link or a route that went away; mtr both ways shows where")
    .then("tcpdump -ni IFACE 'host PEER' on both gateways at the same time; give both captures to adit why --local A --remote B")
    .done()
}
