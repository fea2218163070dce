//! IKE SAs found by what is known of them, without looking at all: a gateway may have tens of thousands.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use adit_model::identity::Identity;

use crate::v2::Phase;

/// Lists that say where to look. What they name is looked at again, so that an entry too many does no harm.
#[derive(Default)]
pub(super) struct Index {
    /// IKE SAs that are up, by a digest of the peer's identity.
    peers: BTreeSet<(u64, u64)>,
    /// To which IKE SA the pair belonged that is received under an SPI, when it was asked for last.
    pairs: BTreeMap<u32, u64>,
}

impl Index {
    /// Keeps what is known of the IKE SA with our `spi`.
    pub fn keep(&mut self, spi: u64, phase: &Phase) {
        if let Phase::Established(p) = phase {
            self.peers.insert((digest(&p.remote_id), spi));
        }
    }

    /// The IKE SA was `before`, and is up no more.
    pub fn forget(&mut self, spi: u64, before: u64) {
        self.peers.remove(&(before, spi));
    }

    /// What [`forget`](Self::forget) needs to know of an IKE SA that is up.
    pub fn entry(phase: &Phase) -> Option<u64> {
        match phase {
            Phase::Established(p) => Some(digest(&p.remote_id)),
            _ => None,
        }
    }

    /// IKE SAs whose peer may be this one.
    pub fn of_peer(&self, peer: &Identity) -> impl Iterator<Item = u64> {
        let digest = digest(peer);
        self.peers
            .range((digest, 0)..=(digest, u64::MAX))
            .map(|(_, spi)| *spi)
    }

    /// The IKE SA of the pair that is received under `spi_in`.
    pub fn of_pair(&mut self, sas: &BTreeMap<u64, Phase>, spi_in: u32) -> Option<u64> {
        let has = |phase: &Phase| match phase {
            Phase::Established(p) => p.children.iter().any(|c| c.spi_in == spi_in),
            _ => false,
        };
        let known = self.pairs.get(&spi_in).copied();
        let still = known.filter(|spi| sas.get(spi).is_some_and(has));
        let owner = still.or_else(|| {
            let mut all = sas.iter();
            all.find(|(_, phase)| has(phase)).map(|(spi, _)| *spi)
        });
        match owner {
            Some(owner) if still.is_none() => {
                // Pairs that are gone are never asked for again; before their entries outgrow the others all go.
                if self.pairs.len() > 2 * sas.len() + 64 {
                    self.pairs.clear();
                }
                self.pairs.insert(spi_in, owner);
            }
            Some(_) => {}
            None => {
                self.pairs.remove(&spi_in);
            }
        }
        owner
    }
}

fn digest(identity: &Identity) -> u64 {
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    hasher.finish()
}
