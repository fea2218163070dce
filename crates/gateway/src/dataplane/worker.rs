//! A thread that carries packets: its sockets, its queues of the TUN devices, its buffers. It shares nothing with others
//! but what is atomic, and waits for nobody.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use adit_esp::offload::Room;
use adit_esp::{Allowance, Door, Early, FlowCache, Lane, Sampler, Shared};
use adit_kernel::Tun;
use adit_kernel::batch::Inbox;
use adit_model::now::Mono;
use rustix::event::{Timespec, epoll};

use crate::clock::Clock;
use crate::dataplane::carrier::{Carrier, Socket};
use crate::dataplane::counters::Counters;
use crate::dataplane::entrance::Entrance;
use crate::dataplane::inward::{Run, Way};
use crate::dataplane::linger::{Came, Linger};
use crate::dataplane::orders::{Order, Orders};
use crate::dataplane::outbox::{Bundles, Outbox};
use crate::dataplane::teller::Teller;

/// What a thread works with.
pub struct Worker {
    pub(super) shared: Shared,
    pub(super) lane: Lane,
    /// The ways of the flows that it saw last.
    pub(super) flows: FlowCache,
    pub(super) clock: Clock,
    pub(super) carrier: Carrier,
    /// Our port of ESP in UDP.
    pub(super) nat_port: u16,
    pub(super) teller: Teller,
    pub(super) doors: Vec<Option<Entrance>>,
    /// What was read from a device.
    pub(super) packet: Box<[u8]>,
    /// The headers of the segment that is made of it.
    pub(super) room: Room,
    /// What becomes of a packet that has to be cut.
    pub(super) pieces: Vec<u8>,
    pub(super) outbox: Outbox,
    /// Messages to hosts that send what is too long.
    pub(super) allowance: Allowance,
    pub(super) inbox: Inbox,
    /// What was received and isn't opened yet.
    pub(super) run: Run,
    /// What came before its SA.
    pub(super) early: Early<Way>,
    /// The number of the view in which none of it had an SA.
    pub(super) early_in: u64,
    /// How many messages are received at once.
    pub(super) appetite: usize,
    pub(super) counters: Arc<Counters>,
    /// Which batches are timed, to the peer and from it.
    pub(super) timed: [Sampler; 2],
    bundles: bool,
    orders: Arc<Orders>,
    epoll: OwnedFd,
}

/// What a thread is made of.
pub struct Parts {
    /// Where policies and SAs are found.
    pub shared: Shared,
    /// Which counters are its own.
    pub lane: Lane,
    /// The gateway's.
    pub clock: Clock,
    /// Its sockets.
    pub carrier: Carrier,
    /// Our port of ESP in UDP.
    pub nat_port: u16,
    /// Its way to the loop.
    pub teller: Teller,
    /// What it has carried.
    pub counters: Arc<Counters>,
    /// The loop's way to it.
    pub orders: Arc<Orders>,
    /// Whether packets are carried in bundles.
    pub bundles: bool,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Orders,
    Socket(Socket),
    /// The door at this place.
    Door(usize),
}

