//! `acquire-pending-blackhole`: traffic waits for an SA that never comes.

use adit_model::fact::Side;
use adit_model::host::KernelPolicy;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::xfrm::words;

pub(crate) static RULE: Rule = Rule {
    id: "acquire-pending-blackhole",
    recurs: false,
    page: Page {
        title: "Traffic waits for an SA that never comes",
        what: "A policy catches the traffic, there is no SA for it, and while it is negotiated (or fails) every packet is dropped. It is the data side of whatever keeps the tunnel down.",
        initiator: "The first packets, or all, are lost; ping says `Resource temporarily unavailable`; XfrmOutNoStates and XfrmAcquireError grow.",
        responder: "Nothing, or attempts that fail.",
        look_alikes: &[
            (
                "ike-proposal-mismatch",
                "Why does the negotiation fail, by the IKE log?",
            ),
            ("nothing-triggers-initiation", "Is there an attempt at all?"),
        ],
        fix: &[
            (
                "any",
                "Solve what keeps the negotiation from ending; until then the packets are dropped rather than sent in clear.",
            ),
            (
                "linux",
                "`ip xfrm state`: a larval SA (spi 0); `sysctl net.core.xfrm_acq_expires`.",
            ),
            (
                "strongswan",
                "`start_action = start` sets the tunnel up before there is traffic.",
            ),
        ],
        source: "RFC 4301 5.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((seen, count)) = s.kernel_drops(&["OutNoStates", "AcquireError"]) {
        let what = format!(
            "{count} packets that a policy of {} catches had no SA to go by",
            seen.who()
        );
        // Where an attempt is told, what it failed of is the cause.
        if !s.facts.is_empty() || s.up || count < 10 || s.everyday(seen) {
            return possible(
                30,
                what,
                "what the negotiation fails of: the IKE log of either side",
            );
        }
        return Found::by(seen, CONDITION + 0.03, what)
            .because("The policy is there and its SA isn't, and nothing here tells of a negotiation: packets are dropped while they wait.")
            .fix("set the tunnel up (the IKE log says why it doesn't come), so that the policy has an SA")
            .then("ip xfrm state; ip xfrm policy: the reqid and the addresses of a template must be those of an SA")
            .done();
    }
    let waits = [Side::Local, Side::Remote].into_iter().find_map(|side| {
        let spd = s.kernel(side)?;
        let (fact, policy) = spd.protecting("out").next()?;
        Some((spd.no_sas?, fact, policy, side))
    });
    if let Some((empty, fact, policy, side)) = waits
        && s.sign(Sign::TrafficWaits).is_none()
    {
        let what = format!(
            "{} has the policy {} and no SA at all",
            who(side),
            words(policy)
        );
        if !s.calm() || s.up || !s.traffic_suffers() {
            return possible(
                40,
                what,
                "what the negotiation fails of: the IKE log of either side",
            );
        }
        return Found::on(fact, CONDITION, side.into(), what)
            .with([empty])
            .because("The policy catches packets and drops them while they wait for an SA, and nothing here tells of a negotiation.")
            .fix("set the tunnel up (the IKE log says why it doesn't come), so that the policy has an SA")
            .done();
    }
    if let Some(judgement) = held(s) {
        return judgement;
    }
    if let Some(seen) = s
        .sign(Sign::NeighbourDiscoveryHeld)
        .filter(|_| s.calm() && !s.up)
    {
        return Found::by(
            seen,
            SYMPTOM,
            format!("the policy of {} catches neighbour discovery (ICMPv6), and holds it until there is an SA", seen.who()),
        )
        .because("IKE needs the peer's, or the next hop's, address on the link first; the packets that ask for it wait for IKE.")
        .fix("exempt ICMPv6 types 135 and 136 from protection (a passthrough connection with leftprotoport=icmp; Libreswan has one in its v6neighbor-hole.conf), and let the service start after the network")
        .done();
    }
    match s.sign(Sign::TrafficWaits) {
        Some(_) => possible(
            24,
            "traffic asks for an SA while one is being negotiated",
            "what the negotiation fails of: the IKE log of either side",
        ),
        None => Judgement::Silent,
    }
}

/// Policies for networks that name no peer: pluto's, while it holds the traffic of a connection that isn't up.
fn held(s: &Signals<'_>) -> Option<Judgement> {
    [Side::Local, Side::Remote].into_iter().find_map(|side| {
        let spd = s.kernel(side)?;
        let anywhere = |address: &str| matches!(address, "0.0.0.0" | "::");
        let holds = |policy: &KernelPolicy| {
            policy.templates.iter().all(|t| {
                t.reqid == 0 && anywhere(&t.from) && anywhere(&t.to) && t.mode == "transport"
            })
        };
        let (held, served): (Vec<_>, Vec<_>) =
            spd.protecting("out").partition(|(_, policy)| holds(policy));
        let (fact, policy) = held.first()?;
        if !served.is_empty() || !spd.sas.is_empty() {
            return None;
        }
        let what = format!(
            "the policy {} of {} names no peer, and no SA is there: its packets are held",
            words(policy),
            who(side)
        );
        if !s.calm() || s.up || held.len() < 2 && !s.traffic_suffers() {
            return Some(possible(
                40,
                what,
                "what the negotiation fails of: the IKE log of either side",
            ));
        }
        Some(
            Found::on(fact, CONDITION, side.into(), what)
                .with(held.iter().map(|(fact, _)| *fact).take(3))
                .because("Such a policy (reqid 0, from anywhere to anywhere) stands in for a connection while it isn't up: packets wait there, or start a negotiation that nothing here tells of.")
                .fix("set the tunnel up (the IKE log says why it doesn't come), so that the policy has an SA")
                .done(),
        )
    })
}
