//! What happened, kept within bounds: the newest events of every tunnel, totals of all, and a feed for who follows.
//!
//! Each tunnel has two lanes, so that neither a flood of rejected packets nor weeks of liveness checks can wash out
//! the exchange that explains a failure. Events that belong to no tunnel (yet) share a lane of their own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use adit_model::Mono;
use adit_model::event::{Event, Happening};
use adit_model::monitored::Judged;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tracing::Level;

use crate::journal::Journal;
use crate::recorder::{Recorder, is_unproven};

/// An event with its place in the order of all events of this gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts from 1 over all tunnels.
    pub number: u64,
    /// What happened.
    pub event: Event,
}

/// The bounded memory of events.
#[derive(Debug)]
pub struct EventLog {
    lanes: BTreeMap<Option<String>, Lane>,
    last: u64,
    feed: broadcast::Sender<Arc<Record>>,
    strangers: Pace,
    /// Where lines go instead of the log, with fields.
    pub(crate) journal: Option<Journal>,
    /// Where all of it is written, too.
    pub(crate) recorder: Recorder,
}

/// How many lines about strangers were written in the second that began at `since`, and how many were left out.
#[derive(Debug, Default)]
struct Pace {
    since: Mono,
    written: u32,
    left_out: u64,
}

#[derive(Debug, Default)]
struct Lane {
    life: VecDeque<Arc<Record>>,
    routine: VecDeque<Arc<Record>>,
    /// Whether anything of `life` is gone.
    forgotten: bool,
    totals: BTreeMap<&'static str, u64>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self {
            lanes: BTreeMap::new(),
            last: 0,
            feed: broadcast::channel(FEED).0,
            strangers: Pace::default(),
            journal: None,
            recorder: Recorder::default(),
        }
    }
}

impl EventLog {
    /// An empty memory whose events are recorded, too.
    pub(crate) fn recorded_by(recorder: Recorder) -> Self {
        Self {
            recorder,
            ..Self::default()
        }
    }

    /// Records an event, writes its line to the log and hands it to followers.
    pub fn record(&mut self, event: Event) {
        let ours = event.connection.is_some() && !is_unproven(&event);
        if ours || self.strangers.takes(event.at.mono) {
            self.write_line(&event);
        }
        self.last += 1;
        self.recorder.event(self.last, &event);
        let record = Arc::new(Record {
            number: self.last,
            event,
        });
        let lane = self
            .lanes
            .entry(record.event.connection.clone())
            .or_default();
        *lane.totals.entry(kind(&record.event.what)).or_default() += 1;
        let (queue, bound) = if is_routine(&record.event.what) {
            (&mut lane.routine, ROUTINE_KEPT)
        } else {
            (&mut lane.life, LIFE_KEPT)
        };
        if queue.len() == bound {
            queue.pop_front();
            lane.forgotten |= bound == LIFE_KEPT;
        }
        queue.push_back(Arc::clone(&record));
        // Nobody following is no failure.
        let _ = self.feed.send(record);
    }

    /// What is kept of one tunnel (`None`: what belongs to none), oldest first.
    #[must_use]
    pub fn of(&self, connection: Option<&str>) -> Vec<Arc<Record>> {
        let mut found: Vec<_> = self
            .lane(connection)
            .into_iter()
            .flat_map(|lane| lane.life.iter().chain(&lane.routine))
            .cloned()
            .collect();
        found.sort_by_key(|record| record.number);
        found
    }

    /// Everything that is kept, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Record>> {
        let mut found: Vec<_> = self
            .lanes
            .values()
            .flat_map(|lane| lane.life.iter().chain(&lane.routine))
            .cloned()
            .collect();
        found.sort_by_key(|record| record.number);
        found
    }

    /// Whether what is kept of a tunnel still holds the beginning of its newest attempt, so that what isn't there
    /// didn't happen.
    #[must_use]
    pub fn covers_newest_attempt(&self, connection: &str) -> bool {
        self.lane(Some(connection)).is_none_or(|lane| {
            !lane.forgotten || lane.life.iter().any(|r| begins_attempt(&r.event.what))
        })
    }

    /// Whether a tunnel, or a stranger that `may_be_peer`, has begun anything.
    #[must_use]
    pub fn has_attempt(&self, connection: &str, may_be_peer: impl Fn(&Event) -> bool) -> bool {
        let began = |lane: &Lane, whose: &dyn Fn(&Event) -> bool| {
            let mut life = lane.life.iter();
            life.any(|r| begins_attempt(&r.event.what) && whose(&r.event))
        };
        let own = self.lane(Some(connection));
        own.is_some_and(|lane| lane.forgotten || began(lane, &|_| true))
            || self
                .lane(None)
                .is_some_and(|lane| began(lane, &may_be_peer))
    }

    /// The number of the newest event.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How often each kind of event happened to a tunnel since the gateway started.
    #[must_use]
    pub fn totals(&self, connection: Option<&str>) -> BTreeMap<&'static str, u64> {
        self.lane(connection)
            .map(|lane| lane.totals.clone())
            .unwrap_or_default()
    }

    /// A feed of the events from now on. A reader that falls behind is told how many it missed.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Arc<Record>> {
        self.feed.subscribe()
    }

    fn write_line(&self, event: &Event) {
        let level = level(&event.what);
        let wanted = match level {
            Level::WARN => tracing::enabled!(Level::WARN),
            Level::INFO => tracing::enabled!(Level::INFO),
            _ => false,
        };
        let told = |journal: &Journal| {
            let number = self.last + 1;
            journal.tell(event, kind(&event.what), level, number)
        };
        // What the journal doesn't take isn't lost.
        if !(wanted && self.journal.as_ref().is_some_and(told)) {
            trace_line(event);
        }
    }

    fn lane(&self, connection: Option<&str>) -> Option<&Lane> {
        self.lanes.get(&connection.map(str::to_owned))
    }
}

