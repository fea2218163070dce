//! Rules in the words of `nft`, as far as they are known here; for people, not to be read back.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::expression::{Expression, Loaded, Verdict};
use super::{Chain, Rule, Ruleset};

/// A rule in one line.
pub(super) fn rule(ruleset: &Ruleset, chain: &Chain, rule: &Rule) -> String {
    let mut told = Told::default();
    for expression in &rule.expressions {
        told.step(ruleset, chain, expression);
    }
    told.words.join(" ")
}

#[derive(Default)]
struct Told {
    words: Vec<String>,
    /// What each register was last loaded with, and the mask on it.
    loaded: Vec<(u32, Loaded, Option<Vec<u8>>)>,
    /// The protocol that the rule has asked for, which names ports.
    protocol: Option<u8>,
    /// Addresses that were put into registers.
    values: Vec<(u32, Vec<u8>)>,
}

impl Told {
    fn step(&mut self, ruleset: &Ruleset, chain: &Chain, step: &Expression) {
        match step {
            Expression::Load { what, into } => {
                self.loaded.retain(|(register, ..)| register != into);
                self.loaded.push((*into, what.clone(), None));
            }
            Expression::Bitwise {
                from, into, mask, ..
            } => {
                if let Some((_, what, _)) = self.of(*from).cloned() {
                    self.loaded.retain(|(register, ..)| register != into);
                    self.loaded.push((*into, what, Some(mask.clone())));
                }
            }
            Expression::Compare {
                from,
                operator,
                value,
            } => self.compare(*from, *operator, value),
            Expression::Range {
                from,
                outside,
                first,
                last,
            } => {
                if let Some((_, what, _)) = self.of(*from).cloned() {
                    let range = format!("{}-{}", self.value(&what, first), self.value(&what, last));
                    let not = if *outside { "!= " } else { "" };
                    self.say(&what, &format!("{not}{range}"));
                }
            }
            Expression::Lookup {
                set,
                from,
                inverted,
                verdict,
            } => self.look_up(ruleset, chain, set, *from, *inverted, *verdict),
            Expression::Immediate { into, value } => self.values.push((*into, value.clone())),
            Expression::Verdict(verdict) => self.words.push(verdict_words(verdict)),
            Expression::Counter { packets } => {
                self.words.push(format!("counter packets {packets}"));
            }
            Expression::Reject => self.words.push("reject".to_owned()),
            Expression::Source(name, _) | Expression::Destination(name, _) => {
                self.words.push(name.clone());
                if let Some(to) = self.values.first().and_then(|(_, v)| address(v)) {
                    self.words.push(format!("to {to}"));
                }
            }
            Expression::Aside(name) | Expression::Marks(name) => self.words.push(name.clone()),
            Expression::Untracked => self.words.push("notrack".to_owned()),
            Expression::SetMark { .. } => self.words.push("meta mark set".to_owned()),
            Expression::TrackedState { states, inverted } => {
                let not = if *inverted { "!= " } else { "" };
                self.words
                    .push(format!("ct state {not}{}", states_words(*states)));
            }
            Expression::Ports {
                source,
                destination,
            } => {
                for (name, (first, last)) in [("sport", source), ("dport", destination)] {
                    if (*first, *last) != (0, u16::MAX) {
                        let range = if first == last {
                            first.to_string()
                        } else {
                            format!("{first}-{last}")
                        };
                        self.words.push(format!("{name} {range}"));
                    }
                }
            }
            Expression::Unknown(name) | Expression::Action(name) => {
                self.words.push(format!("[{name}]"))
            }
        }
    }

    fn of(&self, register: u32) -> Option<&(u32, Loaded, Option<Vec<u8>>)> {
        self.loaded.iter().find(|(at, ..)| *at == register)
    }

