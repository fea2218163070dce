//! `adit log`: what happened, and what happens.

use adit_gateway::client::{Client, ClientError};
use adit_gateway::clock::rfc3339;
use adit_gateway::events::Record;
use adit_model::event::{Event, Happening};
use serde::Serialize;

use super::{Outcome, Reader, print};
use crate::cli::LogArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;

/// The `adit.log/1` document, one a line.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    number: u64,
    at: String,
    text: String,
    #[serde(flatten)]
    event: Named<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    tunnel: Option<&'a str>,
    peer: Option<String>,
    #[serde(flatten)]
    what: &'a Happening,
}

/// Shows events of one tunnel, or of all.
pub fn log(args: &LogArgs) -> Outcome {
    let mut client = Client::connect(&args.state.state)?;
    let tunnel = args.name.as_deref();
    let mut failed: Option<Failure> = None;
    let mut show = |record: &Record| -> bool {
        if !args.all && is_detail(&record.event.what) {
            return true;
        }
        match line(record, args.json).and_then(|line| print(&line)) {
            Ok(Reader::There) => true,
            Ok(Reader::Gone) => false,
            Err(failure) => {
                failed = Some(failure);
                false
            }
        }
    };
    if args.follow {
        match client.follow(tunnel, |record| show(&record)) {
            // The gateway ended, and with it what there is to follow.
            Ok(()) | Err(ClientError::Io(_)) => {}
            Err(error) => return Err(error.into()),
        }
    } else {
        for record in &client.events(tunnel)? {
            if !show(record) {
                break;
            }
        }
    }
    failed.map_or(Ok(Exit::Done), Err)
}

fn line(record: &Record, json: bool) -> Result<String, Failure> {
    let event = &record.event;
    let at = rfc3339(event.at.wall);
    if !json {
        let p = Palette::stdout();
        // A name or a peer's words may have line breaks; one event is one line.
        let text = event.to_string().replace(['\n', '\r'], " ");
        return Ok(format!("{} {text}\n", p.dim(&at)));
    }
    let line = Line {
        schema: "adit.log/1",
        number: record.number,
        at,
        text: event.to_string(),
        event: named(event),
    };
    let text = serde_json::to_string(&line).map_err(anyhow::Error::from)?;
    Ok(format!("{text}\n"))
}

fn named(event: &Event) -> Named<'_> {
    Named {
        tunnel: event.connection.as_deref(),
        peer: event.remote.map(|remote| remote.to_string()),
        what: &event.what,
    }
}

/// What changes no tunnel's state by itself.
fn is_detail(what: &Happening) -> bool {
    matches!(
        what,
        Happening::Sent(_)
            | Happening::Received(_)
            | Happening::Retransmitted { .. }
            | Happening::Dropped { .. }
            | Happening::PeerAlive
            | Happening::ProbeAnswered
            | Happening::Cookie { .. }
            | Happening::NatDetection { .. }
    )
}
