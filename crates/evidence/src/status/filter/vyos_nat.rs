//! Source NAT in configurations of VyOS (`set nat source rule 10 …`) and EdgeOS (`set service nat rule 5010 …`), as
//! commands or in braces.
//!
//! A rule that translates what leaves by the outside interface takes a policy's packets as well, unless a rule with a
//! lower number excludes them. What is routed into a tunnel's interface doesn't leave there.

use std::collections::BTreeMap;

use adit_model::sign::Sign;

use super::Told;
use crate::reading::Place;

/// So many rules are kept.
const MOST: usize = 256;

#[derive(Debug, Default)]
pub(super) struct VyosNat {
    rules: BTreeMap<u32, Rule>,
    /// The nodes whose braces are open, from `nat` on.
    open: Vec<String>,
    /// A tunnel of a peer has networks of its own, so that policies take its packets.
    by_policy: bool,
    /// EdgeOS puts an exemption before all rules.
    exempt: bool,
}

#[derive(Debug, Default)]
struct Rule {
    place: Option<Place>,
    translates: bool,
    exclude: bool,
    off: bool,
    /// It is for some service, for what enters, or for a tunnel's interface.
    beside: bool,
    source: Option<String>,
    destination: Option<String>,
    into: Option<String>,
}

impl VyosNat {
    /// The next line.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Place) {
        if let Some(at) = body.find("set ").filter(|at| *at < 64) {
            let command = body.get(at + 4..).unwrap_or_default();
            self.open.clear();
            self.by_policy |= command.contains("site-to-site peer ")
                && command.contains(" tunnel ")
                && command.contains(" prefix ");
            self.exempt |=
                command.contains("auto-firewall-nat-exclude") && command.contains("enable");
            let rest = ["nat ", "service nat "]
                .iter()
                .find_map(|head| command.strip_prefix(head));
            if let Some(rest) = rest {
                let words: Vec<String> = rest.split_whitespace().map(bare).collect();
                self.setting(&words, place);
            }
            return;
        }
        if body == "nat {" {
            self.open = vec!["nat".to_owned()];
            return;
        }
        self.by_policy |= body.starts_with("prefix ") && body.contains('/');
        self.exempt |= body == "auto-firewall-nat-exclude enable";
        if self.open.is_empty() {
            return;
        }
        if let Some(node) = body.strip_suffix('{') {
            self.open.extend(node.split_whitespace().map(bare));
            // Where a node with its name opened, one brace closes both.
            let words = node.split_whitespace().count();
            if words == 2
                && let (Some(name), Some(node)) = (self.open.pop(), self.open.pop())
            {
                self.open.push(format!("{node} {name}"));
            }
        } else if body == "}" {
            self.open.pop();
        } else {
            let nodes = self.open.iter().skip(1).flat_map(|n| n.split(' '));
            let words: Vec<String> = nodes.chain(body.split_whitespace()).map(bare).collect();
            self.setting(&words, place);
        }
    }

    /// `source rule 10 translation address masquerade`, `rule 5010 type masquerade`.
    fn setting(&mut self, words: &[String], place: &dyn Fn() -> Place) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let words = words.strip_prefix(&["source"]).unwrap_or(&words);
        let ["rule", number, rest @ ..] = words else {
            return;
        };
        let Ok(number) = number.parse() else {
            return;
        };
        if self.rules.len() >= MOST && !self.rules.contains_key(&number) {
            return;
        }
        let rule = self.rules.entry(number).or_default();
        rule.place.get_or_insert_with(place);
        match rest {
            ["exclude"] => rule.exclude = true,
            ["disable"] => rule.off = true,
            ["type", "masquerade"] => rule.translates = true,
            ["type", "destination"] => rule.beside = true,
            ["translation", "address", "masquerade"] => rule.translates = true,
            ["translation" | "outside-address", "address", to] => {
                rule.translates = true;
                rule.into = Some((*to).to_owned());
            }
            ["source", "address", net] => rule.source = Some((*net).to_owned()),
            ["destination", "address", net] => rule.destination = Some((*net).to_owned()),
            ["outbound-interface", .., name] => {
                rule.beside |= ["vti", "tun", "wg", "vtun", "l2tp"]
                    .iter()
                    .any(|kind| name.starts_with(kind));
            }
            ["source" | "destination", "port", ..] => rule.beside = true,
            ["protocol", which] => rule.beside |= !matches!(*which, "all"),
            ["inbound-interface", ..] => rule.beside = true,
            _ => {}
        }
    }

    /// What the rules say: the first of them that fits a packet decides, and they are asked by number.
    pub(super) fn finish(self) -> impl Iterator<Item = (Told, Place)> {
        let told = self.by_policy && !self.exempt;
        let mut exempt = false;
        self.rules
            .into_values()
            .filter(move |rule| told && !rule.off && !rule.beside)
            .filter_map(move |rule| {
                let sign = rule.sign()?;
                // What is exempt already isn't translated by a later rule.
                if sign == Sign::Masquerading && exempt {
                    return None;
                }
                exempt |= sign == Sign::TunnelExempt;
                Some(((sign, vec![("rule", rule.words())]), rule.place?))
            })
    }
}

