//! `adit probe`.

use adit_gateway::client::Client;

use super::{Outcome, print, print_json};
use crate::cli::ProbeArgs;
use crate::exit::Exit;
use crate::render::probe;
use crate::render::style::Palette;

/// Has the gateway test what a tunnel's packets meet.
pub fn probe(args: &ProbeArgs) -> Outcome {
    let mut client = Client::connect(&args.state.state)?;
    let probed = client.probe(&args.name, args.inside)?;
    if args.json {
        print_json(&probed)?;
    } else {
        print(&probe::text(&probed, Palette::stdout()))?;
    }
    Ok(if probed.has_findings() {
        Exit::Findings
    } else {
        Exit::Done
    })
}
