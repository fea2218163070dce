//! Packets that came before their SA.
//!
//! Who answers the request for a pair of SAs may send on it at once (RFC 7296 2.8), and ESP may overtake the answer: on
//! the way, or because the key exchange still looks at the answer while packets are opened by others. Such packets are
//! kept for a moment, and opened when their SA is there. Nothing is known of them but the SPI, so anybody can send such packets:
//! what is kept is bounded by octets, for all and for each SPI, and by time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use adit_model::now::Mono;

/// What is kept of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<W> {
    /// The ESP packet, from its SPI on.
    pub packet: Vec<u8>,
    /// Where it came from, or what else its keeper wants to know.
    pub way: W,
    until: Mono,
}

/// Packets of SPIs that no SA has, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Early<W> {
    by_spi: BTreeMap<u32, Waiting<W>>,
    /// What all of them take.
    octets: usize,
    /// When they are looked through for those that have waited long enough.
    due: Option<Mono>,
}

#[derive(Clone, Debug)]
struct Waiting<W> {
    kept: VecDeque<Kept<W>>,
    octets: usize,
}

impl<W> Default for Early<W> {
    fn default() -> Self {
        Self {
            by_spi: BTreeMap::new(),
            octets: 0,
            due: None,
        }
    }
}

impl<W> Early<W> {
    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_spi.is_empty()
    }

    /// When [`take`](Self::take) gives back packets though no SA has come.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        self.due
    }

    /// Keeps a packet that came `now` under `spi`. `false` if there is no room: it's a stray at once.
    #[must_use]
    pub fn keep(&mut self, now: Mono, spi: u32, packet: &[u8], way: W) -> bool {
        let known = self.by_spi.get(&spi).map(|waiting| waiting.octets);
        let cost = packet.len() + if known.is_some() { OVERHEAD } else { OF_AN_SPI };
        if self.octets + cost > ROOM || known.unwrap_or(0) + cost > ROOM_OF_ONE {
            return false;
        }
        let waiting = self.by_spi.entry(spi).or_insert_with(|| Waiting {
            kept: VecDeque::new(),
            octets: 0,
        });
        let until = now + PATIENCE;
        waiting.kept.push_back(Kept {
            packet: packet.to_vec(),
            way,
            until,
        });
        waiting.octets += cost;
        self.octets += cost;
        self.due.get_or_insert(until + PACE);
        true
    }

    /// Gives back what needn't wait any longer: all packets of SPIs that `has_come`, and those that were kept long
    /// enough. The first of each pair is the SPI. Looks through all SPIs: call it when SAs have changed, or when it's due.
    #[must_use]
    pub fn take(&mut self, now: Mono, has_come: impl Fn(u32) -> bool) -> Vec<(u32, Kept<W>)> {
        let mut taken = Vec::new();
        let mut first = None;
        self.by_spi.retain(|spi, waiting| {
            let all = has_come(*spi);
            while waiting.kept.front().is_some_and(|k| all || k.until <= now) {
                if let Some(kept) = waiting.kept.pop_front() {
                    let cost = (kept.packet.len() + OVERHEAD).min(waiting.octets);
                    waiting.octets -= cost;
                    self.octets -= cost;
                    taken.push((*spi, kept));
                }
            }
            // Room that many packets took isn't held by the few that are left.
            waiting.kept.shrink_to(2 * waiting.kept.len());
            match waiting.kept.front() {
                Some(next) => {
                    first = Some(first.map_or(next.until, |at: Mono| at.min(next.until)));
                    true
                }
                None => {
                    self.octets -= waiting.octets;
                    false
                }
            }
        });
        self.due = first.map(|until| until + PACE);
        taken
    }
}

/// How long a packet waits for its SA. The answer that makes it is checked within milliseconds, with certificates within
/// some tens of them.
const PATIENCE: Duration = Duration::from_millis(300);
/// How much longer it may take until they are looked through, so that a flood doesn't have that done for each packet.
const PACE: Duration = Duration::from_millis(10);
/// Octets kept in all, by each thread.
const ROOM: usize = 2 << 20;
/// Octets kept of one SPI, so that one peer's strays don't take the room of all.
const ROOM_OF_ONE: usize = 512 << 10;
/// What a packet costs beside its octets.
const OVERHEAD: usize = 256;
/// What the first packet of an SPI costs: its place, room for more of it, and that it is looked through from then on.
const OF_AN_SPI: usize = 2 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono(0) + Duration::from_millis(millis)
    }

    fn numbers(taken: Vec<(u32, Kept<u8>)>) -> Vec<(u32, u8)> {
        taken
            .into_iter()
            .map(|(spi, kept)| (spi, kept.way))
            .collect()
    }

    #[test]
    fn all_of_an_spi_come_back_in_order_once_it_is_there() {
        let mut early = Early::default();
        for (number, spi) in (0..).zip([7, 9, 7, 7]) {
            assert!(early.keep(at(0), spi, &[1; 100], number));
        }
        assert_eq!(numbers(early.take(at(1), |_| false)), []);
        assert_eq!(
            numbers(early.take(at(2), |spi| spi == 7)),
            [(7, 0), (7, 2), (7, 3)]
        );
        assert!(!early.is_empty(), "another SPI's packet waits on");
    }

    #[test]
    fn nothing_waits_for_ever() {
        let mut early = Early::default();
        assert!(early.keep(at(0), 7, &[1; 100], 0));
        assert!(early.keep(at(200), 7, &[1; 100], 1));
        assert_eq!(
            early.due(),
            Some(at(310)),
            "packets are looked through at a pace"
        );
        assert_eq!(numbers(early.take(at(299), |_| false)), []);
        assert_eq!(numbers(early.take(at(300), |_| false)), [(7, 0)]);
        assert_eq!(numbers(early.take(at(500), |_| false)), [(7, 1)]);
        assert!(early.is_empty());
        assert_eq!(early.octets, 0);
    }

    #[test]
    fn an_spi_that_one_packet_is_left_of_holds_no_room_for_many() {
        let mut early = Early::default();
        while early.keep(at(0), 7, &[], 0) {}
        assert!(early.keep(at(200), 8, &[], 0));
        let flood = early.take(at(300), |_| false).len();
        assert!(early.keep(at(300), 7, &[], 0) && flood > 1000);
        let _ = early.take(at(301), |_| false);
        let held = early.by_spi.values().map(|w| w.kept.capacity());
        assert!(held.max() < Some(16));
    }

    #[test]
    fn a_flood_under_one_spi_leaves_room_for_others_and_a_flood_under_many_is_bounded() {
        let mut early = Early::default();
        let taken = (0..10_000).filter(|_| early.keep(at(0), 7, &[1; 1400], 0));
        assert!((300..=ROOM_OF_ONE / 1400).contains(&taken.count()));
        assert!(early.keep(at(0), 8, &[1; 1400], 0), "another's packet");
        let all = (1000..100_000).filter(|spi| early.keep(at(0), *spi, &[], 0));
        assert!(all.count() < ROOM / OF_AN_SPI);
        assert!(early.octets <= ROOM);
        assert!(!early.take(at(300), |_| false).is_empty());
        assert_eq!(early.octets, 0, "all of the room is there again");
        assert!(early.keep(at(301), 9, &[1; 1400], 0));
    }
}
