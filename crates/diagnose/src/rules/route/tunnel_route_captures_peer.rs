//! `tunnel-route-captures-peer`: the tunnel swallows the packets to its own end.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED, SAID, SYMPTOM};
use crate::plane::{found, possible, tunnel_device};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "tunnel-route-captures-peer",
    recurs: false,
    page: Page {
        title: "The tunnel swallows the packets to its own end",
        what: "A route by the tunnel interface, or a selector of 0.0.0.0/0, also covers the peer's outside address: ESP is sent into the tunnel that it should build. Everything dies a moment after the tunnel comes up.",
        initiator: "The tunnel comes up, then everything stops, SSH included; it flaps.",
        responder: "Declares the peer dead shortly after the tunnel came up.",
        look_alikes: &[
            (
                "overbroad-remote-selector",
                "Is it a route or a selector, and is only the peer lost?",
            ),
            (
                "foreign-agent-route-capture",
                "Is the interface one of another VPN's?",
            ),
        ],
        fix: &[
            (
                "any",
                "Add a host route to the peer by the outside gateway, exempt the peer from the policy, and keep routing protocols from learning the peer's address by the tunnel.",
            ),
            ("linux", "`ip route add PEER via GATEWAY dev IFACE`."),
            (
                "cisco-ios",
                "a static route for the tunnel destination; no 0.0.0.0/0 learned by the tunnel.",
            ),
            (
                "strongswan",
                "a passthrough child (`mode = pass`) for the peer and the local network.",
            ),
        ],
        source: "RFC 2003 4 (recursive encapsulation)",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let counted = s
        .signs_of(Sign::RecursiveRouting)
        .find(|x| x.value("sent").is_some());
    if let Some(seen) = counted.filter(|x| x.value("away").is_none()) {
        return possible(
            40,
            format!(
                "an interface of PPP sent {} bytes and received {}",
                seen.value_or("sent", "many"),
                seen.value_or("received", "none")
            ),
            "within what time it sent them, and `ip route get SERVER` while it is up",
        );
    }
    if let Some(seen) = counted {
        return Found::by(
            seen,
            SYMPTOM,
            format!(
                "the tunnel's packets go into the tunnel itself: its interface sent {} bytes and received {}",
                seen.value_or("sent", "many"),
                seen.value_or("received", "none")
            ),
        )
        .because("Nobody sends so much without hearing anything. The way to the server leads through the interface that the tunnel made, so each packet is wrapped and sent into it again.")
        .fix(CHANGE)
        .then("`ip route get SERVER` before the tunnel comes up and after")
        .done();
    }
    if let Some(found) = found(s, &[Sign::RecursiveRouting], SAID, |seen, times| {
        format!(
            "the packets of {} to its own end are routed into itself{times}",
            seen.value_or("interface", "the tunnel")
                .trim_end_matches([':', ','])
        )
    }) {
        return found
            .because("The way to the other end of the tunnel leads through the tunnel.")
            .fix(CHANGE)
            .done();
    }
    if let Some((fact, to, way)) = s
        .ways()
        .find(|(_, to, way)| s.is_peer(to) && way.device.as_deref().is_some_and(tunnel_device))
    {
        return Found::on(
            fact,
            COUNTED,
            fact.side.into(),
            format!(
                "the way to the peer's own address {to} is by the tunnel ({})",
                way.device.as_deref().unwrap_or("its interface")
            ),
        )
        .because("ESP to the peer would have to go through the tunnel that it builds.")
        .fix(CHANGE)
        .done();
    }
    if let Some(told) = s
        .complains(Complaint::ServerBehindTunnel)
        .filter(|_| s.calm())
    {
        let host_route = s.routes().find(|(_, route)| {
            route.network.ends_with("/32") && route.device.as_deref().is_some_and(tunnel_device)
        });
        return Found::on(
            told,
            if host_route.is_some() { SYMPTOM } else { CONDITION },
            told.side.into(),
            "the route to the server of the tunnel leads into the tunnel itself",
        )
        .with(host_route.map(|(fact, _)| fact))
        .because("Each packet to the server is wrapped and sent to the server again, by the same route: nothing leaves, and the tunnel dies for want of answers.")
        .fix(CHANGE)
        .then("`ip route get SERVER` before the tunnel comes up and after")
        .done();
    }
    if s.sign(Sign::RouteToPeerLost).is_some() {
        return possible(
            34,
            "no route to the peer is left since routes changed",
            "`ip route get PEER` before the tunnel comes up and after",
        );
    }
    Judgement::Silent
}

const CHANGE: &str = "add a host route to the peer's outside address by the outside gateway, and keep wider routes of the tunnel from covering it";
