//! Routes that people add or take away by hand.
//!
//! What it tells depends on whose route it is: one to the far network was missing, one into the tunnel took what it shouldn't,
//! one to the other gateway keeps the tunnel's own packets out of it.

use adit_model::culprit::Culprit;

use super::pinned::{NEAR, NEGATIONS};
use super::{holds, places};

const NAMES: &str = "route |routes |routing entry|routing table entry";
const ADDS: &str = "ip route add|ip ro add|ip route replace|ip r add|ip r a |route add |route a add|ip #4 route add|netsh interface ipv4 add route|new netroute";
const TAKES: &str =
    "ip route del|ip r del|ip route flush|route del|route delete|remove netroute|no ip route";
const ADDED: &str = "add a|add the|add an|add that|add this|add it|add my|added|adding|put |putting|set |setting |created|creating|create a|install a|installed|installing|inserted|inserting|entered|entering|re add|readd";
const TAKEN: &str = "delet|remov|filter|withdr|took out|taking out|take out|took away|taking away|flush|without|got rid|getting rid|suppress|disabl";
/// Another sort of route, or another's.
const OTHER: &str = "route map|route based|route policy|route leak|route reflect|policy route|route cache|flush cache|openvpn|wireguard|def1|nat rule|port forward";
const BACK: &str = "return route|route back|back route|reverse route|return path|routes back|on the server|on the host|on the remote|on the machine|on the other|on both|on their|behind the|behind it|behind them|on my pc|on the pc|on the workstation|on the vm|on each host|on all hosts|on every host|on the hosts|on the clients behind|route there|box there|gateway there|router there|there and|there now|via the vpn box|via the vpn gateway|via the vpn server|via the gateway|via the raspberry|via the pi|via the firewall|answered by|had no route back|on #|core switch|layer #3 switch|l3 switch|lan router|main router|default gateway";
const POOL: &str = "route to the vpn client|route to the vpn pool|route for the vpn client|route for the vpn pool|route to the client pool|route for the client pool|route to the pool|route for the pool|route to the vpn subnet|route for the vpn subnet|route for the road warrior|route to the road warrior";
const CLOUD: &str = "vpc|aws|ec2|azure|gcp|google cloud|cloud route|cloud router|user defined route|udr |transit gateway|tgw|subnets route table|route table of the subnet";
const ELSE: &str = "phase #|negotiat|came up|comes up|restarted|restarting|rebooted|rebooting|opened|opening|enabled|enabling|disabled|disabling|replaced|replacing|upgraded|reinstalled|changed|changing|corrected|psk|port #|ports";
/// A route's rank, or another list that a network stands in.
const NO_ROUTE: &str = "metric|acl|access list|announce|advertis|bgp|neighbor|rule|exempt|policy|policies|nopull|blackhole|service order";
/// A machine or network behind the other end, that knew no way back.
const ANSWERING: &str = "on the server i see|server sees|servers got|server gets|server got|saw the requests|see the requests|didnt know #|did not know #|no route back|answers by the|answered by the|pool #|address from the pool";
/// By name, where no network is told.
const FAR: &str = "route to the remote|route for the remote|route to the office network|route for the office network|route to the far|route for the far|route to the other site|route for the other site|routes to the remote|routes for the remote|vpn connection to the routing";
/// By the interface that it leads into, where no network is told.
const TUNNEL_DEVICE: &str = "via vti|dev vti|by vti|via ipsec#|dev ipsec|via xfrm|dev xfrm|by xfrm|into the tunnel|through the tunnel";
const DEFAULT: &str = "default route|default routes";
/// The other gateway itself, as where a route leads to.
const GATEWAY: &str = "route to the vpn server|route to the vpn gateway|route to the l2tp server|route to the peer|route to the remote gateway|route to the server|route to the gateway|route for the vpn server|route for the vpn gateway|route for the peer|route for the remote gateway|route to the tunnel endpoint|route to the endpoint|host route to the|host route for the";
const OUTSIDE: &str = "via the lan|via my lan|via the router|via my router|via the wan|via the default|via the local|via the physical|via the isp|via eth|via wlan|via en|via the old|over the wan|over the lan|by the lan|through the wan|through the router|through my router|outside|before connect|physical|uplink|via #";
/// The tunnel came up and didn't stay so without it.
const STAYS: &str = "stays up|stay up|stays connected|stay connected|stable|stopped dropping|stops dropping|no longer|dont drop|doesnt drop|survives|before connect|disconnect";
/// A route that may cover the other gateway, and leads into the tunnel.
const WIDE: &str = "#0 #0 #0 #0 #1 |#128 #0 #0 #0 #1 |#2000 #3 |into the tunnel|through the tunnel|via the tunnel|over the tunnel|by the tunnel|through it|into the vpn|through the vpn|via the vpn|via ppp|through ppp|dev ppp|over ppp|via vti|dev vti|through vti|via ipsec|dev ipsec|through ipsec|via xfrm|dev xfrm|via tun|dev tun|through tun|via utun|tunnel interface|catch all";
/// It does hold it: all addresses, half of them, or the gateway itself.
const HOLDS: &str = "#0 #0 #0 #0 #1 |#0 #0 #0 #0 #0 |#128 #0 #0 #0 #1 |#2000 #3 |default route|catch all|route to the vpn server|route to the server|route to the peer|route to the gateway|route to the vpn gateway";
/// What works again is the tunnel.
const TUNNEL: &str = "tunnel|vpn|ipsec|handshake|esp ";
/// What else a route into the tunnel takes away.
const INTERNET: &str = "internet|browse|browsing|web |google|local network|lan ";

