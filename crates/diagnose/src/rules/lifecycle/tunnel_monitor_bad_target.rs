//! `tunnel-monitor-bad-target`: a monitor takes a healthy tunnel down.

use adit_model::fact::Side;
use adit_model::monitored::Judged;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

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

/// What our own monitor says: it looks into it before it blames the tunnel, and leaves it alone.
fn ours(s: &Signals<'_>) -> Option<Judgement> {
    let (fact, target, judged) = s.monitored()?;
    let named = s.configured(Side::Local).is_some_and(|(_, c)| {
        let set = c.monitor.as_ref();
        set.is_some_and(|monitor| !monitor.targets.is_empty())
    });
    let to = target.map_or_else(|| "its target".to_owned(), |to| to.to_string());
    let found = match judged {
        Judged::TargetSilent => Found::on(
            fact,
            COUNTED,
            AtFault::Remote,
            format!("the tunnel carries packets, and {to}, which its monitor asks, doesn't answer any more"),
        )
        .because("The peer answers over IKE, and other packets come through the tunnel: the host is off, moved, or filters echoes. Nothing was done to the tunnel.")
        .fix(format!("have {to} answer echoes again; or name another `target` in [tunnel.NAME.monitor] that always does")),
        // Nobody has said that somebody is there.
        Judged::NoTarget if named => Found::on(
            fact,
            CONDITION,
            AtFault::Local,
            "the target of the tunnel's monitor has never answered, so that it watches nothing",
        )
        .because("A target that never answered proves nothing when it is silent. The tunnel is left alone.")
        .fix("a `target` in [tunnel.NAME.monitor] that answers echoes (adit probe NAME --inside ADDRESS shows whether it does), or \"auto\""),
        _ => return None,
    };
    Some(found.done())
}

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(judgement) = ours(s) {
        return judgement;
    }
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
