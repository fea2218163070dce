//! Writing captures as pcapng, with interface names, directions and comments for whoever opens them.

use std::io::{self, Write};
use std::time::SystemTime;

/// Link type of Ethernet frames (`LINKTYPE_ETHERNET`).
pub const LINK_ETHERNET: u16 = 1;
/// Link type of bare IPv4 and IPv6 packets (`LINKTYPE_RAW`).
pub const LINK_RAW: u16 = 101;

/// The link type that frames of an `ARPHRD_*` hardware type have in a capture.
pub fn link_type(hardware: u16) -> u16 {
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => LINK_ETHERNET,
        _ => LINK_RAW,
    }
}

/// Which way a packet went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Received.
    Inbound,
    /// Sent.
    Outbound,
}

/// A pcapng file under construction: one section, nanosecond timestamps.
#[derive(Debug)]
pub struct PcapngWriter<W: Write> {
    output: W,
    interfaces: u32,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header; `application` names the writer.
    ///
    /// # Errors
    /// When `output` fails.
    pub fn new(output: W, application: &str) -> io::Result<Self> {
        let mut writer = Self {
            output,
            interfaces: 0,
        };
        let mut body = Vec::new();
        body.extend(BYTE_ORDER.to_ne_bytes());
        body.extend(1u16.to_ne_bytes());
        body.extend(0u16.to_ne_bytes());
        // The length of the section isn't known in advance.
        body.extend((-1i64).to_ne_bytes());
        option(&mut body, SHB_USERAPPL, application.as_bytes());
        end_of_options(&mut body);
        writer.block(SECTION_HEADER, &body)?;
        Ok(writer)
    }

    /// Describes an interface; returns its number for [`Self::packet`].
    ///
    /// # Errors
    /// When the output fails.
    pub fn interface(&mut self, name: &str, link_type: u16) -> io::Result<u32> {
        let mut body = Vec::new();
        body.extend(link_type.to_ne_bytes());
        body.extend([0; 2]);
        body.extend(0u32.to_ne_bytes());
        option(&mut body, IF_NAME, name.as_bytes());
        option(&mut body, IF_TSRESOL, &[NANOSECONDS]);
        end_of_options(&mut body);
        self.block(INTERFACE_DESCRIPTION, &body)?;
        let number = self.interfaces;
        self.interfaces += 1;
        Ok(number)
    }

    /// Writes one packet. `wire_length` is its true length when `bytes` is cut; `comment` shows in the viewer.
    ///
    /// # Errors
    /// When the output fails.
    pub fn packet(
        &mut self,
        interface: u32,
        at: SystemTime,
        bytes: &[u8],
        wire_length: usize,
        direction: Option<Direction>,
        comment: Option<&str>,
    ) -> io::Result<()> {
        let since = at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let time = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        let mut body = Vec::with_capacity(bytes.len() + 64);
        body.extend(interface.to_ne_bytes());
        body.extend(((time >> 32) as u32).to_ne_bytes());
        body.extend((time as u32).to_ne_bytes());
        body.extend(length(bytes.len()).to_ne_bytes());
        body.extend(length(wire_length).to_ne_bytes());
        body.extend(bytes);
        pad(&mut body);
        if let Some(comment) = comment {
            option(&mut body, COMMENT, comment.as_bytes());
        }
        if let Some(direction) = direction {
            let flags: u32 = match direction {
                Direction::Inbound => 1,
                Direction::Outbound => 2,
            };
            option(&mut body, EPB_FLAGS, &flags.to_ne_bytes());
        }
        if comment.is_some() || direction.is_some() {
            end_of_options(&mut body);
        }
        self.block(ENHANCED_PACKET, &body)
    }

    /// Hands what is buffered to the output.
    ///
    /// # Errors
    /// When the output fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// The output, with everything written.
    pub fn into_inner(self) -> W {
        self.output
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let total = length(body.len() + 12).to_ne_bytes();
        self.output.write_all(&kind.to_ne_bytes())?;
        self.output.write_all(&total)?;
        self.output.write_all(body)?;
        self.output.write_all(&total)
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    // A longer comment than fits is cut rather than breaking the file.
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    body.extend(code.to_ne_bytes());
    body.extend((value.len() as u16).to_ne_bytes());
    body.extend(value);
    pad(body);
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend([0; 4]);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn length(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const COMMENT: u16 = 1;
const EPB_FLAGS: u16 = 2;
const IF_NAME: u16 = 2;
const SHB_USERAPPL: u16 = 4;
const IF_TSRESOL: u16 = 9;
const NANOSECONDS: u8 = 9;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    /// Walks the blocks as a reader would: type, body; the length must stand at both ends.
    fn blocks(mut file: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let number = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().unwrap());
        let mut found = Vec::new();
        while !file.is_empty() {
            let total = number(&file[4..8]) as usize;
            assert_eq!(total % 4, 0);
            assert_eq!(number(&file[total - 4..total]) as usize, total);
            found.push((number(&file[..4]), file[8..total - 4].to_vec()));
            file = &file[total..];
        }
        found
    }

    #[test]
    fn a_file_is_a_section_its_interfaces_and_its_packets() {
        let mut writer = PcapngWriter::new(Vec::new(), "adit").unwrap();
        assert_eq!(writer.interface("wan0", LINK_ETHERNET).unwrap(), 0);
        assert_eq!(writer.interface("adit0", LINK_RAW).unwrap(), 1);
        let at = SystemTime::UNIX_EPOCH + Duration::new(5, 7);
        let direction = Some(Direction::Outbound);
        writer
            .packet(1, at, &[0x45, 1, 2], 1400, direction, Some("IKE_SA_INIT"))
            .unwrap();
        let file = writer.into_inner();

        let blocks = blocks(&file);
        let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(
            kinds,
            [
                SECTION_HEADER,
                INTERFACE_DESCRIPTION,
                INTERFACE_DESCRIPTION,
                ENHANCED_PACKET
            ]
        );
        let packet = &blocks[3].1;
        let word = |at: usize| u32::from_ne_bytes(packet[at..at + 4].try_into().unwrap());
        assert_eq!(word(0), 1);
        assert_eq!(
            (u64::from(word(4)) << 32) + u64::from(word(8)),
            5_000_000_007
        );
        assert_eq!((word(12), word(16)), (3, 1400));
        assert_eq!(&packet[20..24], &[0x45, 1, 2, 0]);
    }
}
