//! AES-CCM (RFC 4309, RFC 5282) with ICVs of 8, 12 and 16 octets. Nonce: 3 octets of salt | explicit IV.

use adit_wire::iana::EncrId;

use super::aead::AES_KEY_BITS;
use super::raw::CcmCall;
use crate::encr::{AeadKey, Encr, EncrKey, EncrKind, EncrSpec};
use crate::error::{BadKey, SealError};
use adit_model::Secret;

const SALT_LEN: usize = 3;

pub(super) static AES_CCM_16: Ccm = ccm(EncrId::ENCR_AES_CCM_16, 16);
pub(super) static AES_CCM_12: Ccm = ccm(EncrId::ENCR_AES_CCM_12, 12);
pub(super) static AES_CCM_8: Ccm = ccm(EncrId::ENCR_AES_CCM_8, 8);

pub(super) struct Ccm(EncrSpec);

const fn ccm(id: EncrId, icv_len: usize) -> Ccm {
    Ccm(EncrSpec {
        id,
        key_bits: AES_KEY_BITS,
        has_key_length: true,
        salt_len: SALT_LEN,
        iv_len: 8,
        icv_len,
        block_len: 1,
        kind: EncrKind::Aead,
        for_ike: true,
        default_offer: false,
    })
}

impl Encr for Ccm {
    fn spec(&self) -> &EncrSpec {
        &self.0
    }

    fn key(&self, material: &[u8]) -> Result<EncrKey, BadKey> {
        let bad = BadKey {
            expected: 16 + SALT_LEN,
            got: material.len(),
        };
        let (key, &salt) = material.split_last_chunk().ok_or(bad)?;
        if !self
            .0
            .key_bits
            .iter()
            .any(|&bits| usize::from(bits) / 8 == key.len())
        {
            return Err(bad);
        }
        Ok(EncrKey::Aead(Box::new(CcmKey {
            key: Secret::new(key.to_vec()),
            salt,
        })))
    }
}

struct CcmKey {
    key: Secret,
    salt: [u8; SALT_LEN],
}

impl CcmKey {
    fn nonce(&self, iv: &[u8]) -> Option<[u8; 11]> {
        let [i0, i1, i2, i3, i4, i5, i6, i7]: [u8; 8] = iv.try_into().ok()?;
        let [s0, s1, s2] = self.salt;
        Some([s0, s1, s2, i0, i1, i2, i3, i4, i5, i6, i7])
    }
}

impl AeadKey for CcmKey {
    fn seal(
        &self,
        iv: &[u8],
        aad: &[u8],
        body: &mut [u8],
        icv: &mut [u8],
    ) -> Result<(), SealError> {
        let nonce = self.nonce(iv).ok_or(SealError::Layout)?;
        CcmCall::seal(self.key.expose(), &nonce, aad, body, icv).ok_or(SealError::Library)
    }

    fn open(&self, iv: &[u8], aad: &[u8], body: &mut [u8], icv: &[u8]) -> bool {
        self.nonce(iv)
            .is_some_and(|nonce| CcmCall::open(self.key.expose(), &nonce, aad, body, icv).is_some())
    }
}
