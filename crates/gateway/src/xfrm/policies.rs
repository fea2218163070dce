//! The kernel's policies, brought to what they should be.
//!
//! The kernel has room for one policy of a direction and selector. Where somebody else's stands, it isn't replaced: the
//! tunnel is told of, and tried again when policies change. What is ours is named by its index from then on.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use adit_esp::ChildName;
use adit_kernel::KernelError;
use adit_kernel::xfrm::{Event, Policy, PolicyId, Standing, Xfrm};
use adit_model::now::Mono;

use super::numbers::Numbers;
use super::spd::Wanted;
use super::{INDEXES, InKernel, MOST_INDEXES};

/// A policy that couldn't be put in place, or taken away.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Whose it is.
    pub child: Option<Arc<ChildName>>,
    /// Why.
    pub error: KernelError,
}

/// What the kernel has of ours.
#[derive(Debug)]
pub struct Installed {
    /// With the number of each: its index without the direction.
    known: BTreeMap<PolicyId, (Wanted, u32)>,
    numbers: Numbers,
    /// What was refused at the last time, as it was told.
    refused: BTreeMap<PolicyId, String>,
    /// Not told yet.
    untold: Vec<Trouble>,
    /// When they are compared with what is there; somebody has changed policies.
    compare_at: Option<Mono>,
    compared: Mono,
}

impl Installed {
    /// What an earlier gateway has left.
    pub fn left(xfrm: &mut Xfrm) -> Result<Self, KernelError> {
        let mut known = BTreeMap::new();
        for policy in xfrm.policies()?.into_iter().filter(|p| is_ours(p.index)) {
            let wanted = Wanted {
                priority: policy.priority,
                verdict: policy.verdict,
                child: None,
            };
            known.insert(policy.id, (wanted, policy.index & !0x7));
        }
        if !known.is_empty() {
            tracing::info!(
                "{} IPsec policies of an earlier gateway are taken over",
                known.len()
            );
        }
        let used: Vec<u32> = known.values().map(|(_, index)| number(*index)).collect();
        Ok(Self {
            known,
            numbers: Numbers::new(0, MOST_INDEXES, used),
            refused: BTreeMap::new(),
            untold: Vec::new(),
            compare_at: None,
            compared: Mono::default(),
        })
    }

    /// The child that a policy with this index is for.
    pub fn owner(&self, id_index: u32) -> Option<&Arc<ChildName>> {
        let has =
            |(id, (_, index)): &(&PolicyId, &(Wanted, u32))| id.direction.index(*index) == id_index;
        let (_, (wanted, _)) = self.known.iter().find(has)?;
        wanted.child.as_ref()
    }

    /// When there is something to do.
    pub fn due(&self) -> Option<Mono> {
        if self.untold.is_empty() {
            self.compare_at
        } else {
            Some(Mono::default())
        }
    }

