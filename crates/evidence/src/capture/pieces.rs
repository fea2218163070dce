//! IP fragments, counted: which packets came in pieces, and of which a piece is missing.
//!
//! Only headers are needed for it, so it works for captures that were cut short and for text too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use serde::Serialize;

use super::stamp::Stamp;

/// Packets from one host to another that came in IP fragments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fragments {
    /// IP protocol.
    pub protocol: u8,
    /// Sender.
    pub from: IpAddr,
    /// Receiver.
    pub to: IpAddr,
    /// Packets whose fragments all were seen.
    pub complete: u64,
    /// Packets of which fragments are missing.
    pub incomplete: u64,
    /// Of these, how many showed nothing but their first fragment. A capture filter that asks for ports does that too.
    pub only_first: u64,
    /// Frame of the first fragment.
    pub first_frame: u64,
    /// When the last fragment was seen.
    pub last: Stamp,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) frame: u64,
    pub(super) at: Stamp,
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) protocol: u8,
    pub(super) identification: u32,
    pub(super) offset: u32,
    /// Octets of payload; `None` where that isn't told.
    pub(super) octets: Option<u32>,
    pub(super) more: bool,
}

/// Packets in pieces at one time; beyond, the oldest counts as incomplete.
const MOST: usize = 1024;
/// Pairs kept.
const MOST_PAIRS: usize = 4096;
/// A packet has no more fragments than this.
const MOST_PIECES: usize = 8192;

type Pair = (IpAddr, IpAddr, u8);
type Key = (Pair, u32);

#[derive(Debug, Default)]
struct Pending {
    offsets: BTreeSet<u32>,
    octets: u32,
    unsized_piece: bool,
    total: Option<u32>,
}

impl Pending {
    fn whole(&self) -> bool {
        match self.total {
            Some(total) if self.unsized_piece => {
                // Without lengths, a first and a last piece are all that can be asked for.
                self.offsets.contains(&0) && total > 0
            }
            Some(total) => self.octets == total,
            None => false,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Pieces {
    pending: BTreeMap<Key, Pending>,
    order: VecDeque<Key>,
    found: Vec<Fragments>,
    by_pair: BTreeMap<Pair, usize>,
}

impl Pieces {
    pub(super) fn add(&mut self, piece: Piece) {
        let pair = (piece.from, piece.to, piece.protocol);
        let key = (pair, piece.identification);
        let Some(found) = self.pair(pair, &piece) else {
            return;
        };
        found.last = found.last.max(piece.at);
        if !self.pending.contains_key(&key) {
            if self.order.len() >= MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.give_up(oldest);
            }
            self.order.push_back(key);
        }
        let pending = self.pending.entry(key).or_default();
        if pending.offsets.len() >= MOST_PIECES || !pending.offsets.insert(piece.offset) {
            return;
        }
        match piece.octets {
            Some(octets) => pending.octets = pending.octets.saturating_add(octets),
            None => pending.unsized_piece = true,
        }
        if !piece.more {
            pending.total = Some(piece.offset.saturating_add(piece.octets.unwrap_or(1)));
        }
        if pending.whole() {
            self.pending.remove(&key);
            self.order.retain(|k| *k != key);
            if let Some(found) = self.by_pair.get(&pair).and_then(|i| self.found.get_mut(*i)) {
                found.complete += 1;
            }
        }
    }

    fn pair(&mut self, pair: Pair, piece: &Piece) -> Option<&mut Fragments> {
        let index = match self.by_pair.get(&pair) {
            Some(index) => *index,
            None if self.found.len() >= MOST_PAIRS => return None,
            None => {
                self.by_pair.insert(pair, self.found.len());
                self.found.push(Fragments {
                    protocol: piece.protocol,
                    from: piece.from,
                    to: piece.to,
                    complete: 0,
                    incomplete: 0,
                    only_first: 0,
                    first_frame: piece.frame,
                    last: piece.at,
                });
                self.found.len() - 1
            }
        };
        self.found.get_mut(index)
    }

    fn give_up(&mut self, key: Key) {
        if let Some(pending) = self.pending.remove(&key)
            && let Some(found) = self
                .by_pair
                .get(&key.0)
                .and_then(|i| self.found.get_mut(*i))
        {
            found.incomplete += 1;
            let only_first = pending.offsets.len() == 1 && pending.offsets.contains(&0);
            found.only_first += u64::from(only_first);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Fragments> {
        while let Some(key) = self.order.pop_front() {
            self.give_up(key);
        }
        self.found
    }
}
