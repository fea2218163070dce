//! Rules played on a packet. An answer is yes, no or perhaps, and perhaps stays perhaps.

use super::expression::{Expression, Loaded, Verdict};
use super::packet::{Bits, Packet, Tracked, known, open};
use super::{
    Chain, Family, Fate, Into, Passage, Place, Point, Rule, Ruleset, Set, Translated, words,
};
use crate::netlink::parse_address;

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    Perhaps,
}

impl Holds {
    fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
        }
    }
}

/// How a chain ends for a packet.
enum End {
    Accepted,
    Dropped(Place),
    /// Nothing in it decided.
    Through,
}

impl Ruleset {
    /// What becomes of `packet` at `point`.
    #[must_use]
    pub fn passage(&self, packet: &Packet, point: Point) -> Passage {
        let mut bases: Vec<(&Chain, &super::Base)> = self
            .chains
            .iter()
            .filter_map(|chain| Some((chain, chain.base.as_ref()?)))
            .filter(|(chain, base)| base.point == point && sees(chain, base, packet))
            .collect();
        bases.sort_by_key(|(_, base)| base.priority);
        let untracked = self.may_untrack(packet);
        let described = packet;
        let packet = &Packet {
            tracked: packet.tracked.filter(|_| !untracked),
            ..packet.clone()
        };
        let mut mark = packet.mark;
        let mut passage = Passage {
            fate: Fate::Passes,
            source_translated: None,
            destination_translated: None,
        };
        for (chain, base) in bases {
            let mut play = Play {
                ruleset: self,
                packet,
                mark,
                budget: MOST_RULES,
                perhaps_dropped: None,
                perhaps_accepted: false,
                source: None,
                destination: None,
            };
            if base.translates && described.tracked == Some(Tracked::Established) {
                continue;
            }
            let end = play.chain(chain, true, 0);
            mark = play.mark;
            let end = match end {
                End::Through if base.drops => End::Dropped(Place {
                    family: chain.family.name(),
                    table: chain.table.clone(),
                    chain: chain.name.clone(),
                    handle: None,
                    text: "policy drop".to_owned(),
                    packets: None,
                }),
                other => other,
            };
            // What isn't tracked isn't translated.
            if !untracked {
                passage.source_translated = passage.source_translated.or(play.source);
                passage.destination_translated =
                    passage.destination_translated.or(play.destination);
            }
            match end {
                End::Dropped(place) if !play.perhaps_accepted && play.budget > 0 => {
                    passage.fate = Fate::Dropped(place);
                    return passage;
                }
                End::Dropped(place) => passage.fate = Fate::Perhaps(place),
                End::Accepted | End::Through => {
                    if let (Some(place), Fate::Passes) = (play.perhaps_dropped, &passage.fate) {
                        passage.fate = Fate::Perhaps(place);
                    }
                }
            }
        }
        passage
    }

    /// Whether some rule may keep the packet from connection tracking: then its state is open.
    fn may_untrack(&self, packet: &Packet) -> bool {
        let asked = Packet {
            tracked: None,
            ..packet.clone()
        };
        self.chains.iter().any(|chain| {
            let family = match chain.family {
                Family::V4 => packet.is_v4(),
                Family::V6 => !packet.is_v4(),
                Family::Inet | Family::Netdev => true,
            };
            family
                && chain.rules.iter().any(|rule| {
                    let all = &rule.expressions;
                    let Some(end) = all.iter().position(|e| *e == Expression::Untracked) else {
                        return false;
                    };
                    let mut play = Play {
                        ruleset: self,
                        packet: &asked,
                        // What it is there isn't known here.
                        mark: None,
                        budget: MOST_RULES,
                        perhaps_dropped: None,
                        perhaps_accepted: false,
                        source: None,
                        destination: None,
                    };
                    let mut registers = Registers::default();
                    all.iter()
                        .take(end)
                        .all(|step| play.step(chain, step, true, &mut registers) != Holds::No)
                })
        })
    }
}

