//! `ENCR_NULL` (RFC 2410): ESP with integrity alone. Never offered unless a configuration asks for it by name.

use adit_wire::iana::EncrId;

use crate::encr::{CipherKey, Encr, EncrKey, EncrKind, EncrSpec};
use crate::error::BadKey;

pub(super) static NULL: Null = Null;

pub(super) struct Null;

const SPEC: EncrSpec = EncrSpec {
    id: EncrId::ENCR_NULL,
    key_bits: &[0],
    has_key_length: false,
    salt_len: 0,
    iv_len: 0,
    icv_len: 0,
    block_len: 1,
    kind: EncrKind::Cipher,
    for_ike: false,
    default_offer: false,
};

impl Encr for Null {
    fn spec(&self) -> &EncrSpec {
        &SPEC
    }

    fn key(&self, material: &[u8]) -> Result<EncrKey, BadKey> {
        if material.is_empty() {
            Ok(EncrKey::Cipher(Box::new(Null)))
        } else {
            Err(BadKey {
                expected: 0,
                got: material.len(),
            })
        }
    }
}

impl CipherKey for Null {
    fn write_iv(&self, _counter: u64, _iv: &mut [u8]) {}

    fn encrypt(&self, _iv: &[u8], _body: &mut [u8]) {}

    fn decrypt(&self, _iv: &[u8], _body: &mut [u8]) {}
}
