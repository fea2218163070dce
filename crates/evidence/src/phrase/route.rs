//! Sentences about routes.

use std::collections::BTreeMap;

use adit_model::sign::Sign;

use super::{Phrase, any, by};

/// Whether an interface sent into itself: far more went out than anybody sends who hears nothing at all.
/// The kernel says it of any interface, WireGuard's too, and whoever asks what it means names none.
pub(super) fn loops(values: &BTreeMap<String, String>, body: &str) -> bool {
    const MUCH: u64 = 5_000_000;
    const NOTHING: u64 = 1_000;
    let number = |name: &str| values.get(name)?.parse::<u64>().ok();
    let named = |name: &String| {
        let digits = name.contains(|c: char| c.is_ascii_digit());
        (digits || name.ends_with(':')) && !name.starts_with("wg") && !name.starts_with("tun")
    };
    if body.contains("Local routing loop") && !values.get("interface").is_some_and(named) {
        return false;
    }
    match (number("sent"), number("received")) {
        (Some(sent), Some(received)) => sent >= MUCH && received < NOTHING,
        _ => !values.contains_key("sent"),
    }
}

/// Whether so many octets in so many minutes are more than an uplink takes from who hears nothing: one that is wrapped
/// again and again runs at the speed of the machine.
pub(super) fn runs_away(values: &BTreeMap<String, String>, minutes: f64) -> bool {
    const OCTETS_A_MINUTE: f64 = 60e6;
    let sent = values.get("sent").and_then(|n| n.parse::<f64>().ok());
    sent.is_some_and(|sent| minutes > 0.0 && sent / minutes >= OCTETS_A_MINUTE)
}

pub(super) static PHRASES: &[Phrase] = &[
    // strongSwan: kernel-netlink, kernel-libipsec, kernel-pfkey.
    any(
        Sign::RouteConflict,
        "can't install route for {route}, conflicts with IKE traffic",
    ),
    any(
        Sign::RouteNotInstalled,
        "unable to install source route for {route:w}",
    ),
    any(
        Sign::NoAddressInSelector,
        "no local address found in traffic selector {selector}",
    ),
    any(
        Sign::RouteToPeerLost,
        "no route found to reach {peer:w} MOBIKE update deferred",
    ),
    any(
        Sign::RouteToPeerLost,
        "no route found to reach peer, MOBIKE update deferred",
    ),
    // What people say of strongSwan's table.
    any(
        Sign::RouteTableEmpty,
        "table {table:n}{}doesn't have any route",
    ),
    any(
        Sign::RouteTableEmpty,
        "table {table:n}{}does not have any route",
    ),
    any(Sign::RouteTableEmpty, "table {table:n} is empty"),
    any(Sign::RouteTableEmpty, "table {table:n} stays empty"),
    any(Sign::RouteTableEmpty, "table {table:n} shows nothing"),
    any(Sign::RouteTableEmpty, "no routes in table {table:n}"),
    any(Sign::RouteTableEmpty, "no route in table {table:n}"),
    any(
        Sign::RouteTableEmpty,
        "no routes are installed in table {table:n}",
    ),
    // pluto.
    any(
        Sign::OwnTrafficCaught,
        "{source:w}->{destination:w} acquire for our own IP address",
    ),
    any(Sign::OwnTrafficCaught, "acquire for our own IP address"),
    // Linux.
    any(
        Sign::RecursiveRouting,
        "{interface:w} Local routing loop detected",
    ),
    any(
        Sign::RecursiveRouting,
        "Dead loop on virtual device {interface:w} fix it urgently",
    ),
    // How long it was there and what its interface carried, when it closes.
    by(
        &["pppd"],
        Sign::RecursiveRouting,
        "Connect time {minutes:w} minutes.",
    ),
    by(
        &["pppd"],
        Sign::RecursiveRouting,
        "Sent {sent:n} bytes, received {received:n} bytes",
    ),
    // Cisco.
    any(
        Sign::RecursiveRouting,
        "TUN-5-RECURDOWN: {interface:w} temporarily disabled due to recursive routing",
    ),
    any(
        Sign::RecursiveRouting,
        "{interface:w} temporarily disabled due to recursive routing",
    ),
    any(Sign::RecursiveRouting, "TUN-3-RECURDOWN{}recursive routing"),
    any(
        Sign::RecursiveRouting,
        "ADJ-5-PARENT: Midchain parent maintenance for{interface}looped chain",
    ),
    any(Sign::RecursiveRouting, "MIDCHAIN-4-LOOP{}stacked on itself"),
    any(Sign::NetworksOverlap, "% {network:w} overlaps with {other}"),
    any(
        Sign::NextHopMissing,
        "Routing failed to locate next hop for {:w} from {source:w} to {destination:w}",
    ),
    any(
        Sign::NextHopMissing,
        "Failed to locate egress interface for {:w} from {source:w} to {destination:w}",
    ),
    // BGP through the tunnel.
    any(
        Sign::NeighbourDiffers,
        "neighbor {neighbour:w} {}2/2 (peer in wrong AS) {problem}",
    ),
    any(Sign::NeighbourDiffers, "2/2 (peer in wrong AS)"),
    any(
        Sign::NeighbourDiffers,
        "%BGP-3-NOTIFICATION: {} neighbor {neighbour:w} 2/2",
    ),
    any(Sign::NeighbourDiffers, "OPEN Message Error/Bad Peer AS"),
    any(
        Sign::NeighbourDiffers,
        "{neighbour:w} bad OPEN, remote AS is {problem:w}",
    ),
    any(
        Sign::NeighbourDiffers,
        "NOTIFICATION sent to {neighbour:w} {}code 2 (Open Message Error) subcode 2 (bad peer AS number)",
    ),
    any(
        Sign::NeighbourDiffers,
        "(Open Message Error) subcode 2 (bad peer AS number)",
    ),
    // Clouds.
    any(
        Sign::TunnelWithoutRoutes,
        "\"StatusMessage\": \"IPSEC IS UP\"",
    ),
    any(Sign::TunnelWithoutRoutes, "Down IPSEC IS UP"),
    any(Sign::RouteBlackhole, "\"State\": \"blackhole\""),
    any(
        Sign::RouteBlackhole,
        "\"DestinationCidrBlock\": \"{network:w}\",{}\"State\": \"blackhole\"",
    ),
    any(Sign::ForwardingCheckOn, "\"canIpForward\": false"),
    any(Sign::ForwardingCheckOn, "canIpForward: false"),
    any(Sign::ForwardingCheckOn, "\"enableIPForwarding\": false"),
    any(Sign::ForwardingCheckOn, "\"enableIpForwarding\": false"),
    any(Sign::ForwardingCheckOn, "SOURCEDESTCHECK True"),
];
