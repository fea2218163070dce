//! `overlapping-subnets`: both sites use the same network.

use std::net::Ipv4Addr;

use adit_model::connection::Mode;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::peer_config::Place;
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::finding::{CONFIGURED, COUNTED, SYMPTOM};
use crate::plane::{found, possible, tunnel_device};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "overlapping-subnets",
    recurs: false,
    page: Page {
        title: "Both sites use the same network",
        what: "If the remote network is also a local one, the connected route wins and packets stay at home; if two peers have the same network, one of them gets everything.",
        initiator: "Traffic stays local, or goes to the wrong tunnel.",
        responder: "The same.",
        look_alikes: &[
            (
                "stale-policy-steals-traffic",
                "Does it overlap with the own network, or with another tunnel?",
            ),
            ("kernel-policy-conflict", "Did the kernel refuse a policy?"),
        ],
        fix: &[(
            "any",
            "Renumber one site, or translate both networks one to one into ranges of their own (netmap), and put those into the selectors.",
        )],
        source: "RFC 1918 5; RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(found) = found(s, &[Sign::NetworksOverlap], SYMPTOM, |seen, _| {
        format!(
            "networks overlap: {} and {}",
            seen.value_or("network", "one"),
            seen.value_or("other", "another")
        )
    }) {
        return found.at(AtFault::Both).fix(CHANGE).done();
    }
    if let Some(judgement) = own_network_taken(s) {
        return judgement;
    }
    if let Some(judgement) = way_to_containers(s) {
        return judgement;
    }
    if let Some(judgement) = written_alike(s) {
        return judgement;
    }
    // Who makes exceptions from a tunnel has told apart what is near and what is far.
    if s.kernel(Side::Local)
        .is_some_and(|spd| spd.left_out_in_vain().is_some())
    {
        return Judgement::Silent;
    }
    for (fact, ours, theirs) in pairs(s) {
        let same = ours.iter().find(|net| {
            theirs.contains(net)
                && net.start != net.end
                && net.start.to_string() != "0.0.0.0"
                && net.start.to_string() != "::"
        });
        if let Some(net) = same
            && !ours.iter().any(|o| theirs.iter().any(|t| o.contains(t)))
        {
            if s.traffic_suffers() {
                return possible(
                    34,
                    format!("the peer's network contains our own {net}"),
                    "whether packets for hosts of the own network go into the tunnel",
                );
            }
        } else if let Some(net) = same {
            return Found::on(
                fact,
                CONFIGURED,
                AtFault::Both,
                format!("both sites use the same network {net}"),
            )
            .because("A host has the network itself and sends to it directly, so that nothing goes into the tunnel.")
            .fix(CHANGE)
            .done();
        }
        for (address_fact, interface, address) in s.interface_networks(fact.side) {
            let Ok(net) = address.parse::<Selector>() else {
                continue;
            };
            let here = ours.iter().any(|o| o.intersect(&net).is_some());
            if !here
                && net.start != net.end
                && !tunnel_device(interface)
                && theirs.iter().any(|t| net.contains(t) && t.start != t.end)
            {
                return Found::on(
                    address_fact,
                    SYMPTOM,
                    AtFault::Both,
                    format!(
                        "the peer's network is also that of {interface} at {} ({address})",
                        crate::signals::who(fact.side)
                    ),
                )
                .with([fact])
                .because("Hosts of a network that is connected are looked for there, and not behind the tunnel.")
                .fix(CHANGE)
                .done();
            }
        }
        // A network of the peer's that is connected here as well.
        for (route_fact, route) in s.routes() {
            let Ok(net) = route.network.parse::<Selector>() else {
                continue;
            };
            // A tunnel's own route has the source of the host's inner network, which lies outside.
            let source = route
                .source
                .as_ref()
                .and_then(|own| own.parse::<Selector>().ok());
            let connected =
                route.via.is_none() && !route.dead && source.is_some_and(|own| net.contains(&own));
            let here = ours.iter().any(|o| o.intersect(&net).is_some());
            if connected
                && !here
                && route_fact.side == fact.side
                && net.start != net.end
                && theirs.iter().any(|t| net.contains(t) && t.start != t.end)
            {
                return Found::on(
                    route_fact,
                    SYMPTOM,
                    AtFault::Both,
                    format!(
                        "the peer's network {} is connected at {} too",
                        route.network,
                        crate::signals::who(fact.side)
                    ),
                )
                .with([fact])
                .because("The connected route wins over the tunnel's.")
                .fix(CHANGE)
                .done();
            }
        }
    }
    Judgement::Silent
}

/// A host says that what is for the other side of a tunnel goes to the bridge of its own containers or guests.
fn way_to_containers(s: &Signals<'_>) -> Option<Judgement> {
    let networks = s.tunnel_networks();
    let within = |nets: &[Selector], to: &str| {
        to.parse::<Selector>()
            .is_ok_and(|to| nets.iter().any(|net| net.contains(&to)))
    };
    let (fact, to, device, way) = s.ways().find_map(|(fact, to, way)| {
        let device = way.device.as_deref().filter(|d| bridge_of_guests(d))?;
        let ours = fact.side == Side::Local && networks.iter().any(|(ours, _)| within(ours, to));
        (way.via.is_none() && !ours).then_some((fact, to, device, way))
    })?;
    // Addresses are given out from the bridge's own upwards: one far from it is none of a container's.
    let far = way.source.as_deref().is_some_and(|own| {
        let net = |a: &str| a.parse::<Ipv4Addr>().ok().map(|a| a.to_bits() >> 8);
        net(own).zip(net(to)).is_some_and(|(own, to)| own != to)
    });
    let theirs = networks.iter().any(|(_, theirs)| within(theirs, to));
    if s.refused_or_told() || !s.silences.is_empty() || !(far || theirs) {
        return Some(possible(
            30,
            format!("packets for {to} go to {device}, a bridge of the host's own"),
            "whether that address is one of the other side's, or a container's",
        ));
    }
    Some(
        Found::on(
            fact,
            SYMPTOM,
            AtFault::Both,
            format!("packets for {to} go to {device}, a bridge for containers or guests on that host, whose network takes in the address"),
        )
        .because("The network of the bridge is connected, so its route is taken before the one to the gateway: answers to the other side stay on the host. Hosts without such a bridge answer.")
        .fix("take a range for the other side (its network, or the pool of its clients) that no container bridge uses, or give the bridge another one (Docker: `bip` and `default-address-pools` in /etc/docker/daemon.json)")
        .then("ip route get ADDRESS of the other side on each host that doesn't answer")
        .done(),
    )
}

