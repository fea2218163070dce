//! Everything in Adit that computes with keys: key exchange, the IKEv2 key schedule, and the protection of IKE
//! messages and ESP packets.
//!
//! # The life of a key
//!
//! 1. **An algorithm is looked up.** A [`Provider`] is a plain struct of static slices, one per transform type
//!    ([`Encr`], [`Prf`], [`Integ`], [`KeyExchange`]), keyed by the IANA code points of `adit_wire::iana`, plus one
//!    source of [`Random`] octets. What a negotiation chose becomes an [`IkeSuite`] or a [`Protection`]; a
//!    combination that cannot work is refused here, so nothing later has to ask again.
//! 2. **A secret is agreed on.** [`KeyExchange::start`] draws a private value and gives the public one for the KE
//!    payload; [`KeyExchange::respond`] answers it; [`Ephemeral::finish`] checks the peer's value and yields the shared
//!    secret. Diffie-Hellman and ML-KEM look alike from here.
//! 3. **Keys are derived.** [`IkeKeys::derive`] turns the secret, the nonces and the SPIs into the seven SK_* keys
//!    (RFC 7296 2.14); [`ChildKeys::derive`] cuts CHILD SA keying material (2.17).
//! 4. **The peers prove who they are.** [`auth`] builds the octets that are signed, and AUTH from a pre-shared key.
//! 5. **Messages are protected.** [`SkCipher`] seals and opens Encrypted payloads, [`EspCipher`] ESP packets. Both
//!    see a packet as `header | IV | ciphertext | ICV` in one buffer and work in place.
//!
//! # What is absent
//!
//! No socket, clock, file, thread or log; no global state but constants computed once (the Montgomery form of a prime).
//! No entropy but [`Provider::random`]: even ephemeral keys are made from its octets, so the same octets give the same
//! handshake. `unsafe` appears in one module, `aws_lc::raw`, which is the only place that calls the C library
//! directly; a key never leaves this crate except as a [`Secret`].
//!
//! # Providers
//!
//! [`provider::aws_lc`] is the real one. [`provider::fake`] has the same ciphers but a worthless key exchange and
//! seeded randomness: deterministic and cheap, for tests and the virtual world.

pub mod auth;
mod aws_lc;
mod digest;
mod encr;
mod error;
mod esp;
mod fake;
mod integ;
mod ke;
mod packet;
pub mod pki;
mod prf;
pub mod provider;
mod random;
mod schedule;
mod sk;
mod suite;

pub use adit_model::Secret;
pub use digest::{V1Hash, sha1};
pub use encr::{AeadKey, CipherKey, Encr, EncrKey, EncrKind, EncrSpec};
pub use error::{BadKey, KeError, OpenError, SealError, Unsupported};
pub use esp::EspCipher;
pub use integ::{Integ, IntegKey, IntegSpec};
pub use ke::{Ephemeral, KeSpec, KeyExchange};
pub use packet::Shape;
pub use prf::{Prf, PrfSpec, prf_plus};
pub use provider::Provider;
pub use random::Random;
pub use schedule::{ChildKeys, IkeKeyInputs, IkeKeys, child_keymat};
pub use sk::SkCipher;
pub use suite::{IkeSuite, Protection};

/// Compares two octet strings in time that depends on their lengths alone.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    a.ct_eq(b).into()
}
