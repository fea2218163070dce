//! Whether a policy takes what the tunnel carries: one of ours that goes before all tunnels, or one of the kernel's IPsec
//! that isn't ours. Where this process carries packets it has no policy in the kernel, so every one there is somebody
//! else's, and the kernel asks it all the same. Where the kernel carries them, its policies that are ours have to have them,
//! and the states of the SAs have to be there.

use std::net::IpAddr;
use std::time::Duration;

use adit_kernel::KernelError;
use adit_kernel::xfrm::{By, Direction, Does, Listed, Xfrm};
use adit_model::connection::Connection;
use adit_model::policy::Action;
use adit_model::probed::{Check, Outcome};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use super::ways::Ways;
use super::{Carrier, Situation, sample, sign};
use crate::xfrm::is_our_policy;

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
    let carrier = match &situation.carrier {
        Carrier::Nobody => return Vec::new(),
        carrier => carrier,
    };
    let listed = || Xfrm::open().and_then(|mut xfrm| xfrm.listed());
    let mut policies = match listed() {
        Ok(policies) => policies,
        // A kernel without IPsec asks nobody.
        Err(error) if error.is_unsupported() => return Vec::new(),
        Err(error) => return vec![unreadable(&error)],
    };
    if policies.is_empty() && !carrier.is_kernel() {
        return Vec::new();
    }
    let Some(questions) = Questions::new(situation, ways) else {
        return Vec::new();
    };
    let mut found = questions.findings(&policies);
    if found.iter().any(|check| check.facts.is_empty()) {
        // What somebody took away is put back within a second.
        std::thread::sleep(PUT_BACK);
        policies = listed().unwrap_or_default();
        found = questions.findings(&policies);
    }
    if found.is_empty() {
        found.push(questions.well(&policies));
    }
    found.extend(states(situation));
    found
}

fn unreadable(error: &KernelError) -> Check {
    Check::new(ID, Outcome::Unknown, error.to_string())
}

/// A question that the kernel asks its policies.
#[derive(Clone, Copy, Debug)]
struct Question {
    direction: Direction,
    from: IpAddr,
    to: IpAddr,
    by: By,
    /// One of ours has to be the answer.
    ours: bool,
    /// Packets to the peer's side; else from there.
    outward: bool,
}

/// What the kernel asks its policies about packets of a tunnel.
struct Questions {
    all: Vec<Question>,
    /// Ours have to be there; which is so as long as the tunnel is up and takes packets of every kind.
    needed: bool,
}

impl Questions {
    /// `None` where the devices are unknown.
    fn new(situation: &Situation, ways: &Ways) -> Option<Self> {
        let (device, if_id) = match &situation.carrier {
            Carrier::Device(device) => (ways.index(device)?, None),
            Carrier::Kernel(Some((device, if_id))) => (ways.index(device)?, Some(*if_id)),
            Carrier::Kernel(None) => (ways.outside()?.0, Some(0)),
            Carrier::Nobody => return None,
        };
        let known = ways.inside.iter().flat_map(|i| {
            let lan = match i.is_this_host() {
                true => None,
                false => Some(i.lan().map_or(0, |(index, _)| *index)),
            };
            asked((i.local, i.remote), lan, device, if_id)
        });
        let carried = |(own, far): &(IpAddr, IpAddr)| {
            let holds = |all: &[Selector], address: IpAddr| {
                let host = Selector::host(address);
                all.iter().any(|selector| selector.contains(&host))
            };
            let mut children = situation.children.iter();
            children.any(|c| holds(&c.local, *own) && holds(&c.remote, *far))
        };
        let led = led(&situation.connection).into_iter().filter(carried);
        let led = led.flat_map(|ends| asked(ends, None, device, if_id));
        let children = &situation.children;
        let whole = |s: &Selector| s.protocol == 0;
        Some(Self {
            all: known.chain(led).collect(),
            needed: situation.up
                && children
                    .iter()
                    .all(|c| c.local.iter().chain(&c.remote).all(whole)),
        })
    }

