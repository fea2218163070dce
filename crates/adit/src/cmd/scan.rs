//! `adit scan`.

use std::net::ToSocketAddrs;

use adit_crypto::provider::aws_lc;
use adit_gateway::scan::{self, ScanOptions};
use anyhow::anyhow;

use super::{Outcome, print, print_json};
use crate::cli::ScanArgs;
use crate::exit::{Exit, Failure};
use crate::render::scan as render;
use crate::render::style::Palette;

/// Asks an IKE peer what it accepts.
pub fn scan(args: &ScanArgs) -> Outcome {
    let mut found = (args.host.as_str(), args.port)
        .to_socket_addrs()
        .map_err(|error| Failure::usage(anyhow!("{} has no address: {error}", args.host)))?;
    let Some(address) = found.next() else {
        return Err(Failure::usage(anyhow!("{} has no address", args.host)));
    };
    let options = ScanOptions {
        host: args.host.clone(),
        address: address.ip(),
        port: args.port,
        nat_port: args.nat_port,
        most: args.most,
    };
    let scanned = scan::scan(&options, &aws_lc()).map_err(anyhow::Error::from)?;
    if args.json {
        print_json(&scanned)?;
    } else {
        print(&render::text(&scanned, Palette::stdout()))?;
    }
    Ok(match (scanned.answers(), scanned.has_findings()) {
        (false, _) => Exit::Timeout,
        (true, true) => Exit::Findings,
        // What wasn't answered may be weak.
        (true, false) if !scanned.is_complete() => Exit::Findings,
        (true, false) => Exit::Done,
    })
}
