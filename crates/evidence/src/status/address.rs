//! The host's addresses and the numbers of its tunnel interfaces: `ip addr`, `ip -d link`, `ifconfig`, `ipadm show-addr`,
//! and strongSwan's list of addresses that it listens on.

use std::collections::BTreeSet;
use std::net::IpAddr;

use adit_model::fact::{Fact, Known};
use adit_model::host::{HostState, Listing};

use super::{command, fact};
use crate::reading::Place;
use crate::text::Line;

/// So many addresses are kept.
const KEPT: usize = 128;

/// The interface that the lines are about.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    interface: String,
    /// Below strongSwan's heading, one address a line.
    listening: bool,
    seen: BTreeSet<String>,
    /// The list that was asked for: how many entries it has so far, and where.
    asked: Option<(u32, Place)>,
}

impl Addresses {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some(typed) = command(body) {
            self.listed(facts);
            self.listening = false;
            if asks(typed) {
                self.asked = Some((0, place()));
            }
        }
        if body == "Listening IP addresses:" {
            self.listening = true;
            return;
        }
        if self.listening {
            match body.parse::<IpAddr>() {
                Ok(address) => self.tell(&address.to_string(), place, facts),
                Err(_) => {
                    self.listening = false;
                    // What follows in a status is its connections: the list is whole.
                    if body == "Connections:" && !self.seen.is_empty() {
                        self.asked = Some((1, place()));
                        self.listed(facts);
                    }
                }
            }
            return;
        }
        if let Some(name) = interface(body) {
            name.clone_into(&mut self.interface);
            return;
        }
        if let Some((name, number)) = tunnel(body) {
            let state = Box::new(HostState::TunnelInterface {
                name: name.to_owned(),
                kind: "vti".to_owned(),
                number,
            });
            facts.push(fact(place(), Known::Host { state }));
            return;
        }
        let body = match one_line(body) {
            Some((name, rest)) => {
                name.clone_into(&mut self.interface);
                rest
            }
            None => body,
        };
        if let Some((name, addresses)) = brief(body) {
            name.clone_into(&mut self.interface);
            for address in addresses {
                self.tell(address, place, facts);
            }
        } else if let Some(address) = address(body) {
            self.tell(&address, place, facts);
        } else if let Some((kind, number)) = number(body)
            && !self.interface.is_empty()
        {
            let state = Box::new(HostState::TunnelInterface {
                name: self.interface.clone(),
                kind: kind.to_owned(),
                number,
            });
            facts.push(fact(place(), Known::Host { state }));
        }
    }

    fn tell(&mut self, address: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        if let Some((entries, _)) = &mut self.asked {
            *entries += 1;
        }
        if self.seen.len() < KEPT && self.seen.insert(address.to_owned()) {
            let state = Box::new(HostState::Address {
                interface: self.interface.clone(),
                address: address.to_owned(),
            });
            facts.push(fact(place(), Known::Host { state }));
        }
    }

    fn listed(&mut self, facts: &mut Vec<Fact>) {
        if let Some((entries @ 1.., place)) = self.asked.take() {
            let state = Box::new(HostState::Listed {
                what: Listing::Addresses,
                entries,
            });
            facts.push(fact(place, Known::Host { state }));
        }
    }
}

/// A command that lists all addresses: not of one interface, and not through a filter.
fn asks(typed: &str) -> bool {
    let mut words = typed
        .split_ascii_whitespace()
        .filter(|w| !w.starts_with('-') && *w != "sudo");
    let all = match (words.next(), words.next()) {
        (Some("ip"), Some("a" | "ad" | "addr" | "address")) => words
            .next()
            .is_none_or(|w| matches!(w, "s" | "sh" | "show" | "l" | "ls" | "list")),
        (Some("ifconfig"), None) => true,
        _ => false,
    };
    all && words.next().is_none()
}

/// `3: eth0@if4: <BROADCAST,…> mtu 1500 …`; `eth0: flags=4163<UP,…>  mtu 1500`; `eth0      Link encap:Ethernet …`.
fn interface(body: &str) -> Option<&str> {
    if let Some((name, _)) = body.split_once(" Link encap:") {
        return Some(name.trim_end()).filter(|n| !n.contains(' '));
    }
    let (head, rest) = body.split_once('<')?;
    if !rest.contains("mtu ") {
        return None;
    }
    let mut parts = head.split(':').map(str::trim);
    let first = parts.next()?;
    let name = if first.parse::<u32>().is_ok() {
        parts.next()?
    } else {
        first
    };
    let name = name.split('@').next()?;
    (!name.is_empty() && !name.contains(' ')).then_some(name)
}

/// `2: eth0    inet 192.0.2.1/24 brd …` of `ip -o addr`, and what people make of the long form: `2: eth0: inet …`.
fn one_line(body: &str) -> Option<(&str, &str)> {
    let (number, rest) = body.split_once(": ")?;
    number.parse::<u32>().ok()?;
    let (name, rest) = rest.trim_start().split_once([' ', '\t'])?;
    let rest = rest.trim_start();
    let name = name.trim_end_matches(':').split('@').next()?;
    (rest.starts_with("inet ") || rest.starts_with("inet6 ")).then_some((name, rest))
}