    /// What is wrong; what has no fact is perhaps only so for a moment.
    fn findings(&self, listed: &[Listed]) -> Vec<Check> {
        let mut found: Vec<Check> = Vec::new();
        for question in &self.all {
            let check = match question.answer(listed) {
                Some(policy) if question.is_lost_to(policy) => foreign(policy, question.outward),
                None if question.ours && self.needed => missing(question),
                _ => continue,
            };
            if !found.contains(&check) {
                found.push(check);
            }
        }
        found
    }

    fn well(&self, listed: &[Listed]) -> Check {
        if self.all.is_empty() {
            let summary = "no address is known whose packets the tunnel carries, so policies of the kernel's IPsec can't be asked about them; adit trace SRC DST does";
            return Check::new(ID, Outcome::Unknown, summary);
        }
        let ours = self.all.iter().filter(|question| question.ours);
        let out = ours
            .filter(|question| question.direction == Direction::Out)
            .find_map(|question| question.answer(listed));
        let Some(policy) = out.filter(|policy| is_our_policy(policy.index)) else {
            let summary = "no policy of the kernel's IPsec takes what the tunnel carries";
            return Check::new(ID, Outcome::Well, summary);
        };
        let named = name(policy);
        let summary = format!("what the tunnel carries is this gateway's: policy {named}");
        Check::new(ID, Outcome::Well, summary).value("own", named)
    }
}

impl Question {
    /// The policy that has such packets: of several that fit, the first that was set.
    fn answer<'a>(&self, listed: &'a [Listed]) -> Option<&'a Listed> {
        let Self {
            direction,
            from,
            to,
            by,
            ..
        } = *self;
        let takes = |policy: &&Listed| policy.takes(direction, from, to, by);
        listed
            .iter()
            .filter(takes)
            .min_by_key(|policy| policy.priority)
    }

    /// Whether packets of the tunnel are lost to the policy that has them.
    fn is_lost_to(&self, policy: &Listed) -> bool {
        let stops = matches!(policy.does, Does::Block | Does::Protect);
        !is_our_policy(policy.index) && (stops || self.ours)
    }
}

/// Addresses of the tunnel's interface, each with one beside it and one that a route leads there: where the selectors take
/// everything, these are known.
fn led(connection: &Connection) -> Vec<(IpAddr, IpAddr)> {
    let Some(interface) = &connection.interface else {
        return Vec::new();
    };
    let addresses = interface.addresses.iter();
    addresses
        .flat_map(|net| {
            let own = net.addr();
            let mut nets = interface.routes.iter();
            let routed = nets.find(|to| to.addr().is_ipv4() == own.is_ipv4());
            let routed = routed.map(|to| sample(&Selector::net(to.trunc()), 1));
            let beside = net.hosts().find(|host| *host != own);
            beside.into_iter().chain(routed).map(move |to| (own, to))
        })
        .collect()
}

/// What is asked on the way out and back, between an address of ours and one of the peer's: by `device`, where the kernel
/// carries packets through the XFRM interface `if_id` or none. Our end is behind the device `lan`, or this host itself.
fn asked(
    (ours, theirs): (IpAddr, IpAddr),
    lan: Option<u32>,
    device: u32,
    if_id: Option<u32>,
) -> Vec<Question> {
    let ask = |direction, (from, to), device, if_id, needed| Question {
        direction,
        from,
        to,
        by: By { device, if_id },
        ours: needed,
        outward: from == ours,
    };
    let (outward, inward) = ((ours, theirs), (theirs, ours));
    let number = if_id.unwrap_or(0);
    let mut all = Vec::new();
    // On the way to an XFRM interface, policies of none are asked first.
    if number != 0 || if_id.is_none() {
        all.push(ask(Direction::Out, outward, device, 0, false));
    }
    if if_id.is_some() {
        all.push(ask(Direction::Out, outward, device, number, true));
    }
    let back = |direction| ask(direction, inward, device, number, if_id.is_some());
    match lan {
        None => all.push(back(Direction::In)),
        Some(lan) => {
            all.push(ask(Direction::Forward, outward, lan, 0, false));
            all.push(back(Direction::Forward));
            all.push(ask(Direction::Out, inward, lan, 0, false));
        }
    }
    all
}

