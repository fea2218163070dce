//! What `date` printed: the host's own clock.

use adit_model::fact::{Fact, Known};
use adit_model::host::HostState;
use adit_model::now::Wall;

use super::fact;
use crate::reading::Place;
use crate::text::{Line, moment, split_at_rare};

/// `Sat Nov 21 02:14:00 UTC 2026` and `Sat 21 Nov 02:14:00 UTC 2026`, whose beginning was taken for a time in front of a line;
/// `Universal time: Sat 2026-11-21 02:14:00 UTC` of timedatectl.
pub(super) fn line(line: &Line<'_>, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
    let body = line.body.trim();
    let at = match (line.at, split_at_rare(body, "niversal time: ")) {
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
            // What has no year in front was taken for the latest one that isn't in the future.
            year.parse().ok().and_then(|year| in_year(at, year))
        }
        _ => None,
    };
    if let Some(at) = at {
        let state = Box::new(HostState::Clock { at });
        facts.push(fact(place(), Known::Host { state }));
    }
}

const DAY_MS: u64 = 86_400_000;

/// The same day and time of another year.
fn in_year(at: Wall, year: u64) -> Option<Wall> {
    let leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let days = |y: u64| if leap(y) { 366 } else { 365 };
    if !(1970..2200).contains(&year) {
        return None;
    }
    let (mut has, mut rest) = (1970, at.0);
    while rest >= days(has) * DAY_MS {
        rest -= days(has) * DAY_MS;
        has += 1;
    }
    // From March on, a leap day has passed or hasn't.
    let rest = match (leap(has), leap(year)) {
        (true, false) if rest >= 60 * DAY_MS => rest - DAY_MS,
        (false, true) if rest >= 59 * DAY_MS => rest + DAY_MS,
        _ => rest,
    };
    let before: u64 = (1970..year).map(days).sum();
    Some(Wall(before * DAY_MS + rest))
}

#[cfg(test)]
mod tests {
    use adit_model::fact::Side;

    use super::*;
    use crate::reading::read;

    #[test]
    fn the_year_that_is_told_counts() {
        for (text, want) in [
            ("Sat Nov 21 02:14:00 UTC 2026", 1_795_227_240_000),
            ("Thu Jan  1 00:03:11 UTC 1970", 191_000),
            ("Sun Mar  1 00:00:00 UTC 2020", 1_583_020_800_000),
            ("Tue Mar  1 12:00:00 UTC 2022", 1_646_136_000_000),
            ("Fri Feb 28 23:59:59 UTC 2025", 1_740_787_199_000),
        ] {
            let paste = format!("# date\n{text}\n");
            // 2026-11-22T00:00:00Z.
            let facts = read(
                "paste",
                Side::Local,
                paste.as_bytes(),
                Wall(1_795_305_600_000),
            )
            .facts;
            let clocks: Vec<u64> = facts
                .into_iter()
                .filter_map(|f| match f.what {
                    Known::Host { state } => match *state {
                        HostState::Clock { at } => Some(at.0),
                        _ => None,
                    },
                    _ => None,
                })
                .collect();
            assert_eq!(clocks, [want], "{text}");
        }
    }
}
