//! `nat-mapping-timeout`: a NAT forgets the tunnel's UDP flow when it is idle.

use adit_model::event::Happening;
use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::nat;
use crate::progress::is_ike;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "nat-mapping-timeout",
    recurs: false,
    page: Page {
        title: "The NAT's mapping runs out",
        what: "A NAT keeps a UDP flow for half a minute or a few minutes. Without keepalives it forgets the tunnel's, and what comes for the side behind it is lost until that side sends again.",
        initiator: "Behind the NAT: it works again as soon as it sends.",
        responder: "In front of it: packets go nowhere, dead peer detection fails after quiet times.",
        look_alikes: &[
            (
                "dpd-too-aggressive",
                "Does it come back when the side behind the NAT sends?",
            ),
            ("idle-teardown", "Is the SA still there on both sides?"),
            (
                "underlay-loss-or-flap",
                "Do outages begin after a quiet time?",
            ),
        ],
        fix: &[
            (
                "any",
                "Keepalives every 20 seconds from the side behind the NAT, or dead peer detection that is as frequent.",
            ),
            ("strongswan", "charon.keep_alive = 20s."),
            ("libreswan", "keep-alive=20, nat-keepalive=yes."),
            ("cisco", "`crypto isakmp nat keepalive 20`."),
        ],
        source: "RFC 3948 4; RFC 4787 4.3",
    },
    needs: &[Need::PeerReceives, Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if s.refused_or_told() {
        return Judgement::Silent;
    }
    let dead = s
        .happenings(Side::Local)
        .filter(|(_, h)| matches!(h, Happening::IkeClosed { cause, .. } if cause == "dead-peer"))
        .map(|(fact, _)| fact)
        .last()
        .or_else(|| s.sign(Sign::PeerDeclaredDead).map(|seen| seen.fact))
        .or_else(|| {
            s.silence("INFORMATIONAL")
                .and_then(|x| x.facts.first().copied())
        });
    let natted = nat::ever(s);
    if let (Some(seen), Some(dead), true) = (s.sign(Sign::NatKeepaliveOff), dead, natted) {
        return Found::by(
            seen,
            SYMPTOM,
            format!("{} sends no keepalives, and the NAT forgets the tunnel when it is idle", seen.who()),
        )
        .with([dead])
        .because("There is a NAT on the path; without keepalives it drops the mapping after a quiet time, and the peer falls silent.")
        .fix("send NAT keepalives every 20 seconds")
        .done();
    }
    if dead.is_some() && natted {
        return Judgement::Possible {
            weight: 45,
            because: "there is a NAT on the path, which forgets an idle flow".to_owned(),
            separated_by: "whether outages begin after quiet times and end when the side behind the NAT sends",
        };
    }
    let gone = s.sign(Sign::PortRefused).filter(|seen| {
        seen.value("port")
            .and_then(|p| p.parse().ok())
            .is_some_and(|p| !is_ike(p))
    });
    match gone {
        Some(_) if !s.up => Judgement::Possible {
            weight: 40,
            because: "the port that a NAT had given the peer is refused: the mapping is gone, or the peer is".to_owned(),
            separated_by: "whether the peer is still on, and how long its NAT keeps UDP flows",
        },
        _ => Judgement::Silent,
    }
}
