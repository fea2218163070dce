//! Capture files, record by record: classic pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).
//!
//! Chunks of any size go in, packets come out. A record is read where it lies in the chunk; only one that crosses a
//! border is copied. What can't be read is counted, and reading goes on behind it where that is possible.

use super::stamp::Stamp;
use super::tally::Tally;

/// Longest packet that is believed. Linux and libpcap cut at 262,144; the rest is room for odd tools.
const MOST_CAPTURED: usize = 1 << 20;
/// Longest interface or section block that is read; their options are short.
const MOST_BLOCK: usize = MOST_CAPTURED + 4096;
/// Interfaces of one section that are remembered.
const MOST_INTERFACES: usize = 1 << 16;

/// One captured packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number in the file, from 1.
    pub number: u64,
    /// When it was captured; `None` in the pcapng block that has no time.
    pub at: Option<Stamp>,
    /// What it starts with (`LINKTYPE_…`).
    pub link: u16,
    /// Interface number in its section; 0 in pcap.
    pub interface: u32,
    /// Length on the wire, more than `bytes` when the capture cut it.
    pub wire_length: usize,
    /// The packet as far as it was kept.
    pub bytes: &'a [u8],
}

/// Why a file isn't read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// Neither pcap nor pcapng.
    #[error("not a capture: it starts with neither the magic number of pcap nor that of pcapng")]
    NotACapture,
    /// A compressed file.
    #[error(
        "compressed with {0}; decompress it first, or pipe it in: `{0} -dc FILE | adit read -`"
    )]
    Compressed(&'static str),
}

/// Reads a capture file fed in chunks.
#[derive(Debug, Default)]
pub struct Reader {
    format: Format,
    /// A record that began in an earlier chunk.
    carry: Vec<u8>,
    /// Bytes still to be passed over.
    skip: u64,
    /// Bytes read so far, for messages.
    offset: u64,
    frames: u64,
    problems: Tally,
}

#[derive(Debug, Default)]
enum Format {
    #[default]
    Unknown,
    Pcap(Pcap),
    Pcapng(Section),
    /// Nothing behind this place can be told apart.
    Lost,
}

#[derive(Clone, Copy, Debug)]
struct Pcap {
    order: Order,
    nanoseconds: bool,
    /// The variant of Alexey Kuznetzov has eight more bytes a record.
    record_header: usize,
    link: u16,
}

#[derive(Clone, Debug)]
struct Section {
    order: Order,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u16,
    snap_length: usize,
    resolution: u8,
    offset_seconds: i64,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Big => u16::from_be_bytes(bytes),
            Order::Little => u16::from_le_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Big => u32::from_be_bytes(bytes),
            Order::Little => u32::from_le_bytes(bytes),
        })
    }

    fn length(self, bytes: &[u8], at: usize) -> Option<usize> {
        self.u32(bytes, at).and_then(|n| usize::try_from(n).ok())
    }
}

/// What became of the front of some bytes.
enum Step {
    /// So many bytes were read.
    Took(usize),
    /// So many are needed, counted from the front.
    Need(usize),
    /// So many are to be passed over.
    Skip(u64),
    /// No record begins here.
    Lost(String),
}

