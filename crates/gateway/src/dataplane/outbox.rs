//! Sealed packets on their way to the wire.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use adit_esp::{Outgoing, Sealed, Turn};
use adit_kernel::batch::{self, MOST_OCTETS, MOST_RUNS, MOST_SEGMENTS, Run};
use adit_model::dataplane::Path;
use adit_model::now::Mono;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::dataplane::carrier::Carrier;
use crate::dataplane::counters::Batch;

/// How packets leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// From where to where, and whether in UDP.
    pub path: Path,
    /// DSCP and ECN of the outer header.
    pub tos: u8,
    /// Whether routers must not cut it.
    pub df: bool,
}

impl Way {
    /// That of what was sealed so.
    pub fn of(sealed: &Sealed) -> Self {
        Self {
            path: sealed.path,
            tos: sealed.tos,
            df: sealed.df,
        }
    }
}

/// Packets that go the same way, were sealed one behind the other under one SA, and leave together.
pub struct Outbox {
    octets: Box<[u8]>,
    filled: usize,
    lengths: Vec<usize>,
    /// What was added since somebody asked.
    sealed: Batch,
    way: Option<Way>,
    /// Other threads may have claimed lower numbers of the same SA, and may have to send first.
    turn: Option<Turn>,
    /// Whether datagrams of one length leave as one, for the kernel or the network card to cut.
    bundles: Bundles,
}

/// Packets that couldn't be sent.
#[derive(Debug)]
pub struct Loss {
    /// How many.
    pub packets: u64,
    /// Where they should have gone.
    pub to: SocketAddr,
    /// Why not.
    pub error: io::Error,
}

/// Whether `UDP_SEGMENT` is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bundles {
    /// Never: it is switched off, or what the packets leave by can't do it.
    Never,
    /// From this moment on; it was refused shortly before, or never.
    From(Mono),
}

impl Outbox {
    /// An empty one.
    pub fn new(bundles: Bundles) -> Self {
        Self {
            octets: vec![0; ROOM + LONGEST].into(),
            filled: 0,
            lengths: Vec::with_capacity(MOST_PACKETS),
            sealed: Batch::default(),
            way: None,
            turn: None,
            bundles,
        }
    }

    /// For how many of so many packets of `flow`, each at most `longest` octets long, there is room behind the others; their
    /// numbers are to be claimed after that. 0 when the others have to be sent first: then there is room for one at least.
    pub fn admit(
        &mut self,
        flow: &Outgoing<'_>,
        way: &Way,
        longest: usize,
        packets: usize,
    ) -> usize {
        let room = self.octets.len().saturating_sub(self.filled) / longest.max(1);
        let room = room.min(MOST_PACKETS.saturating_sub(self.lengths.len()));
        let joins = self.filled < ROOM
            && room >= packets
            && self.way.as_ref().is_none_or(|mine| mine == way)
            && self.turn.as_ref().is_none_or(|turn| flow.is_in(turn));
        if !joins && !self.lengths.is_empty() {
            return 0;
        }
        if !self.turn.as_ref().is_some_and(|turn| flow.is_in(turn)) {
            // The old one first: its end would be the new one's too.
            self.turn = None;
            self.turn = Some(flow.turn());
        }
        room.clamp(1, packets.max(1))
    }

    /// What is added next, to nothing that waits, was claimed in this turn.
    pub fn begin(&mut self, turn: Turn) {
        self.turn = Some(turn);
    }

    /// Whether what `flow` has claimed last can't be sent together with what waits: [`Self::send_before`] has to be called.
    pub fn is_behind_a_gap(&self, flow: &Outgoing<'_>) -> bool {
        self.turn.as_ref().is_some_and(|turn| !flow.adjoins(turn))
    }

    /// As [`Self::send`], and what `flow` has claimed last can be added then.
    pub fn send_before(
        &mut self,
        flow: &Outgoing<'_>,
        carrier: &Carrier,
        now: Mono,
        lost: &mut impl FnMut(Loss),
    ) {
        let turn = self.turn.take();
        self.send_in(turn.as_ref(), carrier, now, lost);
        if let Some(turn) = &turn {
            flow.go_on(turn);
        }
        self.turn = turn;
    }

    /// Where the next packet is to be sealed: there is always room for the longest.
    pub fn room(&mut self) -> &mut [u8] {
        self.octets.get_mut(self.filled..).unwrap_or_default()
    }

    /// A packet of so many octets was sealed there.
    pub fn add(&mut self, way: &Way, octets: usize) {
        self.way = Some(*way);
        self.filled += octets;
        self.lengths.push(octets);
        self.sealed.add(octets);
    }

    /// Adds a packet that was sealed elsewhere.
    pub fn copy(&mut self, way: &Way, packet: &[u8]) {
        if let Some(room) = self.room().get_mut(..packet.len()) {
            room.copy_from_slice(packet);
            self.add(way, packet.len());
        }
    }

    /// What was added since the last call.
    pub fn take_sealed(&mut self) -> Batch {
        std::mem::take(&mut self.sealed)
    }

