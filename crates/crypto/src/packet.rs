//! One picture for every protected packet: `header | IV | body | ICV` in one buffer.
//!
//! For an IKE message the header is everything up to the IV: IKE header, unencrypted payloads, the SK payload's generic
//! header (and the SKF fragment numbers). For ESP it is SPI and sequence number. A combined-mode cipher takes the
//! header as additional authenticated data (RFC 5282 5.1, RFC 4106 5); otherwise the ICV covers header, IV and
//! ciphertext (RFC 7296 3.14, RFC 4303 2.8). With extended sequence numbers the high half, which is not sent, is
//! authenticated too: inside the header for combined modes, behind the ciphertext otherwise.

use std::ops::Range;

use crate::constant_time_eq;
use crate::encr::{AeadKey, CipherKey, EncrKey};
use crate::error::{BadKey, OpenError, SealError};
use crate::integ::IntegKey;
use crate::suite::Protection;

/// What a packet grows by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Octets of explicit IV in front of the ciphertext.
    pub iv_len: usize,
    /// Octets of integrity check value behind it.
    pub icv_len: usize,
    /// The ciphertext is a multiple of this many octets; 1 for modes without blocks. (ESP aligns to 4 besides:
    /// RFC 4303 2.4.)
    pub block_len: usize,
}

/// Longest ICV of any algorithm here: HMAC-SHA2-512-256.
const MAX_ICV: usize = 32;

/// The keys of one direction of one SA.
pub(crate) struct PacketCipher {
    keys: Keys,
    shape: Shape,
}

enum Keys {
    Combined(Box<dyn AeadKey>),
    EncryptThenMac {
        cipher: Box<dyn CipherKey>,
        mac: Box<dyn IntegKey>,
    },
}

