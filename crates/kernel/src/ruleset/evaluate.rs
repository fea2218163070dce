//! Rules played on a packet. An answer is yes, no or perhaps, and perhaps stays perhaps.

use super::expression::{Expression, Loaded, Verdict};
use super::packet::{Bits, Packet, Tracked, known, open};
use super::registers::{Holds, Registers, all_known, compared, within, within_fields};
use super::{Chain, Family, Fate, Into, Passage, Place, Point, Rule, Ruleset, Translated, words};
use crate::netlink::parse_address;

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
    fn chain(&mut self, chain: &Chain, mut sure: bool, depth: usize) -> End {
        for rule in &chain.rules {
            if self.budget == 0 {
                self.perhaps_accepted = true;
                return End::Through;
            }
            self.budget -= 1;
            match self.rule(chain, rule, sure, depth) {
                Some(Next::End(end)) => return end,
                Some(Next::Return) => return End::Through,
                // So whoever called it may have to decide, whatever comes here.
                Some(Next::PerhapsReturn) => sure = false,
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
                Some(Next::PerhapsReturn)
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

enum Next {
    End(End),
    Return,
    PerhapsReturn,
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
