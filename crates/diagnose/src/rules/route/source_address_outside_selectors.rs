//! `source-address-outside-selectors`: the test packet has a source that the tunnel does not cover.

use std::net::IpAddr;

use adit_model::complaint::Complaint;
use adit_model::fact::Side;
use adit_model::host::Route;
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

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
    if let Some((fact, to, way)) = s.ways().filter(|_| !bound).find(|(_, to, way)| {
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

/// The gateway's own packets have no answer, and the source that its table gives them is in no policy for where they go.
fn by_the_table(s: &Signals<'_>) -> Option<Judgement> {
    let told = s
        .complains(Complaint::GatewayFails)
        .filter(|_| !s.refused_or_told())?;
    let spd = s.kernel(Side::Local)?;
    let routes: Vec<_> = s
        .routes()
        .filter(|(f, r)| f.side == Side::Local && r.table.as_deref().is_none_or(|t| t == "main"))
        .filter_map(|(f, r)| Some((f, r, r.network.parse::<Selector>().ok()?)))
        .collect();
    let net = |text: &str| text.parse::<Selector>().ok();
    spd.protecting("out").find_map(|(_, policy)| {
        let to = net(&policy.to)?;
        let bits = |route: &Route| {
            let (_, bits) = route.network.split_once('/')?;
            bits.parse::<u8>().ok()
        };
        let (fact, way, _) = routes
            .iter()
            .filter(|(_, _, of)| of.contains(&to))
            .max_by_key(|(_, route, _)| bits(route))?;
        let device = way.device.as_deref()?;
        // Without a source of its own a route takes that of the network that its next hop is in.
        let source = way.source.as_deref().or_else(|| {
            let beside = routes.iter().find(|(_, r, of)| {
                r.device.as_deref() == Some(device)
                    && r.source.is_some()
                    && way
                        .via
                        .as_deref()
                        .and_then(net)
                        .is_none_or(|hop| of.contains(&hop))
            });
            beside.and_then(|(_, r, _)| r.source.as_deref())
        })?;
        let from = net(source)?;
        let covered = spd.protecting("out").any(|(_, p)| {
            net(&p.to).is_some_and(|t| t.intersect(&to).is_some())
                && net(&p.from).is_none_or(|f| f.contains(&from))
        });
        (!covered).then(|| {
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
            .because("The selectors take packets from the inside network only, and the table gives the gateway's own another source.")
            .fix("have the gateway use an inside address for that network (a route with `src`), or add its address to the selectors of both sides")
            .then(format!("`ip route get` for an address in {}: its `src` must be in a selector", policy.to))
            .done()
        })
    })
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
