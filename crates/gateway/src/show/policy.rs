//! What is protected, and what passes by.

use std::net::IpAddr;

use adit_ike::{ChildSaState, IkeSaSnapshot};
use adit_model::policy::{Action, Policy};
use adit_model::selector::Selector;
use adit_model::show::{PolicyAction, PolicyEntry, PolicyNow};

use crate::tunnel::Tunnel;

/// A policy that goes before all tunnels.
pub fn configured(policy: &Policy) -> PolicyEntry {
    let (action, now, meaning) = match policy.action {
        Action::Bypass => (
            PolicyAction::Bypass,
            PolicyNow::Clear,
            "pass in clear, in both directions, and through no tunnel",
        ),
        Action::Drop => (
            PolicyAction::Drop,
            PolicyNow::Dropped,
            "dropped in both directions, in clear or through a tunnel",
        ),
    };
    PolicyEntry {
        action,
        now,
        policy: Some(policy.name.clone()),
        tunnel: None,
        child: None,
        local: texts(&policy.local),
        remote: texts(&policy.remote),
        meaning: meaning.to_owned(),
    }
}

/// The policies of a tunnel; `held` tells whether its packets are stopped from leaving in clear.
pub fn protected<'a>(
    tunnel: &'a Tunnel,
    snapshot: &'a [IkeSaSnapshot],
    held: bool,
) -> impl Iterator<Item = PolicyEntry> + 'a {
    let name = &tunnel.connection.name;
    tunnel.connection.children.iter().map(move |child| {
        let carries = snapshot
            .iter()
            .filter(|sa| sa.connection.as_ref() == Some(name))
            .flat_map(|sa| &sa.children)
            .any(|c| {
                c.name == child.name
                    && matches!(c.state, ChildSaState::Installed | ChildSaState::Rekeyed)
            });
        let (now, meaning) = match (carries, held) {
            (true, _) => (PolicyNow::Protected, "carried in ESP"),
            (false, true) => (
                PolicyNow::Dropped,
                "there is no SA: dropped and counted (out-no-sa), not sent in clear",
            ),
            (false, false) => (
                PolicyNow::Clear,
                "there is no SA and no block: they may pass in clear",
            ),
        };
        PolicyEntry {
            action: PolicyAction::Protect,
            now,
            policy: None,
            tunnel: Some(name.clone()),
            child: Some(child.name.clone()),
            local: texts(&child.local_ts),
            remote: texts(&child.remote_ts),
            meaning: meaning.to_owned(),
        }
    })
}

/// What the block lets through.
pub fn bypassed<'a>(
    peers: &'a [IpAddr],
    ports: &'a [u16],
) -> impl Iterator<Item = PolicyEntry> + 'a {
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    peers.iter().map(move |peer| PolicyEntry {
        action: PolicyAction::Bypass,
        now: PolicyNow::Clear,
        policy: None,
        tunnel: None,
        child: None,
        local: vec!["this host".to_owned()],
        remote: vec![peer.to_string()],
        meaning: format!(
            "IKE (UDP ports {}) and ESP, which protects itself",
            ports.join(", ")
        ),
    })
}

fn texts(selectors: &[Selector]) -> Vec<String> {
    selectors.iter().map(ToString::to_string).collect()
}
