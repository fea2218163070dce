//! `mode-mismatch`: tunnel mode meets transport mode.

use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::rules::child::ts_mismatch::asks_for_transport;
use crate::signals::{Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "mode-mismatch",
    recurs: false,
    page: Page {
        title: "One side wants tunnel mode, the other transport mode",
        what: "Transport mode protects packets between the two gateways themselves (GRE, L2TP); tunnel mode carries networks. In IKEv1 the mode is a part of the proposal; in IKEv2 the initiator asks for transport mode and the responder may decline.",
        initiator: "NO_PROPOSAL_CHOSEN, or an SA in the other mode. strongSwan: \"TUNNEL mode requested by responder is unacceptable\".",
        responder: "racoon: \"encmode mismatched: my:Transport peer:Tunnel\".",
        look_alikes: &[
            (
                "esp-proposal-mismatch",
                "Are the algorithms the same on both sides?",
            ),
            (
                "ts-mismatch",
                "Is a network configured where only the gateways themselves may stand?",
            ),
        ],
        fix: &[
            (
                "any",
                "The same mode on both sides: tunnel for networks, transport for GRE and L2TP.",
            ),
            ("adit", "`mode = \"tunnel\"|\"transport\"` of the child."),
            (
                "strongswan",
                "`mode = tunnel|transport` of the child; ipsec.conf: `type=`.",
            ),
            ("libreswan", "`type=tunnel|transport`."),
            ("cisco", "`mode tunnel|transport` of the transform set."),
            ("mikrotik", "`tunnel=yes|no` of /ip ipsec policy."),
        ],
        source: "RFC 7296 1.3.1 (USE_TRANSPORT_MODE); RFC 4301 4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s.refusal(|r| match r {
        Refusal::Mode {
            requested_transport,
        } => Some(*requested_transport),
        _ => None,
    });
    if let Some((r, transport)) = refused {
        let asked = if transport { "transport" } else { "tunnel" };
        return found(Found::on(
            r.fact,
            SAID,
            AtFault::Both,
            format!("{asked} mode was asked for, and the other side wants the other mode"),
        ));
    }
    let Some(seen) = s.sign(Sign::ModeDiffers) else {
        let told = s.told(notify::NO_PROPOSAL_CHOSEN, false);
        return match told.filter(|t| !t.rekeying && (s.between_hosts() || s.written_between_hosts())) {
            Some(_) => Judgement::Possible {
                weight: 50,
                because: "NO_PROPOSAL_CHOSEN came for a child between two hosts, which may be of either mode".to_owned(),
                separated_by: "the mode of the child on both sides",
            },
            None => refused_as_traffic(s),
        };
    };
    let values = match (seen.value("ours"), seen.value("theirs")) {
        (Some(ours), Some(theirs)) => format!(": {ours} here, {theirs} there"),
        (None, Some(theirs)) => format!(": the peer wants {theirs}"),
        _ => String::new(),
    };
    // That transport mode isn't used because networks are configured, or for a NAT, is a remark.
    if seen.value("remark").is_some() {
        return Judgement::Possible {
            weight: 30,
            because: format!(
                "this side falls back to tunnel mode: {}",
                seen.fact.source.text
            ),
            separated_by: "which mode the other side wants",
        };
    }
    found(
        Found::by(
            seen,
            SAID,
            format!("tunnel mode and transport mode meet{values}"),
        )
        .at(AtFault::Both)
        .with(s.signs_of(Sign::ModeDiffers).map(|x| x.fact)),
    )
}

/// Some sides that have tunnel mode there compare what they are asked for with its networks, and refuse those.
fn refused_as_traffic(s: &Signals<'_>) -> Judgement {
    match s.told(notify::TS_UNACCEPTABLE, false) {
        Some(told) if asks_for_transport(s, told) => Judgement::Possible {
            weight: 40,
            because: "transport mode was asked for, and the traffic selectors were refused"
                .to_owned(),
            separated_by: "the mode of the child on both sides",
        },
        _ => Judgement::Silent,
    }
}

fn found(found: Found) -> Judgement {
    found
        .because("The two modes build different packets, so the SA has to be of one of them.")
        .fix("set the same mode on both sides: tunnel for networks behind the gateways, transport for GRE or L2TP between them")
        .done()
}
