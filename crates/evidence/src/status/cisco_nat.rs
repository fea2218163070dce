//! Which of a tunnel's packets a Cisco router translates: the access list of its NAT, entry by entry.
//!
//! The first entry that fits decides. A `deny` that is to exempt the tunnel is never reached behind a `permit` that
//! covers it, and a pair of networks that the crypto map protects is translated where the NAT's list permits it first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::account::{holds, plain};
use crate::reading::Place;
use crate::text::Line;

/// How lines begin that are looked at; of a named list the entries may be numbered.
const STARTS: [&str; 13] = [
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
    "no ",
    "NAT: s=",
];

/// What was shown before isn't so any more.
const CHANGED: &str = "corrected|new order|right order|reordered|changed the order|swapped|i moved|i have moved|ive moved";

/// Addresses: a base, and the bits that may be any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Net {
    base: u32,
    any: u32,
}

impl Net {
    fn holds(self, address: u32) -> bool {
        (self.base ^ address) & !self.any == 0
    }

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
    /// Lists that were shown again in another order, or of which entries were taken out.
    unclear: BTreeSet<String>,
    /// The last entry of each list that was shown again.
    again: BTreeMap<String, usize>,
    /// What the router itself tells that it translates: from, to.
    translated: Vec<(u32, u32)>,
    asa: Asa,
    /// Lists of route maps, and those of crypto maps.
    mapped: Vec<(String, String)>,
    protected: BTreeSet<String>,
}

/// Manual rules of an ASA, which are asked in their order.
#[derive(Debug, Default)]
struct Asa {
    /// The first rule between two interfaces that translates everything.
    dynamic: Option<(String, String, Place)>,
    /// Rules that exempt networks, and whether one stands behind that one.
    exempt: BTreeSet<String>,
    exempt_behind: bool,
    /// One stands before it, or is shown twice, or a rule was taken out: what holds isn't known.
    unclear: bool,
}

