//! What `date` printed: the host's own clock.

use adit_model::fact::{Fact, Known};
use adit_model::host::HostState;

use super::fact;
use crate::reading::Place;
use crate::text::{Line, moment};

/// `Sat Nov 21 02:14:00 UTC 2026` and `Sat 21 Nov 02:14:00 UTC 2026`, whose beginning was taken for a time in front of a line;
/// `Universal time: Sat 2026-11-21 02:14:00 UTC` of timedatectl.
pub(super) fn line(line: &Line<'_>, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
    let body = line.body.trim();
    let at = match (line.at, body.split_once("niversal time: ")) {
        (_, Some((_, rest))) => {
            let rest = rest.trim();
            moment(rest.split_once(' ').map_or(rest, |(_, r)| r)).or_else(|| moment(rest))
        }
        (Some(at), None) if line.program.is_none() => {
            let year = match body.split_once(' ') {
                Some((zone, year))
                    if zone.len() <= 4 && zone.bytes().all(|b| b.is_ascii_uppercase()) =>
                {
                    year
                }
                _ => return,
            };
            // What has no year in front is taken for the latest one that isn't in the future.
            let seen = 1970 + at.0 / 31_556_952_000;
            (year.parse() == Ok(seen)).then_some(at)
        }
        _ => None,
    };
    if let Some(at) = at {
        let state = Box::new(HostState::Clock { at });
        facts.push(fact(place(), Known::Host { state }));
    }
}
