//! Which packets between two sites are to be protected.
//!
//! What leaves for the far networks is judged by where it goes: a packet that a NAT rule gave the gateway's own address
//! leaks as much as one that bears its sender's. Only where the far networks hold the peer's own address (hosts that
//! protect their own traffic, or a tunnel for everything) does our side decide as well, because this host's own business
//! can't be told from a leak there.

use std::net::IpAddr;

use adit_model::policy::{Action, Policy};
use adit_model::selector::Selector;

use super::link::Direction;

/// Traffic that is to be protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    /// Our side's; empty is any.
    pub local: Vec<Selector>,
    /// The peer's side's.
    pub remote: Vec<Selector>,
}

impl Protected {
    /// Whether it takes everything of an address family on both sides: what of it belongs to the tunnel is decided
    /// elsewhere, by routes.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        self.remote.iter().filter(|r| is_any(r)).any(|r| {
            let family = |l: &&Selector| l.start.is_ipv4() == r.start.is_ipv4();
            self.local.is_empty() || self.local.iter().filter(family).any(is_any)
        })
    }
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The peer.
    pub peer: IpAddr,
    /// What is to be protected.
    pub protected: Vec<Protected>,
    /// Policies that go before all tunnels, in their order.
    pub policies: Vec<Policy>,
}

/// A packet outside of IPsec.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outside {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) protocol: u8,
    /// Its ports, where it shows them: the sender's, the receiver's.
    pub(super) ports: Option<(u16, u16)>,
    pub(super) direction: Option<Direction>,
}

/// One side of a packet.
type Side = (IpAddr, Option<u16>);

