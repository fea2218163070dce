//! `app-cluster-split-brain`: a cluster of applications is split, and the tunnels are well.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "app-cluster-split-brain",
    recurs: false,
    page: Page {
        title: "A cluster of applications is split, and the tunnels are well",
        what: "After a break of the network the members of a cluster (consul, etcd) don't find together again. It looks as if IPsec kept them apart, while ESP passes both ways.",
        initiator: "The application reports errors; the tunnels are up.",
        responder: "The same.",
        look_alikes: &[(
            "subnet-config-wrong-or-missing-node",
            "Does ESP pass both ways between these hosts?",
        )],
        fix: &[
            (
                "any",
                "Reset the members' data one at a time, as the application's manual says; leave the tunnels alone.",
            ),
            (
                "pcf",
                "Stop consul or etcd on one node, remove its data, start it; then the next.",
            ),
        ],
        source: "the application's manual",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ApplicationSplit) else {
        return Judgement::Silent;
    };
    if !s.calm() || s.traffic_suffers() || s.fails_in_ike() {
        return Judgement::Possible {
            weight: 20,
            because: "a cluster of applications lost members".to_owned(),
            separated_by: "whether ESP passes both ways between its members",
        };
    }
    Found::by(
        seen,
        if s.up { SYMPTOM } else { CONDITION },
        format!("the cluster of applications at {} is split; no tunnel is known to be wrong", seen.who()),
    )
    .because("The members themselves say that they have lost each other, and nothing is said against the tunnels.")
    .fix("reset the members of the application's cluster one at a time")
    .then("ESP counters between two members: they must grow both ways")
    .done()
}
