//! `restart-affects-all-tunnels`: an operator restarted the whole service, and with it every tunnel.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "restart-affects-all-tunnels",
    recurs: false,
    page: Page {
        title: "Everything was restarted",
        what: "`restart vpn` or a restart of the daemon takes down every tunnel of every peer; what then looks like an outage is that.",
        initiator: "All tunnels go down at once and come back.",
        responder: "The peer deletes its SAs and begins anew.",
        look_alikes: &[("service-crash-loop", "Did somebody ask for it?")],
        fix: &[
            ("any", "Reset one peer only."),
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
        return Judgement::Silent;
    };
    if s.refused_or_told() {
        return Judgement::Silent;
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
