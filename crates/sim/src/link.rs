//! Links: how long packets take, and what becomes of them on the way.

use std::time::Duration;

use crate::rng::Rng;
use crate::world::NodeId;

/// Properties of a link, the same in both directions. They may be changed at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// How long every packet takes.
    pub delay: Duration,
    /// How much longer it may take. More than the distance between packets means reordering.
    pub jitter: Duration,
    /// Packets of a thousand that are lost.
    pub loss: u32,
    /// Packets of a thousand that arrive twice.
    pub duplication: u32,
    /// Longest packet in octets.
    pub mtu: usize,
    /// Whether anything passes at all.
    pub up: bool,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(5),
            jitter: Duration::ZERO,
            loss: 0,
            duplication: 0,
            mtu: 1500,
            up: true,
        }
    }
}

impl LinkSettings {
    /// A cable: no delay to speak of.
    #[must_use]
    pub fn cable() -> Self {
        Self {
            delay: Duration::from_micros(50),
            ..Self::default()
        }
    }

    /// A bad day: packets are lost, doubled and overtake each other.
    #[must_use]
    pub fn bad() -> Self {
        Self {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(60),
            loss: 150,
            duplication: 100,
            ..Self::default()
        }
    }
}

/// A link between two interfaces.
pub(crate) struct Link {
    pub(crate) settings: LinkSettings,
    /// Node and number of its interface, of both ends.
    pub(crate) ends: [(NodeId, usize); 2],
    /// Whether packets on it are recorded.
    pub(crate) tapped: bool,
}

impl Link {
    /// After what times copies of one packet arrive: none, one or two.
    pub(crate) fn deliveries(&self, rng: &mut Rng) -> Vec<Duration> {
        let settings = self.settings;
        let copies = if !settings.up || rng.happens(settings.loss) {
            0
        } else {
            1 + usize::from(rng.happens(settings.duplication))
        };
        let jitter = u64::try_from(settings.jitter.as_nanos()).unwrap_or(u64::MAX);
        (0..copies)
            .map(|_| settings.delay + Duration::from_nanos(rng.below(jitter)))
            .collect()
    }
}
