//! `stale-conntrack`: a filter remembers an older translation or path of the IKE flow.

use adit_model::sign::Sign;

use crate::progress::{filtered_port, is_ike};
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "stale-conntrack",
    recurs: false,
    page: Page {
        title: "A filter holds on to an old flow",
        what: "A stateful filter or NAT keeps IKE's flow tied to what was right before: an old translation, an old path after a failover. New packets of the same ports refresh it.",
        initiator: "Nothing is answered on 500 and 4500, while other ports work; waiting (or a restart of the filter) helps.",
        responder: "Packets come from a wrong source or port.",
        look_alikes: &[
            (
                "snat-of-ike",
                "Does a rule still translate today, or only the old entry?",
            ),
            ("udp500-blocked", "Does the entry show answers?"),
        ],
        fix: &[
            ("any", "Remove the entry, and exempt IKE from translation."),
            (
                "linux",
                "`conntrack -D -p udp --dport 500; conntrack -D -p udp --dport 4500`.",
            ),
        ],
        source: "RFC 4787 4.3",
    },
    needs: &[Need::PeerReceives, Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let flow = s
        .signs_of(Sign::FlowUnanswered)
        .filter(|seen| filtered_port(*seen).is_some_and(is_ike))
        .last();
    match flow {
        Some(_) if !s.up && !s.refused_or_told() => Judgement::Possible {
            weight: 35,
            because: "a filter's memory of the IKE flow has seen no answer; it may be an old one that packets still follow".to_owned(),
            separated_by: "whether the attempt works after `conntrack -D -p udp --dport 500`",
        },
        _ => Judgement::Silent,
    }
}
