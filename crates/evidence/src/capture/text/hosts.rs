//! Hosts of printed packets: addresses, names, and what is left of an address that somebody removed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Hosts without an address get one that no host has (class E).
#[derive(Debug, Default)]
pub(super) struct Hosts {
    made_up: BTreeMap<String, IpAddr>,
}

/// Names kept.
const MOST: usize = 10_000;

impl Hosts {
    /// The address of a host without a port.
    pub(super) fn host(&mut self, token: &str) -> IpAddr {
        if let Ok(address) = token.parse() {
            return address;
        }
        if let Some(address) = self.made_up.get(token) {
            return *address;
        }
        let number = u32::try_from(self.made_up.len().min(MOST)).unwrap_or(0) + 1;
        let address = IpAddr::V4(Ipv4Addr::from(0xf000_0000 | number));
        if self.made_up.len() < MOST {
            self.made_up.insert(token.to_owned(), address);
        }
        address
    }

    /// Address and port as tcpdump joins them, with a dot.
    pub(super) fn end(&mut self, token: &str) -> SocketAddr {
        let (host, port) = token.rsplit_once('.').unwrap_or((token, ""));
        match port_number(port) {
            Some(port) if token.parse::<IpAddr>().is_err() => {
                SocketAddr::new(self.host(host), port)
            }
            _ => SocketAddr::new(self.host(token), 0),
        }
    }

    /// What the text calls the hosts that have no address.
    pub(super) fn names(&self) -> BTreeMap<IpAddr, String> {
        self.made_up
            .iter()
            .map(|(name, address)| (*address, name.clone()))
            .collect()
    }
}

fn port_number(text: &str) -> Option<u16> {
    match text {
        "isakmp" => Some(500),
        "ipsec-nat-t" | "sae-urn" | "ipsec-msft" => Some(4500),
        "domain" => Some(53),
        "ntp" => Some(123),
        "bootps" => Some(67),
        "bootpc" => Some(68),
        "ssh" => Some(22),
        "http" => Some(80),
        "https" => Some(443),
        "l2f" | "l2tp" => Some(1701),
        _ => text.parse().ok(),
    }
}

/// Whether a word can be a host, or what is left of one.
pub(super) fn plausible(token: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "._-:*<>[]%".contains(c);
    !token.is_empty() && token.len() <= 80 && token.chars().all(letters) && !is_mac(token)
}

fn is_mac(token: &str) -> bool {
    let parts: Vec<&str> = token.split(':').collect();
    parts.len() == 6
        && parts
            .iter()
            .all(|p| p.len() <= 2 && p.chars().all(|c| c.is_ascii_hexdigit()))
}
