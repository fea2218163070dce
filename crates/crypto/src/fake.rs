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
    &Fake(spec::ML_KEM_768),
    &Fake(spec::ML_KEM_512),
    &Fake(spec::ML_KEM_1024),
];

const PRIME: u64 = (1 << 61) - 1;
const GENERATOR: u64 = 37;

struct Fake(KeSpec);

impl Fake {
    fn draw(&self, seed: u64) -> Private {
        Private {
            spec: self.0,
            private: 2 + mix(seed) % (PRIME - 3),
        }
    }

    fn begin(&self, seed: u64) -> (Box<dyn Ephemeral>, Vec<u8>) {
        let private = self.draw(seed);
        let public = private.public(self.0.initiator_len);
        (Box::new(private), public)
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

    fn respond(
        &'static self,
        random: &dyn Random,
        peer_public: &[u8],
    ) -> Result<(Vec<u8>, Secret), KeError> {
        let mut seed = [0; 8];
        random.fill(&mut seed);
        let private = self.draw(u64::from_be_bytes(seed));
        self.0.check_initiator(peer_public)?;
        let shared = private.agree(peer_public)?;
        Ok((private.public(self.0.responder_len), shared))
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

impl Private {
    /// The public value, with zeros in front to the length of the real one.
    fn public(&self, len: usize) -> Vec<u8> {
        let mut public = vec![0; len - 8];
        public.extend_from_slice(&power(GENERATOR, self.private).to_be_bytes());
        public
    }

    fn agree(&self, peer_public: &[u8]) -> Result<Secret, KeError> {
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

impl Ephemeral for Private {
    fn finish(&self, peer_public: &[u8]) -> Result<Secret, KeError> {
        self.spec.check_responder(peer_public)?;
        self.agree(peer_public)
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
