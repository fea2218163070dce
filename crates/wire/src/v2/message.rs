//! A whole IKEv2 datagram, without the non-ESP marker (RFC 7296 3.1, 3.14).

use super::payload::Generic;
use super::{FragmentHeader, Header, PayloadList};
use crate::error::{Reason, WireError};
use crate::iana::PayloadType;
use crate::view::Cursor;
use core::ops::Range;

/// Entry point for received datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Message;

/// What can be read of a datagram without keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedMessage {
    /// The header; its length is the datagram's and its major version is 2.
    pub header: Header,
    /// The payloads in clear, in front of the encrypted one.
    pub payloads: PayloadList,
    /// The encrypted payload, which is the last.
    pub encrypted: Option<Encrypted>,
}

/// Where the encrypted payload lies. All ranges are offsets into the datagram.
///
/// An integrity algorithm covers the whole datagram except the ICV at its end. An AEAD takes as associated data
/// `aad`: from the start of the IKE header through the payload's own header (RFC 5282 5.1, RFC 7383 2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encrypted {
    /// SK: a whole message.
    Sk {
        /// Type of the first payload inside.
        first_inner: PayloadType,
        /// The associated data of an AEAD.
        aad: Range<usize>,
        /// IV, ciphertext and ICV; at the end of the datagram.
        body: Range<usize>,
    },
    /// SKF: one fragment.
    Skf {
        /// Type of the first payload inside the whole message; zero except in the first fragment.
        first_inner: PayloadType,
        /// Which of how many fragments.
        fragment: FragmentHeader,
        /// The associated data of an AEAD.
        aad: Range<usize>,
        /// IV, ciphertext and ICV; at the end of the datagram.
        body: Range<usize>,
    },
}

impl Encrypted {
    /// Type of the first payload inside.
    #[must_use]
    pub const fn first_inner(&self) -> PayloadType {
        match self {
            Self::Sk { first_inner, .. } | Self::Skf { first_inner, .. } => *first_inner,
        }
    }

    /// The associated data of an AEAD.
    #[must_use]
    pub fn aad(&self) -> Range<usize> {
        match self {
            Self::Sk { aad, .. } | Self::Skf { aad, .. } => aad.clone(),
        }
    }

    /// IV, ciphertext and ICV.
    #[must_use]
    pub fn body(&self) -> Range<usize> {
        match self {
            Self::Sk { body, .. } | Self::Skf { body, .. } => body.clone(),
        }
    }

    /// Which of how many fragments, if it is one.
    #[must_use]
    pub const fn fragment(&self) -> Option<FragmentHeader> {
        match self {
            Self::Sk { .. } => None,
            Self::Skf { fragment, .. } => Some(*fragment),
        }
    }

    fn read(kind: PayloadType, cursor: &mut Cursor<'_>) -> Result<Self, WireError> {
        let generic = Generic::read(cursor)?;
        let mut body = cursor.sub(generic.body_length, "SK body")?;
        let first_inner = generic.next;
        if kind == PayloadType::SKF {
            let fragment = FragmentHeader::read(&mut body)?;
            let (aad, body) = (
                0..body.offset(),
                body.offset()..body.offset() + body.remaining(),
            );
            Ok(Self::Skf {
                first_inner,
                fragment,
                aad,
                body,
            })
        } else {
            let (aad, body) = (
                0..body.offset(),
                body.offset()..body.offset() + body.remaining(),
            );
            Ok(Self::Sk {
                first_inner,
                aad,
                body,
            })
        }
    }
}

impl Message {
    /// Reads a datagram as an IKEv2 message.
    ///
    /// A datagram of another major version is refused with [`Reason::BadValue`] on `IKE header version`;
    /// [`Header::parse`] reads its header, and [`crate::v1`] more of it.
    ///
    /// # Errors
    /// Header, length, version or a payload in clear is malformed, or something follows the encrypted payload.
    pub fn parse(datagram: &[u8]) -> Result<ParsedMessage, WireError> {
        let mut cursor = Cursor::new(datagram);
        let header = Header::read(&mut cursor)?;
        if header.version.major != 2 {
            let reason = Reason::BadValue {
                value: u64::from(header.version.major),
                expected: "major version 2",
            };
            return Err(WireError::new(17, "IKE header version", reason));
        }
        if usize::try_from(header.length) != Ok(datagram.len()) {
            let value = usize::try_from(header.length).unwrap_or(usize::MAX);
            let reason = Reason::BadLength {
                value,
                expected: "the datagram's length",
            };
            return Err(WireError::new(24, "IKE header length", reason));
        }
        let mut payloads = PayloadList::default();
        let encrypted = match payloads.read_until_encrypted(header.next_payload, &mut cursor)? {
            PayloadType::NONE => None,
            kind => Some(Encrypted::read(kind, &mut cursor)?),
        };
        cursor.finish("payload chain")?;
        Ok(ParsedMessage {
            header,
            payloads,
            encrypted,
        })
    }
}

/// A whole message in clear. `next_payload` and `length` of `header` are computed, not taken.
///
/// # Errors
/// A part too long for its length or count field.
pub fn emit_plain(header: &Header, payloads: &PayloadList) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::new();
    header.emit(&mut out);
    let next_payload = payloads.emit(&mut out)?;
    finish_header(header, next_payload, &mut out)?;
    Ok(out)
}

/// Writes the final header over the one at the front of `out`.
pub(crate) fn finish_header(
    header: &Header,
    next_payload: PayloadType,
    out: &mut [u8],
) -> Result<(), WireError> {
    let length = u32::try_from(out.len()).map_err(|_| {
        WireError::new(
            24,
            "IKE header length",
            Reason::TooLong {
                length: out.len(),
                max: u32::MAX as usize,
            },
        )
    })?;
    let mut head = Vec::with_capacity(Header::LEN);
    Header {
        next_payload,
        length,
        ..*header
    }
    .emit(&mut head);
    if let Some(place) = out.get_mut(..head.len()) {
        place.copy_from_slice(&head);
    }
    Ok(())
}
