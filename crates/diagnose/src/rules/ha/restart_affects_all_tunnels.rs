//! `restart-affects-all-tunnels`: an operator or a program of the host restarted the whole service, and with it every tunnel.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::sign::Sign;

use crate::complaint::carries_nothing;
use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "restart-affects-all-tunnels",
    recurs: true,
    page: Page {
        title: "Everything was restarted",
        what: "`restart vpn` or a restart of the daemon takes down every tunnel of every peer; what then looks like an outage is that.",
        initiator: "All tunnels go down at once and come back.",
        responder: "The peer deletes its SAs and begins anew.",
        look_alikes: &[("service-crash-loop", "Did somebody ask for it?")],
        fix: &[
            (
                "any",
                "Reset one peer only. A watchdog restarts what hangs, and not the service of all tunnels.",
            ),
            (
                "vyatta",
                "`reset vpn ipsec-peer PEER`, with `tunnel N` for one of them.",
            ),
            (
                "strongswan",
                "`swanctl --terminate --ike NAME`, `swanctl --load-all` instead of a restart.",
            ),
        ],
        source: "IKE daemons' manuals",
    },
    needs: &[Need::Attempt],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::AllTunnelsRestarted) else {
        return by_a_change(s).unwrap_or(Judgement::Silent);
    };
    if s.refused_or_told() {
        return Judgement::Silent;
    }
    if let Some(found) = by_a_script(s) {
        return found;
    }
    let command = seen.value_or("command", "a command").trim().to_owned();
    if let Some(fact) = s.complains(Complaint::AllTunnels).filter(|_| s.calm()) {
        return Found::by(
            seen,
            CONDITION,
            format!("somebody restarted the whole service ({command}), which takes every tunnel down"),
        )
        .with([fact])
        .because("All tunnels fell together, and the evidence has a command that does that to them.")
        .fix("reset the one peer that is meant (reset vpn ipsec-peer, swanctl --terminate, ipsec auto --down) and leave the service running")
        .then("the audit log and the history of shells: who restarted it, and when")
        .done();
    }
    Judgement::Possible {
        weight: 35,
        because: "somebody restarted the whole service, which takes every tunnel down for a while"
            .to_owned(),
        separated_by: "whether all tunnels fell together, and came back by themselves after it",
    }
}

/// Somebody changed the configuration under a tunnel that was up, and it came back by itself.
fn by_a_change(s: &Signals<'_>) -> Option<Judgement> {
    let changes = s.ever(Sign::TakenForChange);
    let seen = changes.last()?;
    let back = s.up || s.sign(Sign::SecondPhaseDone).is_some();
    if !back || !s.calm() || s.traffic_suffers() {
        return None;
    }
    Some(
        Found::by(
            *seen,
            SYMPTOM,
            format!("somebody changed the configuration of the tunnel at {}, which takes its SAs down", seen.who()),
        )
        .with(changes.iter().map(|x| x.fact).take(3))
        .because("The gateway itself gives that as the reason, and the tunnel came up again with the new configuration. Nothing failed.")
        .fix("change tunnels in a maintenance window: a gateway deletes the SAs of whatever is committed anew")
        .then("the history of commits: who changed what at that time (`show system commit`)")
        .done(),
    )
}

/// A program that watches something restarts the service by itself, though the tunnel comes up each time.
fn by_a_script(s: &Signals<'_>) -> Option<Judgement> {
    let mut all = s.signs_of(Sign::AllTunnelsRestarted);
    // Who restarts it because nothing passes has a reason that lies elsewhere.
    let seen = all.find(|x| x.value("watches") == Some("other"))?;
    let came_up = s.up
        || s.reached(|h| matches!(h, Happening::ChildEstablished { .. }))
            .is_some();
    let line = seen.fact.source.text.to_ascii_lowercase();
    let for_traffic = [
        "ping",
        "respond",
        "unreachable",
        "no traffic",
        "tunnel is down",
    ]
    .iter()
    .any(|word| line.contains(word));
    if !came_up || for_traffic || !s.calm() || carries_nothing(s) || s.traffic_suffers() {
        return None;
    }
    let script = seen.value_or("script", "a script");
    Some(
        Found::by(
            seen,
            CONDITION,
            format!("{script} restarts the whole service at {}, which takes every tunnel down", seen.who()),
        )
        .with(all.map(|x| x.fact).take(3))
        .because("The tunnel comes up, and a program of the host restarts the service for something else that it watches.")
        .fix(format!("mend what {script} waits for, and let it restart that alone: `swanctl --initiate` or `ipsec up NAME` brings a single tunnel back"))
        .then(format!("the log of {script}: what it checks, and how often it restarts the service"))
        .done(),
    )
}
