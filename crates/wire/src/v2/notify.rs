//! Notify payload (RFC 7296 3.10).

use crate::error::WireError;
use crate::iana::{NotifyType, ProtocolId};
use crate::view::{Cursor, length_u8};

/// An error or a status, about the IKE SA or about the SA that `protocol` and `spi` name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Protocol of the SA meant; `NONE` when no SPI is given (some peers send `IKE`).
    pub protocol: ProtocolId,
    /// SPI of the SA meant, or nothing.
    pub spi: Vec<u8>,
    /// What is notified.
    pub kind: NotifyType,
    /// Data, in the encoding of its type, unchecked.
    pub data: Vec<u8>,
}

impl Notify {
    /// A notification about the IKE SA itself, without data.
    #[must_use]
    pub const fn new(kind: NotifyType) -> Self {
        Self::with_data(kind, Vec::new())
    }

    /// A notification about the IKE SA itself, with data.
    #[must_use]
    pub const fn with_data(kind: NotifyType, data: Vec<u8>) -> Self {
        Self {
            protocol: ProtocolId::NONE,
            spi: Vec::new(),
            kind,
            data,
        }
    }

    /// A notification about one CHILD SA.
    #[must_use]
    pub fn about_child(kind: NotifyType, protocol: ProtocolId, spi: u32, data: Vec<u8>) -> Self {
        Self {
            protocol,
            spi: spi.to_be_bytes().to_vec(),
            kind,
            data,
        }
    }

    /// The SPI, when it is the four bytes of an ESP or AH SA.
    #[must_use]
    pub fn child_spi(&self) -> Option<u32> {
        <[u8; 4]>::try_from(self.spi.as_slice())
            .ok()
            .map(u32::from_be_bytes)
    }

    /// The data as one 16-bit number, as in INVALID_KE_PAYLOAD.
    #[must_use]
    pub fn data_u16(&self) -> Option<u16> {
        <[u8; 2]>::try_from(self.data.as_slice())
            .ok()
            .map(u16::from_be_bytes)
    }

    /// Reads a payload body.
    ///
    /// # Errors
    /// The body ends inside the fixed part or the SPI.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let protocol = ProtocolId(cursor.u8("N protocol")?);
        let spi_size = cursor.u8("N SPI size")?;
        let kind = NotifyType(cursor.u16("N type")?);
        let spi = cursor.take(usize::from(spi_size), "N SPI")?.to_vec();
        Ok(Self {
            protocol,
            spi,
            kind,
            data: cursor.rest().to_vec(),
        })
    }

    /// Appends the payload body to `out`.
    ///
    /// # Errors
    /// [`crate::Reason::TooLong`]: the SPI has more than 255 bytes.
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let spi_size = length_u8(self.spi.len(), out, "N SPI size")?;
        out.extend_from_slice(&[self.protocol.0, spi_size]);
        out.extend_from_slice(&self.kind.0.to_be_bytes());
        out.extend_from_slice(&self.spi);
        out.extend_from_slice(&self.data);
        Ok(())
    }
}
