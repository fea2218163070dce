//! Points in time as plain numbers.
//!
//! `std::time::Instant` can be neither made nor recorded, so pure crates are handed a [`Now`] instead.

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
