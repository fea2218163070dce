//! Transform type 1: encryption.

use adit_wire::iana::EncrId;

use crate::error::{BadKey, SealError, Unsupported};

/// How a cipher authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncrKind {
    /// Combined mode: encrypts and authenticates (RFC 5282, RFC 4106); no integrity algorithm beside it.
    Aead,
    /// Encrypts only (or not at all, for `ENCR_NULL`); needs an integrity algorithm.
    Cipher,
}

/// What one encryption algorithm looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncrSpec {
    /// IANA transform id.
    pub id: EncrId,
    /// Allowed key lengths in bits, salt excluded, ascending.
    pub key_bits: &'static [u16],
    /// Whether the transform carries a Key Length attribute. Where the length is fixed it must be absent
    /// (RFC 7296 3.3.5).
    pub has_key_length: bool,
    /// Octets of salt that follow the key in the keying material (RFC 4106 8.1).
    pub salt_len: usize,
    /// Octets of explicit IV in each packet.
    pub iv_len: usize,
    /// Octets of ICV that the cipher makes itself; 0 when an integrity algorithm does.
    pub icv_len: usize,
    /// The ciphertext is a multiple of this many octets.
    pub block_len: usize,
    /// How it authenticates.
    pub kind: EncrKind,
    /// Whether it may protect IKE messages. `ENCR_NULL` and GMAC may not.
    pub for_ike: bool,
    /// Whether it belongs to a proposal that nobody configured. What is weak, truncated or rare is `false`: it works
    /// when asked for.
    pub default_offer: bool,
}

impl EncrSpec {
    /// Octets of key, salt excluded, for a negotiated Key Length attribute.
    ///
    /// # Errors
    /// [`Unsupported::KeyBits`] when the attribute is missing where needed, present where forbidden (unless it states
    /// the fixed length, as some peers send), or not an allowed length.
    pub fn key_len(&self, attribute: Option<u16>) -> Result<usize, Unsupported> {
        let bits = match (attribute, self.key_bits) {
            (Some(bits), allowed) if allowed.contains(&bits) => Some(bits),
            (None, &[bits]) if !self.has_key_length => Some(bits),
            _ => None,
        };
        bits.map(|bits| usize::from(bits) / 8)
            .ok_or(Unsupported::KeyBits {
                encr: self.id,
                bits: attribute,
            })
    }
}

/// An encryption algorithm of a provider.
pub trait Encr: Send + Sync {
    /// Its dimensions.
    fn spec(&self) -> &EncrSpec;

    /// Makes a key from `material`: the key proper followed by the salt, as prf+ delivers it.
    ///
    /// # Errors
    /// [`BadKey`] when the length fits none of the allowed key lengths.
    fn key(&self, material: &[u8]) -> Result<EncrKey, BadKey>;
}

/// A key ready for use.
pub enum EncrKey {
    /// Of a combined-mode cipher.
    Aead(Box<dyn AeadKey>),
    /// Of a cipher that only encrypts.
    Cipher(Box<dyn CipherKey>),
}

/// A combined-mode key with its salt. Usable by several threads at once.
pub trait AeadKey: Send + Sync {
    /// Encrypts `body` in place and writes the ICV. `iv` has `iv_len`, `icv` has `icv_len` octets.
    ///
    /// # Errors
    /// [`SealError`] when the lengths are wrong.
    fn seal(&self, iv: &[u8], aad: &[u8], body: &mut [u8], icv: &mut [u8])
    -> Result<(), SealError>;

    /// Encrypts `payload` and `trailer` behind it into `out`, and writes the ICV behind them; `out` has room for just
    /// that. What a cipher that can't do better does: copies both and seals in place.
    ///
    /// # Errors
    /// [`SealError`] when the lengths are wrong.
    // In this order what a library is handed on unchanged lies in registers for the most part. Pointer and length, written
    // to the stack one by one and read there at once, would have each packet wait until they have left the store buffer.
    fn seal_from(
        &self,
        aad: &[u8],
        payload: &[u8],
        trailer: &[u8],
        iv: &[u8],
        out: &mut [u8],
    ) -> Result<(), SealError> {
        let (body, icv) = out
            .split_at_mut_checked(payload.len() + trailer.len())
            .ok_or(SealError::Layout)?;
        let (front, back) = body.split_at_mut(payload.len());
        front.copy_from_slice(payload);
        back.copy_from_slice(trailer);
        self.seal(iv, aad, body, icv)
    }

    /// Checks the ICV and decrypts `body` in place. Returns `false`, leaving `body` worthless, when the ICV does
    /// not fit.
    #[must_use]
    fn open(&self, iv: &[u8], aad: &[u8], body: &mut [u8], icv: &[u8]) -> bool;
}

/// A key of a cipher that only encrypts. Usable by several threads at once.
pub trait CipherKey: Send + Sync {
    /// Writes the IV for packet number `counter` under this key: unique, and unpredictable where the mode asks
    /// for that.
    fn write_iv(&self, counter: u64, iv: &mut [u8]);

    /// Encrypts `body`, whole blocks, in place.
    fn encrypt(&self, iv: &[u8], body: &mut [u8]);

    /// Decrypts `body`, whole blocks, in place.
    fn decrypt(&self, iv: &[u8], body: &mut [u8]);
}
