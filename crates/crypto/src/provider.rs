//! Providers: static tables of algorithms, and where random octets come from.

use std::fmt;
use std::sync::Arc;

use adit_wire::iana::{EncrId, IntegId, KeMethod, PrfId};

use crate::encr::Encr;
use crate::error::Unsupported;
use crate::integ::Integ;
use crate::ke::KeyExchange;
use crate::prf::Prf;
use crate::random::{Random, Seeded};
use crate::suite::{IkeSuite, Protection};
use crate::{aws_lc, fake};

/// A set of algorithms. The slices are in order of preference; entries whose spec says `default_offer` make up the
/// proposal of a connection that names none.
#[derive(Clone)]
pub struct Provider {
    /// Encryption algorithms.
    pub encr: &'static [&'static dyn Encr],
    /// Pseudo-random functions.
    pub prf: &'static [&'static dyn Prf],
    /// Integrity algorithms.
    pub integ: &'static [&'static dyn Integ],
    /// Key exchange methods.
    pub ke: &'static [&'static dyn KeyExchange],
    /// Where all random octets come from.
    pub random: Arc<dyn Random>,
}

/// The real provider: AWS-LC's algorithms and its random generator.
#[must_use]
pub fn aws_lc() -> Provider {
    Provider {
        encr: aws_lc::ENCR,
        prf: aws_lc::PRF,
        integ: aws_lc::INTEG,
        ke: aws_lc::KE,
        random: Arc::new(aws_lc::SystemRandom),
    }
}

/// A provider without any security, for tests and the virtual world: everything it does follows from `seed`.
///
/// Its ciphers and pseudo-random functions are the real ones, being deterministic and fast as they are, so a wrong
/// key, nonce or header is caught and a capture of the virtual world can be decrypted by other tools. Its key exchange
/// has the real methods' ids and lengths but costs next to nothing and hides nothing.
#[must_use]
pub fn fake(seed: u64) -> Provider {
    Provider {
        ke: fake::KE,
        random: Arc::new(Seeded::new(seed)),
        ..aws_lc()
    }
}

impl Provider {
    /// The encryption algorithm with this id.
    ///
    /// # Errors
    /// [`Unsupported::Encr`] when there is none.
    pub fn encr(&self, id: EncrId) -> Result<&'static dyn Encr, Unsupported> {
        self.encr
            .iter()
            .copied()
            .find(|a| a.spec().id == id)
            .ok_or(Unsupported::Encr(id))
    }

    /// The pseudo-random function with this id.
    ///
    /// # Errors
    /// [`Unsupported::Prf`] when there is none.
    pub fn prf(&self, id: PrfId) -> Result<&'static dyn Prf, Unsupported> {
        self.prf
            .iter()
            .copied()
            .find(|a| a.spec().id == id)
            .ok_or(Unsupported::Prf(id))
    }

    /// The integrity algorithm with this id.
    ///
    /// # Errors
    /// [`Unsupported::Integ`] when there is none.
    pub fn integ(&self, id: IntegId) -> Result<&'static dyn Integ, Unsupported> {
        self.integ
            .iter()
            .copied()
            .find(|a| a.spec().id == id)
            .ok_or(Unsupported::Integ(id))
    }

    /// The key exchange method with this id.
    ///
    /// # Errors
    /// [`Unsupported::Ke`] when there is none.
    pub fn ke(&self, id: KeMethod) -> Result<&'static dyn KeyExchange, Unsupported> {
        self.ke
            .iter()
            .copied()
            .find(|a| a.spec().id == id)
            .ok_or(Unsupported::Ke(id))
    }

    /// The packet protection of an ESP proposal: encryption transform, its Key Length attribute, and the integrity
    /// transform, where `None` and `Some(IntegId::NONE)` mean the same.
    ///
    /// # Errors
    /// [`Unsupported`], naming the transform or combination that cannot be used.
    pub fn protection(
        &self,
        encr: EncrId,
        key_bits: Option<u16>,
        integ: Option<IntegId>,
    ) -> Result<Protection, Unsupported> {
        let integ = integ
            .filter(|&id| id != IntegId::NONE)
            .map(|id| self.integ(id))
            .transpose()?;
        Protection::new(self.encr(encr)?, key_bits, integ)
    }

    /// The algorithms of an IKE proposal, key exchange apart.
    ///
    /// # Errors
    /// [`Unsupported`], naming the transform or combination that cannot be used.
    pub fn ike_suite(
        &self,
        encr: EncrId,
        key_bits: Option<u16>,
        integ: Option<IntegId>,
        prf: PrfId,
    ) -> Result<IkeSuite, Unsupported> {
        let protection = self.protection(encr, key_bits, integ)?;
        if !protection.encr().spec().for_ike {
            return Err(Unsupported::NotForIke(encr));
        }
        Ok(IkeSuite {
            protection,
            prf: self.prf(prf)?,
        })
    }

    /// `N` random octets.
    #[must_use]
    pub fn random_octets<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.random.fill(&mut out);
        out
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field(
                "encr",
                &self.encr.iter().map(|a| a.spec().id).collect::<Vec<_>>(),
            )
            .field(
                "prf",
                &self.prf.iter().map(|a| a.spec().id).collect::<Vec<_>>(),
            )
            .field(
                "integ",
                &self.integ.iter().map(|a| a.spec().id).collect::<Vec<_>>(),
            )
            .field(
                "ke",
                &self.ke.iter().map(|a| a.spec().id).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}
