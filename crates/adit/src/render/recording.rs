//! A recording as text: its runs, the ladder, what happened, what was counted last.

use std::fmt::Write as _;

use adit_evidence::capture::Capture;
use adit_evidence::recording::{ChildSample, Record, Recording, Run};
use adit_gateway::clock::rfc3339;
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening};
use serde::Serialize;

use super::capture;
use super::style::Palette;

/// What a recording has beside messages.
#[derive(Serialize)]
pub struct Summary<'a> {
    runs: Vec<RunSummary<'a>>,
    segments: &'a [adit_evidence::recording::SegmentRead],
    lost: u64,
    #[serde(skip)]
    problems: Vec<String>,
}

/// What one gateway did.
#[derive(Serialize)]
struct RunSummary<'a> {
    began: Option<String>,
    version: &'a str,
    /// In order; one that didn't was killed, or still runs.
    ended: bool,
    tunnels: Vec<&'a str>,
    events: Vec<EventLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<Counters<'a>>,
}

#[derive(Serialize)]
struct EventLine<'a> {
    number: u64,
    at: String,
    text: String,
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip)]
    routine: bool,
}

#[derive(Serialize)]
struct Counters<'a> {
    at: String,
    children: &'a [ChildSample],
    drops: &'a [(DropReason, u64)],
}

impl<'a> Summary<'a> {
    /// Sums a recording up. `tunnel` leaves out what is known to be another one's.
    pub fn of(recording: &'a Recording, tunnel: Option<&str>) -> Self {
        Self {
            runs: recording.runs.iter().map(|run| of(run, tunnel)).collect(),
            segments: &recording.segments,
            lost: recording.lost(),
            problems: problems(recording),
        }
    }
}

/// What a person should know about how whole a recording is.
pub fn problems(recording: &Recording) -> Vec<String> {
    let mut out = Vec::new();
    for segment in &recording.segments {
        for damage in &segment.damage {
            let what = if damage.tail {
                "was being written when its gateway was killed"
            } else {
                "can't be read"
            };
            out.push(format!(
                "{}: a part of {} octets at {} {what}; the rest is read",
                segment.name, damage.octets, damage.offset
            ));
        }
        if segment.unknown > 0 {
            out.push(format!(
                "{}: {} records of a kind that isn't known here: another version wrote them",
                segment.name, segment.unknown
            ));
        }
    }
    for entry in recording.entries() {
        if let Record::Lost { at, records, why } = &entry.record {
            let at = rfc3339(at.wall);
            out.push(format!("{at}: {records} records are missing: {why}"));
        }
    }
    out
}

fn of<'a>(run: &'a Run, tunnel: Option<&str>) -> RunSummary<'a> {
    let wanted = |event: &Event| {
        tunnel.is_none() || event.connection.is_none() || event.connection.as_deref() == tunnel
    };
    let line = |(number, event): (u64, &'a Event)| EventLine {
        number,
        at: rfc3339(event.at.wall),
        text: event.to_string(),
        event,
        routine: is_routine(&event.what),
    };
    let counters = run.entries.iter().rev().find_map(|e| match &e.record {
        Record::Sample {
            at,
            children,
            drops,
        } => Some(Counters {
            at: rfc3339(at.wall),
            children,
            drops,
        }),
        _ => None,
    });
    let tunnels = run.configured().into_iter().flatten();
    RunSummary {
        began: run.began.map(|at| rfc3339(at.wall)),
        version: &run.version,
        ended: run.ended,
        tunnels: tunnels.map(|c| c.name.as_str()).collect(),
        events: run.events().filter(|(_, e)| wanted(e)).map(line).collect(),
        counters,
    }
}

/// What the ladder shows, or what happens all the time.
fn is_routine(what: &Happening) -> bool {
    matches!(
        what,
        Happening::Sent(_)
            | Happening::Received(_)
            | Happening::Retransmitted { .. }
            | Happening::Dropped { .. }
            | Happening::PeerAlive
    )
}

/// Everything.
pub fn text(name: &str, summary: &Summary<'_>, ladder: &Capture, p: Palette) -> String {
    let mut out = String::new();
    let records: u64 = summary.segments.iter().map(|s| s.records).sum();
    let (files, runs) = (summary.segments.len(), summary.runs.len());
    let _ = writeln!(
        out,
        "{}: {records} records in {files} file{} of {runs} run{}",
        p.value(name),
        plural(files),
        plural(runs)
    );
    for problem in &summary.problems {
        let _ = writeln!(out, "  {} {problem}", p.open("incomplete:"));
    }
    for run in &summary.runs {
        let began = run.began.as_deref().unwrap_or("at a time that isn't known");
        let end = if run.ended {
            "ended in order"
        } else {
            "still running, or killed"
        };
        let _ = writeln!(
            out,
            "\n{} {began}, version {}, {end}; tunnels {}",
            p.bold("Started"),
            run.version,
            run.tunnels.join(", ")
        );
        for event in run.events.iter().filter(|e| !e.routine) {
            let _ = writeln!(out, "  {}  {}", p.dim(&event.at), event.text);
        }
        if let Some(counters) = &run.counters {
            counted(&mut out, counters, p);
        }
    }
    out.push('\n');
    out.push_str(&capture::text("messages", ladder, p));
    out
}

fn counted(out: &mut String, counters: &Counters<'_>, p: Palette) {
    let _ = writeln!(out, "  {}  counted by then:", p.dim(&counters.at));
    for c in counters.children {
        let _ = writeln!(
            out,
            "    {}: {} packets in, {} out",
            p.value(&c.child),
            c.packets_in,
            c.packets_out
        );
    }
    for (reason, packets) in counters.drops {
        let _ = writeln!(
            out,
            "    {packets} dropped: {} ({})",
            reason.meaning(),
            reason.name()
        );
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
