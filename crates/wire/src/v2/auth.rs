//! Authentication payload (RFC 7296 3.8, RFC 7427).

use crate::error::WireError;
use crate::iana::AuthMethod;
use crate::view::Cursor;

/// The proof that the sender is who its identity says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthPayload {
    /// How the proof was made.
    pub method: AuthMethod,
    /// The proof; for `DIGITAL_SIGNATURE` led by the length and the AlgorithmIdentifier (RFC 7427 3).
    pub data: Vec<u8>,
}

impl AuthPayload {
    /// Reads a payload body.
    ///
    /// # Errors
    /// The body is shorter than its fixed part.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let method = AuthMethod(cursor.u8("AUTH method")?);
        cursor.array::<3>("AUTH reserved")?;
        Ok(Self {
            method,
            data: cursor.rest().to_vec(),
        })
    }

    /// Appends the payload body to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.method.0, 0, 0, 0]);
        out.extend_from_slice(&self.data);
    }
}