fn name(policy: &Listed) -> String {
    let selector = &policy.id.selector;
    format!(
        "{} → {} ({}, priority {})",
        selector.source, selector.destination, policy.id.direction, policy.priority
    )
}

fn foreign(policy: &Listed, outward: bool) -> Check {
    let selector = &policy.id.selector;
    let (from, to, direction) = (selector.source, selector.destination, policy.id.direction);
    let named = name(policy);
    let mut values = vec![("policy", named.as_str())];
    let does = match policy.does {
        Does::Block => {
            values.push(("blocks", "yes"));
            "throws away"
        }
        Does::Allow | Does::ProtectIfPossible => {
            values.push(("allows", "yes"));
            "has pass in clear"
        }
        Does::Protect => "wants protected by an SA of its own",
    };
    let summary = format!(
        "a policy of the kernel's IPsec that isn't this gateway's {does} what the tunnel carries: {named}"
    );
    let if_id = match policy.id.if_id {
        0 => String::new(),
        number => format!(" if_id {number:#x}"),
    };
    Check::new(ID, Outcome::Finding, summary)
        .value("policy", &named)
        .value("way", if outward { "out" } else { "back" })
        .fix(format!(
            "find out whose it is and remove it there; one that nobody owns: ip xfrm policy delete src {from} dst {to} dir {direction}{if_id}"
        ))
        .fact(sign(Sign::ForeignPolicy, &values))
}

fn missing(question: &Question) -> Check {
    let Question {
        direction,
        from,
        to,
        ..
    } = question;
    let summary = format!(
        "the kernel has no policy of this gateway for packets from {from} to {to} ({direction}), and it hasn't come back"
    );
    Check::new(ID, Outcome::Finding, summary).fix(
        "end whoever deletes it; the log of the gateway says why it can't be put back, if the kernel refuses it",
    )
}

/// Whether the states of the pairs in use are there. One that isn't is noticed by the gateway within a second, and another
/// pair asked for; and a pair may have been replaced since it was looked up here.
fn states(situation: &Situation) -> Option<Check> {
    if !situation.carrier.is_kernel() || situation.pairs.is_empty() {
        return None;
    }
    let id = "kernel-states";
    let states = match Xfrm::open().and_then(|mut xfrm| xfrm.states()) {
        Ok(states) => states,
        Err(error) => return Some(Check::new(id, Outcome::Unknown, error.to_string())),
    };
    let there = |to: IpAddr, spi: u32| {
        let mut all = states.iter();
        all.any(|state| state.id.destination == to && state.id.spi == spi)
    };
    let pairs = situation.pairs.iter();
    let gone: Vec<String> = pairs
        .flat_map(|pair| [(pair.local, pair.spi_in), (pair.remote, pair.spi_out)])
        .filter(|(to, spi)| !there(*to, *spi))
        .map(|(_, spi)| format!("{spi:08x}"))
        .collect();
    Some(if gone.is_empty() {
        let count = situation.pairs.len();
        Check::new(
            id,
            Outcome::Well,
            format!("the kernel has both states of each pair of SAs ({count})"),
        )
    } else {
        let gone = gone.join(", ");
        let summary = format!(
            "the kernel has no state with SPI {gone} any more: it was just replaced, or somebody deleted it, and another pair is asked for within a second"
        );
        Check::new(id, Outcome::Note, summary).value("spi", gone)
    })
}

