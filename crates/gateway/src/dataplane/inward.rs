//! From the wire to the host.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;

use adit_esp::{Direction, Incoming, Inner, Lying, View};
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
            self.run.clear();
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
            opening.run(self);
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
        let mut opening = Opening {
            view,
            now,
            slot: Slot::Esp(false),
            port: self.nat_port,
            way: None,
            may_wait: false,
            opened: Batch::default(),
        };
        self.run.clear();
        let mut end = 0;
        for (_, kept) in self.early.take(now, |spi| view.has(spi)) {
            let length = kept.packet.len();
            if self.inbox.slab().len() - end < length {
                opening.run(self);
                self.write_opened();
                end = 0;
            }
            let place = end..end + length;
            let Some(room) = self.inbox.slab().get_mut(place.clone()) else {
                continue;
            };
            room.copy_from_slice(&kept.packet);
            end += length;
            let Way { from, local, tos } = kept.way;
            opening.esp(self, (from, local), tos, place);
        }
        opening.run(self);
        self.write_opened();
        self.counters.opened(opening.opened);
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
    /// The SA of the last packet that had one, and of all that wait in the thread's run: the next is likely to be its too.
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

/// Packets that came one behind the other under one SPI, and are opened together.
#[derive(Debug, Default)]
pub(super) struct Run {
    lying: Vec<Lying>,
    /// For each of them, its place in `ends`.
    came: Vec<usize>,
    /// From where to where; packets of one message have it once.
    ends: Vec<Ends>,
}

/// Who sent a packet, and to which address of ours.
type Ends = (SocketAddr, SocketAddr);

impl Run {
    fn clear(&mut self) {
        self.lying.clear();
        self.came.clear();
        self.ends.clear();
    }

    fn push(&mut self, lying: Lying, ends: Ends) -> &Self {
        if self.ends.last() != Some(&ends) {
            self.ends.push(ends);
        }
        self.lying.push(lying);
        self.came.push(self.ends.len() - 1);
        self
    }

    fn is_full(&self) -> bool {
        self.lying.len() >= TOGETHER
    }

    fn lying(&self) -> &[Lying] {
        &self.lying
    }

    fn ends(&self, position: usize) -> Ends {
        let came = self.came.get(position);
        let nowhere = (Ipv4Addr::UNSPECIFIED, 0).into();
        came.and_then(|came| self.ends.get(*came))
            .copied()
            .unwrap_or((nowhere, nowhere))
    }
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
        let packet = slab.get(place.clone()).unwrap_or_default();
        let spi = packet
            .first_chunk()
            .map_or(0, |spi| u32::from_be_bytes(*spi));
        if self.way.as_ref().is_none_or(|way| way.spi_in() != spi) {
            self.run(worker);
            let slab = worker.inbox.slab();
            let packet = slab.get(place.clone()).unwrap_or_default();
            let teller = &mut worker.teller;
            self.way = match self.view.incoming_if_known(worker.lane, self.now, packet) {
                Ok(Some(way)) => Some(way),
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
            };
        }
        let Range { start, end } = place;
        if worker
            .run
            .push(Lying { start, end, tos }, (from, local))
            .is_full()
        {
            self.run(worker);
        }
    }

    /// Opens the packets that have come under the last SPI, and hands them on.
    fn run(&mut self, worker: &mut Worker) {
        let Some(way) = &mut self.way else {
            return;
        };
        let (door, spi, now) = (way.door(), way.spi_in(), self.now);
        let teller = &mut worker.teller;
        let mut doors = worker.doors.iter_mut().flatten();
        let mut entrance = doors.find(|entrance| entrance.door == door);
        let (run, opened) = (&worker.run, &mut self.opened);
        way.open_run(
            worker.inbox.slab(),
            run.lying(),
            |slab, position, packet| {
                let inner = match packet {
                    Ok(inner) => inner,
                    Err(rejected) if rejected.reason == DropReason::EspDummy => {
                        // It is counted, and it was sealed by the peer; beyond that it means nothing.
                        return teller.seen(spi, now);
                    }
                    Err(rejected) => {
                        let (from, local) = run.ends(position);
                        return teller.refused_in(rejected, from, local, spi);
                    }
                };
                // Only what the peer has sealed shows that it is there (RFC 7296 2.4).
                teller.seen(spi, now);
                opened.add(inner.length());
                let mut unwritten = |refused: Refused| teller.unwritten(&refused);
                match (&mut entrance, inner) {
                    (Some(entrance), Inner::Within(at)) => entrance.push(slab, at, &mut unwritten),
                    (Some(entrance), Inner::Rebuilt(packet)) => {
                        entrance.push_alone(&packet, &mut unwritten);
                    }
                    // Its tunnel's device is being made, or taken away.
                    (None, _) => unwritten(Entrance::none()),
                }
            },
        );
        worker.run.clear();
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
/// Packets that are opened together; what is decrypted first should be in a near cache still when its host gets it.
const TOGETHER: usize = 64;
/// Messages received at once, when they are long.
const FEWEST: usize = 16;
