//! What the gateway gives its recorder besides events and messages: beginnings, configurations, counters; and what it
//! takes from the recordings of gateways before it.

use std::time::Duration;

use adit_evidence::recording::{ChildSample, Record};
use adit_model::drops::DropReason;
use adit_model::{Mono, Now};

use super::{Files, MOST_PAST, Recorder, directory, read_past};
use crate::attempt::TaskDone;
use crate::gateway::Gateway;
use crate::options::Options;

/// When counters are next recorded, and what was recorded last.
#[derive(Debug, Default)]
pub(crate) struct Sampled {
    due: Option<Mono>,
    last: (Vec<ChildSample>, Vec<(DropReason, u64)>),
}

/// Opens the recorder as configured, and says which files there were before. A gateway runs without a recorder rather
/// than not at all.
pub(crate) fn open(options: &Options) -> (Recorder, Option<Files>) {
    let settings = &options.config.gateway.recorder;
    if !settings.on {
        return (Recorder::default(), None);
    }
    let dir = directory(settings, &options.state_dir);
    let earlier = Files::there_now(&dir);
    match Recorder::start(&dir, settings) {
        Ok(recorder) => (recorder, Some(earlier)),
        Err(error) => {
            let dir = dir.display();
            tracing::warn!("nothing is recorded, since {dir} can't be used: {error}");
            (Recorder::default(), None)
        }
    }
}

impl Gateway {
    /// Records the start, and has the recordings of earlier gateways read beside the loop.
    pub(crate) fn begin_recording(&mut self, earlier: Option<Files>) {
        let Some(earlier) = earlier else {
            return;
        };
        let (at, run) = (self.clock.now(), self.random());
        self.log.recorder.record(Record::Began {
            at,
            run,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        });
        self.record_configuration();
        self.sampled.due = Some(at.mono + SAMPLING);
        let tasks = self.tasks.clone();
        tokio::task::spawn_blocking(move || {
            let past = read_past(&earlier, MOST_PAST).past();
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(TaskDone::Past(past));
        });
    }

    /// Records what is configured now.
    pub(crate) fn record_configuration(&mut self) {
        let connections = self.tunnels.values().map(|t| t.connection.as_ref().clone());
        let record = Record::Configured {
            at: self.clock.now(),
            connections: connections.collect(),
        };
        self.log.recorder.record(record);
    }

    /// When counters are next recorded.
    pub(crate) fn sample_due(&self) -> Option<Mono> {
        self.sampled.due
    }

    /// Records the counters when it is time and something has changed.
    pub(crate) fn look_at_counters(&mut self, now: Now) {
        if self.sampled.due.take_if(|at| *at <= now.mono).is_none() {
            return;
        }
        self.sampled.due = Some(now.mono + SAMPLING);
        let children: Vec<ChildSample> = self
            .backend
            .children()
            .iter()
            .map(|report| ChildSample {
                child: format!("{}/{}", report.child.connection, report.child.child),
                pairs: report.pairs as u64,
                packets_in: report.counters.packets_in,
                packets_out: report.counters.packets_out,
                octets_in: report.counters.bytes_in,
                octets_out: report.counters.bytes_out,
                drops: DropReason::ALL
                    .iter()
                    .map(|reason| (*reason, report.drops.of(*reason)))
                    .filter(|(_, count)| *count > 0)
                    .collect(),
            })
            .collect();
        let drops: Vec<(DropReason, u64)> = self.drop_totals().into_iter().collect();
        if (&children, &drops) == (&self.sampled.last.0, &self.sampled.last.1) {
            return;
        }
        self.sampled.last = (children.clone(), drops.clone());
        self.log.recorder.record(Record::Sample {
            at: now,
            children,
            drops,
        });
    }
}

/// How often counters are recorded while they change.
const SAMPLING: Duration = Duration::from_secs(10);
