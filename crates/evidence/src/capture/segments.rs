//! TCP segments that are sent again and again and never acknowledged, while smaller ones of the same sender are: what a
//! path does that is too narrow for the one and has room for the other.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use adit_model::fact::{Fact, Known, Side, Source};
use adit_model::host::HostState;
use adit_wire::ip::{IpPacket, protocol};

use super::join::is_private;
use super::stamp::Stamp;
use super::{At, Capture};

/// Directions of connections, and pairs of hosts, that are followed.
const MOST: usize = 4096;
/// Segments that are reported.
const REPORTED: usize = 8;
/// IP octets from which on a packet is a large one.
const LARGE: u32 = 1200;
/// A segment that is shown again sooner was captured at another interface, not sent again.
const AGAIN: u64 = 100_000_000;
/// So often a segment is sent before it is one that doesn't get through.
const OFTEN: u32 = 3;
/// Octets of the headers of a segment with a time stamp.
const HEADERS: u32 = 52;

/// A TCP segment as a packet has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) frame: u64,
    pub(super) at: Stamp,
    /// Of the IP packet.
    pub(super) octets: u32,
    /// Fragments were forbidden.
    pub(super) whole: bool,
    pub(super) opens: bool,
    pub(super) resets: bool,
    pub(super) begin: u32,
    /// Octets of data.
    pub(super) data: u32,
    pub(super) ack: Option<u32>,
    /// The first block that arrived out of order.
    pub(super) block: Option<(u32, u32)>,
}

/// A segment that doesn't get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stuck {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) octets: u32,
    /// Octets of a packet that did.
    pub(crate) passes: u32,
    pub(crate) whole: bool,
    pub(crate) times: u32,
    pub(crate) frame: u64,
    pub(crate) at: Stamp,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    begin: u32,
    data: u32,
    octets: u32,
    whole: bool,
    times: u32,
    frame: u64,
    first: Stamp,
    latest: Stamp,
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Way {
    /// The first large segment that nobody acknowledged.
    large: Option<Sent>,
    /// The end of a small one and its packet's octets.
    small: Option<(u32, u32)>,
    /// Octets of the largest packet that arrived after the large one was sent first: what arrived before, a handshake most
    /// of all, doesn't tell how the path was then.
    passed: Option<u32>,
    /// Up to where it was acknowledged by what the other direction's sender has said, and since when.
    has: Option<(u32, Stamp)>,
    /// Where what the other side has in order ends, while it has something behind it.
    hole: Option<u32>,
    refuted: bool,
}

impl Way {
    fn sent(&mut self, s: &Segment) {
        if s.opens {
            *self = Self::default();
            return;
        }
        if s.data == 0 {
            return;
        }
        if s.octets < LARGE {
            self.small = Some((s.begin.wrapping_add(s.data), s.octets));
            return;
        }
        match &mut self.large {
            Some(large) if large.begin == s.begin => {
                if s.at.0 >= large.latest.0.saturating_add(AGAIN) {
                    large.times = large.times.saturating_add(1);
                    large.latest = s.at;
                    large.octets = large.octets.min(s.octets);
                    large.data = large.data.min(s.data);
                }
            }
            Some(large) if !before(s.begin, large.begin) => {}
            _ => {
                self.large = Some(Sent {
                    begin: s.begin,
                    data: s.data,
                    octets: s.octets,
                    whole: s.whole,
                    times: 1,
                    frame: s.frame,
                    first: s.at,
                    latest: s.at,
                });
            }
        }
    }

    /// It is sent again although it was acknowledged a while ago: not even that arrived, small as it is.
    fn is_in_vain(&self, s: &Segment) -> bool {
        let end = s.begin.wrapping_add(s.data);
        // A keepalive has an octet.
        let data = !s.opens && s.data > 1;
        data && self.has.is_some_and(|(until, since)| {
            !before(until, end) && s.at.0 >= since.0.saturating_add(AGAIN)
        })
    }

