//! For whoever holds address pools: who has which address.
//!
//! An address goes to an identity of a connection and stays its own: whoever comes back gets it again, as long as nobody
//! else needed it. The same identity through another connection is somebody else, who has proved it with another key.
//! A peer that authenticates anew while its old IKE SA is up, or that comes again after it was lost, gets the same
//! address once more, and both leases have to end before it is free. So no identity ever has more than its share, however
//! often it connects.

use std::collections::BTreeMap;
use std::net::IpAddr;

use adit_model::identity::Identity;
use adit_model::inner::Pool;
use adit_model::reason::AddressProblem;
use adit_model::status::{LeaseStatus, PoolStatus};

use crate::lease::{Lease, LeaseAnswer, LeaseId, LeaseRequest};

/// All pools of a gateway.
#[derive(Clone, Debug, Default)]
pub struct Pools {
    pools: Vec<Held>,
    last_lease: u64,
    /// Orders what happened.
    clock: u64,
}

/// One pool and what of it was given.
#[derive(Clone, Debug)]
struct Held {
    pool: Pool,
    given: BTreeMap<IpAddr, Given>,
}

/// An address that was given.
#[derive(Clone, Debug)]
struct Given {
    owner: Owner,
    /// Leases that it is part of; without any it is free, and kept for its owner.
    leases: Vec<LeaseId>,
    /// When it was given or became free.
    since: u64,
}

/// Who an address is given to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    connection: String,
    identity: Identity,
}

impl Pools {
    /// Pools of which nothing is given.
    #[must_use]
    pub fn new(pools: Vec<Pool>) -> Self {
        let held = |pool| Held {
            pool,
            given: BTreeMap::new(),
        };
        Self {
            pools: pools.into_iter().map(held).collect(),
            ..Self::default()
        }
    }

    /// Gives what is asked for, as far as there is something; at least one address, or the reason why there is none.
    pub fn lease(&mut self, request: &LeaseRequest) -> LeaseAnswer {
        let id = LeaseId(self.last_lease + 1);
        self.clock += 1;
        let mut lease = Lease {
            id,
            addresses: Vec::new(),
            dns: Vec::new(),
            split: Vec::new(),
        };
        let owner = Owner {
            connection: request.connection.clone(),
            identity: request.identity.clone(),
        };
        let mut full = None;
        for wanted in &request.wanted {
            for name in &request.pools {
                let Some(held) = self.pools.iter_mut().find(|h| h.pool.name == *name) else {
                    continue;
                };
                let size = held.pool.size(wanted.is_ipv4());
                if size == 0 {
                    continue;
                }
                let Some(address) = held.take(&owner, *wanted, id, self.clock) else {
                    full.get_or_insert_with(|| AddressProblem::Full {
                        pool: name.clone(),
                        leased: held.leased(wanted.is_ipv4()),
                        size,
                    });
                    continue;
                };
                lease.addresses.push(address);
                let (dns, split) = (held.pool.dns.iter(), held.pool.split.iter());
                lease
                    .dns
                    .extend(dns.filter(|a| a.is_ipv4() == wanted.is_ipv4()));
                lease
                    .split
                    .extend(split.filter(|n| n.addr().is_ipv4() == wanted.is_ipv4()));
                break;
            }
        }
        if lease.addresses.is_empty() {
            return LeaseAnswer::Refused(full.unwrap_or_else(|| AddressProblem::NoPool {
                asked: request.wanted.clone(),
            }));
        }
        self.last_lease = id.0;
        LeaseAnswer::Leased(lease)
    }

    /// A lease has ended. Its addresses are kept for their owner while nobody else needs them.
    pub fn end(&mut self, lease: LeaseId) {
        self.clock += 1;
        for held in &mut self.pools {
            let pool = &held.pool;
            held.given.retain(|address, given| {
                if given.leases.contains(&lease) {
                    given.leases.retain(|l| *l != lease);
                    given.since = self.clock;
                }
                // What the pool no longer has isn't kept.
                !given.leases.is_empty() || pool.has(*address)
            });
        }
    }

    /// Takes over other pools. Of a pool that is as before, or whose settings change, leases and what is kept for
    /// somebody stay, as far as the addresses are still its own; leases beyond that last as long as their IKE SAs, and
    /// aren't given again.
    pub fn configure(&mut self, pools: Vec<Pool>) {
        let mut before = core::mem::take(&mut self.pools);
        let mut take = |name: &str| {
            let at = before.iter().position(|h| h.pool.name == name)?;
            Some(before.swap_remove(at).given)
        };
        self.pools = pools
            .into_iter()
            .map(|pool| {
                let mut given = take(&pool.name).unwrap_or_default();
                given.retain(|address, g| !g.leases.is_empty() || pool.has(*address));
                Held { pool, given }
            })
            .collect();
    }