fn sees(chain: &Chain, base: &super::Base, packet: &Packet) -> bool {
    match chain.family {
        Family::V4 => packet.is_v4(),
        Family::V6 => !packet.is_v4(),
        Family::Inet if base.point != Point::Ingress => true,
        Family::Inet | Family::Netdev => packet
            .input
            .as_ref()
            .is_some_and(|(_, name)| base.devices.contains(name)),
    }
}

/// A packet on its way through one base chain.
struct Play<'a> {
    ruleset: &'a Ruleset,
    packet: &'a Packet,
    mark: Option<u32>,
    /// Rules that are still looked at.
    budget: usize,
    perhaps_dropped: Option<Place>,
    perhaps_accepted: bool,
    source: Option<Translated>,
    destination: Option<Translated>,
}

impl Play<'_> {
    /// Plays a chain. Unless `sure`, the packet only perhaps comes here.
    fn chain(&mut self, chain: &Chain, sure: bool, depth: usize) -> End {
        for rule in &chain.rules {
            if self.budget == 0 {
                self.perhaps_accepted = true;
                return End::Through;
            }
            self.budget -= 1;
            match self.rule(chain, rule, sure, depth) {
                Some(Next::End(end)) => return end,
                Some(Next::Return) => return End::Through,
                None => {}
            }
        }
        End::Through
    }

    fn rule(&mut self, chain: &Chain, rule: &Rule, sure: bool, depth: usize) -> Option<Next> {
        let mut registers = Registers::default();
        let mut holds = if sure { Holds::Yes } else { Holds::Perhaps };
        let mut taken = None;
        for expression in &rule.expressions {
            let answer = match expression {
                Expression::Verdict(verdict) => {
                    taken = Some(verdict.clone());
                    break;
                }
                Expression::Lookup {
                    set,
                    from,
                    verdict: true,
                    ..
                } => match self.looked_up(chain, set, &registers, *from) {
                    (Holds::Yes, Some(verdict)) => {
                        taken = Some(verdict);
                        break;
                    }
                    (Holds::No, _) => Holds::No,
                    _ => {
                        // Some element may be it: its verdict may be any of theirs.
                        self.perhaps_accepted = true;
                        self.perhaps_dropped
                            .get_or_insert_with(|| place(self.ruleset, chain, rule));
                        Holds::Perhaps
                    }
                },
                Expression::Reject => {
                    taken = Some(Verdict::Drop);
                    break;
                }
                Expression::Source(name, from) | Expression::Destination(name, from) => {
                    // What may have been exempted before isn't surely translated.
                    if holds == Holds::Yes && !self.perhaps_accepted {
                        let translated = Translated {
                            place: place(self.ruleset, chain, rule),
                            into: self.becomes(name, *from, &registers),
                        };
                        let slot = match expression {
                            Expression::Source(..) => &mut self.source,
                            _ => &mut self.destination,
                        };
                        slot.get_or_insert(translated);
                    }
                    taken = Some(Verdict::Accept);
                    break;
                }
                Expression::Action(_) => {
                    self.perhaps_accepted = true;
                    self.perhaps_dropped
                        .get_or_insert_with(|| place(self.ruleset, chain, rule));
                    Holds::Perhaps
                }
                other => self.step(chain, other, holds == Holds::Yes, &mut registers),
            };
            match answer {
                Holds::Yes => {}
                Holds::No => return None,
                Holds::Perhaps => holds = Holds::Perhaps,
            }
        }
        let sure = holds == Holds::Yes;
        match taken? {
            Verdict::Continue => None,
            Verdict::Accept if sure => Some(Next::End(End::Accepted)),
            Verdict::Accept => {
                self.perhaps_accepted = true;
                None
            }
            Verdict::Drop if sure => {
                Some(Next::End(End::Dropped(place(self.ruleset, chain, rule))))
            }
            Verdict::Drop => {
                if self.perhaps_dropped.is_none() {
                    self.perhaps_dropped = Some(place(self.ruleset, chain, rule));
                }
                None
            }
            // Whoever takes packets from the queue decides.
            Verdict::Queue => {
                if self.perhaps_dropped.is_none() {
                    self.perhaps_dropped = Some(place(self.ruleset, chain, rule));
                }
                self.perhaps_accepted |= !sure;
                sure.then_some(Next::End(End::Accepted))
            }
            Verdict::Return if sure => Some(Next::Return),
            Verdict::Return => {
                // What comes after it is perhaps not reached, and neither is a verdict there certain.
                self.perhaps_accepted = true;
                None
            }
            Verdict::Jump(_) | Verdict::Goto(_) if depth >= DEEPEST => {
                self.perhaps_accepted = true;
                None
            }
            Verdict::Jump(name) => match self.called(chain, &name, sure, depth) {
                End::Through => None,
                end => sure.then_some(Next::End(end)),
            },
            Verdict::Goto(name) => {
                let end = self.called(chain, &name, sure, depth);
                if !sure {
                    self.perhaps_accepted = true;
                    return None;
                }
                Some(match end {
                    End::Through => Next::Return,
                    end => Next::End(end),
                })
            }
        }
    }

    fn becomes(&self, name: &str, from: Option<u32>, registers: &Registers) -> Into {
        match (name, from) {
            ("masquerade" | "MASQUERADE" | "redirect" | "REDIRECT", _) => Into::Device,
            (_, Some(from)) => {
                let length = if self.packet.is_v4() { 4 } else { 16 };
                all_known(&registers.read(from, length))
                    .and_then(|octets| parse_address(&octets))
                    .map_or(Into::Unknown, Into::Address)
            }
            _ => Into::Unknown,
        }
    }

    fn called(&mut self, from: &Chain, name: &str, sure: bool, depth: usize) -> End {
        let ruleset = self.ruleset;
        let chain = ruleset
            .chains
            .iter()
            .find(|c| c.family == from.family && c.table == from.table && c.name == name);
        chain.map_or(End::Through, |chain| self.chain(chain, sure, depth + 1))
    }

    /// One step of a rule; unless `sure`, the packet only perhaps comes to it.
    fn step(
        &mut self,
        chain: &Chain,
        step: &Expression,
        sure: bool,
        registers: &mut Registers,
    ) -> Holds {
        match step {
            Expression::Load { what, into } => {
                registers.write(*into, &self.loaded(what));
                Holds::Yes
            }
            Expression::SetMark { from } => {
                let octets: Option<Vec<u8>> = registers
                    .read(*from, 4)
                    .iter()
                    .map(|bits| (bits.known == 0xff).then_some(bits.value))
                    .collect();
                let mark = octets
                    .and_then(|octets| octets.try_into().ok())
                    .map(u32::from_ne_bytes);
                // Whoever may have left before it keeps the old one.
                let sure = sure && !self.perhaps_accepted;
                self.mark = mark.filter(|_| sure || self.mark == mark);
                Holds::Yes
            }
            Expression::Marks(_) => {
                self.mark = None;
                Holds::Yes
            }
            Expression::Bitwise {
                from,
                into,
                mask,
                turned,
            } => {
                let mut bits = registers.read(*from, mask.len());
                for ((bits, mask), turned) in bits.iter_mut().zip(mask).zip(turned) {
                    bits.value = (bits.value & mask) ^ turned;
                    bits.known |= !mask;
                }
                registers.write(*into, &bits);
                Holds::Yes
            }
            Expression::Compare {
                from,
                operator,
                value,
            } => compared(&registers.read(*from, value.len()), *operator, value),
            Expression::Range {
                from,
                outside,
                first,
                last,
            } => {
                let within = within(&registers.read(*from, first.len()), first, last);
                if *outside { within.not() } else { within }
            }
            Expression::Lookup {
                set,
                from,
                inverted,
                ..
            } => {
                let (holds, _) = self.looked_up(chain, set, registers, *from);
                if *inverted { holds.not() } else { holds }
            }
            Expression::Immediate { into, value } => {
                registers.write(*into, &known(value));
                Holds::Yes
            }
            Expression::TrackedState { states, inverted } => {
                let holds = self
                    .packet
                    .tracked
                    .map_or(Holds::Perhaps, |t| Holds::of(states & state(t) != 0));
                if *inverted { holds.not() } else { holds }
            }
            Expression::Ports {
                source,
                destination,
            } => {
                let asked = [
                    (source, self.packet.source_port),
                    (destination, self.packet.destination_port),
                ];
                asked.iter().fold(Holds::Yes, |so_far, (range, port)| {
                    let holds = match port {
                        _ if **range == (0, u16::MAX) => Holds::Yes,
                        Some(port) => Holds::of((range.0..=range.1).contains(port)),
                        None => Holds::Perhaps,
                    };
                    match (so_far, holds) {
                        (Holds::No, _) | (_, Holds::No) => Holds::No,
                        (Holds::Yes, other) => other,
                        (Holds::Perhaps, _) => Holds::Perhaps,
                    }
                })
            }
            Expression::Unknown(_) | Expression::Action(_) => Holds::Perhaps,
            Expression::Counter { .. }
            | Expression::Aside(_)
            | Expression::Untracked
            | Expression::Verdict(_)
            | Expression::Reject
            | Expression::Source(..)
            | Expression::Destination(..) => Holds::Yes,
        }
    }

    fn loaded(&self, what: &Loaded) -> Vec<Bits> {
        let packet = self.packet;
        match what {
            Loaded::Meta(key) => self.meta(*key),
            Loaded::Payload {
                base,
                offset,
                length,
            } => {
                let header = match base {
                    1 => packet.network_header(),
                    2 => packet.transport_header(),
                    _ => Vec::new(),
                };
                (*offset..offset.saturating_add(*length))
                    .take(64)
                    .map(|at| {
                        let at = usize::try_from(at).unwrap_or(usize::MAX);
                        header.get(at).copied().unwrap_or(Bits::OPEN)
                    })
                    .collect()
            }
            Loaded::Tracked(TRACKED_STATE) => packet
                .tracked
                .map_or_else(|| open(4), |t| known(&state(t).to_ne_bytes())),
            Loaded::Tracked(_) | Loaded::Other { .. } => open(16),
        }
    }

    fn meta(&self, key: u32) -> Vec<Bits> {
        let packet = self.packet;
        let name = |device: &Option<(u32, String)>| {
            device.as_ref().map_or_else(
                || open(16),
                |(_, name)| {
                    let mut octets = name.as_bytes().to_vec();
                    octets.resize(16, 0);
                    known(&octets)
                },
            )
        };
        let number = |n: Option<u32>| n.map_or_else(|| open(4), |n| known(&n.to_ne_bytes()));
        match key {
            META_MARK => number(self.mark),
            META_INPUT => number(packet.input.as_ref().map(|(index, _)| *index)),
            META_OUTPUT => number(packet.output.as_ref().map(|(index, _)| *index)),
            META_INPUT_NAME => name(&packet.input),
            META_OUTPUT_NAME => name(&packet.output),
            META_FAMILY => known(&[if packet.is_v4() { 2 } else { 10 }]),
            META_L4_PROTOCOL => packet
                .protocol
                .map_or_else(|| open(1), |protocol| known(&[protocol])),
            META_IPSEC => packet
                .from_ipsec
                .map_or_else(|| open(1), |yes| known(&[u8::from(yes)])),
            META_PROTOCOL => {
                let number: u16 = if packet.is_v4() { 0x0800 } else { 0x86dd };
                known(&number.to_be_bytes())
            }
            _ => open(16),
        }
    }

    fn looked_up(
        &self,
        chain: &Chain,
        name: &str,
        registers: &Registers,
        from: u32,
    ) -> (Holds, Option<Verdict>) {
        let set =
            self.ruleset.sets.iter().find(|set| {
                set.name == name && set.table == chain.table && set.is_of(chain.family)
            });
        let Some(set) = set else {
            return (Holds::Perhaps, None);
        };
        let key = registers.read(from, set.key_length);
        let mut found = Holds::No;
        for (first, last, verdict) in set.ranges() {
            match within_fields(&key, &first, &last) {
                Holds::Yes => return (Holds::Yes, verdict),
                Holds::Perhaps => found = Holds::Perhaps,
                Holds::No => {}
            }
        }
        if let (Holds::No, Some(all)) = (found, set.elements.iter().find(|e| e.catches_all)) {
            return (Holds::Yes, all.verdict.clone());
        }
        (found, None)
    }
}

