//! `overlay-guest-config`: the guest is configured wrongly, and tunnel and overlay are well.

use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "overlay-guest-config",
    recurs: false,
    page: Page {
        title: "The guest is configured wrongly",
        what: "Overlay and IPsec work; a guest's address, VLAN or filter is wrong.",
        initiator: "The nodes reach each other through the overlay, and a guest isn't reached.",
        responder: "ESP passes both ways; the guest is silent.",
        look_alikes: &[
            (
                "esp-both-directions-vm-fails",
                "Does the guest receive anything?",
            ),
            (
                "endpoint-host-firewall",
                "Does the guest's own filter refuse?",
            ),
        ],
        fix: &[("any", "Correct the guest's address, VLAN or filter.")],
        source: "RFC 7348 4",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if s.inner_echo(false).is_some() && s.inner_echo(true).is_some() && s.up {
        return Judgement::Possible {
            weight: 40,
            because: "one host behind the tunnel answers and another doesn't".to_owned(),
            separated_by: "whether the silent one receives the requests",
        };
    }
    Judgement::Silent
}
