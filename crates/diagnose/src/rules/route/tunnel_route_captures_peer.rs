//! `tunnel-route-captures-peer`: the tunnel swallows the packets to its own end.

use std::collections::BTreeSet;
use std::net::IpAddr;

use adit_model::complaint::Complaint;
use adit_model::event::{Happening, PathProblem};
use adit_model::fact::{Known, Side};
use adit_model::host::{HostState, Route};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::complaint::complained;
use crate::finding::{CONDITION, COUNTED, SAID, SYMPTOM};
use crate::plane::{foreign_device, found, possible, tunnel_device};
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
    if let Some(found) = in_the_table(s).or_else(|| sent_in_vain(s)) {
        return found;
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

/// A daemon on BSD leads everything into the tunnel by two routes, each for a half, and exempts the peer by a third; since
/// then the host can't send to the peer at all.
fn sent_in_vain(s: &Signals<'_>) -> Option<Judgement> {
    const INVALID: i32 = 22;
    let refused = s.happenings(Side::Local).find_map(|(fact, h)| match h {
        Happening::PathFailed {
            problem: PathProblem::LocalSend(number),
            ..
        } if *number == INVALID => Some(fact),
        _ => None,
    })?;
    let half = |network: &str| {
        let other = |d: &str| tunnel_device(d) || foreign_device(d);
        s.routes().find(|(f, r)| {
            f.side == Side::Local && r.network == network && !r.device.as_deref().is_some_and(other)
        })
    };
    let (fact, _) = half("0.0.0.0/1")?;
    let (other, _) = half("128.0.0.0/1")?;
    Some(
        Found::on(
            fact,
            SYMPTOM,
            fact.side.into(),
            "the daemon routes everything to the peer, and the host can't send to the peer's own address any more",
        )
        .with([refused, other])
        .because("Where the peer is in a network of the host's own, the route that exempts it has the peer itself as its gateway, which leads nowhere.")
        .fix("have the daemon install no routes (`install_routes = no`), or take the host route for the peer out and keep that of the common network; name narrower remote networks")
        .then("`route -n get PEER`")
        .done(),
    )
}

/// The table sends what is for the peer into the tunnel: of the routes that fit its address, the narrowest is the tunnel's.
/// IKE goes that way as well, so a tunnel that stays up has another way, whatever the main table says.
fn in_the_table(s: &Signals<'_>) -> Option<Judgement> {
    const DIES: [Complaint; 5] = [
        Complaint::Periodic,
        Complaint::NowAndThen,
        Complaint::NeverConnects,
        Complaint::CutOff,
        Complaint::AccessLost,
    ];
    if !(s.traffic_suffers() || complained(s)) {
        return None;
    }
    // Any rule of one's own may lead ESP past the main table.
    let ruled = s.table_rules(Side::Local).any(|(_, words)| {
        !["local", "main", "default"]
            .iter()
            .any(|t| words == format!("from all lookup {t}"))
    });
    if ruled {
        return None;
    }
    let local: Vec<_> = s
        .routes()
        .filter(|(f, r)| f.side == Side::Local && r.table.is_none())
        .filter_map(|(f, r)| {
            let (_, bits) = r.network.split_once('/').unwrap_or(("", "32"));
            Some((
                bits.parse::<u8>().ok()?,
                r.network.parse::<Selector>().ok()?,
                f,
                r,
            ))
        })
        .collect();
    // A table of which only the tunnel's routes are shown has the others too.
    fn through(r: &Route) -> Option<&str> {
        r.device.as_deref().filter(|d| tunnel_device(d))
    }
    if !local
        .iter()
        .any(|(.., r)| r.device.is_some() && through(r).is_none())
    {
        return None;
    }
    let mut devices: Vec<&str> = local.iter().filter_map(|(.., r)| through(r)).collect();
    devices.sort_unstable();
    devices.dedup();
    // KLIPS takes packets from a device of its own, and Libreswan keeps its peers out of such routes by a mark. Of several
    // tunnels one may lead to the peer of another.
    let [device] = devices.as_slice() else {
        return None;
    };
    if device.starts_with("ipsec") {
        return None;
    }
    let peers = s.case.of(Side::Local).filter_map(|f| match &f.what {
        Known::Host { state } => match &**state {
            HostState::Policy(p) if p.direction == "out" => {
                p.templates.first().map(|t| t.to.as_str())
            }
            _ => None,
        },
        _ => None,
    });
    let named = s.peer();
    let peers: BTreeSet<IpAddr> = peers
        .chain([named.as_str()])
        .filter_map(|p| p.parse().ok())
        .filter(|p: &IpAddr| !p.is_unspecified())
        .collect();
    let (peer, fact, route) = peers.into_iter().find_map(|peer| {
        let host = Selector::host(peer);
        let fitting = || local.iter().filter(|(_, net, ..)| net.contains(&host));
        let (bits, _, fact, route) = fitting().max_by_key(|(bits, ..)| *bits)?;
        let another = fitting().any(|(b, _, _, r)| b == bits && through(r).is_none());
        (through(route).is_some() && !another).then_some((peer, *fact, *route))
    })?;
    let what = format!(
        "the way to the peer's own address {peer} is by the tunnel ({device}, {})",
        route.network
    );
    // Where nothing else in the table leads to the peer, a tunnel that came up at all has another way.
    let host = Selector::host(peer);
    let beside = local
        .iter()
        .any(|(_, net, _, r)| through(r).is_none() && net.contains(&host));
    let dies = DIES
        .into_iter()
        .filter(|c| beside || *c == Complaint::NeverConnects)
        .find_map(|c| s.complains(c));
    let Some(dies) = dies.filter(|_| !s.up) else {
        return Some(possible(
            34,
            what,
            "`ip rule`, and `ip route get PEER` with the mark that ESP has: does another table lead to the peer?",
        ));
    };
    Some(
        Found::on(fact, SYMPTOM, fact.side.into(), what)
            .with([dies])
            .because("Of the routes that fit its address the narrowest is the tunnel's: ESP to the peer would have to go through the tunnel that it builds.")
            .fix(CHANGE)
            .then(format!("`ip route get {peer}`"))
            .done(),
    )
}

const CHANGE: &str = "add a host route to the peer's outside address by the outside gateway, and keep wider routes of the tunnel from covering it";
