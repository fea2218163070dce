//! The real provider: AWS-LC, through `aws-lc-rs` where its safe interface reaches and through [`raw`] elsewhere.

use crate::encr::Encr;
use crate::integ::Integ;
use crate::ke::KeyExchange;
use crate::prf::Prf;
use crate::random::Random;

pub(crate) const ENCR: &[&dyn Encr] = &[];
pub(crate) const PRF: &[&dyn Prf] = &[];
pub(crate) const INTEG: &[&dyn Integ] = &[];
pub(crate) const KE: &[&dyn KeyExchange] = &[];

/// The operating system's entropy through AWS-LC's generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        if aws_lc_rs::rand::fill(out).is_err() {
            // Going on with predictable octets would give away every key; AWS-LC itself does the same.
            std::process::abort();
        }
    }
}
