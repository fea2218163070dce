//! Names whose address changed since the daemon looked it up: pluto lists each end with the name that it was given
//! (`84.1.2.3<branch.example>`), and tools show the address that the name has now.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many names are kept.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// What the daemon took each name for, and where it says so.
    kept: BTreeMap<String, (IpAddr, Place)>,
    /// What the name is now.
    now: BTreeMap<String, BTreeSet<IpAddr>>,
}

impl Resolved {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        if body.contains("===") || body.contains("...") {
            for (address, name) in ends(body) {
                if self.kept.len() < MOST {
                    self.kept.insert(name, (address, place()));
                }
            }
        } else if let Some((name, address)) = answer(body)
            && self.now.len() < MOST
        {
            self.now.entry(name).or_default().insert(address);
        }
    }

    /// The names that have none of the addresses any more that they were taken for.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        for (name, (from, place)) in self.kept {
            let Some(now) = self.now.get(&name) else {
                continue;
            };
            let of_kind = now.iter().find(|a| a.is_ipv4() == from.is_ipv4());
            if let Some(to) = of_kind.filter(|_| !now.contains(&from)) {
                let (from, to) = (from.to_string(), to.to_string());
                let values = [("from", from.as_str()), ("to", &to), ("name", &name)];
                facts.push(sign(place, Sign::AddressChanged, &values));
            }
        }
    }
}

/// `…84.1.2.3<branch.example>[+S=C]===…` of `ipsec auto --status`, `84.1.2.3[branch.example]` isn't: that is an identity.
fn ends(body: &str) -> impl Iterator<Item = (IpAddr, String)> {
    body.split('<')
        .zip(body.split('<').skip(1))
        .filter_map(|(before, behind)| {
            let (name, _) = behind.split_once('>')?;
            let start = before
                .rfind(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':'))
                .map_or(0, |at| at + 1);
            let address = before.get(start..)?.trim_start_matches('.').parse().ok()?;
            host_name(name).map(|name| (address, name))
        })
}

/// `branch.example has address 84.1.2.3` of host, `branch.example. 60 IN A 84.1.2.3` of dig, and what `getent hosts` and
/// `ping` show.
fn answer(body: &str) -> Option<(String, IpAddr)> {
    let words: Vec<&str> = body.split_whitespace().take(6).collect();
    match *words.as_slice() {
        [name, "has", "address", address] => Some((host_name(name)?, address.parse().ok()?)),
        [name, "has", "IPv6", "address", address] => {
            Some((host_name(name)?, address.parse().ok()?))
        }
        [name, _, "IN", "A" | "AAAA", address] => Some((host_name(name)?, address.parse().ok()?)),
        ["PING", name, address, ..] => {
            let address = address.strip_prefix('(')?.split(')').next()?;
            Some((host_name(name)?, address.parse().ok()?))
        }
        [address, name] => Some((host_name(name)?, address.parse().ok()?)),
        _ => None,
    }
}

/// A name of a host, without the root's dot and in small letters.
fn host_name(text: &str) -> Option<String> {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let fits = name.contains('.')
        && name.parse::<IpAddr>().is_err()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    fn moved(text: &str) -> Option<(String, String)> {
        crate::read("paste", Side::Local, text.as_bytes(), Wall(0))
            .facts
            .into_iter()
            .find_map(|f| match f.what {
                Known::Sign {
                    sign: Sign::AddressChanged,
                    values,
                } => Some((values.get("from")?.clone(), values.get("to")?.clone())),
                _ => None,
            })
    }

    #[test]
    fn a_name_has_another_address_than_the_daemon_took_it_for() {
        let status = "000 \"depot\": 10.3.0.0/16===198.51.100.20<198.51.100.20>[+S=C]...203.0.113.90<depot.dyn.example>[+S=C]===10.4.0.0/16; prospective erouted; eroute owner: #0\n";
        let to = |address: &str| Some(("203.0.113.90".to_owned(), address.to_owned()));
        for (answer, want) in [
            (
                "depot.dyn.example has address 203.0.113.7",
                to("203.0.113.7"),
            ),
            ("Depot.dyn.example. 60 IN A 203.0.113.7", to("203.0.113.7")),
            (
                "PING depot.dyn.example (203.0.113.7) 56(84) bytes of data.",
                to("203.0.113.7"),
            ),
            ("depot.dyn.example has address 203.0.113.90", None),
            ("hub.dyn.example has address 203.0.113.7", None),
        ] {
            assert_eq!(moved(&format!("{status}{answer}\n")), want, "{answer}");
        }
    }
}
