//! Policies that go before tunnels, as rules of the packet filter.

use adit_model::policy::{Action, Policy};
use adit_model::selector::Selector;

use crate::nft::Rule;

/// The counter of what a drop policy stops.
pub(super) fn counter(policy: &Policy) -> String {
    format!("policy-{}", policy.name)
}

/// Rules for what leaves.
pub(super) fn outbound(policies: &[Policy]) -> Vec<Rule> {
    rules(policies, |(local, remote)| (local, remote))
}

/// Rules for what leaves with another source than it had when the policies were asked.
pub(super) fn outbound_translated(policies: &[Policy]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for policy in policies.iter().filter(|p| p.action == Action::Bypass) {
        for (from, to) in policy.pairs() {
            for (source, destination) in from
                .nets()
                .into_iter()
                .flat_map(|source| to.nets().into_iter().map(move |net| (source, net)))
            {
                for answer in [false, true] {
                    let rule = Rule::new()
                        .source_before_translation(source, answer)
                        .destination(destination);
                    let protocol = from.protocol.max(to.protocol);
                    let rule = if protocol == 0 {
                        rule
                    } else {
                        rule.protocol(protocol)
                    };
                    // The source port may be another one, too.
                    let rule = if to.ports == ANY {
                        rule
                    } else {
                        rule.destination_ports(to.ports)
                    };
                    rules.push(rule.accept());
                }
            }
        }
    }
    rules
}

/// Rules for what arrives.
pub(super) fn inbound(policies: &[Policy]) -> Vec<Rule> {
    rules(policies, |(local, remote)| (remote, local))
}

fn rules(
    policies: &[Policy],
    direction: impl Fn((Selector, Selector)) -> (Selector, Selector),
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for policy in policies {
        for (from, to) in policy.pairs().map(&direction) {
            for source in from.nets() {
                for destination in to.nets() {
                    let mut rule = Rule::new().source(source).destination(destination);
                    let protocol = from.protocol.max(to.protocol);
                    if protocol != 0 {
                        rule = rule.protocol(protocol);
                    }
                    if from.ports != ANY {
                        rule = rule.source_ports(from.ports);
                    }
                    if to.ports != ANY {
                        rule = rule.destination_ports(to.ports);
                    }
                    rules.push(match policy.action {
                        Action::Bypass => rule.accept(),
                        Action::Drop => rule.count(&counter(policy)).drop(),
                    });
                }
            }
        }
    }
    rules
}

const ANY: (u16, u16) = (0, u16::MAX);