impl Rule {
    fn sign(&self) -> Option<Sign> {
        let spares = self
            .destination
            .as_ref()
            .is_some_and(|d| d.starts_with('!'));
        match (self.exclude, self.translates) {
            (true, _) => Some(Sign::TunnelExempt),
            (false, true) if spares => Some(Sign::TunnelExempt),
            (false, true) => Some(Sign::Masquerading),
            (false, false) => None,
        }
    }

    /// The rule in the words of iptables, which all readers of rules know.
    fn words(&self) -> String {
        let mut out = "-A POSTROUTING".to_owned();
        for (net, option) in [(&self.source, "-s"), (&self.destination, "-d")] {
            if let Some(net) = net {
                let (not, net) = net
                    .strip_prefix('!')
                    .map_or(("", net.as_str()), |n| ("! ", n));
                out.push_str(&format!(" {not}{option} {net}"));
            }
        }
        out.push_str(match (self.exclude, &self.into) {
            (true, _) => " -j ACCEPT",
            (false, None) => " -j MASQUERADE",
            (false, Some(to)) if to.contains('/') => " -j NETMAP --to ",
            (false, Some(_)) => " -j SNAT --to-source ",
        });
        if let (false, Some(to)) = (self.exclude, &self.into) {
            out.push_str(to);
        }
        out
    }
}

/// A word without its quotes.
fn bare(word: &str) -> String {
    word.trim_matches(['\'', '"']).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::reading::read;
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;

    fn signs(text: &str) -> Vec<(Sign, String)> {
        read("paste", Side::Local, text.as_bytes(), Wall(0))
            .facts
            .into_iter()
            .filter_map(|f| match f.what {
                Known::Sign { sign, values } => Some((sign, values.get("rule")?.clone())),
                _ => None,
            })
            .collect()
    }

    const TUNNEL: &str =
        "set vpn ipsec site-to-site peer DEPOT tunnel 1 local prefix '10.3.0.0/16'\n";

    #[test]
    fn rules_tell_in_each_form() {
        let masquerade = [(
            Sign::Masquerading,
            "-A POSTROUTING -s 10.3.0.0/16 -j MASQUERADE".to_owned(),
        )];
        for text in [
            "set nat source rule 20 outbound-interface name 'eth0'\nset nat source rule 20 source address '10.3.0.0/16'\nset nat source rule 20 translation address 'masquerade'\n",
            "admin@edge# set service nat rule 5010 outbound-interface pppoe0\nadmin@edge# set service nat rule 5010 source address 10.3.0.0/16\nadmin@edge# set service nat rule 5010 type masquerade\n",
            "nat {\n    source {\n        rule 20 {\n            outbound-interface eth0\n            source {\n                address 10.3.0.0/16\n            }\n            translation {\n                address masquerade\n            }\n        }\n    }\n}\n",
        ] {
            assert_eq!(signs(&format!("{text}{TUNNEL}")), masquerade, "{text}");
            // What is routed into the tunnel's interface doesn't leave by the outside one.
            assert_eq!(signs(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_excluded_comes_by_its_number() {
        let text = "set nat source rule 100 translation address masquerade\nset nat source rule 10 destination address 10.4.0.0/16\nset nat source rule 10 exclude\nset nat source rule 30 protocol tcp\nset nat source rule 30 translation address masquerade\n";
        let got: Vec<Sign> = signs(&format!("{text}{TUNNEL}"))
            .into_iter()
            .map(|(sign, _)| sign)
            .collect();
        assert_eq!(got, [Sign::TunnelExempt]);
        let late = text.replace("rule 10 ", "rule 200 ");
        let got: Vec<Sign> = signs(&format!("{late}{TUNNEL}"))
            .into_iter()
            .map(|(sign, _)| sign)
            .collect();
        assert_eq!(got, [Sign::Masquerading, Sign::TunnelExempt]);
        let edge = "set vpn ipsec auto-firewall-nat-exclude enable\n";
        assert_eq!(signs(&format!("{text}{edge}{TUNNEL}")), []);
    }
}
