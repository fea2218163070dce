//! From one packet of a host to the segments that go on the wire.

use crate::offload::PacketHeader;
use crate::offload::checksum::{fold, pseudo, sum};

/// The segments of a packet, to be written one by one to where they are needed.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    packet: &'a [u8],
    kind: Kind,
    /// Octets of IP and transport header, which every segment begins with.
    headers: usize,
    /// Octets of payload of each segment but the last.
    payload: usize,
    count: usize,
}

/// How segments are made.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// There is one, which is the packet; the checksum at the second place is completed over all from the first.
    Whole(Option<(usize, usize)>),
    /// TCP, whose header is here.
    Tcp(usize),
    /// UDP, whose header is here; whether the datagrams have checksums.
    Udp(usize, bool),
}

/// A packet that contradicts its own header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a packet that contradicts the header it came with")]
pub struct Malformed;

impl<'a> Segments<'a> {
    /// What `packet`, which came with `header`, has to be cut into.
    ///
    /// # Errors
    /// [`Malformed`]: its headers aren't what `header` says, or don't fit in it.
    pub fn of(header: &PacketHeader, packet: &'a [u8]) -> Result<Self, Malformed> {
        let whole = |checksum| Self {
            packet,
            kind: Kind::Whole(checksum),
            headers: packet.len(),
            payload: 0,
            count: 1,
        };
        let start = usize::from(header.checksum_start);
        if header.kind == 0 {
            if !header.needs_checksum() {
                return Ok(whole(None));
            }
            let at = start + usize::from(header.checksum_offset);
            let fits = at + 2 <= packet.len().min(MOST_HEADERS) && start < packet.len();
            return fits.then(|| whole(Some((start, at)))).ok_or(Malformed);
        }
        let given = header.needs_checksum().then_some(start);
        let (protocol, transport) = transport(packet, given).ok_or(Malformed)?;
        let v4 = packet.first().is_some_and(|first| first >> 4 == 4);
        let (kind, headers) = match (header.kind & !PacketHeader::ECN, protocol, v4) {
            (PacketHeader::TCP_V4, TCP, true) | (PacketHeader::TCP_V6, TCP, false) => {
                let words = packet.get(transport + 12).ok_or(Malformed)? >> 4;
                let length = usize::from(words) * 4;
                if length < TCP_HEADER {
                    return Err(Malformed);
                }
                (Kind::Tcp(transport), transport + length)
            }
            (PacketHeader::UDP, UDP, _) => {
                let sum = packet.get(transport + 6..transport + 8).ok_or(Malformed)?;
                let summed = header.needs_checksum() || !v4 || sum != [0, 0];
                (Kind::Udp(transport, summed), transport + UDP_HEADER)
            }
            _ => return Err(Malformed),
        };
        let rest = packet.len().checked_sub(headers).ok_or(Malformed)?;
        let payload = usize::from(header.segment);
        if payload == 0 || headers > MOST_HEADERS {
            return Err(Malformed);
        }
        Ok(Self {
            packet,
            kind,
            headers,
            payload,
            count: rest.div_ceil(payload).max(1),
        })
    }

    /// How many there are, at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Octets of the segment at `index`, all headers included.
    #[must_use]
    pub fn length(&self, index: usize) -> usize {
        let before = index * self.payload;
        let rest = self.packet.len().saturating_sub(self.headers + before);
        match self.kind {
            Kind::Whole(_) => self.packet.len(),
            _ => self.headers + rest.min(self.payload),
        }
    }

    /// Octets of the longest, which is the first.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.length(0)
    }

    /// The beginning of the packet, which holds everything that all segments have in common: addresses, protocol, ports.
    #[must_use]
    pub fn packet(&self) -> &'a [u8] {
        self.packet
    }

    /// The segment at `index` in two parts, of which the first is never empty: what was made for it, in `room`, and what
    /// is as it was in the packet.
    #[must_use]
    pub fn parts<'s>(&'s self, index: usize, room: &'s mut Room) -> [&'s [u8]; 2] {
        let (transport, protocol, offset, summed) = match self.kind {
            Kind::Whole(None) => return [self.packet, &[]],
            Kind::Whole(Some((start, at))) => return self.completed(start, at, room),
            Kind::Tcp(transport) => (transport, TCP, 16, true),
            Kind::Udp(transport, summed) => (transport, UDP, 6, summed),
        };
        let start = index * self.payload;
        let payload = self.packet.get(self.headers..).unwrap_or_default();
        let end = (start + self.payload).min(payload.len());
        let payload = payload.get(start..end).unwrap_or_default();
        let head = room.copy(self.packet, self.headers);
        number(head, index, head.len() + payload.len());
        let length = (head.len() - transport.min(head.len()) + payload.len()) as u16;
        if protocol == UDP {
            put(head, transport + 4, length.to_be_bytes());
        } else {
            let last = index + 1 == self.count;
            let tcp = head.get_mut(transport..).unwrap_or_default();
            advance(tcp, start as u32, index == 0, last);
        }
        if summed {
            put(head, transport + offset, [0, 0]);
            let (front, covered) = head.split_at(transport.min(head.len()));
            let addresses = front.get(addresses(front)).unwrap_or_default();
            let sum = pseudo(addresses, protocol, length.into()) + sum(covered) + sum(payload);
            put(head, transport + offset, finish(sum, protocol == UDP));
        }
        [head, payload]
    }

    /// The packet as it is, but for a checksum whose field holds the sum of the pseudo header.
    fn completed<'s>(&'s self, start: usize, at: usize, room: &'s mut Room) -> [&'s [u8]; 2] {
        let total = sum(self.packet.get(start..).unwrap_or_default());
        let head = room.copy(self.packet, at + 2);
        // In TCP a zero is as good as its opposite; in UDP it would mean that there is none.
        put(head, at, finish(total, true));
        [head, self.packet.get(at + 2..).unwrap_or_default()]
    }
}

