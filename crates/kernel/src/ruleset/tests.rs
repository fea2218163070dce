//! Steps that not every kernel takes.
#![allow(clippy::unwrap_used)]

use super::expression::Verdict;
use super::*;
use crate::netlink::codec::Attributes;

fn parsed(name: &str) -> Expression {
    let mut element = Vec::new();
    let length = u16::try_from(4 + name.len() + 1).unwrap();
    element.extend(length.to_ne_bytes());
    element.extend(1u16.to_ne_bytes());
    element.extend(name.as_bytes());
    element.resize(usize::from(length).next_multiple_of(4), 0);
    Expression::parse(Attributes(&element)).unwrap()
}

/// What becomes of a packet that meets a rule of these steps, and then a policy.
fn fate(expressions: Vec<Expression>, drops: bool) -> Fate {
    let rules = Ruleset {
        chains: vec![Chain {
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
        }],
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