impl Pace {
    /// Whether one more line about somebody who belongs to no tunnel may be written: anybody can send packets, as fast
    /// as they like, and the log mustn't fill with them. Events and counters have them all.
    fn takes(&mut self, now: Mono) -> bool {
        if now.since(self.since) >= SECOND {
            if self.left_out > 0 {
                tracing::warn!("{} lines about strangers were left out", self.left_out);
            }
            *self = Self {
                since: now,
                ..Self::default()
            };
        }
        let takes = self.written < STRANGERS_LINES;
        self.written += u32::from(takes);
        self.left_out += u64::from(!takes);
        takes
    }
}

/// Rejected packets, and messages that only show that the other side lives.
fn is_routine(what: &Happening) -> bool {
    match what {
        Happening::Dropped { .. } => true,
        Happening::Sent(m) | Happening::Received(m) => {
            m.exchange == "INFORMATIONAL" && m.payloads.is_empty()
        }
        _ => false,
    }
}

fn begins_attempt(what: &Happening) -> bool {
    match what {
        Happening::Initiating { .. } => true,
        Happening::Received(m) => m.exchange == "IKE_SA_INIT" && !m.response,
        _ => false,
    }
}

/// The serialised tag of a happening, which totals are kept by.
fn kind(what: &Happening) -> &'static str {
    match what {
        Happening::Initiating { .. } => "initiating",
        Happening::PeerUnresolved { .. } => "peer-unresolved",
        Happening::Sent(_) => "sent",
        Happening::Received(_) => "received",
        Happening::Retransmitted { .. } => "retransmitted",
        Happening::GaveUp { .. } => "gave-up",
        Happening::PathFailed { .. } => "path-failed",
        Happening::Cookie { .. } => "cookie",
        Happening::KeRetry { .. } => "ke-retry",
        Happening::NatDetection { .. } => "nat-detection",
        Happening::AuthMethodsAnnounced { .. } => "auth-methods-announced",
        Happening::Floated => "floated",
        Happening::PeerMoved { .. } => "peer-moved",
        Happening::Moved { .. } => "moved",
        Happening::PathVerified { .. } => "path-verified",
        Happening::IkeProposalChosen { .. } => "ike-proposal-chosen",
        Happening::IkeEstablished { .. } => "ike-established",
        Happening::ChildEstablished { .. } => "child-established",
        Happening::Refused { .. } => "refused",
        Happening::PeerRefused { .. } => "peer-refused",
        Happening::UnprotectedNotify { .. } => "unprotected-notify",
        Happening::ChildClosed { .. } => "child-closed",
        Happening::ChildRekeyed { .. } => "child-rekeyed",
        Happening::IkeRekeyed { .. } => "ike-rekeyed",
        Happening::RekeyCollision { .. } => "rekey-collision",
        Happening::PutOff { .. } => "put-off",
        Happening::Expired { .. } => "expired",
        Happening::IkeClosed { .. } => "ike-closed",
        Happening::AddressesLeased { .. } => "addresses-leased",
        Happening::AddressesReleased { .. } => "addresses-released",
        Happening::AddressesAssigned { .. } => "addresses-assigned",
        Happening::InitialContact { .. } => "initial-contact",
        Happening::CertificateExpiry { .. } => "certificate-expiry",
        Happening::ClearTraffic { .. } => "clear-traffic",
        Happening::Foreseen { .. } => "foreseen",
        Happening::HeldBack { .. } => "held-back",
        Happening::MonitorJudged { .. } => "monitor-judged",
        Happening::MonitorActed { .. } => "monitor-acted",
        Happening::HookFailed { .. } => "hook-failed",
        Happening::ProbeAnswered => "probe-answered",
        Happening::PeerAlive => "peer-alive",
        Happening::Dropped { .. } => "dropped",
    }
}

/// One line per event, at the level that [`level`] says.
fn trace_line(event: &Event) {
    match level(&event.what) {
        Level::WARN => tracing::warn!("{event}"),
        Level::INFO => tracing::info!("{event}"),
        Level::DEBUG => tracing::debug!("{event}"),
        _ => tracing::trace!("{event}"),
    }
}

