//! `cloud-endpoint-maintenance`: the provider replaced its end of the tunnel.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "cloud-endpoint-maintenance",
    recurs: false,
    page: Page {
        title: "The cloud provider replaced its end of the tunnel",
        what: "Providers replace tunnel endpoints for maintenance. The tunnel goes down and comes back when one side initiates; with a single tunnel, or a side that only answers, it stays down.",
        initiator: "A delete or silence from one of the two tunnels, while the other is up.",
        responder: "AWS: a notice of endpoint replacement; VgwTelemetry shows a new LastStatusChange.",
        look_alikes: &[(
            "dpd-action-clear",
            "Does the customer's side set the tunnel up again?",
        )],
        fix: &[
            (
                "any",
                "Configure both tunnels; restart on dead peer detection.",
            ),
            (
                "aws",
                "Tunnel endpoint lifecycle control; startup action Start, DPD action Restart",
            ),
        ],
        source: "the providers' manuals",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::EndpointReplaced) else {
        return Judgement::Silent;
    };
    let of_another_time = match seen.value("told") {
        Some("past") => Some("the provider replaced its end of the tunnel some time ago"),
        Some("ahead") => Some("the provider is going to replace its end of the tunnel"),
        Some("denied") => return Judgement::Silent,
        _ => None,
    };
    if let Some(because) = of_another_time {
        return Judgement::Possible {
            weight: 20,
            because: because.to_owned(),
            separated_by: "what the provider says of now",
        };
    }
    Found::by(seen, SYMPTOM, "the provider replaced its end of the tunnel")
        .at(AtFault::Remote)
        .because("The provider says so.")
        .fix("set the tunnel up again from our side; have both tunnels configured and an action that restarts")
        .done()
}
