//! Packets that a host hasn't cut yet, and segments that are put together again.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_esp::offload::{Coalescer, PacketHeader, Room, Segments, Whole};
use proptest::prelude::*;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// One long packet as a host hands it over: checksums are left to us.
#[derive(Clone, Debug)]
struct Long {
    v6: bool,
    protocol: u8,
    /// Octets of options behind the TCP header, a multiple of four.
    options: usize,
    flags: u8,
    id: u16,
    sequence: u32,
    /// Octets of payload of each segment but the last.
    segment: u16,
    payload: Vec<u8>,
}

impl Long {
    fn headers(&self) -> usize {
        let ip = if self.v6 { 40 } else { 20 };
        ip + if self.protocol == TCP {
            20 + self.options
        } else {
            8
        }
    }

    fn transport(&self) -> usize {
        if self.v6 { 40 } else { 20 }
    }

    /// The packet with everything but the transport checksum.
    fn packet(&self, payload: &[u8], id: u16, sequence: u32, flags: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let transport = self.headers() - self.transport() + payload.len();
        if self.v6 {
            out.extend([0x6b, 0x20, 0xab, 0xcd]);
            out.extend((transport as u16).to_be_bytes());
            out.extend([self.protocol, 63]);
            out.extend([0xfd; 15]);
            out.push(1);
            out.extend([0xfd; 15]);
            out.push(2);
        } else {
            out.extend([0x45, 0xb8]);
            out.extend((20 + transport as u16).to_be_bytes());
            out.extend(id.to_be_bytes());
            out.extend([0x00, 0, 63, self.protocol, 0, 0, 10, 1, 0, 2, 10, 2, 0, 2]);
            let checksum = !plain_sum(&out);
            out[10..12].copy_from_slice(&checksum.to_be_bytes());
        }
        out.extend([0x9c, 0x40, 0x14, 0x51]);
        if self.protocol == TCP {
            out.extend(sequence.to_be_bytes());
            out.extend([1, 2, 3, 4]);
            out.extend([((20 + self.options) as u8 / 4) << 4, flags]);
            out.extend([0x02, 0x00, 0, 0, 0, 0]);
            out.extend((0..self.options).map(|i| i as u8 | 0x80));
        } else {
            out.extend((transport as u16).to_be_bytes());
            out.extend([0, 0]);
        }
        out.extend(payload);
        out
    }

