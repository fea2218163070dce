//! Routes, rules and links: `ip route`, `ip route get`, `ip rule`, `ip link`, and the tables of other systems.

use adit_model::fact::{Fact, Known};
use adit_model::host::{HostState, Listing, Route};
use adit_model::sign::Sign;

use super::{command, fact, sign};
use crate::reading::Place;
use crate::text::{Line, split_at_rare};

/// So many routes are kept: a listing of a router with all of the Internet's says nothing about a tunnel.
const KEPT: usize = 256;

/// What was asked last, and how many routes were seen.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    asked: Option<String>,
    /// What a router was asked for last, and in which of its tables.
    looked_up: Option<Lookup>,
    seen: usize,
    /// The table that was asked for, and where; nothing of it was shown yet.
    table: Option<(String, Place)>,
    /// A table of Cisco's that says itself that it has no default route: where, and how many routes it had so far.
    whole: Option<(Place, u32)>,
    /// The table whose routes are being shown.
    listing: Option<String>,
    /// What the lines of BSD's `route get` have told so far: whereto, and the next hop.
    get: Option<(String, Option<String>)>,
    /// A Linux table of which all routes were asked for: where, and how many routes without a default route it had so far.
    linux: Option<(Place, u32)>,
    /// Where the routes of all Linux tables were asked for; none of the table that comes last was shown yet.
    all: Option<Place>,
}

/// A look-up on a router: of all routes, or of one protocol's.
#[derive(Debug)]
enum Lookup {
    /// `show ip route NETWORK`.
    Route(String),
    /// `show ip bgp NETWORK`.
    Other,
}

