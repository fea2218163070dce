//! Tunnels that are optional: their traffic passes in clear until there is an SA, and what passes is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use adit_ike::{ChildSaState, IkeSaSnapshot};
use adit_kernel::block::BlockCount;
use adit_model::connection::{Connection, Protection};
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side, Source};
use adit_model::sign::Sign;
use adit_model::status::ClearTraffic;

use crate::gateway::Gateway;
use crate::host;
use crate::shield::Children;
use crate::tunnel::Tunnel;

impl Gateway {
    /// Protects what has an SA now, and lets pass what is optional and has none.
    pub(crate) fn settle_protection(&mut self, snapshot: &[IkeSaSnapshot]) {
        let optional = |t: &Tunnel| t.connection.protection == Protection::Optional;
        let connections: Vec<Arc<Connection>> = self
            .tunnels
            .values()
            .filter(|t| optional(t))
            .map(|t| Arc::clone(&t.connection))
            .collect();
        let Some(host) = &mut self.host else {
            return;
        };
        if let Err(error) = host.set_up(with_sas(snapshot)) {
            tracing::warn!("{error}");
        }
        if connections.is_empty() && self.passing.is_empty() {
            return;
        }
        let mut told = Vec::new();
        let configured = |name: &String| connections.iter().any(|c| c.name == *name);
        for (name, children) in self.passing.iter().filter(|(name, _)| !configured(name)) {
            // It isn't optional any more.
            let ended = children.iter().filter(|_| self.tunnels.contains_key(name));
            told.extend(ended.map(|child| (name.clone(), child.clone(), false)));
        }
        for connection in &connections {
            let passing = host.passing(connection);
            let before = self.passing.get(&connection.name);
            let was = |child: &String| before.is_some_and(|before| before.contains(child));
            for child in passing.iter().filter(|child| !was(child)) {
                told.push((connection.name.clone(), child.clone(), true));
            }
            for child in before
                .into_iter()
                .flatten()
                .filter(|c| !passing.contains(c))
            {
                told.push((connection.name.clone(), child.clone(), false));
            }
            self.passing.insert(connection.name.clone(), passing);
        }
        self.passing.retain(|name, _| configured(name));
        for (tunnel, child, passes) in told {
            let what = Happening::ClearTraffic { child, passes };
            self.happened(Some(&tunnel), None, what);
        }
    }

    /// What the block has counted, by tunnel.
    pub(crate) fn block_counts(&self) -> BTreeMap<String, BlockCount> {
        if self.host.is_none() {
            return BTreeMap::new();
        }
        let counts = host::block_counters().unwrap_or_default().into_iter();
        counts.map(|count| (count.tunnel.clone(), count)).collect()
    }

    /// What passes in clear of a tunnel, if it is optional.
    pub(crate) fn clear_traffic(
        &self,
        tunnel: &Tunnel,
        counts: &BTreeMap<String, BlockCount>,
    ) -> Option<ClearTraffic> {
        let connection = &tunnel.connection;
        if connection.protection == Protection::Required {
            return None;
        }
        let host = self.host.as_ref()?;
        let count = counts.get(&connection.name);
        Some(ClearTraffic {
            children: host.passing(connection),
            packets_out: count.map_or(0, |c| c.optional_out.packets),
            packets_in: count.map_or(0, |c| c.optional_in.packets),
        })
    }

    /// What the host knows of a tunnel that its events don't tell.
    pub(crate) fn host_facts(&self, tunnel: &Tunnel) -> Vec<Fact> {
        let mut facts = Vec::new();
        let name = &tunnel.connection.name;
        let mut sign = |sign, key: &str, value: &str, text: String| {
            facts.push(Fact {
                source: Source {
                    name: "host".to_owned(),
                    line: None,
                    text,
                },
                at: None,
                side: Side::Local,
                subject: Some(name.clone()),
                role: None,
                what: Known::Sign {
                    sign,
                    values: BTreeMap::from([(key.to_owned(), value.to_owned())]),
                },
            });
        };
        let counts = self.block_counts();
        if let Some(clear) = self.clear_traffic(tunnel, &counts)
            && !clear.children.is_empty()
        {
            let text = format!(
                "{} of {name} pass{} in clear, since `policy` is \"optional\" and there is no SA: {} packets out and {} in so far",
                clear.children.join(", "),
                if clear.children.len() == 1 { "es" } else { "" },
                clear.packets_out,
                clear.packets_in
            );
            sign(Sign::ClearOnFailure, "name", name, text);
        }
        let device = tunnel.peer.and_then(host::led_into_tunnel);
        if let (Some(peer), Some(device)) = (tunnel.peer, device) {
            let text = format!(
                "what the gateway sends to {peer} is routed into {device}, and is stopped there"
            );
            sign(Sign::RecursiveRouting, "interface", &device, text);
        }
        facts
    }
}

/// Children that can carry traffic.
fn with_sas(snapshot: &[IkeSaSnapshot]) -> Children {
    let mut up = Children::new();
    for sa in snapshot {
        let Some(name) = &sa.connection else { continue };
        for child in &sa.children {
            if matches!(child.state, ChildSaState::Installed | ChildSaState::Rekeyed) {
                up.insert((name.clone(), child.name.clone()));
            }
        }
    }
    up
}
