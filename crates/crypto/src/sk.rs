//! Protection of IKE messages: the Encrypted payload SK (RFC 7296 3.14, RFC 5282) and its fragments SKF (RFC 7383).

use std::ops::Range;

use crate::error::{BadKey, OpenError, SealError};
use crate::packet::{PacketCipher, Shape};
use crate::suite::Protection;

/// Offset of the Length field in the IKE header (RFC 7296 3.1).
const LENGTH_AT: Range<usize> = 24..28;

/// One direction of one IKE SA.
///
/// The SK payload is the last of its message, so a message is `everything up to the IV | IV | inner payloads,
/// padding, pad length | ICV`, and both methods take the message as it is on the wire, from the first octet of the
/// IKE header.
pub struct SkCipher {
    cipher: PacketCipher,
    next_counter: Option<u64>,
}

impl SkCipher {
    /// Takes SK_ei and SK_ai, or SK_er and SK_ar; `sk_a` is empty for a combined-mode cipher.
    ///
    /// # Errors
    /// [`BadKey`] when a length differs from what the suite prescribes.
    pub fn new(protection: &Protection, sk_e: &[u8], sk_a: &[u8]) -> Result<Self, BadKey> {
        Ok(Self {
            cipher: PacketCipher::new(protection, sk_e, sk_a)?,
            next_counter: Some(0),
        })
    }

    /// IV, ICV and block length.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.cipher.shape()
    }

    /// Octets that `inner_len` octets of inner payloads become behind the SK header: IV, ciphertext with padding and
    /// Pad Length, ICV. For fitting fragments into a path MTU.
    #[must_use]
    pub fn sealed_len(&self, inner_len: usize) -> usize {
        let Shape {
            iv_len,
            icv_len,
            block_len,
        } = self.cipher.shape();
        iv_len + (inner_len + 1).next_multiple_of(block_len) + icv_len
    }

    /// Completes `message`, which ends with the generic header of the SK payload (or with the fragment numbers of an
    /// SKF payload): appends IV, encrypted `inner` payloads and ICV. `payload_at` is the offset of that generic header.
    ///
    /// Both length fields, the payload's and the message's, are written here because the ICV covers them. A fresh
    /// IV is used for each call; a retransmission must send the same octets again, not seal again.
    ///
    /// # Errors
    /// [`SealError`], with `message` then unfit for sending.
    pub fn seal(
        &mut self,
        message: &mut Vec<u8>,
        payload_at: usize,
        inner: &[u8],
    ) -> Result<(), SealError> {
        let counter = self.next_counter.ok_or(SealError::IvExhausted)?;
        self.next_counter = counter.checked_add(1);
        let header_len = self.extend(message, payload_at, inner)?;
        self.cipher
            .seal_numbered(message, header_len, None, counter)
    }

    /// As [`seal`](Self::seal), with a given IV of `iv_len` octets: for known-answer tests.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn dangerous_seal_with_iv(
        &self,
        message: &mut Vec<u8>,
        payload_at: usize,
        inner: &[u8],
        iv: &[u8],
    ) -> Result<(), SealError> {
        let header_len = self.extend(message, payload_at, inner)?;
        if iv.len() != self.shape().iv_len {
            return Err(SealError::Layout);
        }
        message[header_len..header_len + iv.len()].copy_from_slice(iv);
        self.cipher.seal(message, header_len, None)
    }

    /// Checks the ICV of a whole message and decrypts in place. `body_at` is the offset of the IV: behind the generic
    /// header of the SK payload, or behind the fragment numbers of an SKF payload. Returns where the inner payloads
    /// lie, padding removed.
    ///
    /// # Errors
    /// [`OpenError`]; the message's content is worthless then.
    pub fn open(&self, message: &mut [u8], body_at: usize) -> Result<Range<usize>, OpenError> {
        let Shape {
            iv_len,
            icv_len,
            block_len,
        } = self.shape();
        let need = body_at.saturating_add(iv_len + block_len + icv_len);
        if message.len() < need {
            return Err(OpenError::TooShort {
                need,
                have: message.len(),
            });
        }
        let body = self.cipher.open(message, body_at, None)?;
        let last = body.end - 1;
        let pad_len = message[last];
        match last
            .checked_sub(usize::from(pad_len))
            .filter(|&end| end >= body.start)
        {
            Some(end) => Ok(body.start..end),
            None => Err(OpenError::BadPadding {
                pad_len,
                len: last - body.start,
            }),
        }
    }

    /// Appends IV space, inner payloads, padding and ICV space; writes both length fields. Returns the IV's offset.
    fn extend(
        &self,
        message: &mut Vec<u8>,
        payload_at: usize,
        inner: &[u8],
    ) -> Result<usize, SealError> {
        let Shape {
            iv_len, icv_len, ..
        } = self.shape();
        let header_len = message.len();
        if payload_at < LENGTH_AT.end || header_len < payload_at + 4 {
            return Err(SealError::Layout);
        }
        let total = header_len + self.sealed_len(inner.len());
        let payload_len = u16::try_from(total - payload_at).map_err(|_| SealError::TooLong)?;
        let message_len = u32::try_from(total).map_err(|_| SealError::TooLong)?;
        message[payload_at + 2..payload_at + 4].copy_from_slice(&payload_len.to_be_bytes());
        message[LENGTH_AT].copy_from_slice(&message_len.to_be_bytes());

        let padding = total - icv_len - header_len - iv_len - inner.len() - 1;
        message.resize(header_len + iv_len, 0);
        message.extend_from_slice(inner);
        message.resize(total - icv_len - 1, 0);
        message.push(u8::try_from(padding).map_err(|_| SealError::Layout)?);
        message.resize(total, 0);
        Ok(header_len)
    }
}
