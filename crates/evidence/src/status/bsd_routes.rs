//! Tables of routes of BSD: `netstat -rn`, and the route status of firewalls that are made of it.
//!
//! `10.2.0.0/24  10.9.0.1  UGS  ipsec1`

use adit_model::fact::{Fact, Known};
use adit_model::host::{HostState, Listing, Route};

use super::fact;
use crate::reading::Place;
use crate::text::Line;

/// So many routes are kept.
const KEPT: usize = 128;

/// What was shown so far.
#[derive(Debug, Default)]
pub(super) struct BsdRoutes {
    /// Where a table with its heading began, and its routes.
    table: Option<(Place, u32)>,
    seen: usize,
    /// A network of the host's own interfaces isn't told.
    masked: bool,
    /// What a whole table has: interfaces' own networks, and the host's own addresses.
    linked: bool,
    looped: bool,
    /// What stands above the table, or its loopback network, which comes late in it.
    whole: bool,
    /// It was searched for something, or something is left out.
    searched: bool,
}

impl BsdRoutes {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if matches!(body, "..." | "…" | "[...]" | "[…]" | "<snip>" | "(...)") {
            self.searched |= self.table.is_some();
            return;
        }
        let command = body.contains("netstat ");
        if command && (body.contains('|') || body.contains("grep")) {
            self.searched = true;
            return;
        }
        self.whole |= body == "Internet:" || body.starts_with("127.0.0.1 ");
        if body.starts_with("Destination ") {
            let titles = ["Gateway", "Flags", "Netif"];
            if titles.iter().all(|t| body.contains(t)) && !body.contains("Genmask") {
                self.table = Some((place(), 0));
            }
            return;
        }
        if let Some(state) = half(body) {
            self.seen += 1;
            if self.seen <= KEPT {
                let state = Box::new(state);
                facts.push(fact(place(), Known::Host { state }));
            }
            return;
        }
        let begins = body.starts_with("default ") || body.starts_with(|c: char| c.is_ascii_digit());
        // One that can't be read may be of any network.
        if self.table.is_some() && body.contains(" link#") && row(body).is_none() {
            self.masked = true;
        }
        let Some(route) = Some(body).filter(|_| begins).and_then(row) else {
            return;
        };
        if let Some((_, entries)) = &mut self.table {
            *entries += 1;
            self.linked |= body.contains(" link#");
            self.looped |= route.device.as_deref().is_some_and(|d| d.starts_with("lo"));
        }
        self.seen += 1;
        if self.seen <= KEPT {
            let state = Box::new(HostState::Route(route));
            facts.push(fact(place(), Known::Host { state }));
        }
    }

    /// A table that has a heading was shown, and not searched for something.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        if let Some((place, entries)) = self.table.take()
            && entries > 1
            && self.linked
            && self.looped
            && self.whole
            && !self.masked
            && !self.searched
            && self.seen <= KEPT
        {
            let what = Listing::Table;
            let state = Box::new(HostState::Listed { what, entries });
            facts.push(fact(place, Known::Host { state }));
        }
    }
}

/// `* 128.0.0.0/1 via the gateway`, as somebody tells of it.
fn half(body: &str) -> Option<HostState> {
    let body = body.trim_start_matches(['*', '-', '•', ' ']);
    let network = ["0.0.0.0/1", "128.0.0.0/1"]
        .into_iter()
        .find(|half| body.starts_with(half))?;
    let whole = body.get(network.len()..)?.starts_with(" via ") && !body.contains(" dev ");
    whole.then(|| {
        HostState::Route(Route {
            network: network.to_owned(),
            ..Route::default()
        })
    })
}

/// `default  192.0.2.1  UGS  em0`; an address may have been made unreadable.
fn row(body: &str) -> Option<Route> {
    const NUMBERS: usize = 3;
    let mut words = body.split_ascii_whitespace();
    let (to, gateway, flags) = (words.next()?, words.next()?, words.next()?);
    let known = (1..8).contains(&flags.len())
        && flags.starts_with('U')
        && flags.bytes().all(|b| b"UGHSBRDMLCWcbd123".contains(&b));
    if !known {
        return None;
    }
    let device = words
        .take(NUMBERS + 1)
        .find(|w| w.parse::<u64>().is_err())?;
    let named = device.starts_with(|c: char| c.is_ascii_lowercase())
        && device.ends_with(|c: char| c.is_ascii_digit());
    let network = match to.split_once('/') {
        None if to == "default" => "0.0.0.0/0".to_owned(),
        None => format!("{}/32", to.parse::<std::net::Ipv4Addr>().ok()?),
        Some((net, bits)) => {
            net.parse::<std::net::Ipv4Addr>().ok()?;
            bits.parse::<u8>().ok().filter(|b| *b <= 32)?;
            to.to_owned()
        }
    };
    named.then(|| Route {
        network,
        via: gateway
            .parse::<std::net::IpAddr>()
            .ok()
            .map(|a| a.to_string()),
        device: Some(device.to_owned()),
        dead: flags.contains(['B', 'R']),
        ..Route::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_bsd_are_routes() {
        let route = row("10.2.0.0/24        10.9.0.1           UGS    ipsec1").unwrap_or_default();
        assert_eq!(route.network, "10.2.0.0/24");
        assert_eq!(route.via.as_deref(), Some("10.9.0.1"));
        assert_eq!(route.device.as_deref(), Some("ipsec1"));
        let own = row("10.9.0.2 link#15 UHS lo0").unwrap_or_default();
        assert_eq!((own.network.as_str(), own.via), ("10.9.0.2/32", None));
        assert!(row("default x.x.x.x UGS 0 1234 em0").is_some());
        for other in [
            "10.2.0.0 192.0.2.1 255.255.0.0 UG 0 0 0 eth0",
            "10.2.0.0/24 via 192.0.2.1 dev eth0",
            "2 packets UP eth0",
        ] {
            assert!(row(other).is_none(), "{other}");
        }
    }
}