    /// Sends everything, `now`; what can't be sent is told to `lost`.
    pub fn send(&mut self, carrier: &Carrier, now: Mono, lost: &mut impl FnMut(Loss)) {
        let turn = self.turn.take();
        self.send_in(turn.as_ref(), carrier, now, lost);
    }

    fn send_in(
        &mut self,
        turn: Option<&Turn>,
        carrier: &Carrier,
        now: Mono,
        lost: &mut impl FnMut(Loss),
    ) {
        if let Some(way) = self.way.take() {
            turn.into_iter().for_each(wait_for);
            self.send_by(&way, carrier, now, lost);
        }
        self.filled = 0;
        self.lengths.clear();
    }

    fn send_by(&mut self, way: &Way, carrier: &Carrier, now: Mono, lost: &mut impl FnMut(Loss)) {
        let mut lengths = self.lengths.as_slice();
        let mut octets = self.octets.get(..self.filled).unwrap_or_default();
        while !lengths.is_empty() {
            let bundled = way.path.udp_encap && self.bundles.are_used(now);
            let mut runs = [EMPTY; MOST_RUNS];
            let (count, packets) = group(lengths, bundled, &mut runs);
            let (these, later) = lengths.split_at(packets);
            let here = octets.split_at(these.iter().sum());
            let runs = runs.get(..count).unwrap_or_default();
            let delivery = Delivery {
                way,
                carrier,
                runs,
                octets: here.0,
            };
            delivery.send(&mut self.bundles, now, lost);
            (lengths, octets) = (later, here.1);
        }
    }
}

impl Bundles {
    fn are_used(self, now: Mono) -> bool {
        matches!(self, Self::From(from) if from <= now)
    }

    /// It was refused: for good where the card can't, else for a while, because a path that takes only short packets
    /// may change.
    fn refuse(&mut self, now: Mono, error: &io::Error) {
        let again = now + PAUSE;
        *self = match error.raw_os_error() {
            Some(libc::EIO | libc::EOPNOTSUPP) => Self::Never,
            _ => Self::From(again),
        };
        tracing::info!(
            "sending several datagrams at once was refused ({error}); they go one by one"
        );
    }
}

/// Runs that leave with one call, if all goes well.
struct Delivery<'a> {
    way: &'a Way,
    carrier: &'a Carrier,
    runs: &'a [Run],
    octets: &'a [u8],
}

impl Delivery<'_> {
    /// Whether some of them were taken.
    fn send(&self, bundles: &mut Bundles, now: Mono, lost: &mut impl FnMut(Loss)) -> bool {
        let (mut runs, mut octets) = (self.runs, self.octets);
        let (mut waited, mut taken) = (false, false);
        while let Some(first) = runs.first() {
            let (head, tail) = octets.split_at(first.octets.min(octets.len()));
            let error = match self.carrier.send(self.way, octets, runs) {
                Ok(sent) => {
                    taken |= sent > 0;
                    let (gone, rest) = runs.split_at(sent.min(runs.len()));
                    let length: usize = gone.iter().map(|run| run.octets).sum();
                    (runs, octets) = (rest, octets.get(length..).unwrap_or_default());
                    continue;
                }
                Err(error) => error,
            };
            if error.kind() == io::ErrorKind::WouldBlock && !waited {
                waited = true;
                self.wait();
                continue;
            }
            if first.segment != 0 && batch::refuses_runs(&error) {
                // What isn't taken singly either (our address is gone, say) says nothing about bundles.
                if self.send_singly(head, first, bundles, now, lost) {
                    bundles.refuse(now, &error);
                }
            } else {
                lost(Loss {
                    packets: first.datagrams() as u64,
                    to: self.way.path.remote,
                    error,
                });
            }
            (runs, octets) = (runs.get(1..).unwrap_or_default(), tail);
        }
        taken
    }

    /// Whether some of them were taken.
    fn send_singly(
        &self,
        octets: &[u8],
        run: &Run,
        bundles: &mut Bundles,
        now: Mono,
        lost: &mut impl FnMut(Loss),
    ) -> bool {
        let mut singles = [EMPTY; MOST_SEGMENTS];
        let pieces = octets.chunks(usize::from(run.segment).max(1));
        let mut count = 0;
        for (single, piece) in singles.iter_mut().zip(pieces) {
            single.octets = piece.len();
            count += 1;
        }
        let alone = Delivery {
            runs: singles.get(..count).unwrap_or_default(),
            octets,
            ..*self
        };
        alone.send(bundles, now, lost)
    }

    /// The send buffer is full: the link is slower than we are. Waiting a little makes the host wait, which is how it
    /// learns of it.
    fn wait(&self) {
        let Some(socket) = self.carrier.way_out(self.way) else {
            return;
        };
        let mut one = [PollFd::from_borrowed_fd(socket, PollFlags::OUT)];
        let most = Timespec {
            tv_sec: 0,
            tv_nsec: PATIENCE.subsec_nanos().into(),
        };
        // What this would complain about, sending complains about too.
        let _ = poll(&mut one, Some(&most));
    }
}