/// Another reason why it was in the way, or what works is no traffic.
const AS_WELL: &str =
    "as well|announce|bgp|backup|dead|standby|second tunnel|both |only that|no traffic|old ";

/// What was done to a route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Added,
    Taken,
}

/// Whose route the sentence tells to have been changed; `earlier` is what was told before it.
pub(super) fn changed(
    earlier: &str,
    sentence: &str,
    by_somebody: impl Fn(usize) -> bool,
) -> Option<Culprit> {
    let commands = holds(sentence, ADDS) || holds(sentence, TAKES);
    if !commands && !holds(sentence, NAMES) || holds(sentence, OTHER) {
        return None;
    }
    match done(sentence, by_somebody)? {
        Done::Added if holds(sentence, GATEWAY) => {
            (holds(sentence, OUTSIDE) && holds(sentence, STAYS)).then_some(Culprit::RouteToPeer)
        }
        Done::Added if holds(sentence, CLOUD) => Some(Culprit::CloudRoute),
        Done::Added if holds(sentence, POOL) => Some(Culprit::ReturnRoute),
        // Things of their own, or nobody knows where it leads.
        Done::Added if holds(sentence, BACK) || holds(sentence, DEFAULT) => None,
        // More was done, or what works is no route's matter.
        Done::Added if holds(sentence, ELSE) || holds(sentence, NO_ROUTE) => None,
        Done::Added if holds(earlier, ANSWERING) || holds(sentence, ANSWERING) => None,
        Done::Added => leads_far(sentence).then_some(Culprit::RouteMissing),
        Done::Taken => {
            let into = holds(sentence, WIDE) || holds(earlier, WIDE);
            let held = holds(sentence, HOLDS) || holds(earlier, HOLDS);
            let wide = into && held && !holds(sentence, AS_WELL);
            // A network that is told has to be all addresses or half of them.
            let wide = wide && network(sentence).is_none_or(|net| is_wide(&net));
            let revived = holds(sentence, TUNNEL) && !holds(sentence, INTERNET);
            (wide && revived).then_some(Culprit::RouteOfTunnel)
        }
    }
}

/// Whether it leads to a network that stands behind the other end, or into the tunnel.
fn leads_far(sentence: &str) -> bool {
    const PUBLIC_NAMES: &str = "#8 #8 #|#1 #1 #1 #1";
    let told = network(sentence).is_some() || holds(sentence, FAR);
    (told || holds(sentence, TUNNEL_DEVICE)) && !holds(sentence, PUBLIC_NAMES)
}

/// The first network or address of IPv4 in the sentence.
fn network(sentence: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let number = |w: &&str| w.strip_prefix('#').is_some_and(|n| n.parse::<u8>().is_ok());
    words
        .windows(4)
        .position(|four| four.iter().all(number))
        .and_then(|at| words.get(at..(at + 5).min(words.len())))
        .map(<[&str]>::to_vec)
}

fn is_wide(net: &[&str]) -> bool {
    matches!(net, ["#0" | "#128", "#0", "#0", "#0", ..])
}

/// The one thing that was done, where nobody says that it wasn't.
fn done(sentence: &str, by_somebody: impl Fn(usize) -> bool) -> Option<Done> {
    let near = |verbs: &'static str| {
        verbs
            .split('|')
            .flat_map(|verb| places(sentence, verb))
            .filter(|(from, _)| !is_denied(sentence, *from) && by_somebody(*from))
            .any(|(from, to)| {
                NAMES
                    .split('|')
                    .flat_map(|name| places(sentence, name))
                    .any(|(at, end)| from.abs_diff(end) <= NEAR && to.abs_diff(at) <= NEAR)
            })
    };
    let added = holds(sentence, ADDS) || near(ADDED);
    let taken = holds(sentence, TAKES) || near(TAKEN);
    match (added, taken) {
        (true, false) => Some(Done::Added),
        (false, true) => Some(Done::Taken),
        _ => None,
    }
}

/// Nobody did it, or `the route that the client installed` did.
fn is_denied(sentence: &str, verb: usize) -> bool {
    let ahead = sentence.get(..verb).unwrap_or_default();
    let before: Vec<&str> = ahead.split_whitespace().rev().take(4).collect();
    let denied = before
        .iter()
        .take(2)
        .any(|w| *w != "to" && NEGATIONS.contains(w));
    let others = before
        .iter()
        .any(|w| matches!(*w, "that" | "which" | "gets" | "get"))
        && !before.iter().any(|w| matches!(*w, "i" | "we"));
    denied || others
}
