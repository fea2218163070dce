//! What becomes of addresses that peers were given when the configuration changes.

use std::net::IpAddr;

use adit_ike::pools::Pools;
use adit_model::connection::{Child, Connection};
use adit_model::inner::Pool;

/// A tunnel's new configuration, as those see it who have addresses through it: with what they don't notice as it was
/// before. A pool that grows, or shrinks where nobody is, cuts nobody; who came through another tunnel doesn't matter.
///
/// # Errors
/// An address that is in use and can't be given any more: who has it has to get another one.
pub(crate) fn as_seen(
    old: &Connection,
    new: &Connection,
    held: &Pools,
    pools: &[Pool],
) -> Result<Connection, String> {
    let mut seen = new.clone();
    if old.inner.pools.is_empty() || new.inner.pools.is_empty() {
        return Ok(seen);
    }
    let in_use: Vec<(&str, IpAddr)> = held.in_use(&old.name, &old.inner.pools).collect();
    for (name, address) in &in_use {
        let pool = pools.iter().find(|p| p.name == *name);
        let stays = new.inner.pools.iter().any(|p| p == name);
        if !stays || !pool.is_some_and(|p| p.has(*address)) {
            return Err(format!(
                "{address} of the pool {name} is in use, and isn't given any more"
            ));
        }
    }
    seen.inner.pools.clone_from(&old.inner.pools);
    for child in &mut seen.children {
        let Some(before) = old.children.iter().find(|c| c.name == child.name) else {
            continue;
        };
        let alike = |(_, address): &(&str, IpAddr)| has(before, *address) == has(child, *address);
        if in_use.iter().all(alike) {
            child.remote_ts.clone_from(&before.remote_ts);
        }
    }
    Ok(seen)
}

/// Whether what a tunnel gives to those who come differs.
pub(crate) fn gives_otherwise(
    old: &Connection,
    new: &Connection,
    (before, now): (&[Pool], &[Pool]),
) -> bool {
    let of = |pools: &[Pool], connection: &Connection| -> Vec<Pool> {
        let names = connection.inner.pools.iter();
        names
            .filter_map(|name| pools.iter().find(|p| p.name == *name).cloned())
            .collect()
    };
    of(before, old) != of(now, new)
}

fn has(child: &Child, address: IpAddr) -> bool {
    let mut remote = child.remote_ts.iter();
    remote.any(|ts| {
        ts.start.is_ipv4() == address.is_ipv4() && ts.start <= address && address <= ts.end
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;
    use adit_ike::lease::LeaseRequest;

    fn pool(range: &str) -> Pool {
        Pool {
            name: "guests".to_owned(),
            addresses: vec![range.parse().unwrap()],
            dns: Vec::new(),
            split: Vec::new(),
            per_identity: 1,
        }
    }

    fn tunnel(range: &str) -> Connection {
        let mut tunnel = sample::connection("road");
        tunnel.inner.pools = vec!["guests".to_owned()];
        tunnel.children[0].remote_ts = vec![range.parse().unwrap()];
        tunnel
    }

    fn with_one_guest() -> Pools {
        let mut held = Pools::new(vec![pool("10.3.0.0/25")]);
        held.lease(&LeaseRequest {
            connection: "road".to_owned(),
            pools: vec!["guests".to_owned()],
            identity: "a.lab".parse().unwrap(),
            wanted: vec!["10.3.0.77".parse().unwrap()],
        });
        held
    }

    #[test]
    fn guests_dont_notice_what_isnt_about_them() {
        let (held, old) = (with_one_guest(), tunnel("10.3.0.0/25"));
        for range in ["10.3.0.0/24", "10.3.0.64/26", "10.3.0.77"] {
            let seen = as_seen(&old, &tunnel(range), &held, &[pool(range)]).unwrap();
            assert_eq!(seen, old, "{range}");
            assert!(gives_otherwise(
                &old,
                &tunnel(range),
                (&[pool("10.3.0.0/25")], &[pool(range)])
            ));
        }
        let mut other = tunnel("10.3.0.0/24");
        other.mobike = !other.mobike;
        let seen = as_seen(&old, &other, &held, &[pool("10.3.0.0/24")]).unwrap();
        assert_ne!(seen, old);
    }

    #[test]
    fn who_has_what_isnt_given_any_more_gets_another_one() {
        let (held, old) = (with_one_guest(), tunnel("10.3.0.0/25"));
        for range in ["10.3.0.0/26", "10.4.0.0/24"] {
            let problem = as_seen(&old, &tunnel(range), &held, &[pool(range)]).unwrap_err();
            assert!(problem.contains("10.3.0.77"), "{problem}");
        }
        let mut renamed = tunnel("10.3.0.0/25");
        renamed.inner.pools = vec!["staff".to_owned()];
        let staff = Pool {
            name: "staff".to_owned(),
            ..pool("10.3.0.0/25")
        };
        assert!(as_seen(&old, &renamed, &held, &[staff]).is_err());
        // With nobody there nothing is cut.
        let nobody = Pools::new(vec![pool("10.3.0.0/25")]);
        let new = tunnel("10.4.0.0/24");
        let seen = as_seen(&old, &new, &nobody, &[pool("10.4.0.0/24")]).unwrap();
        assert_eq!(seen, old);
    }

    /// Two tunnels share pools: who came through one keeps the other from nothing.
    #[test]
    fn guests_of_another_tunnel_dont_cut_this_one() {
        let mut held = with_one_guest();
        held.lease(&LeaseRequest {
            connection: "branch".to_owned(),
            pools: vec!["guests".to_owned()],
            identity: "a.lab".parse().unwrap(),
            wanted: vec!["10.3.0.5".parse().unwrap()],
        });
        let of = |name: &str, pool: &str| {
            let mut tunnel = tunnel("10.3.0.0/24");
            name.clone_into(&mut tunnel.name);
            tunnel.inner.pools = vec![pool.to_owned()];
            tunnel
        };
        let staff = Pool {
            name: "staff".to_owned(),
            ..pool("10.3.0.128/25")
        };
        // The pool loses the address of the one.
        let (road, branch) = (of("road", "guests"), of("branch", "guests"));
        let less = [pool("10.3.0.0/26"), staff];
        let problem = as_seen(&road, &road, &held, &less).unwrap_err();
        assert!(problem.contains("10.3.0.77"), "{problem}");
        assert_eq!(as_seen(&branch, &branch, &held, &less).unwrap(), branch);
        // A tunnel through which nobody came gives out of another pool.
        let seen = as_seen(&of("idle", "guests"), &of("idle", "staff"), &held, &less);
        assert_eq!(seen.unwrap(), of("idle", "guests"));
        assert!(as_seen(&branch, &of("branch", "staff"), &held, &less).is_err());
    }

    #[test]
    fn a_tunnel_that_gives_addresses_now_is_another_one() {
        let mut plain = tunnel("10.3.0.0/25");
        plain.inner.pools.clear();
        let new = tunnel("10.3.0.0/25");
        let seen = as_seen(&plain, &new, &with_one_guest(), &[pool("10.3.0.0/25")]).unwrap();
        assert_eq!(seen, new);
    }
}
