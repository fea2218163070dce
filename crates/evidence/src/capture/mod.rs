//! Captures: what crossed the wire.
//!
//! A [`Dissector`] is fed a pcap or pcapng file in chunks of any size ([`file`]), unwraps each frame to its IP packet,
//! puts fragments together, and sorts what is IPsec's: IKE messages into [`Conversation`]s with their payloads, notifies
//! and proposals as far as they are in clear; ESP and AH into [`Flow`]s with what is missing or came twice; keepalives;
//! and ICMP errors that quote any of these. The result is one [`Capture`]. Nothing is passed over in silence: what
//! isn't IPsec's and what can't be read is counted by what it is.
//!
//! Memory is bounded: packets are counted, not kept; only IKE messages and flows are, up to the limits below, and what
//! exceeds them is counted too.
//!
//! `facts` turns a capture made beside one gateway into a case for diagnosis.

mod again;
mod clear;
mod conversation;
mod cross;
mod facts;

mod file;
mod flow;
mod icmp;
mod input;
mod ip;
mod join;
mod keys;
mod link;
mod message;
mod offer;
mod order;
mod pieces;
mod proof;
mod readable;
mod recorded;
mod runs;
mod segments;
mod stall;
mod stamp;
mod tally;
mod text;
mod traffic;
mod watch;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{DefaultHasher, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use adit_wire::esp::EspHeader;
use adit_wire::ip::{IpPacket, protocol};
use adit_wire::udp::UdpDatagram;
use adit_wire::udp_encap::{Encapsulated, NAT_KEEPALIVE, NON_ESP_MARKER, classify};
use serde::Serialize;

pub use clear::Clear;
pub use conversation::Conversation;
pub use facts::{Vantage, case, pairs};
pub use file::{CaptureError, Frame, Reader};
pub use flow::Flow;
pub use icmp::PathError;
pub(crate) use input::Input;
pub(crate) use join::{Captured, join};
pub use keys::Keys;
pub use message::{Inside, Message, NatDetection, Notice};
pub use order::Again;
pub use pieces::Fragments;
pub use proof::{Answer, BothWays, Cipher, Given, InClear, Proof, Proving, ShownAgain};
pub(crate) use recorded::{Recorded, Rungs};
pub use stall::Stall;
pub use stamp::Stamp;
pub use tally::Tally;
pub(crate) use text::Printed;
pub use watch::{Protected, Watch};

use flow::Seen;
use message::Place;

/// IKE messages kept.
const MOST_MESSAGES: usize = 200_000;
/// IKE messages kept of one IKE SA: liveness checks of some days.
const MOST_OF_ONE: usize = 20_000;
/// SAs kept.
const MOST_FLOWS: usize = 65_536;
/// ICMP errors kept.
const MOST_ERRORS: usize = 10_000;
/// Pairs of ends with NAT keepalives, or with IKE on other ports, kept.
const MOST_PAIRS: usize = 65_536;

const IKE_PORT: u16 = 500;
const NAT_T_PORT: u16 = 4500;

/// What a capture shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Capture {
    /// Packets in the file.
    pub packets: u64,
    /// When the first packet was captured.
    pub first: Option<Stamp>,
    /// When the last packet was captured.
    pub last: Option<Stamp>,
    /// IKE messages by IKE SA, in the order in which these begin.
    pub conversations: Vec<Conversation>,
    /// ESP and AH by SPI, in the order in which they begin.
    pub flows: Vec<Flow>,
    /// NAT keepalives by pair of ends.
    pub keepalives: Vec<Keepalives>,
    /// ICMP errors about IPsec packets.
    pub icmp_errors: Vec<PathError>,
    /// Packets that came in IP fragments, by pair of hosts and protocol.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<Fragments>,
    /// Protected traffic that was answered, and at the end isn't any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stalls: Vec<Stall>,
    /// Packets outside of IPsec, by pair of hosts and service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clear: Vec<Clear>,
    /// Packets outside of IPsec that aren't among those: of more pairs than are kept.
    #[serde(skip_serializing_if = "is_none")]
    pub clear_beyond: u64,
    /// Addresses of the host that captured, with how many packets showed each, where the capture tells.
    #[serde(skip)]
    pub own_addresses: BTreeMap<IpAddr, u64>,
    /// It isn't all that was captured: text that somebody pasted. That something isn't there says nothing.
    #[serde(skip)]
    pub excerpt: bool,
    /// Hosts that the text of a capture calls by something else than an address.
    #[serde(skip)]
    pub names: BTreeMap<IpAddr, String>,
    /// TCP segments that don't get through because of their size.
    #[serde(skip)]
    pub(crate) stuck: Vec<segments::Stuck>,
    /// Packets that aren't IPsec's, by what they are.
    pub other: Tally,
    /// What couldn't be read, by reason.
    pub unread: Tally,
}

