//! What the block lets pass and what it stops, as events and facts: tunnels that are optional, whose traffic passes in
//! clear until there is an SA; and packets that the host's own address translation takes out of tunnels.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adit_esp::ChildName;
use adit_ike::{ChildSaState, IkeSaSnapshot};
use adit_kernel::block::BlockCount;
use adit_model::Now;
use adit_model::connection::{Connection, Protection};
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side, Source};
use adit_model::now::Mono;
use adit_model::sign::Sign;
use adit_model::status::ClearTraffic;

use crate::backend::Backend;
use crate::dataplane::{Dropped, Report};
use crate::gateway::Gateway;
use crate::host;
use crate::shield::Children;
use crate::tunnel::Tunnel;

/// Packets of a tunnel that the host's own address translation took out of it, and the block stopped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Translated {
    /// What the block has counted, with what it had before this gateway.
    counted: u64,
    /// How many since the gateway started, and when there were more of them last.
    grew: Option<(u64, Mono)>,
}

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

    /// What the block of an earlier gateway has counted isn't this one's, and what comes from now on is.
    pub(crate) fn begin_to_look_at_translation(&mut self) {
        if matches!(self.backend, Backend::Kernel(_)) {
            let now = self.clock.now();
            let _ = self.look_at_translation(now);
        }
    }

    /// Tells of packets that the host's own address translation took out of tunnels since the last look. The first look
    /// at a tunnel, which the start has, only learns what the block of an earlier gateway, or an earlier life of the tunnel, had counted.
    pub(crate) fn look_at_translation(&mut self, now: Now) -> Report {
        let mut report = Report::default();
        let Ok(counts) = host::block_counters() else {
            return report;
        };
        for count in counts {
            let more = learn(
                &mut self.translated,
                &count.tunnel,
                count.translated.packets,
                now.mono,
            );
            if more == 0 {
                continue;
            }
            *self
                .early_drops
                .entry(DropReason::OutTranslated)
                .or_default() += more;
            let tunnel = self.tunnels.get(&count.tunnel);
            let child = tunnel.and_then(|t| t.connection.children.first());
            let child = child.map(|child| {
                Arc::new(ChildName {
                    connection: count.tunnel.clone(),
                    child: child.name.clone(),
                })
            });
            let dropped = Dropped {
                packets: more,
                detail: TAKEN_OUT.to_owned(),
                from: None,
            };
            report
                .dropped
                .insert((DropReason::OutTranslated, child), dropped);
        }
        report
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
    pub(crate) fn host_facts(
        &self,
        tunnel: &Tunnel,
        counts: &BTreeMap<String, BlockCount>,
    ) -> Vec<Fact> {
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
        if let Some(clear) = self.clear_traffic(tunnel, counts)
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
        if let Some((packets, at)) = self.translated.get(name).and_then(|t| t.grew)
            && self.clock.now().mono.since(at) < FRESH
        {
            let text = format!("{packets} packets for {name} were stopped: {TAKEN_OUT}");
            sign(Sign::TunnelTranslated, "rule", "", text);
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

/// How many packets of a tunnel were taken out of it since the last look.
fn learn(known: &mut BTreeMap<String, Translated>, tunnel: &str, counted: u64, now: Mono) -> u64 {
    let Some(seen) = known.get_mut(tunnel) else {
        let grew = None;
        known.insert(tunnel.to_owned(), Translated { counted, grew });
        return 0;
    };
    let more = counted.saturating_sub(seen.counted);
    seen.counted = counted;
    if more > 0 {
        seen.grew = Some((seen.grew.map_or(0, |(all, _)| all) + more, now));
    }
    more
}

const TAKEN_OUT: &str = "this host's own source NAT gave them a source that no tunnel takes, after they had been found to be the tunnel's. Fix: exempt the remote network from translation";
/// For how long after the last one these packets are evidence.
const FRESH: Duration = Duration::from_secs(120);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_before_the_first_look_at_a_tunnel_is_no_evidence() {
        let mut known = BTreeMap::new();
        let mut look = |tunnel: &str, packets, at| {
            let more = learn(&mut known, tunnel, packets, Mono(at));
            (more, known.get(tunnel).and_then(|seen| seen.grew))
        };
        assert_eq!(look("office", 7, 1), (0, None));
        assert_eq!(look("office", 9, 2), (2, Some((2, Mono(2)))));
        assert_eq!(look("branch", 5, 3), (0, None), "seen later");
        assert_eq!(look("branch", 6, 4), (1, Some((1, Mono(4)))));
        // The block was made anew.
        assert_eq!(look("office", 0, 5), (0, Some((2, Mono(2)))));
        assert_eq!(look("office", 1, 6), (1, Some((3, Mono(6)))));
    }
}
