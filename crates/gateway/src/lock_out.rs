//! Whether another configuration would lock out who manages this host: by its tunnels, and by the policies before them.

use std::net::IpAddr;

use adit_diagnose::{AtFault, Evidence, Fix, Forewarning, foresee};
use adit_model::ahead::{Ahead, Weight};
use adit_model::connection::Connection;
use adit_model::fact::Case;
use adit_model::policy::{Action, Policy};
use adit_model::selector::Selector;

use crate::ahead;
use crate::case::configured;

/// What tunnels there are, and what goes before them.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'c> {
    pub connections: &'c [Connection],
    pub policies: &'c [Policy],
}

/// What `new` would cut off of what the `running` rules let in.
pub(crate) fn risks(running: Rules<'_>, new: Rules<'_>, managed: &[Ahead]) -> Vec<Forewarning> {
    let mut risks = Vec::new();
    for connection in new.connections {
        let same = running.connections.contains(connection);
        // Whom a tunnel that stays has caught before comes in through it; but not who has passed before it.
        let caught = managed
            .iter()
            .filter(|m| !passes(new.policies, m) && (!same || passes(running.policies, m)));
        let mut found = judged(connection, caught.cloned());
        found.retain(|risk| risk.weight == Weight::Warning);
        risks.extend(found);
    }
    for login in managed {
        if let Some(policy) = dropped(new.policies, login)
            && dropped(running.policies, login).is_none()
        {
            risks.push(stopped(policy, login));
        }
    }
    risks
}

/// What the rule says of ways into this host.
pub(crate) fn judged(
    connection: &Connection,
    managed: impl Iterator<Item = Ahead>,
) -> Vec<Forewarning> {
    let mut facts = vec![configured(connection)];
    facts.extend(managed.map(|m| ahead::fact(&connection.name, m)));
    foresee(&Case {
        subject: connection.name.clone(),
        facts,
        ..Case::default()
    })
    .into_iter()
    .filter(|risk| risk.cause == LOCK_OUT)
    .collect()
}

/// Whether a policy lets it pass before all tunnels.
fn passes(policies: &[Policy], managed: &Ahead) -> bool {
    decides(policies, managed).is_some_and(|policy| policy.action == Action::Bypass)
}

/// The policy that lets nobody in by it. Packets to elsewhere, for which a gateway is the way, aren't the gateway's.
fn dropped<'p>(policies: &'p [Policy], managed: &Ahead) -> Option<&'p Policy> {
    let is_login = matches!(managed, Ahead::Management { what, .. } if what == "ssh");
    let policy = decides(policies, managed).filter(|_| is_login)?;
    (policy.action == Action::Drop).then_some(policy)
}

/// The first policy that takes it.
fn decides<'p>(policies: &'p [Policy], managed: &Ahead) -> Option<&'p Policy> {
    let Ahead::Management {
        address,
        local,
        what,
        ..
    } = managed
    else {
        return None;
    };
    let login = what == "ssh";
    let takes = |ts: &Selector, port: u16, address: IpAddr| match login {
        true => ts.matches(TCP, Some(port), address),
        false => ts.contains(&Selector::host(address)),
    };
    policies.iter().find(|policy| {
        let mut pairs = policy.pairs();
        pairs.any(|(ours, theirs)| {
            // Where our address isn't known it may be any of those.
            let here = local.unwrap_or(ours.start);
            let known = local.is_some() || login;
            takes(&theirs, CLIENT, *address) && (!known || takes(&ours, SSH, here))
        })
    })
}

fn stopped(policy: &Policy, login: &Ahead) -> Forewarning {
    let name = &policy.name;
    let from = match login {
        Ahead::Management { address, .. } => address.to_string(),
        _ => String::new(),
    };
    Forewarning {
        subject: name.clone(),
        child: None,
        cause: LOCK_OUT.to_owned(),
        weight: Weight::Warning,
        side: AtFault::Local,
        summary: format!(
            "[policy.{name}] drops what comes from {from}, from which somebody is logged in"
        ),
        consequence: "this host can't be reached from there any more".to_owned(),
        days: None,
        evidence: vec![Evidence::from(&ahead::fact(name, login.clone()))],
        fix: Fix {
            local: format!(
                "let {from} pass by a policy with action = \"bypass\" above [policy.{name}]"
            ),
            remote: String::new(),
        },
    }
}

