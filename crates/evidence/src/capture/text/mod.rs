//! Captures that somebody printed: lines of `tcpdump`, of `snoop` (illumos, Solaris), of Wireshark and tshark, and of the
//! sniffers of firewalls.
//!
//! Each line is a packet, or says more about the one before. What it tells goes the way of packets of a capture file, so
//! the same [`Capture`] comes of it. A paste is an excerpt: what isn't in it says nothing. Numbers that the text leaves
//! out (SPIs of the IKE SA, message IDs) are made up so that messages that belong together stay together.

mod block;
mod hops;
mod hosts;
mod ike;
mod ladder;
mod sniffer;
mod snoop;
mod summary;
mod tcpdump;
mod transform;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::order::Mark;
use super::{At, Capture, Sorter, Stamp, pieces};
use crate::reading::{Place, Product};
use crate::text::Line;

use hops::Hops;
use hosts::Hosts;
use ike::Ike;

/// Nanoseconds of a millisecond.
const MS: u64 = 1_000_000;

/// Reads printed captures, line by line.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    sorter: Sorter,
    hosts: Hosts,
    ike: Ike,
    /// What `tcpdump -v` says of a packet in the line before it.
    header: Option<tcpdump::Header>,
    /// The lines that follow are a packet that an ICMP error quotes.
    quoting: bool,
    /// Whether the latest packet is an IKE message, whose payloads may follow.
    in_message: bool,
    now: Stamp,
    hops: Hops,
    /// What went last between two ends of a ladder that somebody wrote, and whether it was a response.
    ladder: BTreeMap<(IpAddr, IpAddr), (&'static str, bool)>,
    tcpdump: u64,
    snoop: u64,
    /// Lines of Wireshark's and of firewalls.
    others: u64,
    /// Sequence numbers counted for SAs that are printed without.
    sequences: BTreeMap<(u32, IpAddr, IpAddr), u32>,
    /// A packet whose octets may follow.
    blind: Option<sniffer::Blind>,
    hex: sniffer::Hex,
    /// A packet that is told field by field.
    block: Option<block::Block>,
}

/// How a packet begins that is told field by field.
const BEGINNINGS: [&str; 3] = ["Frame ", "Internet Protocol", "IP:   "];

/// What lines without an arrow have.
const KNOWN: [&str; 5] = ["ISAKMP", "ESP (SPI=", "ip:udp", "ip>udp", "ipsec-esp"];

/// A packet as a line tells of it.
#[derive(Clone, Copy, Debug)]
struct Packet {
    ends: (SocketAddr, SocketAddr),
    at: At,
}