    fn compare(&mut self, from: u32, operator: u32, value: &[u8]) {
        let Some((_, what, mask)) = self.of(from).cloned() else {
            return;
        };
        if what == Loaded::Meta(META_L4_PROTOCOL)
            && let ([number], 0) = (value, operator)
        {
            self.protocol = Some(*number);
        }
        if let (Loaded::Tracked(0), Some(mask), 1) = (&what, &mask, operator) {
            let states = mask.as_slice().try_into().map_or(0, u32::from_ne_bytes);
            self.words
                .push(format!("ct state {}", states_words(states)));
            return;
        }
        let sign = match operator {
            0 => "",
            1 => "!= ",
            2 => "< ",
            3 => "<= ",
            4 => "> ",
            _ => ">= ",
        };
        let mut said = self.value(&what, value);
        if let Some(mask) = mask {
            let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
            said = format!("{said}/{ones}");
        } else if let (Loaded::Payload { length, .. }, Some(_)) = (&what, address_part(&what)) {
            // A whole number of octets is compared without a mask.
            let length = usize::try_from(*length).unwrap_or(0);
            if length < address_part(&what).unwrap_or(0) {
                said = format!("{said}/{}", length * 8);
            }
        }
        self.say(&what, &format!("{sign}{said}"));
    }

    fn look_up(
        &mut self,
        ruleset: &Ruleset,
        chain: &Chain,
        name: &str,
        from: u32,
        inverted: bool,
        verdict: bool,
    ) {
        let Some((_, what, _)) = self.of(from).cloned() else {
            return;
        };
        let set = ruleset
            .sets
            .iter()
            .find(|set| set.name == name && set.table == chain.table);
        let mut said = format!("@{name}");
        if let (Some(set), true) = (set, name.starts_with("__")) {
            let shown: Vec<String> = set
                .elements
                .iter()
                .filter(|e| !e.ends)
                .take(8)
                .map(|e| {
                    let key = self.value(&what, &e.key);
                    match &e.verdict {
                        Some(verdict) => format!("{key} : {}", verdict_words(verdict)),
                        None => key,
                    }
                })
                .collect();
            let more = if set.elements.len() > 8 { ", …" } else { "" };
            said = format!("{{ {}{more} }}", shown.join(", "));
        }
        let not = if inverted { "!= " } else { "" };
        let map = if verdict { "vmap " } else { "" };
        self.say(&what, &format!("{not}{map}{said}"));
    }

    fn say(&mut self, what: &Loaded, said: &str) {
        let name = self.name(what);
        // `meta l4proto udp` goes into the name of the port that comes next.
        let port = name.ends_with("sport") || name.ends_with("dport");
        if port
            && self
                .words
                .last()
                .is_some_and(|w| w.starts_with("meta l4proto "))
        {
            self.words.pop();
        }
        self.words.push(format!("{name} {said}"));
    }

    fn name(&self, what: &Loaded) -> String {
        let protocol = match self.protocol {
            Some(6) => "tcp",
            Some(17) => "udp",
            _ => "th",
        };
        match what {
            Loaded::Meta(META_INPUT) => "iif".to_owned(),
            Loaded::Meta(META_OUTPUT) => "oif".to_owned(),
            Loaded::Meta(META_INPUT_NAME) => "iifname".to_owned(),
            Loaded::Meta(META_OUTPUT_NAME) => "oifname".to_owned(),
            Loaded::Meta(META_MARK) => "meta mark".to_owned(),
            Loaded::Meta(META_FAMILY) => "meta nfproto".to_owned(),
            Loaded::Meta(META_L4_PROTOCOL) => "meta l4proto".to_owned(),
            Loaded::Meta(META_IPSEC) => "meta ipsec".to_owned(),
            Loaded::Meta(key) => format!("meta {key}"),
            Loaded::Payload {
                base: 1,
                offset: 9,
                length: 1,
            } => "ip protocol".to_owned(),
            Loaded::Payload {
                base: 1,
                offset: 6,
                length: 1,
            } => "ip6 nexthdr".to_owned(),
            Loaded::Payload {
                base: 1, offset, ..
            } => match offset {
                12 => "ip saddr".to_owned(),
                16 => "ip daddr".to_owned(),
                8 => "ip6 saddr".to_owned(),
                24 => "ip6 daddr".to_owned(),
                other => format!("@nh,{},..", other * 8),
            },
            Loaded::Payload {
                base: 2,
                offset: 0,
                length: 2,
            } => format!("{protocol} sport"),
            Loaded::Payload {
                base: 2,
                offset: 2,
                length: 2,
            } => format!("{protocol} dport"),
            Loaded::Payload {
                base: 2,
                offset: 0,
                length: 1,
            } => "icmp type".to_owned(),
            Loaded::Payload { offset, .. } => format!("@th,{},..", offset * 8),
            Loaded::Tracked(0) => "ct state".to_owned(),
            Loaded::Tracked(1) => "ct direction".to_owned(),
            Loaded::Tracked(2) => "ct status".to_owned(),
            Loaded::Tracked(3) => "ct mark".to_owned(),
            Loaded::Tracked(key) => format!("ct {key}"),
            Loaded::Other { name } => name.clone(),
        }
    }

