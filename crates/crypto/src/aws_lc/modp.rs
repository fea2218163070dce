//! Diffie-Hellman modulo the safe primes of RFC 3526.
//!
//! Private exponents are short: twice the group's strength and some reserve. In a safe-prime group that loses nothing
//! (RFC 7919 5.2) and makes an exchange up to seven times cheaper than a full-length exponent would.

use std::sync::OnceLock;

use zeroize::Zeroizing;

use super::raw::{ModpPrime, Modulus};
use crate::error::KeError;
use crate::ke::{Ephemeral, KeSpec, KeyExchange, spec};
use crate::random::Random;
use adit_model::Secret;

const GENERATOR: &[u8] = &[2];

pub(super) static MODP_2048: Modp = Modp::new(spec::MODP_2048, ModpPrime::Bits2048, 256);
pub(super) static MODP_3072: Modp = Modp::new(spec::MODP_3072, ModpPrime::Bits3072, 320);
pub(super) static MODP_4096: Modp = Modp::new(spec::MODP_4096, ModpPrime::Bits4096, 384);
pub(super) static MODP_6144: Modp = Modp::new(spec::MODP_6144, ModpPrime::Bits6144, 448);
pub(super) static MODP_8192: Modp = Modp::new(spec::MODP_8192, ModpPrime::Bits8192, 512);

/// One group. The prime's Montgomery context is computed once: a constant that is too long to write down.
pub(super) struct Modp {
    spec: KeSpec,
    prime: ModpPrime,
    exponent_bits: usize,
    modulus: OnceLock<Modulus>,
}

impl Modp {
    const fn new(spec: KeSpec, prime: ModpPrime, exponent_bits: usize) -> Self {
        Self {
            spec,
            prime,
            exponent_bits,
            modulus: OnceLock::new(),
        }
    }

    #[expect(clippy::expect_used, reason = "fails only when memory is exhausted")]
    fn modulus(&self) -> &Modulus {
        self.modulus
            .get_or_init(|| Modulus::new(self.prime).expect("memory for one prime"))
    }

    #[expect(clippy::expect_used, reason = "fails only when memory is exhausted")]
    fn begin(&'static self, private: Zeroizing<Vec<u8>>) -> (Box<dyn Ephemeral>, Vec<u8>) {
        let public = self
            .modulus()
            .power(GENERATOR, &private)
            .expect("memory for one number");
        (
            Box::new(Private {
                group: self,
                private,
            }),
            public,
        )
    }
}

impl KeyExchange for Modp {
    fn spec(&self) -> &KeSpec {
        &self.spec
    }

    fn start(&'static self, random: &dyn Random) -> (Box<dyn Ephemeral>, Vec<u8>) {
        let mut private = Zeroizing::new(vec![0; self.exponent_bits / 8]);
        random.fill(&mut private);
        // A fixed top bit keeps the exponent's length, and so the running time, the same for everyone.
        private[0] |= 0x80;
        self.begin(private)
    }

    fn dangerous_start_with(
        &'static self,
        private: &[u8],
    ) -> Result<(Box<dyn Ephemeral>, Vec<u8>), KeError> {
        if private.len() > self.spec.shared_len || private.iter().all(|&octet| octet == 0) {
            return Err(KeError::BadPrivate(self.spec.id));
        }
        Ok(self.begin(Zeroizing::new(private.to_vec())))
    }
}

struct Private {
    group: &'static Modp,
    private: Zeroizing<Vec<u8>>,
}

impl Ephemeral for Private {
    fn finish(&self, peer_public: &[u8]) -> Result<Secret, KeError> {
        let spec = &self.group.spec;
        spec.check_responder(peer_public)?;
        let invalid = KeError::InvalidPublic(spec.id);
        if !is_in_range(peer_public, self.group.modulus().octets()) {
            return Err(invalid);
        }
        self.group
            .modulus()
            .power(peer_public, &self.private)
            .map(Secret::new)
            .ok_or(invalid)
    }
}

/// 1 < y < p - 1 (RFC 6989 2.1), both big-endian and of the same length. What is compared is public.
fn is_in_range(y: &[u8], p: &[u8]) -> bool {
    let (Some((y_last, y_front)), Some((p_last, p_front))) = (y.split_last(), p.split_last())
    else {
        return false;
    };
    let above_one = *y_last > 1 || y_front.iter().any(|&octet| octet != 0);
    // p is odd, so p - 1 differs from it in the last octet alone.
    above_one && (y_front, *y_last) < (p_front, p_last - 1)
}