/// Another thread seals what it claimed before, and sends it: microseconds, unless it has lost its processor or waits
/// for room in its send buffer.
fn wait_for(turn: &Turn) {
    let mut looks = 0_u32;
    while !turn.is_due() {
        looks = looks.saturating_add(1);
        if looks < LOOKS {
            std::hint::spin_loop();
        } else if looks < LOOKS + YIELDS {
            std::thread::yield_now();
        } else {
            std::thread::sleep(NAP);
        }
    }
}

/// Groups packets into runs, as many as there is room for; returns how many runs, and of how many packets.
fn group(lengths: &[usize], bundled: bool, runs: &mut [Run]) -> (usize, usize) {
    let (mut count, mut packets) = (0, 0);
    for run in runs {
        let rest = lengths.get(packets..).unwrap_or_default();
        let Some(first) = rest.first().copied() else {
            break;
        };
        let mut octets = first;
        let mut members = 1;
        let segment = u16::try_from(first).unwrap_or(0);
        if bundled && segment != 0 {
            for length in rest.iter().skip(1).copied() {
                let fits =
                    length <= first && octets + length <= MOST_OCTETS && members < MOST_SEGMENTS;
                if !fits {
                    break;
                }
                octets += length;
                members += 1;
                if length < first {
                    break;
                }
            }
        }
        *run = Run {
            octets,
            segment: if members > 1 { segment } else { 0 },
        };
        count += 1;
        packets += members;
    }
    (count, packets)
}

const EMPTY: Run = Run {
    octets: 0,
    segment: 0,
};
/// Once so many octets wait, they are sent: five bundles. A super-packet of the host is one and a bit, so that fewer of
/// them leave a bit that is sent alone.
const ROOM: usize = 5 * MOST_OCTETS;
/// Longest packet, with more than any algorithm adds.
const LONGEST: usize = 65_535 + 512;
/// Once so many packets wait, they are sent.
const MOST_PACKETS: usize = 512;
/// For how long bundles aren't tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a thread looks whether its turn has come before it leaves the processor to others.
const LOOKS: u32 = 256;
/// How often it does that before it sleeps between looks.
const YIELDS: u32 = 64;
/// For how long.
const NAP: Duration = Duration::from_micros(50);
/// How long a full send buffer is waited for.
const PATIENCE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_kernel::UdpPort;

    use super::*;

    fn grouped(lengths: &[usize], bundled: bool) -> Vec<(usize, u16)> {
        let mut runs = [EMPTY; 8];
        let (count, packets) = group(lengths, bundled, &mut runs);
        assert!(packets == lengths.len() || count == runs.len());
        runs.iter()
            .take(count)
            .map(|run| (run.octets, run.segment))
            .collect()
    }

    #[test]
    fn packets_of_one_length_go_together_and_a_shorter_one_ends_them() {
        assert_eq!(grouped(&[], true), []);
        assert_eq!(grouped(&[100], true), [(100, 0)]);
        assert_eq!(grouped(&[100, 100, 60, 100], true), [(260, 100), (100, 0)]);
        assert_eq!(grouped(&[60, 100, 100], true), [(60, 0), (200, 100)]);
        assert_eq!(grouped(&[100, 100], false), [(100, 0), (100, 0)]);
    }

    #[test]
    fn runs_are_as_long_as_every_kernel_takes() {
        let many = grouped(&[80; 130], true);
        assert_eq!(many, [(64 * 80, 80), (64 * 80, 80), (160, 80)]);
        let large = grouped(&[1480; 50], true);
        assert_eq!(large, [(44 * 1480, 1480), (6 * 1480, 1480)]);
    }

    /// Where a source address has vanished the kernel says the same as where it doesn't know `UDP_SEGMENT`.
    #[test]
    fn what_is_not_taken_singly_either_does_not_end_bundles() {
        let Ok(port) = UdpPort::bind("[::1]:0".parse().unwrap()) else {
            println!("skipped: what a vanished source address does to bundles (no IPv6 here)");
            return;
        };
        let carrier = Carrier::of_v6(port);
        let send = |local: &str| {
            let path = Path {
                local: local.parse().unwrap(),
                remote: "[::1]:9".parse().unwrap(),
                udp_encap: true,
            };
            let (tos, df) = (0, false);
            let way = Way { path, tos, df };
            let mut outbox = Outbox::new(Bundles::From(Mono(0)));
            outbox.copy(&way, &[1; 100]);
            outbox.copy(&way, &[2; 100]);
            let mut lost = Vec::new();
            outbox.send(&carrier, Mono(5), &mut |loss| lost.push(loss));
            (outbox.bundles, lost)
        };
        let (bundles, lost) = send("[::1]:4500");
        assert_eq!((bundles, lost.len()), (Bundles::From(Mono(0)), 0));
        let (bundles, lost) = send("[2001:db8::7]:4500");
        assert_eq!(lost.iter().map(|loss| loss.packets).sum::<u64>(), 2);
        assert_eq!(lost[0].error.raw_os_error(), Some(libc::EINVAL));
        assert_eq!(bundles, Bundles::From(Mono(0)));
    }
}
