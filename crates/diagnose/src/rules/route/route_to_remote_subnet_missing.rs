//! `route-to-remote-subnet-missing`: no route leads the remote network into the tunnel.

use std::net::IpAddr;

use adit_model::complaint::Complaint;
use adit_model::fact::{Fact, Side};
use adit_model::host::{HostState, Listing, Route};
use adit_model::product::Product;
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::complaint::{carries_nothing, content};
use crate::finding::{CONDITION, COUNTED, SYMPTOM};
use crate::plane::{possible, tunnel_device};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "route-to-remote-subnet-missing",
    recurs: false,
    page: Page {
        title: "No route leads the remote network into the tunnel",
        what: "A route-based tunnel carries what is routed to its interface. Without a route for the remote network the packets leave by another interface (the default route), in clear or never.",
        initiator: "The tunnel is up, and its SA sends nothing.",
        responder: "The tunnel is up, and nothing arrives.",
        look_alikes: &[
            (
                "nothing-triggers-initiation",
                "Does a ping from an address of the local network make the counter grow?",
            ),
            (
                "snat-before-ipsec",
                "Does the packet leave with another source?",
            ),
        ],
        fix: &[
            (
                "any",
                "Add a static or dynamic route for the remote network by the tunnel interface, on each side.",
            ),
            ("linux", "`ip route add 10.2.0.0/24 dev vti0`."),
            (
                "vyatta",
                "`set protocols static interface-route PREFIX next-hop-interface vtiN`.",
            ),
            (
                "vyos",
                "`set protocols static route PREFIX interface vtiN`.",
            ),
            (
                "panos",
                "virtual router, static route, next hop: interface tunnel.N.",
            ),
            (
                "juniper",
                "`set routing-options static route PREFIX next-hop st0.N`.",
            ),
            (
                "fortigate",
                "`config router static`, `set device TUNNEL`, and a blackhole route with a higher distance.",
            ),
        ],
        source: "RFC 4301 4.4.1; Linux ip-route(8)",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["overlapping-subnets"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::NextHopMissing) {
        let trim = |v: &str| v.trim_end_matches([',', '.', ';']).to_owned();
        let to = trim(seen.value_or("destination", "the remote network"));
        let outward = seen
            .value("source")
            .is_some_and(|from| from.starts_with("inside"));
        let what = format!("{} has no route for packets to {to}", seen.who());
        // Somebody looked it up, and the tunnel is an interface that nothing is sent into.
        let by_interface = s
            .routes()
            .filter_map(|(f, r)| Some((f, r.device.as_deref()?)))
            .chain(s.links().map(|(f, name, _)| (f, name)))
            .any(|(f, name)| f.side == seen.side() && tunnel_device(name));
        let unused = s
            .carried(seen.side())
            .is_some_and(|c| c.sent == Some(0) && c.received == Some(0));
        let of_the_tunnel = seen
            .value("destination")
            .is_some_and(|to| s.protected_by_selectors(to) != Some(false));
        if by_interface && unused && of_the_tunnel && seen.value("source").is_none() && s.calm() {
            return Found::by(seen, SYMPTOM, what)
                .because("The tunnel is an interface, it is up, and nothing was ever sent into it: only what is routed to it goes there.")
                .fix("add a route for the remote network by the tunnel's interface (VyOS: set protocols static route NETWORK interface vtiN), or have the routing protocol bring it")
                .done();
        }
        if s.is_none_of_the_tunnel(seen) || s.fails_in_ike() {
            return possible(
                10,
                what,
                "whether that address is the remote network's, and the tunnel is up",
            );
        }
        if !outward {
            return possible(40, what, "whether that address is the remote network's");
        }
        return Found::by(seen, SYMPTOM, what)
            .because("The packet came from inside, and no route leads to where the tunnel would take it.")
            .fix(format!("add a route for {to} by the outside interface or the tunnel's"))
            .done();
    }
    if let Some(judgement) = not_in_the_table(s) {
        return judgement;
    }
    if let Some(judgement) = none_by_the_interface(s) {
        return judgement;
    }
    if let Some(judgement) = leaves_beside(s).or_else(|| next_hop_not_in_the_table(s)) {
        return judgement;
    }
    // Only where the tunnel is an interface, as it always is in FortiOS' trace: a policy takes its packets from any route.
    let has_device = |fact: &Fact| {
        fact.source.text.contains("find a route: ")
            || s.links()
                .any(|(f, name, _)| f.side == fact.side && tunnel_device(name))
    };
    let within = |to: &str| s.protected_by_selectors(to);
    let Some((fact, to, way)) = s.ways().find(|(fact, to, way)| {
        has_device(fact)
            && !s.carried(fact.side).is_some_and(|c| c.only_receives())
            && way.table.is_none()
            && !way.device.as_deref().is_some_and(tunnel_device)
            && within(to) != Some(false)
    }) else {
        return tried(s);
    };
    let device = way.device.as_deref().unwrap_or("another interface");
    let routed = s
        .routes()
        .any(|(_, r)| r.device.as_deref().is_some_and(tunnel_device));
    let sure = within(to) == Some(true) || s.carried(fact.side).is_some_and(|c| c.sent == Some(0));
    let because = format!("the way to {to} is by {device} and not by the tunnel's interface");
    if !sure || routed && within(to).is_none() {
        return possible(
            40,
            because,
            "whether that address belongs to the tunnel's remote network",
        );
    }
    Found::on(fact, SYMPTOM, fact.side.into(), because)
        .because("The tunnel is an interface, and only what is routed to it goes into the tunnel.")
        .fix(format!("add a route for the remote network by the tunnel's interface, for instance `ip route add {to} dev vti0`"))
        .done()
}

