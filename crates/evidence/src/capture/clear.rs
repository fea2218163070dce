//! What goes beside the tunnel: packets that aren't IPsec's, by who sends them to whom.
//!
//! Linux shows a packet that came in ESP twice: as ESP, and again in clear after decryption, on the same interface. What
//! went out is shown once, as ESP. So a clear packet right behind an ESP packet that could have held it is counted apart.

use std::collections::BTreeMap;
use std::net::IpAddr;

use adit_wire::ip::{IpPacket, protocol};
use serde::Serialize;

use super::link::Direction;
use super::stamp::Stamp;
use super::watch::{Outside, Watch};

/// Packets outside of IPsec from one host to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clear {
    /// IP protocol.
    pub protocol: u8,
    /// The lower port of TCP, UDP or SCTP, which is the service's.
    pub port: Option<u16>,
    /// Sender.
    pub from: IpAddr,
    /// Receiver.
    pub to: IpAddr,
    /// Packets.
    pub packets: u64,
    /// Octets, from the IP header on.
    pub octets: u64,
    /// Frame of the first packet.
    pub first_frame: u64,
    /// When the first packet was seen.
    pub first: Stamp,
    /// When the last packet was seen.
    pub last: Stamp,
    /// How many came right behind an ESP packet large enough to have held them.
    pub behind_esp: u64,
    /// Who sent that ESP.
    pub esp_from: Option<IpAddr>,
    /// How many an ESP packet large enough to hold them followed at once: a gateway with one interface, that receives
    /// them in clear and sends them on protected.
    pub before_esp: u64,
    /// How many the capturing host sent, where the capture tells.
    pub sent: u64,
    /// How many the capturing host received, where the capture tells.
    pub received: u64,
    /// Whether they go to the peer, when only what is to be protected is looked at.
    #[serde(skip)]
    pub(super) outward: Option<bool>,
}

/// Pairs kept.
const MOST: usize = 4096;
/// Nanoseconds that decryption may take.
const PROMPT: u64 = 20_000_000;
/// ESP packets that may come together before the first of them is decrypted.
const BATCH: u32 = 64;

type Key = (IpAddr, IpAddr, u8, Option<u16>);

#[derive(Debug, Default)]
pub(super) struct Clears {
    all: Vec<Clear>,
    by_key: BTreeMap<Key, usize>,
    esp: Option<LastEsp>,
    /// The latest packet in clear that no ESP followed yet: which, when, how large.
    open: Option<(usize, Stamp, usize)>,
    /// What alone is looked at.
    watch: Option<Watch>,
    /// Packets of further pairs, and those of which too little is known.
    beyond: u64,
}

#[derive(Clone, Copy, Debug)]
struct LastEsp {
    from: IpAddr,
    at: Stamp,
    octets: usize,
    /// Packets of which no decrypted one was seen yet.
    open: u32,
}

/// A packet in clear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) frame: u64,
    pub(super) at: Stamp,
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) protocol: u8,
    /// Its ports, where it shows them: the sender's, the receiver's.
    pub(super) ports: Option<(u16, u16)>,
    pub(super) octets: usize,
    pub(super) direction: Option<Direction>,
}

impl Clears {
    /// Looks at nothing but what is to be protected, so that other packets don't take the room of that.
    pub(super) fn only(&mut self, watch: Watch) {
        self.watch = Some(watch);
    }

    /// Fragments of which nobody can tell whose they are; whether a datagram of this protocol between these hosts would count.
    pub(super) fn nameless(&mut self, from: IpAddr, to: IpAddr, protocol: u8) {
        let packet = Outside {
            from,
            to,
            protocol,
            ports: None,
            direction: None,
        };
        let counts = |watch: &Watch| watch.outward(&packet).is_some();
        if self.watch.as_ref().is_some_and(counts) {
            self.beyond += 1;
        }
    }