impl Set {
    fn is_of(&self, family: Family) -> bool {
        let number = match family {
            Family::Inet => 1,
            Family::V4 => 2,
            Family::Netdev => 5,
            Family::V6 => 10,
        };
        self.family == Some(number)
    }

    /// First and last key of each element, with its verdict.
    fn ranges(&self) -> Vec<(Vec<u8>, Vec<u8>, Option<Verdict>)> {
        let mut elements: Vec<_> = self.elements.iter().filter(|e| !e.catches_all).collect();
        if !self.interval || elements.iter().any(|e| e.last.is_some()) {
            return elements
                .iter()
                .map(|e| {
                    let last = e.last.clone().unwrap_or_else(|| e.key.clone());
                    (e.key.clone(), last, e.verdict.clone())
                })
                .collect();
        }
        // Where one range ends and the next begins, the end stands first.
        elements.sort_by(|a, b| a.key.cmp(&b.key).then(b.ends.cmp(&a.ends)));
        let mut ranges = Vec::new();
        let mut begun: Option<&super::Element> = None;
        for element in elements {
            if let Some(first) = begun.take() {
                let last = before(&element.key);
                ranges.push((first.key.clone(), last, first.verdict.clone()));
            }
            if !element.ends {
                begun = Some(element);
            }
        }
        if let Some(first) = begun {
            let last = vec![0xff; first.key.len()];
            ranges.push((first.key.clone(), last, first.verdict.clone()));
        }
        ranges
    }
}