/// The tunnel is an interface for any traffic, it is up, and not one route leads by it.
fn none_by_the_interface(s: &Signals<'_>) -> Option<Judgement> {
    let (link, name, _) = s.links().find(|(_, name, _)| tunnel_device(name))?;
    let mine = || {
        s.routes()
            .filter(|(f, r)| f.side == link.side && r.table.is_none())
    };
    let (table, _) = mine().find(|(_, r)| r.network == "0.0.0.0/0")?;
    let led = mine().any(|(_, r)| r.device.as_deref().is_some_and(tunnel_device));
    let any = |net: &Selector| {
        net.start.is_unspecified() && net.protocol == 0 && net.ports == (0, u16::MAX)
    };
    let for_any = s
        .tunnel_networks()
        .iter()
        .any(|(ours, theirs)| ours.iter().any(any) && theirs.iter().any(any));
    let unused = s
        .carried(link.side)
        .is_some_and(|c| c.sent == Some(0) && c.received == Some(0));
    if led || !for_any || !unused || !s.up || !s.calm() {
        return None;
    }
    Some(
        Found::on(
            table,
            SYMPTOM,
            link.side.into(),
            format!("{} has no route by {name}, and nothing was ever sent into the tunnel", who(link.side)),
        )
        .with([link])
        .because("The tunnel's selectors take any traffic, so no policy says what belongs to it: only what is routed to its interface goes there, and the table leads everything by another.")
        .fix(format!("add a route for the remote network by {name}, for instance `ip route add NETWORK dev {name}`, and have it made whenever the tunnel comes up (the updown script, vti-routing=yes)"))
        .then(format!("`ip route get ADDRESS` for a host of the remote network; `ip -s link show {name}`"))
        .done(),
    )
}

/// A capture has packets of ours in clear, and the table leads them by another interface than the tunnel's, into which only
/// routes lead.
fn leaves_beside(s: &Signals<'_>) -> Option<Judgement> {
    let spd = s.kernel(Side::Local)?;
    let mut policies = spd.protecting("out").peekable();
    policies.peek()?;
    let by_interface = policies.all(|(_, p)| p.mark.is_some() || p.if_id.is_some());
    if !by_interface || s.refused_or_told() || content(s) {
        return None;
    }
    let table: Vec<_> = s
        .routes()
        .filter(|(f, r)| f.side == Side::Local && r.table.is_none())
        .filter_map(|(f, r)| Some((f, r, r.network.parse::<Selector>().ok()?)))
        .collect();
    let by_tunnel = |r: &Route| r.device.as_deref().is_some_and(tunnel_device);
    table.iter().find(|(_, r, _)| by_tunnel(r))?;
    s.clear().find_map(|left| {
        let host = Selector::host(left.to);
        let bits = |r: &Route| r.network.split_once('/')?.1.parse::<u8>().ok();
        let (_, way, _) = table
            .iter()
            .filter(|(_, _, net)| net.contains(&host))
            .max_by_key(|(_, r, _)| bits(r).unwrap_or(32))?;
        // Other routes may lead to networks of our own.
        let beside = way.network == "0.0.0.0/0" && !by_tunnel(way);
        let beside = beside && !left.between_gateways && is_inside(left.to);
        let device = way.device.as_deref()?;
        // Nothing tells which interface the capture was taken on.
        beside.then(|| {
            possible(
                50,
                format!(
                    "packets from {} to {} are seen in clear, and the main table leads them by {device} ({})",
                    left.from, left.to, way.network
                ),
                "whether they were captured where they leave, and `ip route get` and `ip rule` for that address",
            )
        })
    })
}

