//! Key Exchange payload (RFC 7296 3.4).

use crate::error::WireError;
use crate::iana::KeMethod;
use crate::view::Cursor;

/// A public value of one key exchange method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KePayload {
    /// The method ("Diffie-Hellman group number").
    pub method: KeMethod,
    /// The public value, in the method's own encoding and of unchecked length.
    pub data: Vec<u8>,
}

impl KePayload {
    /// Reads a payload body.
    ///
    /// # Errors
    /// The body is shorter than its fixed part.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let method = KeMethod(cursor.u16("KE method")?);
        cursor.u16("KE reserved")?;
        Ok(Self {
            method,
            data: cursor.rest().to_vec(),
        })
    }

    /// Appends the payload body to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.method.0.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.data);
    }
}
