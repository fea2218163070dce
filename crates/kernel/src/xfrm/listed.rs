//! Policies of anybody's, as they are asked about by who wants to know what becomes of a packet.

use std::net::IpAddr;

use super::layout;
use super::policy::{Direction, PolicyId, parse_fixed};
use crate::netlink::codec::{Answer, u32_at};

/// A policy of whomever, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Direction and packets.
    pub id: PolicyId,
    /// The lowest number that takes a packet has it.
    pub priority: u32,
    /// By which whoever made it knows it again.
    pub index: u32,
    /// What becomes of the packets.
    pub does: Does,
    /// It is only for packets with a mark.
    pub marked: bool,
}

/// By which device packets go, as policies ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// The number of the device.
    pub device: u32,
    /// The number of the XFRM interface; 0 for those that go through none.
    pub if_id: u32,
}

/// What a policy does with packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// They pass as they are.
    Allow,
    /// They go nowhere.
    Block,
    /// They pass under the protection of some SA, or go nowhere.
    Protect,
    /// They are protected if there is an SA, and pass as they are if there is none.
    ProtectIfPossible,
}

impl Listed {
    /// `None` for what is a socket's.
    pub(super) fn parse(answer: &Answer<'_>) -> Option<Self> {
        let (mut id, priority, index, blocks) = parse_fixed(answer.body)?;
        let attributes = || answer.attributes(layout::POLICY);
        let interface = attributes().find(layout::IF_ID);
        id.if_id = interface.and_then(|value| u32_at(value, 0)).unwrap_or(0);
        let templates = attributes().find(layout::TEMPLATES).unwrap_or_default();
        let mut optional = templates
            .chunks_exact(layout::TEMPLATE)
            .map(|template| template.get(OPTIONAL).is_some_and(|flag| *flag != 0));
        let does = match (blocks, templates.is_empty()) {
            (true, _) => Does::Block,
            (false, true) => Does::Allow,
            (false, false) if optional.all(|so| so) => Does::ProtectIfPossible,
            (false, false) => Does::Protect,
        };
        let mark = attributes().find(layout::MARK);
        Some(Self {
            id,
            priority,
            index,
            does,
            marked: mark.is_some_and(|value| value.iter().any(|byte| *byte != 0)),
        })
    }

    /// Whether it takes every packet between two addresses that goes this way.
    #[must_use]
    pub fn takes(&self, direction: Direction, from: IpAddr, to: IpAddr, by: By) -> bool {
        let selector = &self.id.selector;
        self.id.direction == direction
            && !self.marked
            && self.id.if_id == by.if_id
            && selector.protocol == 0
            && (selector.device == 0 || selector.device == by.device)
            && selector.source.contains(&from)
            && selector.destination.contains(&to)
    }
}

/// Where a template says that it is optional (`struct xfrm_user_tmpl`).
const OPTIONAL: usize = 50;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::netlink::codec::messages;
    use crate::xfrm::Verdict;
    use crate::xfrm::policy::tests::{bytes, sample};

    fn listed(direction: Direction, verdict: Option<Verdict>) -> Listed {
        let mut policy = sample(direction);
        policy.verdict = verdict.unwrap_or(policy.verdict);
        let bytes = bytes(&policy);
        Listed::parse(&messages(&bytes).next().unwrap()).unwrap()
    }

    #[test]
    fn a_policy_says_what_it_does_and_with_which_packets() {
        let does = |direction, verdict| listed(direction, verdict).does;
        assert_eq!(does(Direction::Out, Some(Verdict::Block)), Does::Block);
        assert_eq!(does(Direction::Out, Some(Verdict::Allow)), Does::Allow);
        assert_eq!(does(Direction::Out, None), Does::Protect);
        // The sample's template is optional inwards.
        assert_eq!(does(Direction::In, None), Does::ProtectIfPossible);
        let policy = listed(Direction::Out, None);
        let (ours, theirs) = ("fd00:1::7".parse().unwrap(), "fd00:2::7".parse().unwrap());
        let by = |device, if_id| By { device, if_id };
        assert!(policy.takes(Direction::Out, ours, theirs, by(3, 0)));
        assert!(!policy.takes(Direction::Out, theirs, ours, by(3, 0)));
        assert!(!policy.takes(Direction::Forward, ours, theirs, by(3, 0)));
        let mut narrow = policy;
        narrow.id.selector.device = 4;
        assert!(!narrow.takes(Direction::Out, ours, theirs, by(3, 0)));
        let marked = Listed {
            marked: true,
            ..policy
        };
        assert!(!marked.takes(Direction::Out, ours, theirs, by(3, 0)));
    }

    #[test]
    fn a_policy_of_an_interface_takes_what_goes_through_that_alone() {
        let mut policy = sample(Direction::Out);
        policy.id.if_id = 42;
        let bytes = bytes(&policy);
        let listed = Listed::parse(&messages(&bytes).next().unwrap()).unwrap();
        assert_eq!((listed.id.if_id, listed.index), (42, policy.index));
        let (ours, theirs) = ("fd00:1::7".parse().unwrap(), "fd00:2::7".parse().unwrap());
        for (if_id, takes) in [(42, true), (0, false), (7, false)] {
            let by = By { device: 3, if_id };
            assert_eq!(listed.takes(Direction::Out, ours, theirs, by), takes);
        }
    }
}