impl CiscoNat {
    /// The next line of a configuration.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        const MOST: usize = 512;
        let body = line.body.trim();
        let of_mine = STARTS.iter().any(|start| body.starts_with(start))
            || (self.list.is_some() && body.starts_with(|c: char| c.is_ascii_digit()));
        if !of_mine {
            self.prose(body);
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
            ["nat", interfaces, "source", rest @ ..] => {
                self.asa.twice(interfaces, rest, body, place);
            }
            ["no", "nat", ..] => self.asa.unclear = true,
            ["no", "access-list", name] | ["no", "ip", "access-list", "extended", name] => {
                self.lists.remove(*name);
                self.again.remove(*name);
            }
            ["no", "access-list", name, ..] => {
                self.unclear.insert((*name).to_owned());
            }
            ["no", "permit" | "deny", ..] => self.unclear.extend(self.list.clone()),
            ["no", number] if number.parse::<u32>().is_ok() => {
                self.unclear.extend(self.list.clone());
            }
            [
                "no",
                "ip",
                "nat",
                "inside",
                "source",
                "list" | "route-map",
                name,
                ..,
            ] => {
                self.nat.remove(*name);
                self.nat_maps.remove(*name);
                self.unclear.insert((*name).to_owned());
            }
            ["NAT:", ..] => self.translated.extend(translated(body)),
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

    /// What somebody says between two parts of a configuration.
    fn prose(&mut self, body: &str) {
        const LONG: usize = 400;
        let shown = !self.lists.is_empty() || self.asa.dynamic.is_some();
        if shown && body.len() <= LONG && is_changed(body) {
            self.lists.clear();
            self.again.clear();
            self.asa = Asa {
                unclear: self.asa.unclear,
                ..Asa::default()
            };
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
        let permit = *verb == "permit";
        let entries = self.lists.entry(name.to_owned()).or_default();
        let same = |e: &Entry| (e.permit, e.from, e.to) == (permit, from, to);
        if let Some(at) = entries.iter().position(same) {
            if self.again.insert(name.to_owned(), at) > Some(at) {
                self.unclear.insert(name.to_owned());
            }
            return;
        }
        entries.push(Entry {
            permit,
            from,
            to,
            text: body.to_owned(),
            place: place(),
        });
    }

    /// Entries of a NAT's list that take a tunnel's packets.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        let asa = &self.asa;
        let behind = asa.exempt_behind && !asa.unclear;
        if let Some((_, rule, place)) = asa.dynamic.as_ref().filter(|_| behind) {
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
        let clear = lists
            .into_iter()
            .filter(|name| !self.unclear.contains(*name));
        for entries in clear.filter_map(|name| self.lists.get(name)) {
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
    /// exempts what another list permits as it stands, and nothing else, as those of crypto maps do. Its name says that it
    /// is NAT's, or the router itself tells that it translates such packets.
    fn unnamed(&self) -> Option<&Entry> {
        if !self.nat.is_empty() || !self.nat_maps.is_empty() {
            return None;
        }
        let everywhere = |e: &Entry| e.permit && e.to.any == u32::MAX && e.from.any != u32::MAX;
        // Of route maps that are shown none is NAT's.
        let other_use = |name: &String| {
            self.filters.contains(name)
                || self.protected.contains(name)
                || self.unclear.contains(name)
                || self.mapped.iter().any(|(_, list)| list == name)
        };
        let seen = |late: &Entry| {
            let its = |(from, to): &(u32, u32)| late.from.holds(*from) && late.to.holds(*to);
            self.translated.iter().any(its)
        };
        let free = self.lists.iter().filter(|(name, _)| !other_use(name));
        free.into_iter().find_map(|(name, entries)| {
            let named = name.to_ascii_lowercase().contains("nat");
            let mut denied = entries
                .iter()
                .enumerate()
                .filter(|(_, e)| !e.permit && (named || seen(e)));
            denied.find_map(|(at, late)| {
                let first = entries.get(..at)?.iter().find(|b| b.covers(late))?;
                let tunnels = || {
                    self.lists.iter().any(|(other, all)| {
                        other != name
                            && all.iter().all(|e| e.permit && e.to.any != u32::MAX)
                            && all.iter().any(|e| e.from == late.from && e.to == late.to)
                    })
                };
                (everywhere(first) && tunnels()).then_some(first)
            })
        })
    }
}

/// Whether somebody says so, or that what follows is how it is now: `Now:`.
fn is_changed(body: &str) -> bool {
    const NOW: &str = "now |new |after|current|at present|since ";
    let told = plain(body);
    holds(&told, CHANGED) || body.ends_with(':') && holds(&told, NOW)
}

/// `NAT: s=10.1.0.9->192.0.2.1, d=10.2.0.7 [12]`, as `debug ip nat` prints it.
fn translated(body: &str) -> Option<(u32, u32)> {
    let (from, rest) = body.strip_prefix("NAT: s=")?.split_once("->")?;
    let (_, rest) = rest.split_once("d=")?;
    let to = rest.split([' ', '-', ',']).next()?;
    let number = |text: &str| text.parse::<Ipv4Addr>().ok().map(u32::from);
    Some((number(from)?, number(to)?))
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

impl Asa {
    /// `nat (in,out) source dynamic any interface`, `nat (in,out) source static LAN LAN destination static FAR FAR`.
    fn twice(&mut self, interfaces: &str, rest: &[&str], body: &str, place: &dyn Fn() -> Place) {
        // Not in force, or for some packets only.
        let narrow = ["inactive", "service"];
        let described = rest.iter().position(|w| *w == "description");
        let rest = rest.get(..described.unwrap_or(rest.len())).unwrap_or(rest);
        if rest
            .iter()
            .any(|w| narrow.contains(w) || *w == "after-auto")
        {
            return;
        }
        match rest {
            ["dynamic", "any", tail @ ..]
                if self.dynamic.is_none() && !tail.contains(&"destination") =>
            {
                self.dynamic = Some((interfaces.to_owned(), body.to_owned(), place()));
            }
            ["static", a, b, "destination", "static", c, d, ..] if a == b && c == d => {
                let of = self.dynamic.as_ref().map(|(of, ..)| of.as_str());
                self.exempt_behind |= of == Some(interfaces);
                // The tunnel in question may be the one that is exempted in time.
                self.unclear |= of.is_none() || !self.exempt.insert(body.to_owned());
            }
            _ => {}
        }
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
        // For some packets only, or not in force.
        for tail in [" inactive", " destination static P P", " service HTTP HTTP"] {
            let some = all.replace('\n', &format!("{tail}\n"));
            assert_eq!(taken(&format!("{some}{exempt}")), None, "{tail}");
        }
        // The other tunnel is exempted in time; and the order as it is now.
        let early = exempt.replace("FAR", "NEAR");
        assert_eq!(taken(&format!("{early}{all}{exempt}")), None);
        assert_eq!(taken(&format!("{all}{exempt}Now:\n{exempt}{last}")), None);
        assert_eq!(taken(&format!("{all}{exempt}\n{exempt}{last}")), None);
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
        assert_eq!(
            taken(&format!(
                "{permit}{deny}{nat}no access-list 130\n{deny}{permit}"
            )),
            None
        );
        assert_eq!(taken(&format!("{permit}{deny}{nat}\n{deny}{permit}")), None);
        // Nobody shows what the lists are for: the other one permits just what this one exempts, and the router tells of it.
        let list = "access-list 110 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.0.255\n";
        let told = "NAT: s=10.1.3.9->192.0.2.1, d=10.2.0.7 [12]\n";
        let tunnel = format!("{list}{told}");
        assert_eq!(
            taken(&format!("{permit}{deny}{tunnel}")).as_deref(),
            Some(permit.trim())
        );
        assert_eq!(taken(&format!("{permit}{deny}{list}")), None);
        assert_eq!(taken(&format!("{deny}{permit}{tunnel}")), None);
        assert_eq!(taken(&format!("{permit}{deny}")), None);
        let filter = "interface Gi0/1\n ip access-group 130 in\n";
        assert_eq!(taken(&format!("{permit}{deny}{tunnel}{filter}")), None);
    }
}