impl Printed {
    /// Takes in a line.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        let may_be = body.contains(" > ")
            || body.contains(" -> ")
            || body.contains("(tos ")
            || body.contains("next-header")
            || body.starts_with("0x")
            || self.octets_follow(body)
            || self.block.is_some()
            || BEGINNINGS.iter().any(|k| body.starts_with(k))
            || KNOWN.iter().any(|k| body.contains(k))
            || body.starts_with(|c: char| c.is_ascii_digit() || c == '"') && body.contains(" Seq=")
            || self.in_message && body.starts_with('(');
        if !may_be {
            self.in_message = false;
            return;
        }
        let at = line.at.map(|at| at.0.saturating_mul(MS)).or(epoch(body));
        if let Some(at) = at {
            self.now = Stamp(at).max(self.now);
            self.quoting = false;
        }
        let number = place().source.line.unwrap_or(0);
        if self.block_line(number, body) {
            let count = if self.block_by_snoop() {
                &mut self.snoop
            } else {
                &mut self.others
            };
            *count += 1;
            return;
        }
        if self.hex_line(body) {
            self.others += u64::from(self.blind.is_some());
            return;
        }
        // Before those that would take it for a packet of which nothing is known.
        if self.ladder_line(number, body)
            || self.sniffer_line(number, body)
            || self.summary_line(number, body)
        {
            self.others += 1;
            self.in_message = false;
            return;
        }
        self.flush();
        if self.tcpdump_line(number, body, at.is_some()) {
            self.tcpdump += 1;
        } else if self.snoop_line(number, body) {
            self.snoop += 1;
        } else {
            self.in_message = false;
        }
    }

    /// What all of it shows; `None` when nothing in it was of a capture.
    pub(crate) fn finish(mut self) -> Option<(Product, u64, Capture)> {
        self.finish_block();
        self.flush();
        let packets = self.sorter_packets();
        if packets == 0 {
            return None;
        }
        let (product, lines) = if self.snoop > self.tcpdump.max(self.others) {
            (Product::Snoop, self.snoop)
        } else if self.others > self.tcpdump {
            (Product::Sniffer, self.others)
        } else {
            (Product::Tcpdump, self.tcpdump)
        };
        let names = self.hosts.names();
        let mut capture = self.sorter.finish(packets, &super::Tally::default());
        for address in self.hops.own() {
            *capture.own_addresses.entry(address).or_default() += 1;
        }
        capture.excerpt = true;
        capture.names = names;
        Some((product, lines, capture))
    }

    fn sorter_packets(&self) -> u64 {
        self.sorter.capture.packets
    }

    /// Begins a packet.
    fn packet(&mut self, number: u64, ends: (SocketAddr, SocketAddr), octets: usize) -> Packet {
        let capture = &mut self.sorter.capture;
        capture.packets += 1;
        capture.first.get_or_insert(self.now);
        capture.last = Some(self.now);
        self.in_message = false;
        Packet {
            ends,
            at: At {
                frame: number,
                at: self.now,
                octets,
                source: ends.0.ip(),
                destination: ends.1.ip(),
                ip_fragments: None,
                cut: false,
                direction: None,
                mark: Mark::default(),
                class: 0,
                readable: false,
            },
        }
    }

    fn piece(&mut self, packet: &Packet, piece: &Piece) {
        self.sorter.pieces.add(pieces::Piece {
            frame: packet.at.frame,
            at: packet.at.at,
            from: packet.at.source,
            to: packet.at.destination,
            protocol: piece.protocol,
            identification: piece.identification,
            offset: piece.offset,
            octets: piece.octets,
            more: piece.more,
        });
    }
}

/// `1795241207.242731 IP …`, as `-tt` has it.
fn epoch(body: &str) -> Option<u64> {
    let (seconds, rest) = body.split_once('.')?;
    let fraction = rest.split_once(' ')?.0;
    if seconds.len() != 10 || fraction.len() > 9 {
        return None;
    }
    let digits = u32::try_from(fraction.len()).ok()?;
    let nanos = fraction.parse::<u64>().ok()? * 10u64.checked_pow(9 - digits)?;
    seconds
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(nanos)
}

/// A fragment as a line tells of it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    protocol: u8,
    identification: u32,
    offset: u32,
    octets: Option<u32>,
    more: bool,
}

/// No packet is longer: the payload of IPv6 without its jumbograms, and its header.
const MOST_OCTETS: usize = 65_575;

/// A length behind `name`, as far as a packet can have it: what is pasted may say anything.
fn length(text: &str, name: &str) -> Option<usize> {
    number(text, name).map(|n| usize::try_from(n).map_or(MOST_OCTETS, |n| n.min(MOST_OCTETS)))
}

/// The number behind `name` in `text`, decimal or, with `0x`, hexadecimal.
fn number(text: &str, name: &str) -> Option<u64> {
    let rest = text.get(text.find(name)? + name.len()..)?.trim_start();
    let (digits, radix) = match rest.strip_prefix("0x").or(rest.strip_prefix("0×")) {
        Some(rest) => (rest, 16),
        None => (rest, 10),
    };
    let end = digits
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(digits.len());
    u64::from_str_radix(digits.get(..end)?, radix).ok()
}
