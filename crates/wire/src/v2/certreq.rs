//! Certificate Request payload (RFC 7296 3.7).

use crate::error::WireError;
use crate::iana::CertEncoding;
use crate::view::Cursor;

/// A wish for certificates of one encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertReqPayload {
    /// The encoding wished for.
    pub encoding: CertEncoding,
    /// The acceptable authorities; for X.509 the SHA-1 hashes of their public keys, one after the other.
    pub authorities: Vec<u8>,
}

impl CertReqPayload {
    /// Reads a payload body.
    ///
    /// # Errors
    /// The body is empty.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let encoding = CertEncoding(cursor.u8("CERTREQ encoding")?);
        Ok(Self {
            encoding,
            authorities: cursor.rest().to_vec(),
        })
    }

    /// The whole 20-byte hashes among `authorities`.
    pub fn key_hashes(&self) -> impl Iterator<Item = &[u8; 20]> {
        self.authorities.as_chunks::<20>().0.iter()
    }

    /// Appends the payload body to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.encoding.0);
        out.extend_from_slice(&self.authorities);
    }
}
