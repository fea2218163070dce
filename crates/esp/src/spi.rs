//! Receiving SAs by SPI, for tables that are read all the time and replaced with each change.
//!
//! A change makes a new table. So that this costs little with ten thousand SAs, a table is cut into many small ones, and
//! the new one shares all of them with the old one but that which the change is about.

use std::sync::Arc;

use crate::sa::Pair;

/// Receiving SAs by SPI.
#[derive(Clone)]
pub(crate) struct BySpi {
    shards: Box<[Shard]>,
}

/// An open hash table of a power of two of places, at most half of them taken.
type Shard = Arc<[Option<(u32, Arc<Pair>)>]>;

const SHARDS: usize = 256;

impl Default for BySpi {
    fn default() -> Self {
        let empty: Shard = Arc::new([None]);
        Self {
            shards: (0..SHARDS).map(|_| Arc::clone(&empty)).collect(),
        }
    }
}

impl BySpi {
    #[inline]
    pub(crate) fn get(&self, spi: u32) -> Option<&Arc<Pair>> {
        let (shard, from) = place(spi);
        let shard = self.shards.get(shard)?;
        let mask = shard.len() - 1;
        for at in from..from + shard.len() {
            match shard.get(at & mask)? {
                Some((found, pair)) if *found == spi => return Some(pair),
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    pub(crate) fn insert(&mut self, pair: Arc<Pair>) {
        self.rebuild(pair.spi_in, Some(pair.clone()));
    }

    pub(crate) fn remove(&mut self, spi: u32) {
        self.rebuild(spi, None);
    }

    /// Replaces the shard that an SPI belongs to by one in which that SPI has this pair.
    fn rebuild(&mut self, spi: u32, pair: Option<Arc<Pair>>) {
        let Some(shard) = self.shards.get_mut(place(spi).0) else {
            return;
        };
        let others = shard.iter().flatten().filter(|(other, _)| *other != spi);
        let new = pair.map(|pair| (spi, pair));
        let all: Vec<_> = others.cloned().chain(new).collect();
        let mut places = vec![None; (2 * all.len()).next_power_of_two()];
        let mask = places.len() - 1;
        for (spi, pair) in all {
            let (_, from) = place(spi);
            let mut free = (from..from + places.len()).map(|at| at & mask);
            let free = free.find(|at| places.get(*at).is_some_and(Option::is_none));
            if let Some(place) = free.and_then(|at| places.get_mut(at)) {
                *place = Some((spi, pair));
            }
        }
        *shard = places.into();
    }
}

/// The shard of an SPI, and where to begin in it. SPIs of received packets are ours and random; who sends others learns
/// nothing from how long they take.
#[inline]
fn place(spi: u32) -> (usize, usize) {
    let hash = spi.wrapping_mul(0x9e37_79b1);
    (
        (hash >> 24) as usize % SHARDS,
        (hash >> 4 & 0xffff) as usize,
    )
}