/// The key before this one.
fn before(key: &[u8]) -> Vec<u8> {
    let mut last = key.to_vec();
    for octet in last.iter_mut().rev() {
        let (less, borrowed) = octet.overflowing_sub(1);
        *octet = less;
        if !borrowed {
            break;
        }
    }
    last
}

enum Next {
    End(End),
    Return,
}

/// The kernel's registers: sixteen of four octets, of which older kernels' four of sixteen are groups.
#[derive(Default)]
struct Registers {
    octets: Vec<Bits>,
}

impl Registers {
    fn at(register: u32) -> usize {
        let words = match register {
            1..=4 => (register - 1) * 4,
            8..=23 => register - 8,
            // Nothing is there.
            _ => 64,
        };
        usize::try_from(words).unwrap_or(usize::MAX / 8) * 4
    }

    fn write(&mut self, register: u32, bits: &[Bits]) {
        let at = Self::at(register);
        // Whole words are written.
        let length = bits.len().next_multiple_of(4);
        if self.octets.len() < at + length {
            self.octets.resize(at + length, Bits::OPEN);
        }
        for place in 0..length {
            let octet = bits.get(place).copied().unwrap_or(Bits::of(0));
            if let Some(slot) = self.octets.get_mut(at + place) {
                *slot = octet;
            }
        }
    }