    /// The other side says what it has.
    fn heard(&mut self, s: &Segment) {
        self.refuted |= s.resets;
        let Some(ack) = s.ack else {
            return;
        };
        // The numbers of what opens a connection are told otherwise than those of its data.
        if !s.opens && self.has.is_none_or(|(until, _)| before(until, ack)) {
            self.has = Some((ack, s.at));
        }
        if let Some((_, octets)) = self.small.take_if(|(end, _)| !before(ack, *end))
            && self.large.is_some()
        {
            self.passed = self.passed.max(Some(octets));
        }
        let block = s.block;
        let has = |large: &mut Sent| {
            before(large.begin, ack) || block.is_some_and(|(from, _)| from == large.begin)
        };
        if self.large.take_if(has).is_some() {
            self.passed = None;
        }
        // One before it tells what came twice.
        let Some((from, to)) = s.block.filter(|(from, _)| !before(*from, ack)) else {
            return;
        };
        self.hole = Some(ack);
        let length = to.wrapping_sub(from);
        // Several of them, or one that is as large.
        if self.large.is_some_and(|large| length >= large.data) {
            self.refuted = true;
        } else if length > 0 {
            self.passed = self.passed.max(Some(length.saturating_add(HEADERS)));
        }
    }
}

/// The connections of a capture.
#[derive(Debug, Default)]
pub(super) struct Segments {
    ways: BTreeMap<(SocketAddr, SocketAddr), Way>,
    /// The latest packet of one host to another.
    heard: BTreeMap<(IpAddr, IpAddr), u64>,
}

impl Segments {
    /// A packet, if it is one of TCP that isn't a fragment.
    pub(super) fn packet(&mut self, packet: &IpPacket<'_>, at: At) {
        if packet.protocol != protocol::TCP || packet.fragment.is_some() {
            return;
        }
        let total = packet.total_length().saturating_sub(packet.header_length);
        let (Some(ports), Some(header)) = (packet.ports(), read(packet.payload(), total)) else {
            return;
        };
        self.add(&Segment {
            from: SocketAddr::new(packet.source, ports.source),
            to: SocketAddr::new(packet.destination, ports.destination),
            frame: at.frame,
            at: at.at,
            octets: u32::try_from(at.octets).unwrap_or(u32::MAX),
            whole: packet.dont_fragment,
            opens: header.opens,
            resets: header.resets,
            begin: header.begin,
            data: header.data,
            ack: header.ack,
            block: header.block,
        });
    }

    pub(super) fn add(&mut self, s: &Segment) {
        let in_vain = (self.ways.get(&(s.from, s.to))).is_some_and(|way| way.is_in_vain(s));
        if let Some(way) = self.ways.get_mut(&(s.to, s.from)) {
            way.heard(s);
            way.refuted |= in_vain;
        }
        if self.ways.len() < MOST || self.ways.contains_key(&(s.from, s.to)) {
            self.ways.entry((s.from, s.to)).or_default().sent(s);
        }
        let hosts = (s.from.ip(), s.to.ip());
        if self.heard.len() < MOST || self.heard.contains_key(&hosts) {
            self.heard.insert(hosts, s.frame);
        }
    }

    pub(super) fn finish(self) -> Vec<Stuck> {
        let stuck = self.ways.iter().filter_map(|((from, to), way)| {
            let large = way.large.filter(|l| l.times >= OFTEN && !way.refuted)?;
            let passes = way.passed.filter(|p| *p < large.octets)?;
            let heard = self.heard.get(&(to.ip(), from.ip()));
            let alive =
                heard.is_some_and(|frame| *frame > large.frame) || way.hole == Some(large.begin);
            alive.then_some(Stuck {
                from: from.ip(),
                to: to.ip(),
                octets: large.octets,
                passes,
                whole: large.whole,
                times: large.times,
                frame: large.frame,
                at: large.first,
            })
        });
        stuck.take(REPORTED).collect()
    }
}

/// What came of packets of the two sizes, as a series of pings would tell it.
pub(super) fn facts<'a>(
    capture: &'a Capture,
    file: &'a str,
    side: Side,
) -> impl Iterator<Item = Fact> + 'a {
    // What goes to the Internet goes by no tunnel.
    let inside = |stuck: &&Stuck| is_private(stuck.from) && is_private(stuck.to);
    capture.stuck.iter().filter(inside).flat_map(move |stuck| {
        let told = move |octets: u32, (sent, received): (u64, u64)| Fact {
            source: Source {
                name: file.to_owned(),
                line: Some(stuck.frame),
                text: format!(
                    "TCP to {}: a segment in {} octets was sent {} times and never acknowledged, what came in {} was",
                    capture.name(stuck.to),
                    stuck.octets,
                    stuck.times,
                    stuck.passes
                ),
            },
            at: stuck.at.told(),
            side,
            subject: None,
            role: None,
            what: Known::Host {
                state: Box::new(HostState::Ping {
                    to: stuck.to.to_string(),
                    from: None,
                    // Of a ping: without the headers of IP and ICMP.
                    size: octets.saturating_sub(28),
                    whole: stuck.whole,
                    sent,
                    received,
                }),
            },
        };
        [
            told(stuck.passes, (1, 1)),
            told(stuck.octets, (u64::from(stuck.times), 0)),
        ]
    })
}

