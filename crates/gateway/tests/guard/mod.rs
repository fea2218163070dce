//! Watches what gateways put on the wire between them. A packet of a protected network that is there in clear is a leak,
//! whatever became of it.
//!
//! Looked at is what each gateway *sends*: what it receives is shown to a packet socket a second time after the kernel
//! has decrypted it, and would look like a leak of the other one.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use adit_kernel::{Capture, NetNs};
use adit_wire::ip::IpPacket;

use crate::world::World;

/// A packet in clear.
#[derive(Clone, Debug)]
pub struct Clear {
    pub at: SystemTime,
    pub text: String,
}

/// Both gateways' outsides, watched until this is dropped.
pub struct Guard {
    watches: Vec<Watch>,
}

struct Watch {
    stop: Arc<AtomicBool>,
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    clear: Mutex<Vec<Clear>>,
    protected: AtomicU64,
    missed: AtomicU64,
}

impl Guard {
    pub fn between(world: &World) -> Self {
        let watches = [&world.west, &world.east].map(watch);
        Self {
            watches: watches.into(),
        }
    }

    /// Packets that left in clear, so far.
    pub fn clear(&self) -> Vec<Clear> {
        // What was sent a moment ago has been looked at then.
        std::thread::sleep(2 * OFTEN);
        let all = self.watches.iter();
        all.flat_map(|watch| watch.seen.clear.lock().unwrap().clone())
            .collect()
    }

    pub fn forget(&self) {
        for watch in &self.watches {
            watch.seen.clear.lock().unwrap().clear();
        }
    }

    /// Frames that carried ESP.
    pub fn protected(&self) -> u64 {
        let all = self.watches.iter();
        all.map(|watch| watch.seen.protected.load(Ordering::Relaxed))
            .sum()
    }

    /// Frames that came too fast to be looked at. With any the guard proves nothing.
    pub fn missed(&self) -> u64 {
        let all = self.watches.iter();
        all.map(|watch| watch.seen.missed.load(Ordering::Relaxed))
            .sum()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for watch in &mut self.watches {
            watch.stop.store(true, Ordering::Relaxed);
            let _ = watch.thread.take().unwrap().join();
        }
    }
}

fn watch(gateway: &NetNs) -> Watch {
    let capture = gateway.run(|| Capture::open(Some("wan")).unwrap()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::new(Seen::default());
    let (ended, kept) = (Arc::clone(&stop), Arc::clone(&seen));
    let thread = std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 17];
        while !ended.load(Ordering::Relaxed) {
            look(&capture, &mut buffer, &kept);
            std::thread::sleep(OFTEN);
        }
    });
    Watch {
        stop,
        seen,
        thread: Some(thread),
    }
}

fn look(capture: &Capture, buffer: &mut [u8], seen: &Seen) {
    while let Ok(frame) = capture.receive(buffer) {
        let Some(packet) = frame.ip_packet(buffer).filter(|_| frame.outgoing) else {
            continue;
        };
        let text = match IpPacket::parse(packet) {
            Ok(ip) if inside(ip.source) || inside(ip.destination) => format!(
                "{} to {} protocol {}",
                ip.source, ip.destination, ip.protocol
            ),
            Ok(ip) => {
                // ESP, or UDP from the port that carries it.
                let from = ip
                    .payload()
                    .first_chunk()
                    .map(|port| u16::from_be_bytes(*port));
                if ip.protocol == 50 || (ip.protocol == 17 && from == Some(4500)) {
                    seen.protected.fetch_add(1, Ordering::Relaxed);
                }
                continue;
            }
            Err(error) => format!("{} octets that can't be read: {error}", packet.len()),
        };
        let at = frame.at;
        seen.clear.lock().unwrap().push(Clear { at, text });
    }
    if let Ok((_, missed)) = capture.statistics() {
        seen.missed.fetch_add(missed.into(), Ordering::Relaxed);
    }
}

/// Whether it is an address of the LANs.
fn inside(address: std::net::IpAddr) -> bool {
    let text = address.to_string();
    text.starts_with("10.") || text.starts_with("fd00:")
}

const OFTEN: Duration = Duration::from_millis(5);
