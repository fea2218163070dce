//! UDP (RFC 768).

use crate::checksum::Sum;
use crate::error::{Reason, WireError};
use crate::ip::protocol;
use crate::view::{Cursor, length_u16};
use core::net::IpAddr;

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpDatagram<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// The content.
    pub payload: &'a [u8],
}

impl<'a> UdpDatagram<'a> {
    /// Length of the header in bytes.
    pub const HEADER_LEN: usize = 8;

    /// Reads the payload of an IP packet. The checksum is checked where addresses are given and the sender made one.
    ///
    /// # Errors
    /// The lengths or the checksum are wrong.
    pub fn parse(addresses: Option<(IpAddr, IpAddr)>, bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(bytes);
        let source_port = cursor.u16("UDP source port")?;
        let destination_port = cursor.u16("UDP destination port")?;
        let at = cursor.clone();
        let length = usize::from(cursor.u16("UDP length")?);
        let checksum_at = cursor.clone();
        let found = cursor.u16("UDP checksum")?;
        let Some(payload_length) = length.checked_sub(Self::HEADER_LEN) else {
            return Err(at.error(
                "UDP length",
                Reason::BadLength {
                    value: length,
                    expected: "at least 8",
                },
            ));
        };
        let payload = cursor.take(payload_length, "UDP payload")?;
        let datagram = Self {
            source_port,
            destination_port,
            payload,
        };
        if let Some((source, destination)) = addresses.filter(|_| found != 0) {
            let computed = datagram.checksum(source, destination, length as u16);
            if computed != found {
                return Err(
                    checksum_at.error("UDP checksum", Reason::BadChecksum { found, computed })
                );
            }
        }
        Ok(datagram)
    }

    /// Appends header and payload to `out`.
    ///
    /// # Errors
    /// The payload does not fit a UDP datagram.
    pub fn emit(
        &self,
        source: IpAddr,
        destination: IpAddr,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        let length = length_u16(self.payload.len() + Self::HEADER_LEN, out, "UDP length")?;
        for field in [
            self.source_port,
            self.destination_port,
            length,
            self.checksum(source, destination, length),
        ] {
            out.extend_from_slice(&field.to_be_bytes());
        }
        out.extend_from_slice(self.payload);
        Ok(())
    }

    fn checksum(&self, source: IpAddr, destination: IpAddr, length: u16) -> u16 {
        let sum = Sum::pseudo_header(source, destination, protocol::UDP, usize::from(length))
            .bytes(&self.source_port.to_be_bytes())
            .bytes(&self.destination_port.to_be_bytes())
            .bytes(&length.to_be_bytes())
            .bytes(self.payload)
            .finish();
        // Zero on the wire means "none made" (RFC 768); its other form stands for the sum.
        if sum == 0 { 0xffff } else { sum }
    }
}
