//! Encrypted payload SK, and SKF alike: laying out what is to be sealed, unwrapping what was opened
//! (RFC 7296 3.14, RFC 5282 3, RFC 7383 2.5).
//!
//! The cryptography happens elsewhere, in place, on the ranges given here.

use super::message::finish_header;
use super::{FragmentHeader, Header, PayloadList};
use crate::error::{Reason, WireError};
use crate::iana::PayloadType;
use crate::view::patch_length_u16;
use core::ops::Range;

/// The fixed lengths of the encryption in use, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealLayout {
    /// Length of the IV.
    pub iv: usize,
    /// The plaintext with padding and pad length is a multiple of this; 1 for AEADs and counter modes.
    pub block: usize,
    /// Length of the ICV.
    pub icv: usize,
}

impl SealLayout {
    /// Bytes of padding behind `inner` bytes of payloads, without the pad length byte. Never above 255 for
    /// blocks of at most 256.
    #[must_use]
    pub const fn padding(&self, inner: usize) -> usize {
        let block = if self.block == 0 { 1 } else { self.block };
        (block - (inner + 1) % block) % block
    }

    /// Length of the payload's body: IV, plaintext with padding, ICV.
    #[must_use]
    pub const fn body(&self, inner: usize) -> usize {
        self.iv + inner + self.padding(inner) + 1 + self.icv
    }

    /// The most bytes of inner payloads that an SKF message of at most `datagram` bytes (from the IKE header on)
    /// can carry, given nothing in front of the SKF payload.
    #[must_use]
    pub const fn fragment_capacity(&self, datagram: usize) -> usize {
        let fixed = Header::LEN
            + super::payload::GENERIC_HEADER_LEN
            + FragmentHeader::LEN
            + self.iv
            + self.icv;
        let block = if self.block == 0 { 1 } else { self.block };
        let room = datagram.saturating_sub(fixed);
        (room - room % block).saturating_sub(1)
    }
}

/// A datagram that lacks only its encryption. IV and ICV are zero; the ciphertext range holds the plaintext.
///
/// The sealer writes the IV, encrypts `ciphertext` in place and writes the ICV: with an AEAD over `aad` and the
/// ciphertext, else over everything up to `icv.start`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkFrame {
    /// The whole datagram.
    pub datagram: Vec<u8>,
    /// The associated data of an AEAD.
    pub aad: Range<usize>,
    /// Room for the IV.
    pub iv: Range<usize>,
    /// Inner payloads, padding, pad length; to be encrypted in place.
    pub ciphertext: Range<usize>,
    /// Room for the ICV, at the end.
    pub icv: Range<usize>,
}

impl SkFrame {
    /// A message whose payloads are all inside an SK payload. `next_payload` and `length` of `header` are
    /// computed, not taken.
    ///
    /// # Errors
    /// A part too long for its length or count field.
    pub fn sk(
        header: &Header,
        payloads: &PayloadList,
        layout: SealLayout,
    ) -> Result<Self, WireError> {
        let mut inner = Vec::new();
        let first_inner = payloads.emit(&mut inner)?;
        Self::from_inner(header, &PayloadList::default(), first_inner, &inner, layout)
    }

    /// As [`SkFrame::sk`], from inner payloads already written out and with payloads in clear in front.
    ///
    /// # Errors
    /// A part too long for its length or count field.
    pub fn from_inner(
        header: &Header,
        outer: &PayloadList,
        first_inner: PayloadType,
        inner: &[u8],
        layout: SealLayout,
    ) -> Result<Self, WireError> {
        Self::lay_out(header, outer, first_inner, None, inner, layout)
    }

    /// One fragment of a message (RFC 7383): `part` is a piece of the inner payloads as [`PayloadList::emit`] wrote
    /// them, at most [`SealLayout::fragment_capacity`] bytes. `first_inner` is used in the first fragment only.
    ///
    /// # Errors
    /// The part is too long, or `fragment` is not one of 1 to its total.
    pub fn skf(
        header: &Header,
        first_inner: PayloadType,
        fragment: FragmentHeader,
        part: &[u8],
        layout: SealLayout,
    ) -> Result<Self, WireError> {
        if fragment.number == 0 || fragment.number > fragment.total {
            let reason = Reason::BadValue {
                value: u64::from(fragment.number),
                expected: "1 to the total",
            };
            return Err(WireError::new(Header::LEN, "SKF fragment number", reason));
        }
        let first_inner = if fragment.number == 1 {
            first_inner
        } else {
            PayloadType::NONE
        };
        Self::lay_out(
            header,
            &PayloadList::default(),
            first_inner,
            Some(fragment),
            part,
            layout,
        )
    }

    fn lay_out(
        header: &Header,
        outer: &PayloadList,
        first_inner: PayloadType,
        fragment: Option<FragmentHeader>,
        inner: &[u8],
        layout: SealLayout,
    ) -> Result<Self, WireError> {
        let kind = if fragment.is_some() {
            PayloadType::SKF
        } else {
            PayloadType::SK
        };
        let padding = layout.padding(inner.len());
        let mut out = Vec::with_capacity(64 + layout.body(inner.len()));
        let pad_length = crate::view::length_u8(padding, &out, "SK pad length")?;

        header.emit(&mut out);
        let next_payload = outer.emit_before(kind, &mut out)?;
        let start = out.len();
        out.extend_from_slice(&[first_inner.0, 0, 0, 0]);
        if let Some(fragment) = fragment {
            fragment.emit(&mut out);
        }
        let iv = out.len()..out.len() + layout.iv;
        out.resize(iv.end, 0);
        out.extend_from_slice(inner);
        out.resize(out.len() + padding, 0);
        out.push(pad_length);
        let ciphertext = iv.end..out.len();
        let icv = out.len()..out.len() + layout.icv;
        out.resize(icv.end, 0);
        patch_length_u16(&mut out, start, start + 2, "SK length")?;
        finish_header(header, next_payload, &mut out)?;
        Ok(Self {
            datagram: out,
            aad: 0..iv.start,
            iv,
            ciphertext,
            icv,
        })
    }
}

/// The inner payload bytes of a decrypted and authenticated plaintext: everything before the padding, whose
/// content means nothing (RFC 7296 3.14). For fragments, join what this returns for each.
///
/// # Errors
/// The plaintext is empty or its pad length exceeds it.
pub fn strip_padding(plaintext: &[u8]) -> Result<&[u8], WireError> {
    let Some((&pad_length, rest)) = plaintext.split_last() else {
        return Err(WireError::new(
            0,
            "SK pad length",
            Reason::Truncated {
                needed: 1,
                available: 0,
            },
        ));
    };
    rest.len()
        .checked_sub(usize::from(pad_length))
        .and_then(|length| rest.get(..length))
        .ok_or_else(|| {
            let reason = Reason::BadLength {
                value: usize::from(pad_length),
                expected: "at most the plaintext's length",
            };
            WireError::new(rest.len(), "SK pad length", reason)
        })
}

/// The payloads inside a decrypted and authenticated SK plaintext.
///
/// # Errors
/// Padding or a payload is malformed; offsets count from the start of the plaintext.
pub fn open_inner(first_inner: PayloadType, plaintext: &[u8]) -> Result<PayloadList, WireError> {
    PayloadList::parse(first_inner, strip_padding(plaintext)?)
}
