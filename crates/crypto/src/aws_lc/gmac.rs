//! `ENCR_NULL_AUTH_AES_GMAC` (RFC 4543): integrity by AES-GCM over everything, nothing encrypted.

use adit_wire::iana::EncrId;

use super::aead::{AES_KEY_BITS, SALT_LEN, SaltedKey};
use crate::encr::{AeadKey, Encr, EncrKey, EncrKind, EncrSpec};
use crate::error::{BadKey, SealError};

pub(super) static AES_GMAC: Gmac = Gmac(EncrSpec {
    id: EncrId::ENCR_NULL_AUTH_AES_GMAC,
    key_bits: AES_KEY_BITS,
    has_key_length: true,
    salt_len: SALT_LEN,
    iv_len: 8,
    icv_len: 16,
    block_len: 1,
    kind: EncrKind::Aead,
    for_ike: false,
    default_offer: false,
});

pub(super) struct Gmac(EncrSpec);

impl Encr for Gmac {
    fn spec(&self) -> &EncrSpec {
        &self.0
    }

    fn key(&self, material: &[u8]) -> Result<EncrKey, BadKey> {
        let key = SaltedKey::new(material, self.0.icv_len, false)?;
        Ok(EncrKey::Aead(Box::new(GmacKey(key))))
    }
}

struct GmacKey(SaltedKey);

/// What is authenticated: header, IV and the payload in clear. Gathering them copies the packet, which a cipher that
/// nobody offers by default may.
fn authenticated(iv: &[u8], aad: &[u8], body: &[u8]) -> Vec<u8> {
    [aad, iv, body].concat()
}

impl AeadKey for GmacKey {
    fn seal(
        &self,
        iv: &[u8],
        aad: &[u8],
        body: &mut [u8],
        icv: &mut [u8],
    ) -> Result<(), SealError> {
        self.0.seal(iv, &authenticated(iv, aad, body), &mut [], icv)
    }

    fn open(&self, iv: &[u8], aad: &[u8], body: &mut [u8], icv: &[u8]) -> bool {
        self.0.open(iv, &authenticated(iv, aad, body), &mut [], icv)
    }
}
