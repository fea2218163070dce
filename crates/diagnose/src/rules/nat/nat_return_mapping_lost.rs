//! `nat-return-mapping-lost`: a responder behind a NAT has no forwarded ports.

use adit_model::event::PathProblem;
use adit_model::fact::Side;

use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "nat-return-mapping-lost",
    recurs: false,
    page: Page {
        title: "The responder is behind a NAT without forwarded ports",
        what: "A gateway behind a NAT can only be reached when the NAT forwards UDP 500 and 4500 to it. Without that it can begin and can't be begun with.",
        initiator: "Requests are repeated and never answered: they end at the NAT.",
        responder: "Nothing arrives; beginning from this side works.",
        look_alikes: &[
            ("udp500-blocked", "Does it work when the other side begins?"),
            ("peer-address-wrong", "Is it the NAT's outside address?"),
        ],
        fix: &[
            (
                "any",
                "Forward UDP 500 and 4500 to the gateway, or let only the side behind the NAT begin.",
            ),
            (
                "strongswan",
                "the other side: start_action = none (auto=add), and %any as its remote.",
            ),
            (
                "linux",
                "`nft add rule ip nat prerouting udp dport { 500, 4500 } dnat to GATEWAY`.",
            ),
        ],
        source: "RFC 7296 2.23",
    },
    needs: &[Need::PeerReceives, Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s
        .unreachable
        .iter()
        .any(|u| u.problem == PathProblem::PortUnreachable);
    if refused
        && s.answer().is_none()
        && s.received_message(Side::Local, "IKE_SA_INIT", false)
            .is_some()
    {
        return Judgement::Possible {
            weight: 45,
            because: "the peer's request came, and our answer to it was refused: a NAT before the peer may have lost its mapping".to_owned(),
            separated_by: "a capture at the peer: whether our answer arrives there",
        };
    }
    if s.nothing_came().is_none() {
        return Judgement::Silent;
    }
    if let Some(fact) = s.received(Side::Remote) {
        return Judgement::RuledOut(format!("our requests reach the peer: {}", fact.source.text));
    }
    Judgement::Possible {
        weight: 16,
        because: "a peer behind a NAT that forwards nothing can't be begun with".to_owned(),
        separated_by: "whether the peer's gateway has the address that we send to, and whether it works when the peer begins",
    }
}
