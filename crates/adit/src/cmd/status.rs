//! `adit status`.

use std::time::Duration;

use adit_gateway::client::Client;
use adit_model::status::{Status, TunnelState};

use super::{Outcome, Reader, print, print_json};
use crate::cli::StatusArgs;
use crate::exit::Exit;
use crate::render::status::status;
use crate::render::style::Palette;

/// Shows the tunnels once, or again every second.
pub fn show(args: &StatusArgs) -> Outcome {
    let mut client = Client::connect(&args.state.state)?;
    loop {
        let document = client.status(args.name.as_deref())?;
        if args.json {
            print_json(&document)?;
            return Ok(exit(&document));
        }
        let p = Palette::stdout();
        if args.watch && p.on() {
            print("\x1b[H\x1b[2J")?;
        }
        let reader = print(&status(&document, p))?;
        if !args.watch || reader == Reader::Gone {
            return Ok(exit(&document));
        }
        print("\n")?;
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// A tunnel that the operator took down isn't a finding.
fn exit(document: &Status) -> Exit {
    let well = |state| matches!(state, TunnelState::Up | TunnelState::Disabled);
    if document.tunnels.iter().all(|t| well(t.state)) {
        Exit::Done
    } else {
        Exit::Findings
    }
}