/// Whether an address is of the kind that stands behind gateways.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_private(),
        IpAddr::V6(a) => a.is_unique_local(),
    }
}

/// Routes lead by the tunnel's interface to a next hop that no route leads to: the interface's own network isn't there.
fn next_hop_not_in_the_table(s: &Signals<'_>) -> Option<Judgement> {
    let (heading, _) = s.host().find(|(_, state)| {
        matches!(
            state,
            HostState::Listed {
                what: Listing::Table,
                ..
            }
        )
    })?;
    let mine = || s.routes().filter(|(f, _)| f.side == heading.side);
    let (fact, via, device) = mine().find_map(|(fact, route)| {
        let device = route.device.as_deref().filter(|d| tunnel_device(d))?;
        let via = route.via.as_deref()?;
        let hop: Selector = via.parse().ok()?;
        let reached = mine().any(|(_, r)| {
            r.network != "0.0.0.0/0"
                && r.via.as_deref() != Some(via)
                && r.network
                    .parse()
                    .is_ok_and(|net: Selector| net.contains(&hop))
        });
        (!reached).then_some((fact, via, device))
    })?;
    // What is slow gets there.
    if !s.calm() || !(carries_nothing(s) || s.traffic_suffers()) {
        return None;
    }
    Some(
        Found::on(
            fact,
            SYMPTOM,
            fact.side.into(),
            format!("routes go by {device} to {via}, and no route leads to {via} itself"),
        )
        .because("The network of the tunnel's interface isn't in the table: the next hop is looked for by the default route, and what is routed to it is lost.")
        .fix(format!("add a route for the interface's network, or for {via}, by {device}; bring the interface up anew so that its own route is made"))
        .then(format!("`route -n get {via}`"))
        .done(),
    )
}

/// A side's table is shown whole, has no default route, and no route for the other end's network.
fn not_in_the_table(s: &Signals<'_>) -> Option<Judgement> {
    if !s.traffic_suffers() {
        return None;
    }
    [Side::Local, Side::Remote].into_iter().find_map(|side| {
        let (whole, _) = s.host().find(|(f, state)| {
            let routes = matches!(
                state,
                HostState::Listed {
                    what: Listing::Routes,
                    ..
                }
            );
            f.side == side && routes
        })?;
        // strongSwan's own routes are in a table of their own, which `ip route` doesn't show.
        let of_strongswan = s.case.products.get(&side).is_some_and(|p| *p == Product::Strongswan);
        let table_220 = s.sign(Sign::RouteTableEmpty).is_some()
            || s.routes().any(|(_, r)| r.table.is_some());
        if of_strongswan && !table_220 {
            return None;
        }
        let known: Vec<Selector> = s
            .routes()
            .filter(|(f, _)| f.side == side)
            .filter_map(|(_, route)| route.network.parse().ok())
            .collect();
        let meets = |net: &Selector| known.iter().any(|k| k.intersect(net).is_some());
        let missing = s.tunnel_networks().into_iter().find_map(|(ours, theirs)| {
            let (near, far) = match side {
                Side::Local => (ours, theirs),
                Side::Remote => (theirs, ours),
            };
            // The table of a host that isn't one of this tunnel's knows neither.
            let fits = near.iter().any(meets);
            far.into_iter().find(|net| fits && !meets(net))
        })?;
        let whose = who(side);
        Some(
            Found::on(
                whole,
                COUNTED,
                side.into(),
                format!("{whose} has no route for {missing}, and no default route"),
            )
            .because("The table is shown whole. A packet for a network that no route covers is dropped before the look-up of IPsec policies, so what comes through the tunnel is never answered.")
            .fix(format!("add a route for {missing} by the outside interface, or a default route"))
            .done(),
        )
    })
}

/// Somebody added a route by hand, and that helped.
fn tried(s: &Signals<'_>) -> Judgement {
    match s.complains(Complaint::WorksWithRoute) {
        Some(told) if s.calm() => Found::on(
            told,
            CONDITION,
            AtFault::Local,
            "it works once a route for the remote network is added by hand: nothing adds it when the tunnel comes up",
        )
        .because("Packets that no route leads anywhere never get to the look-up of IPsec policies.")
        .fix("keep the route: by the tunnel's interface, by the updown script (leftsourceip, leftnexthop), or as a static route of the host")
        .then("`ip route get ADDRESS` for a host of the remote network, before and after the tunnel comes up")
        .done(),
        _ => Judgement::Silent,
    }
}
