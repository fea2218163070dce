//! `adit trace`.

use std::time::Duration;

use adit_gateway::client::Client;
use adit_gateway::protocol::Request;
use anyhow::anyhow;

use super::{Outcome, print, print_json};
use crate::cli::TraceArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;
use crate::render::trace;

/// Has the gateway follow packets.
pub fn trace(args: &TraceArgs) -> Outcome {
    if args.source.is_ipv4() != args.destination.is_ipv4() {
        return Err(Failure::usage(anyhow!(
            "{} and {} are of different families",
            args.source,
            args.destination
        )));
    }
    if matches!(args.protocol, Some(6 | 17)) && args.port.is_none() {
        return Err(Failure::usage(anyhow!(
            "TCP and UDP go to a port; fix: adit trace {} {} tcp 443",
            args.source,
            args.destination
        )));
    }
    let wait = if args.no_send {
        Duration::ZERO
    } else {
        Duration::from_secs(args.wait)
    };
    let request = Request::Trace {
        from: args.source,
        to: args.destination,
        protocol: args.protocol,
        port: args.port,
        send: !args.no_send,
        wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
    };
    let mut client = Client::connect(&args.state.state)?;
    let traced = client.trace(&request, wait)?;
    if args.json {
        print_json(&traced)?;
    } else {
        print(&trace::text(&traced, Palette::stdout()))?;
    }
    Ok(if traced.stopped.is_some() || traced.open {
        Exit::Findings
    } else {
        Exit::Done
    })
}
