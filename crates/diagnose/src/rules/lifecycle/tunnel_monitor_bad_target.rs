//! `tunnel-monitor-bad-target`: a monitor takes a healthy tunnel down.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "tunnel-monitor-bad-target",
    recurs: true,
    page: Page {
        title: "A monitor that sends through the tunnel takes it down",
        what: "Tunnel monitoring sends pings through the tunnel and takes it down when they aren't answered. A target that is off now and then, is filtered, or lies outside the networks of the tunnel takes a healthy tunnel down.",
        initiator: "PAN-OS: \"tunnel-status-down\", \"monitor status: down\"; Juniper: Mon D, \"vpn-monitor\" as the reason.",
        responder: "Nothing is wrong with IKE or ESP.",
        look_alikes: &[
            (
                "dpd-too-aggressive",
                "Is it IKE that isn't answered, or a ping through the tunnel?",
            ),
            (
                "tunnel-monitor-wrong-source",
                "Does the monitor's source address belong to the tunnel's networks?",
            ),
        ],
        fix: &[
            (
                "any",
                "A target that is always on and inside the tunnel's networks.",
            ),
            ("panos", "a reachable monitor address and `wait-recover`"),
            (
                "juniper",
                "`vpn-monitor` with destination-ip and `optimized`",
            ),
        ],
        source: "the products' manuals",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["tunnel-monitor-wrong-source"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let all = s.ever(Sign::MonitorDown);
    let Some(seen) = all.last() else {
        return Judgement::Silent;
    };
    if !s.refused.is_empty() || !s.told.is_empty() || !s.silences.is_empty() {
        return Judgement::Silent;
    }
    Found::by(*seen, CONDITION, "the monitor that sends through the tunnel takes it down")
        .with(all.iter().map(|x| x.fact))
        .because("Its pings aren't answered; nothing says that IKE or ESP failed.")
        .fix("let the monitor ping an address that always answers and lies within the tunnel's networks, from an address within them")
        .done()
}
