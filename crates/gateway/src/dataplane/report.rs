//! What the threads that carry packets tell the loop.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use adit_esp::{ChildName, flow};
use adit_kernel::PathError;
use adit_model::dataplane::Trigger;
use adit_model::drops::DropReason;
use adit_wire::ip::IpPacket;

use crate::sockets::Slot;

/// One thing that a thread tells.
#[derive(Debug)]
pub enum Word {
    /// A message of the key exchange, without marker, that came beside ESP.
    Ike {
        /// The address and port of ours that it came to.
        local: SocketAddr,
        /// Who sent it.
        remote: SocketAddr,
        /// The message.
        message: Vec<u8>,
    },
    /// What the network says about a packet that was sent from this slot.
    Path(Slot, PathError),
    /// What became of packets.
    Report(Box<Report>),
    /// The kernel, where that carries packets, has something to tell.
    Kernel,
}

/// What a while of packets has to tell.
#[derive(Debug, Default)]
pub struct Report {
    /// SPIs that packets were received on.
    pub seen: BTreeSet<u32>,
    /// Packets under SPIs that nobody knows: from where, to where, SPI.
    pub strays: Vec<(SocketAddr, SocketAddr, u32)>,
    /// The first packet of each child that no SA takes.
    pub wanted: BTreeMap<Arc<ChildName>, Trigger>,
    /// Packets that were dropped, one entry per reason and child.
    pub dropped: BTreeMap<(DropReason, Option<Arc<ChildName>>), Dropped>,
}

/// Dropped packets of one kind.
#[derive(Debug)]
pub struct Dropped {
    /// How many.
    pub packets: u64,
    /// The first of them, for a person.
    pub detail: String,
    /// Who sent it, where it came from the wire.
    pub from: Option<SocketAddr>,
}

impl Report {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
            && self.strays.is_empty()
            && self.wanted.is_empty()
            && self.dropped.is_empty()
    }

    /// Notes that `packet` waits for an SA of `child`.
    pub fn want(&mut self, child: &Arc<ChildName>, packet: &[u8]) {
        if self.wanted.contains_key(child) {
            return;
        }
        if let Ok(packet) = IpPacket::parse(packet) {
            let (local, remote) = flow(&packet);
            let trigger = Trigger {
                child: child.child.clone(),
                local,
                remote,
            };
            self.wanted.insert(Arc::clone(child), trigger);
        }
    }

    /// Notes a packet under an SPI that nobody knows; of many only the first.
    pub fn stray(&mut self, from: SocketAddr, to: SocketAddr, spi: u32) {
        if self.strays.len() < MOST_STRAYS {
            self.strays.push((from, to, spi));
        }
    }

    /// Notes dropped packets; `detail` is asked for only for the first of its kind.
    pub fn drop(
        &mut self,
        reason: DropReason,
        child: Option<Arc<ChildName>>,
        from: Option<SocketAddr>,
        packets: u64,
        detail: impl FnOnce() -> String,
    ) {
        self.dropped
            .entry((reason, child))
            .and_modify(|dropped| dropped.packets += packets)
            .or_insert_with(|| Dropped {
                packets,
                detail: detail(),
                from,
            });
    }
}

/// A packet in a few words.
pub fn describe(packet: &[u8]) -> String {
    match IpPacket::parse(packet) {
        Ok(ip) => format!(
            "{} to {}, protocol {}, {} octets",
            ip.source,
            ip.destination,
            ip.protocol,
            ip.total_length()
        ),
        Err(_) => format!("{} octets that aren't an IP packet", packet.len()),
    }
}

/// Most unknown SPIs of a report.
const MOST_STRAYS: usize = 8;
