//! `ha-vip-not-owned`: the shared address is at the other node.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Side};
use adit_model::listed::Stage;
use adit_model::product::Product;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "ha-vip-not-owned",
    recurs: false,
    page: Page {
        title: "The shared address is on the other node",
        what: "The tunnel ends at a cluster's address which this node doesn't have now; its daemon can't bind to it, or begins from a wrong one.",
        initiator: "The source address is wrong, or nothing leaves.",
        responder: "Both nodes begin, or none.",
        look_alikes: &[("local-address-missing", "Is it a cluster?")],
        fix: &[
            (
                "any",
                "Bind to the shared address and start only on the node that has it; let the cluster's hook start and stop the daemon.",
            ),
            ("linux", "`ip -brief address`; `journalctl -u keepalived`."),
        ],
        source: "RFC 5798 8.1",
    },
    needs: &[Need::PeerDaemon],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // The daemon looked for the address before the node had it.
    if let (Some(over), Some(missing)) = (
        s.sign(Sign::NodeTookOver),
        s.first_sign(&[Sign::LocalAddressMissing, Sign::AddressNotHere]),
    ) && missing.fact.source.line < over.fact.source.line
        && !s.up
        && !s.refused_or_told()
    {
        return Found::by(
            missing,
            SYMPTOM,
            "the daemon loaded the tunnel before this node had the shared address",
        )
        .with([over.fact])
        .because("When the connection was loaded, none of its ends was an address of this host; the node took the shared address over only after that.")
        .fix("let the cluster's hook start the daemon, or load the connection again, when the node has taken the address over; or let it bind without the address (net.ipv4.ip_nonlocal_bind)")
        .done();
    }
    let standby = s.sign(Sign::NodeStandby);
    let took_over = s.sign(Sign::NodeTookOver);
    let Some(standby) = standby.filter(|seen| {
        // The last word counts.
        took_over.is_none_or(|over| over.fact.source.line < seen.fact.source.line)
    }) else {
        return Judgement::Silent;
    };
    if s.up {
        return Judgement::Silent;
    }
    match s.sign(Sign::LocalAddressMissing) {
        Some(missing) => Found::by(
            standby,
            SYMPTOM,
            "this node is on standby and doesn't have the shared address that the tunnel ends at",
        )
        .with([missing.fact])
        .because("The node went to standby, and the daemon doesn't find the tunnel's address on the host.")
        .fix("run the tunnel only on the node that has the address, started by the cluster's hook")
        .done(),
        // Answers to the shared address go to the node that has it.
        None if !s.refused_or_told() && s.nothing_came().is_some() && begun_behind(s, standby) => {
            Found::by(
                standby,
                SYMPTOM,
                "this node is on standby and still begins tunnels from the shared address, which the other node has",
            )
            .with(s.nothing_came().into_iter().flat_map(|x| x.facts.iter().copied()))
            .because("The node went to standby, and its daemon goes on sending requests. The answers go to the node that has the address now, so that here nothing comes back.")
            .fix("run the tunnel only on the node that has the address: have the cluster's hook stop the daemon, or unload its connections, when the node goes to standby")
            .then("`ip -brief address` or `ifconfig` on this node: is the tunnel's address on it?")
            .done()
        }
        // A status: the connection asks at this moment.
        None if !s.refused_or_told() && asks_now(s, standby) => Found::by(
            standby,
            SYMPTOM,
            "this node is on standby, and its daemon asks the peer all the same",
        )
        .with(s.asked_in_vain(Side::Local).into_iter().flatten())
        .because("The tunnel ends at an address that the other node has now. What this one sends is answered to that node, so it stays at its first message, and may disturb the tunnel that is up there.")
        .fix("run the tunnel only on the node that has the address: have the cluster's hook stop the daemon, or unload its connections, when the node goes to standby; or let the standby only answer")
        .then("`ip -brief address` or `ifconfig` on this node: is the tunnel's address on it?")
        .done(),
        None if !s.refused_or_told() => Judgement::Possible {
            weight: 40,
            because: "this node is on standby; the tunnel's address may be at the other one".to_owned(),
            separated_by: "whether `ip -brief address` lists the tunnel's address on this node",
        },
        None => Judgement::Silent,
    }
}

/// A status that is shown after the node's state has a connection that waits for the answer to its first message.
fn asks_now(s: &Signals<'_>, standby: Seen<'_>) -> bool {
    if s.sign(Sign::NodeTookOver).is_some()
        || s.product(Side::Local).is_some_and(|p| p == Product::Adit)
    {
        return false;
    }
    s.standing(Side::Local)
        .filter(|x| x.stage == Stage::FirstUnanswered)
        .is_some_and(|x| {
            x.facts.iter().any(|f| {
                f.source.name == standby.fact.source.name
                    && f.source.line > standby.fact.source.line
            })
        })
}

/// Requests went out after the node had left the address, as far as times and lines tell.
fn begun_behind(s: &Signals<'_>, standby: Seen<'_>) -> bool {
    // Hours later it says little, and at the start of the host it may be about any address.
    const SOON_MS: u64 = 600_000;
    if s.sign(Sign::NodeTookOver).is_some() || standby.said().contains("INIT") {
        return false;
    }
    let begun = |fact: &Fact, h: &Happening| {
        matches!(
            h,
            Happening::Initiating { .. } | Happening::Retransmitted { .. }
        ) && match (fact.at, standby.fact.at) {
            (Some(begun), Some(gone)) => begun >= gone && begun.0.saturating_sub(gone.0) <= SOON_MS,
            _ => fact.source.line > standby.fact.source.line,
        }
    };
    s.happenings(Side::Local).any(|(fact, h)| begun(fact, h))
}
