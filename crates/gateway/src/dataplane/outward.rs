//! From the host to the wire.

use std::io;

use adit_esp::offload::{PacketHeader, Segments};
use adit_esp::{Direction, Door, Dummy, Rejected, View, too_big};
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
        let mut any = false;
        for _ in 0..PACKETS {
            let Some(Some(entrance)) = self.doors.get(at) else {
                break;
            };
            match entrance.tun.read(&mut self.packet) {
                Ok(length) => {
                    any = true;
                    self.seal_one(&view, entrance.door, at, length, now);
                }
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
        self.counters.sealed(self.outbox.take_sealed());
        let [timed, _] = &mut self.timed;
        if any && timed.due() {
            let took = self.clock.mono().since(now);
            view.took(self.lane, Direction::Out, took);
        }
    }

    /// Seals the packet that was read, all of its segments.
    fn seal_one(&mut self, view: &View, door: Door, at: usize, length: usize, now: Mono) {
        let teller = &mut self.teller;
        let read = self.packet.get(..length).unwrap_or_default();
        let Some((header, packet)) = PacketHeader::split(read) else {
            return teller.lost(DropReason::OutMalformed, None, || describe(read));
        };
        if is_for_the_link(door, packet) {
            return teller.lost(DropReason::OutLinkScope, None, || describe(packet));
        }
        let Ok(segments) = Segments::of(&header, packet) else {
            return teller.lost(DropReason::OutMalformed, None, || describe(packet));
        };
        let count = segments.count();
        let lane = self.lane.standing_for(number(count));
        let way = view
            .outbound(lane, packet)
            .and_then(|ip| view.outgoing_by(&mut self.flows, door, lane, &ip))
            .and_then(|way| way.at(now));
        let mut out = match way {
            Ok(way) => way,
            Err(rejected) => return teller.refused_out(rejected, count, packet),
        };
        let mut way = Way::of(&out.sealed());
        let longest = out.sealed_len(segments.longest());
        // Segments that there are room and numbers for.
        let mut admitted = 0_usize;
        for index in 0..count {
            let [head, rest] = segments.parts(index, &mut self.room);
            let to_be_cut = out.is_to_be_cut(head.len() + rest.len());
            if to_be_cut || admitted == 0 {
                let (longest, packets) = match to_be_cut {
                    true => (MOST_GROWN * (head.len() + rest.len()), 1),
                    false => (longest, count - index),
                };
                admitted = self.outbox.admit(&out, &way, longest, packets);
                if admitted == 0 {
                    let mut unsent = |loss: Loss| teller.unsent(&loss);
                    self.outbox.send(&self.carrier, now, &mut unsent);
                    admitted = self.outbox.admit(&out, &way, longest, packets);
                }
            }
            if to_be_cut {
                // The kernel's pieces get identifications and so on of their own; this is rare, and slow.
                let whole = [head, rest].concat();
                self.pieces.clear();
                match out.seal_cut(&whole, &mut self.pieces) {
                    Ok(sealed) => {
                        if self.outbox.is_behind_a_gap(&out) {
                            let mut unsent = |loss: Loss| teller.unsent(&loss);
                            let (outbox, carrier) = (&mut self.outbox, &self.carrier);
                            outbox.send_before(&out, carrier, now, &mut unsent);
                        }
                        way = Way::of(&sealed);
                        for piece in self.pieces.chunks(sealed.each.max(1)) {
                            self.outbox.copy(&way, piece);
                        }
                    }
                    Err(rejected) => teller.refused_out(rejected, 1, &whole),
                }
                admitted = 0;
                continue;
            }
            if out.claimed() < admitted {
                out.claim(number(admitted));
                if self.outbox.is_behind_a_gap(&out) {
                    let mut unsent = |loss: Loss| teller.unsent(&loss);
                    let (outbox, carrier) = (&mut self.outbox, &self.carrier);
                    outbox.send_before(&out, carrier, now, &mut unsent);
                }
            }
            admitted -= 1;
            match out.seal_parts(head, rest, self.outbox.room()) {
                Ok(length) => self.outbox.add(&way, length),
                Err(rejected) => {
                    drop(out);
                    return self.refused(at, rejected, count - index, length, now);
                }
            }
        }
    }

    /// A packet isn't sealed, nor are further segments of it. Who sent one that is too long is told how much fits.
    fn refused(&mut self, at: usize, rejected: Rejected, packets: usize, length: usize, now: Mono) {
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
        self.teller.refused_out(rejected, packets, packet);
    }

    /// Seals and sends dummy packets. They are no traffic, and those that can't be sent are no loss.
    pub(super) fn send_dummies(&mut self, dummies: &[Dummy]) {
        let view = self.shared.load();
        let now = self.clock.mono();
        for dummy in dummies {
            self.pieces.clear();
            let sealed = view.seal_dummy(self.lane, now, *dummy, &mut self.pieces);
            let Some((turn, sealed)) = sealed else {
                continue;
            };
            self.outbox.begin(turn);
            self.outbox.copy(&Way::of(&sealed), &self.pieces);
            self.outbox.send(&self.carrier, now, &mut |_| {});
        }
        self.outbox.take_sealed();
    }

    /// Sends what was sealed.
    fn send(&mut self, now: Mono) {
        let teller = &mut self.teller;
        let mut unsent = |loss: Loss| teller.unsent(&loss);
        self.outbox.send(&self.carrier, now, &mut unsent);
    }
}

