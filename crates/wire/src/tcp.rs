//! The part of a TCP header that tunnels and observers look at (RFC 9293 3.1).

use crate::error::{Reason, WireError};
use crate::view::Cursor;

/// The front of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpHeader {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Flags CWR, ECE, URG, ACK, PSH, RST, SYN, FIN, from high to low.
    pub flags: u8,
    /// Window, unscaled.
    pub window: u16,
    /// Maximum segment size, if the segment has the option.
    pub mss: Option<u16>,
    /// Length of the header with options in bytes.
    pub header_length: usize,
}

impl TcpHeader {
    /// Flag FIN.
    pub const FIN: u8 = 0x01;
    /// Flag SYN.
    pub const SYN: u8 = 0x02;
    /// Flag RST.
    pub const RST: u8 = 0x04;
    /// Flag ACK.
    pub const ACK: u8 = 0x10;

    const MIN_LEN: usize = 20;

    /// Reads the front of a segment. Checksum and urgent pointer are not looked at, malformed options are passed over.
    ///
    /// # Errors
    /// The header is cut off or its length wrong.
    pub fn parse(segment: &[u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(segment);
        let source_port = cursor.u16("TCP source port")?;
        let destination_port = cursor.u16("TCP destination port")?;
        let sequence = cursor.u32("TCP sequence number")?;
        let acknowledgement = cursor.u32("TCP acknowledgement number")?;
        let at = cursor.clone();
        let header_length = usize::from(cursor.u8("TCP header length")? >> 4) * 4;
        let flags = cursor.u8("TCP flags")?;
        let window = cursor.u16("TCP window")?;
        cursor.u32("TCP checksum")?;
        let Some(options_length) = header_length.checked_sub(Self::MIN_LEN) else {
            let reason = Reason::BadLength {
                value: header_length,
                expected: "at least 20",
            };
            return Err(at.error("TCP header length", reason));
        };
        let mss = find_mss(cursor.take(options_length, "TCP options")?);
        Ok(Self {
            source_port,
            destination_port,
            sequence,
            acknowledgement,
            flags,
            window,
            mss,
            header_length,
        })
    }
}

fn find_mss(options: &[u8]) -> Option<u16> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const MSS: u8 = 2;
    let mut rest = options;
    loop {
        match *rest {
            [] | [END, ..] => return None,
            [NO_OPERATION, ..] => rest = rest.get(1..)?,
            [MSS, 4, high, low, ..] => return Some(u16::from_be_bytes([high, low])),
            [_, length, ..] if length >= 2 => rest = rest.get(usize::from(length)..)?,
            _ => return None,
        }
    }
}
