//! `source-address-outside-selectors`: the test packet has a source that the tunnel does not cover.

use std::net::IpAddr;

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::host::{HostState, Listing, Route};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::xfrm::CUT_AT;

pub(crate) static RULE: Rule = Rule {
    id: "source-address-outside-selectors",
    recurs: false,
    page: Page {
        title: "The test packet has a source that the tunnel does not cover",
        what: "Traffic of the gateway itself, most of all a ping from its command line, leaves with its outside address, which the selectors don't cover. Hosts behind it may do well.",
        initiator: "No SA comes up, or no packet is encrypted though it is up.",
        responder: "Sees nothing.",
        look_alikes: &[
            (
                "route-to-remote-subnet-missing",
                "Does ping with an inside source address (`-I`) work?",
            ),
            (
                "policy-route-table-220-lost",
                "Does strongSwan's table 220 have a route with the inside address as source?",
            ),
        ],
        fix: &[
            (
                "any",
                "Test from a host behind the gateway, or with an inside source address.",
            ),
            ("linux", "`ping -I INSIDE-ADDRESS HOST`."),
            (
                "strongswan",
                "an inside address on the host, and `install_routes = yes`: the route in table 220 then has it as source.",
            ),
            ("libreswan", "`leftsourceip=` or `rightsourceip=`."),
            ("cisco-ios", "`ping HOST source INSIDE-INTERFACE`."),
            ("juniper", "`ping HOST source INSIDE-ADDRESS`."),
            ("panos", "`ping source INSIDE-ADDRESS host HOST`."),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["snat-before-ipsec", "stale-policy-steals-traffic"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s
        .signs_of(Sign::OutsideSelectors)
        .filter(|seen| !stays_on_the_link(*seen))
        .last();
    if let Some(seen) = refused {
        let what = match (seen.value("source"), seen.value("destination")) {
            (Some(from), Some(to)) => {
                format!("packets from {from} to {to} aren't covered by the tunnel's selectors")
            }
            _ => format!(
                "{} drops packets because the tunnel's selectors don't cover them",
                seen.who()
            ),
        };
        return Found::by(seen, COUNTED, what)
            .because("The packet was routed to the tunnel, and no selector pair has both of its addresses.")
            .fix("send with an address that the selectors cover, or widen the selectors on both sides")
            .done();
    }
    // The same host, with a source and without.
    for lost in s.pings().filter(|p| p.received == 0 && p.sent > 0) {
        if let Some(good) = s.pings().find(|p| {
            p.to == lost.to
                && p.received > 0
                && p.fact.side == lost.fact.side
                && p.from.is_some()
                && p.from != lost.from
                && p.size <= lost.size
        }) {
            return Found::on(
                lost.fact,
                COUNTED,
                lost.fact.side.into(),
                format!(
                    "{} answers pings from {} and not those without that source: the tunnel doesn't cover the address they leave with",
                    lost.to,
                    good.from.unwrap_or("an inside address")
                ),
            )
            .with([good.fact])
            .because("The tunnel works for the inside address. The other pings leave with an address that its selectors don't cover.")
            .fix("test with an inside source address, or have the gateway's own traffic use one (a route with `src`, leftsourceip)")
            .done();
        }
    }
    // Where a policy is bound to another device, no source address would help.
    let bound = s
        .kernel(Side::Local)
        .is_some_and(|spd| spd.bound().next().is_some());
    let mut ways = s
        .ways()
        .filter(|(fact, ..)| !bound && !before_the_tunnel(s, fact));
    if let Some((fact, to, way)) = ways.find(|(_, to, way)| {
        s.protected_by_selectors(to) == Some(true)
            && way
                .source
                .as_deref()
                .is_some_and(|src| s.ours_by_selectors(src) == Some(false))
    }) {
        return Found::on(
            fact,
            SYMPTOM,
            fact.side.into(),
            format!(
                "the gateway's own packets to {to} leave with {}, which the tunnel doesn't cover",
                way.source.as_deref().unwrap_or("its outside address")
            ),
        )
        .because("The selectors take packets from the inside network only.")
        .fix("test with an inside source address, or add a route with the inside address as `src`")
        .done();
    }
    if let Some(found) = by_the_table(s).filter(|_| !bound) {
        return found;
    }
    if s.sign(Sign::NoAddressInSelector).is_some() {
        return possible(
            30,
            "the host has no address in its own selectors",
            "whether only the gateway's own traffic fails, or that of the hosts behind it too",
        );
    }
    Judgement::Silent
}

/// Whether the way was asked for before the tunnel of the same paste came up, which may have brought another.
fn before_the_tunnel(s: &Signals<'_>, way: &Fact) -> bool {
    s.case.of(way.side).any(|fact| {
        matches!(
            fact.what,
            Known::Happened {
                happening: Happening::ChildEstablished { .. }
            }
        ) && fact.source.name == way.source.name
            && fact.source.line > way.source.line
    })
}

/// The gateway's own packets have no answer, and the source that its table gives them is in no policy for where they go.
/// Where the hosts behind it aren't said to do better, or another table may give another source, that is no more than
/// possible.
fn by_the_table(s: &Signals<'_>) -> Option<Judgement> {
    let told = s
        .complains(Complaint::GatewayFails)
        .filter(|_| !s.refused_or_told())?;
    let spd = s.kernel(Side::Local)?;
    let net = |text: &str| text.parse::<Selector>().ok();
    let local = || s.routes().filter(|(f, _)| f.side == Side::Local);
    let main: Vec<_> = local()
        .filter(|(_, r)| r.table.as_deref().is_none_or(|t| t == "main"))
        .filter_map(|(f, r)| Some((f, r, net(&r.network)?)))
        .collect();
    let policies: Vec<_> = spd
        .protecting("out")
        .map(|(_, p)| (p, net(&p.to), net(&p.from)))
        .collect();
    // What a list leaves out may be what gives the source, or covers it.
    if local().count() >= CUT_AT || spd.cut() {
        return None;
    }
    // Packets that an SA carries have a source that a policy covers.
    if s.carried(Side::Local).is_some_and(|c| c.only_sends()) {
        return None;
    }
    // Where it goes to, if that is told as an address.
    let to: Vec<Selector> = addresses(&told.source.text)
        .filter_map(|a| net(&a.to_string()))
        .collect();
    let (fact, device, source, policy) = policies.iter().find_map(|(policy, to_net, _)| {
        let to_net = to_net.as_ref()?;
        if !to.is_empty() && !to.iter().any(|a| to_net.contains(a)) {
            return None;
        }
        let (fact, way, _) = main
            .iter()
            .filter(|(_, _, of)| of.contains(to_net))
            .max_by_key(|(_, route, _)| bits(route))?;
        let device = way.device.as_deref()?;
        // Without a source of its own a route takes that of the network that its next hop is in.
        let source = way.source.as_deref().or_else(|| {
            let hop = way.via.as_deref().and_then(net);
            let beside = main.iter().find(|(_, r, of)| {
                r.device.as_deref() == Some(device)
                    && r.source.is_some()
                    && hop.as_ref().is_none_or(|hop| of.contains(hop))
            });
            beside.and_then(|(_, r, _)| r.source.as_deref())
        })?;
        let from = net(source)?;
        let covered = policies.iter().any(|(_, t, f)| {
            t.as_ref().is_some_and(|t| t.intersect(to_net).is_some())
                && f.as_ref().is_none_or(|f| f.contains(&from))
        });
        (!covered).then_some((*fact, device, source, *policy))
    })?;
    // `ip route show table all`: no other table has anything for that network.
    let all = s.host().any(|(f, state)| {
        f.side == Side::Local
            && matches!(
                state,
                HostState::Listed {
                    what: Listing::Tables,
                    ..
                }
            )
    });
    let elsewhere = local().any(|(_, r)| {
        r.table
            .as_deref()
            .is_some_and(|t| !matches!(t, "main" | "local"))
            && net(&r.network)
                .zip(net(&policy.to))
                .is_some_and(|(of, to)| of.intersect(&to).is_some())
    });
    // Whoever tells of more than the gateway's own packets asks about more.
    let more = s.case.facts.iter().any(|f| {
        matches!(f.what, Known::Complained { complaint, .. } if complaint.is_trouble())
            && f.source.line != told.source.line
    });
    if !all || elsewhere || more {
        return Some(possible(
            34,
            format!(
                "the main table has {source} leave for {}, which no policy covers",
                policy.to
            ),
            "`ip route get` for an address in it, and whether the hosts behind the gateway get through",
        ));
    }
    Some(
        Found::on(
            fact,
            SYMPTOM,
            fact.side.into(),
            format!(
                "the gateway's own packets to {} leave by {device} with {source}, which no policy for that network covers",
                policy.to
            ),
        )
        .with([told])
        .because("The selectors take packets from the inside network only, and the tables give the gateway's own another source.")
        .fix("have the gateway use an inside address for that network (a route with `src`), or add its address to the selectors of both sides")
        .then(format!("`ip route get` for an address in {}: its `src` must be in a selector", policy.to))
        .done(),
    )
}

/// How narrow a route is.
fn bits(route: &Route) -> Option<u8> {
    let (_, bits) = route.network.split_once('/')?;
    bits.parse().ok()
}

/// Addresses that a sentence names.
fn addresses(text: &str) -> impl Iterator<Item = IpAddr> + '_ {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';'))
        .filter_map(|word| word.trim_end_matches(['.', ':', '?', '!']).parse().ok())
}

/// Neighbour discovery, multicasts and broadcasts: a device gets them from its own host, and no tunnel is meant to.
fn stays_on_the_link(seen: Seen<'_>) -> bool {
    ["source", "destination"].iter().any(|name| {
        let text = seen.value_or(name, "");
        let text = text.split_once('[').map_or(text, |(address, _)| address);
        match text.parse() {
            Ok(IpAddr::V4(a)) => a.is_multicast() || a.is_broadcast() || a.is_link_local(),
            Ok(IpAddr::V6(a)) => a.is_multicast() || a.is_unicast_link_local(),
            Err(_) => false,
        }
    })
}
