//! Which of a tunnel's packets a Cisco router translates: the access list of its NAT, entry by entry.
//!
//! The first entry that fits decides. A `deny` that is to exempt the tunnel is never reached behind a `permit` that
//! covers it, and a pair of networks that the crypto map protects is translated where the NAT's list permits it first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// How lines begin that are looked at; of a named list the entries may be numbered.
const STARTS: [&str; 11] = [
    "access-list ",
    "ip access-list extended ",
    "Extended IP access list ",
    "ip access-group ",
    "ip nat inside source ",
    "nat (",
    "route-map ",
    "crypto map ",
    "match ",
    "permit ",
    "deny ",
];

/// Addresses: a base, and the bits that may be any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Net {
    base: u32,
    any: u32,
}

impl Net {
    fn covers(self, other: Net) -> bool {
        other.any & !self.any == 0 && (self.base ^ other.base) & !self.any == 0
    }
}

#[derive(Clone, Debug)]
struct Entry {
    permit: bool,
    from: Net,
    to: Net,
    text: String,
    place: Place,
}

impl Entry {
    fn covers(&self, other: &Entry) -> bool {
        self.from.covers(other.from) && self.to.covers(other.to)
    }
}

/// Access lists and what they are for.
#[derive(Debug, Default)]
pub(crate) struct CiscoNat {
    lists: BTreeMap<String, Vec<Entry>>,
    /// The named list, route map or crypto map that the next lines belong to.
    list: Option<String>,
    map: Option<String>,
    crypto: bool,
    /// Lists and route maps that NAT goes by.
    nat: BTreeSet<String>,
    nat_maps: BTreeSet<String>,
    filters: BTreeSet<String>,
    /// ASA: the first rule between two interfaces that translates everything, and whether one behind it exempts networks.
    dynamic: Option<(String, String, Place)>,
    exempt_behind: bool,
    /// Lists of route maps, and those of crypto maps.
    mapped: Vec<(String, String)>,
    protected: BTreeSet<String>,
}