    /// Addresses in use that come from one of these pools, by those who came through this connection.
    pub fn in_use(
        &self,
        connection: &str,
        pools: &[String],
    ) -> impl Iterator<Item = (&str, IpAddr)> {
        let of = self.pools.iter().filter(|h| pools.contains(&h.pool.name));
        of.flat_map(move |held| {
            let used = held
                .given
                .iter()
                .filter(move |(_, g)| !g.leases.is_empty() && g.owner.connection == connection);
            used.map(|(address, _)| (held.pool.name.as_str(), *address))
        })
    }

    /// The tables as status shows them.
    #[must_use]
    pub fn status(&self) -> Vec<PoolStatus> {
        self.pools.iter().map(Held::status).collect()
    }
}

impl Held {
    fn leased(&self, v4: bool) -> u64 {
        let of_family = self
            .given
            .iter()
            .filter(|(a, g)| a.is_ipv4() == v4 && !g.leases.is_empty());
        u64::try_from(of_family.count()).unwrap_or(u64::MAX)
    }

    /// Takes an address for `owner`; `None` when there is none.
    fn take(&mut self, owner: &Owner, wanted: IpAddr, id: LeaseId, now: u64) -> Option<IpAddr> {
        let v4 = wanted.is_ipv4();
        let own = || {
            let mine = self
                .given
                .iter()
                .filter(|(a, g)| a.is_ipv4() == v4 && g.owner == *owner)
                .filter(|(a, _)| self.pool.has(**a));
            mine.map(|(a, g)| (*a, g))
        };
        let in_use = own().filter(|(_, g)| !g.leases.is_empty()).count();
        let has_its_share = u32::try_from(in_use).unwrap_or(u32::MAX) >= self.pool.per_identity;
        let wanted = self.free_for(owner, wanted, has_its_share);
        let address = wanted
            .or_else(|| {
                let kept = own().filter(|(_, g)| g.leases.is_empty());
                kept.max_by_key(|(_, g)| g.since)
                    .map(|(a, _)| a)
                    .filter(|_| !has_its_share)
            })
            .or_else(|| {
                let oldest = own()
                    .filter(|(_, g)| !g.leases.is_empty())
                    .min_by_key(|(_, g)| g.since);
                oldest.map(|(a, _)| a).filter(|_| has_its_share)
            })
            .or_else(|| {
                self.pool
                    .iter(v4)
                    .find(|a| !self.given.contains_key(a))
                    .filter(|_| self.has_room())
            })
            .or_else(|| {
                let kept = self
                    .given
                    .iter()
                    .filter(|(a, g)| a.is_ipv4() == v4 && g.leases.is_empty());
                kept.min_by_key(|(_, g)| g.since).map(|(a, _)| *a)
            })?;
        let given = self.given.entry(address).or_insert_with(|| Given {
            owner: owner.clone(),
            leases: Vec::new(),
            since: now,
        });
        if given.leases.is_empty() {
            given.owner = owner.clone();
            given.since = now;
        }
        given.leases.push(id);
        Some(address)
    }

    /// The very address that is wanted, if it can be had without taking what is kept for somebody else.
    fn free_for(&self, owner: &Owner, wanted: IpAddr, has_its_share: bool) -> Option<IpAddr> {
        let free = match self.given.get(&wanted) {
            Some(given) if given.leases.is_empty() => !has_its_share && given.owner == *owner,
            Some(given) => given.owner == *owner,
            None => !has_its_share && self.has_room(),
        };
        (free && self.pool.has(wanted)).then_some(wanted)
    }

    /// Whether one more address may be remembered. A pool can be larger than any memory.
    fn has_room(&self) -> bool {
        self.given.len() < MOST_REMEMBERED
    }

    fn status(&self) -> PoolStatus {
        let lease = |(address, given): (&IpAddr, &Given)| LeaseStatus {
            identity: given.owner.identity.to_string(),
            address: address.to_string(),
            in_use: !given.leases.is_empty(),
        };
        PoolStatus {
            name: self.pool.name.clone(),
            addresses: self
                .pool
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
            size: self.pool.size(true).saturating_add(self.pool.size(false)),
            leased: self.leased(true) + self.leased(false),
            leases: self.given.iter().map(lease).collect(),
        }
    }
}