const LOCK_OUT: &str = "overbroad-remote-selector";
const TCP: u8 = 6;
const SSH: u16 = 22;
/// A port as clients have them (RFC 6335 6: 49152 to 65535).
const CLIENT: u16 = 49_152;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;

    fn way(address: [u8; 4], local: Option<[u8; 4]>, what: &str) -> Ahead {
        Ahead::Management {
            address: address.into(),
            local: local.map(Into::into),
            what: what.to_owned(),
            inside: false,
            route_bits: 0,
        }
    }

    fn login(address: [u8; 4]) -> Ahead {
        way(address, Some([10, 1, 0, 1]), "ssh")
    }

    fn policy(action: Action, local: &str, remote: &str) -> Policy {
        Policy {
            name: "management".to_owned(),
            action,
            local: vec![local.parse().unwrap()],
            remote: vec![remote.parse().unwrap()],
        }
    }

    const ANY: &str = "0.0.0.0/0";

    /// Of the same tunnel before and after, or of one that is new.
    fn found(tunnel: bool, before: &[Policy], after: &[Policy], way: &Ahead) -> usize {
        let office = [sample::connection("office")];
        let rules = |policies, there: bool| Rules {
            connections: if there { &office } else { &[] },
            policies,
        };
        let way = std::slice::from_ref(way);
        risks(rules(before, tunnel), rules(after, true), way).len()
    }

    #[test]
    fn a_login_from_the_new_remote_network_is_a_risk_unless_a_policy_lets_it_pass() {
        let (caught, free) = (login([10, 2, 0, 9]), login([10, 3, 0, 9]));
        assert_eq!(found(false, &[], &[], &caught), 1);
        assert_eq!(found(false, &[], &[], &free), 0);
        for (action, local, remote, risks) in [
            (Action::Bypass, ANY, "10.2.0.9/32", 0),
            (Action::Bypass, "0.0.0.0/0[tcp/22]", "10.2.0.0/24", 0),
            (Action::Bypass, "0.0.0.0/0[tcp/443]", "10.2.0.0/24", 1),
            (Action::Bypass, ANY, "10.2.0.8/32", 1),
        ] {
            let policies = [policy(action, local, remote)];
            assert_eq!(
                found(false, &[], &policies, &caught),
                risks,
                "{local} {remote}"
            );
        }
    }

    #[test]
    fn a_policy_that_no_more_lets_a_login_pass_is_a_risk_though_the_tunnel_stays() {
        let way_in = login([10, 2, 0, 9]);
        let bypass = [policy(Action::Bypass, "0.0.0.0/0[tcp/22]", "10.2.0.9/32")];
        assert_eq!(found(true, &bypass, &[], &way_in), 1);
        assert_eq!(found(true, &bypass, &bypass, &way_in), 0);
        // It comes in through the tunnel, and goes on to.
        assert_eq!(found(true, &[], &[], &way_in), 0);
        let router = way([10, 2, 0, 1], None, "gateway");
        let bypass = [policy(Action::Bypass, ANY, "10.2.0.0/24")];
        assert_eq!(found(true, &bypass, &[], &router), 1);
    }

    #[test]
    fn a_policy_that_drops_a_login_is_a_risk() {
        let way_in = login([10, 3, 0, 9]);
        let drops = |local| policy(Action::Drop, local, "10.3.0.0/16");
        assert_eq!(found(true, &[], &[drops(ANY)], &way_in), 1);
        assert_eq!(
            found(true, &[], &[drops("10.1.0.1/32[tcp/22]")], &way_in),
            1
        );
        let unknown = way([10, 3, 0, 9], None, "ssh");
        assert_eq!(found(true, &[], &[drops("10.1.0.1/32")], &unknown), 1);
        assert_eq!(found(true, &[], &[drops("10.9.0.1/32")], &way_in), 0);
        assert_eq!(found(true, &[], &[drops("0.0.0.0/0[tcp/25]")], &way_in), 0);
        assert_eq!(found(true, &[], &[drops("0.0.0.0/0[udp]")], &way_in), 0);
        // What passes before it, what goes to others by a router, and what it hasn't stopped before.
        let first = policy(Action::Bypass, ANY, "10.3.0.9/32");
        assert_eq!(found(true, &[], &[first, drops(ANY)], &way_in), 0);
        let router = way([10, 3, 0, 1], None, "gateway");
        assert_eq!(found(true, &[], &[drops(ANY)], &router), 0);
        assert_eq!(found(true, &[drops(ANY)], &[drops(ANY)], &way_in), 0);
    }
}
