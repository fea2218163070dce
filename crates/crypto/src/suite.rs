//! What a negotiation chose, checked once.

use std::fmt;

use adit_wire::iana::{EncrId, IntegId};

use crate::encr::{Encr, EncrKind};
use crate::error::Unsupported;
use crate::integ::Integ;
use crate::packet::Shape;
use crate::prf::Prf;

/// The algorithms that protect packets: a combined-mode cipher, or a cipher and an integrity algorithm.
/// Made by [`Provider::protection`](crate::Provider::protection), so the combination is known to work.
#[derive(Clone, Copy)]
pub struct Protection {
    encr: &'static dyn Encr,
    key_len: usize,
    integ: Option<&'static dyn Integ>,
}

impl Protection {
    pub(crate) fn new(
        encr: &'static dyn Encr,
        key_bits: Option<u16>,
        integ: Option<&'static dyn Integ>,
    ) -> Result<Self, Unsupported> {
        let spec = encr.spec();
        let key_len = spec.key_len(key_bits)?;
        match (spec.kind, integ) {
            (EncrKind::Aead, Some(integ)) => Err(Unsupported::IntegSuperfluous {
                encr: spec.id,
                integ: integ.spec().id,
            }),
            (EncrKind::Cipher, None) => Err(Unsupported::IntegMissing(spec.id)),
            _ => Ok(Self {
                encr,
                key_len,
                integ,
            }),
        }
    }

    /// The encryption algorithm's id.
    #[must_use]
    pub fn encr_id(&self) -> EncrId {
        self.encr.spec().id
    }

    /// Key length in bits, salt excluded.
    #[must_use]
    pub fn key_bits(&self) -> usize {
        self.key_len * 8
    }

    /// The integrity algorithm's id; `None` for a combined-mode cipher.
    #[must_use]
    pub fn integ_id(&self) -> Option<IntegId> {
        self.integ.map(|integ| integ.spec().id)
    }

    /// Octets of SK_e, or of the ESP encryption key, salt included.
    #[must_use]
    pub fn encr_key_len(&self) -> usize {
        self.key_len + self.encr.spec().salt_len
    }

    /// Octets of SK_a, or of the ESP integrity key; 0 for a combined-mode cipher.
    #[must_use]
    pub fn integ_key_len(&self) -> usize {
        self.integ.map_or(0, |integ| integ.spec().key_len)
    }

    /// Octets of keying material for one direction of a CHILD SA: encryption key, salt, integrity key
    /// (RFC 7296 2.17).
    #[must_use]
    pub fn keymat_len(&self) -> usize {
        self.encr_key_len() + self.integ_key_len()
    }

    /// What a packet grows by.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let spec = self.encr.spec();
        Shape {
            iv_len: spec.iv_len,
            icv_len: self
                .integ
                .map_or(spec.icv_len, |integ| integ.spec().icv_len),
            block_len: spec.block_len,
        }
    }

    pub(crate) fn encr(&self) -> &'static dyn Encr {
        self.encr
    }

    pub(crate) fn integ(&self) -> Option<&'static dyn Integ> {
        self.integ
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.encr_id(), self.key_bits())?;
        self.integ_id()
            .map_or(Ok(()), |integ| write!(f, "/{integ}"))
    }
}

/// The algorithms of an IKE SA, key exchange apart. Made by [`Provider::ike_suite`](crate::Provider::ike_suite).
#[derive(Clone, Copy)]
pub struct IkeSuite {
    /// Protects Encrypted payloads.
    pub protection: Protection,
    /// Derives keys and computes AUTH.
    pub prf: &'static dyn Prf,
}

impl fmt::Debug for IkeSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.protection, self.prf.spec().id)
    }
}
