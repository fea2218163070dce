//! `overlay-wrong-interface-sniffed`: nothing is captured because the wrong interface or filter was chosen.

use adit_model::sign::Sign;

use crate::rule::{Judgement, Need, Page, Rule};
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
    match s.sign(Sign::NothingCaptured) {
        Some(_) => Judgement::Possible {
            weight: 30,
            because: "a capture saw nothing at all; it may have looked at another interface than the tunnel's".to_owned(),
            separated_by: "a capture on every interface (`tcpdump -ni any host PEER`)",
        },
        None => Judgement::Silent,
    }
}
