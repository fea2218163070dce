//! `tunnel-monitor-wrong-source`: the monitor's own address isn't of the tunnel's networks.

use adit_model::monitored::Judged;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "tunnel-monitor-wrong-source",
    recurs: true,
    page: Page {
        title: "The monitor sends from an address that the tunnel doesn't carry",
        what: "The monitor's pings leave with the address of the tunnel interface. If that isn't within the tunnel's networks, or the peer has no way back to it, no answer comes, and the tunnel is taken down.",
        initiator: "PAN-OS: monitor packets sent grow, received stay 0.",
        responder: "It drops the pings, or answers elsewhere.",
        look_alikes: &[(
            "tunnel-monitor-bad-target",
            "Does the target answer to others?",
        )],
        fix: &[
            (
                "any",
                "Give the tunnel interface an address within the tunnel's networks, and the peer a route to it.",
            ),
            ("panos", "a proxy ID for the tunnel interface's address"),
        ],
        source: "the products' manuals",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((fact, _, Judged::NoSource)) = s.monitored() {
        return Found::on(
            fact,
            COUNTED,
            AtFault::Local,
            "the tunnel's monitor has no address of this host to ask from that the tunnel takes, so that it watches nothing",
        )
        .because("What leaves with another address isn't the tunnel's, and no answer to it would come back through it.")
        .fix("give this host an address within `local_net`, or name in [tunnel.NAME.monitor] a `source` and a `target` that a child takes")
        .done();
    }
    let Some(seen) = s.sign(Sign::MonitorUnanswered) else {
        return Judgement::Silent;
    };
    Found::by(seen, CONDITION + 0.02, "not one of the tunnel monitor's pings was ever answered")
        .with(s.signs_of(Sign::MonitorDown).map(|x| x.fact))
        .because("They leave with the tunnel interface's address, which the peer's networks or routes don't know.")
        .fix("give the tunnel interface an address within the tunnel's networks (or add a proxy ID for it), and the peer a route back")
        .done()
}
