//! `return-route-missing-behind-gateway`: the host behind the gateway has no way back.

use adit_model::fact::Side;

use crate::finding::SYMPTOM;
use crate::plane::tunnel_device;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "return-route-missing-behind-gateway",
    recurs: false,
    page: Page {
        title: "The host behind the gateway has no way back",
        what: "The receiving gateway decrypts and forwards, and the server (or the next router) sends its answer to another router, because it has no route for the far network by the VPN gateway.",
        initiator: "Sends, and gets nothing.",
        responder: "Decrypts and forwards; inside, only requests are seen.",
        look_alikes: &[
            (
                "endpoint-host-firewall",
                "Does the server answer a host of its own network?",
            ),
            (
                "decrypted-traffic-blocked",
                "Is the request seen on the inside interface?",
            ),
        ],
        fix: &[(
            "any",
            "Add a route for the far network by the VPN gateway on the server or on the next router; translating the source at the gateway is a stop-gap.",
        )],
        source: "RFC 1812 5.2",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // A way that is unreachable, told by the side that only receives.
    for side in [Side::Local, Side::Remote] {
        let Some(carried) = s.carried(side).filter(|c| c.only_receives()) else {
            continue;
        };
        let dead = s.routes().find(|(f, r)| {
            f.side == side
                && r.dead
                && !r.device.as_deref().is_some_and(tunnel_device)
                && s.protected_by_selectors(&r.network) == Some(true)
        });
        if let (Some((fact, route)), Some(first)) = (dead, carried.facts.first()) {
            return Found::on(
                fact,
                SYMPTOM,
                side.into(),
                format!(
                    "the way back to {} is a route that throws packets away",
                    route.network
                ),
            )
            .with([*first])
            .because("The tunnel only receives, and the route for the answers leads nowhere.")
            .fix("route the far network by the VPN gateway")
            .done();
        }
    }
    Judgement::Silent
}