/// Most addresses of one pool that are given or kept.
const MOST_REMEMBERED: usize = 1 << 18;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pools(range: &str, per_identity: u32) -> Pools {
        Pools::new(vec![Pool {
            name: "guests".to_owned(),
            addresses: vec![range.parse().unwrap()],
            dns: vec!["10.1.0.53".parse().unwrap(), "fd00::53".parse().unwrap()],
            split: vec!["10.1.0.0/24".parse().unwrap()],
            per_identity,
        }])
    }

    fn ask(
        pools: &mut Pools,
        who: &str,
        wanted: &str,
    ) -> Result<(String, LeaseId), AddressProblem> {
        ask_through(pools, "road", who, wanted)
    }

    fn ask_through(
        pools: &mut Pools,
        connection: &str,
        who: &str,
        wanted: &str,
    ) -> Result<(String, LeaseId), AddressProblem> {
        let request = LeaseRequest {
            connection: connection.to_owned(),
            pools: vec!["missing".to_owned(), "guests".to_owned()],
            identity: who.parse().unwrap(),
            wanted: vec![wanted.parse().unwrap()],
        };
        match pools.lease(&request) {
            LeaseAnswer::Leased(lease) => Ok((lease.addresses[0].to_string(), lease.id)),
            LeaseAnswer::Refused(problem) => Err(problem),
        }
    }

    fn given(pools: &mut Pools, who: &str, wanted: &str) -> String {
        ask(pools, who, wanted).unwrap().0
    }

    #[test]
    fn who_comes_back_has_the_same_address_again() {
        let mut pools = pools("10.3.0.0/24", 1);
        let (first, lease) = ask(&mut pools, "a.lab", "0.0.0.0").unwrap();
        assert_eq!(first, "10.3.0.1");
        assert_eq!(given(&mut pools, "b.lab", "0.0.0.0"), "10.3.0.2");
        pools.end(lease);
        assert_eq!(given(&mut pools, "c.lab", "0.0.0.0"), "10.3.0.3");
        assert_eq!(given(&mut pools, "a.lab", "0.0.0.0"), "10.3.0.1");
    }

    /// Who says the same through another tunnel has proved it with another key.
    #[test]
    fn the_same_identity_through_another_connection_is_somebody_else() {
        let mut pools = pools("10.3.0.0/24", 1);
        let (first, lease) = ask(&mut pools, "a.lab", "0.0.0.0").unwrap();
        for wanted in ["0.0.0.0", first.as_str()] {
            let (other, _) = ask_through(&mut pools, "branch", "a.lab", wanted).unwrap();
            assert_eq!((first.as_str(), other.as_str()), ("10.3.0.1", "10.3.0.2"));
        }
        pools.end(lease);
        let (kept, _) = ask_through(&mut pools, "third", "a.lab", "0.0.0.0").unwrap();
        assert_eq!(kept, "10.3.0.3");
        assert_eq!(given(&mut pools, "a.lab", "0.0.0.0"), first);
    }

    #[test]
    fn a_free_address_is_given_as_wanted() {
        let mut pools = pools("10.3.0.0/24", 1);
        assert_eq!(given(&mut pools, "a.lab", "10.3.0.77"), "10.3.0.77");
        // Somebody else's, one that no host can have, and one that isn't of the pool.
        assert_eq!(given(&mut pools, "b.lab", "10.3.0.77"), "10.3.0.1");
        assert_eq!(given(&mut pools, "c.lab", "10.3.0.255"), "10.3.0.2");
        assert_eq!(given(&mut pools, "d.lab", "192.0.2.1"), "10.3.0.3");
    }

    /// Case 109: however often it connects, and whatever it asks for.
    #[test]
    fn abuse_109_one_identity_has_no_more_than_its_share() {
        let mut pools = pools("10.3.0.0/29", 2);
        let mut seen: Vec<String> = (1..=6)
            .map(|n| given(&mut pools, "greedy.lab", &format!("10.3.0.{n}")))
            .collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, ["10.3.0.1", "10.3.0.2"]);
        assert_eq!(pools.status()[0].leased, 2);
        assert_eq!(given(&mut pools, "modest.lab", "0.0.0.0"), "10.3.0.3");
    }

    #[test]
    fn an_address_is_free_when_all_its_leases_have_ended() {
        let mut pools = pools("10.3.0.1", 1);
        let (_, old) = ask(&mut pools, "a.lab", "0.0.0.0").unwrap();
        let (_, new) = ask(&mut pools, "a.lab", "10.3.0.1").unwrap();
        pools.end(old);
        let full = AddressProblem::Full {
            pool: "guests".to_owned(),
            leased: 1,
            size: 1,
        };
        assert_eq!(ask(&mut pools, "b.lab", "0.0.0.0").unwrap_err(), full);
        pools.end(new);
        assert_eq!(given(&mut pools, "b.lab", "0.0.0.0"), "10.3.0.1");
        let table = &pools.status()[0];
        assert_eq!((table.leased, table.size), (1, 1));
        assert_eq!(table.leases[0].identity, "b.lab");
    }

    #[test]
    fn kept_addresses_go_to_others_when_nothing_else_is_left_the_oldest_first() {
        let mut pools = pools("10.3.0.1-10.3.0.2", 1);
        let (_, a) = ask(&mut pools, "a.lab", "0.0.0.0").unwrap();
        let (_, b) = ask(&mut pools, "b.lab", "0.0.0.0").unwrap();
        pools.end(b);
        pools.end(a);
        assert_eq!(given(&mut pools, "c.lab", "0.0.0.0"), "10.3.0.2");
    }

    /// Whoever asks for it by name: only when the pool has no other.
    #[test]
    fn a_kept_address_isnt_given_to_another_who_wants_it_while_there_are_others() {
        let mut pools = pools("10.3.0.1-10.3.0.3", 1);
        let (kept, a) = ask(&mut pools, "a.lab", "0.0.0.0").unwrap();
        pools.end(a);
        assert_eq!(given(&mut pools, "b.lab", &kept), "10.3.0.2");
        let (other, _) = ask_through(&mut pools, "branch", "a.lab", &kept).unwrap();
        assert_eq!(other, "10.3.0.3");
        let (back, a) = ask(&mut pools, "a.lab", "0.0.0.0").unwrap();
        assert_eq!(back, kept);
        pools.end(a);
        assert_eq!(given(&mut pools, "c.lab", &kept), kept);
    }

    fn of(range: &str) -> Pool {
        Pool {
            addresses: vec![range.parse().unwrap()],
            ..pools(range, 1).pools[0].pool.clone()
        }
    }

    #[test]
    fn a_pool_that_changes_keeps_its_leases() {
        let mut pools = pools("10.3.0.1-10.3.0.2", 1);
        let (a, lease) = ask(&mut pools, "a.lab", "0.0.0.0").unwrap();
        let (b, other) = ask(&mut pools, "b.lab", "0.0.0.0").unwrap();
        pools.end(other);
        // Larger: everybody has what he had, and there is room for more.
        pools.configure(vec![of("10.3.0.1-10.3.0.3")]);
        assert_eq!(given(&mut pools, "c.lab", "0.0.0.0"), "10.3.0.3");
        assert_eq!(given(&mut pools, "b.lab", "0.0.0.0"), b);
        let (guests, others) = (["guests".to_owned()], ["others".to_owned()]);
        assert_eq!(pools.in_use("road", &guests).count(), 3);
        assert_eq!(pools.in_use("road", &others).count(), 0);
        assert_eq!(pools.in_use("branch", &guests).count(), 0);
        // Smaller: a lease beyond it lasts, isn't given again, and is forgotten at its end.
        pools.configure(vec![of("10.3.0.2-10.3.0.3")]);
        assert!(pools.status()[0].leases.iter().any(|l| l.address == a));
        pools.end(lease);
        assert!(pools.status()[0].leases.iter().all(|l| l.address != a));
        assert!(ask(&mut pools, "a.lab", "10.3.0.1").is_err());
        // Another one, and none.
        pools.configure(vec![of("10.4.0.1")]);
        assert_eq!(given(&mut pools, "d.lab", "0.0.0.0"), "10.4.0.1");
        pools.configure(Vec::new());
        assert!(pools.status().is_empty());
        assert!(ask(&mut pools, "d.lab", "0.0.0.0").is_err());
    }

    #[test]
    fn each_family_has_its_own_pool_and_words() {
        let mut pools = pools("10.3.0.0/24", 1);
        let six = AddressProblem::NoPool {
            asked: vec!["::".parse().unwrap()],
        };
        assert_eq!(ask(&mut pools, "a.lab", "::").unwrap_err(), six);
        let both = LeaseRequest {
            connection: "road".to_owned(),
            pools: vec!["guests".to_owned()],
            identity: "a.lab".parse().unwrap(),
            wanted: vec!["0.0.0.0".parse().unwrap(), "::".parse().unwrap()],
        };
        let LeaseAnswer::Leased(lease) = pools.lease(&both) else {
            panic!("nothing was given")
        };
        assert_eq!(lease.addresses.len(), 1);
        assert_eq!(lease.dns, ["10.1.0.53".parse::<IpAddr>().unwrap()]);
        assert_eq!(lease.split.len(), 1);
    }
}
