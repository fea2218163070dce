//! Whether a policy takes what the tunnel carries: one of ours that goes before all tunnels, or one of the kernel's IPsec
//! that isn't ours. Where this process carries packets it has no policy in the kernel, so every one there is somebody
//! else's, and the kernel asks it all the same.

use std::net::IpAddr;

use adit_kernel::KernelError;
use adit_kernel::xfrm::{Direction, Does, Listed, Xfrm};
use adit_model::policy::Action;
use adit_model::probed::{Check, Outcome};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use super::ways::{Inside, Ways};
use super::{Carrier, Situation, sign};

/// Tests of policies.
pub(super) fn checks(situation: &Situation, ways: &Ways) -> Vec<Check> {
    let mut checks = exempted(situation);
    checks.extend(of_the_kernel(situation, ways));
    checks
}

/// A policy of ours by which all that a child is for goes past it.
fn exempted(situation: &Situation) -> Vec<Check> {
    let policies = situation.policies.iter();
    let bypasses = policies.filter(|policy| policy.action == Action::Bypass);
    let covers = |taking: &[Selector], all: &[Selector]| {
        let taken = |one: &Selector| taking.iter().any(|taking| taking.contains(one));
        !all.is_empty() && all.iter().all(taken)
    };
    bypasses
        .flat_map(|policy| {
            let children = situation.children.iter();
            let whole = move |child: &&super::Networks| {
                covers(&policy.local, &child.local) && covers(&policy.remote, &child.remote)
            };
            children.filter(whole).map(move |child| (policy, child))
        })
        .map(|(policy, child)| {
            let (name, child) = (policy.name.as_str(), child.child.as_str());
            let summary = format!(
                "policy {name} has all that {child} is for go in clear: policies go before tunnels"
            );
            Check::new("bypass", Outcome::Finding, summary)
                .value("policy", name)
                .fix(format!(
                    "narrow the networks of policy {name}, or remove it"
                ))
                .fact(sign(
                    Sign::BypassInstalled,
                    &[("policy", name), ("tunnel", child)],
                ))
        })
        .collect()
}

fn of_the_kernel(situation: &Situation, ways: &Ways) -> Vec<Check> {
    let Carrier::Device(device) = &situation.carrier else {
        return Vec::new();
    };
    let listed = match Xfrm::open().and_then(|mut xfrm| xfrm.listed()) {
        Ok(listed) => listed,
        // A kernel without IPsec asks nobody.
        Err(error) if error.is_unsupported() => return Vec::new(),
        Err(error) => return vec![unreadable(&error)],
    };
    if listed.is_empty() {
        return Vec::new();
    }
    let Some(index) = ways.index(device) else {
        return Vec::new();
    };
    let mut found: Vec<Check> = Vec::new();
    for inside in &ways.inside {
        for taken in taken(&listed, inside, index) {
            let check = check(taken);
            if !found.contains(&check) {
                found.push(check);
            }
        }
    }
    if found.is_empty() {
        found.push(Check::new(
            ID,
            Outcome::Well,
            "no policy of the kernel's IPsec takes what the tunnel carries",
        ));
    }
    found
}

fn unreadable(error: &KernelError) -> Check {
    Check::new(ID, Outcome::Unknown, error.to_string())
}

/// The policies that packets of the tunnel are lost to, on their way out and back.
fn taken<'a>(listed: &'a [Listed], inside: &Inside, device: u32) -> Vec<&'a Listed> {
    let (ours, theirs) = (inside.local, inside.remote);
    let lan = inside.lan().map_or(0, |(index, _)| *index);
    let asked: &[(Direction, IpAddr, IpAddr, u32)] = if inside.is_this_host() {
        &[
            (Direction::Out, ours, theirs, device),
            (Direction::In, theirs, ours, device),
        ]
    } else {
        &[
            (Direction::Out, ours, theirs, device),
            (Direction::Forward, ours, theirs, lan),
            (Direction::Forward, theirs, ours, device),
            (Direction::Out, theirs, ours, lan),
        ]
    };
    asked
        .iter()
        .filter_map(|(direction, from, to, device)| {
            let takes = |policy: &&Listed| policy.takes(*direction, *from, *to, *device);
            // Of several that fit, the first that was set has the packet.
            listed
                .iter()
                .filter(takes)
                .min_by_key(|policy| policy.priority)
        })
        .filter(|policy| matches!(policy.does, Does::Block | Does::Protect))
        .collect()
}

