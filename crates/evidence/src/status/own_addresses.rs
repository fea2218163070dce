//! The addresses that pluto listens on: its status (`000 interface eth0/eth0 192.0.2.1@4500`), and the lines of its log
//! when it looks for interfaces (`adding interface eth0/eth0 192.0.2.1:500`).

use core::net::IpAddr;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// What the list holds so far.
#[derive(Debug, Default)]
pub(super) struct OwnAddresses {
    /// Addresses that no peer reaches, and where the last of them stands.
    inside: Vec<String>,
    last: Option<Place>,
    /// A peer can reach one of them, or one isn't told.
    usable: bool,
    /// Something of pluto's follows the list, so that it is whole.
    ended: bool,
}

impl OwnAddresses {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        const MOST: usize = 32;
        if self.usable {
            return;
        }
        let body = line.body.trim_start();
        match listed(body) {
            Some(address) => match address.filter(|a| is_inside(*a)) {
                Some(address) => {
                    let address = address.to_string();
                    if self.inside.len() < MOST && !self.inside.contains(&address) {
                        self.inside.push(address);
                    }
                    self.last = Some(place());
                    self.ended = false;
                }
                None => self.usable = true,
            },
            None if self.last.is_some() => {
                self.ended |= body.starts_with("000 ") || body.starts_with("loading secrets from ");
            }
            None => {}
        }
    }

    /// A whole list without any address that a peer reaches.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        if self.usable || !self.ended {
            return;
        }
        if let Some(place) = self.last.take() {
            let addresses = self.inside.join(", ");
            facts.push(sign(
                place,
                Sign::ListensInsideOnly,
                &[("addresses", &addresses)],
            ));
        }
    }
}

/// The address of a line of such a list; within, `None` where it can't be read.
fn listed(body: &str) -> Option<Option<IpAddr>> {
    let added = ["adding interface ", "adding UDP interface "];
    let (rest, with_port) = match body.strip_prefix("000 interface ") {
        Some(rest) => (rest, false),
        None => (added.iter().find_map(|head| body.strip_prefix(head))?, true),
    };
    let mut words = rest.split_ascii_whitespace().skip(1);
    let word = words
        .next()
        .map(|w| match w {
            "UDP" | "TCP" => words.next().unwrap_or_default(),
            _ => w,
        })
        .unwrap_or_default();
    Some(address(word, with_port))
}

/// `192.0.2.1`, `192.0.2.1@4500`, `::1@500`, `[::1]:500`; where a port always follows also `::1:500` and
/// `192.0.2.1:UDP/500`.
fn address(word: &str, with_port: bool) -> Option<IpAddr> {
    let word = word.split('@').next()?;
    if let Some(inner) = word.strip_prefix('[') {
        return inner.split(']').next()?.parse().ok();
    }
    let bare = word.rsplit_once(':').map(|(address, _)| address);
    if with_port {
        return bare?.parse().ok();
    }
    word.parse().ok().or_else(|| bare?.parse().ok())
}

/// Loopback and link-local addresses.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_loopback() || a.is_link_local(),
        IpAddr::V6(a) => a.is_loopback() || a.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::read;

    fn inside(text: &str) -> Option<String> {
        let read = read("x", Side::Local, text.as_bytes(), Wall(1_795_241_285_000));
        read.facts.into_iter().find_map(|f| match f.what {
            Known::Sign {
                sign: Sign::ListensInsideOnly,
                values,
            } => values.get("addresses").cloned(),
            _ => None,
        })
    }

    #[test]
    fn a_list_without_an_address_that_peers_reach_is_told() {
        let found = inside(
            "000 using kernel interface: netkey\n000 interface lo/lo ::1\n000 interface lo/lo 127.0.0.1\n000 interface eth1/eth1 169.254.3.7\n000 %myid = (none)\n",
        );
        assert_eq!(found.as_deref(), Some("::1, 127.0.0.1, 169.254.3.7"));
        let log = inside(
            "Jan  9 08:00:01 gw pluto[71]: listening for IKE messages\nJan  9 08:00:01 gw pluto[71]: adding interface lo/lo 127.0.0.1:500\nJan  9 08:00:01 gw pluto[71]: adding interface lo/lo ::1:500\nJan  9 08:00:01 gw pluto[71]: loading secrets from \"/etc/ipsec.secrets\"\n",
        );
        assert_eq!(log.as_deref(), Some("127.0.0.1, ::1"));
        let newer = inside(
            "000 interface lo UDP 127.0.0.1:4500\n000 interface lo UDP 127.0.0.1:500\n000 fips mode=disabled;\n",
        );
        assert_eq!(newer.as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn a_list_with_another_address_or_a_cut_one_says_nothing() {
        for text in [
            "000 interface lo/lo 127.0.0.1\n000 interface eth0/eth0 192.0.2.7@4500\n000 %myid = (none)\n",
            "000 interface lo/lo 127.0.0.1\n000 interface eth0/eth0 x.x.x.x\n000 %myid = (none)\n",
            "000 interface lo/lo 127.0.0.1\n000 interface lo/lo 127.0.0.1\n",
            // The address came, and pluto looked again.
            "adding interface lo/lo 127.0.0.1:500\nloading secrets from \"/etc/ipsec.secrets\"\nadding interface eth0/eth0 192.0.2.7:500\n",
        ] {
            assert_eq!(inside(text), None, "{text}");
        }
    }
}
