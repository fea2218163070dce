//! Steps that not every kernel takes.
#![allow(clippy::unwrap_used)]

use super::expression::Verdict;
use super::*;
use crate::netlink::codec::Attributes;

fn parsed(name: &str) -> Expression {
    parsed_with(name, &[])
}

/// With its own attributes.
fn parsed_with(name: &str, attributes: &[u8]) -> Expression {
    let mut element = Vec::new();
    let length = u16::try_from(4 + name.len() + 1).unwrap();
    element.extend(length.to_ne_bytes());
    element.extend(1u16.to_ne_bytes());
    element.extend(name.as_bytes());
    element.resize(usize::from(length).next_multiple_of(4), 0);
    if !attributes.is_empty() {
        let length = u16::try_from(4 + attributes.len()).unwrap();
        element.extend(length.to_ne_bytes());
        element.extend(2u16.to_ne_bytes());
        element.extend(attributes);
    }
    Expression::parse(Attributes(&element)).unwrap()
}

/// A reference to a named object of this kind.
fn object(kind: u32) -> Expression {
    let mut attributes = vec![8, 0, 1, 0];
    attributes.extend(kind.to_be_bytes());
    parsed_with("objref", &attributes)
}

fn chain(expressions: Vec<Expression>, drops: bool) -> Chain {
    Chain {
        family: Family::Inet,
        table: "guard".to_owned(),
        name: "in".to_owned(),
        base: Some(Base {
            point: Point::Input,
            priority: 0,
            drops,
            translates: false,
            devices: Vec::new(),
        }),
        rules: vec![Rule {
            handle: 2,
            expressions,
        }],
    }
}

/// What becomes of a packet that meets a rule of these steps, and then a policy.
fn fate(expressions: Vec<Expression>, drops: bool) -> Fate {
    let rules = Ruleset {
        chains: vec![chain(expressions, drops)],
        sets: Vec::new(),
    };
    let packet = Packet::between("192.0.2.2".parse().unwrap(), "192.0.2.1".parse().unwrap());
    rules.passage(&packet, Point::Input).fate
}

#[test]
fn whoever_takes_packets_from_a_queue_decides() {
    assert_eq!(parsed("queue"), Expression::Verdict(Verdict::Queue));
    for drops in [true, false] {
        for before in [Vec::new(), vec![parsed("limit")]] {
            let steps = [before, vec![parsed("queue")]].concat();
            let fate = fate(steps, drops);
            assert!(matches!(fate, Fate::Perhaps(_)), "{fate:?}");
        }
    }
}

#[test]
fn a_step_that_nobody_knows_may_decide_and_a_question_alone_does_not() {
    for drops in [true, false] {
        for action in ["synproxy", "fwd", "later"] {
            let fate = fate(vec![parsed(action)], drops);
            assert!(matches!(fate, Fate::Perhaps(_)), "{action}: {fate:?}");
        }
    }
    for question in ["limit", "match", "dynset"] {
        assert_eq!(fate(vec![parsed(question)], false), Fate::Passes);
        let fate = fate(vec![parsed(question)], true);
        assert!(matches!(fate, Fate::Dropped(_)), "{question}: {fate:?}");
    }
}

/// `limit name "slow" drop` drops what is above the limit; `counter name "seen" drop` drops everything.
#[test]
fn a_named_object_that_asks_something_leaves_the_rule_open() {
    let then_drop = |step| fate(vec![step, Expression::Verdict(Verdict::Drop)], false);
    for counts in [1, 3, 7, 8, 9] {
        let fate = then_drop(object(counts));
        assert!(matches!(fate, Fate::Dropped(_)), "{counts}: {fate:?}");
    }
    for asks in [2, 4, 5, 6] {
        let fate = then_drop(object(asks));
        assert!(matches!(fate, Fate::Perhaps(_)), "{asks}: {fate:?}");
    }
    // By a map, what isn't in it goes on behind the rule.
    assert!(matches!(then_drop(parsed("objref")), Fate::Perhaps(_)));
    // A proxy for TCP's first packets may keep it.
    assert!(matches!(fate(vec![object(10)], false), Fate::Perhaps(_)));
}

/// Whether a packet is let in by a set of addresses that are let in.
#[test]
fn a_set_that_could_not_be_read_decides_nothing() {
    let looked_up = |sets: Vec<Set>| {
        let source = Expression::Load {
            what: expression::Loaded::Payload {
                base: 1,
                offset: 12,
                length: 4,
            },
            into: 8,
        };
        let known = Expression::Lookup {
            set: "allowed".to_owned(),
            from: 8,
            inverted: true,
            verdict: false,
        };
        let mut rules = Ruleset {
            chains: vec![chain(
                vec![source, known, Expression::Verdict(Verdict::Drop)],
                false,
            )],
            sets,
        };
        rules.chains[0].family = Family::V4;
        let packet = Packet::between("192.0.2.2".parse().unwrap(), "192.0.2.1".parse().unwrap());
        rules.passage(&packet, Point::Input).fate
    };
    let empty = Set {
        family: Some(2),
        table: "guard".to_owned(),
        name: "allowed".to_owned(),
        key_length: 4,
        ..Set::default()
    };
    assert!(matches!(looked_up(vec![empty]), Fate::Dropped(_)));
    assert!(matches!(looked_up(Vec::new()), Fate::Perhaps(_)));
}
