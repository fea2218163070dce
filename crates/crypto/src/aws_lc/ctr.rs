//! AES-CTR (RFC 3686, RFC 5930). Counter block: salt | explicit IV | 1.

use adit_wire::iana::EncrId;

use super::aead::{AES_KEY_BITS, SALT_LEN};
use super::raw::{AES_BLOCK, AesEncryptKey};
use crate::encr::{CipherKey, Encr, EncrKey, EncrKind, EncrSpec};
use crate::error::BadKey;

pub(super) static AES_CTR: Ctr = Ctr(EncrSpec {
    id: EncrId::ENCR_AES_CTR,
    key_bits: AES_KEY_BITS,
    has_key_length: true,
    salt_len: SALT_LEN,
    iv_len: 8,
    icv_len: 0,
    block_len: 1,
    kind: EncrKind::Cipher,
    for_ike: true,
    default_offer: false,
});

pub(super) struct Ctr(EncrSpec);

impl Encr for Ctr {
    fn spec(&self) -> &EncrSpec {
        &self.0
    }

    fn key(&self, material: &[u8]) -> Result<EncrKey, BadKey> {
        let bad = BadKey {
            expected: 16 + SALT_LEN,
            got: material.len(),
        };
        let (key, &salt) = material.split_last_chunk().ok_or(bad)?;
        Ok(EncrKey::Cipher(Box::new(CtrKey {
            key: AesEncryptKey::new(key).ok_or(bad)?,
            salt,
        })))
    }
}

struct CtrKey {
    key: AesEncryptKey,
    salt: [u8; SALT_LEN],
}

impl CipherKey for CtrKey {
    fn write_iv(&self, counter: u64, iv: &mut [u8]) {
        iv.copy_from_slice(&counter.to_be_bytes());
    }

    fn encrypt(&self, iv: &[u8], body: &mut [u8]) {
        let mut block = [0; AES_BLOCK];
        let parts = self.salt.iter().chain(iv.iter().take(8));
        for (to, from) in block.iter_mut().zip(parts) {
            *to = *from;
        }
        block[AES_BLOCK - 1] = 1;
        self.key.ctr(block, body);
    }

    fn decrypt(&self, iv: &[u8], body: &mut [u8]) {
        self.encrypt(iv, body);
    }
}
