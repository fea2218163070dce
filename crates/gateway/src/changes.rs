//! What a new configuration makes of the tunnels that run: which aren't touched, which go on with other children, which are
//! cut.

use std::collections::BTreeSet;

use adit_config::Configuration;
use adit_model::connection::{Child, Connection};
use adit_model::plan::{Cut, Plan};
use adit_model::policy::Policy;
use serde::Serialize;

use crate::backend::Backend;
use crate::gateway::Gateway;
use crate::leases;

/// What becomes of the tunnels.
#[derive(Default)]
pub(crate) struct Changes {
    pub removed: Vec<String>,
    pub added: Vec<String>,
    /// They can't go on as they are: with what differs.
    pub restarted: Vec<(String, String)>,
    /// They go on with other children.
    pub reshaped: Vec<Reshaped>,
    /// Nothing that was agreed on with the peer changes.
    pub adjusted: Vec<String>,
    pub kept: Vec<String>,
    /// Policies before all tunnels.
    policies: Vec<String>,
}

/// A tunnel that goes on with other children.
pub(crate) struct Reshaped {
    pub tunnel: String,
    removed: Vec<String>,
    /// With what differs.
    changed: Vec<(String, String)>,
    added: Vec<String>,
}

impl Reshaped {
    /// Children that have to be asked for.
    pub fn new_children(&self) -> impl Iterator<Item = &String> {
        let changed = self.changed.iter().map(|(child, _)| child);
        changed.chain(&self.added)
    }
}

impl Changes {
    /// Whether a tunnel ends and is set up again.
    pub fn restarts(&self, tunnel: &str) -> bool {
        self.restarted.iter().any(|(name, _)| name == tunnel)
    }
}

impl Gateway {
    /// What this configuration changes.
    pub(crate) fn changes(&self, config: &Configuration) -> Changes {
        let (before, new) = (&self.options.config, &config.connections);
        let mut changes = Changes {
            policies: changed_policies(&before.policies, &config.policies),
            ..Changes::default()
        };
        let names: BTreeSet<&str> = new.iter().map(|c| c.name.as_str()).collect();
        let gone = |name: &&String| !names.contains(name.as_str());
        changes.removed = self.tunnels.keys().filter(gone).cloned().collect();
        for connection in new {
            let name = connection.name.clone();
            let Some(tunnel) = self.tunnels.get(&name) else {
                changes.added.push(name);
                continue;
            };
            let old = &tunnel.connection;
            let pools = (&before.pools[..], &config.pools[..]);
            let seen = match leases::as_seen(old, connection, &self.pools, pools.1) {
                Ok(seen) => seen,
                Err(what) => {
                    changes.restarted.push((name, what));
                    continue;
                }
            };
            if **old == *connection && !leases::gives_otherwise(old, connection, pools) {
                changes.kept.push(name);
            } else if !seen.goes_on_from(old) {
                let what = differing(&**old, &seen);
                changes.restarted.push((name, what));
            } else if self.numbers_otherwise(old, connection) {
                let what = "interface (the kernel's SAs are for the one of before)".to_owned();
                changes.restarted.push((name, what));
            } else {
                let shape = reshaped(old, &seen);
                let same = shape.removed.is_empty() && shape.new_children().next().is_none();
                if same {
                    changes.adjusted.push(name);
                } else {
                    changes.reshaped.push(shape);
                }
            }
        }
        changes
    }

    /// Whether SAs in the kernel belong to another interface than the tunnel has from now on: they carry its number.
    fn numbers_otherwise(&self, old: &Connection, new: &Connection) -> bool {
        let name = |c: &Connection| c.interface.as_ref().map(|own| own.name.clone());
        matches!(self.backend, Backend::Kernel(_)) && name(old) != name(new)
    }

    /// The same, told before it is done.
    pub(crate) fn plan_reload(&self, changes: &Changes, done: bool) -> Plan {
        let mut cuts: Vec<Cut> = Vec::new();
        // What changes and isn't up is cut off nothing.
        let mut adjusted = changes.adjusted.clone();
        for name in &changes.removed {
            let why = "configured no more; its traffic isn't protected or blocked from then on";
            let cut = self.cut(name, None, why, false);
            adjusted.extend(cut.is_none().then(|| name.clone()));
            cuts.extend(cut);
        }
        for (name, what) in &changes.restarted {
            let why = format!("its configuration changed ({what})");
            let cut = self.cut(name, None, &why, true);
            adjusted.extend(cut.is_none().then(|| name.clone()));
            cuts.extend(cut);
        }
        let mut added = changes.added.clone();
        for shape in &changes.reshaped {
            let name = &shape.tunnel;
            let child_of = |child: &String| format!("{name}/{child}");
            for child in &shape.removed {
                let why = "configured no more; its traffic isn't protected or blocked from then on";
                let cut = self.cut(name, Some(child), why, false);
                adjusted.extend(cut.is_none().then(|| child_of(child)));
                cuts.extend(cut);
            }
            for (child, what) in &shape.changed {
                let why = format!("its configuration changed ({what})");
                let cut = self.cut(name, Some(child), &why, true);
                adjusted.extend(cut.is_none().then(|| child_of(child)));
                cuts.extend(cut);
            }
            added.extend(shape.added.iter().map(child_of));
        }
        Plan {
            schema: Plan::SCHEMA.to_owned(),
            command: "reload".to_owned(),
            done,
            cuts,
            added,
            adjusted,
            kept: changes.kept.clone(),
            policies: changes.policies.clone(),
        }
    }
}

fn reshaped(old: &Connection, new: &Connection) -> Reshaped {
    let find = |list: &[Child], name: &str| list.iter().find(|c| c.name == name).cloned();
    let mut shape = Reshaped {
        tunnel: new.name.clone(),
        removed: Vec::new(),
        changed: Vec::new(),
        added: Vec::new(),
    };
    for child in &old.children {
        match find(&new.children, &child.name) {
            None => shape.removed.push(child.name.clone()),
            Some(now) if now.has_terms_of(child) => {}
            Some(now) => shape
                .changed
                .push((child.name.clone(), differing(child, &now))),
        }
    }
    let is_new = |child: &&Child| find(&old.children, &child.name).is_none();
    let added = new.children.iter().filter(is_new);
    shape.added = added.map(|child| child.name.clone()).collect();
    shape
}

/// Names of policies that come, go or change; all of them where only their order does.
fn changed_policies(old: &[Policy], new: &[Policy]) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    let differ = |from: &[Policy], in_other: &[Policy]| -> Vec<String> {
        let missing = from.iter().filter(|p| !in_other.contains(p));
        missing.map(|p| p.name.clone()).collect()
    };
    let names: BTreeSet<String> = [differ(old, new), differ(new, old)]
        .concat()
        .into_iter()
        .collect();
    if names.is_empty() {
        return new.iter().map(|p| p.name.clone()).collect();
    }
    names.into_iter().collect()
}

/// The settings in which two of a name differ.
fn differing<T: Serialize>(old: &T, new: &T) -> String {
    let fields = |of: &T| serde_json::to_value(of).unwrap_or_default();
    let (old, new) = (fields(old), fields(new));
    let names: BTreeSet<&String> = [&old, &new]
        .iter()
        .filter_map(|value| value.as_object())
        .flat_map(|object| object.keys())
        .collect();
    let differ: Vec<&str> = names
        .into_iter()
        .filter(|name| old.get(name.as_str()) != new.get(name.as_str()))
        .map(String::as_str)
        .collect();
    differ.join(", ")
}
