//! From the host to the wire.

use std::io;

use adit_esp::offload::{PacketHeader, Segments};
use adit_esp::{Door, Rejected, View, too_big};
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_wire::ip::IpPacket;

use crate::dataplane::outbox::{Loss, Way};
use crate::dataplane::report::describe;
use crate::dataplane::worker::Worker;

impl Worker {
    /// Seals and sends what the host has for the tunnels behind a door, until there is nothing more or others have to get
    /// their turn.
    pub(super) fn seal_waiting(&mut self, at: usize) {
        let view = self.shared.load();
        let now = self.clock.mono();
        for _ in 0..PACKETS {
            let Some(Some(entrance)) = self.doors.get(at) else {
                break;
            };
            match entrance.tun.read(&mut self.packet) {
                Ok(length) => self.seal_one(&view, entrance.door, at, length, now),
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        let name = entrance.tun.name();
                        tracing::warn!("reading the device {name} failed: {error}");
                        if error.raw_os_error() == Some(libc::EBADFD) {
                            // It was taken away; its descriptor would be ready for ever.
                            self.close(at);
                        }
                    }
                    break;
                }
            }
        }
        self.send(now);
    }

    /// Seals the packet that was read, all of its segments.
    fn seal_one(&mut self, view: &View, door: Door, at: usize, length: usize, now: Mono) {
        let teller = &mut self.teller;
        let read = self.packet.get(..length).unwrap_or_default();
        let Some((header, packet)) = PacketHeader::split(read) else {
            return;
        };
        if is_kernels_own(packet) {
            return;
        }
        let Ok(segments) = Segments::of(&header, packet) else {
            return teller.lost(DropReason::OutMalformed, None, || describe(packet));
        };
        let way = view
            .outbound(self.lane, packet)
            .and_then(|ip| view.outgoing_by(&mut self.flows, door, self.lane, &ip));
        let mut out = match way {
            Ok(way) => way,
            Err(rejected) => return teller.refused_out(rejected, packet),
        };
        let mut way = Way::of(&out.sealed());
        out.claim(u16::try_from(segments.count()).unwrap_or(u16::MAX));
        for index in 0..segments.count() {
            let [head, rest] = segments.parts(index, &mut self.room);
            if out.is_to_be_cut(head.len() + rest.len()) {
                // The kernel's pieces get identifications and so on of their own; this is rare, and slow.
                let whole = [head, rest].concat();
                self.pieces.clear();
                match view.seal(door, &whole, &mut self.pieces) {
                    Ok(sealed) => {
                        way = Way::of(&sealed);
                        for piece in self.pieces.chunks(sealed.each.max(1)) {
                            if !self.outbox.takes(&way) {
                                let mut unsent = |loss: Loss| teller.unsent(&loss);
                                self.outbox.send(&self.carrier, now, &mut unsent);
                            }
                            self.outbox.copy(&way, piece);
                        }
                    }
                    Err(rejected) => teller.refused_out(rejected, &whole),
                }
                continue;
            }
            if !self.outbox.takes(&way) {
                let mut unsent = |loss: Loss| teller.unsent(&loss);
                self.outbox.send(&self.carrier, now, &mut unsent);
            }
            match out.seal_parts(head, rest, self.outbox.room()) {
                Ok(length) => self.outbox.add(&way, length),
                Err(rejected) => {
                    drop(out);
                    return self.refused(at, rejected, length, now);
                }
            }
        }
    }

    /// A packet isn't sealed, nor are further segments of it. Who sent one that is too long is told how much fits.
    fn refused(&mut self, at: usize, rejected: Rejected, length: usize, now: Mono) {
        let read = self.packet.get(..length).unwrap_or_default();
        let Some((_, packet)) = PacketHeader::split(read) else {
            return;
        };
        if let Some(fits) = rejected.fits
            && let Ok(ip) = IpPacket::parse(packet)
            && self.allowance.take(now)
            && let Some(message) = too_big(&ip, fits)
            && let Some(Some(entrance)) = self.doors.get(at)
        {
            let teller = &mut self.teller;
            entrance.push_alone(&message, &mut |refused| teller.unwritten(&refused));
        }
        self.teller.refused_out(rejected, packet);
    }

    /// Sends what was sealed.
    fn send(&mut self, now: Mono) {
        let teller = &mut self.teller;
        let mut unsent = |loss: Loss| teller.unsent(&loss);
        self.outbox.send(&self.carrier, now, &mut unsent);
    }
}

/// Whether the kernel speaks to the link as such (membership reports, solicitations): IPv6 to a multicast group of
/// link scope. Nobody is on this link, and no tunnel carries such packets, so they are no drops.
fn is_kernels_own(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 4 == 6) && packet.get(24..26) == Some(&[0xff, 0x02])
}

/// Packets of the host, whole ones, that are taken before sockets get their turn.
const PACKETS: usize = 64;
