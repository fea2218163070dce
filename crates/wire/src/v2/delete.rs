//! Delete payload (RFC 7296 3.11).

use crate::error::{Reason, WireError};
use crate::iana::ProtocolId;
use crate::view::{Cursor, length_u8, length_u16};

/// The sender has deleted these SAs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// Protocol of the SAs; `IKE` means this IKE SA and has no SPIs.
    pub protocol: ProtocolId,
    /// SPIs that the sender chose for the SAs, all of one length: four bytes for ESP and AH.
    pub spis: Vec<Vec<u8>>,
}

impl Delete {
    /// The deletion of the IKE SA that carries it.
    #[must_use]
    pub const fn ike() -> Self {
        Self {
            protocol: ProtocolId::IKE,
            spis: Vec::new(),
        }
    }

    /// The deletion of CHILD SAs.
    #[must_use]
    pub fn child(protocol: ProtocolId, spis: impl IntoIterator<Item = u32>) -> Self {
        Self {
            protocol,
            spis: spis
                .into_iter()
                .map(|spi| spi.to_be_bytes().to_vec())
                .collect(),
        }
    }

    /// The SPIs that have the four bytes of an ESP or AH SA.
    pub fn child_spis(&self) -> impl Iterator<Item = u32> {
        self.spis.iter().filter_map(|spi| {
            <[u8; 4]>::try_from(spi.as_slice())
                .ok()
                .map(u32::from_be_bytes)
        })
    }

    /// Reads a payload body.
    ///
    /// # Errors
    /// SPI size or count do not fit the protocol or the body.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let protocol = ProtocolId(cursor.u8("D protocol")?);
        let size_at = cursor.clone();
        let size = usize::from(cursor.u8("D SPI size")?);
        let count = usize::from(cursor.u16("D number of SPIs")?);
        let expected = match protocol {
            ProtocolId::IKE if size != 0 || count != 0 => Some("no SPI for IKE"),
            ProtocolId::ESP | ProtocolId::AH if size != 4 => Some("4 for ESP and AH"),
            _ if size == 0 && count != 0 => Some("a size when there are SPIs"),
            _ => None,
        };
        if let Some(expected) = expected {
            return Err(size_at.error(
                "D SPI size",
                Reason::BadLength {
                    value: size,
                    expected,
                },
            ));
        }
        let mut spis = cursor.sub(size * count, "D SPIs")?;
        cursor.finish("D payload")?;
        let mut read = Vec::with_capacity(count);
        while !spis.is_empty() {
            read.push(spis.take(size, "D SPI")?.to_vec());
        }
        Ok(Self {
            protocol,
            spis: read,
        })
    }

    /// Appends the payload body to `out`.
    ///
    /// # Errors
    /// An SPI of a length that the protocol forbids or that differs from the others', or too many SPIs.
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let size = match (self.protocol, self.spis.first()) {
            (ProtocolId::ESP | ProtocolId::AH, _) => 4,
            (_, Some(spi)) => spi.len(),
            (_, None) => 0,
        };
        let forbidden = (self.protocol == ProtocolId::IKE || size == 0) && !self.spis.is_empty();
        if let Some(odd) = self.spis.iter().find(|spi| forbidden || spi.len() != size) {
            let reason = Reason::BadLength {
                value: odd.len(),
                expected: "the one SPI size of the protocol",
            };
            return Err(WireError::new(out.len(), "D SPI", reason));
        }
        let size = length_u8(size, out, "D SPI size")?;
        let count = length_u16(self.spis.len(), out, "D number of SPIs")?;
        out.extend_from_slice(&[self.protocol.0, size]);
        out.extend_from_slice(&count.to_be_bytes());
        out.extend(self.spis.iter().flatten());
        Ok(())
    }
}