    fn value(&self, what: &Loaded, octets: &[u8]) -> String {
        let number = |octets: &[u8]| {
            octets
                .iter()
                .fold(0u64, |so_far, octet| so_far << 8 | u64::from(*octet))
        };
        match what {
            Loaded::Meta(META_INPUT_NAME | META_OUTPUT_NAME) => {
                let end = octets.iter().position(|o| *o == 0).unwrap_or(octets.len());
                let star = if end == octets.len() && end < 16 {
                    "*"
                } else {
                    ""
                };
                let name = String::from_utf8_lossy(octets.get(..end).unwrap_or_default());
                format!("\"{name}{star}\"")
            }
            Loaded::Meta(META_L4_PROTOCOL)
            | Loaded::Payload {
                base: 1,
                offset: 9 | 6,
                length: 1,
            } => match octets {
                [1] => "icmp".to_owned(),
                [6] => "tcp".to_owned(),
                [17] => "udp".to_owned(),
                [50] => "esp".to_owned(),
                [51] => "ah".to_owned(),
                [58] => "ipv6-icmp".to_owned(),
                other => number(other).to_string(),
            },
            Loaded::Meta(META_FAMILY) => match octets {
                [2] => "ipv4".to_owned(),
                [10] => "ipv6".to_owned(),
                other => number(other).to_string(),
            },
            Loaded::Tracked(0) => {
                let states = octets.try_into().map_or(0, u32::from_ne_bytes);
                states_words(states)
            }
            Loaded::Meta(_) | Loaded::Tracked(_) => match octets.try_into() {
                Ok(octets) => format!("{:#x}", u32::from_ne_bytes(octets)),
                Err(_) => number(octets).to_string(),
            },
            Loaded::Payload { .. } => {
                let mut whole = octets.to_vec();
                if let Some(length) = address_part(what) {
                    whole.resize(length, 0);
                    return address(&whole).unwrap_or_default();
                }
                number(octets).to_string()
            }
            Loaded::Other { .. } => octets.iter().map(|o| format!("{o:02x}")).collect(),
        }
    }
}

/// Octets of the address that a field is part of.
fn address_part(what: &Loaded) -> Option<usize> {
    match what {
        Loaded::Payload {
            base: 1,
            offset: 12 | 16,
            length: ..=4,
        } => Some(4),
        Loaded::Payload {
            base: 1,
            offset: 8 | 24,
            length: 3..,
        } => Some(16),
        _ => None,
    }
}

fn address(octets: &[u8]) -> Option<String> {
    match octets.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).to_string()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).to_string()),
        _ => None,
    }
}

fn verdict_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Drop => "drop".to_owned(),
        Verdict::Accept => "accept".to_owned(),
        Verdict::Queue => "queue".to_owned(),
        Verdict::Continue => "continue".to_owned(),
        Verdict::Return => "return".to_owned(),
        Verdict::Jump(name) => format!("jump {name}"),
        Verdict::Goto(name) => format!("goto {name}"),
    }
}

fn states_words(states: u32) -> String {
    let named = [
        (1, "invalid"),
        (2, "established"),
        (4, "related"),
        (8, "new"),
        (64, "untracked"),
    ];
    let names: Vec<&str> = named
        .iter()
        .filter(|(bit, _)| states & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    names.join(",")
}

const META_MARK: u32 = 3;
const META_INPUT: u32 = 4;
const META_OUTPUT: u32 = 5;
const META_INPUT_NAME: u32 = 6;
const META_OUTPUT_NAME: u32 = 7;
const META_FAMILY: u32 = 15;
const META_L4_PROTOCOL: u32 = 16;
const META_IPSEC: u32 = 25;
