//! The IKEv2 key schedule (RFC 7296 2.14, 2.17, 2.18).

use crate::prf::{Prf, prf_plus};
use crate::suite::{IkeSuite, Protection};
use adit_model::Secret;

/// The seven keys of an IKE SA, named as in RFC 7296 2.14: `i` protects what the original initiator sends.
pub struct IkeKeys {
    /// Derives keys of CHILD SAs and of the successor IKE SA.
    pub sk_d: Secret,
    /// Integrity, initiator to responder; empty for a combined-mode cipher.
    pub sk_ai: Secret,
    /// Integrity, responder to initiator; empty for a combined-mode cipher.
    pub sk_ar: Secret,
    /// Encryption, initiator to responder, salt included.
    pub sk_ei: Secret,
    /// Encryption, responder to initiator, salt included.
    pub sk_er: Secret,
    /// Enters the initiator's AUTH payload.
    pub sk_pi: Secret,
    /// Enters the responder's AUTH payload.
    pub sk_pr: Secret,
}

/// What both sides know when an IKE SA comes to be.
#[derive(Clone, Copy)]
pub struct IkeKeyInputs<'a> {
    /// The initiator's nonce, without payload header.
    pub ni: &'a [u8],
    /// The responder's nonce, without payload header.
    pub nr: &'a [u8],
    /// The secret of the key exchange, g^ir.
    pub shared: &'a Secret,
    /// The initiator's SPI (the new one when rekeying).
    pub spi_i: [u8; 8],
    /// The responder's SPI (the new one when rekeying).
    pub spi_r: [u8; 8],
}

impl IkeKeys {
    /// Keys of a new IKE SA: SKEYSEED = prf(Ni | Nr, g^ir).
    #[must_use]
    pub fn derive(suite: &IkeSuite, inputs: &IkeKeyInputs<'_>) -> Self {
        Self::expand(suite, &skeyseed(suite.prf, inputs), inputs)
    }

    /// Keys of the IKE SA that replaces another: SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), computed with
    /// the old SA's prf; the new SA's prf does the rest (RFC 7296 2.18). The secrets of `additional` key exchanges follow
    /// the nonces (RFC 9370 2.2.4).
    #[must_use]
    pub fn derive_rekeyed(
        suite: &IkeSuite,
        old_prf: &dyn Prf,
        old_sk_d: &Secret,
        inputs: &IkeKeyInputs<'_>,
        additional: &[Secret],
    ) -> Self {
        let parts: Vec<&[u8]> = [inputs.shared.expose(), inputs.ni, inputs.nr]
            .into_iter()
            .chain(additional.iter().map(Secret::expose))
            .collect();
        Self::expand(suite, &old_prf.compute(old_sk_d.expose(), &parts), inputs)
    }

    /// Keys after an additional key exchange of the initial exchanges, whose secret is `inputs.shared`:
    /// SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr), with nonces and SPIs of IKE_SA_INIT (RFC 9370 2.2.2).
    #[must_use]
    pub fn derive_updated(suite: &IkeSuite, sk_d: &Secret, inputs: &IkeKeyInputs<'_>) -> Self {
        Self::derive_rekeyed(suite, suite.prf, sk_d, inputs, &[])
    }

    /// {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr).
    fn expand(suite: &IkeSuite, skeyseed: &Secret, inputs: &IkeKeyInputs<'_>) -> Self {
        let p = suite.prf.spec().output_len;
        let (a, e) = (
            suite.protection.integ_key_len(),
            suite.protection.encr_key_len(),
        );
        let seed: [&[u8]; 4] = [inputs.ni, inputs.nr, &inputs.spi_i, &inputs.spi_r];
        let material = prf_plus(suite.prf, skeyseed.expose(), &seed, 3 * p + 2 * a + 2 * e);
        let mut cut = Cutter(material.expose());
        Self {
            sk_d: cut.take(p),
            sk_ai: cut.take(a),
            sk_ar: cut.take(a),
            sk_ei: cut.take(e),
            sk_er: cut.take(e),
            sk_pi: cut.take(p),
            sk_pr: cut.take(p),
        }
    }
}

/// SKEYSEED of a new IKE SA. A prf with a fixed key length is keyed by the first 64 bits of each nonce.
fn skeyseed(prf: &dyn Prf, inputs: &IkeKeyInputs<'_>) -> Secret {
    let limit = if prf.spec().fixed_key { 8 } else { usize::MAX };
    let used = |nonce: &[u8]| nonce[..nonce.len().min(limit)].to_vec();
    prf.compute(
        &[used(inputs.ni), used(inputs.nr)].concat(),
        &[inputs.shared.expose()],
    )
}

/// Keying material of a CHILD SA, one piece for each direction.
pub struct ChildKeys {
    /// For the SA that carries data from the initiator of the exchange to its responder.
    pub initiator: Secret,
    /// For the SA that carries data from the responder of the exchange to its initiator.
    pub responder: Secret,
}

impl ChildKeys {
    /// Cuts KEYMAT in the order of RFC 7296 2.17. `ni` and `nr` are those of the exchange that creates the CHILD SA
    /// (of IKE_SA_INIT for the first one), `shared` is the secret of that exchange's own key exchange, if it had one,
    /// `additional` are those of further ones (RFC 9370 2.2.4).
    #[must_use]
    pub fn derive(
        protection: &Protection,
        prf: &dyn Prf,
        sk_d: &Secret,
        shared: Option<&Secret>,
        ni: &[u8],
        nr: &[u8],
        additional: &[Secret],
    ) -> Self {
        let len = protection.keymat_len();
        let seed: Vec<&[u8]> = [shared.map_or(&[][..], Secret::expose), ni, nr]
            .into_iter()
            .chain(additional.iter().map(Secret::expose))
            .collect();
        let material = prf_plus(prf, sk_d.expose(), &seed, 2 * len);
        let mut cut = Cutter(material.expose());
        Self {
            initiator: cut.take(len),
            responder: cut.take(len),
        }
    }
}

/// KEYMAT = prf+(SK_d, [g^ir (new) |] Ni | Nr), `len` octets of it (RFC 7296 2.17).
#[must_use]
pub fn child_keymat(
    prf: &dyn Prf,
    sk_d: &Secret,
    shared: Option<&Secret>,
    ni: &[u8],
    nr: &[u8],
    len: usize,
) -> Secret {
    prf_plus(
        prf,
        sk_d.expose(),
        &[shared.map_or(&[][..], Secret::expose), ni, nr],
        len,
    )
}

/// Takes keys off the front of keying material.
struct Cutter<'a>(&'a [u8]);

impl Cutter<'_> {
    fn take(&mut self, len: usize) -> Secret {
        let (key, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        Secret::new(key.to_vec())
    }
}
