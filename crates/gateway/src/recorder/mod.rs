//! The flight recorder: what this gateway does, written to a bounded ring of files while it does it.
//!
//! The loop hands records to a thread of its own over a bounded queue and never waits: what doesn't fit is counted, and the
//! count is the next record. The thread writes what has come with one call, so whoever kills the gateway takes with
//! it what was still in the queue and nothing else. Files are as `adit_evidence::recording` describes them.
//!
//! Anybody may send packets as fast as they like. What belongs to no tunnel, and rejected packets, therefore share a small
//! number of records a second and of octets; the rest is counted in one.

mod feeding;
mod ring;
mod strangers;
mod table;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adit_config::FlightRecorder;
use adit_evidence::recording::{Record, Recording};
use adit_ike::{PlainMessage, ToldKeys};
use adit_model::Now;
use adit_model::event::{Event, Happening, MessageInfo, Role};
use adit_wire::iana::ExchangeType;

pub(crate) use self::feeding::{Sampled, open};
pub(crate) use self::ring::Files;
use self::ring::Ring;
use self::strangers::{Budget, Known};

/// The loop's end of the recorder.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    writer: Option<Writer>,
    /// Whether keys are recorded, and datagrams as they are on the wire.
    wire: bool,
    /// Records that the queue had no room for since the last one that it had.
    lost: u64,
    budget: Budget,
    known: Known,
}

#[derive(Debug)]
struct Writer {
    queue: SyncSender<Record>,
    thread: JoinHandle<()>,
}

/// Where the recording of a gateway is.
pub(crate) fn directory(settings: &FlightRecorder, state_dir: &Path) -> PathBuf {
    settings
        .dir
        .clone()
        .unwrap_or_else(|| state_dir.join(DEFAULT_DIR))
}

impl Recorder {
    /// Begins to record into `dir`.
    ///
    /// # Errors
    /// When the folder can't be made, isn't ours alone, or belongs to another gateway that runs.
    pub(crate) fn start(dir: &Path, settings: &FlightRecorder) -> io::Result<Self> {
        let ring = Ring::open(dir, settings)?;
        let (queue, records) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("adit-flight".to_owned())
            .spawn(move || write(&records, ring))?;
        Ok(Self {
            writer: Some(Writer { queue, thread }),
            wire: settings.keys,
            ..Self::default()
        })
    }

    /// Whether anything is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.writer.is_some()
    }

    /// Records an event with its number.
    pub(crate) fn event(&mut self, number: u64, event: &Event) {
        if self.is_on() && (is_ours(event) || self.may_take(event.at, LINE)) {
            self.record(Record::Event {
                number,
                event: Box::new(event.clone()),
            });
        }
    }

    /// Records a message.
    pub(crate) fn message(&mut self, message: PlainMessage) {
        if !self.is_on() {
            return;
        }
        let ours = message.connection.is_some() && !asks_for_proof(&message);
        if message.connection.is_some() && self.wire {
            self.known.learn(&message.plain);
        }
        if ours || self.may_take(message.at, 2 * message.plain.len()) {
            self.record(Record::Message {
                at: message.at,
                connection: message.connection,
                sent: message.sent,
                local: message.local,
                remote: message.remote,
                octets: message.octets,
                plain: message.plain,
            });
        }
    }

    /// Records a datagram of IKE as it is on the wire, where that is asked for.
    pub(crate) fn datagram(
        &mut self,
        at: Now,
        sent: bool,
        (local, remote): (SocketAddr, SocketAddr),
        octets: &[u8],
    ) {
        if self.wire && (self.known.has(octets) || self.may_take(at, 2 * octets.len())) {
            self.record(Record::Datagram {
                at,
                sent,
                local,
                remote,
                octets: octets.to_vec(),
            });
        }
    }

    /// Records keys of an IKE SA, where that is asked for.
    pub(crate) fn keys(&mut self, keys: &ToldKeys) {
        let known = |spi: u64| self.known.has(&spi.to_be_bytes());
        if self.wire && (known(keys.spis.0) || self.may_take(keys.at, LINE)) {
            self.record(Record::Keys {
                at: keys.at,
                line: table::line(keys),
            });
        }
    }

    /// Hands a record over, or counts it as lost. Never waits.
    pub(crate) fn record(&mut self, record: Record) {
        let Some(writer) = &self.writer else {
            return;
        };
        if self.lost > 0 {
            let lost = Record::Lost {
                at: record.at(),
                records: self.lost,
                why: "they came faster than they could be written".to_owned(),
            };
            if writer.queue.try_send(lost).is_err() {
                self.lost += 1;
                return;
            }
            self.lost = 0;
        }
        match writer.queue.try_send(record) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.lost += 1,
            // The thread has ended, which only a panic brings about.
            Err(TrySendError::Disconnected(_)) => self.writer = None,
        }
    }

    /// The gateway ends: writes what is left, for a moment at most.
    pub(crate) fn end(&mut self, now: Now) {
        self.record(Record::Ended { at: now });
        let Some(Writer { queue, thread }) = self.writer.take() else {
            return;
        };
        drop(queue);
        let deadline = Instant::now() + FAREWELL;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn may_take(&mut self, at: Now, octets: usize) -> bool {
        let left_out = self.budget.tick(at);
        if left_out > 0 {
            self.record(Record::Lost {
                at,
                records: left_out,
                why: "about strangers and rejected packets, more than are kept".to_owned(),
            });
        }
        self.budget.may_take(at, octets)
    }
}

