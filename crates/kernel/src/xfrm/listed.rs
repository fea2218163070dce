//! Policies of anybody's, as they are asked about by who wants to know what becomes of a packet.

use std::net::IpAddr;

use super::layout;
use super::policy::{Direction, PolicyId, parse_fixed};
use crate::netlink::codec::Answer;

/// A policy of whomever, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Direction and packets.
    pub id: PolicyId,
    /// The lowest number that takes a packet has it.
    pub priority: u32,
    /// What becomes of the packets.
    pub does: Does,
    /// It is only for packets with a mark, or of an interface of its own.
    pub bound: bool,
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
        let (id, priority, _, blocks) = parse_fixed(answer.body)?;
        let attributes = || answer.attributes(layout::POLICY);
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
        let set = |kind| {
            attributes()
                .find(kind)
                .is_some_and(|value| value.iter().any(|byte| *byte != 0))
        };
        Some(Self {
            id,
            priority,
            does,
            bound: set(layout::MARK) || set(layout::IF_ID),
        })
    }

    /// Whether it takes every packet between two addresses that goes this way by a device.
    #[must_use]
    pub fn takes(&self, direction: Direction, from: IpAddr, to: IpAddr, device: u32) -> bool {
        let selector = &self.id.selector;
        self.id.direction == direction
            && !self.bound
            && selector.protocol == 0
            && (selector.device == 0 || selector.device == device)
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
        assert!(policy.takes(Direction::Out, ours, theirs, 3));
        assert!(!policy.takes(Direction::Out, theirs, ours, 3));
        assert!(!policy.takes(Direction::Forward, ours, theirs, 3));
        let mut narrow = policy;
        narrow.id.selector.device = 4;
        assert!(!narrow.takes(Direction::Out, ours, theirs, 3));
        let bound = Listed {
            bound: true,
            ..policy
        };
        assert!(!bound.takes(Direction::Out, ours, theirs, 3));
    }
}