    /// With the checksum that the kernel would have computed.
    fn finished(&self, mut packet: Vec<u8>) -> Vec<u8> {
        let (start, at) = (self.transport(), self.checksum());
        let mut covered = self.pseudo(packet.len() - start);
        covered.extend(&packet[start..]);
        let checksum = match !plain_sum(&covered) {
            0 if self.protocol == UDP => 0xffff,
            checksum => checksum,
        };
        packet[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
        packet
    }

    fn pseudo(&self, length: usize) -> Vec<u8> {
        let packet = self.packet(&[], 0, 0, 0);
        let mut pseudo = packet[if self.v6 { 8..40 } else { 12..20 }].to_vec();
        pseudo.extend([0, self.protocol]);
        pseudo.extend((length as u16).to_be_bytes());
        pseudo
    }

    fn checksum(&self) -> usize {
        self.transport() + if self.protocol == TCP { 16 } else { 6 }
    }

    /// What the kernel hands over.
    fn handed_over(&self) -> (PacketHeader, Vec<u8>) {
        let mut packet = self.packet(&self.payload, self.id, self.sequence, self.flags);
        let at = self.checksum();
        let partial = plain_sum(&self.pseudo(packet.len() - self.transport()));
        packet[at..at + 2].copy_from_slice(&partial.to_be_bytes());
        let kind = match (self.protocol, self.v6) {
            (UDP, _) => PacketHeader::UDP,
            (_, false) => PacketHeader::TCP_V4,
            (_, true) => PacketHeader::TCP_V6,
        };
        let header = PacketHeader {
            flags: PacketHeader::NEEDS_CHECKSUM,
            kind,
            header_length: self.headers() as u16,
            segment: self.segment,
            checksum_start: self.transport() as u16,
            checksum_offset: (self.checksum() - self.transport()) as u16,
        };
        (header, packet)
    }

    /// What the kernel would have sent (its `tcp_gso_segment` and `__udp_gso_segment`).
    fn expected(&self) -> Vec<Vec<u8>> {
        let pieces: Vec<_> = self.payload.chunks(self.segment.into()).collect();
        let last = pieces.len() - 1;
        let segment = |(n, piece): (usize, &&[u8])| {
            let mut flags = self.flags;
            if n < last {
                // FIN and PSH stand on the last,
                flags &= !0x09;
            }
            if n > 0 {
                // CWR on the first.
                flags &= !0x80;
            }
            let sequence = self
                .sequence
                .wrapping_add((n * usize::from(self.segment)) as u32);
            self.finished(self.packet(piece, self.id.wrapping_add(n as u16), sequence, flags))
        };
        pieces.iter().enumerate().map(segment).collect()
    }
}

/// RFC 1071, sixteen bits at a time.
fn plain_sum(octets: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u32 = octets.chunks(2).map(word).sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn cut(header: &PacketHeader, packet: &[u8]) -> Vec<Vec<u8>> {
    let segments = Segments::of(header, packet).expect("it is well-formed");
    let mut room = Room::default();
    (0..segments.count())
        .map(|n| segments.parts(n, &mut room).concat())
        .collect()
}

/// What comes out for the host when these packets arrive in one batch: header and packet of each.
fn put_together(packets: &[Vec<u8>], udp: bool) -> Vec<(PacketHeader, Vec<u8>)> {
    let slab = packets.concat();
    let mut out = Vec::new();
    let mut coalescer = Coalescer::new(udp);
    let mut emit = |whole: Whole<'_>| {
        let mut octets = whole.head.to_vec();
        octets.extend(whole.parts.iter().flat_map(|part| part.of_slab(&slab)));
        let (header, packet) = PacketHeader::split(&octets).expect("a header");
        out.push((header, packet.to_vec()));
    };
    let mut at = 0;
    for packet in packets {
        coalescer.push(&slab, at..at + packet.len(), 0, &mut emit);
        at += packet.len();
    }
    coalescer.finish(&mut emit);
    out
}

/// The same over IPv4, but that another piece of the datagram follows.
fn fragment(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if packet[0] == 0x45 {
        packet[6] |= 0x20;
        packet[10..12].fill(0);
        let checksum = !plain_sum(&packet[..20]);
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
    packet
}

fn a_long() -> impl Strategy<Value = Long> {
    let protocol = prop_oneof![Just(TCP), Just(UDP)];
    let flags = prop_oneof![Just(0x10_u8), Just(0x18), Just(0x50)];
    let payload = (1..1500_u16, 1..40_usize, 1..1500_usize);
    (
        any::<bool>(),
        protocol,
        0..4_usize,
        flags,
        any::<u16>(),
        any::<u32>(),
        payload,
        any::<u8>(),
    )
        .prop_map(
            |(v6, protocol, options, flags, id, sequence, (segment, full, rest), seed)| {
                let rest = rest % usize::from(segment) + 1;
                let length = (full - 1) * usize::from(segment) + rest;
                let octet = |n: usize| (n as u8).wrapping_mul(31).wrapping_add(seed);
                let options = if protocol == TCP { options * 4 } else { 0 };
                let payload = (0..length.min(60_000)).map(octet).collect();
                Long {
                    v6,
                    protocol,
                    options,
                    flags,
                    id,
                    sequence,
                    segment,
                    payload,
                }
            },
        )
}

proptest! {
    #[test]
    fn segments_are_what_the_kernel_would_have_sent(long in a_long(), last_flags in 0..4_u8) {
        let ends = [0, 0x01, 0x80, 0x81][usize::from(last_flags)];
        let long = Long { flags: long.flags | ends, ..long };
        let (header, packet) = long.handed_over();
        prop_assert_eq!(cut(&header, &packet), long.expected());
    }

    #[test]
    fn cutting_what_was_put_together_gives_the_segments_again(long in a_long()) {
        let segments = long.expected();
        let out = put_together(&segments, true);
        let again: Vec<_> = out.iter().flat_map(|(header, packet)| cut(header, packet)).collect();
        prop_assert_eq!(again, segments.clone());
        // One packet for as many segments as may be in one.
        prop_assert_eq!(out.len(), segments.len().div_ceil(Coalescer::MOST_PARTS));
    }

    #[test]
    fn nothing_is_lost_or_reordered_within_a_flow(longs in prop::collection::vec(a_long(), 1..4), order in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 0..60), udp in any::<bool>()) {
        // Flows that differ by their identity alone are one flow here; what arrives is any mixture of their segments.
        let all: Vec<_> = longs.iter().flat_map(Long::expected).collect();
        let mixed: Vec<_> = order.iter().map(|(at, n)| if *n == 0 { { let packet: &Vec<u8> = at.get(&all); fragment(packet) } } else { at.get(&all).clone() }).collect();
        let out = put_together(&mixed, udp);
        let again: Vec<_> = out.iter().flat_map(|(header, packet)| cut(header, packet)).collect();
        let of = |packets: &[Vec<u8>], v6: bool, protocol: u8| -> Vec<Vec<u8>> {
            let is = |p: &&Vec<u8>| (p[0] >> 4 == 6) == v6 && p[if v6 { 6 } else { 9 }] == protocol;
            packets.iter().filter(is).cloned().collect()
        };
        for (v6, protocol) in [(false, TCP), (false, UDP), (true, TCP), (true, UDP)] {
            prop_assert_eq!(of(&again, v6, protocol), of(&mixed, v6, protocol));
        }
    }

    #[test]
    fn no_octets_make_it_panic(head in prop::array::uniform10(any::<u8>()), packet in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut octets = head.to_vec();
        octets.extend(&packet);
        let (header, packet) = PacketHeader::split(&octets).unwrap();
        if let Ok(segments) = Segments::of(&header, packet) {
            let mut room = Room::default();
            for n in 0..segments.count() {
                prop_assert_eq!(segments.parts(n, &mut room).concat().len(), segments.length(n));
            }
        }
        let out = put_together(&[packet.to_vec(), packet.to_vec()], true);
        prop_assert!(out.len() <= 2);
    }
}

fn usual() -> Long {
    Long {
        v6: false,
        protocol: TCP,
        options: 12,
        flags: 0x10,
        id: 7,
        sequence: u32::MAX - 1000,
        segment: 1398,
        payload: vec![0xa5; 1398 * 5],
    }
}

/// Each of these changes one octet of the third of five segments, with a right checksum: it begins a packet of its own,
/// and the order stays.
#[test]
fn what_differs_is_not_put_together() {
    let long = usual();
    let fixed = |packet: Vec<u8>| {
        let mut packet = long.finished(packet);
        packet[10..12].fill(0);
        let checksum = !plain_sum(&packet[..20]);
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
        packet
    };
    let (ttl, tos, id) = (8, 1, 5);
    let (ack, window, option, sequence) = (31, 35, 45, 27);
    for at in [ttl, tos, id, ack, window, option, sequence] {
        let mut segments = long.expected();
        segments[2][at] ^= 1;
        segments[2] = {
            let mut packet = segments[2].clone();
            packet[36..38].fill(0);
            fixed(packet)
        };
        let out = put_together(&segments, true);
        assert!(out.len() > 1, "octet {at}");
        let again: Vec<_> = out.iter().flat_map(|(h, p)| cut(h, p)).collect();
        assert_eq!(again, segments, "octet {at}");
    }
}

/// Nobody could tell later: the kernel computes the checksum anew.
#[test]
fn a_wrong_checksum_goes_to_the_host_as_it_came() {
    let mut segments = usual().expected();
    segments[2][100] ^= 0x10;
    let out = put_together(&segments, true);
    let lengths: Vec<_> = out.iter().map(|(_, packet)| packet.len()).collect();
    assert_eq!(lengths, [52 + 2 * 1398, 52 + 1398, 52 + 2 * 1398]);
    assert_eq!(out[1], (PacketHeader::default(), segments[2].clone()));
}

#[test]
fn a_push_ends_a_packet_and_so_does_a_shorter_segment() {
    let long = Long {
        flags: 0x18,
        payload: vec![1; 1398 * 3],
        ..usual()
    };
    let next = Long {
        sequence: long.sequence.wrapping_add(1398 * 3),
        id: 10,
        ..long.clone()
    };
    let out = put_together(&[long.expected(), next.expected()].concat(), true);
    let pushed: Vec<_> = out.iter().map(|(_, packet)| packet[33] & 0x08).collect();
    assert_eq!(pushed, [0x08, 0x08]);

    let short = Long {
        flags: 0x10,
        payload: vec![1; 1398 * 2 + 10],
        ..usual()
    };
    let next = Long {
        sequence: short.sequence.wrapping_add(1398 * 2 + 10),
        id: 10,
        ..short.clone()
    };
    let out = put_together(&[short.expected(), next.expected()].concat(), true);
    assert_eq!(out.len(), 2);
}

/// A datagram's fragments have no flow that could be told, and still don't overtake datagrams that wait for others.
#[test]
fn fragments_stay_behind_what_their_host_sent_before() {
    let mut packets = usual().expected();
    packets.insert(2, fragment(&packets[1]));
    let out = put_together(&packets, true);
    let again: Vec<_> = out.iter().flat_map(|(h, p)| cut(h, p)).collect();
    assert_eq!(again, packets);
    // Those of other hosts have nothing to wait for.
    let mut other = packets[2].clone();
    other[15] ^= 1;
    packets[2] = fragment(&other);
    let out = put_together(&packets, true);
    assert_eq!(out[0].1, packets[2]);
    assert_eq!(out.len(), 2);
}

#[test]
fn acknowledgements_fragments_and_other_protocols_go_alone() {
    let ack = Long {
        payload: Vec::new(),
        ..usual()
    };
    let ack = ack.finished(ack.packet(&[], 1, 5, 0x10));
    let mut fragment = usual().expected().remove(0);
    fragment[6] = 0x20;
    let mut icmp = ack.clone();
    icmp[9] = 1;
    for packet in [ack, fragment, icmp] {
        let twice = [packet.clone(), packet.clone()];
        let out = put_together(&twice, true);
        let alone = (PacketHeader::default(), packet);
        assert_eq!(out, [alone.clone(), alone]);
    }
}

#[test]
fn datagrams_stay_alone_for_a_host_that_does_not_take_them_together() {
    let long = Long {
        protocol: UDP,
        options: 0,
        segment: 100,
        payload: vec![3; 400],
        ..usual()
    };
    assert_eq!(put_together(&long.expected(), true).len(), 1);
    assert_eq!(put_together(&long.expected(), false).len(), 4);
    // Without a checksum they would get one.
    let mut bare = long.expected();
    for datagram in &mut bare {
        datagram[26..28].fill(0);
    }
    assert_eq!(put_together(&bare, true).len(), 4);
}

#[test]
fn a_whole_packet_gets_its_checksum_and_one_that_lies_is_refused() {
    let long = Long {
        payload: vec![9; 700],
        ..usual()
    };
    let (header, packet) = long.handed_over();
    let whole = PacketHeader {
        kind: 0,
        segment: 0,
        ..header
    };
    assert_eq!(cut(&whole, &packet), long.expected());
    for wrong in [
        PacketHeader {
            checksum_start: 700,
            checksum_offset: 60,
            ..whole
        },
        PacketHeader {
            kind: PacketHeader::TCP_V6,
            ..header
        },
        PacketHeader {
            kind: PacketHeader::UDP,
            ..header
        },
        PacketHeader { kind: 2, ..header },
        PacketHeader {
            segment: 0,
            ..header
        },
        PacketHeader {
            checksum_start: 24,
            ..header
        },
    ] {
        assert!(Segments::of(&wrong, &packet).is_err(), "{wrong:?}");
    }
    assert!(Segments::of(&header, &packet[..30]).is_err());
}

#[test]
fn a_stopped_one_puts_nothing_together_and_originals_are_the_segments() {
    let segments = usual().expected();
    let slab = segments.concat();
    let (mut coalescer, mut at, mut originals) = (Coalescer::new(true), 0, Vec::new());
    let mut emit = |whole: Whole<'_>| {
        originals.extend(whole.originals().map(|part| part.of_slab(&slab).to_vec()));
    };
    for segment in &segments {
        coalescer.push(&slab, at..at + segment.len(), 0, &mut emit);
        at += segment.len();
    }
    coalescer.finish(&mut emit);
    assert_eq!(originals, segments);

    coalescer.stop();
    let mut alone = 0;
    coalescer.push(&slab, 0..segments[0].len(), 0, &mut |whole| {
        alone += whole.segments
    });
    assert_eq!(alone, 1);
}
