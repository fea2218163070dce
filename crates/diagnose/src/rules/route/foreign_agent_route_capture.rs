//! `foreign-agent-route-capture`: another VPN's agent takes the packets to the peer.

use std::net::IpAddr;

use adit_model::host::Route;
use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::plane::foreign_device;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "foreign-agent-route-capture",
    recurs: false,
    page: Page {
        title: "Another VPN's agent takes the packets to the peer",
        what: "Another agent on the host (a ZTNA or VPN client) has a more specific route for the peer's address, so that IKE leaves by its interface, with its address.",
        initiator: "Phase 1 times out though the gateway answers pings.",
        responder: "Requests come from a strange address (100.64.0.0/10), or not at all.",
        look_alikes: &[
            (
                "udp500-blocked",
                "Is the request seen on the physical interface at all?",
            ),
            (
                "tunnel-route-captures-peer",
                "Is the interface the tunnel's own?",
            ),
        ],
        fix: &[(
            "any",
            "Exempt the gateway's address from the other agent (split tunnel, exclude list), or add a host route to the peer by the physical interface.",
        )],
        source: "RFC 1812 5.2.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let foreign = |way: &Route| way.device.as_deref().is_some_and(foreign_device);
    // Who looks up the way to an address, and hears nothing from the peer, means the peer: its address may be removed.
    let vain = s.nothing_came().is_some() || s.sign(Sign::FirstMessageUnanswered).is_some();
    let Some((fact, to, way)) = s.ways().find(|(_, to, way)| {
        let removed = || vain && to.parse::<IpAddr>().is_err() && way.network.as_str() == *to;
        (s.is_peer(to) || removed()) && foreign(way)
    }) else {
        return Judgement::Silent;
    };
    let device = way.device.as_deref().unwrap_or("another agent's interface");
    Found::on(
        fact,
        COUNTED,
        fact.side.into(),
        format!("the way to the peer {to} is by {device}, which belongs to another VPN"),
    )
    .because(
        "IKE leaves by that agent's interface and with its address, and not by the physical one.",
    )
    .fix(format!(
        "exempt {to} from the other agent, or add a host route to it by the physical interface"
    ))
    .done()
}