/// Whether the host speaks to the link as such. Over IPv6 that is what goes to a group of link scope (membership reports,
/// solicitations). Over IPv4 it is the local block of groups (RFC 5771 4) where all tunnels share a device; on a device of
/// its own, a routing daemon may speak to its neighbour through the tunnel.
fn is_for_the_link(door: Door, packet: &[u8]) -> bool {
    match packet.first().map(|first| first >> 4) {
        Some(6) => {
            let group = packet.get(24..26);
            matches!(group, Some([0xff, flags]) if flags & 0x0f <= 2)
        }
        Some(4) => door == Door::SHARED && packet.get(16..19) == Some(&[224, 0, 0]),
        _ => false,
    }
}

fn number(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// A packet that has to be cut doesn't become longer than so many times its length: no path is so narrow that headers
/// outweigh what is behind them.
const MOST_GROWN: usize = 2;
/// Packets of the host, whole ones, that are taken before sockets get their turn.
const PACKETS: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_wire::ip::{emit_packet, protocol};

    use super::*;

    fn is_for_the_link_to(door: Door, to: &str) -> bool {
        let from = if to.contains(':') {
            "fd00::1"
        } else {
            "10.0.0.1"
        };
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        let mut packet = Vec::new();
        emit_packet(from, to, protocol::UDP, &[0; 8], &mut packet).unwrap();
        is_for_the_link(door, &packet)
    }

    #[test]
    fn the_link_is_spoken_to_by_groups_of_its_scope() {
        for to in [
            "ff02::16",
            "ff01::1",
            "ff12::fb",
            "224.0.0.22",
            "224.0.0.251",
        ] {
            assert!(is_for_the_link_to(Door::SHARED, to), "{to}");
        }
        for to in [
            "ff05::2",
            "ff0e::1",
            "fe80::1",
            "fd00::2",
            "224.0.1.1",
            "10.2.0.9",
        ] {
            assert!(!is_for_the_link_to(Door::SHARED, to), "{to}");
        }
        assert!(!is_for_the_link(Door::SHARED, &[0x60]));
    }

    /// OSPF through a tunnel with an interface of its own.
    #[test]
    fn a_tunnel_of_its_own_is_a_link_to_the_peer() {
        let mut connection = crate::sample::connection("office");
        connection.interface = Some(adit_model::connection::TunnelInterface {
            name: "office0".to_owned(),
            addresses: Vec::new(),
            mtu: None,
            routes: Vec::new(),
        });
        let door = Door::of(&connection);
        assert!(!is_for_the_link_to(door, "224.0.0.5"));
        assert!(is_for_the_link_to(door, "ff02::16"));
    }
}