    pub(super) fn esp(&mut self, from: IpAddr, at: Stamp, octets: usize) {
        if self.watch.as_ref().is_some_and(|w| w.peer != from) {
            return;
        }
        if let Some((index, clear_at, clear_octets)) = self.open.take()
            && clear_octets < octets
            && at.since(clear_at) < PROMPT
            && let Some(clear) = self.all.get_mut(index)
        {
            clear.before_esp += 1;
        }
        let open = match &self.esp {
            Some(last) if last.from == from && at.since(last.at) < PROMPT => last.open,
            _ => 0,
        };
        self.esp = Some(LastEsp {
            from,
            at,
            octets,
            open: (open + 1).min(BATCH),
        });
    }

    pub(super) fn add(&mut self, seen: Seen) {
        let multicast = match seen.to {
            IpAddr::V4(a) => a.is_multicast() || a.is_broadcast(),
            IpAddr::V6(a) => a.is_multicast(),
        };
        if multicast {
            return;
        }
        let outward = match &self.watch {
            None => None,
            Some(watch) => match watch.outward(&seen.outside()) {
                None => return,
                out => out,
            },
        };
        let port = seen.service();
        let key = (seen.from, seen.to, seen.protocol, port);
        let index = match self.by_key.get(&key) {
            Some(index) => *index,
            None if self.all.len() >= MOST => {
                self.beyond += 1;
                return;
            }
            None => {
                self.by_key.insert(key, self.all.len());
                self.all.push(Clear {
                    protocol: seen.protocol,
                    port,
                    from: seen.from,
                    to: seen.to,
                    packets: 0,
                    octets: 0,
                    first_frame: seen.frame,
                    first: seen.at,
                    last: seen.at,
                    behind_esp: 0,
                    esp_from: None,
                    before_esp: 0,
                    sent: 0,
                    received: 0,
                    outward,
                });
                self.all.len() - 1
            }
        };
        let Some(have) = self.all.get_mut(index) else {
            return;
        };
        have.packets += 1;
        have.octets = have.octets.saturating_add(seen.octets as u64);
        have.last = have.last.max(seen.at);
        match seen.direction {
            Some(Direction::Sent) => have.sent += 1,
            Some(Direction::Received) => have.received += 1,
            None => {}
        }
        // What this host sent it didn't decrypt.
        if let Some(esp) = &mut self.esp
            && outward != Some(true)
            && esp.open > 0
            // Printed captures may not tell how large ESP was.
            && (esp.octets == 0 || seen.octets < esp.octets)
            && seen.at.since(esp.at) < PROMPT
        {
            esp.open -= 1;
            have.behind_esp += 1;
            have.esp_from = Some(esp.from);
        } else {
            self.open = Some((index, seen.at, seen.octets));
        }
    }

    /// What there is, and how many packets more.
    pub(super) fn finish(self) -> (Vec<Clear>, u64) {
        (self.all, self.beyond)
    }
}

impl Seen {
    /// The port that names the service.
    fn service(&self) -> Option<u16> {
        self.ports.map(|(a, b)| lower(a, b))
    }

    const fn outside(&self) -> Outside {
        Outside {
            from: self.from,
            to: self.to,
            protocol: self.protocol,
            ports: self.ports,
            direction: self.direction,
        }
    }
}

/// The lower of a packet's ports.
pub(super) fn service(packet: &IpPacket<'_>) -> Option<u16> {
    ports(packet).map(|(a, b)| lower(a, b))
}

/// A packet's ports: the sender's, the receiver's.
pub(super) fn ports(packet: &IpPacket<'_>) -> Option<(u16, u16)> {
    match packet.protocol {
        protocol::TCP | protocol::UDP | protocol::SCTP => {
            packet.ports().map(|p| (p.source, p.destination))
        }
        _ => None,
    }
}

/// The port that names the service: the lower one, and an overlay's whatever the other is.
pub(super) fn lower(a: u16, b: u16) -> u16 {
    match (is_overlay(a), is_overlay(b)) {
        (true, false) => a,
        (false, true) => b,
        _ => a.min(b),
    }
}

/// UDP ports of VXLAN, of VXLAN with the generic protocol extension, of Linux's old VXLAN, and of Geneve.
pub(super) const fn is_overlay(port: u16) -> bool {
    matches!(port, 4789 | 4790 | 8472 | 6081)
}