impl Watch {
    /// Whether a packet is to be protected, and whether it goes out then.
    pub(super) fn outward(&self, packet: &Outside) -> Option<bool> {
        if stays(packet.to) || stays(packet.from) {
            return None;
        }
        let from = (packet.from, packet.ports.map(|p| p.0));
        let to = (packet.to, packet.ports.map(|p| p.1));
        let meant = |near, far| self.means(packet.protocol, near, far);
        match (meant(from, to), meant(to, from)) {
            (true, true) => Some(packet.direction != Some(Direction::Received)),
            (true, false) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    fn means(&self, protocol: u8, near: Side, far: Side) -> bool {
        let any = |nets: &Protected| self.is_protected(nets, protocol, near, far);
        self.protected.iter().any(any) && !self.passes_by(protocol, near, far)
    }

    fn is_protected(&self, nets: &Protected, protocol: u8, near: Side, far: Side) -> bool {
        let mut far_nets = nets.remote.iter().filter(|r| may(r, protocol, far));
        let Some(first) = far_nets.next() else {
            return false;
        };
        if nets.local.is_empty() || nets.local.iter().any(|l| may(l, protocol, near)) {
            return true;
        }
        let with_peer = |r: &Selector| holds(r, self.peer);
        if with_peer(first) && far_nets.all(with_peer) {
            return false;
        }
        // Of one of our networks, and another service's; else under an address that isn't its own.
        !nets.local.iter().any(|l| holds(l, near.0))
            && nets.local.iter().any(|l| is_of(l, protocol))
    }

    /// Whether the first policy that takes a packet lets it pass in clear.
    fn passes_by(&self, protocol: u8, near: Side, far: Side) -> bool {
        let takes = |policy: &&Policy| {
            policy.pairs().any(|(local, remote)| {
                local.matches(protocol, near.1, near.0) && remote.matches(protocol, far.1, far.0)
            })
        };
        let first = self.policies.iter().find(takes);
        first.is_some_and(|policy| policy.action == Action::Bypass)
    }
}

/// Whether a selector may take a side of a packet; one that doesn't show its port is taken by its protocol.
fn may(selector: &Selector, protocol: u8, (address, port): Side) -> bool {
    match port {
        Some(_) => selector.matches(protocol, port, address),
        None => is_of(selector, protocol) && holds(selector, address),
    }
}

fn is_of(selector: &Selector, protocol: u8) -> bool {
    selector.protocol == 0 || selector.protocol == protocol
}

fn holds(selector: &Selector, address: IpAddr) -> bool {
    selector.start.is_ipv4() == address.is_ipv4()
        && (selector.start..=selector.end).contains(&address)
}

/// All addresses of a family.
fn is_any(selector: &Selector) -> bool {
    matches!(selector.nets().as_slice(), [all] if all.prefix_len() == 0)
}

/// What is never routed, whatever selectors say.
fn stays(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_multicast() || a.is_broadcast() || a.is_link_local(),
        IpAddr::V6(a) => a.is_multicast() || a.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn selectors(texts: &[&str]) -> Vec<Selector> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    fn watch(local: &[&str], remote: &[&str]) -> Watch {
        Watch {
            peer: "192.0.2.2".parse().unwrap(),
            protected: vec![Protected {
                local: selectors(local),
                remote: selectors(remote),
            }],
            policies: Vec::new(),
        }
    }

    fn tcp(watch: &Watch, from: (&str, u16), to: (&str, u16)) -> Option<bool> {
        watch.outward(&Outside {
            from: from.0.parse().unwrap(),
            to: to.0.parse().unwrap(),
            protocol: 6,
            ports: Some((from.1, to.1)),
            direction: None,
        })
    }

    #[test]
    fn what_a_nat_rule_gave_another_sender_is_still_a_leak() {
        let lan = watch(&["10.1.0.0/24"], &["10.2.0.0/24"]);
        let out = tcp(&lan, ("192.0.2.1", 40_000), ("10.2.0.9", 22));
        assert_eq!(out, Some(true));
        let back = tcp(&lan, ("10.2.0.9", 22), ("192.0.2.1", 40_000));
        assert_eq!(back, Some(false));
        assert_eq!(tcp(&lan, ("192.0.2.1", 40_000), ("8.8.8.8", 53)), None);
    }

    /// Where everything goes through the tunnel, this host's own logins and lookups aren't a leak of the LAN.
    #[test]
    fn our_side_decides_where_the_far_networks_hold_the_peer() {
        let all = watch(&["10.1.0.0/24"], &["0.0.0.0/0"]);
        assert_eq!(tcp(&all, ("192.0.2.1", 40_000), ("8.8.8.8", 53)), None);
        let lan = tcp(&all, ("10.1.0.7", 40_000), ("8.8.8.8", 53));
        assert_eq!(lan, Some(true));
        let hosts = watch(&["192.0.2.1/32"], &["192.0.2.2/32"]);
        let login = tcp(&hosts, ("192.0.2.1", 40_000), ("192.0.2.2", 22));
        assert_eq!(login, Some(true));
    }

    #[test]
    fn protocols_and_ports_count() {
        let database = watch(&["10.1.0.0/24"], &["10.2.0.9/32[tcp/5432]"]);
        let (here, there) = ("10.1.0.7", "10.2.0.9");
        assert_eq!(
            tcp(&database, (here, 40_000), (there, 5432)),
            Some(true),
            "{database:?}"
        );
        assert_eq!(tcp(&database, (there, 5432), (here, 40_000)), Some(false));
        assert_eq!(tcp(&database, (here, 40_000), (there, 22)), None);
        // The same number on the wrong side.
        assert_eq!(tcp(&database, (here, 5432), (there, 22)), None);
    }

    #[test]
    fn the_first_policy_that_takes_a_packet_decides() {
        let policy = |name: &str, action, remote: &str| Policy {
            name: name.to_owned(),
            action,
            local: selectors(&["0.0.0.0/0"]),
            remote: selectors(&[remote]),
        };
        let mut lan = watch(&["10.1.0.0/24"], &["10.2.0.0/24"]);
        lan.policies = vec![
            policy("never", Action::Drop, "10.2.0.8/32"),
            policy("printers", Action::Bypass, "10.2.0.8/31"),
        ];
        let to = |host| tcp(&lan, ("10.1.0.7", 40_000), (host, 631));
        assert_eq!(to("10.2.0.9"), None);
        assert_eq!(tcp(&lan, ("10.2.0.9", 631), ("10.1.0.7", 40_000)), None);
        assert_eq!(to("10.2.0.8"), Some(true));
        assert_eq!(to("10.2.0.7"), Some(true));
    }

    #[test]
    fn any_to_any_is_told() {
        assert!(watch(&["0.0.0.0/0"], &["0.0.0.0/0"]).protected[0].is_anything());
        assert!(watch(&[], &["::/0"]).protected[0].is_anything());
        assert!(!watch(&["10.1.0.0/24", "::/0"], &["0.0.0.0/0"]).protected[0].is_anything());
        assert!(!watch(&[], &["10.2.0.0/16"]).protected[0].is_anything());
    }
}
