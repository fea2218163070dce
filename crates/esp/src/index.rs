//! Finding the first policy that takes a packet, among many (RFC 4301 4.4.1).
//!
//! The list of policies is ordered, and the first that takes a packet has it, however narrow the selectors of a later one
//! are. So an index may only leave out what can't take the packet: the address space is cut where any selector of one side
//! begins or ends, and for each piece the policies that reach into it are listed in their order. There are two such
//! indices, by the remote address and by the local one, because gateways differ in which of the two tells tunnels apart; a
//! packet goes through the shorter of its two lists. What is listed for very many pieces is kept once, beside them.

use std::collections::BTreeMap;

use crate::door::Door;
use crate::policy::Policy;
use crate::tuple::{Number, Side};

/// Policies in their order, for finding the one that a packet belongs to.
#[derive(Default)]
pub(crate) struct Policies {
    all: Box<[Policy]>,
    doors: BTreeMap<Door, ByAddress>,
}

/// The policies of one interface.
struct ByAddress {
    local: Cut,
    remote: Cut,
}

/// The address space of one side in pieces. Addresses of both families lie in it as numbers: what that brings together and
/// doesn't belong there is found out when the policy is looked at.
struct Cut {
    /// Where each piece begins, ascending; it ends where the next begins.
    starts: Box<[Number]>,
    /// For each piece, the positions of the policies that have a selector there, ascending.
    lists: Box<[Box<[u32]>]>,
    /// Positions of policies that reach over very many pieces, ascending.
    wide: Box<[u32]>,
}

/// A policy over more pieces than this is listed once, as a candidate for any packet. It bounds the size of an index.
const WIDE: usize = 64;

impl Policies {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn new(all: Vec<Policy>) -> Self {
        let mut doors: BTreeMap<Door, Vec<(u32, &Policy)>> = BTreeMap::new();
        for (position, policy) in (0u32..).zip(&all) {
            doors
                .entry(policy.door)
                .or_default()
                .push((position, policy));
        }
        let doors = doors
            .into_iter()
            .map(|(door, policies)| (door, ByAddress::new(&policies)))
            .collect();
        Self {
            all: all.into(),
            doors,
        }
    }

    /// The policies of an interface that could take packets between these addresses, in their order. There may be some
    /// among them that don't.
    #[inline]
    pub(crate) fn candidates(
        &self,
        door: Door,
        local: Number,
        remote: Number,
    ) -> impl Iterator<Item = &Policy> {
        let lists = self.doors.get(&door).map(|index| {
            let (by_local, by_remote) = (index.local.lists(local), index.remote.lists(remote));
            if by_local.0.len() + by_local.1.len() < by_remote.0.len() + by_remote.1.len() {
                by_local
            } else {
                by_remote
            }
        });
        let (narrow, wide) = lists.unwrap_or_default();
        Merged { narrow, wide }.filter_map(|position| self.all.get(position as usize))
    }
}

impl ByAddress {
    fn new(policies: &[(u32, &Policy)]) -> Self {
        let side = |of: fn(&Policy) -> &Side| {
            let sides = policies
                .iter()
                .map(|(position, policy)| (*position, of(policy)));
            Cut::new(&sides.collect::<Vec<_>>())
        };
        Self {
            local: side(|policy| &policy.local),
            remote: side(|policy| &policy.remote),
        }
    }
}

impl Cut {
    fn new(sides: &[(u32, &Side)]) -> Self {
        let ranges = || sides.iter().flat_map(|(_, side)| side.ranges());
        let mut starts: Vec<Number> = ranges()
            .flat_map(|(first, last)| [Some(first), last.checked_add(1)])
            .flatten()
            .collect();
        starts.sort_unstable();
        starts.dedup();
        let mut lists = vec![Vec::new(); starts.len()];
        let mut wide = Vec::new();
        for (position, side) in sides {
            let pieces: Vec<_> = side
                .ranges()
                .map(|(first, last)| {
                    let from = starts.partition_point(|start| *start < first);
                    let to = starts.partition_point(|start| *start <= last);
                    from..to
                })
                .collect();
            if pieces.iter().map(ExactSizeIterator::len).sum::<usize>() > WIDE {
                wide.push(*position);
                continue;
            }
            for piece in pieces.into_iter().flatten() {
                if let Some(list) = lists.get_mut(piece)
                    && list.last() != Some(position)
                {
                    list.push(*position);
                }
            }
        }
        Self {
            starts: starts.into(),
            lists: lists.into_iter().map(Vec::into_boxed_slice).collect(),
            wide: wide.into(),
        }
    }

    /// What is listed for the piece that the address is in, and what is listed for all.
    #[inline]
    fn lists(&self, address: Number) -> (&[u32], &[u32]) {
        let behind = self.starts.partition_point(|start| *start <= address);
        let narrow = behind.checked_sub(1).and_then(|at| self.lists.get(at));
        (narrow.map_or(&[], |list| list), &self.wide)
    }
}

