//! ICMP (RFC 792) and ICMPv6 (RFC 4443): echoes, and the errors that say why packets do not arrive.

use crate::checksum::{self, Sum};
use crate::error::{Reason, WireError};
use crate::ip::protocol;
use crate::view::Cursor;
use core::net::{IpAddr, Ipv6Addr};

/// An ICMP message; the same value stands for the same meaning in both versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IcmpMessage {
    /// Echo request.
    EchoRequest(Echo),
    /// Echo reply.
    EchoReply(Echo),
    /// Destination unreachable.
    Unreachable {
        /// Code of the version at hand; port unreachable is 3 in ICMP and 4 in ICMPv6.
        code: u8,
        /// The four bytes after the checksum; in ICMP with code 4 their low half is the next hop's MTU (RFC 1191).
        detail: u32,
        /// The start of the packet that did not arrive.
        quoted: Vec<u8>,
    },
    /// Packet too big, in ICMPv6 only.
    PacketTooBig {
        /// The MTU of the link that was too small, in bytes.
        mtu: u32,
        /// The start of the packet that did not arrive.
        quoted: Vec<u8>,
    },
    /// Any other message.
    Other {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// What follows the checksum.
        body: Vec<u8>,
    },
}

/// What echo request and reply share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Tells pings apart.
    pub identifier: u16,
    /// Tells the requests of one ping apart.
    pub sequence: u16,
    /// Data to be sent back.
    pub data: Vec<u8>,
}

/// The version of ICMP, with what its checksum needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// ICMP.
    V4,
    /// ICMPv6; its checksum covers the addresses.
    V6 {
        /// Source address of the packet.
        source: Ipv6Addr,
        /// Destination address of the packet.
        destination: Ipv6Addr,
    },
}

impl Family {
    /// The family of a packet between two addresses; mixed versions count as version 4.
    #[must_use]
    pub const fn of(source: IpAddr, destination: IpAddr) -> Self {
        match (source, destination) {
            (IpAddr::V6(source), IpAddr::V6(destination)) => Self::V6 {
                source,
                destination,
            },
            _ => Self::V4,
        }
    }

    /// The IP protocol number.
    #[must_use]
    pub const fn protocol(self) -> u8 {
        match self {
            Self::V4 => protocol::ICMP,
            Self::V6 { .. } => protocol::ICMPV6,
        }
    }

    const fn is_v6(self) -> bool {
        matches!(self, Self::V6 { .. })
    }

    fn checksum(self, message: &[u8]) -> u16 {
        match self {
            Self::V4 => checksum::of(message),
            Self::V6 {
                source,
                destination,
            } => Sum::pseudo_header(
                source.into(),
                destination.into(),
                protocol::ICMPV6,
                message.len(),
            )
            .bytes(message)
            .finish(),
        }
    }
}

const V4_ECHO_REPLY: u8 = 0;
const V4_UNREACHABLE: u8 = 3;
const V4_ECHO_REQUEST: u8 = 8;
const V6_UNREACHABLE: u8 = 1;
const V6_PACKET_TOO_BIG: u8 = 2;
const V6_ECHO_REQUEST: u8 = 128;
const V6_ECHO_REPLY: u8 = 129;

/// Code of "fragmentation needed and DF set" in ICMP.
pub const V4_CODE_FRAGMENTATION_NEEDED: u8 = 4;
/// Code of "port unreachable" in ICMP.
pub const V4_CODE_PORT: u8 = 3;
/// Code of "port unreachable" in ICMPv6.
pub const V6_CODE_PORT: u8 = 4;

impl IcmpMessage {
    /// Reads the payload of an IP packet.
    ///
    /// # Errors
    /// The message is cut off or its checksum is wrong.
    pub fn parse(family: Family, bytes: &[u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(bytes);
        let kind = cursor.u8("ICMP type")?;
        let code = cursor.u8("ICMP code")?;
        let at = cursor.clone();
        let found = cursor.u16("ICMP checksum")?;
        if family.checksum(bytes) != 0 {
            let mut copy = bytes.to_vec();
            let computed = write_checksum(family, &mut copy);
            return Err(at.error("ICMP checksum", Reason::BadChecksum { found, computed }));
        }
        Ok(match (family.is_v6(), kind, code) {
            (false, V4_ECHO_REQUEST, 0) | (true, V6_ECHO_REQUEST, 0) => {
                Self::EchoRequest(Echo::read(cursor)?)
            }
            (false, V4_ECHO_REPLY, 0) | (true, V6_ECHO_REPLY, 0) => {
                Self::EchoReply(Echo::read(cursor)?)
            }
            (false, V4_UNREACHABLE, _) | (true, V6_UNREACHABLE, _) => Self::Unreachable {
                code,
                detail: cursor.u32("ICMP detail")?,
                quoted: cursor.rest().to_vec(),
            },
            (true, V6_PACKET_TOO_BIG, 0) => Self::PacketTooBig {
                mtu: cursor.u32("ICMP MTU")?,
                quoted: cursor.rest().to_vec(),
            },
            _ => Self::Other {
                kind,
                code,
                body: cursor.rest().to_vec(),
            },
        })
    }

    /// Appends the message to `out`.
    ///
    /// # Errors
    /// A [`IcmpMessage::PacketTooBig`] in ICMP, which has no such message.
    pub fn emit(&self, family: Family, out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        let v6 = family.is_v6();
        match self {
            Self::EchoRequest(echo) => {
                echo.emit(if v6 { V6_ECHO_REQUEST } else { V4_ECHO_REQUEST }, out)
            }
            Self::EchoReply(echo) => echo.emit(if v6 { V6_ECHO_REPLY } else { V4_ECHO_REPLY }, out),
            Self::Unreachable {
                code,
                detail,
                quoted,
            } => {
                out.extend_from_slice(&[
                    if v6 { V6_UNREACHABLE } else { V4_UNREACHABLE },
                    *code,
                    0,
                    0,
                ]);
                out.extend_from_slice(&detail.to_be_bytes());
                out.extend_from_slice(quoted);
            }
            Self::PacketTooBig { .. } if !v6 => {
                let reason = Reason::BadValue {
                    value: 4,
                    expected: "IPv6 for packet too big",
                };
                return Err(WireError::new(start, "ICMP type", reason));
            }
            Self::PacketTooBig { mtu, quoted } => {
                out.extend_from_slice(&[V6_PACKET_TOO_BIG, 0, 0, 0]);
                out.extend_from_slice(&mtu.to_be_bytes());
                out.extend_from_slice(quoted);
            }
            Self::Other { kind, code, body } => {
                out.extend_from_slice(&[*kind, *code, 0, 0]);
                out.extend_from_slice(body);
            }
        }
        write_checksum(family, out.get_mut(start..).unwrap_or_default());
        Ok(())
    }

    /// The answer to an echo request.
    #[must_use]
    pub fn reply(&self) -> Option<Self> {
        match self {
            Self::EchoRequest(echo) => Some(Self::EchoReply(echo.clone())),
            _ => None,
        }
    }
}

impl Echo {
    fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        Ok(Self {
            identifier: cursor.u16("ICMP identifier")?,
            sequence: cursor.u16("ICMP sequence")?,
            data: cursor.rest().to_vec(),
        })
    }

    fn emit(&self, kind: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(&[kind, 0, 0, 0]);
        out.extend_from_slice(&self.identifier.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.data);
    }
}

fn write_checksum(family: Family, message: &mut [u8]) -> u16 {
    if let Some(place) = message.get_mut(2..4) {
        place.fill(0);
    }
    let sum = family.checksum(message);
    if let Some(place) = message.get_mut(2..4) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    sum
}
