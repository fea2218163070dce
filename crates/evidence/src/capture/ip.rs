//! IP packets as captures have them: cut short, without the length that a network card would have written, in
//! fragments.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use adit_wire::ip::{IpPacket, protocol};

/// Sender, receiver and protocol of a datagram of which nothing can be shown.
type Nameless = (IpAddr, IpAddr, u8);

/// A packet's bytes, long enough for its own header's total length: what the capture cut off is zeros. Returns how
/// many bytes are real.
pub(super) fn whole(bytes: &[u8]) -> (Cow<'_, [u8]>, usize) {
    let total = match bytes {
        [first, _, high, low, ..] if first >> 4 == 4 => {
            let total = usize::from(u16::from_be_bytes([*high, *low]));
            if total == 0 {
                // Captured before segmentation by the network card: the frame's length is the packet's.
                let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
                let mut packet = bytes.to_vec();
                if let Some(field) = packet.get_mut(2..4) {
                    field.copy_from_slice(&length.to_be_bytes());
                }
                return (packet.into(), bytes.len());
            }
            total
        }
        [first, _, _, _, high, low, ..] if first >> 4 == 6 => {
            usize::from(u16::from_be_bytes([*high, *low])) + 40
        }
        _ => return (bytes.into(), bytes.len()),
    };
    if total <= bytes.len() {
        return (bytes.into(), total);
    }
    let mut packet = bytes.to_vec();
    packet.resize(total, 0);
    (packet.into(), bytes.len())
}

/// A datagram put together.
pub(super) struct Whole {
    pub(super) payload: Vec<u8>,
    /// Of how many fragments.
    pub(super) fragments: u32,
}

/// Which datagram a fragment belongs to (RFC 791 3.2, RFC 8200 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
}

/// The first fragment of a datagram whose others never came.
#[derive(Debug)]
pub(super) struct Incomplete<T> {
    pub(super) protocol: u8,
    pub(super) payload: Vec<u8>,
    /// How many fragments there were.
    pub(super) fragments: u32,
    /// Where the first one was seen.
    pub(super) place: T,
}

#[derive(Debug)]
struct Parts<T> {
    /// Where the first fragment was seen.
    place: Option<T>,
    /// Payload by offset.
    parts: BTreeMap<u16, Vec<u8>>,
    octets: usize,
    /// Length of the whole, once the last fragment is here.
    total: Option<usize>,
}

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Self {
            place: None,
            parts: BTreeMap::new(),
            octets: 0,
            total: None,
        }
    }
}

/// Puts fragments together, within limits.
#[derive(Debug)]
pub(super) struct Reassembly<T> {
    pending: BTreeMap<Key, Parts<T>>,
    /// The oldest first.
    order: VecDeque<Key>,
    /// Given up.
    lost: Vec<Incomplete<T>>,
    /// How many were given up, those of which nothing can be shown included.
    lost_in_all: u64,
    /// Of the latter: sender, receiver, protocol.
    nameless: Vec<Nameless>,
}

impl<T> Default for Reassembly<T> {
    fn default() -> Self {
        Self {
            pending: BTreeMap::new(),
            order: VecDeque::new(),
            lost: Vec::new(),
            lost_in_all: 0,
            nameless: Vec::new(),
        }
    }
}

impl<T: Copy> Reassembly<T> {
    /// Datagrams in pieces at one time; beyond, the oldest is given up.
    const MOST: usize = 256;
    const MOST_OCTETS: usize = 65_535;
    /// Incomplete datagrams whose first fragments are kept.
    const MOST_LOST: usize = 1024;

    /// Takes in a fragment with the part of its payload that was captured; the datagram comes back when it is whole.
    pub(super) fn add(
        &mut self,
        packet: &IpPacket<'_>,
        payload: &[u8],
        cut: bool,
        place: T,
    ) -> Option<Whole> {
        let fragment = packet.fragment?;
        let key = Key {
            source: packet.source,
            destination: packet.destination,
            protocol: packet.protocol,
            identification: fragment.identification,
        };
        if !self.pending.contains_key(&key) {
            if self.order.len() >= Self::MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.give_up(oldest);
            }
            self.order.push_back(key);
        }
        let parts = self.pending.entry(key).or_default();
        if fragment.offset == 0 {
            parts.place.get_or_insert(place);
        }
        let end = usize::from(fragment.offset) + payload.len();
        if cut {
            // Its datagram stays incomplete, and is shown as that.
            if fragment.offset == 0 {
                parts.parts.entry(0).or_insert_with(|| payload.to_vec());
            }
            return None;
        }
        if end > Self::MOST_OCTETS || parts.octets + payload.len() > Self::MOST_OCTETS {
            return None;
        }
        if parts.parts.contains_key(&fragment.offset) {
            // The same fragment twice: a retransmission of the link, or a capture on two interfaces.
            return None;
        }
        parts.octets += payload.len();
        parts.parts.insert(fragment.offset, payload.to_vec());
        if !fragment.more {
            parts.total = Some(end);
        }
        let whole = parts.join()?;
        let fragments = u32::try_from(parts.parts.len()).unwrap_or(u32::MAX);
        self.pending.remove(&key);
        self.order.retain(|k| *k != key);
        Some(Whole {
            payload: whole,
            fragments,
        })
    }

    fn give_up(&mut self, key: Key) {
        let Some(mut parts) = self.pending.remove(&key) else {
            return;
        };
        self.lost_in_all += 1;
        let first = parts.place.zip(parts.parts.remove(&0));
        if let Some((place, payload)) = first
            && self.lost.len() < Self::MOST_LOST
        {
            self.lost.push(Incomplete {
                protocol: key.protocol,
                payload,
                fragments: u32::try_from(parts.parts.len() + 1).unwrap_or(u32::MAX),
                place,
            });
        } else {
            self.nameless
                .push((key.source, key.destination, key.protocol));
        }
    }

    /// A datagram that was given up and of which nothing can be shown. Asked after every fragment, there is one at most.
    pub(super) fn nameless(&mut self) -> Option<Nameless> {
        self.nameless.pop()
    }

    /// Ends the capture: how many datagrams stayed incomplete, the beginnings of those that have one, and the others'
    /// senders, receivers and protocols.
    pub(super) fn finish(mut self) -> (u64, Vec<Incomplete<T>>, Vec<Nameless>) {
        while let Some(key) = self.order.pop_front() {
            self.give_up(key);
        }
        (self.lost_in_all, self.lost, self.nameless)
    }
}

impl<T> Parts<T> {
    /// The whole, when nothing is missing and nothing overlaps.
    fn join(&self) -> Option<Vec<u8>> {
        let total = self.total.filter(|total| *total == self.octets)?;
        let mut out = Vec::with_capacity(total);
        for (offset, part) in &self.parts {
            if usize::from(*offset) != out.len() {
                return None;
            }
            out.extend_from_slice(part);
        }
        Some(out)
    }
}

/// Whether fragments of this protocol are worth keeping.
pub(super) const fn is_reassembled(number: u8) -> bool {
    matches!(number, protocol::UDP | protocol::ESP | protocol::AH)
}