/// Two ascending lists as one.
struct Merged<'a> {
    narrow: &'a [u32],
    wide: &'a [u32],
}

impl Iterator for Merged<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let list = match (self.narrow.first(), self.wide.first()) {
            (Some(narrow), Some(wide)) if wide < narrow => &mut self.wide,
            (None, _) => &mut self.wide,
            _ => &mut self.narrow,
        };
        let (first, rest) = list.split_first()?;
        *list = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuple::Tuple;
    use adit_model::selector::Selector;
    use adit_wire::ip::{IpPacket, emit_packet, protocol};
    use proptest::prelude::*;

    /// Networks of a small world, so that they overlap, and pieces have neighbours.
    fn selector() -> impl Strategy<Value = Selector> {
        let net = prop_oneof![
            4 => (0u8..8, 24u8..=32).prop_map(|(n, bits)| format!("10.0.0.{}/{bits}", n * 32)),
            1 => Just("0.0.0.0/0".to_owned()),
            1 => Just("::/0".to_owned()),
            1 => (0u8..4).prop_map(|n| format!("fd00:{n}::/32")),
            1 => Just("255.255.255.255".to_owned()),
        ];
        let suffix = proptest::sample::select(vec!["", "[udp]", "[tcp]", "[udp/53]"]);
        (net, suffix).prop_filter_map("no selector", |(net, suffix)| {
            let selector: Selector = format!("{net}{suffix}").parse().ok()?;
            let host_bits_clear = selector.to_string().starts_with(net.split('/').next()?);
            (host_bits_clear || net.contains("255")).then_some(selector)
        })
    }

    fn policy() -> impl Strategy<Value = (u32, Vec<Selector>, Vec<Selector>)> {
        let side = || proptest::collection::vec(selector(), 1..3);
        (0u32..2, side(), side())
    }

    fn address() -> impl Strategy<Value = std::net::IpAddr> {
        prop_oneof![
            6 => (0u8..=255).prop_map(|n| [10, 0, 0, n].into()),
            1 => Just([255, 255, 255, 255].into()),
            1 => Just([192, 0, 2, 1].into()),
        ]
    }

    proptest! {
        /// What the index finds is what going through the whole list finds, in the same order.
        #[test]
        fn the_index_finds_what_the_list_holds(
            policies in proptest::collection::vec(policy(), 0..200),
            local in address(),
            remote in address(),
            door in 0u32..3,
        ) {
            let all: Vec<Policy> = policies
                .iter()
                .enumerate()
                .map(|(child, (door, local, remote))| Policy {
                    child,
                    door: Door::numbered(*door),
                    local: Side::new(local),
                    remote: Side::new(remote),
                    gives: false,
                })
                .collect();
            let mut packet = Vec::new();
            let ports = [0, 53, 0, 53, 0, 8, 0, 0];
            prop_assert!(emit_packet(local, remote, protocol::UDP, &ports, &mut packet).is_ok());
            let tuple = match IpPacket::parse(&packet) {
                Ok(packet) => Tuple::of(&packet),
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            };
            let takes = |p: &&Policy| tuple.is_between(&p.local, &p.remote);
            let door = Door::numbered(door);
            let expected: Vec<usize> =
                all.iter().filter(|p| p.door == door).filter(takes).map(|p| p.child).collect();
            let policies = Policies::new(all);
            let found: Vec<usize> = policies
                .candidates(door, tuple.source, tuple.destination)
                .filter(takes)
                .map(|p| p.child)
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    /// Hundreds of tunnels to as many networks: a packet meets its own policy, and those that are for everything.
    #[test]
    fn few_are_looked_at_however_many_there_are() {
        let side = |text: String| match text.parse::<Selector>() {
            Ok(selector) => Side::new(&[selector]),
            Err(error) => panic!("{error}"),
        };
        let policy = |child, local: &str, remote: String| Policy {
            child,
            door: Door::SHARED,
            local: side(local.to_owned()),
            remote: side(remote),
            gives: false,
        };
        let mut all: Vec<Policy> = (0..1000)
            .map(|n| {
                policy(
                    n,
                    "10.0.0.0/24",
                    format!("10.{}.{}.0/24", 1 + n / 250, n % 250),
                )
            })
            .collect();
        all.push(policy(1000, "0.0.0.0/0", "0.0.0.0/0".to_owned()));
        let policies = Policies::new(all);
        let address = |a: [u8; 4]| Number::from(u32::from_be_bytes(a));
        let candidates =
            policies.candidates(Door::SHARED, address([10, 0, 0, 1]), address([10, 2, 7, 1]));
        assert_eq!(candidates.map(|p| p.child).collect::<Vec<_>>(), [257, 1000]);
    }
}
