//! Policies that go before tunnels, as rules of the packet filter.

use adit_model::policy::{Action, Policy};
use adit_model::selector::Selector;
use ipnet::IpNet;

use crate::nft::Rule;

/// The counter of what a drop policy stops.
pub(super) fn counter(policy: &Policy) -> String {
    format!("policy-{}", policy.name)
}

/// Rules for what leaves.
pub(super) fn outbound(policies: &[Policy]) -> Vec<Rule> {
    rules(policies, |(local, remote)| (local, remote))
}

/// Rules for what leaves after source NAT, which may have given it another source, or another port, than it had when the
/// policies were asked: that is what counts. What isn't tracked has been given none.
pub(super) fn outbound_translated(policies: &[Policy]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for policy in policies.iter().filter(|p| p.action == Action::Bypass) {
        for (from, to) in policy.pairs() {
            for (source, destination) in nets(&from, &to) {
                let plain = matching(Rule::new().untracked(), (&from, source), (&to, destination));
                rules.push(plain.accept());
                for answer in [false, true] {
                    let mut rule = Rule::new()
                        .source_before_translation(source, answer)
                        .destination(destination);
                    let protocol = from.protocol.max(to.protocol);
                    if protocol != 0 {
                        rule = rule.protocol(protocol);
                    }
                    if from.ports != ANY {
                        rule = rule.source_ports_before_translation(from.ports, answer);
                    }
                    if to.ports != ANY {
                        rule = rule.destination_ports(to.ports);
                    }
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
            for (source, destination) in nets(&from, &to) {
                let rule = matching(Rule::new(), (&from, source), (&to, destination));
                rules.push(match policy.action {
                    Action::Bypass => rule.accept(),
                    Action::Drop => rule.count(&counter(policy)).drop(),
                });
            }
        }
    }
    rules
}

/// Every pair of networks of two selectors.
fn nets(from: &Selector, to: &Selector) -> impl Iterator<Item = (IpNet, IpNet)> {
    let destinations = to.nets();
    let sources = from.nets().into_iter();
    sources.flat_map(move |source| destinations.clone().into_iter().map(move |to| (source, to)))
}

/// Adds what a packet shows of itself to a rule.
fn matching(
    start: Rule,
    (from, source): (&Selector, IpNet),
    (to, destination): (&Selector, IpNet),
) -> Rule {
    let mut rule = start.source(source).destination(destination);
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
    rule
}

const ANY: (u16, u16) = (0, u16::MAX);