    /// What has to be told.
    pub fn take_untold(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.untold)
    }

    /// Takes what the kernel told `now`: that somebody, perhaps this gateway, has changed policies, or that it has told
    /// more than was heard, which may have been that.
    pub fn heard(&mut self, event: &Event, now: Mono) {
        if matches!(event, Event::Policies | Event::Lost) {
            let at = (now + SETTLING).max(self.compared + PACE);
            self.compare_at.get_or_insert(at);
        }
    }

    /// Whether to compare, `now`.
    pub fn take_due(&mut self, now: Mono) -> bool {
        let due = self.compare_at.take_if(|at| *at <= now).is_some();
        if due {
            self.compared = now;
        }
        due
    }

    /// Takes note of what is there `now`: how many of ours somebody has changed or taken away. Where the kernel doesn't tell, it is
    /// asked again soon: nothing else might happen that has them compared.
    fn compare(
        &mut self,
        there: Result<Vec<Policy>, KernelError>,
        now: Mono,
    ) -> Result<usize, KernelError> {
        let there: HashMap<PolicyId, Policy> = match there {
            Ok(policies) => policies.into_iter().map(|p| (p.id, p)).collect(),
            Err(error) => {
                self.compare_at.get_or_insert(now + PACE);
                return Err(error);
            }
        };
        let mut changed = 0;
        let mut gone = Vec::new();
        for (id, (have, index)) in &mut self.known {
            match there.get(id) {
                Some(policy) if policy.index == id.direction.index(*index) => {
                    if policy.verdict != have.verdict || policy.priority != have.priority {
                        changed += 1;
                        have.verdict = policy.verdict.clone();
                        have.priority = policy.priority;
                    }
                }
                _ => gone.push(*id),
            }
        }
        for id in &gone {
            self.forget(id);
        }
        Ok(changed + gone.len())
    }

    fn bring(&mut self, xfrm: &mut Xfrm, id: &PolicyId, want: &Wanted) -> Result<(), KernelError> {
        let policy = |index| Policy {
            id: *id,
            priority: want.priority,
            index,
            verdict: want.verdict.clone(),
        };
        if let Some((have, index)) = self.known.get_mut(id) {
            if have.priority == want.priority && have.verdict == want.verdict {
                have.child.clone_from(&want.child);
                return Ok(());
            }
            let index = *index;
            match xfrm.standing(id)? {
                Some(there) if there.index == id.direction.index(index) => {
                    xfrm.set_policy(&policy(index))?;
                    self.known.insert(*id, (want.clone(), index));
                    return Ok(());
                }
                _ => self.forget(id),
            }
        }
        let Some(number) = self.numbers.take() else {
            return Err(KernelError::own(
                "add the policy",
                id,
                format!("there are {MOST_INDEXES} of ours already"),
            ));
        };
        let index = INDEXES + (number << 3);
        match xfrm.add_policy(&policy(index)) {
            Ok(()) => {
                self.known.insert(*id, (want.clone(), index));
                Ok(())
            }
            Err(error) => {
                self.numbers.give_back(number);
                if error.is_present()
                    && let Some(there) = xfrm.standing(id)?
                {
                    return Err(somebody_elses(id, &there));
                }
                Err(error)
            }
        }
    }

    fn take_away(&mut self, xfrm: &mut Xfrm, id: &PolicyId) -> Result<(), KernelError> {
        if let Some((_, index)) = self.known.get(id) {
            xfrm.delete_policy(id, id.direction.index(*index))?;
            self.forget(id);
        }
        Ok(())
    }

    fn forget(&mut self, id: &PolicyId) {
        if let Some((_, index)) = self.known.remove(id) {
            self.numbers.give_back(number(index));
        }
    }
}

impl InKernel {
    /// Brings the kernel's policies to what they should be, as far as it lets us; returns what it refuses. What it didn't
    /// refuse before is told, too.
    pub(super) fn bring_policies(&mut self) -> Vec<Trouble> {
        let wanted = self.wanted();
        let xfrm = self.xfrm.get_mut();
        let installed = &mut self.installed;
        let mut refused = BTreeMap::new();
        let mut troubles = Vec::new();
        let mut refuse = |id: PolicyId, child: Option<Arc<ChildName>>, error: KernelError| {
            refused.insert(id, error.to_string());
            troubles.push((id, Trouble { child, error }));
        };
        for (id, want) in &wanted {
            if let Err(error) = installed.bring(xfrm, id, want) {
                refuse(*id, want.child.clone(), error);
            }
        }
        let stale: Vec<PolicyId> = installed
            .known
            .keys()
            .filter(|id| !wanted.contains_key(id))
            .copied()
            .collect();
        for id in stale {
            if let Err(error) = installed.take_away(xfrm, &id) {
                let child = installed.known.get(&id).and_then(|(w, _)| w.child.clone());
                refuse(id, child, error);
            }
        }
        for (id, trouble) in &troubles {
            if installed.refused.get(id) != refused.get(id) {
                installed.untold.push(trouble.clone());
            }
        }
        installed.refused = refused;
        troubles.into_iter().map(|(_, trouble)| trouble).collect()
    }

    /// The same, and whether what `child` needs is in place. Its own trouble is returned instead of being told.
    pub(super) fn bring_policies_of(&mut self, child: &Arc<ChildName>) -> Result<(), KernelError> {
        let troubles = self.bring_policies();
        let of = |trouble: &Trouble| trouble.child.as_ref() == Some(child);
        self.installed.untold.retain(|trouble| !of(trouble));
        match troubles.into_iter().find(of) {
            Some(trouble) => Err(trouble.error),
            None => Ok(()),
        }
    }

