//! From segments that came out of a tunnel to one packet for the host.

use core::ops::Range;

use crate::offload::PacketHeader;
use crate::offload::checksum::{fold, pseudo, sum};
use crate::offload::split::{PSH, TCP, TCP_HEADER, UDP, UDP_HEADER, addresses, put};

/// Puts segments of flows together while a batch of packets is looked at. It remembers where they lie in the slab that the
/// batch was received into; nothing of that may change before [`Coalescer::finish`].
pub struct Coalescer {
    flows: Box<[Flow]>,
    /// How many of them are in use.
    used: usize,
    /// Whether the host takes UDP datagrams that are put together.
    udp: bool,
    /// Whether it has turned out to take nothing that is put together.
    stopped: bool,
}

/// Octets in the slab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    start: u32,
    length: u32,
}

/// A packet for the host: a header, then octets of the slab.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// Who it is for, as it was said with the first segment.
    pub to: u32,
    /// The [`PacketHeader`], and the headers of a packet that was put together.
    pub head: &'a [u8],
    /// The rest of the packet, or all of it, in order; at most [`Coalescer::MOST_PARTS`].
    pub parts: &'a [Part],
    /// How many segments it stands for.
    pub segments: usize,
}

/// A flow whose last segments wait for more.
struct Flow {
    to: u32,
    /// [`PacketHeader`] and the first segment's headers.
    head: [u8; HEAD],
    /// Octets of the first segment's headers.
    headers: usize,
    /// Where its transport header begins.
    transport: usize,
    /// Octets of payload of all segments but the last.
    payload: usize,
    /// Octets of headers and payloads.
    length: usize,
    /// TCP: the sequence number that continues it.
    next: u32,
    /// TCP: whether the last segment asked to be pushed.
    pushed: bool,
    /// Whether the last segment was shorter than the others.
    short: bool,
    /// The first segment as it came.
    first: Part,
    parts: [Part; Coalescer::MOST_PARTS],
    count: usize,
}

/// What a packet shows of the flow that it belongs to.
#[derive(Clone, Copy)]
struct Seen {
    protocol: u8,
    transport: usize,
    headers: usize,
}

impl Coalescer {
    /// Most segments of one packet: the most that kernels take for UDP.
    pub const MOST_PARTS: usize = 64;

    /// For a host that takes TCP segments put together, and UDP datagrams if `udp`.
    #[must_use]
    pub fn new(udp: bool) -> Self {
        Self {
            flows: (0..FLOWS).map(|_| Flow::EMPTY).collect(),
            used: 0,
            udp,
            stopped: false,
        }
    }