/// `eth0  UP  192.0.2.1/24 fe80::1/64` of `ip -br addr`; `net0/v4  static  ok  192.0.2.10/24` of illumos.
fn brief(body: &str) -> Option<(&str, impl Iterator<Item = &str>)> {
    let mut words = body.split_ascii_whitespace();
    let (name, state) = (words.next()?, words.next()?);
    let linux = matches!(state, "UP" | "DOWN" | "UNKNOWN");
    let illumos = matches!(state, "static" | "dhcp" | "addrconf") && words.next()? == "ok";
    let mut addresses = words.peekable();
    ((linux || illumos) && addresses.peek().is_some_and(|w| network(w))).then(|| {
        let name = name.split(['@', '/']).next().unwrap_or(name);
        (name, addresses.filter(|w| network(w)))
    })
}

/// `inet 192.0.2.1/24 brd … scope global eth0`, `inet 192.0.2.1  netmask 255.255.255.0`,
/// `inet addr:192.0.2.1  Bcast:… Mask:255.255.255.0`, `inet6 …`.
fn address(body: &str) -> Option<String> {
    let rest = body
        .strip_prefix("inet6 ")
        .or_else(|| body.strip_prefix("inet "))?
        .trim_start();
    let rest = rest.strip_prefix("addr:").unwrap_or(rest).trim_start();
    let word = rest.split_ascii_whitespace().next()?;
    if network(word) {
        return Some(word.to_owned());
    }
    let plain: IpAddr = word.parse().ok()?;
    let mask = rest
        .split_once("netmask ")
        .or_else(|| rest.split_once("Mask:"))
        .and_then(|(_, m)| m.split_ascii_whitespace().next());
    let bits = mask.and_then(|m| match m.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => m.parse().ok().map(std::net::Ipv4Addr::to_bits),
    });
    Some(match bits {
        Some(bits) => format!("{plain}/{}", bits.leading_ones()),
        None => plain.to_string(),
    })
}

fn network(word: &str) -> bool {
    word.split_once('/').is_some_and(|(address, bits)| {
        address.parse::<IpAddr>().is_ok() && bits.parse::<u8>().is_ok_and(|b| b <= 128)
    })
}

/// `vti0: ip/ip remote 198.51.100.7 local 192.0.2.1 ttl inherit ikey 42 okey 42` of `ip tunnel`.
fn tunnel(body: &str) -> Option<(&str, u32)> {
    let (name, rest) = body.split_once(": ip/ip ")?;
    let rest = rest
        .split_once(" ikey ")
        .or_else(|| rest.split_once(" key "))?
        .1;
    let number = numeral(rest.split_ascii_whitespace().next()?)?;
    (number != 0 && !name.contains(' ')).then_some((name, number))
}

/// A key as a number or as an address.
fn numeral(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word
            .parse()
            .ok()
            .or_else(|| word.parse().ok().map(std::net::Ipv4Addr::to_bits)),
    }
}

/// `xfrm if_id 0x2a …`, `vti remote any local 192.0.2.1 ikey 0.0.0.42 okey 0.0.0.42`.
fn number(body: &str) -> Option<(&'static str, u32)> {
    let mut words = body.split_ascii_whitespace();
    let kind = words.next()?;
    let (kind, key) = match kind {
        "xfrm" => ("xfrm", "if_id"),
        "vti" | "vti6" => ("vti", "ikey"),
        _ => return None,
    };
    words.find(|w| *w == key)?;
    Some((kind, numeral(words.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_every_tool() {
        for (body, want) in [
            (
                "inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0",
                "192.0.2.1/24",
            ),
            (
                "inet 192.0.2.1  netmask 255.255.255.0  broadcast 192.0.2.255",
                "192.0.2.1/24",
            ),
            (
                "inet 192.0.2.1 netmask 0xffffff00 broadcast 192.0.2.255",
                "192.0.2.1/24",
            ),
            (
                "inet addr:192.0.2.1  Bcast:192.0.2.255  Mask:255.255.255.0",
                "192.0.2.1/24",
            ),
            ("inet6 2001:db8::1/64 scope global", "2001:db8::1/64"),
        ] {
            assert_eq!(address(body).as_deref(), Some(want), "{body}");
        }
        assert_eq!(address("inet is a word"), None);
        for line in [
            "2: eth0    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0",
            "2: eth0@if3: inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0",
        ] {
            let (name, rest) = one_line(line).unwrap_or_default();
            assert_eq!(
                (name, address(rest).as_deref()),
                ("eth0", Some("192.0.2.1/24"))
            );
        }
        let row = brief("eth0@if3  UP  192.0.2.1/24 fe80::1/64").map(|(n, a)| (n, a.count()));
        assert_eq!(row, Some(("eth0", 2)));
    }

    #[test]
    fn numbers_of_interfaces() {
        assert_eq!(
            number("xfrm if_id 0x2a addrgenmode none"),
            Some(("xfrm", 42))
        );
        assert_eq!(
            number("vti remote any local 192.0.2.1 ikey 0.0.0.42 okey 0.0.0.42"),
            Some(("vti", 42))
        );
        assert_eq!(
            tunnel("vti0: ip/ip remote 198.51.100.7 local 192.0.2.1 ttl inherit ikey 42 okey 42"),
            Some(("vti0", 42))
        );
        assert!(
            tunnel("ip_vti0: ip/ip remote any local any ttl inherit nopmtudisc key 0").is_none()
        );
        assert!(asks("ip addr") && asks("ip -4 addr show") && !asks("ip addr show dev eth0"));
    }
}