impl CiscoNat {
    /// The next line of a configuration.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        const MOST: usize = 512;
        let body = line.body.trim();
        let of_mine = STARTS.iter().any(|start| body.starts_with(start))
            || (self.list.is_some() && body.starts_with(|c: char| c.is_ascii_digit()));
        if !of_mine {
            return;
        }
        let words: Vec<&str> = body.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["access-list", name, rest @ ..] => self.entry(name, rest, body, place, MOST),
            ["ip", "access-list", "extended", name] => {
                self.list = Some((*name).to_owned());
            }
            ["Extended", "IP", "access", "list", name] => {
                self.list = Some((*name).to_owned());
            }
            // What filters an interface's packets translates none.
            ["ip", "access-group", name, ..] => {
                self.filters.insert((*name).to_owned());
            }
            ["nat", interfaces, "source", rest @ ..] => self.twice(interfaces, rest, body, place),
            ["ip", "nat", "inside", "source", "list", name, ..] => {
                self.nat.insert((*name).to_owned());
            }
            ["ip", "nat", "inside", "source", "route-map", name, ..] => {
                self.nat_maps.insert((*name).to_owned());
            }
            ["route-map", name, ..] => {
                (self.map, self.crypto) = (Some((*name).to_owned()), false);
            }
            ["crypto", "map", ..] => (self.map, self.crypto) = (None, true),
            ["match", "ip", "address", names @ ..] => {
                if let Some(map) = &self.map {
                    let names = names.iter().map(|n| (map.clone(), (*n).to_owned()));
                    self.mapped.extend(names);
                }
            }
            ["match", "address", name] if self.crypto => {
                self.protected.insert((*name).to_owned());
            }
            ["permit" | "deny", ..] | [_, "permit" | "deny", ..] => {
                let skip = usize::from(words.first().is_some_and(|w| w.parse::<u32>().is_ok()));
                if let (Some(name), Some(rest)) = (self.list.clone(), words.get(skip..)) {
                    self.entry(&name, rest, body, place, MOST);
                }
            }
            _ => {}
        }
    }

    /// Manual rules of an ASA, which are asked in their order: `nat (in,out) source dynamic any interface`,
    /// `nat (in,out) source static LAN LAN destination static FAR FAR`.
    fn twice(&mut self, interfaces: &str, rest: &[&str], body: &str, place: &dyn Fn() -> Place) {
        match (rest, &self.dynamic) {
            ([.., "after-auto"] | ["after-auto", ..], _) => {}
            (["dynamic", "any", ..], None) => {
                self.dynamic = Some((interfaces.to_owned(), body.to_owned(), place()));
            }
            (["static", a, b, "destination", "static", c, d, ..], Some((of, ..))) => {
                self.exempt_behind |= a == b && c == d && of == interfaces;
            }
            _ => {}
        }
    }

    fn entry(
        &mut self,
        name: &str,
        rest: &[&str],
        body: &str,
        place: &dyn Fn() -> Place,
        most: usize,
    ) {
        let all: usize = self.lists.values().map(Vec::len).sum();
        let [verb @ ("permit" | "deny"), "ip", ends @ ..] = rest else {
            return;
        };
        let Some((from, ends)) = net(ends) else {
            return;
        };
        let Some((to, _)) = net(ends).filter(|_| all < most) else {
            return;
        };
        self.lists.entry(name.to_owned()).or_default().push(Entry {
            permit: *verb == "permit",
            from,
            to,
            text: body.to_owned(),
            place: place(),
        });
    }

    /// Entries of a NAT's list that take a tunnel's packets.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        if let Some((_, rule, place)) = self.dynamic.as_ref().filter(|_| self.exempt_behind) {
            let values = [("rule", rule.as_str())];
            facts.push(sign(place.clone(), Sign::TunnelTranslated, &values));
            return;
        }
        if let Some(permit) = self.unnamed() {
            let values = [("rule", permit.text.as_str())];
            facts.push(sign(permit.place.clone(), Sign::TunnelTranslated, &values));
            return;
        }
        let by_map = self
            .mapped
            .iter()
            .filter(|(map, _)| self.nat_maps.contains(map))
            .map(|(_, list)| list);
        let lists: BTreeSet<&String> = self.nat.iter().chain(by_map).collect();
        let protected: Vec<&Entry> = self
            .protected
            .iter()
            .filter_map(|name| self.lists.get(name))
            .flatten()
            .filter(|e| e.permit)
            .collect();
        for entries in lists.into_iter().filter_map(|name| self.lists.get(name)) {
            let unreached = entries.iter().enumerate().find_map(|(at, entry)| {
                let before = entries.get(..at)?;
                (!entry.permit)
                    .then(|| before.iter().find(|b| b.permit && b.covers(entry)))
                    .flatten()
            });
            let taken = || {
                protected.iter().find_map(|pair| {
                    let first = entries.iter().find(|e| e.covers(pair))?;
                    first.permit.then_some(first)
                })
            };
            if let Some(permit) = unreached.or_else(taken) {
                facts.push(sign(
                    permit.place.clone(),
                    Sign::TunnelTranslated,
                    &[("rule", &permit.text)],
                ));
                return;
            }
        }
    }
}

impl CiscoNat {
    /// Of lists of which nobody shows what they are for: one lets everything of a network be translated, and then
    /// exempts what another list permits as it stands, and nothing else, as those of crypto maps do.
    fn unnamed(&self) -> Option<&Entry> {
        if !self.nat.is_empty() || !self.nat_maps.is_empty() {
            return None;
        }
        let everywhere = |e: &Entry| e.permit && e.to.any == u32::MAX && e.from.any != u32::MAX;
        let other_use =
            |name: &String| self.filters.contains(name) || self.protected.contains(name);
        let free = self.lists.iter().filter(|(name, _)| !other_use(name));
        free.into_iter().find_map(|(name, entries)| {
            let mut denied = entries.iter().enumerate().filter(|(_, e)| !e.permit);
            denied.find_map(|(at, late)| {
                let first = entries.get(..at)?.iter().find(|b| b.covers(late))?;
                let tunnels = self.lists.iter().any(|(other, all)| {
                    other != name
                        && all.iter().all(|e| e.permit && e.to.any != u32::MAX)
                        && all.iter().any(|e| e.from == late.from && e.to == late.to)
                });
                (everywhere(first) && tunnels).then_some(first)
            })
        })
    }
}