    fn read(&self, register: u32, length: usize) -> Vec<Bits> {
        let at = Self::at(register);
        (at..at + length)
            .map(|at| self.octets.get(at).copied().unwrap_or(Bits::OPEN))
            .collect()
    }
}

fn compared(bits: &[Bits], operator: u32, value: &[u8]) -> Holds {
    match operator {
        0 => equal(bits, value),
        1 => equal(bits, value).not(),
        2..=5 => {
            let Some(octets) = all_known(bits) else {
                return Holds::Perhaps;
            };
            let order = octets.as_slice().cmp(value);
            Holds::of(match operator {
                2 => order.is_lt(),
                3 => order.is_le(),
                4 => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        _ => Holds::Perhaps,
    }
}

fn equal(bits: &[Bits], value: &[u8]) -> Holds {
    let mut all = true;
    for (bits, value) in bits.iter().zip(value) {
        if (bits.value ^ value) & bits.known != 0 {
            return Holds::No;
        }
        all &= bits.known == 0xff;
    }
    if all { Holds::Yes } else { Holds::Perhaps }
}

fn within(bits: &[Bits], first: &[u8], last: &[u8]) -> Holds {
    match all_known(bits) {
        Some(octets) => Holds::of(octets.as_slice() >= first && octets.as_slice() <= last),
        None if first == last => equal(bits, first),
        None => {
            let least: Vec<u8> = bits.iter().map(|b| b.value & b.known).collect();
            let most: Vec<u8> = bits.iter().map(|b| b.value | !b.known).collect();
            if most.as_slice() < first || least.as_slice() > last {
                Holds::No
            } else if least.as_slice() >= first && most.as_slice() <= last {
                Holds::Yes
            } else {
                Holds::Perhaps
            }
        }
    }
}

/// Keys made of several fields are within when each field is. Fields fill whole words; one of 16 octets is an address.
fn within_fields(bits: &[Bits], first: &[u8], last: &[u8]) -> Holds {
    if bits.len() <= 4 || bits.len() == 16 || first == last {
        return within(bits, first, last);
    }
    // An address of IPv6 among them is several words, which don't count one by one.
    let has_long_field = bits.len() > 16;
    let words = bits.chunks(4).zip(first.chunks(4).zip(last.chunks(4)));
    let mut all = Holds::Yes;
    for (bits, (first, last)) in words {
        match within(bits, first, last) {
            Holds::Yes => {}
            Holds::No if !has_long_field => return Holds::No,
            Holds::No | Holds::Perhaps => all = Holds::Perhaps,
        }
    }
    all
}

fn all_known(bits: &[Bits]) -> Option<Vec<u8>> {
    bits.iter()
        .map(|bits| (bits.known == 0xff).then_some(bits.value))
        .collect()
}

fn state(tracked: Tracked) -> u32 {
    match tracked {
        Tracked::Established => 2,
        Tracked::New => 8,
    }
}

fn place(ruleset: &Ruleset, chain: &Chain, rule: &Rule) -> Place {
    Place {
        family: chain.family.name(),
        table: chain.table.clone(),
        chain: chain.name.clone(),
        handle: Some(rule.handle),
        text: words::rule(ruleset, chain, rule),
        packets: rule.expressions.iter().find_map(|e| match e {
            Expression::Counter { packets } => Some(*packets),
            _ => None,
        }),
    }
}

const META_PROTOCOL: u32 = 1;
const META_MARK: u32 = 3;
const META_INPUT: u32 = 4;
const META_OUTPUT: u32 = 5;
const META_INPUT_NAME: u32 = 6;
const META_OUTPUT_NAME: u32 = 7;
const META_FAMILY: u32 = 15;
const META_L4_PROTOCOL: u32 = 16;
const META_IPSEC: u32 = 25;
const TRACKED_STATE: u32 = 0;
/// Rules that are looked at for one packet in one chain and those that it calls.
const MOST_RULES: usize = 20_000;
/// The kernel's own limit of jumps.
const DEEPEST: usize = 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ruleset::Base;

    /// A rule for addresses: the source with so many octets of a prefix, or the destination.
    fn rule(offset: u32, prefix: &[u8], then: Expression) -> Rule {
        let load = Expression::Load {
            what: Loaded::Payload {
                base: 1,
                offset,
                length: u32::try_from(prefix.len()).unwrap(),
            },
            into: 8,
        };
        let compare = Expression::Compare {
            from: 8,
            operator: 0,
            value: prefix.to_vec(),
        };
        Rule {
            handle: 7,
            expressions: vec![load, compare, then],
        }
    }

    fn rules(drops: bool, translates: bool, rules: Vec<Rule>) -> Ruleset {
        let base = Base {
            point: Point::Forward,
            priority: 0,
            drops,
            translates,
            devices: Vec::new(),
        };
        let chain = Chain {
            family: Family::V4,
            table: "guard".to_owned(),
            name: "c".to_owned(),
            base: Some(base),
            rules,
        };
        Ruleset {
            chains: vec![chain],
            sets: Vec::new(),
        }
    }

    fn between_networks() -> Packet {
        let (from, to) = ([10, 1, 0, 1].into(), [10, 2, 0, 1].into());
        Packet::between(from, to)
            .of_networks(24, 24)
            .tracked(Tracked::New)
    }

    #[test]
    fn a_rule_for_one_host_decides_nothing_for_its_network() {
        let accept = || Expression::Verdict(Verdict::Accept);
        let fate = |rules: &Ruleset| rules.passage(&between_networks(), Point::Forward).fate;
        let least_privilege = rules(true, false, vec![rule(16, &[10, 2, 0, 10], accept())]);
        assert!(matches!(fate(&least_privilege), Fate::Perhaps(_)));
        // Another network's rule, and one for all of it, do.
        let others = rules(true, false, vec![rule(16, &[10, 3, 0, 10], accept())]);
        assert!(matches!(fate(&others), Fate::Dropped(_)));
        let wider = rules(true, false, vec![rule(16, &[10, 2], accept())]);
        assert_eq!(fate(&wider), Fate::Passes);
        let wider = rule(12, &[10, 1, 0], Expression::Verdict(Verdict::Drop));
        let wider = rules(false, false, vec![wider]);
        assert!(matches!(fate(&wider), Fate::Dropped(_)));
        // Who is known wholly is one of them or isn't.
        let one = Packet::between([10, 1, 0, 1].into(), [10, 2, 0, 10].into());
        let passage = least_privilege.passage(&one, Point::Forward);
        assert_eq!(passage.fate, Fate::Passes);
    }

    #[test]
    fn what_is_perhaps_exempted_is_not_surely_translated() {
        let masquerade = || Expression::Source("masquerade".to_owned(), None);
        let all = rules(false, true, vec![rule(12, &[10, 1], masquerade())]);
        let translated = |rules: &Ruleset| {
            let passage = rules.passage(&between_networks(), Point::Forward);
            passage.source_translated.is_some()
        };
        assert!(translated(&all));
        let exempt = rule(16, &[10, 2, 0, 10], Expression::Verdict(Verdict::Accept));
        let exempting = rules(false, true, vec![exempt, rule(12, &[10, 1], masquerade())]);
        assert!(!translated(&exempting));
    }

    #[test]
    fn networks_within_a_range_beside_it_and_across_its_end() {
        let net = between_networks().network_header();
        let source = &net[12..16];
        let asked = |first: [u8; 4], last: [u8; 4]| within(source, &first, &last);
        assert_eq!(asked([10, 1, 0, 0], [10, 1, 0, 255]), Holds::Yes);
        assert_eq!(asked([10, 1, 1, 0], [10, 1, 1, 255]), Holds::No);
        assert_eq!(asked([10, 1, 0, 9], [10, 1, 0, 99]), Holds::Perhaps);
        let header = Packet::between([10, 1, 0, 1].into(), [10, 2, 0, 1].into())
            .of_networks(0, 20)
            .network_header();
        assert_eq!(header[12], Bits::OPEN);
        let third = Bits {
            value: 0,
            known: 0xf0,
        };
        assert_eq!(header[18], third);
        assert_eq!(header[19], Bits::OPEN);
    }
}
