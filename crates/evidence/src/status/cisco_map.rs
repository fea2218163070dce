//! The order of a Cisco crypto map, and transform sets of two ends, in a configuration that was pasted.

use std::collections::BTreeMap;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Crypto maps and transform sets by name.
#[derive(Debug, Default)]
pub(crate) struct CiscoMap {
    /// The dynamic entry of a map that stands first.
    dynamic: BTreeMap<String, (u32, Place)>,
    /// The highest entry of a map that is for one peer.
    fixed: BTreeMap<String, u32>,
    /// The transforms of a set, as its first appearance has them.
    sets: BTreeMap<String, String>,
}

impl CiscoMap {
    /// The next line: `crypto map WAN 20 set peer 203.0.113.1`, `crypto map WAN 5 ipsec-isakmp dynamic CLIENTS`.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        const MOST: usize = 64;
        let Some(rest) = line.body.trim().strip_prefix("crypto ") else {
            return;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        match words.as_slice() {
            ["map", name, number, what @ ..] if self.dynamic.len() + self.fixed.len() < MOST => {
                let Ok(number) = number.parse::<u32>() else {
                    return;
                };
                if matches!(what, ["ipsec-isakmp", "dynamic", ..]) {
                    self.dynamic
                        .entry((*name).to_owned())
                        .or_insert_with(|| (number, place()));
                } else if matches!(what, ["set", "peer", ..]) {
                    let highest = self.fixed.entry((*name).to_owned()).or_default();
                    *highest = number.max(*highest);
                }
            }
            ["ipsec", "transform-set", name, transforms @ ..] if !transforms.is_empty() => {
                let mut transforms = transforms.to_vec();
                transforms.sort_unstable();
                let transforms = transforms.join(" ");
                match self.sets.get(*name) {
                    // One device has a name once: these are both ends.
                    Some(other) if *other != transforms => {
                        let values = [("ours", other.as_str()), ("theirs", transforms.as_str())];
                        facts.push(sign(place(), Sign::EspProposalRefused, &values));
                    }
                    Some(_) => {}
                    None if self.sets.len() < MOST => {
                        self.sets.insert((*name).to_owned(), transforms);
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// Maps in which a dynamic entry stands before one for a peer.
    pub(super) fn finish(&self, facts: &mut Vec<Fact>) {
        for (name, (number, place)) in &self.dynamic {
            if self.fixed.get(name).is_some_and(|fixed| fixed > number) {
                let name = format!("crypto map {name}");
                facts.push(sign(
                    place.clone(),
                    Sign::PolicyOrderWrong,
                    &[("name", &name)],
                ));
            }
        }
    }
}
