//! In what way a certificate is out of its time, from its two ends and the time of the line that refuses it.

use crate::seen::Seen;
use crate::signals::Signals;

const DAY: u64 = 86_400;

/// What is wrong with the time of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    Expired,
    NotYet,
    /// The certificate is good, and the clock that judged it isn't.
    ClockWrong,
    /// The time of the line isn't told, and even now the end is far: it was too early, or the clock was wrong.
    NotEnded,
    /// The ends, or the time of the line, aren't told.
    Unknown,
}

/// Judges `certificate invalid (valid from … to …)`.
pub(super) fn validity(s: &Signals<'_>, seen: Seen<'_>) -> Validity {
    let (from, until) = (
        seen.value("from").and_then(moment),
        seen.value("until").and_then(moment),
    );
    let (Some(from), Some(until)) = (from, until) else {
        return Validity::Unknown;
    };
    // Lines without times, and what the host says when it is asked.
    let Some(at) = seen.fact.at else {
        let unknown = match (seen.value("begun"), seen.value("ended")) {
            (Some(_), _) => Validity::NotYet,
            (None, Some(_)) => Validity::NotEnded,
            (None, None) => Validity::Unknown,
        };
        return super::printed::clock(s).map_or(unknown, |(_, at)| {
            let at = at.0 / 1000;
            judge(from, until, at, &year_of(at).0.to_string())
        });
    };
    let text = &seen.fact.source.text;
    let head = text.find("valid from").and_then(|end| text.get(..end));
    judge(from, until, at.0 / 1000, head.unwrap_or(""))
}

/// `head` is what stands before the message: it may lack the year, and `at` is then a guess in it.
fn judge(from: u64, until: u64, at: u64, head: &str) -> Validity {
    const RECENT: u64 = 40 * DAY;
    let (year, in_year) = year_of(at);
    let has_year = head.contains(&year.to_string());
    if has_year {
        return match at {
            at if at > until => Validity::Expired,
            at if at >= from => Validity::Unknown,
            at if from - at > RECENT => Validity::ClockWrong,
            _ => Validity::NotYet,
        };
    }
    let (_, begin) = year_of(from);
    if in_year < DAY && begin >= DAY {
        // A host without a clock of its own begins on the first of January.
        return Validity::ClockWrong;
    }
    if in_year < begin && begin - in_year <= 2 * DAY {
        return Validity::NotYet;
    }
    if at > until {
        Validity::Expired
    } else if at < from {
        // The year that was guessed is the latest that there can be.
        Validity::NotYet
    } else {
        Validity::Unknown
    }
}

/// The year of a time in seconds, and the seconds since its begin.
fn year_of(at: u64) -> (u64, u64) {
    let mut year = 1970;
    let mut rest = at;
    loop {
        let long = days_in(year) * DAY;
        if rest < long {
            return (year, rest);
        }
        rest -= long;
        year += 1;
    }
}

fn days_in(year: u64) -> u64 {
    if leap(year) { 366 } else { 365 }
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// `Nov 21 05:10:00 2026` and `Nov 21 05:10:00 UTC 2026`, in seconds of UTC.
fn moment(text: &str) -> Option<u64> {
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let mut words = text.split_whitespace();
    let name = words.next()?;
    let day: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.splitn(3, ':').map(str::parse::<u64>);
    let (hour, minute, second) = (
        clock.next()?.ok()?,
        clock.next()?.ok()?,
        clock.next()?.ok()?,
    );
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let digits = |w: &&str| w.len() == 4 && w.bytes().all(|b| b.is_ascii_digit());
    let year: u64 = words
        .map(|w| w.trim_end_matches([')', ',']))
        .find(digits)?
        .parse()
        .ok()?;
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let month = MONTHS
        .iter()
        .position(|(m, _)| name.eq_ignore_ascii_case(m))?;
    let before: u64 = MONTHS.iter().take(month).map(|(_, days)| days).sum();
    let leap_day = u64::from(month > 1 && leap(year));
    let years: u64 = (1970..year).map(days_in).sum();
    let days = years + before + leap_day + day - 1;
    Some(days * DAY + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_ends_are_read() {
        assert_eq!(moment("Jan 1 00:00:00 1970"), Some(0));
        assert_eq!(moment("Nov 21 06:10:00 UTC 2026"), Some(1_795_241_400));
        assert_eq!(moment("Mar 01 00:00:00 2028"), Some(1_835_481_600));
        assert_eq!(moment("sometime"), None);
    }

    #[test]
    fn a_time_is_judged_with_and_without_its_year() {
        let day = |text: &str| moment(text).unwrap();
        let (from, until) = (day("Mar 3 10:00:00 2015"), day("Mar 3 10:00:00 2016"));
        for (at, head, want) in [
            ("Apr 1 00:00:00 2016", "2016-04-01 x", Validity::Expired),
            ("Mar 3 09:59:00 2015", "2015-03-03 x", Validity::NotYet),
            ("Jan 1 00:03:00 2014", "2014-01-01 x", Validity::ClockWrong),
            // Without a year it is taken for the latest that fits.
            ("Mar 3 10:05:00 2026", "Mar  3 10:05:00", Validity::Expired),
            ("Mar 3 09:58:00 2026", "Mar  3 09:58:00", Validity::NotYet),
            ("Feb 1 10:00:00 2015", "Feb  1 10:00:00", Validity::NotYet),
            (
                "Jan 1 00:00:40 2026",
                "Jan  1 00:00:40",
                Validity::ClockWrong,
            ),
        ] {
            assert_eq!(judge(from, until, day(at), head), want, "{at}");
        }
    }
}