impl PacketCipher {
    pub(crate) fn new(
        protection: &Protection,
        encr_key: &[u8],
        integ_key: &[u8],
    ) -> Result<Self, BadKey> {
        let expect = |expected: usize, key: &[u8]| {
            if key.len() == expected {
                Ok(())
            } else {
                Err(BadKey {
                    expected,
                    got: key.len(),
                })
            }
        };
        expect(protection.encr_key_len(), encr_key)?;
        expect(protection.integ_key_len(), integ_key)?;
        let keys = match (protection.encr().key(encr_key)?, protection.integ()) {
            (EncrKey::Aead(key), _) => Keys::Combined(key),
            (EncrKey::Cipher(cipher), Some(integ)) => Keys::EncryptThenMac {
                cipher,
                mac: integ.key(integ_key)?,
            },
            (EncrKey::Cipher(_), None) => {
                return Err(BadKey {
                    expected: 1,
                    got: 0,
                });
            }
        };
        Ok(Self {
            keys,
            shape: protection.shape(),
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Writes the IV for packet number `counter` and seals.
    #[inline]
    pub(crate) fn seal_numbered(
        &self,
        packet: &mut [u8],
        header_len: usize,
        esn_high: Option<u32>,
        counter: u64,
    ) -> Result<(), SealError> {
        self.write_iv(packet, header_len, counter)?;
        self.seal(packet, header_len, esn_high)
    }

    /// Writes the IV for packet number `counter`, encrypts `payload` and `trailer` from where they are into their place
    /// in `packet`, and signs. `packet` is just as long as all of that.
    #[inline]
    pub(crate) fn seal_numbered_from(
        &self,
        packet: &mut [u8],
        header_len: usize,
        [payload, trailer]: [&[u8]; 2],
        esn_high: Option<u32>,
        counter: u64,
    ) -> Result<(), SealError> {
        let body_at = header_len + self.shape.iv_len;
        let body_len = payload.len() + trailer.len();
        if packet.len() != body_at + body_len + self.shape.icv_len
            || !body_len.is_multiple_of(self.shape.block_len)
        {
            return Err(SealError::Layout);
        }
        self.write_iv(packet, header_len, counter)?;
        match &self.keys {
            Keys::Combined(key) => {
                let (header, rest) = packet.split_at_mut(header_len);
                let (iv, out) = rest.split_at_mut(self.shape.iv_len);
                with_aad(header, esn_high, |aad| {
                    key.seal_from(aad, payload, trailer, iv, out)
                })
            }
            Keys::EncryptThenMac { .. } => {
                let (_, body) = packet.split_at_mut(body_at);
                let (front, back) = body.split_at_mut(payload.len());
                front.copy_from_slice(payload);
                back[..trailer.len()].copy_from_slice(trailer);
                self.seal(packet, header_len, esn_high)
            }
        }
    }

    #[inline]
    fn write_iv(
        &self,
        packet: &mut [u8],
        header_len: usize,
        counter: u64,
    ) -> Result<(), SealError> {
        let iv = packet
            .get_mut(header_len..header_len + self.shape.iv_len)
            .ok_or(SealError::Layout)?;
        match &self.keys {
            Keys::Combined(_) => iv.copy_from_slice(&counter.to_be_bytes()),
            Keys::EncryptThenMac { cipher, .. } => cipher.write_iv(counter, iv),
        }
        Ok(())
    }

    /// Seals with the IV that is already in place.
    #[inline]
    pub(crate) fn seal(
        &self,
        packet: &mut [u8],
        header_len: usize,
        esn_high: Option<u32>,
    ) -> Result<(), SealError> {
        let Shape {
            iv_len,
            icv_len,
            block_len,
        } = self.shape;
        let body_at = header_len + iv_len;
        let icv_at = packet
            .len()
            .checked_sub(icv_len)
            .filter(|&at| at >= body_at)
            .ok_or(SealError::Layout)?;
        if !(icv_at - body_at).is_multiple_of(block_len) {
            return Err(SealError::Layout);
        }
        let (sealed, icv) = packet.split_at_mut(icv_at);
        match &self.keys {
            Keys::Combined(key) => {
                let (header, rest) = sealed.split_at_mut(header_len);
                let (iv, body) = rest.split_at_mut(iv_len);
                with_aad(header, esn_high, |aad| key.seal(iv, aad, body, icv))
            }
            Keys::EncryptThenMac { cipher, mac } => {
                let (iv, body) = sealed[header_len..].split_at_mut(iv_len);
                cipher.encrypt(iv, body);
                sign(mac.as_ref(), sealed, esn_high, icv);
                Ok(())
            }
        }
    }

    /// Opens in place; returns where the decrypted body lies. The body of a packet that fails is worthless.
    #[inline]
    pub(crate) fn open(
        &self,
        packet: &mut [u8],
        header_len: usize,
        esn_high: Option<u32>,
    ) -> Result<Range<usize>, OpenError> {
        let Shape {
            iv_len,
            icv_len,
            block_len,
        } = self.shape;
        let body_at = header_len + iv_len;
        let too_short = OpenError::TooShort {
            need: body_at + icv_len,
            have: packet.len(),
        };
        let icv_at = packet
            .len()
            .checked_sub(icv_len)
            .filter(|&at| at >= body_at)
            .ok_or(too_short)?;
        if !(icv_at - body_at).is_multiple_of(block_len) {
            return Err(OpenError::Misaligned {
                len: icv_at - body_at,
                block: block_len,
            });
        }
        let (sealed, icv) = packet.split_at_mut(icv_at);
        let authentic = match &self.keys {
            Keys::Combined(key) => {
                let (header, rest) = sealed.split_at_mut(header_len);
                let (iv, body) = rest.split_at_mut(iv_len);
                with_aad(header, esn_high, |aad| key.open(iv, aad, body, icv))
            }
            Keys::EncryptThenMac { cipher, mac } => {
                let mut buffer = [0; MAX_ICV];
                let wanted = &mut buffer[..icv_len];
                sign(mac.as_ref(), sealed, esn_high, wanted);
                let authentic = constant_time_eq(wanted, icv);
                if authentic {
                    let (iv, body) = sealed[header_len..].split_at_mut(iv_len);
                    cipher.decrypt(iv, body);
                }
                authentic
            }
        };
        if authentic {
            Ok(body_at..icv_at)
        } else {
            Err(OpenError::BadIcv)
        }
    }
}

/// The additional authenticated data: the header, with the high half of an extended sequence number between SPI and
/// low half (RFC 4106 5).
// Else what `then` has is copied once more on the way.
#[inline(always)]
fn with_aad<T>(header: &[u8], esn_high: Option<u32>, then: impl FnOnce(&[u8]) -> T) -> T {
    match (esn_high, header) {
        (Some(high), &[s0, s1, s2, s3, q0, q1, q2, q3]) => {
            let [h0, h1, h2, h3] = high.to_be_bytes();
            then(&[s0, s1, s2, s3, h0, h1, h2, h3, q0, q1, q2, q3])
        }
        _ => then(header),
    }
}

fn sign(mac: &dyn IntegKey, sealed: &[u8], esn_high: Option<u32>, icv: &mut [u8]) {
    match esn_high {
        Some(high) => mac.sign(&[sealed, &high.to_be_bytes()], icv),
        None => mac.sign(&[sealed], icv),
    }
}