/// What changes a tunnel's state or needs a person at info and warn, messages at debug, packets at trace.
fn level(what: &Happening) -> Level {
    match what {
        Happening::MonitorJudged { judged, .. } if *judged == Judged::Carries => Level::INFO,
        Happening::MonitorJudged { .. }
        | Happening::Refused { .. }
        | Happening::PeerRefused { .. }
        | Happening::GaveUp { .. }
        | Happening::PeerUnresolved { .. }
        | Happening::Expired { .. }
        | Happening::CertificateExpiry { .. }
        | Happening::Foreseen { over: false, .. }
        | Happening::HookFailed { .. }
        | Happening::MonitorActed { .. }
        | Happening::ClearTraffic { passes: true, .. }
        | Happening::UnprotectedNotify { .. } => Level::WARN,
        Happening::Initiating { .. }
        | Happening::PathFailed { .. }
        | Happening::PeerMoved { .. }
        | Happening::Moved { .. }
        | Happening::PathVerified { .. }
        | Happening::IkeEstablished { .. }
        | Happening::ChildEstablished { .. }
        | Happening::ChildClosed { .. }
        | Happening::ChildRekeyed { .. }
        | Happening::IkeRekeyed { .. }
        | Happening::RekeyCollision { .. }
        | Happening::PutOff { .. }
        | Happening::IkeClosed { .. }
        | Happening::AddressesLeased { .. }
        | Happening::AddressesReleased { .. }
        | Happening::AddressesAssigned { .. }
        | Happening::ClearTraffic { .. }
        | Happening::HeldBack { .. }
        | Happening::Foreseen { .. }
        | Happening::InitialContact { .. } => Level::INFO,
        Happening::Dropped { .. } => Level::TRACE,
        _ => Level::DEBUG,
    }
}

/// Events kept per tunnel, routine apart.
const LIFE_KEPT: usize = 512;
/// Routine kept per tunnel.
const ROUTINE_KEPT: usize = 64;
/// Lines a second about events that belong to no tunnel.
const STRANGERS_LINES: u32 = 20;
const SECOND: Duration = Duration::from_secs(1);
/// Events that a follower may lag behind.
const FEED: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::Now;
    use adit_model::drops::DropReason;
    use adit_model::event::Party;

    fn event(connection: &str, what: Happening) -> Event {
        Event {
            at: Now::default(),
            connection: Some(connection.to_owned()),
            role: None,
            local: None,
            remote: None,
            what,
        }
    }

    fn drop_event(n: usize) -> Happening {
        Happening::Dropped {
            reason: DropReason::EspReplay,
            detail: n.to_string(),
        }
    }

    #[test]
    fn a_flood_of_drops_does_not_wash_out_the_exchange() {
        let mut log = EventLog::default();
        log.record(event("office", Happening::Initiating { proposals: vec![] }));
        for n in 0..10_000 {
            log.record(event("office", drop_event(n)));
        }
        let kept = log.of(Some("office"));
        assert_eq!(kept.len(), 1 + ROUTINE_KEPT);
        assert_eq!(kept.first().unwrap().number, 1);
        assert_eq!(kept.last().unwrap().number, 10_001);
        assert_eq!(log.totals(Some("office")).get("dropped"), Some(&10_000));
        assert!(log.covers_newest_attempt("office"));
    }

    #[test]
    fn a_flood_of_strangers_does_not_fill_the_log() {
        let mut pace = Pace::default();
        let start = Now::default();
        let lines = |pace: &mut Pace, now: Now| (0..1000).filter(|_| pace.takes(now.mono)).count();
        assert_eq!(lines(&mut pace, start), 20);
        assert_eq!(lines(&mut pace, start), 0);
        assert_eq!(pace.left_out, 1980);
        assert_eq!(lines(&mut pace, start.plus(SECOND)), 20);
        assert_eq!(pace.left_out, 980);
    }

    #[test]
    fn evidence_is_incomplete_once_the_attempts_beginning_is_forgotten() {
        let mut log = EventLog::default();
        log.record(event("office", Happening::Initiating { proposals: vec![] }));
        for _ in 0..LIFE_KEPT {
            log.record(event("office", Happening::PeerAlive));
        }
        assert!(!log.covers_newest_attempt("office"));
        assert!(log.covers_newest_attempt("another"));
        log.record(event("office", Happening::Initiating { proposals: vec![] }));
        assert!(log.covers_newest_attempt("office"));
    }

    #[test]
    fn tunnels_do_not_mix_and_followers_see_all() {
        let mut log = EventLog::default();
        let mut feed = log.follow();
        let closed = || Happening::IkeClosed {
            by: Party::Us,
            cause: "shutdown".to_owned(),
        };
        log.record(event("a", closed()));
        log.record(event("b", closed()));
        assert_eq!(log.of(Some("a")).len(), 1);
        assert_eq!(log.all().len(), 2);
        assert_eq!(feed.try_recv().unwrap().number, 1);
        assert_eq!(feed.try_recv().unwrap().number, 2);
    }
}