/// NAT keepalives from one end to another (RFC 3948 2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Keepalives {
    /// Sender.
    pub from: SocketAddr,
    /// Receiver.
    pub to: SocketAddr,
    /// How many.
    pub packets: u64,
    /// When the first was seen.
    pub first: Stamp,
    /// When the last was seen.
    pub last: Stamp,
}

impl Capture {
    /// Notes what a packet of ESP carried.
    fn opened(&mut self, spi: u32, carried: String) {
        const MOST: usize = 1000;
        let flow = self.flows.iter_mut().rev().find(|f| f.spi == spi);
        if let Some(flow) = flow
            && (flow.inside.len() < MOST || flow.inside.contains_key(&carried))
        {
            *flow.inside.entry(carried).or_default() += 1;
        }
    }

    /// What the capture calls one end of a path.
    #[must_use]
    pub fn end(&self, end: SocketAddr) -> String {
        match self.names.get(&end.ip()) {
            Some(name) if end.port() != 0 => format!("{name}:{}", end.port()),
            Some(name) => name.clone(),
            None => end.to_string(),
        }
    }

    /// What the capture calls a host.
    #[must_use]
    pub fn name(&self, host: IpAddr) -> String {
        self.names
            .get(&host)
            .cloned()
            .unwrap_or_else(|| host.to_string())
    }

    /// IKE messages in all.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.conversations.iter().map(|c| c.messages.len()).sum()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it in so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Reads a capture file fed in chunks.
#[derive(Debug, Default)]
pub struct Dissector {
    reader: Reader,
    sorter: Sorter,
}

impl Dissector {
    /// At the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens what these keys open.
    #[must_use]
    pub fn with_keys(mut self, keys: impl Into<Arc<Keys>>) -> Self {
        self.sorter.opener = Some(Box::new(keys::Opener::new(keys.into())));
        self
    }

    /// Of what isn't IPsec's, looks only at what is to be protected.
    fn watching(mut self, watch: Watch) -> Self {
        self.sorter.clears.only(watch);
        self
    }

    /// Hands in the next chunk of the file.
    ///
    /// # Errors
    /// The file is no capture.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), CaptureError> {
        let Self { reader, sorter } = self;
        reader.feed(chunk, |frame| sorter.frame(&frame))
    }

    /// The file has ended.
    ///
    /// # Errors
    /// The file was too short to be a capture.
    pub fn finish(self) -> Result<Capture, CaptureError> {
        let (packets, problems) = self.reader.finish()?;
        Ok(self.sorter.finish(packets, &problems))
    }
}

/// Reads a whole file at once.
///
/// # Errors
/// It is no capture.
pub fn read(file: &[u8]) -> Result<Capture, CaptureError> {
    let mut dissector = Dissector::new();
    dissector.feed(file)?;
    dissector.finish()
}

/// Tells retransmissions of one message from others.
fn digest_of(datagram: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(datagram);
    hasher.finish()
}

