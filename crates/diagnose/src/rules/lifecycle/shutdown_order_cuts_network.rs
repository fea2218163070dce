//! `shutdown-order-cuts-network`: the IPsec service is stopped before what needs it.

use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "shutdown-order-cuts-network",
    recurs: false,
    page: Page {
        title: "IPsec is stopped before the services that need it",
        what: "Hosts that require IPsec drop clear packets. If it is stopped first at shutdown or in an update, everything that is stopped after it hangs: its network is gone.",
        initiator: "An update or a shutdown hangs at one host.",
        responder: "It drops clear packets of that host.",
        look_alikes: &[(
            "daemon-not-running",
            "Does it happen only in a deployment or at shutdown?",
        )],
        fix: &[
            ("any", "Stop IPsec last and start it first."),
            (
                "pcf",
                "kill the agent and let the VM be recreated (cloud check)",
            ),
            (
                "linux",
                "order the unit before and after network users: `Before=`, `After=`",
            ),
        ],
        source: "the products' manuals",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::StopCutsNetwork) else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        SAID - 0.05,
        "IPsec is stopped before the services that need it, and their stop hangs",
    )
    .because(
        "Without IPsec the peers drop this host's packets, and the stop that follows needs them.",
    )
    .fix("stop IPsec last; recreate the host that hangs")
    .done()
}
