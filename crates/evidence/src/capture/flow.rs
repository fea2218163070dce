//! ESP and AH packets by SPI: what flows, what is missing, what came twice.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::order::{Again, Mark, Order};
use super::runs::Runs;
use super::stamp::Stamp;

/// Packets of one SA in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// `esp` or `ah`.
    pub protocol: &'static str,
    /// SPI, chosen by the receiver; eight hex digits.
    #[serde(serialize_with = "hex")]
    pub spi: u32,
    /// Sender; port 0 without encapsulation. With a NAT on the path, the ports of the latest packet.
    pub from: SocketAddr,
    /// Receiver.
    pub to: SocketAddr,
    /// ESP travels in UDP (RFC 3948).
    pub udp: bool,
    /// Packets.
    pub packets: u64,
    /// Octets on the wire, from the outer IP header on.
    pub octets: u64,
    /// Frame of the first packet.
    pub first_frame: u64,
    /// When the first packet was seen.
    pub first: Stamp,
    /// When the last packet was seen.
    pub last: Stamp,
    /// Sequence number of the first packet.
    pub first_sequence: u32,
    /// The highest sequence number.
    pub highest_sequence: u32,
    /// Sequence numbers between the first and the highest that were never seen: lost before the capture, or by it.
    pub missing: u64,
    /// Packets whose sequence number had been seen before: replayed, or captured twice.
    pub duplicates: u64,
    /// What those are whose number had been there.
    pub again: Again,
    /// Packets that came after a higher sequence number.
    pub late: u64,
    /// Packets so far behind the highest sequence number that nothing can be said of them.
    pub stale: u64,
    /// Classes of service (DSCP) that its packets bear, one bit each.
    #[serde(skip_serializing_if = "is_default")]
    pub classes: u64,
    /// Ports of its ends, with the time of the first packet that had them: a NAT may change them.
    #[serde(skip)]
    pub(super) ports: Vec<Ports>,
    /// Nothing was seen in the other direction between the same two hosts.
    pub one_way: bool,
    /// Octets of the largest packet, from the outer IP header on.
    pub largest: u64,
    /// What its packets carry, when keys opened them, with how many.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inside: BTreeMap<String, u64>,
    /// Packets that anybody can read: an IP packet follows the ESP header as it is.
    #[serde(skip)]
    pub(super) readable: u64,
    #[serde(skip)]
    order: Order,
    #[serde(skip)]
    window: Window,
    /// Every sequence number seen, for comparison with another capture.
    #[serde(skip)]
    pub(super) seen: Runs,
    /// The first packets' sequence numbers, times and contents, to set two captures against each other.
    #[serde(skip)]
    pub(super) opening: Vec<(u32, Stamp, u32)>,
}

/// Ports of a flow's ends, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) since: Stamp,
    pub(super) until: Stamp,
    pub(super) packets: u64,
}

/// Changes of ports kept.
const MOST_PORTS: usize = 16;

/// Only the usual class.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it in so")]
fn is_default(classes: &u64) -> bool {
    *classes <= 1
}

/// Packets kept of a flow's beginning.
const OPENING: usize = 32;

/// The sequence numbers seen lately. Bit `n % SIZE` stands for number `n`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window(Box<[u64; Window::WORDS]>);

impl Window {
    const WORDS: usize = 16;
    const SIZE: u32 = 64 * Window::WORDS as u32;

    fn place(number: u32) -> (usize, u64) {
        let bit = number % Window::SIZE;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    /// Marks a number; says whether it was marked.
    fn set(&mut self, number: u32, to: bool) -> bool {
        let (word, mask) = Window::place(number);
        let Some(word) = self.0.get_mut(word) else {
            return false;
        };
        let was = *word & mask != 0;
        if to {
            *word |= mask;
        } else {
            *word &= !mask;
        }
        was
    }
}

impl Flow {
    pub(super) fn new(
        protocol: &'static str,
        spi: u32,
        ends: (SocketAddr, SocketAddr),
        udp: bool,
        seen: Seen,
    ) -> Self {
        let mut flow = Self {
            protocol,
            spi,
            from: ends.0,
            to: ends.1,
            udp,
            packets: 0,
            octets: 0,
            first_frame: seen.frame,
            first: seen.at,
            last: seen.at,
            first_sequence: seen.sequence,
            highest_sequence: seen.sequence,
            missing: 0,
            duplicates: 0,
            again: Again::default(),
            order: Order::default(),
            late: 0,
            stale: 0,
            classes: 0,
            ports: Vec::new(),
            one_way: false,
            largest: 0,
            inside: BTreeMap::new(),
            readable: 0,
            window: Window(Box::new([0; Window::WORDS])),
            seen: Runs::default(),
            opening: Vec::new(),
        };
        flow.count(seen);
        flow.between(ends, seen.at);
        flow.window.set(seen.sequence, true);
        flow.order.new_number(seen.sequence, seen.mark, 0);
        flow
    }

