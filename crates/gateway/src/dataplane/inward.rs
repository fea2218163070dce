//! From the wire to the host.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;

use adit_esp::{Direction, Incoming, Inner, View};
use adit_kernel::Message;
use adit_kernel::esp_socket::ipv4_header_length;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_wire::udp_encap::{Encapsulated, classify};

use crate::dataplane::carrier::Socket;
use crate::dataplane::counters::Batch;
use crate::dataplane::entrance::{Entrance, Refused};
use crate::dataplane::worker::{MESSAGES, Worker};
use crate::sockets::Slot;

impl Worker {
    /// Opens what a socket has and hands it to the host, until there is nothing more or others have to get their turn.
    pub(super) fn open_waiting(&mut self, socket: Socket) {
        let slot = socket.slot;
        for _ in 0..ROUNDS {
            let mut view = self.shared.load();
            // What came before goes before: a replay window doesn't wait.
            self.open_early(&view);
            let Some(descriptor) = self.carrier.socket(socket) else {
                return;
            };
            let received = match self.inbox.receive(descriptor, self.appetite) {
                Ok(received) => received,
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        tracing::warn!("receiving failed: {error}");
                    }
                    return;
                }
            };
            if self.early.is_empty() {
                // A peer that waits for our word before it sends under an SA has had it: the SA is in the view by now.
                view = self.shared.load();
            }
            let mut opening = Opening {
                view: &view,
                now: self.clock.mono(),
                slot,
                port: self.nat_port,
                way: None,
                may_wait: true,
                opened: Batch::default(),
            };
            let mut octets = 0;
            for index in 0..received {
                match self.inbox.message(index) {
                    Some(message) => {
                        octets += message.octets.len();
                        opening.message(self, &message);
                    }
                    None => {
                        let reason = unreadable(slot);
                        self.teller
                            .lost(reason, None, || "a datagram that was cut".to_owned());
                    }
                }
            }
            self.write_opened();
            self.counters.opened(opening.opened);
            let [_, timed] = &mut self.timed;
            if opening.opened.packets > 0 && timed.due() {
                let took = self.clock.mono().since(opening.now);
                view.took(self.lane, Direction::In, took);
            }
            let all = received < self.appetite;
            // What was opened should be in a near cache still when it is written, as far as that doesn't make batches short.
            let each = octets / received.max(1);
            self.appetite = (CACHE / each.max(1)).clamp(FEWEST, MESSAGES);
            if all {
                return;
            }
        }
    }

    /// Opens the packets that came before their SA, if it is there now, and gives up those that have waited for nothing.
    pub(super) fn open_early(&mut self, view: &View) {
        if self.early.is_empty() {
            return;
        }
        let now = self.clock.mono();
        let changed = view.generation() != self.early_in;
        if !changed && self.early.due().is_none_or(|due| now < due) {
            return;
        }
        self.early_in = view.generation();
        for (_, kept) in self.early.take(now, |spi| view.has(spi)) {
            let Some(place) = self.inbox.slab().get_mut(..kept.packet.len()) else {
                continue;
            };
            place.copy_from_slice(&kept.packet);
            let mut opening = Opening {
                view,
                now,
                slot: Slot::Esp(false),
                port: self.nat_port,
                way: None,
                may_wait: false,
                opened: Batch::default(),
            };
            let Way { from, local, tos } = kept.way;
            opening.esp(self, (from, local), tos, 0..kept.packet.len());
            self.write_opened();
            self.counters.opened(opening.opened);
        }
    }

    /// Hands the host what was opened and still waits for more of its flow.
    fn write_opened(&mut self) {
        let teller = &mut self.teller;
        let slab = self.inbox.slab();
        for entrance in self.doors.iter_mut().flatten() {
            entrance.finish(slab, &mut |refused| teller.unwritten(&refused));
        }
    }
}

/// The opening of what came in one go.
struct Opening<'v> {
    view: &'v View,
    now: Mono,
    slot: Slot,
    /// Our port of ESP in UDP.
    port: u16,
    /// The SA of the last packet: the next is likely to be its too.
    way: Option<Incoming<'v>>,
    /// Whether a packet that no SA takes may wait for one.
    may_wait: bool,
    opened: Batch,
}

/// How an ESP packet came that waits for its SA.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    from: SocketAddr,
    local: SocketAddr,
    tos: u8,
}

