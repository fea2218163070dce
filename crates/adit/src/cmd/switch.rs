//! `adit up` and `adit down`.

use std::time::{Duration, Instant};

use adit_gateway::client::Client;
use adit_gateway::events::Record;

use super::{Outcome, print_json};
use crate::cli::{DownArgs, TunnelArgs};
use crate::exit::Exit;
use crate::render::style::Palette;

/// How long `down` waits for the peer's farewell.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sets a tunnel up; what happens meanwhile goes to standard error.
pub fn up(args: &TunnelArgs) -> Outcome {
    let mut client = Client::connect(&args.state.state)?;
    let wait = Duration::from_secs(args.timeout);
    let began = Instant::now();
    let outcome = client.up(&args.name, wait, tell)?;
    let p = Palette::stderr();
    eprintln!(
        "{}",
        if outcome.reached {
            p.good(&outcome.summary)
        } else {
            p.bad(&outcome.summary)
        }
    );
    if args.json {
        print_json(&client.status(Some(&args.name))?)?;
    }
    if outcome.reached || args.timeout == 0 {
        return Ok(Exit::Done);
    }
    eprintln!("adit why {} says more", args.name);
    Ok(if began.elapsed() >= wait {
        Exit::Timeout
    } else {
        Exit::Findings
    })
}

/// Takes a tunnel down. Its traffic stays blocked; `adit unblock` lifts that.
pub fn down(args: &DownArgs) -> Outcome {
    let mut client = Client::connect(&args.state.state)?;
    eprintln!("{}: closing its IKE SA and every child", args.name);
    let outcome = client.down(&args.name, FAREWELL, tell)?;
    eprintln!("{}", outcome.summary);
    if args.json {
        print_json(&client.status(Some(&args.name))?)?;
    }
    Ok(if outcome.reached {
        Exit::Done
    } else {
        Exit::Timeout
    })
}

/// An event, as it happens, on standard error.
pub fn tell(record: &Record) {
    eprintln!("  {}", Palette::stderr().dim(&record.event.to_string()));
}