    /// Takes in a further packet.
    pub(super) fn add(&mut self, ends: (SocketAddr, SocketAddr), seen: Seen) {
        (self.from, self.to) = ends;
        self.count(seen);
        self.between(ends, seen.at);
        // The 32 bits on the wire go round (RFC 4303 2.2.1), so distance decides, not size.
        let ahead = seen.sequence.wrapping_sub(self.highest_sequence);
        let mark = (seen.mark, seen.at.since(self.first));
        if ahead == 0 {
            self.duplicates += 1;
            self.order.old_number(seen.sequence, 0, Some(true), mark);
        } else if ahead < 1 << 31 {
            for number in 1..=ahead.min(Window::SIZE) {
                self.window
                    .set(self.highest_sequence.wrapping_add(number), false);
            }
            self.window.set(seen.sequence, true);
            self.missing += u64::from(ahead - 1);
            self.highest_sequence = seen.sequence;
            self.order.new_number(seen.sequence, mark.0, mark.1);
        } else {
            let behind = self.highest_sequence.wrapping_sub(seen.sequence);
            if behind >= Window::SIZE {
                self.stale += 1;
                self.order.old_number(seen.sequence, behind, None, mark);
            } else if self.window.set(seen.sequence, true) {
                self.duplicates += 1;
                self.order
                    .old_number(seen.sequence, behind, Some(true), mark);
            } else {
                self.order
                    .old_number(seen.sequence, behind, Some(false), mark);
                self.late += 1;
                // What precedes the first packet was never counted as missing.
                let before_first = seen.sequence.wrapping_sub(self.first_sequence) >= 1 << 31;
                self.missing = self.missing.saturating_sub(u64::from(!before_first));
            }
        }
        self.again = self.order.again;
    }

    fn between(&mut self, ends: (SocketAddr, SocketAddr), at: Stamp) {
        let (from, to) = (ends.0.port(), ends.1.port());
        let full = self.ports.len() >= MOST_PORTS;
        match self.ports.last_mut() {
            Some(last) if (last.from, last.to) == (from, to) => {
                last.until = at;
                last.packets += 1;
            }
            _ if full => {}
            _ => self.ports.push(Ports {
                from,
                to,
                since: at,
                until: at,
                packets: 1,
            }),
        }
    }

    fn count(&mut self, seen: Seen) {
        self.classes |= 1 << (seen.class & 63);
        self.packets += 1;
        self.readable += u64::from(seen.readable);
        self.octets = self.octets.saturating_add(seen.octets);
        self.largest = self.largest.max(seen.octets);
        self.last = self.last.max(seen.at);
        self.seen.add(seen.sequence);
        if self.opening.len() < OPENING {
            self.opening
                .push((seen.sequence, seen.at, seen.mark.contents));
        }
    }

    /// The hosts that it goes from and to.
    #[must_use]
    pub const fn hosts(&self) -> (IpAddr, IpAddr) {
        (self.from.ip(), self.to.ip())
    }
}

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) frame: u64,
    pub(super) at: Stamp,
    pub(super) sequence: u32,
    pub(super) octets: u64,
    pub(super) mark: Mark,
    /// Class of service (DSCP).
    pub(super) class: u8,
    /// An IP packet follows its header as it is.
    pub(super) readable: bool,
}

fn hex<S: serde::Serializer>(spi: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{spi:08x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(sequences: &[u32]) -> Flow {
        let ends = (([10, 0, 0, 1], 0).into(), ([10, 0, 0, 2], 0).into());
        let seen = |sequence| Seen {
            frame: 1,
            at: Stamp(0),
            sequence,
            octets: 100,
            mark: Mark::default(),
            class: 0,
            readable: false,
        };
        let (first, rest) = sequences.split_first().unwrap();
        let mut flow = Flow::new("esp", 0x100, ends, false, seen(*first));
        rest.iter().for_each(|s| flow.add(ends, seen(*s)));
        flow
    }

    #[test]
    fn gaps_replays_and_reordering() {
        let f = flow(&[1, 2, 5, 4, 5, 6]);
        assert_eq!((f.missing, f.late, f.duplicates), (1, 1, 1));
        let f = flow(&[1, 5000, 5000, 2]);
        assert_eq!((f.missing, f.duplicates, f.stale), (4998, 1, 1));
    }

    #[test]
    fn what_precedes_the_capture_is_not_missing() {
        let f = flow(&[10, 9, 11]);
        assert_eq!((f.missing, f.late), (0, 1));
    }

    #[test]
    fn extended_sequence_numbers_go_round() {
        let f = flow(&[u32::MAX - 1, u32::MAX, 0, 1, 3]);
        assert_eq!((f.missing, f.stale, f.highest_sequence), (1, 0, 3));
    }
}
