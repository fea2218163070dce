//! Neighbours of BGP: the rows of `show ip bgp summary` and of its likes.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// A row whose last columns are a state and no number: the session isn't up.
pub(super) fn line(line: &Line<'_>, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
    let first = line.body.split_ascii_whitespace().next();
    if first.is_none_or(|w| w.parse::<std::net::IpAddr>().is_err()) {
        return;
    }
    let words: Vec<&str> = line.body.split_ascii_whitespace().collect();
    let (Some(neighbour), true) = (words.first(), words.len() >= 8) else {
        return;
    };
    let numbers = words
        .iter()
        .skip(1)
        .take(5)
        .filter(|w| w.parse::<u64>().is_ok())
        .count();
    if numbers < 4 {
        return;
    }
    const STATES: [&str; 5] = ["Active", "Idle", "Connect", "OpenSent", "OpenConfirm"];
    if let Some(state) = words.iter().rev().take(3).find(|w| STATES.contains(w)) {
        let values = [("neighbour", *neighbour), ("state", *state)];
        facts.push(sign(place(), Sign::NeighbourDown, &values));
    }
}