impl Routes {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some(lookup) = lookup(body) {
            self.looked_up = Some(lookup);
        } else if body == "% Network not in table" {
            let destination = match self.looked_up.take() {
                Some(Lookup::Other) => return,
                Some(Lookup::Route(network)) => Some(network),
                None => None,
            };
            let values = destination.iter().map(|to| ("destination", to.as_str()));
            let values: Vec<_> = values.collect();
            facts.push(sign(place(), Sign::NextHopMissing, &values));
            return;
        }
        if self.table.is_some() && !body.is_empty() {
            self.shown(body, facts);
        }
        if let Some(table) = table(body) {
            self.table = Some((table.to_owned(), place()));
            self.listing = Some(table.to_owned());
            return;
        }
        if let Some((_, rest)) = split_at_rare(body, "ip route get ") {
            self.asked = rest.split_ascii_whitespace().next().map(ToOwned::to_owned);
            return;
        }
        if begins_whole(body) {
            self.close(facts);
            self.linux = Some((place(), 0));
            self.all = body.ends_with(" all").then(place);
            return;
        }
        if let Some(place) = self.all.take_if(|_| body.contains(" table local")) {
            let (what, entries) = (Listing::Tables, 1);
            let state = Box::new(HostState::Listed { what, entries });
            facts.push(fact(place, Known::Host { state }));
        }
        if command(body).is_some() {
            self.close(facts);
            self.listing = None;
            self.all = None;
        }
        if body.starts_with("Gateway of last resort is not set") {
            self.whole = Some((place(), 0));
        } else if body.starts_with("Gateway of last resort is ") {
            self.whole = None;
        }
        let state = self
            .way(body)
            .or_else(|| self.way_of_bsd(body))
            .or_else(|| own(body))
            .or_else(|| {
                let route = linux(body).or_else(|| netstat(body));
                self.count(route.as_ref());
                route.or_else(|| other(body)).map(HostState::Route)
            })
            .or_else(|| rule(body))
            .or_else(|| link(body));
        let Some(state) = state else {
            return;
        };
        let mut state = state;
        if let (HostState::Route(route), Some(table)) = (&mut state, &self.listing) {
            route.table.get_or_insert_with(|| table.clone());
        }
        if let HostState::Route(route) = &state {
            if let Some((_, entries)) = &mut self.whole {
                // A prefix that some releases print in the table after all.
                let default = route.network == "0.0.0.0/0";
                *entries += 1;
                self.whole = self.whole.take().filter(|_| !default);
            }
            self.seen += 1;
            if self.seen > KEPT {
                return;
            }
        }
        let of = match &state {
            HostState::Link { name, .. } => member(name, body),
            _ => None,
        };
        for state in core::iter::once(state).chain(of) {
            let state = Box::new(state);
            facts.push(fact(place(), Known::Host { state }));
        }
    }

    /// A route of a Linux table. The default route comes first there, so that a table whose end is cut off has none either.
    fn count(&mut self, route: Option<&Route>) {
        let Some(route) = route else {
            return;
        };
        if let Some((_, entries)) = &mut self.linux {
            let default = route.network == "0.0.0.0/0";
            *entries += 1;
            self.linux = self.linux.take().filter(|_| !default);
        }
    }

    /// A Linux table ends.
    fn close(&mut self, facts: &mut Vec<Fact>) {
        if let Some((place, entries)) = self.linux.take()
            && (1..KEPT).contains(&usize::try_from(entries).unwrap_or(KEPT))
        {
            let what = Listing::Routes;
            let state = Box::new(HostState::Listed { what, entries });
            facts.push(fact(place, Known::Host { state }));
        }
    }

    /// The table that was shown last, where it is known to be whole.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.close(facts);
        if let Some((place, entries)) = self
            .whole
            .take()
            .filter(|(_, n)| *n > 0 && self.seen <= KEPT)
        {
            let state = Box::new(HostState::Listed {
                what: Listing::Routes,
                entries,
            });
            facts.push(fact(place, Known::Host { state }));
        }
    }

    /// `route to: 203.0.113.5`, `gateway: 192.0.2.1`, `interface: utun4`, each on a line of its own (BSD, macOS).
    fn way_of_bsd(&mut self, body: &str) -> Option<HostState> {
        let (name, told) = body.split_once(": ")?;
        match name {
            "route to" => {
                self.get = Some((told.trim().to_owned(), None));
                None
            }
            "gateway" => {
                if let Some((_, via)) = &mut self.get {
                    *via = Some(told.trim().to_owned());
                }
                None
            }
            "interface" => {
                let (to, via) = self.get.take().filter(|(to, _)| to != "default")?;
                Some(HostState::Way {
                    route: Route {
                        network: to.clone(),
                        via,
                        device: Some(told.trim().to_owned()),
                        ..Route::default()
                    },
                    to,
                })
            }
            _ => None,
        }
    }

    /// What follows the command: a route, or the next prompt when there was none.
    fn shown(&mut self, body: &str, facts: &mut Vec<Fact>) {
        let prompt = body.contains("# ") || body.contains("$ ") || body.ends_with(['#', '$']);
        let nothing = prompt && linux(body).is_none();
        if let Some((table, place)) = self.table.take()
            && nothing
        {
            let values = [("table", table.as_str())];
            facts.push(sign(place, Sign::RouteTableEmpty, &values));
        }
    }

    /// `10.2.0.5 via 192.0.2.254 dev eth0 table 220 src 10.1.0.1 uid 0`: an address, not a network.
    fn way(&mut self, body: &str) -> Option<HostState> {
        let (to, rest) = body.split_once(' ')?;
        if to.contains('/') || !address(to) {
            return None;
        }
        let told = body.contains(" uid ") || self.asked.as_deref() == Some(to);
        let route = words(to, rest)?;
        if !told {
            return None;
        }
        self.asked = None;
        Some(HostState::Way {
            to: to.to_owned(),
            route,
        })
    }
}

/// Whether all routes of a Linux host follow: `ip route`, `ip -4 r show table all`, the heading of `route -n`.
fn begins_whole(body: &str) -> bool {
    if body == "Kernel IP routing table" {
        return true;
    }
    let Some(typed) = command(body) else {
        return false;
    };
    let mut words = typed
        .split_ascii_whitespace()
        .filter(|w| !matches!(*w, "sudo" | "-4" | "-n" | "-c" | "--color"));
    let route = words.next() == Some("ip")
        && words
            .next()
            .is_some_and(|w| matches!(w, "r" | "ro" | "route" | "routes"));
    let rest: Vec<&str> = words.collect();
    route
        && matches!(
            rest.as_slice(),
            [] | ["show" | "list" | "ls" | "l" | "s"]
                | [
                    "show" | "list" | "ls" | "l" | "s",
                    "table" | "t",
                    "all" | "main"
                ]
        )
}

