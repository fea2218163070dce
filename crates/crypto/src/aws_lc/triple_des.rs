//! 3DES-CBC (RFC 2451). Present for captures and old peers; its 64-bit block makes it weak.

use adit_wire::iana::EncrId;

use super::raw::TripleDesKey;
use crate::encr::{CipherKey, Encr, EncrKey, EncrKind, EncrSpec};
use crate::error::BadKey;

const BLOCK: usize = 8;

pub(super) static TRIPLE_DES_CBC: TripleDes = TripleDes(EncrSpec {
    id: EncrId::ENCR_3DES,
    key_bits: &[192],
    has_key_length: false,
    salt_len: 0,
    iv_len: BLOCK,
    icv_len: 0,
    block_len: BLOCK,
    kind: EncrKind::Cipher,
    for_ike: true,
    default_offer: false,
});

pub(super) struct TripleDes(EncrSpec);

impl Encr for TripleDes {
    fn spec(&self) -> &EncrSpec {
        &self.0
    }

    fn key(&self, material: &[u8]) -> Result<EncrKey, BadKey> {
        let key = material.try_into().map_err(|_| BadKey {
            expected: 24,
            got: material.len(),
        })?;
        Ok(EncrKey::Cipher(Box::new(TripleDesCbc(TripleDesKey::new(
            key,
        )))))
    }
}

struct TripleDesCbc(TripleDesKey);

fn block(iv: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(iv) {
        *to = *from;
    }
    block
}

impl CipherKey for TripleDesCbc {
    /// The encrypted counter, as for AES-CBC.
    fn write_iv(&self, counter: u64, iv: &mut [u8]) {
        iv.copy_from_slice(&counter.to_be_bytes());
        self.0.cbc([0; BLOCK], iv, true);
    }

    fn encrypt(&self, iv: &[u8], body: &mut [u8]) {
        self.0.cbc(block(iv), body, true);
    }

    fn decrypt(&self, iv: &[u8], body: &mut [u8]) {
        self.0.cbc(block(iv), body, false);
    }
}
