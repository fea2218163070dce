//! `transport-mode-through-nat`: transport mode meets a NAT.

use adit_model::complaint::Complaint;
use adit_model::fact::Fact;
use adit_model::feature::Feature;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::rules::lifecycle::peer_deleted_sa::for_l2tp;
use crate::seen::Seen;
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "transport-mode-through-nat",
    recurs: true,
    page: Page {
        title: "Transport mode across a NAT",
        what: "In transport mode selectors and checksums are those of the outer addresses, which a NAT changes. Some implementations refuse it, some install a policy for the wrong address; L2TP over IPsec uses it.",
        initiator: "L2TP or GRE over the SA hangs, or the CHILD SA is refused.",
        responder: "The SA has the address before the NAT, or tunnel mode instead.",
        look_alikes: &[
            ("mode-mismatch", "Did both agree on transport mode?"),
            (
                "ts-mismatch",
                "Is only the address before the NAT what doesn't fit?",
            ),
        ],
        fix: &[
            (
                "any",
                "Use tunnel mode, or let the side that answers accept addresses behind NATs.",
            ),
            (
                "openswan",
                "virtual_private= with the clients' networks, rightsubnet=vhost:%priv,%no.",
            ),
            (
                "windows",
                "AssumeUDPEncapsulationContextOnSendRule = 2 for a server behind a NAT.",
            ),
        ],
        source: "RFC 3948 5; RFC 7296 2.23.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((refused, _)) = s.unsupported(|f| *f == Feature::TransportBehindNat) {
        return Found::on(
            refused.fact,
            SAID,
            AtFault::Both,
            format!("{} doesn't do transport mode across the NAT that is between the gateways", who(refused.side)),
        )
        .with(s.nat.last().map(|nat| nat.fact))
        .because("Behind a NAT the addresses of the packets aren't those that the checksums inside were made with, and nobody mends them here.")
        .fix("use tunnel mode on both sides (mode = \"tunnel\", or \"prefer-transport\" that falls back to it)")
        .done();
    }
    let Some(seen) = s.sign(Sign::TransportRefusedByNat).filter(|_| !s.up) else {
        return fallen_back(s).unwrap_or_else(|| shared(s));
    };
    Found::by(
        seen,
        // Mostly it takes tunnel mode then: beside a failure that says why, it says less.
        if s.calm() { SAID } else { CONDITION },
        format!("{} doesn't do transport mode across the NAT", seen.who()),
    )
    .because("The daemon says that it leaves transport mode because of the NAT; the peer insists on it.")
    .fix("use tunnel mode on both sides, or permit transport mode behind NATs (Openswan: virtual_private and rightsubnet=vhost:%priv,%no)")
    .done()
}

/// The SA came up, in tunnel mode: what needs transport mode (L2TP, GRE) has no use for it.
fn fallen_back(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.ever(Sign::TransportRefusedByNat).pop()?;
    if !s.calm() {
        return None;
    }
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("{} was told transport mode and took tunnel mode because of the NAT", seen.who()),
        )
        .because("The SA comes up, and isn't the one that was configured: L2TP and GRE between the gateways' own addresses get no answer through it.")
        .fix("use a build that permits transport mode behind NATs (Openswan: USE_NAT_TRAVERSAL_TRANSPORT_MODE=true; strongSwan 4: --enable-nat-transport), or tunnel mode on both sides without L2TP")
        .done(),
    )
}

/// L2TP uses transport mode with UDP 1701 on both sides: behind one NAT, two clients have the same selectors.
fn shared(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s
        .sign(Sign::TransportSharesAddress)
        .filter(|_| s.refused.is_empty() && s.told.is_empty())
    {
        return match seen.value("networks") {
            Some(networks) => same_selectors(seen, networks),
            None => Judgement::Possible {
                weight: 40,
                because: format!(
                    "two peers behind {} have SAs in transport mode",
                    seen.value_or("peer", "one address")
                ),
                separated_by: "for which networks and ports these SAs are (the whole status), and whether both carry",
            },
        };
    }
    let Some(seen) = s.sign(Sign::ClientsShareNat) else {
        return one_at_a_time(s);
    };
    let l2tp = |text: &str| text.to_ascii_lowercase().contains("l2tp");
    let meant = l2tp(&seen.fact.source.text) || for_l2tp(s);
    let kernel = [Sign::StateNotInstalled, Sign::PolicyNotInstalled];
    if !meant || !s.calm() || s.first_sign(&kernel).is_some() {
        return Judgement::Silent;
    }
    Found::by(
        seen,
        CONDITION,
        "two L2TP clients behind one NAT can't be told apart in transport mode",
    )
    .at(AtFault::Path)
    .because("Both have the NAT's address and UDP 1701: their policies are the same, and one SA takes the traffic of both.")
    .fix("use tunnel mode for clients that share a NAT: IKEv2, or XAUTH (\"Cisco IPsec\"); L2TP serves one of them at a time")
    .done()
}

/// A status lists two of them beside each other.
fn same_selectors(seen: Seen<'_>, networks: &str) -> Judgement {
    let peer = seen.value_or("peer", "one address");
    Found::by(
        seen,
        CONDITION,
        format!("two peers behind {peer} have SAs in transport mode, both for {networks}: they can't be told apart"),
    )
    .at(AtFault::Path)
    .because("In transport mode an SA is for the outer addresses, and both peers have the NAT's. The kernel has one policy for both, so that what is meant for one of them goes to the other.")
    .fix("use tunnel mode with addresses of their own for peers that share a NAT, or marks that tell their SAs apart (strongSwan: the connmark plugin); otherwise one peer per public address")
    .then("ip -s xfrm state and ip xfrm policy at the gateway: whose SA the outbound policy takes")
    .done()
}

/// Somebody tells that of clients at one place only one can be connected, and speaks of L2TP.
fn one_at_a_time(s: &Signals<'_>) -> Judgement {
    let l2tp = |f: &Fact| {
        f.source.text.to_ascii_lowercase().contains("l2tp")
            || f.subject.as_deref().is_some_and(|n| n.contains("l2tp"))
    };
    match s.complains(Complaint::SecondClientKicks) {
        Some(told) if s.calm() && (l2tp(told) || s.case.facts.iter().any(l2tp)) => Found::on(
            told,
            CONDITION,
            AtFault::Path,
            "two L2TP clients behind one NAT can't be told apart in transport mode",
        )
        .because("Both have the NAT's address and UDP 1701: their policies are the same, and one SA takes the traffic of both.")
        .fix("use tunnel mode for clients that share a NAT: IKEv2, or XAUTH (\"Cisco IPsec\"); L2TP serves one of them at a time")
        .done(),
        _ => Judgement::Silent,
    }
}