/// A row of `route -n`: `10.2.0.0  192.0.2.1  255.255.0.0  UG  0  0  0  eth0`.
fn netstat(body: &str) -> Option<Route> {
    let first = body.split_ascii_whitespace().next()?;
    first.parse::<std::net::Ipv4Addr>().ok()?;
    let words: Vec<&str> = body.split_ascii_whitespace().collect();
    let [to, via, mask, flags, .., device] = words.as_slice() else {
        return None;
    };
    let mask: u32 = mask.parse::<std::net::Ipv4Addr>().ok()?.into();
    let contiguous = mask.leading_ones() + mask.trailing_zeros() == u32::BITS || mask == 0;
    let gateway: std::net::Ipv4Addr = via.parse().ok()?;
    let to: std::net::Ipv4Addr = to.parse().ok()?;
    let known = flags.starts_with(['U', '!'])
        && flags.bytes().all(|b| b == b'!' || b.is_ascii_alphabetic());
    (words.len() == 8 && known && contiguous).then(|| Route {
        network: format!("{to}/{}", mask.leading_ones()),
        via: (!gateway.is_unspecified()).then(|| gateway.to_string()),
        device: Some((*device).to_owned()),
        dead: flags.contains('!'),
        ..Route::default()
    })
}

/// The table that a command asks for: `ip route show table 220`, `ip r l t 220`.
fn table(body: &str) -> Option<&str> {
    if !body.contains("ip ") {
        return None;
    }
    let at = body.find("ip r").or_else(|| body.find("ip -4 r"))?;
    let rest = body.get(at..)?;
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let place = words.iter().position(|w| *w == "table" || *w == "t")?;
    let table = words.get(place + 1).copied()?;
    let last = words.len() == place + 2;
    (last && table == "220").then_some(table)
}

