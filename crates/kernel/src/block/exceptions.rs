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
