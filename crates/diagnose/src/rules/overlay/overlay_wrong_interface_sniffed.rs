//! `overlay-wrong-interface-sniffed`: nothing is captured because the wrong interface or filter was chosen.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "overlay-wrong-interface-sniffed",
    recurs: false,
    page: Page {
        title: "The capture looks at the wrong interface",
        what: "A capture that shows nothing says nothing as long as interface and filter aren't the right ones: within a data centre the overlay uses another interface than outside.",
        initiator: "Nothing is seen.",
        responder: "Nothing is seen.",
        look_alikes: &[
            ("daemon-not-running", "Does another interface show packets?"),
            (
                "nothing-triggers-initiation",
                "Was there traffic at that time?",
            ),
        ],
        fix: &[
            (
                "any",
                "Find the interface that the address is on, and capture there without a filter first.",
            ),
            (
                "illumos",
                "`ipadm show-addr`, then `snoop -rd IFACE host PEER`.",
            ),
            (
                "linux",
                "`ip route get PEER`, then `tcpdump -ni any host PEER`.",
            ),
        ],
        source: "RFC 7348 4",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::NothingCaptured) else {
        return Judgement::Silent;
    };
    let side = seen.side();
    let flow = s
        .flows(side)
        .next()
        .map(|f| f.fact)
        .or_else(|| s.carried(side).filter(|c| c.both())?.facts.first().copied());
    match flow {
        Some(flow) if s.calm() && !s.traffic_suffers() => Found::by(
            seen,
            CONDITION,
            "one capture is empty and the tunnel's packets are seen elsewhere: it looked at another interface, or through a filter that doesn't fit",
        )
        .with([flow])
        .because("The tunnel carries packets, as the other evidence shows, so the empty capture says nothing of it.")
        .fix("capture at the interface that has the tunnel's outside address (ipadm show-addr, ip route get PEER), without a filter first")
        .done(),
        _ => Judgement::Possible {
            weight: 30,
            because: "a capture saw nothing at all; it may have looked at another interface than the tunnel's".to_owned(),
            separated_by: "a capture on every interface (`tcpdump -ni any host PEER`)",
        },
    }
}
