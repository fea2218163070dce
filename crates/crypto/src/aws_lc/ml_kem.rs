//! ML-KEM (FIPS 203) as a key exchange: the initiator sends an encapsulation key, the responder what it encapsulates
//! under it (draft-ietf-ipsecme-ikev2-mlkem 2).

use zeroize::Zeroizing;

use super::raw::kem::{Kem, KemKey};
use crate::error::KeError;
use crate::ke::{Ephemeral, KeSpec, KeyExchange, spec};
use crate::random::Random;
use adit_model::Secret;

pub(super) static ML_KEM_512: MlKem = MlKem {
    spec: spec::ML_KEM_512,
    kem: Kem::MlKem512,
};
pub(super) static ML_KEM_768: MlKem = MlKem {
    spec: spec::ML_KEM_768,
    kem: Kem::MlKem768,
};
pub(super) static ML_KEM_1024: MlKem = MlKem {
    spec: spec::ML_KEM_1024,
    kem: Kem::MlKem1024,
};

/// One parameter set.
pub(super) struct MlKem {
    spec: KeSpec,
    kem: Kem,
}

impl MlKem {
    fn begin(&'static self, seed: &[u8; 64]) -> Option<(Box<dyn Ephemeral>, Vec<u8>)> {
        let key = KemKey::generate(self.kem, seed)?;
        let public = key.public(self.spec.initiator_len)?;
        Some((Box::new(Private { method: self, key }), public))
    }
}

impl KeyExchange for MlKem {
    fn spec(&self) -> &KeSpec {
        &self.spec
    }

    #[expect(clippy::expect_used, reason = "fails only when memory is exhausted")]
    fn start(&'static self, random: &dyn Random) -> (Box<dyn Ephemeral>, Vec<u8>) {
        let mut seed = Zeroizing::new([0; 64]);
        random.fill(&mut *seed);
        self.begin(&seed).expect("memory for one key")
    }

    fn respond(
        &'static self,
        random: &dyn Random,
        peer_public: &[u8],
    ) -> Result<(Vec<u8>, Secret), KeError> {
        self.spec.check_initiator(peer_public)?;
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(&mut *seed);
        // The library makes the modulus check of FIPS 203 7.2.
        KemKey::from_public(self.kem, peer_public)
            .and_then(|key| key.encapsulate(&seed, self.spec.responder_len))
            .map(|(ciphertext, shared)| (ciphertext, Secret::new(shared)))
            .ok_or(KeError::InvalidPublic(self.spec.id))
    }

    fn dangerous_start_with(
        &'static self,
        private: &[u8],
    ) -> Result<(Box<dyn Ephemeral>, Vec<u8>), KeError> {
        <&[u8; 64]>::try_from(private)
            .ok()
            .and_then(|seed| self.begin(seed))
            .ok_or(KeError::BadPrivate(self.spec.id))
    }
}

struct Private {
    method: &'static MlKem,
    key: KemKey,
}

impl Ephemeral for Private {
    fn finish(&self, peer_public: &[u8]) -> Result<Secret, KeError> {
        let spec = &self.method.spec;
        spec.check_responder(peer_public)?;
        self.key
            .decapsulate(peer_public)
            .map(Secret::new)
            .ok_or(KeError::InvalidPublic(spec.id))
    }
}
