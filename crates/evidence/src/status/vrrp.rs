//! Tables of VRRP: which node of a cluster thinks it is the one.

use std::collections::{BTreeMap, BTreeSet};

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// `show vrrp` of VyOS and Vyatta, one table after the other when both nodes' are pasted.
#[derive(Debug, Default)]
pub(crate) struct Vrrp {
    in_table: bool,
    /// The prompt of the command that prints the table: which node it is.
    node: String,
    /// By group: the nodes that are master, and the line that says so last.
    masters: BTreeMap<String, (BTreeSet<String>, Option<Place>)>,
}

impl Vrrp {
    /// The next line: `Interface  Group  State  …`, then `eth0  10  MASTER  …`.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let words: Vec<&str> = line.body.split_ascii_whitespace().collect();
        let has = |w: &str| words.iter().any(|x| x.eq_ignore_ascii_case(w));
        if has("State") && (has("Group") || has("VRID")) && has("Interface") {
            self.in_table = true;
            return;
        }
        if let Some((prompt, _)) = line.body.split_once("show vrrp") {
            prompt.trim().clone_into(&mut self.node);
            self.in_table = false;
            return;
        }
        if !self.in_table {
            return;
        }
        let known = words
            .iter()
            .any(|w| matches!(*w, "MASTER" | "BACKUP" | "FAULT"));
        if !known {
            let rule = line.body.chars().all(|c| matches!(c, '-' | ' ' | '='));
            if !rule {
                self.in_table = false;
            }
            return;
        }
        if has("MASTER")
            && let Some(group) = words.iter().find(|w| w.parse::<u8>().is_ok())
            && (self.masters.len() < 64 || self.masters.contains_key(*group))
        {
            let entry = self.masters.entry((*group).to_owned()).or_default();
            if entry.0.len() < 8 {
                entry.0.insert(self.node.clone());
            }
            entry.1 = Some(place());
        }
    }

    /// Two nodes that are both master of a group.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        for (group, (nodes, place)) in &mut self.masters {
            if nodes.len() > 1
                && let Some(place) = place.take()
            {
                facts.push(sign(place, Sign::ClusterSplit, &[("name", group.as_str())]));
            }
        }
    }
}
