//! `nat-return-mapping-lost`: a responder behind a NAT has no forwarded ports.

use std::net::IpAddr;

use adit_model::event::PathProblem;
use adit_model::fact::{Known, Side};
use adit_model::host::HostState;

use crate::finding::CONFIGURED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

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
    if let Some(judgement) = unreachable_behind(s) {
        return judgement;
    }
    Judgement::Possible {
        weight: 16,
        because: "a peer behind a NAT that forwards nothing can't be begun with".to_owned(),
        separated_by: "whether the peer's gateway has the address that we send to, and whether it works when the peer begins",
    }
}

/// The peer's evidence shows that it has private addresses only, none of them the one that we send to, and that it received
/// nothing.
fn unreachable_behind(s: &Signals<'_>) -> Option<Judgement> {
    let has = s.addresses(Side::Remote)?;
    let fact = *s.nothing_came()?.facts.first()?;
    let to = *s.sends(true).first()?;
    let private = |a: &&str| match a.parse::<IpAddr>() {
        Ok(IpAddr::V4(a)) => a.is_private() || a.is_loopback() || a.is_link_local(),
        // Only IPv4 has private addresses behind a NAT.
        Ok(IpAddr::V6(_)) => true,
        Err(_) => false,
    };
    let public = matches!(to, IpAddr::V4(a) if !a.is_private());
    if !public || !s.case.covers(Side::Remote) || !has.iter().all(private) {
        return None;
    }
    let listed = s.case.of(Side::Remote).find(
        |f| matches!(&f.what, Known::Host { state } if matches!(**state, HostState::Listed { .. })),
    )?;
    Some(
        Found::on(
            listed,
            CONFIGURED,
            AtFault::Remote,
            format!("the peer is behind a NAT: {to} isn't its own address, and what is sent there doesn't reach it"),
        )
        .with([fact])
        .because("All of the peer's addresses are private, its log shows no request of ours, and a NAT passes on only what it was told to, or answers to what came from inside.")
        .fix("forward UDP 500 and 4500 at the NAT to the gateway, or have this side begin and the other one wait")
        .done(),
    )
}
