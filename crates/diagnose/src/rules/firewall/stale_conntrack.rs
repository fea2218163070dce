//! `stale-conntrack`: a filter remembers an older translation or path of the IKE flow.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::progress::{filtered_port, is_ike};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

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
    if let Some(judgement) = old_address(s).filter(|_| !s.up && !s.refused_or_told()) {
        return judgement;
    }
    if let Some(found) = old_way(s).filter(|_| !s.refused_or_told()) {
        return found;
    }
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

/// Packets to one host leave by the outside, translated, and those to its neighbours by the tunnel: the flow began while
/// the tunnel was down, and the filter keeps to the way that it took then.
fn old_way(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::LeavesOtherwise)?;
    let host = seen.value_or("destination", "one host");
    let (interface, by) = (
        seen.value_or("interface", "another interface"),
        seen.value_or("by", "the tunnel"),
    );
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("packets to {host} leave by {interface}, translated, and those to its neighbours by {by}: the filter keeps an old flow on its old way"),
        )
        .because("Sender, network and routes are the same. A flow that began while the tunnel was down took the default route, and each of its packets renews the entry.")
        .fix(format!("clear the flow's entry (FortiGate: diagnose sys session filter dst {host}, diagnose sys session clear; Linux: conntrack -D -d {host}), and give the peer's networks a blackhole route with a worse distance, so that nothing takes the default route while the tunnel is down"))
        .then("the entry itself before it is cleared (diagnose sys session list, conntrack -L), and whether a policy route or SD-WAN rule names that host")
        .done(),
    )
}

/// The filter gives the gateway's own packets a source that the host doesn't have any more.
fn old_address(s: &Signals<'_>) -> Option<Judgement> {
    s.remembered().find_map(|(fact, flow)| {
        let has = s.addresses(fact.side)?;
        let gone = |a: &str| !has.contains(&a);
        // Answers go to an address that was this host's: given by a rule, or its own before it changed.
        let translated = flow.from != flow.answers_to && !gone(&flow.from) && gone(&flow.answers_to);
        let ours_before = flow.from == flow.answers_to
            && gone(&flow.from)
            && gone(&flow.to)
            && flow.unanswered
            && moved_from(s, &flow.from);
        (translated || ours_before).then(|| {
            Found::on(
                fact,
                SYMPTOM,
                fact.side.into(),
                format!(
                    "the filter of {} remembers a flow of UDP {} with the address {}, which this host doesn't have any more",
                    who(fact.side),
                    flow.port,
                    flow.answers_to
                ),
            )
            .because("Every packet of the same ports renews the entry, so that it stays for as long as the daemon tries.")
            .fix(format!(
                "remove the entry (conntrack -D -p udp --orig-port-dst {}), and let the script that changes the address do so",
                flow.port
            ))
            .then("conntrack -L -p udp --dport 500; conntrack -L -p udp --dport 4500")
            .done()
        })
    })
}

/// The evidence tells that the host had that address before.
fn moved_from(s: &Signals<'_>, address: &str) -> bool {
    s.ever(Sign::AddressChanged).iter().any(|seen| {
        seen.value("from")
            .is_some_and(|from| from.starts_with(address))
    })
}
