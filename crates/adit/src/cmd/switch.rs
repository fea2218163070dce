//! `adit up` and `adit down`.

use std::time::{Duration, Instant};

use adit_gateway::client::{Client, Outcome as Told};
use adit_gateway::events::Record;

use super::{Outcome, print_json};
use crate::cli::{DownArgs, TunnelArgs};
use crate::exit::Exit;
use crate::render::style::Palette;

/// How long `down` waits for the peer's farewell.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sets a tunnel up; what happens meanwhile goes to standard error.
pub fn up(args: &TunnelArgs) -> Outcome {
    let mut client = Client::connect(&args.wait.state.state)?;
    let wait = Duration::from_secs(args.wait.timeout);
    let began = Instant::now();
    let told = client.up(&args.name, wait, tell)?;
    let exit = ended(&told, wait, began);
    if args.json {
        print_json(&client.status(Some(&args.name))?)?;
    }
    if exit != Exit::Done {
        eprintln!("adit why {} says more", args.name);
    }
    Ok(exit)
}

/// Says what came of a command, and how it ends. Who doesn't wait is content.
pub(super) fn ended(told: &Told, wait: Duration, began: Instant) -> Exit {
    let p = Palette::stderr();
    if told.reached {
        eprintln!("{}", p.good(&told.summary));
        return Exit::Done;
    }
    eprintln!("{}", p.bad(&told.summary));
    if wait.is_zero() {
        Exit::Done
    } else if began.elapsed() >= wait {
        Exit::Timeout
    } else {
        Exit::Findings
    }
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