/// SPI and ends, without ports: a NAT may change those.
type FlowKey = (u32, IpAddr, IpAddr, bool, &'static str);

#[derive(Debug, Default)]
struct Sorter {
    capture: Capture,
    messages: usize,
    /// The IKE SA of the latest message.
    latest: usize,
    by_spi: BTreeMap<u64, usize>,
    by_flow: BTreeMap<FlowKey, usize>,
    by_ends: BTreeMap<(SocketAddr, SocketAddr), usize>,
    /// Ends that exchanged marked IKE on other ports than 4500: there, what isn't IKE is ESP.
    nat_t: std::collections::BTreeSet<(SocketAddr, SocketAddr)>,
    fragments: ip::Reassembly<At>,
    pieces: pieces::Pieces,
    clears: clear::Clears,
    stalls: stall::Stalls,
    segments: segments::Segments,
    opener: Option<Box<keys::Opener>>,
    now: Stamp,
}

/// A packet on its way through the sorter.
#[derive(Clone, Copy, Debug)]
struct At {
    frame: u64,
    at: Stamp,
    octets: usize,
    source: IpAddr,
    destination: IpAddr,
    ip_fragments: Option<u32>,
    cut: bool,
    direction: Option<link::Direction>,
    mark: order::Mark,
    /// Class of service (DSCP).
    class: u8,
    /// ESP that encrypts nothing, by the look of it.
    readable: bool,
}

/// Addresses of the capturing host kept.
const MOST_OWN: usize = 256;

impl Sorter {
    fn frame(&mut self, frame: &Frame<'_>) {
        // A packet without a time is as late as the one before it.
        let at = frame.at.unwrap_or(self.now);
        self.now = at;
        self.capture.first.get_or_insert(at);
        self.capture.last = Some(at);
        match link::inside(frame.link, frame.bytes) {
            link::Inside::Ip(packet) => {
                let direction = link::direction(frame.link, frame.bytes);
                self.ip(frame.number, at, packet, direction);
            }
            link::Inside::Other(what) => self.capture.other.add(&what),
            link::Inside::Unread(why) => self.capture.unread.add(&why),
        }
    }

    fn ip(&mut self, frame: u64, at: Stamp, bytes: &[u8], direction: Option<link::Direction>) {
        let (bytes, real) = ip::whole(bytes);
        let packet = match IpPacket::parse(&bytes) {
            Ok(packet) => packet,
            Err(error) => return self.capture.unread.add(&format!("IP: {}", error.field)),
        };
        let mut place = At {
            frame,
            at,
            octets: packet.total_length(),
            source: packet.source,
            destination: packet.destination,
            ip_fragments: None,
            cut: real < packet.total_length(),
            direction,
            class: match *bytes {
                [_, tos, ..] if packet.source.is_ipv4() => tos >> 2,
                [high, low, ..] => (high & 0x0f) << 2 | low >> 6,
                _ => 0,
            },
            readable: false,
            mark: order::Mark {
                contents: 0,
                // Both versions have it in their header's first ten octets.
                hops: bytes
                    .get(if packet.source.is_ipv4() { 8 } else { 7 })
                    .copied()
                    .unwrap_or(0),
                way: match direction {
                    None => 0,
                    Some(link::Direction::Sent) => 1,
                    Some(link::Direction::Received) => 2,
                },
            },
        };
        let payload = packet.payload();
        let captured = real.saturating_sub(packet.header_length);
        let payload = payload.get(..captured).unwrap_or(payload);
        if let Some(fragment) = packet.fragment {
            self.pieces.add(pieces::Piece {
                frame,
                at,
                from: packet.source,
                to: packet.destination,
                protocol: packet.protocol,
                identification: fragment.identification,
                offset: u32::from(fragment.offset),
                octets: u32::try_from(packet.total_length() - packet.header_length).ok(),
                more: fragment.more,
            });
            if !ip::is_reassembled(packet.protocol) {
                return self.clear(&packet, place);
            }
            if let Some(whole) = self.fragments.add(&packet, payload, place.cut, place) {
                place.ip_fragments = Some(whole.fragments);
                self.payload(packet.protocol, &whole.payload, place);
            } else {
                self.capture.other.add("IP fragment");
            }
            if let Some((from, to, protocol)) = self.fragments.nameless() {
                self.clears.nameless(from, to, protocol);
            }
            return;
        }
        match packet.protocol {
            protocol::ICMP | protocol::ICMPV6 => self.icmp(&packet, place),
            protocol::UDP | protocol::ESP | protocol::AH => {
                self.payload(packet.protocol, payload, place);
            }
            _ => self.clear(&packet, place),
        }
    }

    /// A packet that isn't IPsec's.
    fn clear(&mut self, packet: &IpPacket<'_>, at: At) {
        self.segments.packet(packet, at);
        self.outside(packet.protocol, clear::ports(packet), at);
    }

    fn outside(&mut self, protocol: u8, ports: Option<(u16, u16)>, at: At) {
        self.other(protocol);
        self.clears.add(clear::Seen {
            frame: at.frame,
            at: at.at,
            from: at.source,
            to: at.destination,
            protocol,
            ports,
            octets: at.octets,
            direction: at.direction,
        });
    }

    /// Notes an address of the capturing host, that an IPsec packet tells.
    fn own(&mut self, at: At) {
        let address = match at.direction {
            Some(link::Direction::Sent) => at.source,
            Some(link::Direction::Received) => at.destination,
            None => return,
        };
        let own = &mut self.capture.own_addresses;
        if own.len() < MOST_OWN || own.contains_key(&address) {
            *own.entry(address).or_default() += 1;
        }
    }

    fn payload(&mut self, number: u8, payload: &[u8], at: At) {
        match number {
            protocol::UDP => self.udp(payload, at),
            protocol::ESP => {
                let ends = (
                    SocketAddr::new(at.source, 0),
                    SocketAddr::new(at.destination, 0),
                );
                self.esp(payload, ends, false, at);
            }
            protocol::AH => self.ah(payload, at),
            other => self.other(other),
        }
    }

    fn other(&mut self, number: u8) {
        let what = match number {
            protocol::TCP => "TCP".to_owned(),
            protocol::UDP => "UDP".to_owned(),
            protocol::ICMP => "ICMP".to_owned(),
            protocol::ICMPV6 => "ICMPv6".to_owned(),
            protocol::SCTP => "SCTP".to_owned(),
            47 => "GRE".to_owned(),
            108 => "IPComp".to_owned(),
            other => format!("IP protocol {other}"),
        };
        self.capture.other.add(&what);
    }

    fn udp(&mut self, payload: &[u8], at: At) {
        let (udp, at) = match UdpDatagram::parse(None, payload) {
            Ok(udp) => (udp, at),
            // Its length says more than there is: the rest is in lost fragments, or was never captured.
            Err(_) if payload.len() >= UdpDatagram::HEADER_LEN => {
                let Some((&[a, b, c, d, ..], payload)) = payload.split_first_chunk::<8>() else {
                    return;
                };
                let udp = UdpDatagram {
                    source_port: u16::from_be_bytes([a, b]),
                    destination_port: u16::from_be_bytes([c, d]),
                    payload,
                };
                (udp, At { cut: true, ..at })
            }
            Err(error) => return self.capture.unread.add(error.field),
        };
        let ends = (
            SocketAddr::new(at.source, udp.source_port),
            SocketAddr::new(at.destination, udp.destination_port),
        );
        let on = |port| udp.source_port == port || udp.destination_port == port;
        let marked = udp.payload.strip_prefix(&NON_ESP_MARKER);
        if on(NAT_T_PORT) || self.nat_t.contains(&ends) {
            match classify(udp.payload) {
                Ok(Encapsulated::Keepalive) => self.keepalive(ends, at),
                Ok(Encapsulated::Ike(message)) => self.ike(message, ends, true, at),
                Ok(Encapsulated::Esp(packet)) => {
                    // IKE without the marker is a mistake worth seeing as what it is.
                    if !at.cut && message::plausible(packet) {
                        self.ike(packet, ends, false, at);
                    } else {
                        self.esp(packet, ends, true, at);
                    }
                }
                Err(_) => self.capture.unread.add("UDP 4500: too short"),
            }
        } else if on(IKE_PORT) {
            match marked {
                _ if udp.payload == NAT_KEEPALIVE => self.keepalive(ends, at),
                Some(message) if message::plausible(message) => self.ike(message, ends, true, at),
                _ => self.ike(udp.payload, ends, false, at),
            }
        } else if message::plausible(udp.payload) {
            self.ike(udp.payload, ends, false, at);
        } else if let Some(message) = marked.filter(|m| message::plausible(m)) {
            if self.nat_t.len() < MOST_PAIRS {
                self.nat_t.insert(ends);
                self.nat_t.insert((ends.1, ends.0));
            }
            self.ike(message, ends, true, at);
        } else {
            let ports = (udp.source_port, udp.destination_port);
            self.outside(protocol::UDP, Some(ports), at);
        }
    }

    fn ike(&mut self, datagram: &[u8], ends: (SocketAddr, SocketAddr), marked: bool, at: At) {
        self.own(at);
        let place = Place {
            frame: at.frame,
            at: at.at,
            from: ends.0,
            to: ends.1,
            marked,
            ip_fragments: at.ip_fragments,
            cut: at.cut,
        };
        let Some(mut message) = Message::read(datagram, place) else {
            return self.capture.unread.add("IKE: shorter than its header");
        };
        if let Some(opener) = &mut self.opener
            && message.version == 1
            && !at.cut
        {
            opener.ike_v1(datagram, &mut message);
        } else if let Some(opener) = &mut self.opener
            && message.encrypted
            && message.version == 2
        {
            let conversation = self
                .by_spi
                .get(&message.spi_initiator)
                .and_then(|i| self.capture.conversations.get(*i));
            let chosen = conversation.and_then(Conversation::chosen);
            opener.ike(datagram, &mut message, chosen);
        }
        let digest = digest_of(datagram);
        if !at.cut {
            message.digest = digest;
        }
        self.message(message, digest);
    }

    /// Takes in a message; `same` is equal for retransmissions of one.
    fn message(&mut self, message: Message, same: u64) {
        if self.messages >= MOST_MESSAGES {
            return self
                .capture
                .unread
                .add(&format!("IKE messages beyond the first {MOST_MESSAGES}"));
        }
        self.messages += 1;
        let conversations = &mut self.capture.conversations;
        let index = *self.by_spi.entry(message.spi_initiator).or_insert_with(|| {
            conversations.push(Conversation::new(&message));
            conversations.len() - 1
        });
        self.latest = index;
        match conversations.get_mut(index) {
            Some(conversation) if conversation.messages.len() < MOST_OF_ONE => {
                conversation.add(message, same);
            }
            _ => {
                self.messages -= 1;
                self.capture.unread.add(&format!(
                    "IKE messages beyond the first {MOST_OF_ONE} of one IKE SA"
                ));
            }
        }
    }

    /// The message that was taken in last.
    fn latest_message(&mut self) -> Option<&mut Message> {
        self.capture
            .conversations
            .get_mut(self.latest)?
            .messages
            .last_mut()
    }

    fn esp(&mut self, packet: &[u8], ends: (SocketAddr, SocketAddr), udp: bool, at: At) {
        match EspHeader::parse(packet) {
            Ok(header) => {
                let mut at = at;
                at.mark.contents = order::contents(packet);
                at.readable = readable::is_readable(packet, at.cut);
                self.sa("esp", header.spi, header.sequence, ends, udp, at);
                if let Some(opener) = &mut self.opener
                    && !at.cut
                    && let Some(carried) = opener.esp(packet, header.spi)
                {
                    self.capture.opened(header.spi, carried);
                }
            }
            Err(_) => self.capture.unread.add("ESP: shorter than its header"),
        }
    }

    /// RFC 4302 2: next header, length, reserved, SPI, sequence number.
    fn ah(&mut self, packet: &[u8], at: At) {
        let Some(&[_, _, _, _, a, b, c, d, e, f, g, h]) = packet.first_chunk::<12>() else {
            return self.capture.unread.add("AH: shorter than its header");
        };
        let ends = (
            SocketAddr::new(at.source, 0),
            SocketAddr::new(at.destination, 0),
        );
        let (spi, sequence) = (
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
        );
        let mut at = at;
        at.mark.contents = order::contents(packet);
        self.sa("ah", spi, sequence, ends, false, at);
    }

    fn sa(
        &mut self,
        name: &'static str,
        spi: u32,
        sequence: u32,
        ends: (SocketAddr, SocketAddr),
        udp: bool,
        at: At,
    ) {
        self.own(at);
        self.clears.esp(at.source, at.at, at.octets);
        self.stalls
            .packet(at.source, at.destination, at.frame, at.at);
        let seen = Seen {
            frame: at.frame,
            at: at.at,
            sequence,
            octets: at.octets as u64,
            mark: at.mark,
            class: at.class,
            readable: at.readable,
        };
        let flows = &mut self.capture.flows;
        let full = flows.len() >= MOST_FLOWS;
        match self
            .by_flow
            .entry((spi, ends.0.ip(), ends.1.ip(), udp, name))
        {
            Entry::Occupied(at) => {
                if let Some(flow) = flows.get_mut(*at.get()) {
                    flow.add(ends, seen);
                }
            }
            Entry::Vacant(_) if full => self
                .capture
                .unread
                .add(&format!("packets of SAs beyond the first {MOST_FLOWS}")),
            Entry::Vacant(at) => {
                at.insert(flows.len());
                flows.push(Flow::new(name, spi, ends, udp, seen));
            }
        }
    }

    fn keepalive(&mut self, ends: (SocketAddr, SocketAddr), at: At) {
        let kept = &mut self.capture.keepalives;
        if let Some(have) = self.by_ends.get(&ends).and_then(|i| kept.get_mut(*i)) {
            have.packets += 1;
            have.last = have.last.max(at.at);
        } else if kept.len() < MOST_PAIRS {
            self.by_ends.insert(ends, kept.len());
            kept.push(Keepalives {
                from: ends.0,
                to: ends.1,
                packets: 1,
                first: at.at,
                last: at.at,
            });
        } else {
            self.capture.other.add("NAT keepalives of further pairs");
        }
    }

    fn icmp(&mut self, packet: &IpPacket<'_>, at: At) {
        let about = icmp::error(packet).and_then(|(problem, quote)| {
            let ports = [quote.from.port(), quote.to.port()];
            let known = self.nat_t.contains(&(quote.from, quote.to));
            match quote.protocol {
                protocol::ESP => Some("esp"),
                protocol::AH => Some("ah"),
                protocol::UDP
                    if known || ports.contains(&IKE_PORT) || ports.contains(&NAT_T_PORT) =>
                {
                    Some("udp")
                }
                _ => None,
            }
            .map(|about| (problem, quote, about))
        });
        let Some((problem, quote, about)) = about else {
            return self.clear(packet, at);
        };
        if self.capture.icmp_errors.len() >= MOST_ERRORS {
            return self
                .capture
                .unread
                .add(&format!("ICMP errors beyond the first {MOST_ERRORS}"));
        }
        self.capture.icmp_errors.push(PathError {
            frame: at.frame,
            at: at.at,
            reporter: at.source,
            problem,
            from: quote.from,
            to: quote.to,
            about,
        });
    }

    fn finish(mut self, packets: u64, problems: &Tally) -> Capture {
        let (incomplete, beginnings, nameless) = std::mem::take(&mut self.fragments).finish();
        for (from, to, protocol) in nameless {
            self.clears.nameless(from, to, protocol);
        }
        let any = !beginnings.is_empty();
        for beginning in beginnings {
            let place = At {
                ip_fragments: Some(beginning.fragments),
                cut: true,
                ..beginning.place
            };
            self.payload(beginning.protocol, &beginning.payload, place);
        }
        let mut capture = self.capture;
        capture.fragments = self.pieces.finish();
        (capture.clear, capture.clear_beyond) = self.clears.finish();
        capture.stalls = self.stalls.finish();
        capture.stuck = self.segments.finish();
        if any {
            for conversation in &mut capture.conversations {
                conversation.messages.sort_by_key(|m| m.frame);
            }
        }
        capture.packets = packets;
        for (what, count) in problems.iter() {
            capture.unread.add_many(what, count);
        }
        if incomplete > 0 {
            capture
                .unread
                .add_many("datagrams of which IP fragments are missing", incomplete);
        }
        let closed = self.opener.map_or(0, |opener| opener.left_closed());
        if closed > 0 {
            capture.unread.add_many(
                "encrypted messages of more IKE SAs than keys are tried on",
                closed,
            );
        }
        let directions: std::collections::BTreeSet<_> =
            capture.flows.iter().map(Flow::hosts).collect();
        for flow in &mut capture.flows {
            let (from, to) = flow.hosts();
            flow.one_way = !directions.contains(&(to, from));
        }
        capture
    }
}
