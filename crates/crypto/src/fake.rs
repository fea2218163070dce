//! A key exchange that hides nothing and costs nothing: Diffie-Hellman modulo 2^61 - 1, dressed in the ids and lengths
//! of the real methods.
//!
//! It keeps the properties that protocol code relies on: both sides agree, values of wrong length and values outside
//! the group are refused, another private value gives another secret.

use crate::error::KeError;
use crate::ke::{Ephemeral, KeSpec, KeyExchange, spec};
use crate::random::{Random, mix};
use adit_model::Secret;

pub(crate) static KE: &[&dyn KeyExchange] = &[
    &Fake(spec::CURVE25519),
    &Fake(spec::ECP_256),
    &Fake(spec::ECP_384),
    &Fake(spec::ECP_521),
    &Fake(spec::MODP_3072),
    &Fake(spec::MODP_2048),
    &Fake(spec::MODP_4096),
    &Fake(spec::MODP_6144),
    &Fake(spec::MODP_8192),
];

const PRIME: u64 = (1 << 61) - 1;
const GENERATOR: u64 = 37;

struct Fake(KeSpec);

impl Fake {
    fn begin(&self, seed: u64) -> (Box<dyn Ephemeral>, Vec<u8>) {
        let private = 2 + mix(seed) % (PRIME - 3);
        let mut public = vec![0; self.0.public_len - 8];
        public.extend_from_slice(&power(GENERATOR, private).to_be_bytes());
        (
            Box::new(Private {
                spec: self.0,
                private,
            }),
            public,
        )
    }
}

impl KeyExchange for Fake {
    fn spec(&self) -> &KeSpec {
        &self.0
    }

    fn start(&'static self, random: &dyn Random) -> (Box<dyn Ephemeral>, Vec<u8>) {
        let mut seed = [0; 8];
        random.fill(&mut seed);
        self.begin(u64::from_be_bytes(seed))
    }

    fn dangerous_start_with(
        &'static self,
        private: &[u8],
    ) -> Result<(Box<dyn Ephemeral>, Vec<u8>), KeError> {
        if private.is_empty() {
            return Err(KeError::BadPrivate(self.0.id));
        }
        Ok(self.begin(
            private
                .iter()
                .fold(0, |seed, &octet| mix(seed ^ u64::from(octet))),
        ))
    }
}

struct Private {
    spec: KeSpec,
    private: u64,
}

impl Ephemeral for Private {
    fn finish(&self, peer_public: &[u8]) -> Result<Secret, KeError> {
        self.spec.check_length(peer_public)?;
        let invalid = KeError::InvalidPublic(self.spec.id);
        let (front, element) = peer_public.split_last_chunk().ok_or(invalid)?;
        let element = u64::from_be_bytes(*element);
        if front.iter().any(|&octet| octet != 0) || !(2..PRIME - 1).contains(&element) {
            return Err(invalid);
        }
        let shared = power(element, self.private);
        let words = (0_u64..).flat_map(|at| mix(shared ^ mix(at)).to_be_bytes());
        Ok(Secret::new(words.take(self.spec.shared_len).collect()))
    }
}

fn power(base: u64, exponent: u64) -> u64 {
    let times = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b) % u128::from(PRIME);
        u64::try_from(product).unwrap_or_default()
    };
    let (mut result, mut square, mut left) = (1, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = times(result, square);
        }
        square = times(square, square);
        left >>= 1;
    }
    result
}