/// Room for the headers of one segment.
pub struct Room([u8; MOST_HEADERS]);

impl Default for Room {
    fn default() -> Self {
        Self([0; MOST_HEADERS])
    }
}

impl Room {
    /// A copy of the beginning of `packet`.
    fn copy(&mut self, packet: &[u8], length: usize) -> &mut [u8] {
        let length = length.min(packet.len()).min(self.0.len());
        let (room, _) = self.0.split_at_mut(length);
        room.copy_from_slice(packet.get(..length).unwrap_or_default());
        room
    }
}

/// The transport protocol of a packet and where its header begins. Where the sender says so (`given`), IPv6 extension
/// headers may come before.
fn transport(packet: &[u8], given: Option<usize>) -> Option<(u8, usize)> {
    let first = *packet.first()?;
    match first >> 4 {
        4 => {
            let length = usize::from(first & 0x0f) * 4;
            let fragment = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]) & 0x3fff;
            let fits = length >= 20 && fragment == 0 && given.is_none_or(|at| at == length);
            fits.then_some((*packet.get(9)?, length))
        }
        6 => {
            let (mut next, mut at) = (*packet.get(6)?, 40);
            while matches!(next, HOP_BY_HOP | ROUTING | DESTINATION) {
                let length = usize::from(*packet.get(at + 1)?) * 8 + 8;
                next = *packet.get(at)?;
                at += length;
            }
            given.is_none_or(|given| at == given).then_some((next, at))
        }
        _ => None,
    }
}

/// Gives the IP header of the segment at `index` its length, and over IPv4 its identification and checksum.
fn number(head: &mut [u8], index: usize, length: usize) {
    if head.first().is_some_and(|first| first >> 4 == 6) {
        return put(head, 4, (length.saturating_sub(40) as u16).to_be_bytes());
    }
    let words = head.first().map_or(0, |first| usize::from(first & 0x0f));
    let Some(ip) = head.get_mut(..words * 4) else {
        return;
    };
    if let Some(start) = ip.first_chunk_mut::<12>() {
        let [a, b] = (length as u16).to_be_bytes();
        let id = u16::from_be_bytes([start[4], start[5]]).wrapping_add(index as u16);
        let [c, d] = id.to_be_bytes();
        (start[2], start[3], start[4], start[5]) = (a, b, c, d);
        (start[10], start[11]) = (0, 0);
    }
    let checksum = !fold(sum(ip));
    put(ip, 10, checksum.to_ne_bytes());
}

/// Makes a TCP header that of a segment `octets` into the payload (RFC 9293 3.1; RFC 3168 6.1.2 for CWR).
fn advance(tcp: &mut [u8], octets: u32, first: bool, last: bool) {
    if let Some(sequence) = tcp.get_mut(4..).and_then(<[u8]>::first_chunk_mut::<4>) {
        *sequence = u32::from_be_bytes(*sequence)
            .wrapping_add(octets)
            .to_be_bytes();
    }
    if let Some(flags) = tcp.get_mut(13) {
        if !last {
            *flags &= !(FIN | PSH);
        }
        if !first {
            *flags &= !CWR;
        }
    }
}

fn finish(sum: u64, never_zero: bool) -> [u8; 2] {
    match !fold(sum) {
        0 if never_zero => [0xff, 0xff],
        checksum => checksum.to_ne_bytes(),
    }
}

/// Sets sixteen bits of a header.
pub(crate) fn put(packet: &mut [u8], at: usize, value: [u8; 2]) {
    if let Some(field) = packet.get_mut(at..at + 2) {
        field.copy_from_slice(&value);
    }
}

/// Where source and destination lie.
pub(crate) fn addresses(packet: &[u8]) -> core::ops::Range<usize> {
    match packet.first().map(|first| first >> 4) {
        Some(4) => 12..20,
        _ => 8..40,
    }
}

/// The longest headers of one packet: IPv6 with as many extensions as routers read at all, and TCP with all options.
const MOST_HEADERS: usize = 320;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const DESTINATION: u8 = 60;
pub(crate) const TCP_HEADER: usize = 20;
pub(crate) const UDP_HEADER: usize = 8;
const FIN: u8 = 0x01;
pub(crate) const PSH: u8 = 0x08;
const CWR: u8 = 0x80;