/// How long the gateway may take to put back what somebody deleted.
const PUT_BACK: Duration = Duration::from_millis(1500);
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
            index: 0,
            does,
            marked: false,
        }
    }

    /// One that this gateway has made.
    fn own(policy: Listed) -> Listed {
        let index = policy.id.direction.index(0x0ad0_0008);
        Listed { index, ..policy }
    }

    fn found(listed: &[Listed], if_id: Option<u32>) -> Vec<Check> {
        let ends = ("10.1.0.2".parse().unwrap(), "10.2.0.1".parse().unwrap());
        let questions = Questions {
            all: asked(ends, Some(3), 7, if_id),
            needed: if_id.is_some(),
        };
        questions.findings(listed)
    }

    fn lost(listed: &[Listed]) -> usize {
        found(listed, None).len()
    }

    const OURS: &str = "10.1.0.0/24";
    const THEIRS: &str = "10.2.0.0/24";

    #[test]
    fn a_policy_that_goes_first_takes_what_the_tunnel_carries() {
        let block = policy(Direction::Out, OURS, THEIRS, 5, Does::Block);
        assert_eq!(lost(&[block]), 1);
        // One that lets pass stands before it.
        let pass = policy(Direction::Out, OURS, "0.0.0.0/0", 4, Does::Allow);
        assert_eq!(lost(&[block, pass]), 0);
        // Without an SA nothing passes, and what came out of no SA of the kernel's doesn't either.
        let inwards = policy(Direction::Forward, THEIRS, OURS, 9, Does::Protect);
        assert_eq!(lost(&[inwards]), 1);
        let optional = policy(Direction::Forward, THEIRS, OURS, 9, Does::ProtectIfPossible);
        assert_eq!(lost(&[optional]), 0);
        // For others, and for packets to this host.
        let other = policy(Direction::Out, THEIRS, "10.9.0.0/24", 1, Does::Block);
        assert_eq!(lost(&[other]), 0);
        let here = policy(Direction::In, THEIRS, OURS, 1, Does::Block);
        assert_eq!(lost(&[here]), 0);
        let check = foreign(&block, true);
        assert!(
            check
                .fix
                .unwrap()
                .ends_with("src 10.1.0.0/24 dst 10.2.0.0/24 dir out")
        );
    }

    #[test]
    fn where_the_kernel_carries_packets_its_policies_that_are_ours_have_them() {
        let out = own(policy(Direction::Out, OURS, THEIRS, 1000, Does::Protect));
        let back = own(policy(
            Direction::Forward,
            THEIRS,
            OURS,
            1000,
            Does::Protect,
        ));
        assert_eq!(found(&[out, back], Some(0)), []);
        // One is gone, which has no fact until it is known to stay away.
        let gone = found(&[out], Some(0));
        assert_eq!(gone.len(), 1);
        assert!(
            gone[0].summary.contains("10.2.0.1 to 10.1.0.2 (fwd)"),
            "{gone:?}"
        );
        assert!(gone[0].facts.is_empty());
        // Whatever goes before ours is a loss, also what lets pass.
        for does in [Does::Block, Does::Allow, Does::Protect] {
            let first = policy(Direction::Out, OURS, "10.2.0.0/16", 9, does);
            let found = found(&[out, back, first], Some(0));
            assert_eq!(found.len(), 1, "{does:?}");
            assert_eq!(found[0].facts.len(), 1);
        }
        let late = policy(Direction::Out, OURS, "10.2.0.0/16", 2000, Does::Block);
        assert_eq!(found(&[out, back, late], Some(0)), []);
    }

    #[test]
    fn on_the_way_to_an_xfrm_interface_policies_of_none_are_asked_first() {
        let by = |policy: Listed| Listed {
            id: PolicyId {
                if_id: 42,
                ..policy.id
            },
            ..own(policy)
        };
        let out = by(policy(
            Direction::Out,
            "0.0.0.0/0",
            "0.0.0.0/0",
            1000,
            Does::Protect,
        ));
        let back = by(policy(
            Direction::Forward,
            "0.0.0.0/0",
            "0.0.0.0/0",
            1000,
            Does::Protect,
        ));
        assert_eq!(found(&[out, back], Some(42)), []);
        let block = policy(Direction::Out, OURS, THEIRS, 5000, Does::Block);
        assert_eq!(found(&[out, back, block], Some(42)).len(), 1);
        assert_eq!(found(&[out], Some(42)).len(), 1);
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
