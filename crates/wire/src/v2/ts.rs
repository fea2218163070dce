//! Traffic Selector payloads TSi and TSr (RFC 7296 3.13).

use crate::error::{Reason, WireError};
use crate::iana::TsType;
use crate::view::{Cursor, length_u8, length_u16};
use core::net::{Ipv4Addr, Ipv6Addr};

/// The traffic of one side, as alternatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsPayload {
    /// The selectors, most specific first where the sender follows RFC 7296 2.9.
    pub selectors: Vec<TrafficSelector>,
}

/// One selector: an address range, a protocol and a port range.
///
/// Protocol 0 means any. Ports 0 to 65535 mean any, 65535 to 0 mean "opaque" (RFC 4301 4.4.1.1); for ICMP the
/// port's high byte is the type and its low byte the code. Start may exceed end: the reader decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrafficSelector {
    /// `TS_IPV4_ADDR_RANGE`.
    Ipv4 {
        /// IP protocol, 0 for any.
        protocol: u8,
        /// First port.
        start_port: u16,
        /// Last port.
        end_port: u16,
        /// First address.
        start: Ipv4Addr,
        /// Last address.
        end: Ipv4Addr,
    },
    /// `TS_IPV6_ADDR_RANGE`.
    Ipv6 {
        /// IP protocol, 0 for any.
        protocol: u8,
        /// First port.
        start_port: u16,
        /// Last port.
        end_port: u16,
        /// First address.
        start: Ipv6Addr,
        /// Last address.
        end: Ipv6Addr,
    },
    /// Any other type.
    Unknown {
        /// Its type.
        kind: TsType,
        /// Its second byte, the protocol in the known types.
        protocol: u8,
        /// What follows its length.
        body: Vec<u8>,
    },
}

impl TrafficSelector {
    /// The selector's type.
    #[must_use]
    pub const fn kind(&self) -> TsType {
        match self {
            Self::Ipv4 { .. } => TsType::TS_IPV4_ADDR_RANGE,
            Self::Ipv6 { .. } => TsType::TS_IPV6_ADDR_RANGE,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, WireError> {
        let kind = TsType(cursor.u8("TS type")?);
        let protocol = cursor.u8("TS protocol")?;
        let at = cursor.clone();
        let length = usize::from(cursor.u16("TS length")?);
        let wrong = |expected| {
            Err(at.error(
                "TS length",
                Reason::BadLength {
                    value: length,
                    expected,
                },
            ))
        };
        match kind {
            TsType::TS_IPV4_ADDR_RANGE if length != 16 => return wrong("16 for IPv4"),
            TsType::TS_IPV6_ADDR_RANGE if length != 40 => return wrong("40 for IPv6"),
            _ if length < 4 => return wrong("at least 4"),
            _ => {}
        }
        let mut body = cursor.sub(length - 4, "TS body")?;
        Ok(match kind {
            TsType::TS_IPV4_ADDR_RANGE => Self::Ipv4 {
                protocol,
                start_port: body.u16("TS start port")?,
                end_port: body.u16("TS end port")?,
                start: body.array::<4>("TS start address")?.into(),
                end: body.array::<4>("TS end address")?.into(),
            },
            TsType::TS_IPV6_ADDR_RANGE => Self::Ipv6 {
                protocol,
                start_port: body.u16("TS start port")?,
                end_port: body.u16("TS end port")?,
                start: body.array::<16>("TS start address")?.into(),
                end: body.array::<16>("TS end address")?.into(),
            },
            _ => Self::Unknown {
                kind,
                protocol,
                body: body.rest().to_vec(),
            },
        })
    }

    fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let head = |protocol: u8, length: u16, out: &mut Vec<u8>| {
            out.extend_from_slice(&[self.kind().0, protocol]);
            out.extend_from_slice(&length.to_be_bytes());
        };
        match self {
            Self::Ipv4 {
                protocol,
                start_port,
                end_port,
                start,
                end,
            } => {
                head(*protocol, 16, out);
                out.extend_from_slice(&start_port.to_be_bytes());
                out.extend_from_slice(&end_port.to_be_bytes());
                out.extend_from_slice(&start.octets());
                out.extend_from_slice(&end.octets());
            }
            Self::Ipv6 {
                protocol,
                start_port,
                end_port,
                start,
                end,
            } => {
                head(*protocol, 40, out);
                out.extend_from_slice(&start_port.to_be_bytes());
                out.extend_from_slice(&end_port.to_be_bytes());
                out.extend_from_slice(&start.octets());
                out.extend_from_slice(&end.octets());
            }
            Self::Unknown { protocol, body, .. } => {
                head(
                    *protocol,
                    length_u16(body.len() + 4, out, "TS length")?,
                    out,
                );
                out.extend_from_slice(body);
            }
        }
        Ok(())
    }
}

impl TsPayload {
    /// Reads a payload body.
    ///
    /// # Errors
    /// A selector does not fit its type or the body, or their count is wrong or zero.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let at = cursor.clone();
        let count = cursor.u8("TS count")?;
        cursor.array::<3>("TS reserved")?;
        if count == 0 {
            return Err(at.error(
                "TS count",
                Reason::BadValue {
                    value: 0,
                    expected: "at least one selector",
                },
            ));
        }
        let mut selectors = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            selectors.push(TrafficSelector::read(&mut cursor)?);
        }
        cursor.finish("TS payload")?;
        Ok(Self { selectors })
    }

    /// Appends the payload body to `out`.
    ///
    /// # Errors
    /// More than 255 selectors, or an unknown selector above 65531 bytes.
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let count = length_u8(self.selectors.len(), out, "TS count")?;
        out.extend_from_slice(&[count, 0, 0, 0]);
        self.selectors
            .iter()
            .try_for_each(|selector| selector.emit(out))
    }
}
