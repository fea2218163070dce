//! Every table, asked of the kernel.

use super::expression::{Expression, Verdict, be32};
use super::{Base, Chain, Element, Family, Point, Rule, Ruleset, Set};
use crate::error::Result;
use crate::netlink::codec::{Answer, Attributes, Message, text};
use crate::netlink::transport::{Owned, Transport};
use crate::nft;

/// All chains, rules and sets of the calling thread's network namespace. Empty where this kernel has no nf_tables.
///
/// # Errors
/// When CAP_NET_ADMIN is missing.
pub fn read() -> Result<Ruleset> {
    let mut transport = nft::open()?;
    let chains = match list(&mut transport, GET_CHAIN, ANY) {
        Ok(chains) => chains,
        Err(error) if error.is_unsupported() || error.errno == Some(libc::EINVAL) => {
            return Ok(Ruleset::default());
        }
        Err(error) => return Err(error),
    };
    let mut ruleset = Ruleset {
        chains: chains
            .iter()
            .filter_map(|found| chain(&found.as_answer()))
            .collect(),
        sets: Vec::new(),
    };
    if ruleset.chains.is_empty() {
        return Ok(ruleset);
    }
    for found in list(&mut transport, GET_RULE, ANY)? {
        let answer = found.as_answer();
        let Some((family, table, name, rule)) = rule(&answer) else {
            continue;
        };
        let home = ruleset
            .chains
            .iter_mut()
            .find(|chain| chain.family == family && chain.table == table && chain.name == name);
        if let Some(home) = home {
            home.rules.push(rule);
        }
    }
    for found in list(&mut transport, GET_SET, ANY)? {
        if let Some(set) = set(&found.as_answer()) {
            let mut message = Message::new(
                nft::kind(GET_ELEMENTS),
                0,
                &nft::header(set.family.unwrap_or(ANY), 0),
            );
            message.put_text(1, &set.table).put_text(2, &set.name);
            let found = transport.dump("read the elements of set", &set.name, &message);
            ruleset.sets.extend(set.with(found));
        }
    }
    Ok(ruleset)
}

impl Set {
    /// With the elements that were read. One whose elements can't be read isn't an empty one: nobody here knows what is in it.
    fn with(self, found: Result<Vec<Owned>>) -> Option<Self> {
        let found = found.ok()?;
        Some(Self {
            elements: found
                .iter()
                .flat_map(|found| elements(&found.as_answer()))
                .collect(),
            ..self
        })
    }
}

fn list(transport: &mut Transport, kind: u16, family: u8) -> Result<Vec<Owned>> {
    let message = Message::new(nft::kind(kind), 0, &nft::header(family, 0));
    transport.dump("read the packet filters", "", &message)
}

fn family(number: u8) -> Option<Family> {
    match number {
        1 => Some(Family::Inet),
        2 => Some(Family::V4),
        5 => Some(Family::Netdev),
        10 => Some(Family::V6),
        // ARP and bridges have nothing to do with what is routed.
        _ => None,
    }
}

fn chain(answer: &Answer<'_>) -> Option<Chain> {
    if answer.kind != nft::kind(NEW_CHAIN) {
        return None;
    }
    let family = family(*answer.body.first()?)?;
    let attributes = answer.attributes(nft::HEADER);
    let base = attributes.nested(4).and_then(|hook| {
        let number = hook.find(1).and_then(be32)?;
        let device = hook.find(3).map(text).into_iter();
        let devices = hook
            .nested(4)
            .into_iter()
            .flatten()
            .map(|(_, name)| text(name));
        Some(Base {
            point: point(family, number)?,
            priority: hook.find(2).and_then(be32)?.cast_signed(),
            drops: attributes.find(5).and_then(be32) == Some(0),
            translates: attributes
                .find(7)
                .is_some_and(|kind| text(kind).as_str() == "nat"),
            devices: device.chain(devices).collect(),
        })
    });
    Some(Chain {
        family,
        table: text(attributes.find(1)?),
        name: text(attributes.find(3)?),
        base,
        rules: Vec::new(),
    })
}

fn point(family: Family, number: u32) -> Option<Point> {
    match (family, number) {
        (Family::Netdev, 0) | (Family::Inet, 5) => Some(Point::Ingress),
        (Family::Netdev, _) => None,
        (_, 0) => Some(Point::Prerouting),
        (_, 1) => Some(Point::Input),
        (_, 2) => Some(Point::Forward),
        (_, 3) => Some(Point::Output),
        (_, 4) => Some(Point::Postrouting),
        _ => None,
    }
}

fn rule(answer: &Answer<'_>) -> Option<(Family, String, String, Rule)> {
    if answer.kind != nft::kind(NEW_RULE) {
        return None;
    }
    let family = family(*answer.body.first()?)?;
    let attributes = answer.attributes(nft::HEADER);
    let expressions = attributes
        .nested(4)
        .into_iter()
        .flatten()
        .filter_map(|(_, element)| Expression::parse(Attributes(element)))
        .collect();
    let rule = Rule {
        handle: u64::from_be_bytes(attributes.find(3)?.try_into().ok()?),
        expressions,
    };
    Some((
        family,
        text(attributes.find(1)?),
        text(attributes.find(2)?),
        rule,
    ))
}

fn set(answer: &Answer<'_>) -> Option<Set> {
    if answer.kind != nft::kind(NEW_SET) {
        return None;
    }
    let number = *answer.body.first()?;
    family(number)?;
    let attributes = answer.attributes(nft::HEADER);
    Some(Set {
        family: Some(number),
        table: text(attributes.find(1)?),
        name: text(attributes.find(2)?),
        key_length: usize::try_from(attributes.find(5).and_then(be32)?).ok()?,
        interval: attributes.find(3).and_then(be32).unwrap_or(0) & INTERVAL != 0,
        elements: Vec::new(),
    })
}

fn elements(answer: &Answer<'_>) -> Vec<Element> {
    if answer.kind != nft::kind(NEW_ELEMENTS) {
        return Vec::new();
    }
    let list = answer.attributes(nft::HEADER).nested(3);
    let value = |data: Attributes<'_>, kind| {
        data.nested(kind)
            .and_then(|data| data.find(1))
            .map(<[u8]>::to_vec)
    };
    list.into_iter()
        .flatten()
        .map(|(_, element)| {
            let element = Attributes(element);
            let flags = element.find(3).and_then(be32).unwrap_or(0);
            Element {
                key: value(element, 1).unwrap_or_default(),
                last: value(element, 10),
                ends: flags & 1 != 0,
                catches_all: flags & 2 != 0,
                verdict: element
                    .nested(2)
                    .and_then(|data| data.nested(2))
                    .and_then(Verdict::parse),
            }
        })
        .collect()
}

const ANY: u8 = 0;
const NEW_CHAIN: u16 = 3;
const GET_CHAIN: u16 = 4;
const NEW_RULE: u16 = 6;
const GET_RULE: u16 = 7;
const NEW_SET: u16 = 9;
const GET_SET: u16 = 10;
const NEW_ELEMENTS: u16 = 12;
const GET_ELEMENTS: u16 = 13;
const INTERVAL: u32 = 4;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::KernelError;

    /// What is refused, or kept changing, isn't known; what is empty is.
    #[test]
    fn a_set_that_cannot_be_read_is_not_an_empty_one() {
        let unread = Err(KernelError::own("read", "allowed", "it kept changing"));
        assert_eq!(Set::default().with(unread), None);
        assert_eq!(Set::default().with(Ok(Vec::new())), Some(Set::default()));
    }
}