impl Reader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Packets so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Hands in the next chunk; `sink` gets each packet that it completes.
    ///
    /// # Errors
    /// The file is no capture.
    pub fn feed(
        &mut self,
        mut chunk: &[u8],
        mut sink: impl FnMut(Frame<'_>),
    ) -> Result<(), CaptureError> {
        while !chunk.is_empty() {
            if matches!(self.format, Format::Lost) {
                return Ok(());
            }
            if self.skip > 0 {
                let now = usize::try_from(self.skip).map_or(chunk.len(), |s| s.min(chunk.len()));
                self.skip -= now as u64;
                self.pass(now);
                chunk = chunk.get(now..).unwrap_or_default();
                continue;
            }
            if self.carry.is_empty() {
                match self.step(chunk, &mut sink)? {
                    Step::Took(length) => {
                        self.pass(length);
                        chunk = chunk.get(length..).unwrap_or_default();
                    }
                    Step::Need(_) => {
                        self.carry.extend_from_slice(chunk);
                        return Ok(());
                    }
                    Step::Skip(length) => self.skip = length,
                    Step::Lost(why) => self.lose(&why),
                }
                continue;
            }
            let mut carry = std::mem::take(&mut self.carry);
            match self.step(&carry, &mut sink)? {
                Step::Need(length) => {
                    let more = length.saturating_sub(carry.len()).min(chunk.len());
                    let (now, rest) = chunk.split_at(more);
                    carry.extend_from_slice(now);
                    chunk = rest;
                    self.carry = carry;
                    // Complete now, and the chunk may be at its end.
                    if chunk.is_empty() && self.carry.len() >= length {
                        self.settle(&mut sink)?;
                    }
                }
                other => self.settled(carry, other),
            }
        }
        Ok(())
    }

    /// Reads what is complete in `carry`.
    fn settle(&mut self, sink: &mut impl FnMut(Frame<'_>)) -> Result<(), CaptureError> {
        while !self.carry.is_empty() && self.skip == 0 {
            let carry = std::mem::take(&mut self.carry);
            match self.step(&carry, sink)? {
                Step::Need(_) => {
                    self.carry = carry;
                    return Ok(());
                }
                other => self.settled(carry, other),
            }
        }
        Ok(())
    }

    fn settled(&mut self, mut carry: Vec<u8>, step: Step) {
        match step {
            Step::Took(length) => {
                self.pass(length);
                carry.drain(..length.min(carry.len()));
                self.carry = carry;
            }
            Step::Skip(length) => {
                let have = usize::try_from(length).map_or(carry.len(), |l| l.min(carry.len()));
                self.skip = length - have as u64;
                self.pass(have);
                carry.drain(..have);
                self.carry = carry;
            }
            Step::Lost(why) => self.lose(&why),
            Step::Need(_) => self.carry = carry,
        }
    }

    /// Ends the file; returns how many packets there were and what couldn't be read.
    ///
    /// # Errors
    /// The file was too short to be a capture.
    pub fn finish(mut self) -> Result<(u64, Tally), CaptureError> {
        match self.format {
            Format::Unknown => return Err(CaptureError::NotACapture),
            Format::Lost => {}
            Format::Pcap(_) | Format::Pcapng(_) => {
                if self.skip > 0 || !self.carry.is_empty() {
                    self.problems.add("the file ends inside a record");
                }
            }
        }
        Ok((self.frames, self.problems))
    }

    fn pass(&mut self, length: usize) {
        self.offset = self.offset.saturating_add(length as u64);
    }

    fn lose(&mut self, why: &str) {
        self.problems.add(&format!(
            "{why} at byte {}; nothing behind it is read",
            self.offset
        ));
        self.format = Format::Lost;
    }

    fn step(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(Frame<'_>),
    ) -> Result<Step, CaptureError> {
        let step = match &self.format {
            Format::Unknown => return self.begin(bytes),
            Format::Pcap(head) => {
                let head = *head;
                self.record(head, bytes, sink)
            }
            Format::Pcapng(_) => self.block(bytes, sink),
            Format::Lost => None,
        };
        // Where a field isn't there, its record isn't whole; the lengths asked for above make this the end of a file.
        Ok(step.unwrap_or(Step::Need(bytes.len() + 1)))
    }

    /// Tells the format by its magic number.
    fn begin(&mut self, bytes: &[u8]) -> Result<Step, CaptureError> {
        let magic = match bytes {
            [0x1f, 0x8b, _, _, ..] => return Err(CaptureError::Compressed("gzip")),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return Err(CaptureError::Compressed("zstd")),
            [0xfd, b'7', b'z', b'X', ..] => return Err(CaptureError::Compressed("xz")),
            &[a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]),
            _ => return Ok(Step::Need(4)),
        };
        let (order, nanoseconds, record_header) = match magic {
            BLOCK_SECTION => {
                self.format = Format::Pcapng(Section {
                    order: Order::Little,
                    interfaces: Vec::new(),
                });
                return Ok(Step::Took(0));
            }
            0xa1b2_c3d4 => (Order::Big, false, 16),
            0xd4c3_b2a1 => (Order::Little, false, 16),
            0xa1b2_3c4d => (Order::Big, true, 16),
            0x4d3c_b2a1 => (Order::Little, true, 16),
            0xa1b2_cd34 => (Order::Big, false, 24),
            0x34cd_b2a1 => (Order::Little, false, 24),
            _ => return Err(CaptureError::NotACapture),
        };
        // The upper half of the field tells the length of a frame check sequence, which IP lengths cut off anyway.
        let Some(network) = order.u32(bytes, 20) else {
            return Ok(Step::Need(24));
        };
        self.format = Format::Pcap(Pcap {
            order,
            nanoseconds,
            record_header,
            link: (network & 0xffff) as u16,
        });
        Ok(Step::Took(24))
    }

    fn record(
        &mut self,
        head: Pcap,
        bytes: &[u8],
        sink: &mut impl FnMut(Frame<'_>),
    ) -> Option<Step> {
        if bytes.len() < head.record_header {
            return Some(Step::Need(head.record_header));
        }
        let seconds = u64::from(head.order.u32(bytes, 0)?);
        let fraction = u64::from(head.order.u32(bytes, 4)?);
        let captured = head.order.length(bytes, 8)?;
        let wire_length = head.order.length(bytes, 12)?;
        if captured > MOST_CAPTURED {
            return Some(Step::Lost(format!("a packet of {captured} bytes")));
        }
        let end = head.record_header + captured;
        let Some(packet) = bytes.get(head.record_header..end) else {
            return Some(Step::Need(end));
        };
        self.frames += 1;
        let nanos = if head.nanoseconds {
            fraction
        } else {
            fraction * 1000
        };
        sink(Frame {
            number: self.frames,
            at: Some(Stamp(
                seconds.saturating_mul(1_000_000_000).saturating_add(nanos),
            )),
            link: head.link,
            interface: 0,
            wire_length: wire_length.max(captured),
            bytes: packet,
        });
        Some(Step::Took(end))
    }

    fn block(&mut self, bytes: &[u8], sink: &mut impl FnMut(Frame<'_>)) -> Option<Step> {
        let Format::Pcapng(section) = &mut self.format else {
            return None;
        };
        if bytes.len() < 12 {
            return Some(Step::Need(12));
        }
        let kind = section.order.u32(bytes, 0)?;
        if kind == BLOCK_SECTION {
            // Only here the order of bytes may change, and the length is in the new one.
            section.order = match bytes.get(8..12)? {
                [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                _ => return Some(Step::Lost("a section without its byte order".to_owned())),
            };
            section.interfaces.clear();
        }
        let length = section.order.length(bytes, 4)?;
        if length < 12 || !length.is_multiple_of(4) {
            return Some(Step::Lost(format!("a block of length {length}")));
        }
        let known = matches!(
            kind,
            BLOCK_INTERFACE | BLOCK_PACKET | BLOCK_SIMPLE | BLOCK_ENHANCED
        );
        if !known {
            return Some(Step::Skip(length as u64));
        }
        if length > MOST_BLOCK {
            self.problems.add("a pcapng block too long to be true");
            return Some(Step::Skip(length as u64));
        }
        if bytes.len() < length {
            return Some(Step::Need(length));
        }
        let body = bytes.get(8..length - 4)?;
        if kind == BLOCK_INTERFACE {
            match Interface::read(section.order, body) {
                Some(interface) if section.interfaces.len() < MOST_INTERFACES => {
                    section.interfaces.push(interface);
                }
                _ => self.problems.add("an interface block that can't be read"),
            }
        } else {
            // It has its number whether or not it can be read: other tools count it too.
            self.frames += 1;
            match frame(self.frames, section, kind, body) {
                Ok(frame) => sink(frame),
                Err(why) => self.problems.add(why),
            }
        }
        Some(Step::Took(length))
    }
}

/// Reads the same in both orders.
const BLOCK_SECTION: u32 = 0x0a0d_0d0a;
const BLOCK_INTERFACE: u32 = 1;
/// Obsolete, and still found.
const BLOCK_PACKET: u32 = 2;
const BLOCK_SIMPLE: u32 = 3;
const BLOCK_ENHANCED: u32 = 6;

fn frame<'a>(
    number: u64,
    section: &Section,
    kind: u32,
    body: &'a [u8],
) -> Result<Frame<'a>, &'static str> {
    const SHORT: &str = "a packet block that is too short";
    let order = section.order;
    let field = |at| order.u32(body, at).ok_or(SHORT);
    let size = |at| order.length(body, at).ok_or(SHORT);
    let interface = match kind {
        BLOCK_ENHANCED => field(0)?,
        BLOCK_PACKET => u32::from(order.u16(body, 0).ok_or(SHORT)?),
        _ => 0,
    };
    let described = usize::try_from(interface)
        .ok()
        .and_then(|i| section.interfaces.get(i))
        .ok_or("a packet of an interface that isn't described")?;
    if kind == BLOCK_SIMPLE {
        let wire_length = size(0)?;
        let captured = wire_length
            .min(described.snap_length)
            .min(body.len().saturating_sub(4));
        return Ok(Frame {
            number,
            at: None,
            link: described.link,
            interface,
            wire_length,
            bytes: body.get(4..4 + captured).ok_or(SHORT)?,
        });
    }
    let ticks = u64::from(field(4)?) << 32 | u64::from(field(8)?);
    let captured = size(12)?;
    let bytes = body
        .get(20..)
        .and_then(|rest| rest.get(..captured))
        .ok_or("a packet longer than its block")?;
    Ok(Frame {
        number,
        at: described.stamp(ticks),
        link: described.link,
        interface,
        wire_length: size(16)?.max(captured),
        bytes,
    })
}

impl Interface {
    fn read(order: Order, body: &[u8]) -> Option<Self> {
        const RESOLUTION: u16 = 9;
        const OFFSET: u16 = 14;
        let mut interface = Self {
            link: order.u16(body, 0)?,
            snap_length: match order.length(body, 4)? {
                0 => usize::MAX,
                length => length,
            },
            resolution: 6,
            offset_seconds: 0,
        };
        let mut options = body.get(8..).unwrap_or_default();
        while let (Some(code @ 1..), Some(length)) = (order.u16(options, 0), order.u16(options, 2))
        {
            let length = usize::from(length);
            let Some(value) = options.get(4..4 + length) else {
                break;
            };
            match (code, value) {
                (RESOLUTION, [resolution, ..]) => interface.resolution = *resolution,
                (OFFSET, value) => {
                    if let Some(eight) = value.first_chunk::<8>() {
                        interface.offset_seconds = match order {
                            Order::Big => i64::from_be_bytes(*eight),
                            Order::Little => i64::from_le_bytes(*eight),
                        };
                    }
                }
                _ => {}
            }
            options = options
                .get(4 + length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        Some(interface)
    }

    /// The time of so many ticks; `None` when it isn't one that a packet can have.
    fn stamp(&self, ticks: u64) -> Option<Stamp> {
        let exponent = u32::from(self.resolution & 0x7f);
        let per_second = if self.resolution & 0x80 == 0 {
            10u128.checked_pow(exponent)?
        } else {
            1u128.checked_shl(exponent)?
        };
        let nanos = u128::from(ticks)
            .checked_mul(1_000_000_000)?
            .checked_div(per_second)?;
        let offset = i128::from(self.offset_seconds) * 1_000_000_000;
        u64::try_from(i128::try_from(nanos).ok()? + offset)
            .ok()
            .map(Stamp)
    }
}