/// Whether one place of a stream is before another; the numbers begin anew at their end.
fn before(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

/// What a TCP header says: `bytes` begin with it.
pub(super) fn read(bytes: &[u8], total: usize) -> Option<Header> {
    let header: &[u8; 20] = bytes.first_chunk()?;
    let [_, _, _, _, s @ .., _, _, _, _, _, _] = header;
    let [s0, s1, s2, s3, a0, a1, a2, a3, offset, flags] = *s;
    let length = usize::from(offset >> 4) * 4;
    let data = total.checked_sub(length)?;
    let options = bytes.get(20..length).unwrap_or_default();
    Some(Header {
        opens: flags & 0x02 != 0,
        resets: flags & 0x04 != 0,
        begin: u32::from_be_bytes([s0, s1, s2, s3]),
        ack: (flags & 0x10 != 0).then_some(u32::from_be_bytes([a0, a1, a2, a3])),
        data: u32::try_from(data).ok()?,
        block: block(options),
    })
}

/// The parts of a header that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opens: bool,
    pub(super) resets: bool,
    pub(super) begin: u32,
    pub(super) ack: Option<u32>,
    pub(super) data: u32,
    pub(super) block: Option<(u32, u32)>,
}

/// The first block of a selective acknowledgement (RFC 2018 3).
fn block(mut options: &[u8]) -> Option<(u32, u32)> {
    loop {
        options = match options {
            [1, rest @ ..] => rest,
            [5, length, a, b, c, d, e, f, g, h, ..] if *length >= 10 => {
                let left = u32::from_be_bytes([*a, *b, *c, *d]);
                return Some((left, u32::from_be_bytes([*e, *f, *g, *h])));
            }
            [kind, length, ..] if *kind > 1 && *length > 1 => {
                options.get(usize::from(*length)..)?
            }
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::Side;
    use adit_model::now::Wall;

    use super::*;
    use crate::reading::read as read_paste;

    fn stuck(lines: &[&str]) -> Vec<(u32, u32)> {
        let text = lines.join("\n");
        let reading = read_paste(
            "paste",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_305_600_000),
        );
        let capture = reading.capture;
        capture.map_or_else(Vec::new, |c| {
            c.stuck.iter().map(|s| (s.octets, s.passes)).collect()
        })
    }

    const OPEN: [&str; 4] = [
        "10:00:00.000001 IP 10.1.0.5.40000 > 10.2.0.9.80: Flags [S], seq 1000, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0",
        "10:00:00.020001 IP 10.2.0.9.80 > 10.1.0.5.40000: Flags [S.], seq 7000, ack 1001, win 65160, options [mss 1460,sackOK,TS val 2 ecr 1,nop,wscale 7], length 0",
        "10:00:00.040001 IP 10.1.0.5.40000 > 10.2.0.9.80: Flags [.], ack 1, win 502, options [nop,nop,TS val 3 ecr 2], length 0",
        "10:00:00.040101 IP 10.1.0.5.40000 > 10.2.0.9.80: Flags [P.], seq 1:80, ack 1, win 502, options [nop,nop,TS val 3 ecr 2], length 79",
    ];

    fn answer(at: &str) -> String {
        format!(
            "10:00:{at} IP 10.2.0.9.80 > 10.1.0.5.40000: Flags [.], seq 1:1449, ack 80, win 509, options [nop,nop,TS val 4 ecr 3], length 1448"
        )
    }

    #[test]
    fn only_a_host_that_still_speaks_misses_what_is_large() {
        let (a, b, c) = (
            answer("00.060001"),
            answer("00.360001"),
            answer("00.960001"),
        );
        let mut lines: Vec<&str> = OPEN.to_vec();
        lines.extend([a.as_str(), b.as_str(), c.as_str()]);
        // It may be gone.
        assert!(stuck(&lines).is_empty());
        let closes = "10:00:05.000001 IP 10.1.0.5.40000 > 10.2.0.9.80: Flags [F.], seq 80, ack 1, win 502, options [nop,nop,TS val 9 ecr 2], length 0";
        lines.push(closes);
        // Perhaps nothing arrives any more, small or large.
        assert!(stuck(&lines).is_empty());
        lines.pop();
        let holds = closes.replace("ecr 2]", "ecr 2,nop,nop,sack 1 {1449:1820}]");
        lines.push(&holds);
        assert_eq!(stuck(&lines), [(1500, 423)]);
        let got = closes.replace("ack 1,", "ack 1449,");
        lines.pop();
        lines.push(&got);
        assert!(stuck(&lines).is_empty());
    }

    #[test]
    fn the_same_packet_at_several_interfaces_was_sent_once() {
        let (a, b, c) = (
            answer("00.060001"),
            answer("00.060009"),
            answer("00.060020"),
        );
        let closes = "10:00:05.000001 IP 10.1.0.5.40000 > 10.2.0.9.80: Flags [F.], seq 80, ack 1, win 502, length 0";
        let mut lines: Vec<&str> = OPEN.to_vec();
        lines.extend([a.as_str(), b.as_str(), c.as_str(), closes]);
        assert!(stuck(&lines).is_empty());
    }

    /// A file of bare IPv4 packets (link type 101), half a second between each two.
    fn file(packets: &[(bool, u32, u32, u16, u8)]) -> Vec<u8> {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101] {
            file.extend(word.to_be_bytes());
        }
        let (server, client) = ([10, 2, 0, 9], [10, 1, 0, 5]);
        for (n, (ours, seq, ack, data, flags)) in (0_u32..).zip(packets) {
            let total = 40 + data;
            let mut ip = vec![0x45, 0];
            ip.extend(total.to_be_bytes());
            ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
            let (from, to) = if *ours {
                (server, client)
            } else {
                (client, server)
            };
            ip.extend(from.iter().chain(&to));
            let ports: [u16; 2] = if *ours { [80, 40000] } else { [40000, 80] };
            ip.extend(ports.iter().flat_map(|p| p.to_be_bytes()));
            ip.extend([*seq, *ack].iter().flat_map(|n| n.to_be_bytes()));
            ip.extend([0x50, *flags, 0xff, 0xff, 0, 0, 0, 0]);
            ip.resize(usize::from(total), 0x55);
            let length = u32::from(total);
            for word in [1_795_000_000 + n / 2, n % 2 * 500_000, length, length] {
                file.extend(word.to_be_bytes());
            }
            file.extend(ip);
        }
        file
    }

    #[test]
    fn a_capture_file_tells_it_as_well() {
        const SYN: u8 = 2;
        const ACK: u8 = 16;
        let mut packets = vec![
            (false, u32::MAX, 0, 0, SYN),
            (true, 500, 0, 0, SYN | ACK),
            (false, 0, 501, 0, ACK),
            (false, 0, 501, 90, ACK),
            (true, 501, 90, 200, ACK),
            (true, 701, 90, 1460, ACK),
            (false, 90, 701, 0, ACK),
            (true, 701, 90, 1460, ACK),
            (true, 701, 90, 1460, ACK),
            (false, 90, 701, 0, ACK),
        ];
        let seen = |packets: &[_]| {
            let capture = crate::capture::read(&file(packets)).unwrap_or_default();
            capture
                .stuck
                .first()
                .map(|s| (s.octets, s.passes, s.whole, s.times))
        };
        assert_eq!(seen(&packets), Some((1500, 240, true, 3)));
        // What was acknowledged is sent again: the small acknowledgement didn't arrive either.
        let mut lost = packets.clone();
        lost.push((false, 0, 701, 90, ACK));
        assert_eq!(seen(&lost), None);
        packets.push((false, 90, 2161, 0, ACK));
        assert_eq!(seen(&packets), None);
    }

    #[test]
    fn a_header_tells_what_arrived_out_of_order() {
        let mut bytes = vec![0, 80, 0x9c, 0x40, 0, 0, 0, 1, 0, 0, 0, 177, 0x80, 0x10];
        bytes.extend([0; 6]);
        bytes.extend([1, 1, 5, 10, 0, 0, 5, 0xa9, 0, 0, 6, 0]);
        let header = read(&bytes, bytes.len());
        assert_eq!(header.and_then(|h| h.block), Some((0x5a9, 0x600)));
        assert_eq!(header.map(|h| (h.begin, h.data)), Some((1, 0)));
    }
}
