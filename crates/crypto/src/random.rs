//! The one door through which randomness comes in.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random octets. Nonces, SPIs, cookies' secrets and ephemeral private values all come from here.
pub trait Random: Send + Sync {
    /// Fills `out`. There is no error: a real source that cannot deliver ends the process, because no caller
    /// could go on safely.
    fn fill(&self, out: &mut [u8]);
}

/// Repeatable octets from a seed (SplitMix64). Worthless as a secret.
pub(crate) struct Seeded(AtomicU64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for Seeded {
    fn fill(&self, out: &mut [u8]) {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        for chunk in out.chunks_mut(8) {
            let state = self
                .0
                .fetch_add(GOLDEN, Ordering::Relaxed)
                .wrapping_add(GOLDEN);
            let word = mix(state).to_be_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// The finalizer of SplitMix64: spreads every input bit over the whole word.
pub(crate) fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
