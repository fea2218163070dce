//! Access lists and the objects that they name.

use adit_model::peer_config::Networks;
use adit_model::selector::Selector;

use super::super::context::Line;
use super::super::value::{address_and_mask, network, protocol_number};
use super::Device;

impl<'x> Device<'x, '_> {
    /// Local and remote networks of an access list.
    pub(super) fn access_list(&self, name: &str) -> Option<(Networks, Networks, &'x Line)> {
        let mut local: Networks = Vec::new();
        let mut remote: Networks = Vec::new();
        let mut at = None;
        let numbered = self
            .all
            .iter()
            .filter(|c| c.is(&["access-list", name]))
            .map(|c| (c.words.get(2..).unwrap_or_default(), c.line));
        let named = self
            .all
            .iter()
            .filter(|c| c.is(&["ip", "access-list"]) && c.last() == name)
            .flat_map(|c| c.below.iter().map(|b| (b.words.as_slice(), b.line)));
        for (words, line) in numbered.chain(named) {
            let Some(permit) = words.iter().position(|w| w == "permit") else {
                continue;
            };
            let (protocol, from) = match words.get(permit + 1).map(String::as_str) {
                Some("object-group" | "object") => (0, permit + 3),
                Some(name) => (protocol_number(name).unwrap_or(0), permit + 2),
                None => continue,
            };
            let (a, next) = self.end_of(words, from)?;
            let (b, _) = self.end_of(words, next)?;
            at = at.or(Some(line));
            let limited = |list: Vec<Selector>| -> Networks {
                list.into_iter()
                    .map(|s| Some(Selector { protocol, ..s }))
                    .collect()
            };
            for (list, new) in [(&mut local, limited(a)), (&mut remote, limited(b))] {
                for s in new {
                    if !list.contains(&s) {
                        list.push(s);
                    }
                }
            }
        }
        Some((local, remote, at?)).filter(|(l, r, _)| !l.is_empty() && !r.is_empty())
    }

    /// One end of an access list's line: networks, and where the next end begins.
    pub(super) fn end_of(&self, words: &[String], at: usize) -> Option<(Vec<Selector>, usize)> {
        let word = |i: usize| words.get(i).map_or("", String::as_str);
        match word(at) {
            "any" | "any4" => Some((vec![network("0.0.0.0/0")?], at + 1)),
            "host" => Some((vec![network(word(at + 1))?], at + 2)),
            "object" | "object-group" => Some((self.object(word(at + 1), 0)?, at + 2)),
            address => Some((vec![address_and_mask(address, word(at + 1))?], at + 2)),
        }
    }

    /// Networks of an object or a group of objects.
    pub(super) fn object(&self, name: &str, depth: usize) -> Option<Vec<Selector>> {
        const DEEPEST: usize = 4;
        let object = self.all.iter().find(|c| {
            (c.is(&["object", "network"]) || c.is(&["object-group", "network"]))
                && c.word(2) == name
        })?;
        let mut out = Vec::new();
        for b in &object.below {
            match (b.word(0), b.word(1)) {
                ("subnet", address) => out.push(address_and_mask(address, b.word(2))?),
                ("host", address) => out.push(network(address)?),
                ("network-object", "host") => out.push(network(b.word(2))?),
                ("network-object", "object") | ("group-object", _) if depth < DEEPEST => {
                    out.extend(self.object(b.last(), depth + 1)?);
                }
                ("network-object", address) => out.push(address_and_mask(address, b.word(2))?),
                _ => {}
            }
        }
        (!out.is_empty()).then_some(out)
    }
}
