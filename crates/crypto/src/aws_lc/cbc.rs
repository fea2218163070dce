//! AES-CBC (RFC 3602).

use adit_wire::iana::EncrId;

use super::aead::AES_KEY_BITS;
use super::raw::{AES_BLOCK, AesDecryptKey, AesEncryptKey};
use crate::encr::{CipherKey, Encr, EncrKey, EncrKind, EncrSpec};
use crate::error::BadKey;

pub(super) static AES_CBC: Cbc = Cbc(EncrSpec {
    id: EncrId::ENCR_AES_CBC,
    key_bits: AES_KEY_BITS,
    has_key_length: true,
    salt_len: 0,
    iv_len: AES_BLOCK,
    icv_len: 0,
    block_len: AES_BLOCK,
    kind: EncrKind::Cipher,
    for_ike: true,
    default_offer: true,
});

pub(super) struct Cbc(EncrSpec);

impl Encr for Cbc {
    fn spec(&self) -> &EncrSpec {
        &self.0
    }

    fn key(&self, material: &[u8]) -> Result<EncrKey, BadKey> {
        let bad = BadKey {
            expected: 16,
            got: material.len(),
        };
        let encrypt = AesEncryptKey::new(material).ok_or(bad)?;
        let decrypt = AesDecryptKey::new(material).ok_or(bad)?;
        Ok(EncrKey::Cipher(Box::new(CbcKey { encrypt, decrypt })))
    }
}

struct CbcKey {
    encrypt: AesEncryptKey,
    decrypt: AesDecryptKey,
}

/// An IV of another length cannot come from a [`PacketCipher`](crate::packet::PacketCipher); it would be cut or padded.
fn block(iv: &[u8]) -> [u8; AES_BLOCK] {
    let mut block = [0; AES_BLOCK];
    for (to, from) in block.iter_mut().zip(iv) {
        *to = *from;
    }
    block
}

impl CipherKey for CbcKey {
    /// The encrypted counter: unpredictable to anyone without the key (NIST SP 800-38A, appendix C, first method).
    fn write_iv(&self, counter: u64, iv: &mut [u8]) {
        let mut wide = [0; AES_BLOCK];
        wide[8..].copy_from_slice(&counter.to_be_bytes());
        self.encrypt.block(&mut wide);
        iv.copy_from_slice(&wide);
    }

    fn encrypt(&self, iv: &[u8], body: &mut [u8]) {
        self.encrypt.cbc(block(iv), body);
    }

    fn decrypt(&self, iv: &[u8], body: &mut [u8]) {
        self.decrypt.cbc(block(iv), body);
    }
}
