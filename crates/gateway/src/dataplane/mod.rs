//! The user-space data path: the host's device, ESP, the wire, carried by threads of its own.
//!
//! There is one thread for each processor, or as many as `threads` says. Each has one queue of the TUN device and one
//! socket of each kind, and buffers that it was born with; packets pass through it without a lock, an allocation or another
//! thread. Policies and SAs it reads from the [`adit_esp::View`] that was published last.
//!
//! **Order.** The kernel keeps each flow of the host to one queue, so a flow is sealed by one thread and leaves in order.
//! Flows of one SA may leave by several threads, none of which gets further ahead of another than the narrowest replay
//! window allows ([`adit_esp::Turn`]). What arrives is spread by SPI, so an SA is opened by one thread; but what the kernel
//! put together (`UDP_GRO`) goes to one thread whole, by the SPI that comes first in it. Where a peer sends on several SAs from
//! one port, a thread may thus open packets of another's SA. The replay window takes any number of threads; a flow may
//! be reordered by that.
//!
//! **Bundles.** Where the kernel can, the host hands over segments that aren't cut yet ([`adit_esp::offload`]), sealed
//! packets of one length leave with one call (`UDP_SEGMENT`), received ones come with one call (`UDP_GRO`, `recvmmsg`),
//! and what came out of the tunnel is put together again. Everything is tried, and done one by one where it is refused.
//!
//! **The loop** ([`crate::run()`]) changes policies and SAs, and hears what threads have to tell: messages of the key exchange
//! that came beside ESP, what the network says, and a [`Report`] once in a while. The way there is bounded; a thread never
//! waits for the loop.

mod carrier;
mod counters;
mod entrance;
mod inward;
mod linger;
mod orders;
mod outbox;
mod outward;
mod report;
mod teller;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use adit_crypto::Provider;
use adit_esp::{DataPlane, Direction, Door, Histogram, Lane};
use adit_kernel::Tun;
use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_model::status::{DataPlaneStatus, Latency, LatencyRange, ThreadStatus};
use tokio::sync::mpsc;

pub use carrier::Carrier;
pub use report::{Dropped, Report, Word};

use crate::clock::Clock;
use counters::Counters;
use orders::{Order, Orders};
use teller::Teller;
use worker::{Parts, Worker};

/// The data plane and the threads that carry its packets. They end when it is dropped.
pub struct UserSpace {
    /// Policies and SAs.
    pub plane: DataPlane,
    words: mpsc::Receiver<Word>,
    doors: Vec<Door>,
    threads: Vec<Carrying>,
}

/// A thread that runs.
struct Carrying {
    lane: Lane,
    orders: Arc<Orders>,
    counters: Arc<Counters>,
    thread: JoinHandle<()>,
}

/// What threads are started with.
pub struct Start {
    /// The sockets of each.
    pub carriers: Vec<Carrier>,
    /// Our port of ESP in UDP.
    pub nat_port: u16,
    /// Whether packets are carried in bundles.
    pub bundles: bool,
    /// The gateway's clock.
    pub clock: Clock,
}

impl UserSpace {
    /// Starts the threads, in the calling thread's network namespace.
    ///
    /// # Errors
    /// When the kernel has no more descriptors or threads.
    pub fn start(provider: Provider, start: Start) -> io::Result<Self> {
        let lanes = u16::try_from(start.carriers.len()).unwrap_or(u16::MAX);
        let (sender, words) = mpsc::channel(WORDS);
        let mut this = Self {
            plane: DataPlane::with_lanes(provider, lanes),
            words,
            doors: Vec::new(),
            threads: Vec::new(),
        };
        for (number, carrier) in (0_u16..).zip(start.carriers) {
            let orders = Arc::new(Orders::new()?);
            let counters: Arc<Counters> = Arc::default();
            let lane = Lane::new(number);
            let worker = Worker::new(Parts {
                shared: this.plane.shared(),
                lane,
                clock: start.clock,
                carrier,
                nat_port: start.nat_port,
                teller: Teller::new(sender.clone(), Arc::clone(&counters)),
                counters: Arc::clone(&counters),
                orders: Arc::clone(&orders),
                bundles: start.bundles,
            })?;
            let thread = std::thread::Builder::new()
                .name(format!("adit-data-{number}"))
                .spawn(|| carry(worker))?;
            this.threads.push(Carrying {
                lane,
                orders,
                counters,
                thread,
            });
        }
        Ok(this)
    }