/// A line of `ip route`.
fn linux(body: &str) -> Option<Route> {
    let (first, rest) = body.split_once(' ')?;
    if matches!(first, "unreachable" | "blackhole" | "prohibit" | "throw") {
        let (network, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        return network_of(network).map(|network| Route {
            network,
            dead: true,
            table: value(rest, "table"),
            ..Route::default()
        });
    }
    words(&network_of(first)?, rest)
}

/// `via … dev … src … table …`; without a device it isn't a route.
fn words(network: &str, rest: &str) -> Option<Route> {
    let first = rest.split_ascii_whitespace().next()?;
    if !matches!(first, "via" | "dev" | "from" | "nhid") {
        return None;
    }
    Some(Route {
        network: network.to_owned(),
        via: value(rest, "via"),
        device: Some(value(rest, "dev")?),
        source: value(rest, "src"),
        table: value(rest, "table"),
        dead: false,
    })
}

fn value(text: &str, name: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    words.find(|w| *w == name)?;
    words.next().map(ToOwned::to_owned)
}

/// Routing tables of Cisco (`S  10.2.0.0/16 [1/0] via …`), VyOS (`S>* 10.2.0.0/24 [1/0] is directly connected, vti0`)
/// and PAN-OS.
fn other(body: &str) -> Option<Route> {
    let (code, rest) = body.split_once(char::is_whitespace)?;
    let code = code.trim_end_matches(['>', '*']);
    if !matches!(code, "S" | "C" | "B" | "O" | "K" | "R" | "D" | "i") {
        return None;
    }
    let rest = rest.trim_start();
    let (network, rest) = rest.split_once(' ')?;
    let network = network_of(network).filter(|n| n.contains('/'))?;
    let device = rest
        .rsplit(", ")
        .map(str::trim)
        .find(|w| {
            !w.is_empty() && !w.contains(' ') && w.starts_with(|c: char| c.is_ascii_alphabetic())
        })
        .map(ToOwned::to_owned);
    let via = value(rest, "via").map(|v| v.trim_end_matches(',').to_owned());
    if via.is_none() && !rest.contains("directly connected") {
        return None;
    }
    Some(Route {
        network,
        via,
        device,
        ..Route::default()
    })
}

/// `L        192.0.2.1/32 is directly connected, Ethernet0/0`: an address of the router itself.
fn own(body: &str) -> Option<HostState> {
    let rest = body.strip_prefix("L ")?.trim_start();
    let (address, rest) = rest.split_once(' ')?;
    let interface = rest.trim_start().strip_prefix("is directly connected, ")?;
    network_of(address)?;
    Some(HostState::Address {
        interface: interface.trim().to_owned(),
        address: address.to_owned(),
    })
}

/// `220: from all lookup 220`.
fn rule(body: &str) -> Option<HostState> {
    let (priority, words) = body.split_once(':')?;
    let priority = priority.parse().ok()?;
    let words = words.trim();
    let known = (words.starts_with("from ") || words.starts_with("not from "))
        && (words.contains(" lookup ") || words.contains(" goto "));
    known.then(|| HostState::Rule {
        priority,
        words: words.to_owned(),
    })
}

/// `3: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc …`; `eth0: flags=4163<UP,…>  mtu 1500`.
fn link(body: &str) -> Option<HostState> {
    let (head, rest) = body.split_once('<')?;
    let mtu = value(rest, "mtu")?.parse().ok()?;
    let mut parts = head.split(':').map(str::trim);
    let first = parts.next()?;
    let name = if first.parse::<u32>().is_ok() {
        parts.next()?
    } else {
        first
    };
    let name = name.split('@').next()?;
    (!name.is_empty() && !name.contains(' ')).then(|| HostState::Link {
        name: name.to_owned(),
        mtu,
    })
}

/// `… mtu 1500 qdisc fq_codel master vrf-1 state UP …`.
fn member(name: &str, body: &str) -> Option<HostState> {
    Some(HostState::Member {
        name: name.to_owned(),
        of: value(body, "master")?,
    })
}

/// A network as it is written, or the default route as a network.
fn network_of(word: &str) -> Option<String> {
    if word == "default" {
        return Some("0.0.0.0/0".to_owned());
    }
    let (network, length) = word.split_once('/').unwrap_or((word, "32"));
    (address(network) && length.parse::<u8>().is_ok_and(|l| l <= 128)).then(|| word.to_owned())
}

fn address(word: &str) -> bool {
    word.parse::<std::net::IpAddr>().is_ok()
}

/// What a command at a router's prompt looks up: `hub# show ip route 10.4.0.0/16`, `R1#sh ip ro 10.4.0.0`.
fn lookup(body: &str) -> Option<Lookup> {
    let (_, rest) = [
        " show ", "#show ", ">show ", "#sh ", ">sh ", "# sh ", "> sh ",
    ]
    .into_iter()
    .find_map(|words| split_at_rare(body, words))?;
    let mut words = rest.split_ascii_whitespace();
    let family = words.next()?;
    if !matches!(family, "ip" | "ipv6") {
        return None;
    }
    match words.next()? {
        w if "route".starts_with(w) && w.len() > 1 => words
            .next()
            .map(|network| Lookup::Route(network.to_owned())),
        _ => Some(Lookup::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_told_from_other_lines() {
        let route = linux("10.2.0.0/24 dev vti0 proto static scope link").unwrap_or_default();
        assert_eq!(route.device.as_deref(), Some("vti0"));
        assert_eq!(
            linux("default via 192.0.2.254 dev eth0").map(|r| r.network),
            Some("0.0.0.0/0".to_owned())
        );
        assert!(linux("unreachable 10.0.0.0/8 metric 1").is_some_and(|r| r.dead));
        assert!(linux("10.2.0.0/24 is not reachable").is_none());
        assert!(
            other("S>* 10.2.0.0/24 [1/0] is directly connected, vti0, 00:12:01")
                .is_some_and(|r| r.network == "10.2.0.0/24")
        );
    }

    #[test]
    fn rows_of_route_n_are_routes() {
        let row = "10.2.0.0        192.0.2.254     255.255.0.0     UG    0      0        0 eth0";
        let route = netstat(row).unwrap_or_default();
        assert_eq!(route.network, "10.2.0.0/16");
        assert_eq!(route.via.as_deref(), Some("192.0.2.254"));
        assert_eq!(route.device.as_deref(), Some("eth0"));
        let own = "10.1.0.0 0.0.0.0 255.255.255.0 U 0 0 0 eth1";
        assert!(netstat(own).is_some_and(|r| r.via.is_none() && r.network == "10.1.0.0/24"));
        assert!(netstat("Destination Gateway Genmask Flags Metric Ref Use Iface").is_none());
        assert!(netstat("10.2.0.0 192.0.2.254 255.0.255.0 UG 0 0 0 eth0").is_none());
    }

    #[test]
    fn what_asks_for_all_routes() {
        for typed in [
            "ip route",
            "# ip -4 route show",
            "$ ip r",
            "Kernel IP routing table",
        ] {
            assert!(begins_whole(typed), "{typed}");
        }
        for typed in [
            "ip route get 10.2.0.1",
            "ip route show table 220",
            "ip addr",
        ] {
            assert!(!begins_whole(typed), "{typed}");
        }
    }

    #[test]
    fn links_and_rules() {
        assert_eq!(
            link("2: eth0@if3: <BROADCAST,UP> mtu 1450 qdisc mq state UP"),
            Some(HostState::Link {
                name: "eth0".to_owned(),
                mtu: 1450
            })
        );
        assert!(matches!(
            rule("220:\tfrom all lookup 220"),
            Some(HostState::Rule { priority: 220, .. })
        ));
        assert!(rule("12: 34").is_none());
    }
}