/// `any`, `host A`, `A WILDCARD`; and what follows.
fn net<'a>(words: &'a [&'a str]) -> Option<(Net, &'a [&'a str])> {
    let address = |text: &str| text.parse::<Ipv4Addr>().ok().map(u32::from);
    match words {
        ["any", rest @ ..] => Some((
            Net {
                base: 0,
                any: u32::MAX,
            },
            rest,
        )),
        ["host", one, rest @ ..] => Some((
            Net {
                base: address(one)?,
                any: 0,
            },
            rest,
        )),
        [base, wildcard, rest @ ..] => Some((
            Net {
                base: address(base)?,
                any: address(wildcard)?,
            },
            rest,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn taken(text: &str) -> Option<String> {
        let reading = read(
            "running",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_241_400_000),
        );
        reading.facts.into_iter().find_map(|f| match f.what {
            Known::Sign {
                sign: Sign::TunnelTranslated,
                mut values,
            } => values.remove("rule"),
            _ => None,
        })
    }

    #[test]
    fn manual_rules_of_an_asa_are_asked_in_their_order() {
        let all = "nat (inside,outside) source dynamic any interface\n";
        let exempt = "nat (inside,outside) source static LAN LAN destination static FAR FAR no-proxy-arp route-lookup\n";
        assert_eq!(
            taken(&format!("{all}{exempt}")).as_deref(),
            Some(all.trim())
        );
        assert_eq!(taken(&format!("{exempt}{all}")), None);
        let last = "nat (inside,outside) after-auto source dynamic any interface\n";
        assert_eq!(taken(&format!("{last}{exempt}")), None);
        let other = exempt.replace("(inside,", "(dmz,");
        assert_eq!(taken(&format!("{all}{other}")), None);
    }

    #[test]
    fn the_first_entry_that_fits_decides() {
        let deny = "access-list 130 deny ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.0.255\n";
        let permit = "access-list 130 permit ip 10.1.0.0 0.0.255.255 any\n";
        let nat = "ip nat inside source list 130 interface Dialer0 overload\n";
        let crypto = "crypto map WAN 10 ipsec-isakmp\n match address 110\naccess-list 110 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.0.255\n";
        assert_eq!(
            taken(&format!("{permit}{deny}{nat}")).as_deref(),
            Some(permit.trim())
        );
        assert_eq!(taken(&format!("{deny}{permit}{nat}{crypto}")), None);
        assert_eq!(
            taken(&format!("{permit}{nat}{crypto}")).as_deref(),
            Some(permit.trim())
        );
        let named = "ip access-list extended NAT\n deny ip 10.1.0.0 0.0.0.255 host 10.9.0.1\n permit ip 10.1.0.0 0.0.0.255 any\nroute-map R permit 10\n match ip address NAT\nip nat inside source route-map R interface Gi0/0 overload\n";
        assert_eq!(taken(named), None);
        // Nobody shows what the lists are for: the other one permits just what this one exempts.
        let tunnel = "access-list 110 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.0.255\n";
        assert_eq!(
            taken(&format!("{permit}{deny}{tunnel}")).as_deref(),
            Some(permit.trim())
        );
        assert_eq!(taken(&format!("{deny}{permit}{tunnel}")), None);
        assert_eq!(taken(&format!("{permit}{deny}")), None);
        let filter = "interface Gi0/1\n ip access-group 130 in\n";
        assert_eq!(taken(&format!("{permit}{deny}{tunnel}{filter}")), None);
    }
}