    /// Takes the device for the tunnels behind a door: one queue for each thread, or one alone.
    pub fn open(&mut self, door: Door, queues: Vec<Tun>) {
        self.doors.retain(|other| *other != door);
        self.doors.push(door);
        let queues: Vec<Arc<Tun>> = queues.into_iter().map(Arc::new).collect();
        for (number, carrying) in self.threads.iter().enumerate() {
            let own = queues.get(number);
            if let Some(queue) = own.or(queues.first()) {
                let order = Order::Open(door, Arc::clone(queue), own.is_some());
                carrying.orders.give(order);
            }
        }
    }

    /// Protects these connections from now on; devices that belong to none of them are closed.
    pub fn set_policy(&mut self, connections: &[Arc<Connection>]) {
        let (kept, closed) = self.doors.iter().partition(|door| {
            **door == Door::SHARED || connections.iter().any(|c| Door::of(c) == **door)
        });
        self.doors = kept;
        let closed: Vec<Door> = closed;
        for carrying in &self.threads {
            for door in &closed {
                carrying.orders.give(Order::Close(*door));
            }
        }
        self.plane.set_policy(connections);
    }

    /// Has the dummy packets sent that are due `now`.
    pub fn send_dummies(&mut self, now: Mono) {
        let dummies = self.plane.dummies(now);
        if let (Some(first), false) = (self.threads.first(), dummies.is_empty()) {
            first.orders.give(Order::Dummies(dummies));
        }
    }

    /// Waits until a thread has something to tell.
    pub async fn told(&mut self) -> Word {
        match self.words.recv().await {
            Some(word) => word,
            // All threads have ended, which they only do with the gateway.
            None => std::future::pending().await,
        }
    }

    /// What another thread, or the same, has told meanwhile.
    pub fn told_too(&mut self) -> Option<Word> {
        self.words.try_recv().ok()
    }

    /// All drops of the data path since it exists.
    #[must_use]
    pub fn drops(&self) -> BTreeMap<DropReason, u64> {
        let edges = self
            .threads
            .iter()
            .flat_map(|thread| thread.counters.drops());
        sum(self.plane.drops().iter().chain(edges))
    }

    /// How packets are carried.
    #[must_use]
    pub fn status(&self) -> DataPlaneStatus {
        let latency = |direction| Some(latency(&self.plane.latency(direction)));
        DataPlaneStatus {
            reason: String::new(),
            backend: "user".to_owned(),
            latency_out: latency(Direction::Out),
            latency_in: latency(Direction::In),
            threads: (0..)
                .zip(&self.threads)
                .map(|(n, t)| self.thread(n, t))
                .collect(),
        }
    }

    /// The numbers that the host knows the threads by, those that have begun.
    #[must_use]
    pub fn thread_numbers(&self) -> Vec<i32> {
        let all = self.threads.iter();
        all.filter_map(|thread| thread.counters.thread()).collect()
    }

    fn thread(&self, thread: u16, carrying: &Carrying) -> ThreadStatus {
        let [sealed, opened] = carrying.counters.carried();
        let inside = self.plane.drops_of(carrying.lane);
        ThreadStatus {
            thread,
            packets_out: sealed.packets,
            bytes_out: sealed.octets,
            packets_in: opened.packets,
            bytes_in: opened.octets,
            drops: sum(inside.iter().chain(carrying.counters.drops())),
        }
    }
}

impl Drop for UserSpace {
    fn drop(&mut self) {
        for carrying in &self.threads {
            carrying.orders.give(Order::End);
        }
        for carrying in self.threads.drain(..) {
            // It has said why it ended, if that was by itself.
            let _ = carrying.thread.join();
        }
    }
}

fn sum(counts: impl Iterator<Item = (DropReason, u64)>) -> BTreeMap<DropReason, u64> {
    let mut all = BTreeMap::new();
    for (reason, count) in counts {
        *all.entry(reason).or_default() += count;
    }
    all
}

fn latency(sampled: &Histogram) -> Latency {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let share = |share| sampled.quantile(share).map_or(0, nanos);
    let range = |(end, samples)| LatencyRange {
        up_to_ns: nanos(end),
        samples,
    };
    Latency {
        samples: sampled.samples(),
        p50_ns: share(0.5),
        p90_ns: share(0.9),
        p99_ns: share(0.99),
        longest_ns: share(1.0),
        histogram: sampled.ranges().map(range).collect(),
    }
}

fn carry(worker: Worker) {
    let why = match std::panic::catch_unwind(AssertUnwindSafe(|| worker.run())) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => format!("waiting for packets failed: {error}"),
        Err(_) => "a bug".to_owned(),
    };
    // Its queues would be nobody's. A gateway that looks alive and carries nothing helps nobody: whoever supervises it
    // starts it anew. The block stays.
    tracing::error!("a thread that carries packets has ended ({why}); the gateway ends with it");
    std::process::abort();
}

/// Words that may wait for the loop.
const WORDS: usize = 1024;
