//! What a thread has to tell the loop: at once what can't wait, the rest put together and at a pace.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_esp::Rejected;
use adit_kernel::PathError;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use rustix::event::Timespec;
use tokio::sync::mpsc;

use crate::dataplane::counters::Counters;
use crate::dataplane::entrance::Refused;
use crate::dataplane::outbox::Loss;
use crate::dataplane::report::{Report, Word, describe};
use crate::sockets::Slot;

/// The way from a thread to the loop. The loop may be busy: nothing here waits for it.
pub struct Teller {
    words: mpsc::Sender<Word>,
    counters: Arc<Counters>,
    report: Report,
    reported: Mono,
    told: [(u32, Mono); TOLD],
}

impl Teller {
    /// A thread's, which counts into `counters`.
    pub fn new(words: mpsc::Sender<Word>, counters: Arc<Counters>) -> Self {
        Self {
            words,
            counters,
            report: Report::default(),
            reported: Mono(0),
            told: [(0, Mono(0)); TOLD],
        }
    }

    /// A packet was received under `spi`. The loop is told once in a while.
    pub fn seen(&mut self, spi: u32, now: Mono) {
        let Some(told) = self.told.get_mut(spi as usize % TOLD) else {
            return;
        };
        if told.0 != spi || now.since(told.1) >= SEEN_PACE {
            *told = (spi, now);
            self.report.seen.insert(spi);
        }
    }

    /// A packet for the wire that stands for so many was refused, and counted where it was.
    pub fn refused_out(&mut self, rejected: Rejected, packets: usize, packet: &[u8]) {
        if let (DropReason::OutNoSa, Some(child)) = (rejected.reason, &rejected.child) {
            self.report.want(child, packet);
        }
        self.report.drop(
            rejected.reason,
            rejected.child,
            None,
            packets as u64,
            || describe(packet),
        );
    }

    /// A packet from the wire was refused, and counted where it was: from where, to where, its SPI.
    pub fn refused_in(&mut self, rejected: Rejected, from: SocketAddr, to: SocketAddr, spi: u32) {
        if rejected.reason == DropReason::EspUnknownSpi {
            self.report.stray(from, to, spi);
        }
        self.report
            .drop(rejected.reason, rejected.child, Some(from), 1, || {
                format!("SPI {spi:08x} from {from}")
            });
    }

    /// A packet that no data plane knows of goes no further.
    pub fn lost(
        &mut self,
        reason: DropReason,
        from: Option<SocketAddr>,
        detail: impl FnOnce() -> String,
    ) {
        self.counters.dropped(reason, 1);
        self.report.drop(reason, None, from, 1, detail);
    }

    /// Sealed packets couldn't be sent.
    pub fn unsent(&mut self, loss: &Loss) {
        let (reason, to) = (DropReason::OutSend, loss.to);
        self.counters.dropped(reason, loss.packets);
        self.report.drop(reason, None, Some(to), loss.packets, || {
            format!("sending to {to}: {}", loss.error)
        });
    }

    /// The device refused opened packets.
    pub fn unwritten(&mut self, refused: &Refused) {
        let (reason, packets) = (DropReason::TunWrite, refused.packets);
        self.counters.dropped(reason, packets);
        self.report.drop(reason, None, None, packets, || {
            format!("writing to the device: {}", refused.error)
        });
    }

    /// Passes a message of the key exchange on, at once.
    pub fn pass(&mut self, local: SocketAddr, remote: SocketAddr, message: &[u8]) {
        let word = Word::Ike {
            local,
            remote,
            message: message.to_vec(),
        };
        if self.words.try_send(word).is_err() {
            let detail = || format!("a message from {remote}");
            self.lost(DropReason::IkeOverrun, Some(remote), detail);
        }
    }

    /// Passes on what the network says about a packet that left by `slot`. What the loop has no time for it will hear
    /// again: ICMP answers packet by packet.
    pub fn pass_error(&mut self, slot: Slot, error: PathError) {
        let _ = self.words.try_send(Word::Path(slot, error));
    }

    /// Hands over what there is to tell, if it is time.
    pub fn tell(&mut self, now: Mono) {
        if self.report.is_empty() || now.since(self.reported) < PACE {
            return;
        }
        self.reported = now;
        let report = Box::new(std::mem::take(&mut self.report));
        if let Err(mpsc::error::TrySendError::Full(Word::Report(report))) =
            self.words.try_send(Word::Report(report))
        {
            // It grows by reasons and children until there is room, not by packets.
            self.report = *report;
        }
    }

    /// How long packets may be waited for: for ever, unless there is something to tell.
    pub fn patience(&self) -> Option<Timespec> {
        (!self.report.is_empty()).then(|| Timespec {
            tv_sec: 0,
            tv_nsec: PACE.subsec_nanos().into(),
        })
    }
}

/// How often the loop is told of drops and the like.
const PACE: Duration = Duration::from_millis(10);
/// How often the loop is told that packets arrive under an SPI.
const SEEN_PACE: Duration = Duration::from_millis(200);
/// SPIs whose telling is remembered.
const TOLD: usize = 64;
