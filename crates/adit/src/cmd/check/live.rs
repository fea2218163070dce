//! `adit check --live`: what will fail of the running gateway.

use std::net::IpAddr;

use adit_gateway::client::Client;
use anyhow::anyhow;

use crate::cli::CheckArgs;
use crate::cmd::{Outcome, print, print_json};
use crate::exit::{Exit, Failure};
use crate::render::ahead;
use crate::render::style::Palette;

/// Asks the gateway and shows what it says.
pub fn live(args: &CheckArgs) -> Outcome {
    let name = match args.files.as_slice() {
        [] => None,
        [name] => Some(name.to_string_lossy()),
        _ => {
            return Err(Failure::usage(anyhow!(
                "adit check --live takes the name of one tunnel at most. Fix: adit check --live, which shows all"
            )));
        }
    };
    let mut client = Client::connect(&args.state.state)?;
    let premortem = client.foresee(name.as_deref(), operator())?;
    if args.json {
        print_json(&premortem)?;
    } else {
        print(&ahead::text(&premortem, Palette::stdout()))?;
    }
    Ok(if premortem.has_warnings() {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// From where the one who asks is logged in, as sshd says (`SSH_CONNECTION`: address and port of the client, then ours).
pub fn operator() -> Option<IpAddr> {
    let told = std::env::var("SSH_CONNECTION").ok()?;
    told.split(' ').next()?.parse().ok()
}
