//! The one clock of the gateway: everything pure below is handed what it reads.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adit_model::{Mono, Now, Wall};

/// A monotonic clock that started with the gateway, and the wall clock beside it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose monotonic side begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// Both readings.
    #[must_use]
    pub fn now(&self) -> Now {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            mono: self.mono(),
            wall: Wall(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    /// The monotonic side alone.
    #[must_use]
    pub fn mono(&self) -> Mono {
        Mono(0) + self.origin.elapsed()
    }

    /// The runtime's form of a point on the monotonic side.
    #[must_use]
    pub fn instant(&self, at: Mono) -> Instant {
        self.origin
            .checked_add(Duration::from_nanos(at.0))
            .unwrap_or_else(|| self.origin + FAR)
    }
}

/// A wall-clock reading as RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(at: Wall) -> String {
    i64::try_from(at.0)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(|| format!("@{}ms", at.0), |t| format!("{t:.3}"))
}

const FAR: Duration = Duration::from_secs(86_400 * 365);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_reads_as_rfc_3339() {
        assert_eq!(rfc3339(Wall(1_700_000_000_250)), "2023-11-14T22:13:20.250Z");
        assert_eq!(rfc3339(Wall(u64::MAX)), "@18446744073709551615ms");
    }
}
