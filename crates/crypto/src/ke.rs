//! Transform type 4: key exchange.

use adit_wire::iana::KeMethod;

use crate::error::KeError;
use crate::random::Random;
use adit_model::Secret;

/// What one key exchange method looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeSpec {
    /// IANA transform id, also the "Diffie-Hellman Group Num" of the KE payload.
    pub id: KeMethod,
    /// Octets of the initiator's KE payload: its public value.
    pub initiator_len: usize,
    /// Octets of the responder's KE payload: its public value, or what it encapsulated.
    pub responder_len: usize,
    /// Octets of the shared secret.
    pub shared_len: usize,
    /// Security strength in bits against a classical attacker (NIST SP 800-57).
    pub strength: u16,
    /// Whether it may be the first key exchange of an IKE SA. Where its messages would not fit a datagram that every
    /// path takes, IKE_SA_INIT can't carry them, being without fragments; it may be an additional one (RFC 9370 2).
    pub may_be_first: bool,
    /// Whether it belongs to a proposal that nobody configured.
    pub default_offer: bool,
}

impl KeSpec {
    /// The initiator's value must have exactly the method's length; leading zeros are part of it.
    pub(crate) fn check_initiator(&self, public: &[u8]) -> Result<(), KeError> {
        self.check(self.initiator_len, public)
    }

    /// So must the responder's.
    pub(crate) fn check_responder(&self, public: &[u8]) -> Result<(), KeError> {
        self.check(self.responder_len, public)
    }

    fn check(&self, expected: usize, public: &[u8]) -> Result<(), KeError> {
        if public.len() == expected {
            return Ok(());
        }
        Err(KeError::WrongLength {
            method: self.id,
            expected,
            got: public.len(),
        })
    }
}

/// A key exchange method of a provider.
pub trait KeyExchange: Send + Sync {
    /// Its dimensions.
    fn spec(&self) -> &KeSpec;

    /// The initiator's first half: draws a private value from `random`; returns it with the public value for the KE
    /// payload.
    fn start(&'static self, random: &dyn Random) -> (Box<dyn Ephemeral>, Vec<u8>);

    /// The responder's whole side: answers `peer_public` with our public value and the shared secret.
    ///
    /// # Errors
    /// [`KeError`] about the peer's public value.
    fn respond(
        &'static self,
        random: &dyn Random,
        peer_public: &[u8],
    ) -> Result<(Vec<u8>, Secret), KeError> {
        let (ephemeral, public) = self.start(random);
        Ok((public, ephemeral.finish(peer_public)?))
    }

    /// Starts from a given private value (big-endian; little-endian for X25519; `d | z` for ML-KEM, FIPS 203 7.1), for known-answer tests. A private
    /// value that is ever used twice, or known to anybody, makes the exchange worthless.
    ///
    /// # Errors
    /// [`KeError::BadPrivate`] when the method does not allow the value.
    fn dangerous_start_with(
        &'static self,
        private: &[u8],
    ) -> Result<(Box<dyn Ephemeral>, Vec<u8>), KeError>;
}

/// Our private value between the two messages of an exchange. Good for one shared secret; wiped when dropped. A public
/// value that is refused leaves it as it was: in IKE_SA_INIT anybody may have sent it, and the right one may follow.
pub trait Ephemeral: Send {
    /// Checks the peer's public value and computes the shared secret: g^ir of RFC 7296 2.14, left-padded to the
    /// modulus for MODP groups; the x coordinate alone for ECP groups (RFC 5903 9). What doesn't decapsulate under ML-KEM
    /// gives a secret that nobody else has, by design (FIPS 203 6.3).
    ///
    /// # Errors
    /// [`KeError`] about the peer's public value.
    fn finish(&self, peer_public: &[u8]) -> Result<Secret, KeError>;
}

/// The methods' dimensions, the same for every provider.
pub(crate) mod spec {
    use super::{KeMethod, KeSpec};

    pub(crate) const MODP_2048: KeSpec = modp(KeMethod::MODP_2048, 256, 112, true);
    pub(crate) const MODP_3072: KeSpec = modp(KeMethod::MODP_3072, 384, 128, true);
    pub(crate) const MODP_4096: KeSpec = modp(KeMethod::MODP_4096, 512, 152, true);
    pub(crate) const MODP_6144: KeSpec = modp(KeMethod::MODP_6144, 768, 176, false);
    pub(crate) const MODP_8192: KeSpec = modp(KeMethod::MODP_8192, 1024, 192, false);
    pub(crate) const ECP_256: KeSpec = ecp(KeMethod::ECP_256, 32, 128);
    pub(crate) const ECP_384: KeSpec = ecp(KeMethod::ECP_384, 48, 192);
    pub(crate) const ECP_521: KeSpec = ecp(KeMethod::ECP_521, 66, 256);
    pub(crate) const CURVE25519: KeSpec = KeSpec {
        id: KeMethod::CURVE25519,
        initiator_len: 32,
        responder_len: 32,
        shared_len: 32,
        strength: 128,
        may_be_first: true,
        default_offer: true,
    };
    pub(crate) const ML_KEM_512: KeSpec = ml_kem(KeMethod::ML_KEM_512, 800, 768, 128, false);
    pub(crate) const ML_KEM_768: KeSpec = ml_kem(KeMethod::ML_KEM_768, 1184, 1088, 192, true);
    pub(crate) const ML_KEM_1024: KeSpec = ml_kem(KeMethod::ML_KEM_1024, 1568, 1568, 256, false);

    /// FIPS 203 table 3: lengths of the encapsulation key and of the ciphertext.
    const fn ml_kem(
        id: KeMethod,
        initiator_len: usize,
        responder_len: usize,
        strength: u16,
        default_offer: bool,
    ) -> KeSpec {
        KeSpec {
            id,
            initiator_len,
            responder_len,
            shared_len: 32,
            strength,
            may_be_first: false,
            default_offer,
        }
    }

    const fn modp(id: KeMethod, len: usize, strength: u16, default_offer: bool) -> KeSpec {
        KeSpec {
            id,
            initiator_len: len,
            responder_len: len,
            shared_len: len,
            strength,
            may_be_first: true,
            default_offer,
        }
    }

    const fn ecp(id: KeMethod, field_len: usize, strength: u16) -> KeSpec {
        KeSpec {
            id,
            initiator_len: 2 * field_len,
            responder_len: 2 * field_len,
            shared_len: field_len,
            strength,
            may_be_first: true,
            default_offer: true,
        }
    }
}
