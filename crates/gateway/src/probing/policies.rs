//! Whether a policy takes what the tunnel carries: one of ours that goes before all tunnels, or one of the kernel's IPsec
//! that isn't ours. Where this process carries packets it has no policy in the kernel, so every one there is somebody
//! else's, and the kernel asks it all the same. Where the kernel carries them, its policies that are ours have to have them,
//! and the states of the SAs have to be there.

use std::net::IpAddr;
use std::time::Duration;

use adit_kernel::KernelError;
use adit_kernel::xfrm::{By, Direction, Does, Listed, Xfrm};
use adit_model::connection::{Connection, Protection};
use adit_model::policy::Action;
use adit_model::probed::{Check, Outcome};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use super::ways::{Inside, Ways};
use super::{Carrier, PairOf, Situation, sample, sign};
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
    let policies = match listed() {
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
    let later = || {
        std::thread::sleep(PUT_BACK);
        listed()
    };
    match questions.judge(policies, later, || gone(&situation.pairs)) {
        Ok(mut found) => {
            found.extend(states(situation));
            found
        }
        Err(error) => vec![unreadable(&error)],
    }
}

/// Whether a check says that a policy of ours isn't there.
fn is_missing(check: &Check) -> bool {
    check.outcome == Outcome::Finding && check.facts.is_empty()
}

