//! Watches the wire between the NAT box and the far gateway: the proof that only ESP and IKE cross it.

use std::fs::File;
use std::io::{BufWriter, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use adit_kernel::capture::{Capture, Frame};
use adit_kernel::netns::NetNs;
use adit_kernel::pcapng::{Direction, PcapngWriter, link_type};
use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, poll};

use super::report::Wire;
use super::wire;

/// A running watch.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Seen>>,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Packets by kind.
    pub wire: Wire,
    /// Packets that passed unseen because the watcher was too slow: with any, the proof isn't complete.
    pub missed: u32,
}

const LARGEST: usize = 65_536 + 14;
const PATIENCE_MS: i64 = 20;

impl Watcher {
    /// Starts watching `link` in `ns`, writing to `pcap` if given.
    pub fn start(ns: &NetNs, link: &'static str, pcap: Option<&Path>) -> Result<Self> {
        let capture = ns
            .run(|| Capture::open(Some(link)))?
            .context("watching the wire")?;
        let writer = pcap.map(|path| open(path, link)).transpose()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || watch(&capture, writer, &stopped))
            .context("starting the watcher")?;
        Ok(Self { stop, thread })
    }

    /// Takes in what is still queued, and tells what was seen.
    pub fn finish(self) -> Result<Seen> {
        self.stop.store(true, Ordering::Release);
        self.thread
            .join()
            .map_err(|_| anyhow::anyhow!("the watcher failed"))?
    }
}

type Writer = (PcapngWriter<BufWriter<File>>, u32);

fn open(path: &Path, link: &str) -> Result<Writer> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut writer = PcapngWriter::new(BufWriter::new(file), "adit demo")
        .context("starting the capture file")?;
    let interface = writer
        .interface(link, link_type(libc::ARPHRD_ETHER))
        .context("starting the capture file")?;
    Ok((writer, interface))
}

fn watch(capture: &Capture, mut writer: Option<Writer>, stop: &AtomicBool) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut buffer = vec![0; LARGEST];
    loop {
        // Read before the queue is drained: what arrives after that point isn't part of the story.
        let last = stop.load(Ordering::Acquire);
        loop {
            match capture.receive(&mut buffer) {
                Ok(frame) => {
                    if let Some(packet) = frame.ip_packet(&buffer) {
                        wire::count(packet, &mut seen.wire);
                    }
                    if let Some(writer) = &mut writer {
                        write(writer, &frame, &buffer)?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => break,
                Err(error) => return Err(error).context("watching the wire"),
            }
        }
        if last {
            break;
        }
        let patience = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: PATIENCE_MS * 1_000_000,
        };
        // An interrupted wait is a short wait.
        let _ = poll(&mut [PollFd::new(capture, PollFlags::IN)], Some(&patience));
    }
    if let Some((writer, _)) = &mut writer {
        writer.flush().context("writing the capture file")?;
    }
    seen.missed = capture.statistics().context("asking what was missed")?.1;
    Ok(seen)
}

fn write((writer, interface): &mut Writer, frame: &Frame, buffer: &[u8]) -> Result<()> {
    let direction = if frame.outgoing {
        Direction::Outbound
    } else {
        Direction::Inbound
    };
    writer
        .packet(
            *interface,
            frame.at,
            frame.bytes(buffer),
            frame.wire_length,
            Some(direction),
            None,
        )
        .context("writing the capture file")
}
