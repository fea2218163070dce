//! Packets that are counted: a host that sends numbered datagrams all the time, and one that sends each back.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adit_kernel::NetNs;

pub const PORT: u16 = 7000;
const TCP_PORT: u16 = 7001;
/// Between two datagrams.
const PACE: Duration = Duration::from_millis(4);
/// How long an answer may be under way.
const PATIENCE: Duration = Duration::from_millis(800);

/// Sends back what comes to an address, until it is dropped.
pub struct Echo {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    pub fn at(ns: &NetNs, address: &str) -> Self {
        let socket = socket(ns, address, PORT);
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while !ended.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    // What can't be sent is missed at the other end.
                    let _ = socket.send_to(&buffer[..length], from);
                }
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Numbered datagrams from one address to another and back.
pub struct Stream {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    sender: JoinHandle<()>,
    receiver: JoinHandle<BTreeSet<u64>>,
}

impl Stream {
    pub fn start(ns: &NetNs, from: &str, to: &str) -> Self {
        let socket = socket(ns, from, 0);
        socket.connect((to, PORT)).unwrap();
        let out = socket.try_clone().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let (ended, number) = (Arc::clone(&stop), Arc::clone(&sent));
        let sender = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let n = number.load(Ordering::Relaxed);
                // What can't be sent counts as lost.
                let _ = out.send(&n.to_be_bytes());
                number.store(n + 1, Ordering::Relaxed);
                std::thread::sleep(PACE);
            }
        });
        let ended = Arc::clone(&stop);
        let receiver = std::thread::spawn(move || {
            let mut back = BTreeSet::new();
            let mut last = Instant::now();
            let mut buffer = [0; 64];
            while !ended.load(Ordering::Relaxed) || last.elapsed() < PATIENCE {
                if let Ok(8) = socket.recv(&mut buffer) {
                    back.insert(u64::from_be_bytes(buffer[..8].try_into().unwrap()));
                    last = Instant::now();
                } else if !ended.load(Ordering::Relaxed) {
                    last = Instant::now();
                }
            }
            back
        });
        Self {
            stop,
            sent,
            sender,
            receiver,
        }
    }

    /// Lets some more go through.
    pub fn go_on(&self) {
        let now = self.sent.load(Ordering::Relaxed);
        while self.sent.load(Ordering::Relaxed) < now + 25 {
            std::thread::sleep(PACE);
        }
    }

    /// How many were sent, and which of them didn't come back.
    pub fn end(self) -> (u64, Vec<u64>) {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.join().unwrap();
        let sent = self.sent.load(Ordering::Relaxed);
        let back = self.receiver.join().unwrap();
        let lost = (0..sent).filter(|n| !back.contains(n)).collect();
        (sent, lost)
    }
}

/// Whether one datagram comes back from an [`Echo`].
pub fn passes(ns: &NetNs, from: &str, to: &str) -> bool {
    let socket = socket(ns, from, 0);
    socket.connect((to, PORT)).unwrap();
    socket.set_read_timeout(Some(PATIENCE / 2)).unwrap();
    // A packet filter that refuses the request is a no too.
    socket.send(b"there?").is_ok() && socket.recv(&mut [0; 64]).is_ok()
}

/// Sends octets over one TCP connection, as fast as it goes; whether all arrive, without silence that lasts for so long.
pub fn tcp_passes(from: &NetNs, at: &NetNs, to: &str, patience: Duration) -> bool {
    const OCTETS: usize = 400_000;
    let to: IpAddr = to.parse().unwrap();
    let listen = || TcpListener::bind((to, TCP_PORT)).unwrap();
    let listener = at.run(listen).unwrap();
    let received = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        all
    });
    let sent: Vec<u8> = (0..OCTETS).map(|n| (n / 7) as u8).collect();
    let connect = || TcpStream::connect((to, TCP_PORT)).unwrap();
    let mut stream = from.run(connect).unwrap();
    stream.set_write_timeout(Some(patience)).unwrap();
    let written = stream.write_all(&sent);
    drop(stream);
    written.is_ok() && received.join().unwrap() == sent
}

fn socket(ns: &NetNs, address: &str, port: u16) -> UdpSocket {
    let bound = ns.run(|| UdpSocket::bind((address, port)).unwrap());
    let socket = bound.unwrap();
    let often = Duration::from_millis(50);
    socket.set_read_timeout(Some(often)).unwrap();
    socket
}