/// Whether an event comes about by what a tunnel of ours does, and not by whoever sends packets.
fn is_ours(event: &Event) -> bool {
    event.connection.is_some()
        && !matches!(event.what, Happening::Dropped { .. })
        && !is_unproven(event)
}

/// Whether anybody can make it happen to a tunnel that takes peers from anywhere: who begins an exchange is asked for its
/// proof after it has said which tunnel's peer it wants to be.
pub(crate) fn is_unproven(event: &Event) -> bool {
    let proves = |info: &MessageInfo| info.exchange == "IKE_AUTH";
    event.role == Some(Role::Responder)
        && match &event.what {
            Happening::Refused { .. } => true,
            Happening::IkeClosed { cause, .. } => cause == "failed",
            Happening::Sent(info) | Happening::Received(info) => proves(info),
            _ => false,
        }
}

/// The same of a message: one of IKE_AUTH that the other side began.
fn asks_for_proof(message: &PlainMessage) -> bool {
    let (kind, flags) = (message.plain.get(18), message.plain.get(19));
    let response = flags.is_some_and(|flags| flags & 0x20 != 0);
    kind == Some(&ExchangeType::IKE_AUTH.0) && response == message.sent
}

/// Writes records until nobody hands over any more.
fn write(records: &Receiver<Record>, mut ring: Ring) {
    let mut synced = Instant::now();
    loop {
        match records.recv_timeout(SYNC) {
            Ok(first) => {
                ring.take(&first);
                for record in records.try_iter().take(AT_ONCE) {
                    ring.take(&record);
                }
                ring.flush();
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                ring.sync();
                return;
            }
        }
        if synced.elapsed() >= SYNC {
            ring.sync();
            synced = Instant::now();
        }
    }
}

/// Reads what is in a folder: how the newest segment begins and its last `most` octets, and those before it as far as there is
/// room besides.
pub(crate) fn read_past(files: &Files, most: u64) -> Recording {
    let mut recording = Recording::default();
    for (name, octets) in files.newest(most) {
        recording.add(&name, &octets);
    }
    recording
}

/// Folder in the state directory.
const DEFAULT_DIR: &str = "flight";
/// Records that may wait to be written.
const QUEUE: usize = 4096;
/// Records that are written with one call.
const AT_ONCE: usize = 512;
/// How often the disk is made to keep what it has, and what is too old is deleted.
const SYNC: Duration = Duration::from_secs(2);
/// How long the end of the gateway waits for its recording.
const FAREWELL: Duration = Duration::from_secs(2);
/// Octets of a record of one line, about.
const LINE: usize = 200;
/// How much of earlier runs is read at the start.
const MOST_PAST: u64 = 8 << 20;

#[cfg(test)]
mod tests;
