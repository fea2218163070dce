//! The IKE header (RFC 7296 3.1).

use crate::error::WireError;
use crate::iana::{ExchangeType, PayloadType};
use crate::view::Cursor;
use core::fmt;

/// An IKE SPI: eight bytes, chosen by one side, zero while unknown. Prints as 16 hex digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IkeSpi(pub u64);

impl IkeSpi {
    /// The responder's SPI in the first request.
    pub const ZERO: IkeSpi = IkeSpi(0);

    /// Whether no SPI is set.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The SPI as it is on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The SPI from its wire form.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for IkeSpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for IkeSpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Protocol version, four bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 2 for IKEv2, 1 for IKEv1. Only the low four bits are written.
    pub major: u8,
    /// 0 in both. Only the low four bits are written.
    pub minor: u8,
}

impl Version {
    /// IKEv1.
    pub const V1: Version = Version { major: 1, minor: 0 };
    /// IKEv2.
    pub const V2: Version = Version { major: 2, minor: 0 };

    const fn from_byte(byte: u8) -> Self {
        Self {
            major: byte >> 4,
            minor: byte & 0x0f,
        }
    }

    const fn to_byte(self) -> u8 {
        (self.major << 4) | (self.minor & 0x0f)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The flags byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// The sender is the original initiator of the IKE SA.
    pub initiator: bool,
    /// The sender can speak a higher major version.
    pub version: bool,
    /// The message answers a request.
    pub response: bool,
    /// The bits without a meaning, in place; to be ignored on receipt, zero in what we send.
    pub reserved: u8,
}

impl Flags {
    const INITIATOR: u8 = 0x08;
    const VERSION: u8 = 0x10;
    const RESPONSE: u8 = 0x20;

    /// Flags of a request or response from the original initiator or responder.
    #[must_use]
    pub const fn new(initiator: bool, response: bool) -> Self {
        Self {
            initiator,
            version: false,
            response,
            reserved: 0,
        }
    }

    /// The flags of a flags byte.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        Self {
            initiator: byte & Self::INITIATOR != 0,
            version: byte & Self::VERSION != 0,
            response: byte & Self::RESPONSE != 0,
            reserved: byte & !(Self::INITIATOR | Self::VERSION | Self::RESPONSE),
        }
    }

    /// The flags byte.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        let named = Self::INITIATOR | Self::VERSION | Self::RESPONSE;
        (self.reserved & !named)
            | if self.initiator { Self::INITIATOR } else { 0 }
            | if self.version { Self::VERSION } else { 0 }
            | if self.response { Self::RESPONSE } else { 0 }
    }
}

/// The fixed header in front of every IKE message, of any major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The original initiator's SPI.
    pub spi_i: IkeSpi,
    /// The original responder's SPI; zero in the first request.
    pub spi_r: IkeSpi,
    /// Type of the first payload.
    pub next_payload: PayloadType,
    /// Protocol version.
    pub version: Version,
    /// Exchange type.
    pub exchange: ExchangeType,
    /// Flags.
    pub flags: Flags,
    /// Message ID.
    pub message_id: u32,
    /// Length of the message in bytes, header included.
    pub length: u32,
}

impl Header {
    /// Length of the header in bytes.
    pub const LEN: usize = 28;

    /// A version 2 header; `next_payload` and `length` are filled in by whatever emits the message.
    #[must_use]
    pub const fn v2(
        spi_i: IkeSpi,
        spi_r: IkeSpi,
        exchange: ExchangeType,
        flags: Flags,
        message_id: u32,
    ) -> Self {
        Self {
            spi_i,
            spi_r,
            next_payload: PayloadType::NONE,
            version: Version::V2,
            exchange,
            flags,
            message_id,
            length: 0,
        }
    }

    /// Reads the header from the front of `bytes`. No field is judged: any version, any length.
    ///
    /// # Errors
    /// Fewer than [`Header::LEN`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        Self::read(&mut Cursor::new(bytes))
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, WireError> {
        Ok(Self {
            spi_i: IkeSpi(cursor.u64("IKE header initiator SPI")?),
            spi_r: IkeSpi(cursor.u64("IKE header responder SPI")?),
            next_payload: PayloadType(cursor.u8("IKE header next payload")?),
            version: Version::from_byte(cursor.u8("IKE header version")?),
            exchange: ExchangeType(cursor.u8("IKE header exchange type")?),
            flags: Flags::from_byte(cursor.u8("IKE header flags")?),
            message_id: cursor.u32("IKE header message ID")?,
            length: cursor.u32("IKE header length")?,
        })
    }

    /// Appends the header to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.spi_i.to_bytes());
        out.extend_from_slice(&self.spi_r.to_bytes());
        out.extend_from_slice(&[
            self.next_payload.0,
            self.version.to_byte(),
            self.exchange.0,
            self.flags.to_byte(),
        ]);
        out.extend_from_slice(&self.message_id.to_be_bytes());
        out.extend_from_slice(&self.length.to_be_bytes());
    }
}
