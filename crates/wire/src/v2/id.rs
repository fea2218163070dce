//! Identification payloads IDi and IDr (RFC 7296 3.5).

use crate::error::WireError;
use crate::iana::IdType;
use crate::view::Cursor;

/// An identity. Its body, exactly as received, goes into the AUTH computation (RFC 7296 2.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPayload {
    /// Type of the identity.
    pub kind: IdType,
    /// The reserved bytes: zero in what we send, kept because the peer signs what it sent.
    pub reserved: [u8; 3],
    /// The identity in the encoding of its type, unchecked.
    pub data: Vec<u8>,
}

impl IdPayload {
    /// An identity as we send it.
    #[must_use]
    pub const fn new(kind: IdType, data: Vec<u8>) -> Self {
        Self {
            kind,
            reserved: [0; 3],
            data,
        }
    }

    /// Reads a payload body.
    ///
    /// # Errors
    /// The body is shorter than its fixed part.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let kind = IdType(cursor.u8("ID type")?);
        let reserved = cursor.array("ID reserved")?;
        Ok(Self {
            kind,
            reserved,
            data: cursor.rest().to_vec(),
        })
    }

    /// Appends the payload body ("RestOfIDPayload" of RFC 7296 2.15) to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.kind.0);
        out.extend_from_slice(&self.reserved);
        out.extend_from_slice(&self.data);
    }
}
