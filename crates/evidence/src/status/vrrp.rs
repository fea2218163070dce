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
    /// Where the columns of the interface and of the group stand.
    columns: (usize, usize),
    /// By interface and group: the nodes that are master, and the line that says so last.
    masters: BTreeMap<(String, u8), (BTreeSet<String>, Option<Place>)>,
}

impl Vrrp {
    /// The next line: `Interface  Group  State  …`, then `eth0  10  MASTER  …`.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let asked = line.body.contains("show vrrp");
        if !self.in_table && !asked && !names_interface(line.body) {
            self.between(line.body);
            return;
        }
        let words: Vec<&str> = line.body.split_ascii_whitespace().collect();
        let has = |w: &str| words.iter().any(|x| x.eq_ignore_ascii_case(w));
        if has("State") && (has("Group") || has("VRID")) && has("Interface") {
            let column = |names: &[&str]| {
                let named = |w: &&str| names.iter().any(|n| w.eq_ignore_ascii_case(n));
                words.iter().position(named).unwrap_or_default()
            };
            self.columns = (column(&["Interface"]), column(&["Group", "VRID"]));
            self.in_table = true;
            return;
        }
        if let Some((prompt, _)) = line.body.split_once("show vrrp") {
            host(prompt).clone_into(&mut self.node);
            self.in_table = false;
            return;
        }
        if !self.in_table {
            self.between(line.body);
            return;
        }
        let known = words
            .iter()
            .any(|w| matches!(*w, "MASTER" | "BACKUP" | "FAULT"));
        if !known {
            let rule = line.body.chars().all(|c| matches!(c, '-' | ' ' | '='));
            if !rule {
                self.in_table = false;
                self.between(line.body);
            }
            return;
        }
        let (interface, group) = self.columns;
        let Some((interface, group)) = words
            .get(interface)
            .zip(words.get(group).and_then(|w| w.parse::<u8>().ok()))
        else {
            return;
        };
        let key = ((*interface).to_owned(), group);
        if !has("MASTER") {
            // It was, and isn't any more.
            if let Some((nodes, _)) = self.masters.get_mut(&key) {
                nodes.remove(&self.node);
            }
        } else if self.masters.len() < 64 || self.masters.contains_key(&key) {
            let entry = self.masters.entry(key).or_default();
            if entry.0.len() < 8 {
                entry.0.insert(self.node.clone());
            }
            entry.1 = Some(place());
        }
    }

    /// A line beside the tables. After something happened, another master isn't a second one.
    fn between(&mut self, body: &str) {
        if self.masters.is_empty() {
            return;
        }
        let lower = body.to_ascii_lowercase();
        if HAPPENS.iter().any(|w| lower.contains(w)) {
            self.masters.clear();
        }
    }

    /// Two nodes that are both master of a group.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        for ((_, group), (nodes, place)) in &mut self.masters {
            if nodes.len() > 1
                && let Some(place) = place.take()
            {
                facts.push(sign(
                    place,
                    Sign::ClusterSplit,
                    &[("name", &group.to_string()), ("tables", "yes")],
                ));
            }
        }
    }
}

/// Whether the word *interface* is in a line, as in the heads of such tables; its rarest letter is looked for.
fn names_interface(body: &str) -> bool {
    let (word, rarest) = ("interface", 5);
    let bytes = body.as_bytes();
    memchr::memchr2_iter(b'f', b'F', bytes).any(|at| {
        at.checked_sub(rarest)
            .and_then(|begin| bytes.get(begin..begin + word.len()))
            .is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// What is said between two tables when a node changed over, or was made to.
const HAPPENS: [&str; 15] = [
    "entering ",
    "transition",
    "failover",
    "fail over",
    "failed over",
    "reboot",
    "restart",
    "unplug",
    "pulled",
    "power",
    "shut",
    "disabl",
    "before",
    "after",
    "took over",
];

/// The host in a prompt: `r1` of `vyos@r1:~$ ` and of `vyos@r1# run `.
fn host(prompt: &str) -> &str {
    let name = prompt.rsplit_once('@').map_or(prompt, |(_, name)| name);
    name.split([':', '#', '$', '>', ' '])
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::reading::read;
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    const HEAD: &str = "Interface         Group  State   Compliant  Owner  Transition  Group\n---------         -----  -----   ---------  -----  ----------  -----\n";

    fn split(tables: &[(&str, &str)]) -> bool {
        let text: String = tables
            .iter()
            .map(|(prompt, rows)| format!("{prompt}show vrrp\n{HEAD}{rows}\n"))
            .collect();
        read("x", Side::Local, text.as_bytes(), Wall(1_795_241_400_000))
            .facts
            .iter()
            .any(|f| {
                matches!(
                    f.what,
                    Known::Sign {
                        sign: Sign::ClusterSplit,
                        ..
                    }
                )
            })
    }

    #[test]
    fn two_hosts_are_two_nodes_and_two_prompts_of_one_host_are_not() {
        const ROW: &str = "eth0              10     MASTER  no         no     1h2m        g";
        assert!(split(&[("vyos@r1:~$ ", ROW), ("vyos@r2:~$ ", ROW)]));
        assert!(!split(&[("vyos@r1:~$ ", ROW), ("vyos@r1# run ", ROW)]));
    }

    #[test]
    fn the_same_number_on_another_interface_is_another_group() {
        let row = |name: &str| {
            format!("{name}              10     MASTER  no         no     1h2m        g")
        };
        assert!(!split(&[
            ("vyos@r1:~$ ", &row("eth0")),
            ("vyos@r2:~$ ", &row("eth1"))
        ]));
    }

    #[test]
    fn a_change_between_two_tables_is_no_split() {
        const ROW: &str = "eth0              10     MASTER  no         no     1h2m        g";
        let then = format!("{ROW}\n\nNow I reboot the first one:");
        assert!(!split(&[("vyos@r1:~$ ", &then), ("vyos@r2:~$ ", ROW)]));
    }
}
