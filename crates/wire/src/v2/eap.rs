//! EAP payload (RFC 7296 3.16, RFC 3748 4).

use crate::error::{Reason, WireError};
use crate::view::{Cursor, length_u16};

/// One EAP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EapPayload {
    /// 1 request, 2 response, 3 success, 4 failure.
    pub code: u8,
    /// Matches a response with its request.
    pub identifier: u8,
    /// What follows the length; in requests and responses the type byte and its data.
    pub data: Vec<u8>,
}

impl EapPayload {
    /// The EAP type, which requests and responses have.
    #[must_use]
    pub fn kind(&self) -> Option<u8> {
        matches!(self.code, 1 | 2)
            .then(|| self.data.first().copied())
            .flatten()
    }

    /// Reads a payload body.
    ///
    /// # Errors
    /// The body is shorter than an EAP header, or the EAP length differs from the body's.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let whole = cursor.remaining();
        let code = cursor.u8("EAP code")?;
        let identifier = cursor.u8("EAP identifier")?;
        let at = cursor.clone();
        let length = usize::from(cursor.u16("EAP length")?);
        if length != whole {
            return Err(at.error(
                "EAP length",
                Reason::BadLength {
                    value: length,
                    expected: "the payload's length",
                },
            ));
        }
        Ok(Self {
            code,
            identifier,
            data: cursor.rest().to_vec(),
        })
    }

    /// Appends the payload body to `out`.
    ///
    /// # Errors
    /// [`Reason::TooLong`]: more data than an EAP packet can hold.
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let length = length_u16(self.data.len() + 4, out, "EAP length")?;
        out.extend_from_slice(&[self.code, self.identifier]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&self.data);
        Ok(())
    }
}
