//! HMAC as pseudo-random function and as integrity algorithm (RFC 2404, RFC 4868).

use adit_wire::iana::{IntegId, PrfId};
use aws_lc_rs::hmac;

use crate::error::BadKey;
use crate::integ::{Integ, IntegKey, IntegSpec};
use crate::prf::{Prf, PrfSpec};
use adit_model::Secret;

pub(super) static PRF_SHA1: HmacPrf = prf(PrfId::PRF_HMAC_SHA1, 20, false);
pub(super) static PRF_SHA2_256: HmacPrf = prf(PrfId::PRF_HMAC_SHA2_256, 32, true);
pub(super) static PRF_SHA2_384: HmacPrf = prf(PrfId::PRF_HMAC_SHA2_384, 48, true);
pub(super) static PRF_SHA2_512: HmacPrf = prf(PrfId::PRF_HMAC_SHA2_512, 64, true);

pub(super) static SHA1_96: HmacInteg = integ(IntegId::AUTH_HMAC_SHA1_96, 20, 12, false);
pub(super) static SHA2_256_128: HmacInteg = integ(IntegId::AUTH_HMAC_SHA2_256_128, 32, 16, true);
pub(super) static SHA2_384_192: HmacInteg = integ(IntegId::AUTH_HMAC_SHA2_384_192, 48, 24, true);
pub(super) static SHA2_512_256: HmacInteg = integ(IntegId::AUTH_HMAC_SHA2_512_256, 64, 32, true);

pub(super) struct HmacPrf(PrfSpec);

pub(super) struct HmacInteg(IntegSpec);

const fn prf(id: PrfId, output_len: usize, default_offer: bool) -> HmacPrf {
    HmacPrf(PrfSpec {
        id,
        output_len,
        fixed_key: false,
        default_offer,
    })
}

/// The key is as long as the hash's output (RFC 4868 2.1.1; RFC 2404 3).
const fn integ(id: IntegId, key_len: usize, icv_len: usize, default_offer: bool) -> HmacInteg {
    HmacInteg(IntegSpec {
        id,
        key_len,
        icv_len,
        default_offer,
    })
}

/// The hash is told by its output length.
fn algorithm(output_len: usize) -> hmac::Algorithm {
    match output_len {
        20 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        32 => hmac::HMAC_SHA256,
        48 => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    }
}

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    match parts {
        [whole] => hmac::sign(key, whole),
        _ => {
            let mut context = hmac::Context::with_key(key);
            parts.iter().for_each(|part| context.update(part));
            context.sign()
        }
    }
}

impl Prf for HmacPrf {
    fn spec(&self) -> &PrfSpec {
        &self.0
    }

    fn compute(&self, key: &[u8], parts: &[&[u8]]) -> Secret {
        let key = hmac::Key::new(algorithm(self.0.output_len), key);
        Secret::new(tag(&key, parts).as_ref().to_vec())
    }
}

impl Integ for HmacInteg {
    fn spec(&self) -> &IntegSpec {
        &self.0
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn IntegKey>, BadKey> {
        if key.len() != self.0.key_len {
            return Err(BadKey {
                expected: self.0.key_len,
                got: key.len(),
            });
        }
        Ok(Box::new(HmacKey(hmac::Key::new(algorithm(key.len()), key))))
    }
}

struct HmacKey(hmac::Key);

impl IntegKey for HmacKey {
    fn sign(&self, parts: &[&[u8]], icv: &mut [u8]) {
        let tag = tag(&self.0, parts);
        for (to, from) in icv.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
    }
}
