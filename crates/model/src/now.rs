//! Points in time as plain numbers.
//!
//! `std::time::Instant` can be neither made nor recorded, so pure crates are handed a [`Now`] instead.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on a monotonic clock: nanoseconds since an origin that only its owner knows.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Mono(pub u64);

/// A point on the wall clock: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Wall(pub u64);

/// The present, as told by whoever owns the clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Now {
    /// For deadlines and durations.
    pub mono: Mono,
    /// For people, certificates and joining two sides' evidence.
    pub wall: Wall,
}

impl fmt::Display for Wall {
    /// RFC 3339 in UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Years that begin with March, in eras of 400 years: a leap day comes last (Hinnant, days from civil).
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            rest / 3600,
            rest / 60 % 60,
            rest % 60
        )
    }
}

impl Mono {
    /// Time since `earlier`; zero when `earlier` lies ahead.
    #[must_use]
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;
    fn add(self, by: Duration) -> Mono {
        Mono(
            self.0
                .saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Mono {
    type Output = Mono;
    fn sub(self, by: Duration) -> Mono {
        Mono(
            self.0
                .saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Now {
    /// Both clocks moved on by `by`.
    #[must_use]
    pub fn plus(self, by: Duration) -> Now {
        Now {
            mono: self.mono + by,
            wall: Wall(
                self.wall
                    .0
                    .saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)),
            ),
        }
    }

    /// The wall-clock reading that belongs to `then`, as far as this moment's pair of clocks tells.
    #[must_use]
    pub fn wall_at(self, then: Mono) -> Wall {
        let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        if then >= self.mono {
            Wall(self.wall.0.saturating_add(ms(then.since(self.mono))))
        } else {
            Wall(self.wall.0.saturating_sub(ms(self.mono.since(then))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wall;

    #[test]
    fn a_point_in_time_is_written_as_people_read_it() {
        let at = |seconds: u64| Wall(seconds * 1000).to_string();
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_795_282_137), "2026-11-21T17:28:57Z");
        assert_eq!(at(253_402_300_799), "9999-12-31T23:59:59Z");
    }
}
