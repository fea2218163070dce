//! Certificate payload (RFC 7296 3.6).

use crate::error::WireError;
use crate::iana::CertEncoding;
use crate::view::Cursor;

/// A certificate, CRL, raw key or the URL of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertPayload {
    /// What `data` is.
    pub encoding: CertEncoding,
    /// The encoded object, unchecked.
    pub data: Vec<u8>,
}

impl CertPayload {
    /// Reads a payload body.
    ///
    /// # Errors
    /// The body is empty.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let encoding = CertEncoding(cursor.u8("CERT encoding")?);
        Ok(Self {
            encoding,
            data: cursor.rest().to_vec(),
        })
    }

    /// Appends the payload body to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.encoding.0);
        out.extend_from_slice(&self.data);
    }
}