    /// From now on every packet goes alone.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Takes the packet at `place` of `slab`, which is for `to`; what is ready goes to `out`. Packets of one flow come out in
    /// the order in which they were pushed.
    pub fn push(
        &mut self,
        slab: &[u8],
        place: Range<usize>,
        to: u32,
        out: &mut impl FnMut(Whole<'_>),
    ) {
        let packet = slab.get(place.clone()).unwrap_or_default();
        let part = Part::of(&place);
        let Some(seen) = Seen::of(packet) else {
            // It may be of one of the flows, a fragment of a longer datagram, say, and must not overtake it.
            while let Some(at) = self.between_the_same(packet, to) {
                self.end(at, out);
            }
            return alone(to, part, out);
        };
        let may_join = !self.stopped && seen.may_join(packet, self.udp);
        let waiting = self.flows.iter_mut().take(self.used);
        let known = waiting
            .enumerate()
            .find(|(_, flow)| flow.has(&seen, packet, to));
        if let Some((at, flow)) = known {
            if may_join && flow.join(&seen, packet, part) {
                if flow.is_complete() {
                    self.end(at, out);
                }
                return;
            }
            self.end(at, out);
        }
        // Nobody is to wait for what follows a push.
        if !may_join || seen.is_pushed(packet) {
            return alone(to, part, out);
        }
        if self.used == self.flows.len() {
            self.end(0, out);
        }
        if let Some(flow) = self.flows.get_mut(self.used) {
            flow.begin(&seen, packet, part, to);
            self.used += 1;
        }
    }

    /// The batch is over: everything that waits goes out, the oldest flow first.
    pub fn finish(&mut self, out: &mut impl FnMut(Whole<'_>)) {
        for flow in self.flows.iter_mut().take(self.used) {
            flow.emit(out);
        }
        self.used = 0;
    }

    /// A flow between the hosts that `packet` goes between.
    fn between_the_same(&self, packet: &[u8], to: u32) -> Option<usize> {
        let flows = self.flows.get(..self.used).unwrap_or_default();
        flows.iter().position(|flow| flow.is_between(packet, to))
    }

    fn end(&mut self, at: usize, out: &mut impl FnMut(Whole<'_>)) {
        if let Some(flow) = self.flows.get_mut(at) {
            flow.emit(out);
        }
        // The others stay in order; the emptied one goes behind them.
        if let Some(tail) = self.flows.get_mut(at..self.used) {
            tail.rotate_left(1);
            self.used -= 1;
        }
    }
}

impl<'a> Whole<'a> {
    /// The segments as they came, each a packet: they are whole in the slab.
    pub fn originals(&self) -> impl Iterator<Item = Part> + use<'a> {
        let headers = self.head.len().saturating_sub(PacketHeader::LEN) as u32;
        self.parts.iter().map(move |part| Part {
            start: part.start.saturating_sub(headers),
            length: part.length + headers,
        })
    }
}

impl Part {
    fn of(place: &Range<usize>) -> Self {
        Self {
            start: place.start as u32,
            length: place.len() as u32,
        }
    }

    /// The octets in the slab.
    #[must_use]
    pub fn of_slab(self, slab: &[u8]) -> &[u8] {
        let start = self.start as usize;
        slab.get(start..start + self.length as usize)
            .unwrap_or_default()
    }

    fn from(self, start: usize) -> Self {
        Self {
            start: self.start + start as u32,
            length: self.length.saturating_sub(start as u32),
        }
    }
}

impl Seen {
    /// `None` for what has no flow: other protocols, fragments, options, extension headers, what is cut off.
    fn of(packet: &[u8]) -> Option<Self> {
        let (protocol, transport) = match *packet.first()? {
            0x45 => {
                let fixed = packet.first_chunk::<20>()?;
                let length = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
                // More fragments, or an offset.
                let fragment = (fixed[6] & 0x3f) | fixed[7];
                if fragment != 0 || length != packet.len() {
                    return None;
                }
                (fixed[9], 20)
            }
            first if first >> 4 == 6 => {
                let fixed = packet.first_chunk::<40>()?;
                let length = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
                if length + 40 != packet.len() {
                    return None;
                }
                (fixed[6], 40)
            }
            _ => return None,
        };
        let headers = match protocol {
            TCP => transport + usize::from(packet.get(transport + 12)? >> 4) * 4,
            UDP => transport + UDP_HEADER,
            _ => return None,
        };
        let least = transport
            + if protocol == TCP {
                TCP_HEADER
            } else {
                UDP_HEADER
            };
        (headers >= least && headers <= packet.len()).then_some(Self {
            protocol,
            transport,
            headers,
        })
    }

    fn is_pushed(&self, packet: &[u8]) -> bool {
        let flags = packet
            .get(self.transport + 13)
            .filter(|_| self.protocol == TCP);
        flags.is_some_and(|flags| flags & PSH != 0)
    }

    /// Whether the packet may be put together with others at all: it has payload, says nothing but acknowledgement and
    /// push, and its checksum is right.
    fn may_join(&self, packet: &[u8], udp: bool) -> bool {
        if packet.len() == self.headers {
            return false;
        }
        let Some(transport) = packet.get(self.transport..) else {
            return false;
        };
        let ordinary = if self.protocol == TCP {
            transport
                .get(13)
                .is_some_and(|flags| flags & !(PSH | ECE) == ACK)
        } else {
            let length = transport.get(4..6) == Some(&(transport.len() as u16).to_be_bytes());
            let summed = transport.get(6..8).is_some_and(|sum| sum != [0, 0]);
            udp && length && summed
        };
        let addresses = packet.get(addresses(packet)).unwrap_or_default();
        ordinary
            && fold(pseudo(addresses, self.protocol, transport.len()) + sum(transport)) == 0xffff
    }
}

impl Flow {
    const EMPTY: Self = Self {
        to: 0,
        head: [0; HEAD],
        headers: 0,
        transport: 0,
        payload: 0,
        length: 0,
        next: 0,
        pushed: false,
        short: false,
        first: Part {
            start: 0,
            length: 0,
        },
        parts: [Part {
            start: 0,
            length: 0,
        }; Coalescer::MOST_PARTS],
        count: 0,
    };

    /// The first segment's headers.
    fn packet(&self) -> &[u8] {
        self.head
            .get(PacketHeader::LEN..PacketHeader::LEN + self.headers)
            .unwrap_or_default()
    }

    /// Whether a packet is of this flow: version, addresses, protocol, ports.
    fn has(&self, seen: &Seen, packet: &[u8], to: u32) -> bool {
        let mine = self.packet();
        let ends = addresses(packet).start..seen.transport + 4;
        // With IPv4 the addresses and the ports adjoin, as with IPv6; the protocol stands before.
        let protocol = if seen.transport == 20 { 9 } else { 6 };
        self.to == to
            && self.transport == seen.transport
            && mine.get(protocol) == Some(&seen.protocol)
            && mine.get(ends.clone()) == packet.get(ends)
    }

    /// Whether it goes between the hosts that a packet goes between.
    fn is_between(&self, packet: &[u8], to: u32) -> bool {
        let mine = self.packet();
        let version = |packet: &[u8]| packet.first().map(|first| first >> 4);
        self.to == to
            && version(mine) == version(packet)
            && mine.get(addresses(mine)) == packet.get(addresses(packet))
    }

    fn begin(&mut self, seen: &Seen, packet: &[u8], part: Part, to: u32) {
        let headers = packet.get(..seen.headers).unwrap_or_default();
        let place = self
            .head
            .get_mut(PacketHeader::LEN..PacketHeader::LEN + headers.len());
        if let Some(place) = place {
            place.copy_from_slice(headers);
        }
        self.to = to;
        self.headers = seen.headers;
        self.transport = seen.transport;
        self.payload = packet.len() - seen.headers;
        self.length = packet.len();
        self.first = part;
        self.count = 1;
        if let Some(first) = self.parts.first_mut() {
            *first = part.from(seen.headers);
        }
        (self.pushed, self.short) = (false, false);
        let tcp = packet.get(seen.transport..).unwrap_or_default();
        self.next = sequence(tcp).wrapping_add(self.payload as u32);
    }

    /// Adds a segment that continues the flow and looks like those before; says whether it does.
    fn join(&mut self, seen: &Seen, packet: &[u8], part: Part) -> bool {
        let payload = packet.len() - seen.headers;
        let fits = self.headers == seen.headers
            && payload <= self.payload
            && self.length + payload <= LONGEST
            && self.is_like(seen, packet);
        if !fits {
            return false;
        }
        let Some(place) = self.parts.get_mut(self.count) else {
            return false;
        };
        *place = part.from(seen.headers);
        self.count += 1;
        self.length += payload;
        self.next = self.next.wrapping_add(payload as u32);
        self.pushed = seen.is_pushed(packet);
        self.short = payload < self.payload;
        true
    }

    /// Whether nothing differs but what differs between the segments of one packet.
    fn is_like(&self, seen: &Seen, packet: &[u8]) -> bool {
        let mine = self.packet();
        let same = |range: Range<usize>| mine.get(range.clone()) == packet.get(range);
        let ip = if seen.transport == 20 {
            // Traffic class; DF; time to live.
            let id = |of: &[u8]| of.get(4..6).map(|id| u16::from_be_bytes([id[0], id[1]]));
            let df = packet.get(6).is_some_and(|flags| flags & DF != 0);
            let follows = id(packet) == id(mine).map(|id| id.wrapping_add(self.count as u16));
            same(1..2) && same(6..9) && (df || follows)
        } else {
            // Traffic class and flow label; hop limit.
            same(0..4) && same(7..8)
        };
        if seen.protocol == UDP {
            return ip;
        }
        let tcp = seen.transport;
        let flags = |of: &[u8]| of.get(tcp + 13).map(|flags| flags & !PSH);
        let continues = packet.get(tcp..).map(sequence) == Some(self.next);
        // Acknowledgement, header length and the ninth flag; window; urgent pointer and options.
        ip && continues
            && same(tcp + 8..tcp + 13)
            && flags(mine) == flags(packet)
            && same(tcp + 14..tcp + 16)
            && same(tcp + 18..seen.headers)
    }

    /// Whether nothing may follow.
    fn is_complete(&self) -> bool {
        self.pushed || self.short || self.count == self.parts.len()
    }

    fn emit(&mut self, out: &mut impl FnMut(Whole<'_>)) {
        if self.count < 2 {
            return alone(self.to, self.first, out);
        }
        self.write_headers();
        out(Whole {
            to: self.to,
            head: self
                .head
                .get(..PacketHeader::LEN + self.headers)
                .unwrap_or_default(),
            parts: self.parts.get(..self.count).unwrap_or_default(),
            segments: self.count,
        });
    }

    /// Turns the first segment's headers into those of the whole.
    fn write_headers(&mut self) {
        let (transport, headers, length) = (self.transport, self.headers, self.length);
        let v4 = transport == 20;
        let Some((head, packet)) = self.head.split_first_chunk_mut::<{ PacketHeader::LEN }>()
        else {
            return;
        };
        let packet = packet.get_mut(..headers).unwrap_or_default();
        let protocol = packet.get(if v4 { 9 } else { 6 }).copied().unwrap_or(0);
        let (kind, offset) = match (protocol, v4) {
            (UDP, _) => (PacketHeader::UDP, 6),
            (_, true) => (PacketHeader::TCP_V4, 16),
            (_, false) => (PacketHeader::TCP_V6, 16),
        };
        if protocol == UDP {
            put(
                packet,
                transport + 4,
                ((length - transport) as u16).to_be_bytes(),
            );
        } else if let Some(flags) = packet.get_mut(transport + 13).filter(|_| self.pushed) {
            *flags |= PSH;
        }
        let ends = packet.get(addresses(packet)).unwrap_or_default();
        let partial = fold(pseudo(ends, protocol, length - transport));
        put(packet, transport + offset, partial.to_ne_bytes());
        if v4 {
            put(packet, 2, (length as u16).to_be_bytes());
            put(packet, 10, [0, 0]);
            let checksum = !fold(sum(packet.get(..20).unwrap_or_default()));
            put(packet, 10, checksum.to_ne_bytes());
        } else {
            put(packet, 4, ((length - 40) as u16).to_be_bytes());
        }
        *head = PacketHeader {
            flags: PacketHeader::NEEDS_CHECKSUM,
            kind,
            header_length: headers as u16,
            segment: self.payload as u16,
            checksum_start: transport as u16,
            checksum_offset: offset as u16,
        }
        .to_bytes();
    }
}

fn alone(to: u32, part: Part, out: &mut impl FnMut(Whole<'_>)) {
    out(Whole {
        to,
        head: &[0; PacketHeader::LEN],
        parts: &[part],
        segments: 1,
    });
}

fn sequence(tcp: &[u8]) -> u32 {
    let field = tcp.get(4..).and_then(<[u8]>::first_chunk::<4>);
    field.map_or(0, |field| u32::from_be_bytes(*field))
}

/// Flows that wait at the same time.
const FLOWS: usize = 8;
/// [`PacketHeader`], the longest IP header without options or extensions, the longest TCP header.
const HEAD: usize = PacketHeader::LEN + 40 + 60;
/// An IPv4 packet can't be longer, and the length field of IPv6 doesn't count 40 octets.
const LONGEST: usize = 65_535;
const ACK: u8 = 0x10;
const ECE: u8 = 0x40;
/// DF in the first octet of IPv4's flags.
const DF: u8 = 0x40;
