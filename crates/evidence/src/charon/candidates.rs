//! Which of a connection's children charon picks for a request, where two fit alike.
//!
//! charon rates each child by how well its networks fit (level 2 of group CFG) and takes the first of those that are rated
//! best.

use std::collections::BTreeMap;

use adit_model::sign::Sign;

/// So many children are compared.
const MOST: usize = 64;

/// The children that were rated since a child was looked for.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    rated: Vec<(String, u32)>,
}

impl Candidates {
    /// The next line; what it says when the child that was taken is no better than another.
    pub(super) fn line(&mut self, text: &str) -> Option<(Sign, BTreeMap<String, String>)> {
        let text = text.trim_start();
        if text.starts_with("looking for a child config for ") {
            self.rated.clear();
        } else if let Some(rest) = text.strip_prefix("candidate \"") {
            let rated = rated(rest).filter(|_| self.rated.len() < MOST);
            self.rated.extend(rated);
        } else if let Some(rest) = text.strip_prefix("found matching child config \"") {
            let (name, rating) = rated(rest)?;
            let rivals = core::mem::take(&mut self.rated);
            let (other, _) = rivals
                .into_iter()
                .find(|(other, theirs)| *other != name && *theirs == rating)?;
            let values = [("name", name), ("other", other)];
            let values = values.map(|(key, value)| (key.to_owned(), value));
            return Some((Sign::ChildrenRatedAlike, BTreeMap::from(values)));
        }
        None
    }
}

/// `net" with prio 5+7`, `net" with prio 12`: the name, and the sum of how well both ends fit.
fn rated(text: &str) -> Option<(String, u32)> {
    let (name, rating) = text.split_once("\" with prio ")?;
    let sum = rating
        .trim_end()
        .split('+')
        .map(|part| part.parse::<u32>().ok())
        .try_fold(0, |sum: u32, part| sum.checked_add(part?))?;
    Some((name.to_owned(), sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(lines: &[&str]) -> Option<String> {
        let mut candidates = Candidates::default();
        let found = lines.iter().find_map(|line| candidates.line(line))?;
        found.1.get("other").cloned()
    }

    #[test]
    fn the_first_of_two_that_fit_alike_is_no_better() {
        let asked = "looking for a child config for 10.1.0.0/24 === 10.2.0.0/24 ";
        let [lan, dmz] = [
            "  candidate \"lan\" with prio 7+7",
            "  candidate \"dmz\" with prio 7+7",
        ];
        let taken = "found matching child config \"lan\" with prio 14";
        assert_eq!(alike(&[asked, lan, dmz, taken]).as_deref(), Some("dmz"));
        assert_eq!(alike(&[asked, lan, taken]), None);
        let wider = "  candidate \"dmz\" with prio 5+7";
        assert_eq!(alike(&[asked, lan, wider, taken]), None);
        // What was rated for an earlier request isn't a rival.
        assert_eq!(alike(&[asked, dmz, asked, lan, taken]), None);
        let broken = "  candidate \"dmz\" with prio 4294967295+7";
        assert_eq!(alike(&[asked, lan, broken, taken]), None);
    }
}