/// A bridge that software for containers or guests made on its host.
fn bridge_of_guests(name: &str) -> bool {
    // Docker names the bridges of its further networks by the beginning of their id.
    let by_id = name
        .strip_prefix("br-")
        .is_some_and(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    const HEADS: [&str; 9] = [
        "docker", "virbr", "lxcbr", "lxdbr", "incusbr", "podman", "cni", "cbr", "vmnet",
    ];
    by_id || HEADS.iter().any(|head| name.starts_with(head))
}

/// The host waits for an SA for traffic between itself and its own network: the tunnel's selectors take that, too.
fn own_network_taken(s: &Signals<'_>) -> Option<Judgement> {
    let own: Vec<(&Fact, &str, Selector)> = s
        .interface_networks(Side::Local)
        .filter_map(|(fact, name, net)| Some((fact, name, net.parse().ok()?)))
        .collect();
    for seen in s.signs_of(Sign::TrafficWaits) {
        let end = |name: &str| seen.value(name)?.parse::<Selector>().ok();
        let (Some(from), Some(to)) = (end("source"), end("destination")) else {
            continue;
        };
        let Some((address, name, net)) = own
            .iter()
            .find(|(_, _, net)| net.contains(&from) && net.contains(&to))
        else {
            continue;
        };
        let wide = |nets: &[Selector], inner: &Selector| nets.iter().any(|n| n.contains(inner));
        let selectors = s.tunnel_networks();
        let Some((_, theirs)) = selectors
            .iter()
            .find(|(ours, theirs)| wide(ours, &from) && wide(theirs, &to))
        else {
            continue;
        };
        let remote = theirs.iter().find(|t| t.contains(&to))?;
        return Some(
            Found::on(
                seen.fact,
                COUNTED,
                AtFault::Local,
                format!("the tunnel's remote network {remote} contains the own network {net} ({name}), so its traffic goes into the tunnel"),
            )
            .with([*address])
            .because("The host waits for an SA for packets that stay in its own network: the policy of the tunnel matches them before the connected route is used.")
            .fix("leave the own network out of the tunnel's remote network, or add a connection that passes it in clear (strongSwan: a shunt of type pass, or the plugin bypass-lan; Libreswan: a conn with type=passthrough and authby=never)")
            .then("ip xfrm policy; ip route get ADDRESS of a host in the own network")
            .done(),
        );
    }
    None
}

const CHANGE: &str = "renumber one site, or translate both networks one to one into ranges of their own and use those in the selectors";

/// A configuration has one network on both sides of a tunnel to another host.
fn written_alike(s: &Signals<'_>) -> Option<Judgement> {
    if !s.calm() {
        return None;
    }
    let both = |ours: &[Option<Selector>], theirs: &[Option<Selector>]| {
        let wide = |net: &&Selector| net.start != net.end && !net.start.is_unspecified();
        let mut ours = ours.iter().flatten().filter(wide);
        ours.find(|net| theirs.iter().flatten().any(|t| t == *net))
            .copied()
    };
    s.case.of(Side::Local).find_map(|fact| {
        let Known::PeerConfigured { connection } = &fact.what else {
            return None;
        };
        // What passes by the tunnel is written as a tunnel to oneself, or to nobody.
        let another = |place: &Place| matches!(place, Place::Address(to) if !to.is_loopback());
        if !connection.remote.value.iter().any(another) {
            return None;
        }
        let net = connection.children.iter().find_map(|child| {
            let tunnel = child.mode.value == Mode::Tunnel && child.route_based.is_none();
            let (ours, theirs) = (&child.local_ts.value, &child.remote_ts.value);
            both(ours, theirs).filter(|_| tunnel)
        })?;
        Some(
            Found::on(
                fact,
                CONFIGURED,
                AtFault::Both,
                format!("{} has the network {net} on both of its sides", connection.name),
            )
            .because("A host has the network itself and sends to it directly, so that nothing goes into the tunnel.")
            .fix(CHANGE)
            .done(),
        )
    })
}

/// The networks of either side, as agreed.
fn pairs<'a>(s: &Signals<'a>) -> Vec<(&'a Fact, Vec<Selector>, Vec<Selector>)> {
    let installed = s.kernel(Side::Local).map_or_else(Vec::new, |spd| {
        spd.protecting("out")
            .filter(|(_, p)| p.templates.iter().all(|t| t.mode == "tunnel"))
            .filter_map(|(f, p)| Some((f, vec![p.from.parse().ok()?], vec![p.to.parse().ok()?])))
            .collect()
    });
    s.case
        .of(Side::Local)
        .filter_map(|f| match &f.what {
            Known::Happened {
                happening:
                    Happening::ChildEstablished {
                        ts_local,
                        ts_remote,
                        ..
                    },
            } => Some((f, ts_local.clone(), ts_remote.clone())),
            _ => None,
        })
        .chain(installed)
        .collect()
}