impl Worker {
    /// A thread that isn't running yet.
    ///
    /// # Errors
    /// When the kernel has no more descriptors.
    pub fn new(parts: Parts) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let worker = Self {
            shared: parts.shared,
            lane: parts.lane,
            flows: FlowCache::default(),
            clock: parts.clock,
            carrier: parts.carrier,
            nat_port: parts.nat_port,
            teller: parts.teller,
            doors: Vec::new(),
            packet: vec![0; adit_kernel::tun::LONGEST].into(),
            room: Room::default(),
            pieces: Vec::new(),
            outbox: Outbox::new(if parts.bundles {
                Bundles::From(Mono(0))
            } else {
                Bundles::Never
            }),
            allowance: Allowance::new(parts.clock.mono()),
            inbox: Inbox::new(MESSAGES, MESSAGE),
            run: Run::default(),
            early: Early::default(),
            early_in: 0,
            appetite: MESSAGES,
            counters: parts.counters,
            timed: Default::default(),
            bundles: parts.bundles,
            orders: parts.orders,
            epoll,
        };
        worker.watch(Source::Orders, worker.orders.bell())?;
        for socket in Socket::ALL {
            if let Some(descriptor) = worker.carrier.socket(socket) {
                worker.watch(Source::Socket(socket), descriptor)?;
            }
        }
        Ok(worker)
    }

    /// Carries packets until it is told to end.
    ///
    /// # Errors
    /// The kernel can't tell any more when packets are there.
    pub fn run(mut self) -> io::Result<()> {
        self.counters.belong_to(adit_kernel::load::this_thread());
        let mut events = Vec::with_capacity(EVENTS);
        let mut linger = Linger::new(self.clock.mono());
        let (mut last, mut before) = (None, 0);
        loop {
            // One reading of the clock between the last packet and the waiting for the next.
            let now = self.clock.mono();
            self.teller.tell(now);
            let [sealed, opened] = self.counters.carried();
            let carried = sealed.octets + opened.octets;
            linger.carried(now, carried - before);
            before = carried;
            let until = linger.done(now, last.take());
            self.wait(&mut events, (now, until), &mut linger)?;
            for event in &events {
                let (data, flags) = (event.data, event.flags);
                let source = Source::of(data.u64());
                last = source.came().or(last);
                match source {
                    Source::Orders => {
                        if self.obey().is_break() {
                            return Ok(());
                        }
                    }
                    Source::Door(at) => self.seal_waiting(at),
                    Source::Socket(socket) => {
                        if flags.contains(epoll::EventFlags::ERR) {
                            self.pass_errors(socket);
                        }
                        self.open_waiting(socket);
                    }
                }
            }
            if !self.early.is_empty() {
                let view = self.shared.load();
                self.open_early(&view);
            }
        }
    }

    /// Waits for events: looks for them from now until the given moment, then sleeps.
    fn wait(
        &self,
        events: &mut Vec<epoll::Event>,
        (mut now, until): (Mono, Option<Mono>),
        linger: &mut Linger,
    ) -> io::Result<()> {
        let mut look = |patience: Option<&Timespec>| {
            events.clear();
            let space = rustix::buffer::spare_capacity(events);
            match epoll::wait(&self.epoll, space, patience) {
                Ok(count) => Ok(count > 0),
                Err(rustix::io::Errno::INTR) => Ok(false),
                Err(error) => Err(error),
            }
        };
        let mut there = false;
        if let Some(until) = until {
            while !there && now < until {
                std::thread::yield_now();
                there = look(Some(&NONE))?;
                now = self.clock.mono();
            }
            linger.looked(now);
        }
        if !there {
            let patience = if self.early.is_empty() {
                self.teller.patience()
            } else {
                Some(SOON)
            };
            there = look(patience.as_ref())?;
            now = self.clock.mono();
        }
        if there {
            linger.came(now);
        }
        Ok(())
    }

    /// Gives up a device.
    pub(super) fn close(&mut self, at: usize) {
        if let Some(entrance) = self.doors.get_mut(at).and_then(Option::take) {
            // The queue may be another thread's too, so its descriptor may stay open.
            let _ = epoll::delete(&self.epoll, entrance.tun.as_fd());
        }
    }

    fn obey(&mut self) -> std::ops::ControlFlow<()> {
        for order in self.orders.take() {
            match order {
                Order::Open(door, tun, reads) => {
                    self.close_door(door);
                    self.open(door, tun, reads);
                }
                Order::Close(door) => self.close_door(door),
                Order::Dummies(dummies) => self.send_dummies(&dummies),
                Order::End => return std::ops::ControlFlow::Break(()),
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    fn open(&mut self, door: Door, tun: Arc<Tun>, reads: bool) {
        let free = self.doors.iter().position(Option::is_none);
        let at = free.unwrap_or(self.doors.len());
        if reads && let Err(error) = self.watch(Source::Door(at), tun.as_fd()) {
            tracing::error!("watching the device {} failed: {error}", tun.name());
        }
        let entrance = Some(Entrance::new(door, tun, self.bundles));
        match self.doors.get_mut(at) {
            Some(place) => *place = entrance,
            None => self.doors.push(entrance),
        }
    }

    fn close_door(&mut self, door: Door) {
        let is_it = |entrance: &Option<Entrance>| entrance.as_ref().is_some_and(|e| e.door == door);
        if let Some(at) = self.doors.iter().position(is_it) {
            self.close(at);
        }
    }

    fn watch(&self, source: Source, descriptor: impl AsFd) -> io::Result<()> {
        let data = epoll::EventData::new_u64(source.number());
        Ok(epoll::add(
            &self.epoll,
            descriptor,
            data,
            epoll::EventFlags::IN,
        )?)
    }

    fn pass_errors(&mut self, socket: Socket) {
        for _ in 0..ERRORS {
            let Some(error) = self.carrier.receive_error(socket) else {
                return;
            };
            if self.carrier.passes_on(socket, &error) {
                self.teller.pass_error(socket.slot, error);
            }
        }
    }
}

impl Source {
    fn number(self) -> u64 {
        match self {
            Source::Orders => 0,
            Source::Socket(socket) => {
                let at = Socket::ALL.iter().position(|s| *s == socket);
                at.map_or(0, |at| 1 + at as u64)
            }
            Source::Door(at) => DOORS + at as u64,
        }
    }

    /// What kind of packet it brings.
    fn came(self) -> Option<Came> {
        match self {
            Source::Orders => None,
            Source::Socket(_) => Some(Came::In),
            Source::Door(_) => Some(Came::Out),
        }
    }

    fn of(number: u64) -> Self {
        let place = |from: u64| usize::try_from(number.saturating_sub(from)).unwrap_or(usize::MAX);
        match number {
            0 => Source::Orders,
            DOORS.. => Source::Door(place(DOORS)),
            _ => Socket::ALL
                .get(place(1))
                .map_or(Source::Orders, |socket| Source::Socket(*socket)),
        }
    }
}

/// The number of the first door.
const DOORS: u64 = 1 + Socket::ALL.len() as u64;
const EVENTS: usize = 16;
/// No patience.
const NONE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};
/// How soon a thread looks whether the SA is there that packets have come for.
const SOON: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1_000_000,
};
/// Messages received at once, when they are short.
pub(super) const MESSAGES: usize = 64;
/// Octets of one message, which may be many datagrams.
const MESSAGE: usize = 65_536;
/// Words of the network that are read in one go.
const ERRORS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_round_trip() {
        let sockets = Socket::ALL.map(Source::Socket);
        let others = [Source::Orders, Source::Door(0), Source::Door(7)];
        for source in others.into_iter().chain(sockets) {
            assert_eq!(Source::of(source.number()), source);
        }
    }
}
