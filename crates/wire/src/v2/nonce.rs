//! Nonce payload (RFC 7296 3.9).

use crate::error::{Reason, WireError};
use crate::view::Cursor;

/// Random data, 16 to 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(
    /// The bytes.
    pub Vec<u8>,
);

impl Nonce {
    /// The fewest bytes a nonce may have.
    pub const MIN: usize = 16;
    /// The most bytes a nonce may have.
    pub const MAX: usize = 256;

    /// Reads a payload body.
    ///
    /// # Errors
    /// The length is outside of what RFC 7296 3.9 allows.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let value = cursor.remaining();
        if !(Self::MIN..=Self::MAX).contains(&value) {
            return Err(cursor.error(
                "Nonce data",
                Reason::BadLength {
                    value,
                    expected: "16 to 256",
                },
            ));
        }
        Ok(Self(cursor.rest().to_vec()))
    }

    /// Appends the payload body to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}
