//! What is known in part decides in part.
#![allow(clippy::unwrap_used)]

use super::expression::{Loaded, Verdict};
use super::packet::{Bits, Packet, Tracked};
use super::registers::{Holds, within};
use super::*;

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

/// A chain that lets everything pass but what it sends back, which is dropped.
#[test]
fn what_perhaps_goes_back_is_perhaps_decided_there() {
    let verdict = |verdict| Expression::Verdict(verdict);
    let only = |verdict: Verdict| Rule {
        handle: 9,
        expressions: vec![Expression::Verdict(verdict)],
    };
    let fate = |sent_back: Rule| {
        let jump = only(Verdict::Jump("harmless".to_owned()));
        let mut all = rules(false, false, vec![jump, only(Verdict::Drop)]);
        all.chains.push(Chain {
            name: "harmless".to_owned(),
            base: None,
            rules: vec![sent_back, only(Verdict::Accept)],
            ..all.chains[0].clone()
        });
        all.passage(&between_networks(), Point::Forward).fate
    };
    let back = || verdict(Verdict::Return);
    assert!(matches!(fate(rule(16, &[10, 2], back())), Fate::Dropped(_)));
    assert_eq!(fate(rule(16, &[10, 3], back())), Fate::Passes);
    let one = rule(16, &[10, 2, 0, 10], back());
    assert!(matches!(fate(one), Fate::Perhaps(_)));
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