fn check(policy: &Listed) -> Check {
    let selector = &policy.id.selector;
    let (from, to, direction) = (selector.source, selector.destination, policy.id.direction);
    let named = format!("{from} → {to} ({direction}, priority {})", policy.priority);
    let mut values = vec![("policy", named.as_str())];
    let does = if policy.does == Does::Block {
        values.push(("blocks", "yes"));
        "throws away"
    } else {
        "wants protected by an SA of its own"
    };
    let summary = format!(
        "a policy of the kernel's IPsec that isn't this gateway's {does} what the tunnel carries: {named}"
    );
    Check::new(ID, Outcome::Finding, summary)
        .value("policy", &named)
        .fix(format!(
            "find out whose it is and remove it there; one that nobody owns: ip xfrm policy delete src {from} dst {to} dir {direction}"
        ))
        .fact(sign(Sign::ForeignPolicy, &values))
}

const ID: &str = "kernel-policies";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_kernel::xfrm::{PolicyId, Selector as Packets};
    use adit_model::policy::Policy;

    use super::*;
    use crate::probing::testing::situation;

    fn policy(direction: Direction, from: &str, to: &str, priority: u32, does: Does) -> Listed {
        let selector = Packets::between(from.parse().unwrap(), to.parse().unwrap());
        Listed {
            id: PolicyId {
                direction,
                selector,
                if_id: 0,
            },
            priority,
            does,
            bound: false,
        }
    }

    fn lost(listed: &[Listed]) -> usize {
        taken(listed, &Inside::behind("10.1.0.2", "10.2.0.1", 3), 7).len()
    }

    #[test]
    fn a_policy_that_goes_first_takes_what_the_tunnel_carries() {
        let (ours, theirs) = ("10.1.0.0/24", "10.2.0.0/24");
        let block = policy(Direction::Out, ours, theirs, 5, Does::Block);
        assert_eq!(lost(&[block]), 1);
        // One that lets pass stands before it.
        let pass = policy(Direction::Out, ours, "0.0.0.0/0", 4, Does::Allow);
        assert_eq!(lost(&[block, pass]), 0);
        // Without an SA nothing passes, and what came out of no SA of the kernel's doesn't either.
        let inwards = policy(Direction::Forward, theirs, ours, 9, Does::Protect);
        assert_eq!(lost(&[inwards]), 1);
        let optional = policy(Direction::Forward, theirs, ours, 9, Does::ProtectIfPossible);
        assert_eq!(lost(&[optional]), 0);
        // For others, and for packets to this host.
        assert_eq!(
            lost(&[policy(
                Direction::Out,
                theirs,
                "10.9.0.0/24",
                1,
                Does::Block
            )]),
            0
        );
        assert_eq!(
            lost(&[policy(Direction::In, theirs, ours, 1, Does::Block)]),
            0
        );
        let check = check(&block);
        assert!(
            check
                .fix
                .unwrap()
                .ends_with("src 10.1.0.0/24 dst 10.2.0.0/24 dir out")
        );
    }

    #[test]
    fn a_policy_of_ours_is_found_when_it_leaves_a_child_nothing() {
        let mut situation = situation("10.1.0.0/24", "10.2.0.0/24");
        let mut set = |action, local: &str, remote: &str| {
            situation.policies = vec![Policy {
                name: "clear".to_owned(),
                action,
                local: vec![local.parse().unwrap()],
                remote: vec![remote.parse().unwrap()],
            }];
            exempted(&situation).len()
        };
        assert_eq!(set(Action::Bypass, "10.0.0.0/8", "10.2.0.0/24"), 1);
        assert_eq!(set(Action::Bypass, "10.1.0.0/25", "10.2.0.0/24"), 0);
        assert_eq!(set(Action::Bypass, "10.1.0.0/24[tcp/22]", "10.2.0.0/24"), 0);
        assert_eq!(set(Action::Drop, "10.0.0.0/8", "10.2.0.0/24"), 0);
    }
}