    /// Compares our policies with what is there, and puts back what somebody has changed or taken away.
    pub(super) fn compare_policies(&mut self) {
        let there = self.xfrm.get_mut().policies();
        let changed = match self.installed.compare(there, self.clock.now().mono) {
            Ok(changed) => changed,
            Err(error) => return tracing::warn!("{error}"),
        };
        if changed == 0 && self.installed.refused.is_empty() {
            return;
        }
        let troubles = self.bring_policies();
        if changed > 0 {
            tracing::warn!(
                "somebody changed or deleted {changed} IPsec policies of this gateway; {}",
                if troubles.is_empty() {
                    "they are back"
                } else {
                    "not all are back"
                }
            );
        }
    }
}

/// Whether a policy with this index is ours.
pub fn is_ours(index: u32) -> bool {
    (INDEXES..INDEXES + (MOST_INDEXES << 3)).contains(&index)
}

fn number(index: u32) -> u32 {
    index.wrapping_sub(INDEXES) >> 3
}

fn somebody_elses(id: &PolicyId, there: &Standing) -> KernelError {
    let perhaps = match other_daemon() {
        Some(name) => format!(", perhaps {name}'s"),
        None => String::new(),
    };
    KernelError::own(
        "add the policy",
        id,
        format!(
            "somebody else's stands there ({there}{perhaps}), and the kernel has room for one. Fix: stop what made it (`ip xfrm policy` shows it), or leave these networks to it"
        ),
    )
}

/// An IPsec daemon of somebody else's that runs on this machine, with its process number.
fn other_daemon() -> Option<String> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|process| {
            let pid: u32 = process.file_name().to_str()?.parse().ok()?;
            let name = std::fs::read_to_string(process.path().join("comm")).ok()?;
            let name = name.trim();
            DAEMONS
                .contains(&name)
                .then(|| format!("{name} (process {pid})"))
        })
        .next()
}