/// Policies go with the SAs that they are for: where some are gone since, the ones that were looked for may be, too.
fn settled(found: Vec<Check>, gone: &[String]) -> Vec<Check> {
    if gone.is_empty() {
        return found;
    }
    let mut rest: Vec<Check> = found
        .into_iter()
        .filter(|check| !is_missing(check))
        .collect();
    let summary = format!(
        "the tunnel was replaced or went down meanwhile (the state with SPI {} is gone), so its policies in the kernel can't be told from those of before; test again",
        gone.join(", ")
    );
    rest.push(Check::new(ID, Outcome::Unknown, summary));
    rest
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
    /// One of ours is the answer as long as there is an SA.
    ours: bool,
    /// There is one, or what takes its place.
    due: bool,
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
        Some(Self::by(situation, &ways.inside, device, if_id))
    }

    fn by(situation: &Situation, inside: &[Inside], device: u32, if_id: Option<u32>) -> Self {
        // Optional protection lets pass what has no SA, with no policy or with one. What another tunnel carries now is its own.
        let holds_back = situation.connection.protection == Protection::Required;
        let due = |child: &str| {
            let mut pairs = situation.pairs.iter();
            !situation.leads_elsewhere() && (holds_back || pairs.any(|pair| pair.child == child))
        };
        let known = inside.iter().flat_map(|i| {
            let lan = match i.is_this_host() {
                true => None,
                false => Some(i.lan().map_or(0, |(index, _)| *index)),
            };
            asked((i.local, i.remote), lan, device, if_id, due(&i.child))
        });
        let carried = |(own, far): (IpAddr, IpAddr)| {
            let holds = |all: &[Selector], address: IpAddr| {
                let host = Selector::host(address);
                all.iter().any(|selector| selector.contains(&host))
            };
            let mut children = situation.children.iter();
            children.find(|c| holds(&c.local, own) && holds(&c.remote, far))
        };
        let led = led(&situation.connection).into_iter();
        let led = led.filter_map(|ends| Some((ends, carried(ends)?)));
        let led = led.flat_map(|(ends, child)| asked(ends, None, device, if_id, due(&child.child)));
        let children = &situation.children;
        let whole = |s: &Selector| s.protocol == 0;
        Self {
            all: known.chain(led).collect(),
            needed: situation.up
                && children
                    .iter()
                    .all(|c| c.local.iter().chain(&c.remote).all(whole)),
        }
    }

    /// What is wrong; what has no fact is perhaps only so for a moment.
    fn findings(&self, listed: &[Listed]) -> Vec<Check> {
        let mut found: Vec<Check> = Vec::new();
        for question in &self.all {
            let check = match question.answers(listed).split_first() {
                Some((policy, rest)) => {
                    let lost = |policy: &&Listed| question.is_lost_to(policy);
                    match (
                        lost(policy),
                        rest.iter().find(|other| lost(other) != lost(policy)),
                    ) {
                        (true, None) => foreign(policy, question.outward),
                        (false, None) => continue,
                        (_, Some(other)) => either(policy, other),
                    }
                }
                None if question.ours && question.due && self.needed => missing(question),
                None => continue,
            };
            if !found.contains(&check) {
                found.push(check);
            }
        }
        found
    }

    /// What there is to say of `policies`. What somebody took away is put back within a second: where one of ours is missing it is
    /// said of those that are listed `later`, and of which states are `gone` meanwhile.
    fn judge(
        &self,
        mut policies: Vec<Listed>,
        later: impl FnOnce() -> Result<Vec<Listed>, KernelError>,
        gone: impl FnOnce() -> Result<Vec<String>, KernelError>,
    ) -> Result<Vec<Check>, KernelError> {
        let mut found = self.findings(&policies);
        if found.iter().any(is_missing) {
            policies = later()?;
            found = self.findings(&policies);
            if found.iter().any(is_missing) {
                found = settled(found, &gone()?);
            }
        }
        if found.is_empty() {
            found.push(self.well(&policies));
        }
        Ok(found)
    }

    fn well(&self, listed: &[Listed]) -> Check {
        if self.all.is_empty() {
            let summary = "no address is known whose packets the tunnel carries, so policies of the kernel's IPsec can't be asked about them; adit trace SRC DST does";
            return Check::new(ID, Outcome::Unknown, summary);
        }
        let ours = self.all.iter().filter(|question| question.ours);
        let out = ours
            .filter(|question| question.direction == Direction::Out)
            .find_map(|question| question.answers(listed).first().copied());
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
    /// The policies that may have such packets: of several of one priority the kernel takes the one that has stood longest.
    /// Its list doesn't tell which that is: one that was replaced keeps its place before others and loses it in the list.
    fn answers<'a>(&self, listed: &'a [Listed]) -> Vec<&'a Listed> {
        let Self {
            direction,
            from,
            to,
            by,
            ..
        } = *self;
        let takes = |policy: &&Listed| policy.takes(direction, from, to, by);
        let fit = || listed.iter().filter(takes);
        let first = fit().map(|policy| policy.priority).min();
        fit()
            .filter(|policy| Some(policy.priority) == first)
            .collect()
    }

    /// Whether packets of the tunnel are lost to the policy that has them.
    fn is_lost_to(&self, policy: &Listed) -> bool {
        let stops = matches!(policy.does, Does::Block | Does::Protect);
        !is_our_policy(policy.index) && (stops || (self.ours && self.due))
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
/// carries packets through the XFRM interface `if_id` or none. Our end is behind the device `lan`, or this host itself. Whether
/// ours are `due` to be the answer.
fn asked(
    (ours, theirs): (IpAddr, IpAddr),
    lan: Option<u32>,
    device: u32,
    if_id: Option<u32>,
    due: bool,
) -> Vec<Question> {
    let ask = |direction, (from, to), device, if_id, needed| Question {
        direction,
        from,
        to,
        by: By { device, if_id },
        ours: needed,
        due,
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

/// Of two policies one has the packets, which are lost if it is the wrong one.
fn either(one: &Listed, other: &Listed) -> Check {
    let summary = format!(
        "two policies of the kernel's IPsec take what the tunnel carries with the same priority, and the kernel asks the one that was set first, which can't be told from here: perhaps {}, perhaps {}",
        told(one),
        told(other)
    );
    Check::new(ID, Outcome::Unknown, summary).fix(
        "find out whose the one is that isn't this gateway's, and give it another priority or remove it there",
    )
}

fn told(policy: &Listed) -> String {
    let whose = match is_our_policy(policy.index) {
        true => "this gateway's",
        false => "another one's",
    };
    format!("{whose} {}", name(policy))
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
    let gone = match gone(&situation.pairs) {
        Ok(gone) => gone,
        Err(error) => return Some(Check::new(id, Outcome::Unknown, error.to_string())),
    };
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

/// SPIs of states of these pairs that the kernel doesn't have.
fn gone(pairs: &[PairOf]) -> Result<Vec<String>, KernelError> {
    let states = Xfrm::open().and_then(|mut xfrm| xfrm.states())?;
    let there = |to: IpAddr, spi: u32| {
        let mut all = states.iter();
        all.any(|state| state.id.destination == to && state.id.spi == spi)
    };
    let ends = pairs
        .iter()
        .flat_map(|pair| [(pair.local, pair.spi_in), (pair.remote, pair.spi_out)]);
    let gone = ends.filter(|(to, spi)| !there(*to, *spi));
    Ok(gone.map(|(_, spi)| format!("{spi:08x}")).collect())
}

/// How long the gateway may take to put back what somebody deleted.
const PUT_BACK: Duration = Duration::from_millis(1500);
const ID: &str = "kernel-policies";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_kernel::xfrm::{PolicyId, Selector as Packets};
    use adit_model::connection::TunnelInterface;
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
        found_if(listed, if_id, true)
    }

    fn found_if(listed: &[Listed], if_id: Option<u32>, due: bool) -> Vec<Check> {
        questions(if_id, due).findings(listed)
    }

    fn questions(if_id: Option<u32>, due: bool) -> Questions {
        let ends = ("10.1.0.2".parse().unwrap(), "10.2.0.1".parse().unwrap());
        Questions {
            all: asked(ends, Some(3), 7, if_id, due),
            needed: if_id.is_some(),
        }
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

    /// The policies are listed once more before one is said to be missing, and that may fail.
    #[test]
    fn a_policy_is_missing_by_the_second_list_alone() {
        let out = own(policy(Direction::Out, OURS, THEIRS, 1000, Does::Protect));
        let forward = policy(Direction::Forward, THEIRS, OURS, 1000, Does::Protect);
        let whole = vec![out, own(forward)];
        let questions = questions(Some(0), true);
        let failed =
            || KernelError::own("list the policies", "", "it kept changing while being read");
        let never =
            || -> Result<Vec<Listed>, KernelError> { panic!("there is nothing to wait for") };
        let none_gone = || Ok(Vec::new());
        let outcome = |found: Vec<Check>| found.iter().map(|c| c.outcome).collect::<Vec<_>>();

        let well = questions.judge(whole.clone(), never, none_gone).unwrap();
        assert_eq!(outcome(well), [Outcome::Well]);
        let back = questions.judge(vec![out], || Ok(whole.clone()), none_gone);
        assert_eq!(outcome(back.unwrap()), [Outcome::Well]);
        let missing = questions.judge(vec![out], || Ok(vec![out]), none_gone);
        assert_eq!(outcome(missing.unwrap()), [Outcome::Finding]);
        // What can't be listed again is neither there nor missing.
        let unknown = questions.judge(vec![out], || Err(failed()), none_gone);
        let unknown = unreadable(&unknown.unwrap_err());
        assert_eq!(unknown.outcome, Outcome::Unknown);
        assert!(unknown.facts.is_empty());
        assert!(unknown.summary.contains("kept changing"), "{unknown:?}");
        let unknown = questions.judge(vec![out], || Ok(vec![out]), || Err(failed()));
        assert!(unknown.is_err());
    }

    /// With optional protection nothing holds back what has no SA.
    #[test]
    fn a_child_without_an_sa_needs_no_policy_where_protection_is_optional() {
        assert_eq!(found_if(&[], Some(0), true).len(), 2);
        assert_eq!(found_if(&[], Some(0), false), []);
        assert_eq!(found_if(&[], Some(42), false), []);
        // What would pass anyway isn't lost to a policy that lets it.
        let allow = policy(Direction::Out, OURS, THEIRS, 9, Does::Allow);
        assert_eq!(found_if(&[allow], Some(0), false), []);
        let block = policy(Direction::Out, OURS, THEIRS, 9, Does::Block);
        assert_eq!(found_if(&[block], Some(0), false).len(), 1);
    }

    #[test]
    fn who_needs_policies_is_a_child_with_an_sa_or_one_that_is_held_back() {
        let needed = |protection, pairs: &[&str], carrier: Carrier| {
            let mut situation = situation("10.1.0.0/24", "10.2.0.0/24");
            let mut connection = (*situation.connection).clone();
            connection.protection = protection;
            connection.interface = Some(TunnelInterface {
                name: "office0".to_owned(),
                addresses: vec!["10.1.0.1/24".parse().unwrap()],
                mtu: None,
                routes: vec!["10.2.0.0/24".parse().unwrap()],
            });
            situation.connection = std::sync::Arc::new(connection);
            situation.carrier = carrier;
            let pair = |child: &&str| PairOf {
                child: (*child).to_owned(),
                local: [192, 0, 2, 1].into(),
                remote: [192, 0, 2, 2].into(),
                spi_in: 1,
                spi_out: 2,
            };
            situation.pairs = pairs.iter().map(pair).collect();
            let questions = Questions::by(&situation, &[], 7, Some(42));
            assert!(!questions.all.is_empty());
            !questions.findings(&[]).is_empty()
        };
        let own = || Carrier::Kernel(Some(("office0".to_owned(), 42)));
        assert!(needed(Protection::Required, &[], own()));
        assert!(needed(Protection::Optional, &["lan"], own()));
        assert!(!needed(Protection::Optional, &[], own()));
        assert!(!needed(Protection::Optional, &["other"], own()));
        let other = Carrier::Kernel(Some(("backup0".to_owned(), 42)));
        assert!(!needed(Protection::Required, &["lan"], other));
    }

    #[test]
    fn what_is_missing_while_sas_are_replaced_is_no_finding() {
        let missing = found(&[], Some(0));
        assert!(!missing.is_empty() && missing.iter().all(is_missing));
        assert_eq!(settled(missing.clone(), &[]), missing);
        let block = policy(Direction::Out, OURS, THEIRS, 9, Does::Block);
        let both = found(&[block], Some(0));
        let left = settled(both, &["0000000b".to_owned()]);
        let outcomes: Vec<Outcome> = left.iter().map(|check| check.outcome).collect();
        assert_eq!(outcomes, [Outcome::Finding, Outcome::Unknown]);
        assert!(left[1].summary.contains("0000000b"), "{left:?}");
        assert!(!left.iter().any(is_missing));
    }

    #[test]
    fn of_two_policies_with_one_priority_none_is_said_to_win() {
        let ours = own(policy(Direction::Out, OURS, THEIRS, 1000, Does::Protect));
        let back = own(policy(
            Direction::Forward,
            THEIRS,
            OURS,
            1000,
            Does::Protect,
        ));
        let block = policy(Direction::Out, "10.0.0.0/8", THEIRS, 1000, Does::Block);
        for listed in [[block, ours, back], [ours, back, block]] {
            let found = found(&listed, Some(0));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].outcome, Outcome::Unknown);
            assert!(found[0].facts.is_empty());
            assert!(found[0].summary.contains("perhaps"), "{found:?}");
        }
        // Whichever it is, the packets are lost, or they aren't.
        let wider = policy(Direction::Out, OURS, "0.0.0.0/0", 1000, Does::Block);
        let found_both = found(&[block, wider, back], Some(0));
        assert_eq!(found_both.len(), 1);
        assert_eq!(found_both[0].outcome, Outcome::Finding);
        let second = own(policy(
            Direction::Out,
            OURS,
            "0.0.0.0/0",
            1000,
            Does::Protect,
        ));
        assert_eq!(found(&[second, ours, back], Some(0)), []);
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