impl Opening<'_> {
    fn message(&mut self, worker: &mut Worker, message: &Message) {
        let Range { mut start, end } = message.octets;
        if start == end {
            // A datagram without anything in it is one all the same.
            self.datagram(worker, message, start..end);
        }
        while start < end {
            let next = (start + message.segment).min(end);
            self.datagram(worker, message, start..next);
            start = next;
        }
    }

    fn datagram(&mut self, worker: &mut Worker, message: &Message, place: Range<usize>) {
        let from = message.from;
        let octets = worker
            .inbox
            .slab()
            .get_mut(place.clone())
            .unwrap_or_default();
        let (skipped, port) = match self.slot {
            Slot::Esp(false) => match ipv4_header_length(octets) {
                Some(length) => (length, 0),
                None => {
                    let detail = || "an impossible IPv4 header".to_owned();
                    return worker
                        .teller
                        .lost(unreadable(self.slot), Some(from), detail);
                }
            },
            Slot::Esp(true) | Slot::Ike(_) => (0, 0),
            Slot::Nat(_) => (0, self.port),
        };
        let local = SocketAddr::new(message.to, port);
        if let Slot::Nat(_) = self.slot {
            match classify(octets) {
                Ok(Encapsulated::Esp(_)) => {}
                Ok(Encapsulated::Ike(message)) => {
                    return worker.teller.pass(local, from, message);
                }
                Ok(Encapsulated::Keepalive) => {
                    let teller = &mut worker.teller;
                    return teller.lost(DropReason::NatKeepalive, Some(from), String::new);
                }
                Err(error) => {
                    let detail = || error.to_string();
                    let teller = &mut worker.teller;
                    return teller.lost(DropReason::UdpEncapMalformed, Some(from), detail);
                }
            }
        }
        // A raw IPv4 socket shows the header itself.
        let tos = match octets.get(1) {
            Some(tos) if skipped > 0 => *tos,
            _ => message.tos,
        };
        self.esp(worker, (from, local), tos, place.start + skipped..place.end);
    }

    fn esp(
        &mut self,
        worker: &mut Worker,
        (from, local): (SocketAddr, SocketAddr),
        tos: u8,
        place: Range<usize>,
    ) {
        let slab = worker.inbox.slab();
        let packet = slab.get_mut(place.clone()).unwrap_or_default();
        let spi = packet
            .first_chunk()
            .map_or(0, |spi| u32::from_be_bytes(*spi));
        let teller = &mut worker.teller;
        let known = self.way.take_if(|way| way.spi_in() != spi);
        drop(known);
        let way = match &mut self.way {
            Some(way) => way,
            none => match self.view.incoming_if_known(worker.lane, self.now, packet) {
                Ok(Some(way)) => none.insert(way),
                Ok(None) => {
                    let way = Way { from, local, tos };
                    if worker.early.is_empty() {
                        worker.early_in = self.view.generation();
                    }
                    let kept = self.may_wait
                        && self.view.may_be_early(spi)
                        && worker.early.keep(self.now, spi, packet, way);
                    if !kept {
                        let rejected = self.view.stray(worker.lane, packet);
                        teller.refused_in(rejected, from, local, spi);
                    }
                    return;
                }
                Err(rejected) => return teller.refused_in(rejected, from, local, spi),
            },
        };
        let inner = match way.open_under(tos, packet) {
            Ok(inner) => inner,
            Err(rejected) if rejected.reason == DropReason::EspDummy => {
                // It is counted, and it was sealed by the peer; beyond that it means nothing.
                return teller.seen(spi, self.now);
            }
            Err(rejected) => return teller.refused_in(rejected, from, local, spi),
        };
        // Only what the peer has sealed shows that it is there (RFC 7296 2.4).
        teller.seen(spi, self.now);
        self.opened.add(match &inner {
            Inner::Within(at) => at.len(),
            Inner::Rebuilt(packet) => packet.len(),
        });
        let door = way.door();
        let mut unwritten = |refused: Refused| teller.unwritten(&refused);
        let mut doors = worker.doors.iter_mut().flatten();
        match (doors.find(|entrance| entrance.door == door), inner) {
            (Some(entrance), Inner::Within(at)) => {
                let at = place.start + at.start..place.start + at.end;
                entrance.push(slab, at, &mut unwritten);
            }
            (Some(entrance), Inner::Rebuilt(packet)) => {
                entrance.push_alone(&packet, &mut unwritten);
            }
            // Its tunnel's device is being made, or taken away.
            (None, _) => unwritten(Entrance::none()),
        }
    }
}

/// What is counted for a datagram that can't even be looked at.
fn unreadable(slot: Slot) -> DropReason {
    match slot {
        Slot::Nat(_) => DropReason::UdpEncapMalformed,
        Slot::Esp(_) | Slot::Ike(_) => DropReason::EspTooShort,
    }
}

/// Times that a socket is read before others get their turn.
const ROUNDS: usize = 4;
/// Octets that are opened before they are written.
const CACHE: usize = 1 << 20;
/// Messages received at once, when they are long.
const FEWEST: usize = 16;
