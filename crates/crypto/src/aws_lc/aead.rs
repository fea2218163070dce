//! AES-GCM (RFC 4106, RFC 5282) and ChaCha20-Poly1305 (RFC 7634). Nonce: salt | explicit IV.

use adit_wire::iana::EncrId;

use super::raw::{self, AeadAlgorithm};
use crate::encr::{AeadKey, Encr, EncrKey, EncrKind, EncrSpec};
use crate::error::{BadKey, SealError};

pub(super) const SALT_LEN: usize = 4;
pub(super) const AES_KEY_BITS: &[u16] = &[128, 192, 256];

pub(super) static AES_GCM_16: Aead = aes_gcm(EncrId::ENCR_AES_GCM_16, 16, true);
pub(super) static AES_GCM_12: Aead = aes_gcm(EncrId::ENCR_AES_GCM_12, 12, false);
pub(super) static AES_GCM_8: Aead = aes_gcm(EncrId::ENCR_AES_GCM_8, 8, false);
pub(super) static CHACHA20_POLY1305: Aead = Aead(EncrSpec {
    id: EncrId::ENCR_CHACHA20_POLY1305,
    key_bits: &[256],
    has_key_length: false,
    ..AES_GCM_16.0
});

/// A combined-mode cipher with a 12-octet nonce, 4 of them salt.
pub(super) struct Aead(EncrSpec);

const fn aes_gcm(id: EncrId, icv_len: usize, default_offer: bool) -> Aead {
    Aead(EncrSpec {
        id,
        key_bits: AES_KEY_BITS,
        has_key_length: true,
        salt_len: SALT_LEN,
        iv_len: 8,
        icv_len,
        block_len: 1,
        kind: EncrKind::Aead,
        for_ike: true,
        default_offer,
    })
}

impl Encr for Aead {
    fn spec(&self) -> &EncrSpec {
        &self.0
    }

    fn key(&self, material: &[u8]) -> Result<EncrKey, BadKey> {
        let chacha = self.0.id == EncrId::ENCR_CHACHA20_POLY1305;
        Ok(EncrKey::Aead(Box::new(SaltedKey::new(
            material,
            self.0.icv_len,
            chacha,
        )?)))
    }
}

/// Key and salt.
pub(super) struct SaltedKey {
    key: raw::Aead,
    salt: [u8; SALT_LEN],
}

impl SaltedKey {
    pub(super) fn new(material: &[u8], icv_len: usize, chacha: bool) -> Result<Self, BadKey> {
        let bad = BadKey {
            expected: 32 + SALT_LEN,
            got: material.len(),
        };
        let (key, &salt) = material.split_last_chunk().ok_or(bad)?;
        let algorithm = match (key.len(), chacha) {
            (16, false) => AeadAlgorithm::Aes128Gcm,
            (24, false) => AeadAlgorithm::Aes192Gcm,
            (32, false) => AeadAlgorithm::Aes256Gcm,
            (32, true) => AeadAlgorithm::ChaCha20Poly1305,
            _ => return Err(bad),
        };
        Ok(Self {
            key: raw::Aead::new(algorithm, key, icv_len).ok_or(bad)?,
            salt,
        })
    }

    fn nonce(&self, iv: &[u8]) -> Option<[u8; 12]> {
        let [i0, i1, i2, i3, i4, i5, i6, i7]: [u8; 8] = iv.try_into().ok()?;
        let [s0, s1, s2, s3] = self.salt;
        Some([s0, s1, s2, s3, i0, i1, i2, i3, i4, i5, i6, i7])
    }
}

impl AeadKey for SaltedKey {
    fn seal(
        &self,
        iv: &[u8],
        aad: &[u8],
        body: &mut [u8],
        icv: &mut [u8],
    ) -> Result<(), SealError> {
        let nonce = self.nonce(iv).ok_or(SealError::Layout)?;
        if self.key.seal(&nonce, aad, body, icv) {
            Ok(())
        } else {
            Err(SealError::Library)
        }
    }

    fn seal_from(
        &self,
        aad: &[u8],
        payload: &[u8],
        trailer: &[u8],
        iv: &[u8],
        out: &mut [u8],
    ) -> Result<(), SealError> {
        let nonce = self.nonce(iv).ok_or(SealError::Layout)?;
        if self.key.seal_from(&nonce, aad, payload, trailer, out) {
            Ok(())
        } else {
            Err(SealError::Library)
        }
    }

    fn open(&self, iv: &[u8], aad: &[u8], body: &mut [u8], icv: &[u8]) -> bool {
        self.nonce(iv)
            .is_some_and(|nonce| self.key.open(&nonce, aad, body, icv))
    }
}