/// Programs that make IPsec policies.
const DAEMONS: [&str; 7] = [
    "charon",
    "charon-systemd",
    "charon-nm",
    "pluto",
    "racoon",
    "iked",
    "isakmpd",
];
/// How long changes may take to come together.
const SETTLING: Duration = Duration::from_millis(20);
/// How often policies are compared at most.
const PACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_kernel::xfrm::{Direction, Selector, Verdict};
    use adit_kernel::{NetNs, closed};

    fn id(remote: &str) -> PolicyId {
        PolicyId {
            direction: Direction::Out,
            selector: Selector::between("10.1.0.0/16".parse().unwrap(), remote.parse().unwrap()),
            if_id: 0,
        }
    }

    fn block(priority: u32) -> Wanted {
        Wanted {
            priority,
            verdict: Verdict::Block,
            child: None,
        }
    }

    /// Runs in a namespace of its own, where policies need no ESP; `None` where that isn't permitted.
    fn in_namespace<T: Send>(body: impl FnOnce(&mut Xfrm) -> T + Send) -> Option<T> {
        if !closed::can_administer() {
            eprintln!("skipped: policies of the kernel: no CAP_NET_ADMIN");
            return None;
        }
        let ns = NetNs::create().unwrap();
        let body = || match Xfrm::open() {
            Ok(mut xfrm) => Some(body(&mut xfrm)),
            Err(error) => {
                eprintln!("skipped: policies of the kernel: {error}");
                None
            }
        };
        ns.run(body).unwrap()
    }

    #[test]
    fn a_policy_of_somebody_else_is_neither_replaced_nor_deleted() {
        in_namespace(|xfrm| {
            let foreign = Policy {
                id: id("10.2.0.0/16"),
                priority: 375_423,
                index: 0,
                verdict: Verdict::Allow,
            };
            xfrm.add_policy(&foreign).unwrap();
            let stood = xfrm.standing(&foreign.id).unwrap().unwrap();
            let mut ours = Installed::left(xfrm).unwrap();
            let refused = ours.bring(xfrm, &foreign.id, &block(10)).unwrap_err();
            assert!(refused.to_string().contains("priority 375423"), "{refused}");
            ours.bring(xfrm, &id("10.3.0.0/16"), &block(10)).unwrap();
            ours.take_away(xfrm, &foreign.id).unwrap();
            assert_eq!(xfrm.standing(&foreign.id).unwrap(), Some(stood));

            // What was ours, and is somebody else's now, isn't ours any more.
            let other = id("10.3.0.0/16");
            let index = xfrm.standing(&other).unwrap().unwrap().index;
            assert!(xfrm.delete_policy(&other, index).unwrap());
            let taken = Policy {
                id: other,
                ..foreign.clone()
            };
            xfrm.add_policy(&taken).unwrap();
            assert!(ours.bring(xfrm, &other, &block(11)).is_err());
            ours.take_away(xfrm, &other).unwrap();
            assert_eq!(xfrm.policies().unwrap().len(), 2);
        });
    }

    #[test]
    fn the_next_gateway_finds_what_a_killed_one_left_and_takes_free_numbers() {
        in_namespace(|xfrm| {
            let mut killed = Installed::left(xfrm).unwrap();
            for remote in ["10.2.0.0/16", "10.3.0.0/16"] {
                killed.bring(xfrm, &id(remote), &block(10)).unwrap();
            }
            killed.take_away(xfrm, &id("10.2.0.0/16")).unwrap();
            let mut next = Installed::left(xfrm).unwrap();
            assert_eq!(next.known.len(), 1);
            next.bring(xfrm, &id("10.4.0.0/16"), &block(10)).unwrap();
            let mut indexes: Vec<u32> = xfrm.policies().unwrap().iter().map(|p| p.index).collect();
            indexes.sort_unstable();
            let of = |number: u32| Direction::Out.index(INDEXES + (number << 3));
            assert_eq!(indexes, [of(0), of(1)]);
            next.take_away(xfrm, &id("10.3.0.0/16")).unwrap();
            next.take_away(xfrm, &id("10.4.0.0/16")).unwrap();
            assert_eq!(xfrm.policies().unwrap(), []);
        });
    }

    /// The list that is read at the start comes, and the next one doesn't.
    #[test]
    fn policies_that_cannot_be_listed_once_are_compared_a_little_later() {
        in_namespace(|xfrm| {
            let now = Mono::default() + Duration::from_secs(60);
            let mut ours = Installed::left(xfrm).unwrap();
            for remote in ["10.2.0.0/16", "10.3.0.0/16"] {
                ours.bring(xfrm, &id(remote), &block(10)).unwrap();
            }
            let gone = id("10.2.0.0/16");
            let index = xfrm.standing(&gone).unwrap().unwrap().index;
            assert!(xfrm.delete_policy(&gone, index).unwrap());
            ours.heard(&Event::Policies, now);
            let due = ours.due().unwrap();
            assert!(ours.take_due(due));
            let failed = Err(KernelError::own("list the policies", "", "not now"));
            assert!(ours.compare(failed, due).is_err());
            assert_eq!(ours.known.len(), 2, "nothing is known to be gone");
            let again = ours.due().unwrap();
            assert_eq!(again, due + PACE);
            assert!(!ours.take_due(due) && ours.take_due(again));
            assert_eq!(ours.compare(xfrm.policies(), again).unwrap(), 1);
            assert_eq!(ours.due(), None);
            ours.bring(xfrm, &gone, &block(10)).unwrap();
            assert_eq!(xfrm.policies().unwrap().len(), 2);
        });
    }

    #[test]
    fn policies_are_compared_also_when_it_was_lost_what_became_of_them() {
        in_namespace(|xfrm| {
            let now = Mono::default() + Duration::from_secs(60);
            for event in [Event::Policies, Event::Lost] {
                let mut ours = Installed::left(xfrm).unwrap();
                assert_eq!(ours.due(), None);
                ours.heard(&event, now);
                let due = ours.due().unwrap();
                assert!(!ours.take_due(now), "what comes together is one change");
                assert!(ours.take_due(due), "{event:?}");
                assert_eq!(ours.due(), None);
            }
        });
    }
}
