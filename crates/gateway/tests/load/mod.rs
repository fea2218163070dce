//! Traffic that never stops: numbered datagrams from one host to another, each of which comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adit_kernel::NetNs;

use crate::stream::PORT;

/// When the next datagram is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// After so long, whatever becomes of them.
    Every(Duration),
    /// As soon as fewer than so many are under way: as fast as the way allows, and never faster, so that what is lost
    /// isn't lost for want of room.
    UnderWay(u64),
}

/// One flow; its numbers count from 0.
pub struct Load {
    stop: Arc<AtomicBool>,
    shared: Arc<Shared>,
    began: Instant,
    sender: JoinHandle<()>,
    receiver: JoinHandle<()>,
}

/// What came of a flow.
#[derive(Debug)]
pub struct Result {
    pub sent: u64,
    pub lost: Vec<u64>,
    pub per_second: f64,
}

struct Shared {
    sent: AtomicU64,
    /// The last one has been sent.
    over: AtomicBool,
    answered: AtomicU64,
    /// One more than the highest number that came back.
    beyond: AtomicU64,
    silence: Mutex<Silence>,
    back: Mutex<Vec<u64>>,
}

struct Silence {
    last: Instant,
    longest: Duration,
}

impl Load {
    /// From an address of `ns` to an [`Echo`](crate::stream::Echo).
    pub fn start(ns: &NetNs, from: &str, to: &str, pace: Pace) -> Self {
        let socket = ns.run(|| UdpSocket::bind((from, 0)).unwrap()).unwrap();
        socket.connect((to, PORT)).unwrap();
        socket.set_read_timeout(Some(TURN)).unwrap();
        let out = socket.try_clone().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            sent: AtomicU64::new(0),
            over: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            beyond: AtomicU64::new(0),
            silence: Mutex::new(Silence {
                last: Instant::now(),
                longest: Duration::ZERO,
            }),
            back: Mutex::default(),
        });
        let (ended, kept) = (Arc::clone(&stop), Arc::clone(&shared));
        let sender = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                match pace {
                    Pace::Every(time) => std::thread::sleep(time),
                    Pace::UnderWay(most) => {
                        let beyond = kept.beyond.load(Ordering::Acquire);
                        if kept.sent.load(Ordering::Relaxed) >= beyond + most {
                            std::thread::sleep(Duration::from_micros(20));
                            continue;
                        }
                    }
                }
                let number = kept.sent.load(Ordering::Relaxed);
                // A block may refuse it; then it counts as lost.
                let _ = out.send(&number.to_be_bytes());
                kept.sent.store(number + 1, Ordering::Release);
            }
            kept.over.store(true, Ordering::Release);
        });
        let (ended, kept) = (Arc::clone(&stop), Arc::clone(&shared));
        let receiver = std::thread::spawn(move || {
            let mut buffer = [0; 64];
            let mut end = None;
            // Answers may be under way when the last one has been sent.
            while end.is_none_or(|end: Instant| end.elapsed() < PATIENCE) {
                if ended.load(Ordering::Relaxed) && end.is_none() {
                    end = Some(Instant::now());
                }
                // An ICMP error is no answer, and no end.
                if let Ok(8) = socket.recv(&mut buffer) {
                    kept.came_back(u64::from_be_bytes(buffer[..8].try_into().unwrap()));
                }
                // Who still sends may have sent one more than it has counted.
                if kept.over.load(Ordering::Acquire)
                    && kept.answered.load(Ordering::Relaxed) == kept.sent.load(Ordering::Relaxed)
                {
                    return;
                }
            }
        });
        Self {
            stop,
            shared,
            began: Instant::now(),
            sender,
            receiver,
        }
    }

    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// The longest time without an answer since this was asked last.
    pub fn silence(&self) -> Duration {
        let mut silence = self.shared.silence.lock().unwrap();
        let longest = silence.longest.max(silence.last.elapsed());
        silence.longest = Duration::ZERO;
        longest
    }

    /// Ends it, when what is under way has come back.
    pub fn end(self) -> Result {
        self.stop.store(true, Ordering::Relaxed);
        let took = self.began.elapsed();
        self.sender.join().unwrap();
        self.receiver.join().unwrap();
        let sent = self.shared.sent.load(Ordering::Relaxed);
        let back = self.shared.back.lock().unwrap();
        let lost = (0..sent).filter(|n| !has(&back, *n)).collect();
        Result {
            sent,
            lost,
            per_second: sent as f64 / took.as_secs_f64(),
        }
    }
}

impl Shared {
    fn came_back(&self, number: u64) {
        let mut back = self.back.lock().unwrap();
        let word = (number / 64) as usize;
        if back.len() <= word {
            back.resize(word + 1, 0);
        }
        if has(&back, number) {
            return;
        }
        back[word] |= 1 << (number % 64);
        drop(back);
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.beyond.fetch_max(number + 1, Ordering::Release);
        let mut silence = self.silence.lock().unwrap();
        silence.longest = silence.longest.max(silence.last.elapsed());
        silence.last = Instant::now();
    }
}

/// Whether a number is in a set of bits.
fn has(set: &[u64], number: u64) -> bool {
    let word = set.get((number / 64) as usize);
    word.is_some_and(|word| word & (1 << (number % 64)) != 0)
}

const TURN: Duration = Duration::from_millis(50);
/// How long answers may be under way.
const PATIENCE: Duration = Duration::from_secs(2);
