//! Times of packets.

use std::fmt;

use adit_model::now::Wall;
use serde::{Serialize, Serializer};

/// When a packet was captured: nanoseconds since 1970-01-01T00:00:00Z. Prints and serialises as RFC 3339 in UTC with
/// microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Nanoseconds since `earlier`; zero when `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Stamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Stamp {
    /// As a time of day; `None` when a text told no more than seconds since its capture began, or nothing.
    pub(super) fn told(self) -> Option<Wall> {
        const YEAR_1973: u64 = 100_000_000_000_000_000;
        (self.0 > YEAR_1973).then(|| Wall::from(self))
    }
}

impl From<Stamp> for Wall {
    fn from(stamp: Stamp) -> Wall {
        Wall(stamp.0 / 1_000_000)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000_000, self.0 / 1000 % 1_000_000);
        let (day, second) = (seconds / 86_400, seconds % 86_400);
        // Days to a civil date, counted in eras of 400 years that begin in March.
        let z = day + 719_468;
        let (era, doe) = (z / 146_097, z % 146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let date = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + u64::from(month <= 2);
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{date:02}T{h:02}:{m:02}:{s:02}.{micros:06}Z"
        )
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Stamp;

    #[test]
    fn dates_of_leap_years() {
        assert_eq!(Stamp(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            Stamp(1_709_210_096_000_001_999).to_string(),
            "2024-02-29T12:34:56.000001Z"
        );
        assert!(Stamp(u64::MAX).to_string().starts_with("2554-07-21T"));
    }
}
